/* py/py_hooks.h -- hooks on the three allocators of the interpreter: RAW, MEM, OBJ.
 * Threads: the interpreter lock, to install and to remove; the hooks themselves run in any thread.
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_HOOKS_H
#define ML_PY_HOOKS_H

#include <stdbool.h>

/* Nothing happens when they are installed already. */
void ml_hooks_install(void);
/* Put back what was there before, where ours is still on top; where another tool has put its own hook in
 * front, ours stay behind it and pass everything through. */
void ml_hooks_remove(void);
/* Are all three still on top? */
bool ml_hooks_on_top(void);
/* Is nobody else watching objects being made? tracemalloc takes its lock for each new object, and calls malloc
 * while it has it. */
bool ml_hooks_alone(void);

#endif
