/* core/native_blocks.c -- see native_hooks.h: malloc and its family. The order of each is heap.h's rule.
 * SPDX-License-Identifier: MIT */
#include "core/heap.h"
#include "core/native_hooks.h"

static inline void *allocated(struct ml_heap_thread *t, void *p, size_t n)
{
    if (ML_LIKELY(p != NULL))
        ml_heap_alloc(t, p, n);
    ml_heap_end(t);
    return p;
}

/* Hot. Cost beside the real function: core/heap.h's begin and alloc. */
void *ml__hook_malloc(size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    if (ML_UNLIKELY(t == NULL))
        return ml__real.malloc(ml__padded(n));
    return allocated(t, ml__real.malloc(ml__padded(n)), n);
}

/* Hot. */
void ml__hook_free(void *p)
{
    struct ml_heap_thread *t = p == NULL || ml_heap_unknown(p) ? NULL : ml_heap_begin();
    if (t == NULL) {
        ml__real.free(p);
        return;
    }
    ml_heap_release(t, p, false);
    ml__real.free(p);
    ml_heap_end(t);
}

void ml__hook_cfree(void *p)
{
    ml__hook_free(p);
}

void *ml__hook_calloc(size_t n, size_t size)
{
    struct ml_heap_thread *t = ml_heap_begin();
    size_t total = 0;
    bool over = __builtin_mul_overflow(n, size, &total); /* the real one then says no */
    bool small = !over && total < 16;
    void *p = small ? ml__real.calloc(1, 16) : ml__real.calloc(n, size);
    return t != NULL ? allocated(t, p, total) : p;
}

void *ml__hook_realloc(void *p, size_t n)
{
    bool frees = p != NULL && n == 0 && ml__realloc_frees;
    size_t ask = frees ? 0 : ml__padded(n);
    struct ml_heap_thread *t = ml_heap_begin();
    if (ML_UNLIKELY(t == NULL))
        return ml__real.realloc(p, ask);
    struct ml_cell old = {0, 0};
    if (p != NULL)
        old = ml_heap_take(p);
    void *q = ml__real.realloc(p, ask);
    if (ML_LIKELY(q != NULL))
        ml_heap_moved(t, p, old, q, n, false);
    else if (frees)
        ml_heap_retire(t, old, false);
    else if (p != NULL)
        ml_heap_put(p, old);
    ml_heap_end(t);
    return q;
}

void *ml__hook_reallocarray(void *p, size_t n, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(n, size, &total))
        return ml__real.reallocarray(p, n, size); /* fails, and says why */
    return ml__hook_realloc(p, total);
}

/* An alignment of 16 or more keeps blocks apart as they are. */
static size_t padded_for(size_t align, size_t n)
{
    return align < 16 ? ml__padded(n) : n;
}

int ml__hook_posix_memalign(void **out, size_t align, size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    int rc = ml__real.posix_memalign(out, align, padded_for(align, n));
    if (t != NULL)
        allocated(t, rc == 0 ? *out : NULL, n);
    return rc;
}

void *ml__hook_aligned_alloc(size_t align, size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    void *p = ml__real.aligned_alloc(align, padded_for(align, n));
    return t != NULL ? allocated(t, p, n) : p;
}

void *ml__hook_memalign(size_t align, size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    void *p = ml__real.memalign(align, padded_for(align, n));
    return t != NULL ? allocated(t, p, n) : p;
}

void *ml__hook_valloc(size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    void *p = ml__real.valloc(n);
    return t != NULL ? allocated(t, p, n) : p;
}

void *ml__hook_pvalloc(size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    void *p = ml__real.pvalloc(n);
    return t != NULL ? allocated(t, p, n) : p;
}
