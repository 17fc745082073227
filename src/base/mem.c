/* base/mem.c -- see mem.h. SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "base/port.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* [lock-free] requests left until failure; 0 means never. */
static _Atomic long fail_countdown;

void ml_mem_fail_after(long n)
{
    atomic_store(&fail_countdown, n);
}

static int must_fail(void)
{
    long n = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (ML_LIKELY(n == 0))
        return 0;
    if (n > 1)
        atomic_store(&fail_countdown, n - 1);
    return n == 1;
}

void *ml_calloc(size_t n, size_t size)
{
    if (must_fail())
        return NULL;
    return calloc(n != 0 ? n : 1, size != 0 ? size : 1);
}

void *ml_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || must_fail())
        return NULL;
    return realloc(p, bytes != 0 ? bytes : 1);
}

void ml_free(void *p)
{
    free(p);
}

void ml_mem_large(void *p, size_t bytes)
{
    if (p != NULL && bytes >= (size_t)2 << 20)
        ML_LARGE_PAGES(p, bytes);
}

void ml_mem_stay_small(void)
{
    ML_SMALL_HEAP();
}

void ml_mem_trim(void)
{
    ML_TRIM_HEAP();
}

char *ml_strndup(const char *s, size_t n)
{
    if (n == SIZE_MAX)
        return NULL;
    char *copy = ml_calloc(n + 1, 1);
    if (copy != NULL)
        memcpy(copy, s, n);
    return copy;
}

char *ml_strdup(const char *s)
{
    return ml_strndup(s, strlen(s));
}
