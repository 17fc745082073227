/* py/engine.h -- how line events are had from this interpreter: one protocol, two engines.
 *
 * monitoring (3.12+): sys.monitoring with C callbacks, events only at the code objects watched; works
 *   in all threads at once, and functions need no wrapper.
 * settrace (3.8-3.11): a C trace function on the threads that are inside profiled code, in front of
 *   whatever tracer was there; functions get wrappers that switch it on.
 * Threads: the interpreter lock. SPDX-License-Identifier: MIT */
#ifndef ML_PY_ENGINE_H
#define ML_PY_ENGINE_H

#include "py/codes.h"

/* Names the engine: "monitoring" or "settrace". */
extern const char *const ml_engine_name;

/* Deliver this code object's events, or no longer; follows c->active. 0, or -1 with an exception
 * (no free tool id). */
int ml_engine_watch(struct ml_code *c);
/* A code object that may be watched is dying. */
void ml_engine_forget(const struct ml_code *c);
/* Begin and end tracing in this thread; they nest. No-ops for monitoring. 0, or -1. */
int ml_engine_thread_on(void);
void ml_engine_thread_off(void);
/* Show every code object that starts to ml_select_judge (py_select.h), in all threads to come and
 * in this one; or no longer. 0, or -1 with an exception. */
int ml_engine_select(PyObject *module, bool on);

#endif
