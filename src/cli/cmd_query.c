/* cli/cmd_query.c -- `memline query`: KQL over the project's store and over files.
 * SPDX-License-Identifier: MIT */
#include "api/clickhouse_engine.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/query_run.h"
#include "cli/query_tables.h"
#include "kql/ticks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    OPT_FORMAT = 1,
    OPT_FILE,
    OPT_STORE,
    OPT_STORE_COLUMN,
    OPT_TABLE,
    OPT_BATCH,
    OPT_EXPLAIN,
    OPT_NOW,
    OPT_TIMEOUT,
    OPT_FOLLOW,
    OPT_ENGINE,
    OPT_MEMORY,
    OPT_PLAIN
};

static const struct ml_option options[] = {
    {OPT_FORMAT, 0, "format", "FORMAT", "table, json, csv, markdown or chart"},
    {OPT_FILE, 'f', "file", "FILE", "read the query from FILE"},
    {OPT_STORE, 's', "store", "FILE",
     "the store to read, or the folder of its project, or a\npattern of them; may be repeated: "
     "their rows are united"},
    {OPT_STORE_COLUMN, 0, "store-column", "NAME",
     "add a column that tells which store a row is from"},
    {OPT_TABLE, 't', "table", "NAME=FILE", "a JSON-lines or .csv file as a table; may be repeated"},
    {OPT_FOLLOW, 0, "follow", NULL, "go on with what arrives, until interrupted"},
    {OPT_ENGINE, 0, "engine", "URL",
     "let a ClickHouse server answer: clickhouse://[user[:password]@]host:port/database"},
    {OPT_EXPLAIN, 0, "explain", NULL, "show the plan, or the engine's SQL, instead of running it"},
    {OPT_BATCH, 0, "batch", NULL, "JSON lines {id, query} in, {id, result or error} out"},
    {OPT_NOW, 0, "now", "TIME", "what now() is, as 2026-01-31T12:00:00Z"},
    {OPT_TIMEOUT, 0, "timeout", "SECONDS", "stop a query that takes longer"},
    {OPT_MEMORY, 0, "memory", "MIB", "stop a query that needs more, or whose answer is larger"},
    {OPT_PLAIN, 0, "no-optimizer", NULL, NULL},
    {0}};

static const struct ml_usage usage = {
    "query", "[options] [QUERY]",
    "Answers a KQL query over the records of the host and the profiler.\n\n"
    "  memline query 'traces | where message has \"timeout\" | count'\n"
    "  memline query -t log=app.jsonl 'log | summarize count() by bin(timestamp, 1h)'\n\n"
    "Without QUERY it is read from standard input; on a terminal, line by line.\n"
    "The store is $MEMLINE_STORE, else .memline/store.db here or in the nearest folder above that "
    "has one.",
    options, false};

static int read_all(const char *path, struct ml_buf *b, struct ml_error *e)
{
    FILE *f = path != NULL ? fopen(path, "rb") : stdin;
    size_t got = 1;
    char *p;
    if (f == NULL)
        return ml_fail(e, ml_status_from_errno(errno), "cannot open '%s': %s", path,
                       strerror(errno));
    while (got > 0 && (p = ml_buf_reserve(b, 1 << 16)) != NULL) {
        got = fread(p, 1, 1 << 16, f);
        b->n += got;
    }
    if (path != NULL)
        fclose(f);
    return b->status;
}

struct request {
    struct ml_query_run run;
    struct ml_query_tables tables;
    const char *text;
    const char *file;
    const char *engine_url;
    struct ml_clickhouse_engine *engine; /* owned */
    bool batch;
    bool follow;
};

static atomic_bool interrupted;

/* The first interrupt ends the query, here and on the server; the second one us. */
static void on_interrupt(int number)
{
    atomic_store(&interrupted, true);
    signal(number, SIG_DFL);
}

/* The engine has the tables; files and stores are not looked at. */
static int open_engine(struct request *r, struct ml_error *e)
{
    if (r->tables.nfiles > 0 || r->tables.nstores > 0 || r->follow)
        return ml_fail(e, ML_EUSAGE,
                       "an engine has its own tables: neither --store nor --table nor --follow");
    int rc = ml_clickhouse_engine_open(r->engine_url, &r->engine, e);
    if (rc != ML_OK)
        return rc;
    r->run.options.engine = ml_clickhouse_engine_get(r->engine);
    r->run.options.catalog = ml_clickhouse_engine_catalog(r->engine);
    r->run.options.cancel = &interrupted;
    signal(SIGINT, on_interrupt);
    return ML_OK;
}

