/* kql/aggregate.h -- several aggregates over numbered groups: summarize, make-series, top-nested.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_AGGREGATE_H
#define ML_KQL_AGGREGATE_H

#include "kql/agg.h"
#include "kql/table.h"

struct ml_aggregator {
    struct ml_rt *rt;
    const struct ml_agg_call *calls; /* borrowed */
    uint32_t n;
    char **states;         /* owned: one array a call */
    size_t cap;            /* groups that the arrays have room for */
    struct ml_arena arena; /* what states point to */
};

bool ml__agg_init(struct ml_aggregator *a, struct ml_rt *rt, const struct ml_agg_call *calls,
                  uint32_t n);
void ml__agg_free(struct ml_aggregator *a);
/* A batch whose rows belong to group[i] < groups. */
int ml__agg_add(struct ml_aggregator *a, struct ml_arena *tmp, const struct ml_batch *in,
                const uint32_t *group, size_t groups);
/* Room for groups that got no rows. */
int ml__agg_ensure(struct ml_aggregator *a, size_t groups);
struct ml_val ml__agg_result(struct ml_aggregator *a, struct ml_arena *out, uint32_t call,
                             size_t group, uint32_t column);

#endif
