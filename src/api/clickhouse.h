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

struct ml_clickhouse;

/* url: "http://[user[:password]@]host:port". database: made when missing. Nothing is sent yet. */
int ml_clickhouse_new(const char *url, const char *database, struct ml_clickhouse **out,
                      struct ml_error *e);
void ml_clickhouse_free(struct ml_clickhouse *c); /* NULL is fine */

/* Run a statement, with data behind it for INSERT; its answer's text in reply (may be NULL). Errors: ML_EIO (no answer),
 * ML_EINVALID (the server's own words in e). */
int ml_clickhouse_run(struct ml_clickhouse *c, struct ml_str sql, struct ml_str data,
                      struct ml_buf *reply, struct ml_error *e);
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
