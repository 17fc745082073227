/* api/clickhouse_engine.h -- a ClickHouse server that answers queries (kql/engine.h), over the tables of the store.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_API_CLICKHOUSE_ENGINE_H
#define ML_API_CLICKHOUSE_ENGINE_H

#include "kql/engine.h"
#include "kql/source.h"

struct ml_clickhouse_engine;

/* url: "clickhouse://[user[:password]@]host:port[/database][?version=23.8]" (clickhouses:// for https). The server is asked
 * for its version, unless the address says it. */
int ml_clickhouse_engine_open(const char *url, struct ml_clickhouse_engine **out,
                              struct ml_error *e);
void ml_clickhouse_engine_close(struct ml_clickhouse_engine *g); /* NULL is fine */
const struct ml_engine *ml_clickhouse_engine_get(const struct ml_clickhouse_engine *g);
/* The tables that `memline export clickhouse` makes. They cannot be scanned here. */
const struct ml_catalog *ml_clickhouse_engine_catalog(const struct ml_clickhouse_engine *g);

#endif
