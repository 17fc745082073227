/* What tests find in the library of family.c by name. SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>

struct family_maker {
    const char *name;
    void *(*make)(size_t n);
};
extern const struct family_maker family_makers[]; /* ends with a NULL name */

/* X(name, result, arguments) */
#define FAMILY(X)                                                            \
    X(free, void, (void *p))                                                 \
    X(realloc, void *, (void *p, size_t n))                                  \
    X(reallocarray, void *, (void *p, size_t n, size_t size))                \
    X(calloc, void *, (size_t n, size_t size))                               \
    X(usable, size_t, (void *p))                                             \
    X(strdup, char *, (const char *text))                                    \
    X(getline, long, (const char *path, char **line))                        \
    X(lookup, void *, (void *handle, const char *name))                      \
    X(lookup_default, void *, (void))                                        \
    X(lookup_next, void *, (const char *name))                               \
    X(mmap, void *, (void *at, size_t n, int access, int flags, int fd))     \
    X(munmap, int, (void *at, size_t n))                                     \
    X(mremap, void *, (void *at, size_t old, size_t n, int flags, void *to)) \
    X(mprotect, int, (void *at, size_t n, int access))                       \
    X(madvise, int, (void *at, size_t n, int advice))                        \
    X(sbrk, void *, (intptr_t by))                                           \
    X(brk, int, (void *to))                                                  \
    X(thread, int, (void *(*run)(void *), void *arg))

#define FAMILY_DECLARE(name, result, arguments) result family_##name arguments;
FAMILY(FAMILY_DECLARE)
extern int family_marker;
