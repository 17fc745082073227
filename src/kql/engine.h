/* kql/engine.h -- another engine that answers queries in our place: it gets SQL and gives rows.
 *
 * A query with an engine is parsed, bound and made SQL here; ml_query_next then hands out the engine's batches. Nothing else
 * of a query's users changes. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_ENGINE_H
#define ML_KQL_ENGINE_H

#include "base/err.h"
#include "kql/clickhouse.h"
#include "kql/column.h"

#include <stdatomic.h>

struct ml_answer; /* the engine's own: the rows of one result */
struct ml_query_column;

struct ml_engine_limits {
    uint64_t timeout_ns; /* 0: none */
    size_t max_bytes;    /* of the answer */
    const atomic_bool *cancel;
};

struct ml_engine {
    struct ml_sql_target target;
    void *self;
    /* Runs the statement to its end or failure. e->status ML_EUNSUPPORTED: rows of a kind that the SQL refuses. */
    int (*open)(const struct ml_engine *g, struct ml_str sql, const struct ml_query_column *columns,
                uint32_t n, const struct ml_engine_limits *limits, struct ml_answer **out,
                struct ml_error *e);
    /* The next rows, in the arena (which is reset before); batch->n = 0: the end. */
    int (*next)(struct ml_answer *a, struct ml_arena *arena, struct ml_batch *batch,
                struct ml_error *e);
    void (*close)(struct ml_answer *a); /* NULL is fine */
};

#endif
