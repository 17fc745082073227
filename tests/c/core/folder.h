/* tests/c/core/folder.h -- a fresh folder per test case, removed afterwards.
 * SPDX-License-Identifier: MIT */
#ifndef ML_TESTS_FOLDER_H
#define ML_TESTS_FOLDER_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[PATH_MAX - 64];

static inline int folder_setup(void **state)
{
    const char *root = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/memline-test-XXXXXX", root != NULL ? root : "/tmp");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static inline int folder_teardown(void **state)
{
    char path[PATH_MAX + 256];
    DIR *d = opendir(folder);
    (void)state;
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
    return rmdir(folder);
}

/* folder/name in a buffer of its own; at most 16 are good at a time. */
static inline const char *in_folder(const char *name)
{
    static char paths[16][PATH_MAX];
    static int next;
    char *p = paths[next++ % 16];
    snprintf(p, PATH_MAX, "%s/%s", folder, name);
    return p;
}

#endif
