/* core/native_hooks.h -- the table of hooked functions, for native*.c alone.
 *
 * A row makes three things: ml__real.NAME, ml__hook_NAME, a row of the table in native.c.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_NATIVE_HOOKS_H
#define ML_CORE_NATIVE_HOOKS_H

#include "base/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/types.h>

/* X(name, result, arguments). native_blocks.c; malloc comes first: it tells who the allocator is. */
#define ML_NATIVE_BLOCKS(X)                                      \
    X(malloc, void *, (size_t n))                                \
    X(free, void, (void *p))                                     \
    X(calloc, void *, (size_t n, size_t size))                   \
    X(realloc, void *, (void *p, size_t n))                      \
    X(reallocarray, void *, (void *p, size_t n, size_t size))    \
    X(posix_memalign, int, (void **out, size_t align, size_t n)) \
    X(aligned_alloc, void *, (size_t align, size_t n))           \
    X(memalign, void *, (size_t align, size_t n))                \
    X(valloc, void *, (size_t n))                                \
    X(pvalloc, void *, (size_t n))                               \
    X(cfree, void, (void *p))

/* Of allocators that take the C library's place: functions that would not come through the above.
 * C23's, jemalloc's, and C++'s. native_others.c */
#define ML_NATIVE_OTHERS(X)                                                                      \
    X(free_sized, void, (void *p, size_t n))                                                     \
    X(free_aligned_sized, void, (void *p, size_t align, size_t n))                               \
    X(sdallocx, void, (void *p, size_t n, int flags))                                            \
    X(_Znwm, void *, (size_t n))                                                                 \
    X(_Znam, void *, (size_t n))                                                                 \
    X(_ZnwmRKSt9nothrow_t, void *, (size_t n, const void *nothrow))                              \
    X(_ZnamRKSt9nothrow_t, void *, (size_t n, const void *nothrow))                              \
    X(_ZnwmSt11align_val_t, void *, (size_t n, size_t align))                                    \
    X(_ZnamSt11align_val_t, void *, (size_t n, size_t align))                                    \
    X(_ZnwmSt11align_val_tRKSt9nothrow_t, void *, (size_t n, size_t align, const void *nothrow)) \
    X(_ZnamSt11align_val_tRKSt9nothrow_t, void *, (size_t n, size_t align, const void *nothrow)) \
    X(_ZdlPv, void, (void *p))                                                                   \
    X(_ZdaPv, void, (void *p))                                                                   \
    X(_ZdlPvm, void, (void *p, size_t n))                                                        \
    X(_ZdaPvm, void, (void *p, size_t n))                                                        \
    X(_ZdlPvSt11align_val_t, void, (void *p, size_t align))                                      \
    X(_ZdaPvSt11align_val_t, void, (void *p, size_t align))                                      \
    X(_ZdlPvmSt11align_val_t, void, (void *p, size_t n, size_t align))                           \
    X(_ZdaPvmSt11align_val_t, void, (void *p, size_t n, size_t align))                           \
    X(_ZdlPvRKSt9nothrow_t, void, (void *p, const void *nothrow))                                \
    X(_ZdaPvRKSt9nothrow_t, void, (void *p, const void *nothrow))                                \
    X(_ZdlPvSt11align_val_tRKSt9nothrow_t, void, (void *p, size_t align, const void *nothrow))   \
    X(_ZdaPvSt11align_val_tRKSt9nothrow_t, void, (void *p, size_t align, const void *nothrow))

/* native_maps.c */
#define ML_NATIVE_MAPS(X)                                                              \
    X(mmap, void *, (void *at, size_t n, int access, int flags, int fd, off_t from))   \
    X(mmap64, void *, (void *at, size_t n, int access, int flags, int fd, off_t from)) \
    X(munmap, int, (void *at, size_t n))                                               \
    X(mremap, void *, (void *at, size_t old, size_t n, int flags, void *to))           \
    X(mprotect, int, (void *at, size_t n, int access))                                 \
    X(pkey_mprotect, int, (void *at, size_t n, int access, int key))                   \
    X(madvise, int, (void *at, size_t n, int advice))                                  \
    X(brk, int, (void *to))                                                            \
    X(sbrk, void *, (intptr_t by))

/* native.c: symbols that are looked up while the program runs, and threads. */
#define ML_NATIVE_REST(X)                              \
    X(dlsym, void *, (void *handle, const char *name)) \
    X(pthread_create, int,                             \
      (pthread_t * out, const pthread_attr_t *how, void *(*run)(void *), void *arg))

#define ML_NATIVE_ALL(X) \
    ML_NATIVE_BLOCKS(X)  \
    ML_NATIVE_OTHERS(X)  \
    ML_NATIVE_MAPS(X)    \
    ML_NATIVE_REST(X)

#define ML_NATIVE_FIELD(name, result, arguments) result(*name) arguments;
#define ML_NATIVE_WRAPPER(name, result, arguments) result ml__hook_##name arguments;
/* Written once, before the first slot changes. NULL: nobody defines it, and its wrapper is nowhere. */
extern struct ml__real {
    ML_NATIVE_ALL(ML_NATIVE_FIELD)
} ml__real;
ML_NATIVE_ALL(ML_NATIVE_WRAPPER)
#undef ML_NATIVE_FIELD
#undef ML_NATIVE_WRAPPER

/* Whether the allocator's realloc(p, 0) frees; written with the above. */
extern bool ml__realloc_frees;

/* What to ask the allocator for: blocks of 16 bytes and more never share 16 bytes of addresses. */
static inline size_t ml__padded(size_t n)
{
    return n < 16 ? 16 : n;
}

#endif
