/* base/arena.c -- see arena.h. SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGN = alignof(max_align_t) };

struct ml_arena_block {
    struct ml_arena_block *next; /* older block */
    size_t used;
    size_t cap;
    alignas(max_align_t) unsigned char bytes[];
};

static struct ml_arena_block *block_new(size_t bytes)
{
    size_t cap = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    if (cap > SIZE_MAX - sizeof(struct ml_arena_block))
        return NULL;
    struct ml_arena_block *b = ml_realloc(NULL, 1, sizeof *b + cap);
    if (b != NULL) {
        b->used = 0;
        b->cap = cap;
    }
    return b;
}

/* A block with room for so many bytes: the first idle one if it is big enough, else a new one. */
static struct ml_arena_block *block_take(struct ml_arena *a, size_t bytes)
{
    struct ml_arena_block *b = a->idle;
    if (b == NULL || b->cap < bytes)
        return block_new(bytes);
    a->idle = b->next;
    return b;
}

void *ml_arena_raw(struct ml_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - ALIGN)
        return NULL;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (a->max_bytes != 0 && bytes > a->max_bytes - a->used_bytes)
        return NULL;
    if (a->top == NULL || bytes > a->top->cap - a->top->used) {
        struct ml_arena_block *b = block_take(a, bytes);
        if (b == NULL)
            return NULL;
        b->next = a->top;
        a->top = b;
    }
    void *p = a->top->bytes + a->top->used;
    a->top->used += bytes;
    a->used_bytes += bytes;
    return p;
}

void *ml_arena_alloc(struct ml_arena *a, size_t n, size_t size)
{
    void *p = ml_arena_raw(a, n, size);
    if (p != NULL)
        memset(p, 0, n * size);
    return p;
}

struct ml_str ml_arena_copy(struct ml_arena *a, struct ml_str s)
{
    char *p = s.n < SIZE_MAX ? ml_arena_alloc(a, s.n + 1, 1) : NULL;
    if (p == NULL)
        return (struct ml_str){NULL, 0};
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return (struct ml_str){p, s.n};
}

void ml_arena_reset(struct ml_arena *a)
{
    while (a->top != NULL) {
        struct ml_arena_block *b = a->top;
        a->top = b->next;
        b->used = 0;
        b->next = a->idle;
        a->idle = b;
    }
    a->used_bytes = 0;
}

void ml_arena_clear(struct ml_arena *a)
{
    ml_arena_reset(a);
    while (a->idle != NULL) {
        struct ml_arena_block *next = a->idle->next;
        ml_free(a->idle);
        a->idle = next;
    }
}
