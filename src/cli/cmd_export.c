/* cli/cmd_export.c -- `memline export`: the store's rows for other tools. SPDX-License-Identifier: MIT */
#include "api/clickhouse.h"
#include "api/export.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "store/place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_SHARDS 16

enum { OPT_STORE = 1, OPT_OUTPUT, OPT_URL, OPT_DATABASE, OPT_TABLE, OPT_APPEND, OPT_SQL };

static const struct ml_option options[] = {
    {OPT_STORE, 's', "store", "FILE", "the store to read"},
    {OPT_TABLE, 't', "table", "NAME", "only this table; may be given several times"},
    {OPT_OUTPUT, 'o', "output", "FILE", "jsonl: write there instead of to standard output"},
    {OPT_URL, 'u', "url", "URL",
     "clickhouse: http://[user[:password]@]host:port, http://127.0.0.1:8123 when not given;\n"
     "several are shards: blocks of rows go to them in turn"},
    {OPT_DATABASE, 'd', "database", "NAME",
     "clickhouse: 'memline' when not given; made when missing"},
    {OPT_APPEND, 'a', "append", NULL, "clickhouse: add to tables that have rows already"},
    {OPT_SQL, 0, "sql", NULL, "clickhouse: print the CREATE statements and do nothing"},
    {0}};

static const struct ml_usage usage = {
    "export", "jsonl|clickhouse [options]",
    "Writes the rows of the store for other tools.\n\n"
    "jsonl       one JSON object a row; memline import reads it back\n"
    "clickhouse  makes the tables on a server and loads them\n\n"
    "The store is $MEMLINE_STORE, else .memline/store.db here or in the nearest folder above that "
    "has one.",
    options, false};

struct request {
    const char *store;
    const char *output;
    const char *database;
    const char *urls[MAX_SHARDS];
    size_t n_urls;
    bool wanted[ML_N_TABLES];
    bool some; /* tables were named */
    bool append;
    bool sql;
    FILE *f;                                  /* jsonl */
    struct ml_clickhouse *shards[MAX_SHARDS]; /* owned */
    size_t next_shard;
    enum ml_store_table table; /* being written */
};

static int write_file(void *user, struct ml_str bytes, struct ml_error *e)
{
    struct request *r = user;
    if (fwrite(bytes.p, 1, bytes.n, r->f) == bytes.n)
        return ML_OK;
    return ml_fail(e, ml_status_from_errno(errno), "cannot write the export: %s", strerror(errno));
}

static int write_shard(void *user, struct ml_str bytes, struct ml_error *e)
{
    struct request *r = user;
    struct ml_clickhouse *shard = r->shards[r->next_shard++ % r->n_urls];
    return ml_clickhouse_insert(shard, r->table, bytes, e);
}

/* Nothing is doubled unasked. */
static int prepare_shards(struct request *r, struct ml_error *e)
{
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < r->n_urls; i++) {
        uint64_t rows = 0;
        rc = ml_clickhouse_create(r->shards[i], r->table, e);
        if (rc == ML_OK && !r->append)
            rc = ml_clickhouse_count(r->shards[i], r->table, &rows, e);
        if (rc == ML_OK && rows != 0) {
            rc = ml_fail(e, ML_EBUSY, "table '%s' at '%s' has %llu rows already",
                         ml_store_table_get(r->table)->name.p, r->urls[i],
                         (unsigned long long)rows);
            ml_hint(e, "--append adds to them; or drop the table first");
        }
    }
    return rc;
}

static int export_tables(struct request *r, struct ml_read *rd, bool clickhouse, struct ml_error *e)
{
    int rc = ML_OK;
    for (int t = 0; rc == ML_OK && t < ML_N_TABLES; t++) {
        uint64_t rows = 0;
        if (!r->wanted[t])
            continue;
        r->table = (enum ml_store_table)t;
        if (clickhouse)
            rc = prepare_shards(r, e);
        if (rc == ML_OK)
            rc = ml_export_table(rd, r->table, clickhouse ? ML_EXPORT_ROWBINARY : ML_EXPORT_JSONL,
                                 clickhouse ? write_shard : write_file, r, &rows, e);
        if (rc == ML_OK && (rows != 0 || r->some))
            fprintf(stderr, "memline: %s: %llu rows\n", ml_store_table_get(r->table)->name.p,
                    (unsigned long long)rows);
    }
    return rc;
}

static int open_target(struct request *r, bool clickhouse, struct ml_error *e)
{
    int rc = ML_OK;
    for (size_t i = 0; clickhouse && rc == ML_OK && i < r->n_urls; i++)
        rc = ml_clickhouse_new(r->urls[i], r->database, &r->shards[i], e);
    if (clickhouse)
        return rc;
    r->f = r->output != NULL ? fopen(r->output, "we") : stdout;
    if (r->f == NULL)
        return ml_fail(e, ml_status_from_errno(errno), "cannot write '%s': %s", r->output,
                       strerror(errno));
    return ML_OK;
}

