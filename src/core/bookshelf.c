/* core/bookshelf.c -- see bookshelf.h. SPDX-License-Identifier: MIT */
#include "core/bookshelf.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int join(char *out, size_t n, const char *folder, const char *name, struct ml_error *e)
{
    int len = snprintf(out, n, "%s%s%s", folder, name[0] != '\0' ? "/" : "", name);
    if (len >= 0 && (size_t)len < n)
        return ML_OK;
    return ml_fail(e, ML_ELIMIT, "path of the book folder is too long");
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

int ml_bookshelf_path(char *out, size_t n, struct ml_error *e)
{
    const char *folder = setting("MEMLINE_BOOKS");
    if (folder != NULL)
        return join(out, n, folder, "", e);
    if ((folder = setting("XDG_STATE_HOME")) != NULL && folder[0] == '/')
        return join(out, n, folder, "memline", e);
    if ((folder = setting("HOME")) != NULL)
        return join(out, n, folder, ".local/state/memline", e);
    ml_fail(e, ML_ENOTFOUND, "no folder for books: there is no home folder");
    ml_hint(e, "set MEMLINE_BOOKS to a folder, or name the book");
    return ML_ENOTFOUND;
}

static bool is_book(const char *name)
{
    struct ml_str rest = ml_str_of(name);
    while (rest.n > 0 && rest.p[rest.n - 1] >= '0' && rest.p[rest.n - 1] <= '9')
        rest.n--;
    if (rest.n < strlen(name) && rest.n > 0 && rest.p[rest.n - 1] == '.')
        rest.n--; /* ".book.PID" */
    return rest.n > 5 && ml_str_ends(rest, ML_STR(".book"));
}

static bool is_newer(const struct stat *a, const struct stat *b)
{
    if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
        return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
    return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* The newest book's name in the folder; "" if there is none. */
static void find_newest(DIR *d, char best_name[NAME_MAX + 1])
{
    struct stat best = {0};
    best_name[0] = '\0';
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;) {
        struct stat st;
        if (!is_book(entry->d_name) || fstatat(dirfd(d), entry->d_name, &st, 0) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        if (best_name[0] != '\0' && !is_newer(&st, &best) &&
            (is_newer(&best, &st) || strcmp(entry->d_name, best_name) > 0))
            continue;
        best = st;
        snprintf(best_name, NAME_MAX + 1, "%s", entry->d_name);
    }
}

int ml_bookshelf_newest(char *out, size_t n, struct ml_error *e)
{
    char folder[PATH_MAX];
    char name[NAME_MAX + 1] = "";
    int rc = ml_bookshelf_path(folder, sizeof folder, e);
    if (rc != ML_OK)
        return rc;
    DIR *d = opendir(folder);
    if (d == NULL && errno != ENOENT)
        return ml_fail_errno(e, errno, "cannot look for books in '%s'", folder);
    if (d != NULL) {
        find_newest(d, name);
        closedir(d);
    }
    if (name[0] != '\0')
        return join(out, n, folder, name, e);
    ml_fail(e, ML_ENOTFOUND, "no book in '%s'", folder);
    ml_hint(e, "memline run app.py, or name the book");
    return ML_ENOTFOUND;
}
