/* kql/kql.h -- the query engine from outside.
 *
 *   struct ml_query_options o = {.catalog = tables, .now_ticks = now};
 *   int rc = ml_query_open(text, &o, &q);            parse, bind, plan
 *   for (uint32_t t = 0; rc == ML_OK && t < ml_query_tables(q); t++) {
 *       const struct ml_query_table *info = ml_query_table(q, t);
 *       while ((rc = ml_query_next(q, t, &batch)) == ML_OK && batch.n > 0) use(batch);
 *   }
 *   if (rc != ML_OK) show(ml_query_diag(q));
 *   ml_query_close(q);
 *
 * Also a failed open gives a query, which holds its diagnostics; only out of memory gives NULL.
 * Threads: a query by one thread at a time; `cancel` may be set from any. Nothing is shared between queries.
 * Memory: a batch lives until the next call of next for the same table, or close.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_KQL_H
#define ML_KQL_KQL_H

#include "kql/column.h"
#include "kql/diag.h"
#include "kql/source.h"

#include <stdatomic.h>

struct ml_query;
struct ml_engine;

struct ml_parameter {
    struct ml_str name;
    struct ml_val value; /* cast to the declared type */
};

struct ml_query_options {
    const struct ml_catalog *catalog; /* borrowed until close; NULL: no tables */
    int64_t now_ticks;                /* what now() answers; 0: the clock */
    int64_t from_ticks;               /* rows with an older or younger time are not seen at all; */
    int64_t to_ticks;                 /* both 0: no such range */
    uint64_t timeout_ns;              /* 0: none */
    size_t max_bytes;                 /* of any one stage; 0: 2 GiB */
    const atomic_bool *cancel;        /* borrowed; may be NULL */
    const struct ml_parameter *parameters; /* of declare query_parameters; borrowed */
    size_t nparameters;
    bool no_optimizer;              /* for tests: the plan as it was bound */
    const struct ml_engine *engine; /* answers in our place (engine.h); borrowed; NULL: none */
};

struct ml_query_column {
    struct ml_str name;
    enum ml_type type;
};

struct ml_query_table {
    struct ml_str name; /* PrimaryResult, Table_1, ... */
    const struct ml_query_column *columns;
    uint32_t ncolumns;
    struct ml_str render; /* kind of chart asked for; empty: none */
};

/* 0, ML_EINVALID (see the diagnostics), ML_ENOMEM. */
int ml_query_open(struct ml_str text, const struct ml_query_options *o, struct ml_query **out);
void ml_query_close(struct ml_query *q); /* NULL is fine */
uint32_t ml_query_tables(const struct ml_query *q);
const struct ml_query_table *ml_query_table(const struct ml_query *q, uint32_t table);
/* batch->n = 0: the end. */
int ml_query_next(struct ml_query *q, uint32_t table, struct ml_batch *batch);
/* The visualization property as JSON, empty without render: {"Visualization":"timechart","XColumn":null,...} for
 * Kusto's clients, {"visualization":"timechart","xColumn":null,...} for Application Insights'. */
struct ml_str ml_query_visualization(struct ml_query *q, uint32_t table, bool insights);
/* The i-th value of an option of render (title, xcolumn, ycolumns, ...); .p NULL: there is none. */
struct ml_str ml_query_render(const struct ml_query *q, uint32_t table, const char *option,
                              uint32_t i);

/* Does each row of each result come of one row of a table? Then those of a range of time are the result's of that range. */
bool ml_query_by_row(const struct ml_query *q);

/* What failed; placed. */
const struct ml_diag *ml_query_diag(const struct ml_query *q);

/* How much was read: proves pruning. */
struct ml_query_stats {
    uint64_t blocks_read;
    uint64_t rows_read;
};
struct ml_query_stats ml_query_stats(const struct ml_query *q);
/* The plan as text, one stage a line. */
void ml_query_explain(const struct ml_query *q, struct ml_buf *out);

#endif