static int close_target(struct request *r, int rc, struct ml_error *e)
{
    for (size_t i = 0; i < r->n_urls; i++)
        ml_clickhouse_free(r->shards[i]);
    if (r->f != NULL && (r->output != NULL ? fclose(r->f) : fflush(r->f)) != 0 && rc == ML_OK)
        rc = ml_fail(e, ml_status_from_errno(errno), "cannot write the export: %s",
                     strerror(errno));
    return rc;
}

static int run(struct request *r, bool clickhouse, struct ml_error *e)
{
    struct ml_reader *reader = NULL;
    struct ml_read *rd = NULL;
    char place[PATH_MAX];
    int rc = ML_OK;
    if (r->store == NULL) {
        rc = ml_store_place(".", place, sizeof place, e);
        r->store = place;
    }
    if (rc == ML_OK)
        rc = ml_reader_open(r->store, 256 << 20, &reader, e);
    if (rc == ML_OK)
        rc = ml_read_begin(reader, &rd, e);
    if (rc == ML_OK)
        rc = open_target(r, clickhouse, e);
    if (rc == ML_OK)
        rc = export_tables(r, rd, clickhouse, e);
    rc = close_target(r, rc, e);
    ml_read_end(rd);
    ml_reader_close(reader);
    return rc;
}

static int print_sql(const struct request *r)
{
    for (int t = 0; t < ML_N_TABLES; t++) {
        struct ml_buf sql = {0};
        if (!r->wanted[t])
            continue;
        ml_clickhouse_create_sql(r->database, (enum ml_store_table)t, &sql);
        printf("%s;\n", sql.p != NULL ? sql.p : "");
        ml_buf_free(&sql);
    }
    return ML_EXIT_OK;
}

static int add_table(struct request *r, const struct ml_args *a)
{
    enum ml_store_table t;
    if (!ml_store_table_find(ml_str_of(a->value), &t))
        return ml_args_fail(a, "there is no table '%s'", a->value);
    r->wanted[t] = r->some = true;
    return ML_EXIT_OK;
}

static int take(struct request *r, int id, const struct ml_args *a)
{
    switch (id) {
    case OPT_STORE:
        r->store = a->value;
        return ML_EXIT_OK;
    case OPT_OUTPUT:
        r->output = a->value;
        return ML_EXIT_OK;
    case OPT_DATABASE:
        r->database = a->value;
        return ML_EXIT_OK;
    case OPT_APPEND:
        r->append = true;
        return ML_EXIT_OK;
    case OPT_SQL:
        r->sql = true;
        return ML_EXIT_OK;
    case OPT_TABLE:
        return add_table(r, a);
    default: /* OPT_URL */
        if (r->n_urls == MAX_SHARDS)
            return ml_args_fail(a, "at most %d shards", MAX_SHARDS);
        r->urls[r->n_urls++] = a->value;
        return ML_EXIT_OK;
    }
}

int ml_cmd_export(int argc, char **argv)
{
    struct request r = {.database = "memline"};
    struct ml_error e = {0};
    struct ml_args a;
    const char *to = NULL;
    ml_args_init(&a, &usage, argc, argv);
    for (int id; (id = ml_args_next(&a)) != ML_ARG_END;) {
        int status = ML_EXIT_OK;
        if (id == ML_ARG_HELP || id == ML_ARG_BAD)
            return ml_args_stop(&a, id);
        if (id != ML_ARG_WORD)
            status = take(&r, id, &a);
        else if (to == NULL)
            to = a.value;
        else
            status = ml_args_fail(&a, "'%s' is one word too many", a.value);
        if (status != ML_EXIT_OK)
            return status;
    }
    bool clickhouse = to != NULL && strcmp(to, "clickhouse") == 0;
    if (!clickhouse && (to == NULL || strcmp(to, "jsonl") != 0))
        return ml_args_fail(&a, to == NULL ? "jsonl or clickhouse?" : "there is no format '%s'",
                            to);
    for (int t = 0; !r.some && t < ML_N_TABLES; t++)
        r.wanted[t] = true;
    if (r.n_urls == 0)
        r.urls[r.n_urls++] = "http://127.0.0.1:8123";
    if (clickhouse && r.sql)
        return print_sql(&r);
    int rc = run(&r, clickhouse, &e);
    if (rc != ML_OK)
        ml_error_print(&e);
    return rc == ML_OK ? ML_EXIT_OK : ML_EXIT_FAILED;
}
