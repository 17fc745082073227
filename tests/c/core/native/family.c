/* A library that allocates: one function for each of malloc's family, called through its own slots.
 * Built twice: with slots that the loader binds at the first call, and with read-only ones.
 * SPDX-License-Identifier: MIT */
#include "family.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *do_malloc(size_t n)
{
    return malloc(n);
}

static void *do_calloc(size_t n)
{
    return calloc(1, n);
}

static void *do_calloc_many(size_t n)
{
    return calloc(n, 1);
}

static void *do_realloc_new(size_t n)
{
    return realloc(NULL, n);
}

static void *do_reallocarray(size_t n)
{
    return reallocarray(NULL, n, 1);
}

static void *do_posix_memalign(size_t n)
{
    void *p = NULL;
    return posix_memalign(&p, 64, n) == 0 ? p : NULL;
}

static void *do_posix_memalign_8(size_t n)
{
    void *p = NULL;
    return posix_memalign(&p, 8, n) == 0 ? p : NULL;
}

static void *do_aligned_alloc(size_t n)
{
    return aligned_alloc(1, n); /* strict ones want n to be a multiple */
}

static void *do_memalign(size_t n)
{
    return memalign(128, n);
}

static void *do_valloc(size_t n)
{
    return valloc(n);
}

static void *do_pvalloc(size_t n)
{
    return pvalloc(n);
}

const struct family_maker family_makers[] = {
    {"malloc", do_malloc},
    {"calloc", do_calloc},
    {"calloc", do_calloc_many},
    {"realloc", do_realloc_new},
    {"reallocarray", do_reallocarray},
    {"posix_memalign", do_posix_memalign},
    {"posix_memalign", do_posix_memalign_8},
    {"aligned_alloc", do_aligned_alloc},
    {"memalign", do_memalign},
    {"valloc", do_valloc},
    {"pvalloc", do_pvalloc},
    {NULL, NULL},
};

void family_free(void *p)
{
    free(p);
}

void *family_realloc(void *p, size_t n)
{
    return realloc(p, n);
}

void *family_reallocarray(void *p, size_t n, size_t size)
{
    return reallocarray(p, n, size);
}

void *family_calloc(size_t n, size_t size)
{
    return calloc(n, size);
}

size_t family_usable(void *p)
{
    return malloc_usable_size(p);
}

char *family_strdup(const char *text)
{
    return strdup(text);
}

long family_getline(const char *path, char **line)
{
    size_t room = 0;
    FILE *f = fopen(path, "r");
    long n = f != NULL ? (long)getline(line, &room, f) : -1;
    if (f != NULL)
        fclose(f);
    return n;
}

void *family_lookup(void *handle, const char *name)
{
    return dlsym(handle, name);
}

/* dlsym looks at its caller; a jump at a function's end would make that somebody else. */
int family_marker = 42;
void *family_lookup_default(void)
{
    void *volatile p = dlsym(RTLD_DEFAULT, "family_marker");
    return p;
}

void *family_lookup_next(const char *name)
{
    void *volatile p = dlsym(RTLD_NEXT, name);
    return p;
}

void *family_mmap(void *at, size_t n, int access, int flags, int fd)
{
    return mmap(at, n, access, flags, fd, 0);
}

int family_munmap(void *at, size_t n)
{
    return munmap(at, n);
}

void *family_mremap(void *at, size_t old, size_t n, int flags, void *to)
{
    return mremap(at, old, n, flags, to);
}

int family_mprotect(void *at, size_t n, int access)
{
    return mprotect(at, n, access);
}

int family_madvise(void *at, size_t n, int advice)
{
    return madvise(at, n, advice);
}

void *family_sbrk(intptr_t by)
{
    return sbrk(by);
}

int family_brk(void *to)
{
    return brk(to);
}

int family_thread(void *(*run)(void *), void *arg)
{
    pthread_t t;
    return pthread_create(&t, NULL, run, arg) == 0 ? pthread_join(t, NULL) : -1;
}
