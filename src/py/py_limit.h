/* py/py_limit.h -- the watch on the memory limit, in the interpreter.
 *
 * Looks are taken where memory is looked at anyway (a moment of the heap's timeline, a reading of resident
 * memory), at any place, with any locks. What a look finds waits for a safe moment: the end of the next
 * line event of profiled code, in any thread, or the main thread's pending calls.
 * Threads: any; one looks at a time, others pass. SPDX-License-Identifier: MIT */
#ifndef ML_PY_LIMIT_H
#define ML_PY_LIMIT_H

#include "py/pycompat.h"

#include "base/port.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Add limit_* and limits to the module. 0, or -1 with an exception. */
int ml_py_limit_init(PyObject *module);
/* An outermost scope has ended. */
void ml_py_limit_run_ended(void);
/* In a forked child: its use begins anew. */
void ml_py_limit_after_fork(void);

/* A crossing waits to be told. */
extern _Atomic bool ml_py_limit_due;
/* Tell it, with the interpreter lock. Errors go to sys.unraisablehook. */
void ml_py_limit_tell(void);

/* At a moment when Python code may run. Cost: a load. */
static inline void ml_py_limit_visit(void)
{
    if (ML_UNLIKELY(atomic_load_explicit(&ml_py_limit_due, memory_order_relaxed)))
        ml_py_limit_tell();
}

#endif
