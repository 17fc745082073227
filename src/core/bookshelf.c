/* core/bookshelf.c -- see bookshelf.h. SPDX-License-Identifier: MIT */
#include "core/bookshelf.h"

#include "base/mem.h"
#include "base/str.h"
#include "core/book_peek.h"

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

/* The name without the process ids that forks added: "a.book" of "a.book.12". */
static struct ml_str parent_of(const char *name)
{
    struct ml_str s = ml_str_of(name);
    for (;;) {
        size_t n = s.n;
        while (n > 0 && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
            n--;
        if (n == s.n || n < 2 || s.p[n - 1] != '.')
            return s;
        s.n = n - 1;
    }
}

static bool is_book(const char *name)
{
    struct ml_str parent = parent_of(name);
    return parent.n > 5 && ml_str_ends(parent, ML_STR(".book"));
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
    name[parent_of(name).n] = '\0';
    if (name[0] != '\0')
        return join(out, n, folder, name, e);
    ml_fail(e, ML_ENOTFOUND, "no book in '%s'", folder);
    ml_hint(e, "memline run app.py, or name the book");
    return ML_ENOTFOUND;
}

int ml_bookshelf_of(int32_t pid, char *out, size_t n)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    struct ml_book_brief b;
    int64_t start_ns = INT64_MIN;
    int found = ML_ENOTFOUND;
    int rc = ml_bookshelf_path(folder, sizeof folder, NULL);
    DIR *d = rc == ML_OK ? opendir(folder) : NULL;
    if (d == NULL)
        return rc != ML_OK ? rc : ML_ENOTFOUND;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (!is_book(entry->d_name) ||
            join(path, sizeof path, folder, entry->d_name, NULL) != ML_OK ||
            ml_book_peek(path, &b, NULL) != ML_OK || b.pid != (uint64_t)pid ||
            b.start_ns <= start_ns || strlen(path) >= n)
            continue;
        start_ns = b.start_ns;
        strcpy(out, path);
        found = ML_OK;
    }
    closedir(d);
    return found;
}

/* --- children ------------------------------------------------------------------------------------- */

static int add_path(struct ml_paths *p, struct ml_str folder, const char *name)
{
    size_t n = folder.n + strlen(name) + 1;
    char *path = ml_calloc(n, 1);
    if (path == NULL)
        return ML_ENOMEM;
    snprintf(path, n, "%.*s%s", (int)folder.n, folder.p, name);
    int rc = ml_vec_push(&p->all, path);
    if (rc != ML_OK)
        ml_free(path);
    return rc;
}

static int compare_paths(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static int add_children(DIR *d, struct ml_str folder, struct ml_str book, struct ml_paths *out)
{
    size_t before = out->all.n;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;) {
        struct ml_str parent = parent_of(entry->d_name);
        if (parent.n == strlen(entry->d_name) || !ml_str_eq(parent, book))
            continue;
        int rc = add_path(out, folder, entry->d_name);
        if (rc != ML_OK)
            return rc;
    }
    if (out->all.n - before > 1)
        qsort(out->all.at + before, out->all.n - before, sizeof *out->all.at, compare_paths);
    return ML_OK;
}

int ml_bookshelf_children(const char *path, struct ml_paths *out)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *folder = name > path ? ml_strndup(path, (size_t)(name - path)) : ml_strdup("./");
    if (folder == NULL)
        return ML_ENOMEM;
    DIR *d = opendir(folder);
    ml_free(folder);
    if (d == NULL)
        return ML_OK;
    int rc = add_children(d, (struct ml_str){path, (size_t)(name - path)}, ml_str_of(name), out);
    closedir(d);
    return rc;
}

void ml_paths_free(struct ml_paths *p)
{
    for (size_t i = 0; i < p->all.n; i++)
        ml_free(p->all.at[i]);
    ml_vec_free(&p->all);
}
