/* api/clickhouse_engine.c -- see clickhouse_engine.h.
 *
 * An answer is received whole, since ClickHouse tells a failure after the first rows only in the bytes behind them; it is then
 * read batch by batch. SPDX-License-Identifier: MIT */
#include "api/clickhouse_engine.h"

#include "api/catalog.h"
#include "api/clickhouse.h"
#include "api/rowbinary.h"
#include "base/mem.h"
#include "kql/kql.h"
#include "store/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_BYTES ((size_t)1 << 30)

struct ml_clickhouse_engine {
    struct ml_engine engine;
    struct ml_clickhouse *server; /* owned */
    char database[256];
    struct ml_catalog catalog;
    struct ml_source tables[ML_N_TABLES];
    struct ml_source_column *columns; /* owned: of all tables, one run */
};

struct ml_answer {
    struct ml_buf bytes;
    struct ml_rowbinary rows;
};

static int next(struct ml_answer *a, struct ml_arena *arena, struct ml_batch *out,
                struct ml_error *e)
{
    return ml_rowbinary_next(&a->rows, arena, out, e);
}

static void close_answer(struct ml_answer *a)
{
    if (a == NULL)
        return;
    ml_buf_free(&a->bytes);
    ml_free(a);
}

static int open_answer(const struct ml_engine *g, struct ml_str sql,
                       const struct ml_query_column *columns, uint32_t n,
                       const struct ml_engine_limits *limits, struct ml_answer **out,
                       struct ml_error *e)
{
    const struct ml_clickhouse_engine *engine = g->self;
    struct ml_clickhouse_ask ask = {.timeout_ns = limits->timeout_ns, .cancel = limits->cancel};
    struct ml_answer *a = ml_calloc(1, sizeof *a);
    if (a == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    a->bytes.max = limits->max_bytes != 0 && limits->max_bytes < ANSWER_MAX_BYTES
                       ? limits->max_bytes
                       : ANSWER_MAX_BYTES;
    int rc = ml_clickhouse_query(engine->server, sql, &ask, &a->bytes, e);
    if (rc != ML_OK) {
        close_answer(a);
        return rc;
    }
    a->rows = (struct ml_rowbinary){ml_buf_view(&a->bytes), columns, n};
    *out = a;
    return ML_OK;
}

/* --- the tables --- */

static bool describe(struct ml_clickhouse_engine *g)
{
    size_t n = 0;
    for (int t = 0; t < ML_N_TABLES; t++)
        n += ml_store_table_get((enum ml_store_table)t)->n_columns;
    struct ml_source_column *c = g->columns = ml_calloc(n, sizeof *c);
    if (c == NULL)
        return false;
    for (int t = 0; t < ML_N_TABLES; t++) {
        const struct ml_store_table_info *info = ml_store_table_get((enum ml_store_table)t);
        g->tables[t] = (struct ml_source){.name = info->name,
                                          .columns = c,
                                          .ncolumns = (uint32_t)info->n_columns,
                                          .time_column = 0};
        for (size_t i = 0; i < info->n_columns; i++, c++) {
            const struct ml_store_col_info *col = ml_store_col_get(info->columns[i]);
            *c = (struct ml_source_column){col->name, ml_store_catalog_type(col->type)};
        }
    }
    return true;
}

static const struct ml_source *find(const struct ml_catalog *catalog, struct ml_str name)
{
    const struct ml_clickhouse_engine *g = catalog->self;
    for (int t = 0; t < ML_N_TABLES; t++)
        if (ml_str_eq(g->tables[t].name, name))
            return &g->tables[t];
    return NULL;
}

/* As in the store's own catalog: wildcards range over the ten tables. */
static const struct ml_source *at(const struct ml_catalog *catalog, size_t i)
{
    const struct ml_clickhouse_engine *g = catalog->self;
    for (int t = 0; t < ML_N_TABLES; t++)
        if (ml_store_table_get((enum ml_store_table)t)->standard && i-- == 0)
            return &g->tables[t];
    return NULL;
}

/* --- the address --- */

/* "clickhouse://user@host:1/db?version=23.8" -> "http://user@host:1", "db", 2308 */
static int read_address(const char *url, struct ml_clickhouse_engine *g, struct ml_buf *http,
                        struct ml_error *e)
{
    const char *rest = NULL;
    unsigned major = 0;
    unsigned minor = 0;
    if (strncmp(url, "clickhouse://", 13) == 0)
        rest = url + 13;
    else if (strncmp(url, "clickhouses://", 14) == 0)
        rest = url + 14;
    if (rest == NULL || *rest == '\0' || *rest == '/')
        return ml_fail(e, ML_EUSAGE,
                       "an engine is clickhouse://[user[:password]@]host:port/database");
    const char *query = strchr(rest, '?');
    const char *end = query != NULL ? query : rest + strlen(rest);
    const char *slash = memchr(rest, '/', (size_t)(end - rest));
    const char *host_end = slash != NULL ? slash : end;
    struct ml_str name = slash != NULL && slash + 1 < end
                             ? (struct ml_str){slash + 1, (size_t)(end - slash - 1)}
                             : ML_STR("memline");
    if (query != NULL && sscanf(query, "?version=%u.%u", &major, &minor) != 2)
        return ml_fail(e, ML_EUSAGE, "unknown setting '%s' in the address of an engine", query);
    if (name.n >= sizeof g->database)
        return ml_fail(e, ML_EUSAGE, "the name of the database is too long");
    memcpy(g->database, name.p, name.n);
    g->engine.target.database = (struct ml_str){g->database, name.n};
    g->engine.target.version = major * 100 + (minor < 100 ? minor : 99);
    ml_buf_printf(http, "http%s://%.*s", url[10] == 's' ? "s" : "", (int)(host_end - rest), rest);
    return http->status == ML_OK ? ML_OK : ml_fail(e, http->status, "out of memory");
}

int ml_clickhouse_engine_open(const char *url, struct ml_clickhouse_engine **out,
                              struct ml_error *e)
{
    struct ml_clickhouse_engine *g = ml_calloc(1, sizeof *g);
    struct ml_buf http = {0};
    if (g == NULL || !describe(g)) {
        ml_clickhouse_engine_close(g);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    g->engine.self = g;
    g->engine.open = open_answer;
    g->engine.next = next;
    g->engine.close = close_answer;
    g->catalog = (struct ml_catalog){.find = find, .at = at, .self = g};
    int rc = read_address(url, g, &http, e);
    if (rc == ML_OK)
        rc = ml_clickhouse_new(http.p, g->database, &g->server, e);
    if (rc == ML_OK && g->engine.target.version == 0)
        rc = ml_clickhouse_version(g->server, &g->engine.target.version, e);
    ml_buf_free(&http);
    if (rc != ML_OK) {
        ml_clickhouse_engine_close(g);
        return rc;
    }
    *out = g;
    return ML_OK;
}

void ml_clickhouse_engine_close(struct ml_clickhouse_engine *g)
{
    if (g == NULL)
        return;
    ml_clickhouse_free(g->server);
    ml_free(g->columns);
    ml_free(g);
}

const struct ml_engine *ml_clickhouse_engine_get(const struct ml_clickhouse_engine *g)
{
    return &g->engine;
}

const struct ml_catalog *ml_clickhouse_engine_catalog(const struct ml_clickhouse_engine *g)
{
    return &g->catalog;
}
