/* py/engine_filter.h -- code that is not profiled runs without the tracer, Python 3.8 to 3.11.
 *
 * In a thread that measures, the tracer is there while profiled code runs and away while other code does,
 * callers and callees alike; sys.gettrace() shows the same all the while.
 * The rule: the tracer may be there too often, never too seldom. Where the filter cannot keep it, it gives up
 *   for good, and the tracer is there all the time, as it is without a filter.
 * Threads: the interpreter lock. SPDX-License-Identifier: MIT */
#ifndef ML_PY_ENGINE_FILTER_H
#define ML_PY_ENGINE_FILTER_H

#include "py/codes.h"

/* What the filter needs of its engine. */
struct ml_filter_engine {
    Py_tracefunc tracer; /* the only one that is taken away and put back */
    /* Is this code profiled? With `begins` a frame of it begins, so that select() may be asked. An exception may
     * be set, and stays. */
    bool (*profiled)(PyCodeObject *code, bool begins);
};

/* This thread has the tracer from now on, and is filtered. */
void ml_filter_on(const struct ml_filter_engine *e);
/* It has no longer. */
void ml_filter_off(void);
/* Does the filter decide whether this thread has the tracer? */
bool ml_filter_decides(void);
/* Code is profiled that was not before: it may be running. */
void ml_filter_changed(void);

#endif
