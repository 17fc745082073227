/* store/place.c -- see place.h. SPDX-License-Identifier: MIT */
#include "store/place.h"

#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME ".memline/store.db"

static int too_long(struct ml_error *e)
{
    return ml_fail(e, ML_ELIMIT, "cannot name the store: the path is too long");
}

static int write_out(char *out, size_t out_bytes, const char *folder, struct ml_error *e)
{
    const char *slash = strcmp(folder, "/") == 0 ? "" : "/";
    int n = snprintf(out, out_bytes, "%s%s%s", folder, slash, NAME);
    return n < 0 || (size_t)n >= out_bytes ? too_long(e) : ML_OK;
}

int ml_store_place(const char *folder, char *out, size_t out_bytes, struct ml_error *e)
{
    const char *named = getenv("MEMLINE_STORE");
    char start[PATH_MAX];
    char at[PATH_MAX];
    struct stat st;
    if (named != NULL && *named != '\0') {
        int n = snprintf(out, out_bytes, "%s", named);
        return n < 0 || (size_t)n >= out_bytes ? too_long(e) : ML_OK;
    }
    if (realpath(folder, start) == NULL)
        return ml_fail(e, ml_status_from_errno(errno), "cannot find folder '%s': %s", folder,
                       strerror(errno));
    memcpy(at, start, sizeof at);
    for (;;) {
        int rc = write_out(out, out_bytes, at, e);
        if (rc != ML_OK || stat(out, &st) == 0)
            return rc;
        char *slash = strrchr(at, '/');
        if (slash == NULL || at[1] == '\0')
            return write_out(out, out_bytes, start, e);
        slash[slash == at ? 1 : 0] = '\0';
    }
}

/* What memline writes there is nothing for a repository. */
static void add_gitignore(const char *folder)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/.gitignore", folder);
    if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK) == 0)
        return;
    FILE *f = fopen(path, "we");
    if (f == NULL)
        return;
    fputs("*\n", f);
    fclose(f);
}

int ml_store_make_place(const char *path, struct ml_error *e)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return ML_OK;
    if ((size_t)(slash - path) >= sizeof folder)
        return too_long(e);
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return ml_fail(e, ml_status_from_errno(errno), "cannot make folder '%s': %s", folder,
                       strerror(errno));
    if (ml_str_ends(ml_str_of(folder), ML_STR(".memline")))
        add_gitignore(folder);
    return ML_OK;
}
