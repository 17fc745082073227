/* api/clickhouse.h -- the store's tables on a ClickHouse server, over its HTTP interface. The folder's door to libcurl.
 *
 * A table has the columns of the store, in its order: datetime as Int64 ticks of 100 ns since year 1, int, long and
 * real Nullable, string and dynamic String ('' is a missing dynamic). Engine MergeTree ORDER BY timestamp.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_API_CLICKHOUSE_H
#define ML_API_CLICKHOUSE_H

#include "base/buf.h"
#include "base/err.h"
#include "store/schema.h"

#include <stdatomic.h>

struct ml_clickhouse;

/* url: "http://[user[:password]@]host:port". database: made when missing. Nothing is sent yet. */
int ml_clickhouse_new(const char *url, const char *database, struct ml_clickhouse **out,
                      struct ml_error *e);
void ml_clickhouse_free(struct ml_clickhouse *c); /* NULL is fine */

/* Run a statement, with data behind it for INSERT; its answer's text in reply (may be NULL). Errors: ML_EIO (no answer),
 * ML_EINVALID (the server's own words in e). */
int ml_clickhouse_run(struct ml_clickhouse *c, struct ml_str sql, struct ml_str data,
                      struct ml_buf *reply, struct ml_error *e);
/* What a query may cost, and who may end it. */
struct ml_clickhouse_ask {
    uint64_t timeout_ns;       /* 0: ten minutes */
    const atomic_bool *cancel; /* may be NULL */
};
/* A SELECT without FORMAT: its rows as RowBinary in reply, whose max bounds them. Errors beside those of run: ML_ETIMEOUT,
 * ML_ECANCELLED, ML_ELIMIT (the query is ended on the server, too), ML_EDENIED, and ML_EUNSUPPORTED, when a guard of the
 * SQL itself stopped it. */
int ml_clickhouse_query(struct ml_clickhouse *c, struct ml_str sql,
                        const struct ml_clickhouse_ask *ask, struct ml_buf *reply,
                        struct ml_error *e);
/* 100 * major + minor */
int ml_clickhouse_version(struct ml_clickhouse *c, unsigned *out, struct ml_error *e);
/* CREATE DATABASE and TABLE IF NOT EXISTS. */
int ml_clickhouse_create(struct ml_clickhouse *c, enum ml_store_table t, struct ml_error *e);
int ml_clickhouse_count(struct ml_clickhouse *c, enum ml_store_table t, uint64_t *rows,
                        struct ml_error *e);
/* rows: RowBinary of that table. */
int ml_clickhouse_insert(struct ml_clickhouse *c, enum ml_store_table t, struct ml_str rows,
                         struct ml_error *e);

/* The statements, for `--dry-run` and tests. */
void ml_clickhouse_create_sql(const char *database, enum ml_store_table t, struct ml_buf *out);

#endif
