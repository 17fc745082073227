/* cli/cmd_import.c -- `memline import`: books and telemetry files into the project's store.
 * SPDX-License-Identifier: MIT */
#include "api/import.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/import_book.h"
#include "core/bookshelf.h"
#include "store/place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OPT_STORE = 1, OPT_TABLE, OPT_QUIET };

static const struct ml_option options[] = {
    {OPT_STORE, 's', "store", "FILE", "the store to write to; made when it does not exist"},
    {OPT_TABLE, 't', "table", "NAME",
     "the table of rows that name none: traces, requests, AppTraces, ..."},
    {OPT_QUIET, 'q', "quiet", NULL, "say nothing but errors"},
    {0}};

static const struct ml_usage usage = {
    "import", "[options] [FILE...]",
    "Puts files into the store, where 'memline query' finds them.\n\n"
    "A FILE is a book (its lines become rows of the table 'lines'), or JSON, one value a line or "
    "not:\n"
    "Application Insights envelopes, rows exported from Azure or by memline, or the answer of a "
    "query.\n"
    "'-' is standard input. Without a FILE it is the newest book in the folder of books.\n\n"
    "The store is $MEMLINE_STORE, else .memline/store.db here or in the nearest folder above that "
    "has one.",
    options, false};

struct request {
    struct ml_store *store;
    const char *table;
    bool quiet;
    uint64_t refused;
};

static void say(const struct request *r, const char *path, uint64_t rows, const char *what)
{
    if (!r->quiet)
        printf("%s: %llu %s%s\n", path, (unsigned long long)rows, what, rows == 1 ? "" : "s");
}

static int import_json(struct request *r, const char *path, FILE *f, struct ml_error *e)
{
    struct ml_import im = {.store = r->store, .table = ml_str_of(r->table)};
    int rc = ml_import_json(&im, f, e);
    say(r, path, im.rows, "row");
    if (im.refused != 0) {
        fprintf(stderr, "memline: %s: %llu values refused; the first is value %llu: %s\n", path,
                (unsigned long long)im.refused, (unsigned long long)im.first_refused,
                im.first_reason);
        r->refused += im.refused;
    }
    return rc;
}

static int import_path(struct request *r, const char *path, struct ml_error *e)
{
    uint64_t rows = 0;
    struct stat st;
    if (strcmp(path, "-") == 0)
        return import_json(r, path, stdin, e);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return ml_fail(e, ML_EINVALID, "cannot import '%s': it is a folder", path);
    if (ml_import_is_book(path)) {
        int rc = ml_import_book(r->store, path, &rows, e);
        if (rc == ML_OK)
            say(r, path, rows, "line");
        return rc;
    }
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return ml_fail(e, ml_status_from_errno(errno), "cannot import '%s': %s", path,
                       strerror(errno));
    int rc = import_json(r, path, f, e);
    fclose(f);
    return rc;
}

static int open_store(struct request *r, const char *path, struct ml_error *e)
{
    char place[PATH_MAX];
    int rc = ML_OK;
    if (path == NULL) {
        rc = ml_store_place(".", place, sizeof place, e);
        path = place;
    }
    if (rc == ML_OK)
        rc = ml_store_make_place(path, e);
    if (rc == ML_OK)
        rc = ml_store_open(path, &r->store, e);
    return rc;
}

static int import_all(struct request *r, char **paths, int n, struct ml_error *e)
{
    char newest[PATH_MAX];
    int rc = ML_OK;
    if (n == 0) {
        rc = ml_bookshelf_newest(newest, sizeof newest, e);
        return rc == ML_OK ? import_path(r, newest, e) : rc;
    }
    for (int i = 0; rc == ML_OK && i < n; i++)
        rc = import_path(r, paths[i], e);
    return rc;
}

int ml_cmd_import(int argc, char **argv)
{
    struct request r = {0};
    struct ml_args a;
    struct ml_error e = {0};
    const char *store = NULL;
    char *paths[argc + 1];
    int n = 0;
    ml_args_init(&a, &usage, argc, argv);
    for (int id; (id = ml_args_next(&a)) != ML_ARG_END;)
        switch (id) {
        case OPT_STORE:
            store = a.value;
            break;
        case OPT_TABLE:
            r.table = a.value;
            break;
        case OPT_QUIET:
            r.quiet = true;
            break;
        case ML_ARG_WORD:
            paths[n++] = (char *)(uintptr_t)a.value;
            break;
        default:
            return ml_args_stop(&a, id);
        }
    enum ml_store_table table;
    if (r.table != NULL && !ml_store_table_find(ml_str_of(r.table), &table) &&
        ml_store_view_find(ml_str_of(r.table)) == NULL)
        return ml_args_fail(&a, "there is no table '%s'", r.table);
    int rc = open_store(&r, store, &e);
    if (rc == ML_OK)
        rc = import_all(&r, paths, n, &e);
    ml_store_close(r.store);
    if (rc != ML_OK)
        ml_error_print(&e);
    return rc == ML_OK && r.refused == 0 ? ML_EXIT_OK : ML_EXIT_FAILED;
}