static int answer(struct request *r)
{
    struct ml_error e;
    struct ml_buf text = {0};
    if (r->batch)
        return ml_query_batch(&r->run, stdin, stdout) == ML_OK ? ML_EXIT_OK : ML_EXIT_FAILED;
    if (r->text == NULL && r->file == NULL && isatty(STDIN_FILENO))
        return ml_query_prompt(&r->run) == ML_OK ? ML_EXIT_OK : ML_EXIT_FAILED;
    if (r->text != NULL)
        ml_buf_cstr(&text, r->text);
    else if (read_all(r->file, &text, &e) != ML_OK) {
        ml_error_print(&e);
        ml_buf_free(&text);
        return ML_EXIT_FAILED;
    }
    int status;
    if (r->follow)
        status = ml_query_follow(&r->run, &r->tables, ml_buf_view(&text)) == ML_OK ? ML_EXIT_OK
                                                                                   : ML_EXIT_FAILED;
    else
        status = ml_query_show(&r->run, ml_buf_view(&text)) == ML_OK ? ML_EXIT_OK : ML_EXIT_FAILED;
    ml_buf_free(&text);
    return status;
}

static int told(int rc, const struct ml_error *e)
{
    if (rc == ML_OK)
        return 0;
    ml_error_print(e);
    return e->status == ML_EUSAGE ? ML_EXIT_USAGE : ML_EXIT_FAILED;
}

/* 0, or the exit status. */
static int read_args(struct request *r, struct ml_args *a, struct ml_error *e)
{
    int status;
    for (int id; (id = ml_args_next(a)) != ML_ARG_END;)
        switch (id) {
        case OPT_FORMAT:
            if ((status = ml_args_choice(a, "format", ml_query_formats, &r->run.format)) != 0)
                return status;
            break;
        case OPT_FILE:
            r->file = a->value;
            break;
        case OPT_STORE:
            if ((status = told(ml_query_tables_add_stores(&r->tables, a->value, e), e)) != 0)
                return status;
            break;
        case OPT_STORE_COLUMN:
            r->tables.column = a->value;
            break;
        case OPT_TABLE:
            if ((status = told(ml_query_tables_add_file(&r->tables, a->value, e), e)) != 0)
                return status;
            break;
        case OPT_BATCH:
            r->batch = true;
            break;
        case OPT_FOLLOW:
            r->follow = true;
            break;
        case OPT_EXPLAIN:
            r->run.explain = true;
            break;
        case OPT_ENGINE:
            r->engine_url = a->value;
            break;
        case OPT_MEMORY: {
            char *end;
            unsigned long long mib = strtoull(a->value, &end, 10);
            if (*end != '\0' || mib == 0 || mib > (1u << 20))
                return ml_args_fail(a, "not a number of MiB: '%s'", a->value);
            r->run.options.max_bytes = (size_t)mib << 20;
            break;
        }
        case OPT_PLAIN:
            r->run.options.no_optimizer = true;
            break;
        case OPT_NOW:
            if (!ml_datetime_parse(ml_str_of(a->value), &r->run.options.now_ticks))
                return ml_args_fail(a, "not a time: '%s'", a->value);
            break;
        case OPT_TIMEOUT: {
            char *end;
            double s = strtod(a->value, &end);
            if (*end != '\0' || !(s > 0 && s < 1e6))
                return ml_args_fail(a, "not a number of seconds: '%s'", a->value);
            r->run.options.timeout_ns = (uint64_t)(s * 1e9);
            break;
        }
        case ML_ARG_WORD:
            if (r->text != NULL)
                return ml_args_fail(a, "more than one query; put it in quotes");
            r->text = a->value;
            break;
        default:
            status = ml_args_stop(a, id);
            return status != 0 ? status : -1;
        }
    return 0;
}

/* LC_ALL, LC_CTYPE or LANG, the first that is set, names another encoding. */
static bool is_ascii_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *v = getenv(names[i]);
        if (v != NULL && v[0] != '\0')
            return strcasestr(v, "utf-8") == NULL && strcasestr(v, "utf8") == NULL;
    }
    return false;
}

static void look_at_terminal(struct ml_query_run *r)
{
    unsigned width = ml_output_width(NULL);
    r->terminal = width > 0;
    r->look = (struct ml_chart_look){.width = width > 0 ? width : 80,
                                     .height = 16,
                                     .colors = ml_output_colors(ML_COLOR_AUTO, NULL),
                                     .ascii = is_ascii_locale()};
}

int ml_cmd_query(int argc, char **argv)
{
    struct request r = {.run = {.format = ML_QF_AUTO}};
    look_at_terminal(&r.run);
    struct ml_args a;
    struct ml_error e;
    r.run.options.catalog = &r.tables.catalog;
    ml_args_init(&a, &usage, argc, argv);
    int status = read_args(&r, &a, &e);
    if (status == 0)
        status = told(
            r.engine_url != NULL ? open_engine(&r, &e) : ml_query_tables_open(&r.tables, &e), &e);
    if (status == 0)
        status = answer(&r);
    ml_clickhouse_engine_close(r.engine);
    ml_query_tables_close(&r.tables);
    return status < 0 ? ML_EXIT_OK : status;
}
