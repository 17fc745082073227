/* cli/query_tables.c -- see query_tables.h. SPDX-License-Identifier: MIT */
#include "cli/query_tables.h"

#include "base/mem.h"
#include "store/place.h"
#include "store/reader.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ml_source *find_table(const struct ml_catalog *c, struct ml_str name)
{
    const struct ml_query_tables *t = c->self;
    for (size_t i = 0; i < t->nfiles; i++)
        if (ml_str_eq(ml_filetable_source(t->files[i].table)->name, name))
            return ml_filetable_source(t->files[i].table);
    return t->store != NULL ? t->store->find(t->store, name) : NULL;
}

static const struct ml_source *table_at(const struct ml_catalog *c, size_t i)
{
    const struct ml_query_tables *t = c->self;
    if (i < t->nfiles)
        return ml_filetable_source(t->files[i].table);
    return t->store != NULL ? t->store->at(t->store, i - t->nfiles) : NULL;
}

/* Changes when the file does. */
static int64_t stamp_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000000007 + st.st_mtim.tv_nsec + (int64_t)st.st_size;
}

static int read_file(struct ml_query_file *f, struct ml_error *e)
{
    const char *equals = strchr(f->spec, '=');
    struct ml_str name = {f->spec, (size_t)(equals - f->spec)};
    struct ml_filetable *table = NULL;
    int64_t stamp = stamp_of(equals + 1);
    int rc = ml_filetable_read(name, equals + 1, &table, e);
    if (rc != ML_OK)
        return rc;
    ml_filetable_free(f->table);
    f->table = table;
    f->stamp = stamp;
    return ML_OK;
}

int ml_query_tables_add_file(struct ml_query_tables *t, const char *spec, struct ml_error *e)
{
    const char *equals = strchr(spec, '=');
    if (equals == NULL || equals == spec)
        return ml_fail(e, ML_EUSAGE, "'%s' is not NAME=FILE", spec);
    if (t->nfiles == ML_QUERY_FILES_MAX)
        return ml_fail(e, ML_ELIMIT, "more than %d files", ML_QUERY_FILES_MAX);
    t->files[t->nfiles].spec = spec;
    int rc = read_file(&t->files[t->nfiles], e);
    t->nfiles += rc == ML_OK;
    return rc;
}

/* A file that cannot be read just now (its last line is being written) stays as it was, until the next time. */
static void reread_files(struct ml_query_tables *t)
{
    struct ml_error e;
    for (size_t i = 0; i < t->nfiles; i++)
        if (stamp_of(strchr(t->files[i].spec, '=') + 1) != t->files[i].stamp)
            (void)read_file(&t->files[i], &e);
}

/* A folder stands for the store of its project. */
static int add_store(struct ml_query_tables *t, const char *path, struct ml_error *e)
{
    char place[PATH_MAX];
    struct stat st;
    if (t->nstores == ML_QUERY_STORES_MAX)
        return ml_fail(e, ML_ELIMIT, "more than %d stores", ML_QUERY_STORES_MAX);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (snprintf(place, sizeof place, "%s/.memline/store.db", path) >= (int)sizeof place)
            return ml_fail(e, ML_ELIMIT, "the path '%s' is too long", path);
        path = place;
    }
    char *copy = ml_strdup(path);
    if (copy == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    t->stores[t->nstores++].path = copy;
    return ML_OK;
}

int ml_query_tables_add_stores(struct ml_query_tables *t, const char *pattern, struct ml_error *e)
{
    glob_t found;
    int rc = ML_OK;
    if (access(pattern, F_OK) == 0 || strpbrk(pattern, "*?[") == NULL)
        return add_store(t, pattern, e);
    if (glob(pattern, 0, NULL, &found) != 0)
        return ml_fail(e, ML_ENOTFOUND, "no store matches '%s'", pattern);
    for (size_t i = 0; i < found.gl_pathc && rc == ML_OK; i++)
        rc = add_store(t, found.gl_pathv[i], e);
    globfree(&found);
    return rc;
}

/* No store is no failure: a query may need none. One that was named must be there. */
static int add_project(struct ml_query_tables *t, struct ml_error *e)
{
    char place[PATH_MAX];
    int rc = ml_store_place(".", place, sizeof place, e);
    if (rc != ML_OK || (getenv("MEMLINE_STORE") == NULL && access(place, F_OK) != 0))
        return rc;
    return add_store(t, place, e);
}

static void drop_views(struct ml_query_tables *t)
{
    ml_united_close(t->united);
    t->united = NULL;
    t->store = NULL;
    for (size_t i = 0; i < t->nstores; i++) {
        ml_store_catalog_close(t->stores[i].view);
        t->stores[i].view = NULL;
    }
}

/* One store without a column of names needs no union. */
static int unite(struct ml_query_tables *t, struct ml_error *e)
{
    struct ml_united_member members[ML_QUERY_STORES_MAX];
    if (t->nstores == 0)
        return ML_OK;
    if (t->nstores == 1 && t->column == NULL) {
        t->store = ml_store_catalog_get(t->stores[0].view);
        return ML_OK;
    }
    for (size_t i = 0; i < t->nstores; i++)
        members[i] = (struct ml_united_member){ml_store_catalog_get(t->stores[i].view),
                                               ml_str_of(t->stores[i].path)};
    struct ml_str column = t->column != NULL ? ml_str_of(t->column) : (struct ml_str){NULL, 0};
    int rc = ml_united_open(members, t->nstores, column, &t->united, e);
    if (rc == ML_OK)
        t->store = ml_united_catalog(t->united);
    return rc;
}

int ml_query_tables_refresh(struct ml_query_tables *t, struct ml_error *e)
{
    int rc = ML_OK;
    drop_views(t);
    reread_files(t);
    for (size_t i = 0; i < t->nstores && rc == ML_OK; i++)
        rc = ml_store_catalog_open(t->stores[i].reader, &t->stores[i].view, e);
    return rc == ML_OK ? unite(t, e) : rc;
}

int ml_query_tables_open(struct ml_query_tables *t, struct ml_error *e)
{
    int rc = t->nstores == 0 ? add_project(t, e) : ML_OK;
    t->catalog = (struct ml_catalog){.find = find_table, .at = table_at, .self = t};
    if (t->nstores == 0)
        t->catalog.missing =
            "there is no store here: run in a project's folder, or name one with --store";
    for (size_t i = 0; i < t->nstores && rc == ML_OK; i++)
        rc = ml_reader_open(t->stores[i].path, ML_READER_CACHE_BYTES / t->nstores,
                            &t->stores[i].reader, e);
    return rc == ML_OK ? ml_query_tables_refresh(t, e) : rc;
}

void ml_query_tables_close(struct ml_query_tables *t)
{
    drop_views(t);
    for (size_t i = 0; i < t->nfiles; i++)
        ml_filetable_free(t->files[i].table);
    for (size_t i = 0; i < t->nstores; i++) {
        ml_reader_close(t->stores[i].reader);
        ml_free(t->stores[i].path);
    }
}
