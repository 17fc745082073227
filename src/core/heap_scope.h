/* core/heap_scope.h -- scopes: a request, a task, an invocation; every figure also by these.
 *
 * A thread is in one scope at a time, or in none. While it is in one, what lines allocate is charged to
 * accounts of (line, scope), and the thread's own net is the scope's: its peak is the highest that
 * rose above the level at its beginning, over all the stretches in which some thread was in it.
 * Bounded: of closed scopes the newest ML_SCOPES_KEPT stay; the accounts of older ones are folded into
 * those of their lines. Threads: the interpreter lock. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_HEAP_SCOPE_H
#define ML_CORE_HEAP_SCOPE_H

#include "base/str.h"
#include "core/heap.h"

enum { ML_SCOPES_KEPT = 2048 };

struct ml_scope_figures {
    int64_t net_bytes;    /* allocated minus freed while in it */
    int64_t peak_bytes;   /* highest of that */
    uint64_t alloc_bytes; /* its accounts */
    int64_t held_bytes;   /* of that, still alive */
};

/* A new scope's id, not entered yet; 0 while accounting is off, or when ML_SCOPES_KEPT are open. Texts that
 * are too long are cut. */
uint32_t ml_heap_scope_open(struct ml_str name, struct ml_str key, uint32_t parent);
/* This thread is in the scope from now on; 0 or one that is no more: in none. Returns the one before. Call
 * ml_heap_mark first, which gives the line its peak: what was highest before is not the new scope's. */
uint32_t ml_heap_scope_enter(struct ml_heap_thread *t, uint32_t id);
/* Its figures now; all zero if it is no more. Of threads that are in it, only `t` is up to date. */
void ml_heap_scope_read(struct ml_heap_thread *t, uint32_t id, struct ml_scope_figures *out);
/* It ends; its row stays. Threads that are still in it charge it no longer than to their next switch. */
void ml_heap_scope_close(struct ml_heap_thread *t, uint32_t id, struct ml_scope_figures *out);

/* The scope's accounts one after another; begin with an all-zero struct. False at the end. */
struct ml_scope_line {
    const struct ml_account *account;
    struct ml_line *line;
    uint64_t alloc_bytes;
    int64_t held_bytes; /* alive now */
    uint32_t site;      /* private: where the walk is */
};
bool ml_heap_scope_line(struct ml_book *b, uint32_t id, struct ml_scope_line *at);

#endif
