/* api/ask.h -- a query request, whatever protocol it came in by.
 *
 * Memory: slices lie in the request's arena or body. SPDX-License-Identifier: MIT */
#ifndef ML_API_ASK_H
#define ML_API_ASK_H

#include "api/period.h"
#include "api/shape.h"
#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_ask {
    struct ml_str query;
    struct ml_str database; /* Kusto: db; else empty */
    bool has_period;
    struct ml_period period;  /* ANDed with the query on each table's timestamp */
    uint64_t timeout_ns;      /* 0: the server's */
    uint64_t max_rows;        /* answer with so many at most, without an error; 0: not asked */
    uint64_t error_rows;      /* more are an error; 0: the server's; UINT64_MAX: never */
    int64_t now_ticks;        /* what now() shall be; 0: the clock */
    struct ml_str parameters; /* JSON object of declare query_parameters values; empty: none */
};

/* Bodies and options. The text of a failure in e. Errors: ML_EINVALID, ML_ENOMEM. */
int ml_ask_insights(struct ml_arena *a, struct ml_str body, int64_t now, struct ml_ask *out,
                    struct ml_error *e);
int ml_ask_kusto(struct ml_arena *a, struct ml_str body, struct ml_ask *out, struct ml_error *e);
/* GET: the query string's query/csl, timespan, db. */
int ml_ask_get(struct ml_arena *a, struct ml_str query_string, int64_t now, struct ml_ask *out,
               struct ml_error *e);
/* "wait=30, ai.response-thinning=false, include-render=true": the parts that count. */
struct ml_prefer {
    unsigned wait_s;
    bool kusto_shape;
    bool statistics;
    bool render;
};
void ml_prefer_parse(struct ml_str header, struct ml_prefer *out);

#endif
