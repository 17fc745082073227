/* kql/clickhouse.h -- a bound query as SQL for ClickHouse. Pure: no network.
 *
 * The SQL gives the query's rows exactly, or there is none: what ClickHouse would answer otherwise is refused by
 * name and place (docs/scale.md has the list). Tables are those that `memline export clickhouse` makes.
 * Columns of the answer, in RowBinary: bool UInt8, int Int32, long, datetime and timespan Int64, real Float64, each
 * behind a byte that says NULL; string String; guid and dynamic Nullable(String).
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_CLICKHOUSE_H
#define ML_KQL_CLICKHOUSE_H

#include "base/buf.h"
#include "base/str.h"

struct ml_rt;
struct ml_plan;

struct ml_sql_target {
    struct ml_str database;
    unsigned version; /* of the server: 100 * major + minor */
};

/* ML_OK, or ML_EINVALID with the reason in rt->diag. */
int ml_clickhouse_sql(struct ml_rt *rt, const struct ml_plan *p, const struct ml_sql_target *target,
                      struct ml_buf *out);

#endif
