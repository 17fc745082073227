/* tests/c/core/fakeroot.h -- a folder with the files that a kernel would show. SPDX-License-Identifier: MIT */
#ifndef ML_TESTS_FAKEROOT_H
#define ML_TESTS_FAKEROOT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "test.h"

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

static char fakeroot[64];

static inline int fakeroot_setup(void **state)
{
    (void)state;
    snprintf(fakeroot, sizeof fakeroot, "/tmp/memline-root-XXXXXX");
    return mkdtemp(fakeroot) != NULL ? 0 : -1;
}

static inline int fakeroot_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline int fakeroot_teardown(void **state)
{
    (void)state;
    return nftw(fakeroot, fakeroot_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes fakeroot/NAME, with the folders it needs. */
static inline void fake(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", fakeroot, name);
    for (char *p = path + strlen(fakeroot) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static inline void fake_number(const char *name, unsigned long long n)
{
    char text[32];
    snprintf(text, sizeof text, "%llu\n", n);
    fake(name, text);
}

#endif
