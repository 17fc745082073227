/* base/arena.h -- memory that is freed all at once: one per request or query.
 *
 * Memory:  blocks of 64 KiB and up, chained; nothing is freed before ml_arena_clear.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_ARENA_H
#define ML_BASE_ARENA_H

#include "base/str.h"

#include <stddef.h>

struct ml_arena_block;

/* All-zero is a valid empty arena. */
struct ml_arena {
    /* private */
    struct ml_arena_block *top;  /* owned chain */
    struct ml_arena_block *idle; /* owned chain of blocks that a reset emptied */
    size_t used_bytes;           /* handed out, all blocks */
    size_t max_bytes;            /* 0: no limit */
};

/* Zeroed, aligned for any type; NULL when memory or max_bytes is exhausted. */
void *ml_arena_alloc(struct ml_arena *a, size_t n, size_t size);
/* A copy with a terminating zero behind it; .p is NULL on failure. */
struct ml_str ml_arena_copy(struct ml_arena *a, struct ml_str s);
/* The same without the zeroing, for what is overwritten at once. */
void *ml_arena_raw(struct ml_arena *a, size_t n, size_t size);
/* Empties it but keeps the blocks for the next use; cheaper than clear in a loop. */
void ml_arena_reset(struct ml_arena *a);
/* Frees everything; the arena can be used again. */
void ml_arena_clear(struct ml_arena *a);

#endif
