/* py/py_greenlets.h -- greenlets: pieces of code that have stacks of their own and take turns in one thread.
 *
 * A greenlet that gives way leaves the thread's stack with all its frames, as a coroutine does with one, and has
 * them back when it goes on: nothing that others do meanwhile is its lines'. The switch is told by
 * greenlet.settrace, which we take as soon as the package is loaded, in front of a tracer that is there, and again
 * when another takes our place and drops us.
 * A switch before that (the package was loaded within the very function that switches first): lines under way
 * in other greenlets end at that moment, and what the rest of them allocates counts as outside of lines.
 * Threads: the interpreter lock. SPDX-License-Identifier: MIT */
#ifndef ML_PY_GREENLETS_H
#define ML_PY_GREENLETS_H

#include "py/pycompat.h"

#include "core/scope.h"

extern PyObject *ml_py_modules; /* owned: sys.modules */
/* How many there were when this thread last looked. */
extern ML_THREAD_LOCAL Py_ssize_t ml_py_n_modules;

/* Once per process. 0, or -1 with an exception. */
int ml_py_greenlets_init(void);
/* Watch this thread's switches if the package is there. Never fails; errors that are set stay. */
void ml_py_greenlets_look(struct ml_thread *t);

/* A profiled frame begins: perhaps the package is loaded by now. Cost: two loads, a branch. */
static inline void ml_py_greenlets_visit(struct ml_thread *t)
{
    if (ML_UNLIKELY(PyDict_GET_SIZE(ml_py_modules) != ml_py_n_modules))
        ml_py_greenlets_look(t);
}

#endif
