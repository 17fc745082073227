/* cli/cmd_query.c -- `memline query`: KQL over the project's store and over files.
 * SPDX-License-Identifier: MIT */
#include "api/catalog.h"
#include "base/vec.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/query_run.h"
#include "kql/filetable.h"
#include "kql/ticks.h"
#include "store/place.h"
#include "store/reader.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    OPT_FORMAT = 1,
    OPT_FILE,
    OPT_STORE,
    OPT_TABLE,
    OPT_BATCH,
    OPT_EXPLAIN,
    OPT_NOW,
    OPT_TIMEOUT,
    OPT_FOLLOW,
    OPT_PLAIN
};

static const struct ml_option options[] = {
    {OPT_FORMAT, 0, "format", "FORMAT", "table, json, csv, markdown or chart"},
    {OPT_FILE, 'f', "file", "FILE", "read the query from FILE"},
    {OPT_STORE, 's', "store", "FILE", "the store to read"},
    {OPT_TABLE, 't', "table", "NAME=FILE", "a JSON-lines or .csv file as a table; may be repeated"},
    {OPT_FOLLOW, 0, "follow", NULL, "go on with what arrives, until interrupted"},
    {OPT_EXPLAIN, 0, "explain", NULL, "show the plan instead of running it"},
    {OPT_BATCH, 0, "batch", NULL, "JSON lines {id, query} in, {id, result or error} out"},
    {OPT_NOW, 0, "now", "TIME", "what now() is, as 2026-01-31T12:00:00Z"},
    {OPT_TIMEOUT, 0, "timeout", "SECONDS", "stop a query that takes longer"},
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

/* The tables of the files and of the store, as one catalog. */
struct tables {
    struct ml_catalog catalog;
    const struct ml_catalog *store;
    struct ml_filetable *files[64];
    size_t nfiles;
    struct ml_reader *reader;
    struct ml_store_catalog *view;
};

static const struct ml_source *find_table(const struct ml_catalog *c, struct ml_str name)
{
    const struct tables *t = c->self;
    for (size_t i = 0; i < t->nfiles; i++)
        if (ml_str_eq(ml_filetable_source(t->files[i])->name, name))
            return ml_filetable_source(t->files[i]);
    return t->store != NULL ? t->store->find(t->store, name) : NULL;
}

static const struct ml_source *table_at(const struct ml_catalog *c, size_t i)
{
    const struct tables *t = c->self;
    if (i < t->nfiles)
        return ml_filetable_source(t->files[i]);
    return t->store != NULL ? t->store->at(t->store, i - t->nfiles) : NULL;
}

/* No store is no failure: a query may need none. One that was named must be there. */
static int open_store(struct tables *t, const char *path, struct ml_error *e)
{
    char place[PATH_MAX];
    bool named = path != NULL || getenv("MEMLINE_STORE") != NULL;
    if (path == NULL) {
        int rc = ml_store_place(".", place, sizeof place, e);
        if (rc != ML_OK)
            return rc;
        path = place;
        if (!named && access(path, F_OK) != 0)
            return ML_OK;
    }
    int rc = ml_reader_open(path, 0, &t->reader, e);
    if (rc == ML_OK)
        rc = ml_store_catalog_open(t->reader, &t->view, e);
    if (rc == ML_OK)
        t->store = ml_store_catalog_get(t->view);
    return rc;
}

static int add_file(struct tables *t, const char *spec, struct ml_error *e)
{
    const char *equals = strchr(spec, '=');
    if (equals == NULL || equals == spec)
        return ml_fail(e, ML_EUSAGE, "'%s' is not NAME=FILE", spec);
    if (t->nfiles == sizeof t->files / sizeof t->files[0])
        return ml_fail(e, ML_ELIMIT, "too many files");
    struct ml_str name = {spec, (size_t)(equals - spec)};
    int rc = ml_filetable_read(name, equals + 1, &t->files[t->nfiles], e);
    t->nfiles += rc == ML_OK;
    return rc;
}

static void close_tables(struct tables *t)
{
    for (size_t i = 0; i < t->nfiles; i++)
        ml_filetable_free(t->files[i]);
    ml_store_catalog_close(t->view);
    ml_reader_close(t->reader);
}

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

static int run_once(const struct ml_query_run *r, struct ml_str text)
{
    struct ml_buf out = {0};
    struct ml_buf wrong = {0};
    struct ml_error e;
    int rc = ml_query_print(r, text, &out, &wrong);
    if (wrong.n > 0)
        fwrite(wrong.p, 1, wrong.n, stderr);
    if (rc == ML_OK && (rc = ml_output_write(NULL, ml_buf_view(&out), &e)) != ML_OK)
        ml_error_print(&e);
    ml_buf_free(&out);
    ml_buf_free(&wrong);
    return rc == ML_OK ? ML_EXIT_OK : ML_EXIT_FAILED;
}

static int64_t clock_ticks(void)
{
    return ml_wall_ns() / 100 + ML_TICKS_UNIX;
}

struct request {
    struct ml_query_run run;
    struct tables tables;
    const char *text;
    const char *file;
    const char *store;
    bool batch;
    bool follow;
};

/* Again every second, over the rows whose time came since. */
static int follow(struct request *r, struct ml_str text)
{
    int status = run_once(&r->run, text);
    int64_t seen = clock_ticks();
    while (status == ML_EXIT_OK) {
        struct ml_error e;
        fflush(stdout);
        sleep(1);
        int64_t now = clock_ticks();
        ml_store_catalog_close(r->tables.view); /* a new one sees the rows that were added */
        r->tables.view = NULL;
        if (r->tables.reader != NULL &&
            ml_store_catalog_open(r->tables.reader, &r->tables.view, &e) != ML_OK) {
            ml_error_print(&e);
            return ML_EXIT_FAILED;
        }
        r->tables.store = r->tables.view != NULL ? ml_store_catalog_get(r->tables.view) : NULL;
        r->run.options.from_ticks = seen + 1;
        r->run.options.to_ticks = now;
        r->run.bare = true;
        status = run_once(&r->run, text);
        seen = now;
    }
    return status;
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
    int status = r->follow ? follow(r, ml_buf_view(&text)) : run_once(&r->run, ml_buf_view(&text));
    ml_buf_free(&text);
    return status;
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
            r->store = a->value;
            break;
        case OPT_TABLE:
            if (add_file(&r->tables, a->value, e) != ML_OK) {
                ml_error_print(e);
                return e->status == ML_EUSAGE ? ML_EXIT_USAGE : ML_EXIT_FAILED;
            }
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
    struct request r = {.run = {.format = ML_QF_AUTO},
                        .tables = {.catalog = {.find = find_table, .at = table_at}}};
    look_at_terminal(&r.run);
    struct ml_args a;
    struct ml_error e;
    r.tables.catalog.self = &r.tables;
    r.run.options.catalog = &r.tables.catalog;
    ml_args_init(&a, &usage, argc, argv);
    int status = read_args(&r, &a, &e);
    if (status == 0 && open_store(&r.tables, r.store, &e) != ML_OK) {
        ml_error_print(&e);
        status = ML_EXIT_FAILED;
    }
    if (status == 0)
        status = answer(&r);
    close_tables(&r.tables);
    return status < 0 ? ML_EXIT_OK : status;
}
