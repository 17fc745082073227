/* py/events.h -- the five events, from an engine to the core, for all probes of a code object.
 *
 * An engine tells which frame (an id that is only compared) of which code object does what; here the
 * probes are found and the core's stack is moved. Threads: the interpreter lock.
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_EVENTS_H
#define ML_PY_EVENTS_H

#include "py/codes.h"

#include "core/heap.h"
#include "py/py_limit.h"

/* The frame begins. */
void ml_event_enter(struct ml_code *c, const void *id);
/* The frame goes on after a suspension, at an instruction offset (bytes). */
void ml_event_resume(struct ml_code *c, const void *id, int offset);
/* The frame pauses. */
void ml_event_suspend(const void *id);
/* The frame ends. */
void ml_event_leave(const void *id);
/* A line begins in a frame that is not on top of the stack: put things right first. */
void ml_event_line_slow(PyCodeObject *code, const void *id, uint32_t line);

/* A line begins.
 * Hot: every line event of profiled code. Cost: one thread-local load and the core's own. */
static inline void ml_event_line(PyCodeObject *code, const void *id, uint32_t line)
{
    struct ml_thread *t = ml_thread_find();
    if (ML_UNLIKELY(t == NULL || t->n == 0 || t->frames[t->n - 1].id != id)) {
        ml_event_line_slow(code, id, line);
        return;
    }
    uint32_t i = t->n;
    do
        ml_scope_line(t, &t->frames[i - 1], line);
    while (ML_UNLIKELY(--i > 0 && t->frames[i - 1].id == id));
    ml_py_limit_visit();
}

/* The interpreter allocated this block to tell of an event: the program did not. NULL is fine. Cost while
 * nothing is accounted for: a load. */
static inline void ml_event_not_theirs(void *block)
{
    if (ML_UNLIKELY(atomic_load_explicit(&ml_heap_mode_now, memory_order_relaxed) ==
                    ML_HEAP_EXACT) &&
        block != NULL && ml_heap_mine != NULL)
        ml_heap_disown(ml_heap_mine, block);
}

/* Frames above the n lowest of this thread's stack have ended without being told: end them. */
void ml_event_drop(uint32_t n);
/* This recorder no longer measures here: end its frames that stand on top of this thread's stack. */
void ml_event_stop(const struct ml_recorder *r);
/* A call was ended by a callback that raised KeyboardInterrupt or SystemExit: -1, and the error is
 * set. Other errors went to sys.unraisablehook. */
int ml_event_error(void);

#endif
