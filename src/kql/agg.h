/* kql/agg.h -- the aggregates: a table of rows, and how one is run.
 *
 * A state is `size` zeroed bytes a group. update sees a batch: the group of each row, and the argument
 * columns (never constant). finish is called once for every group and output column. Functions that end in "if" are the
 * plain ones behind a filter. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_AGG_H
#define ML_KQL_AGG_H

#include "kql/eval.h"

struct ml_agg_cx {
    struct ml_rt *rt;
    struct ml_arena *arena; /* lives as long as the states */
    const struct ml_agg_call *call;
    struct ml_agg_cell *cells; /* see agg_list.c */
};

typedef int ml_agg_update(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                          const struct ml_column *a, size_t n);
typedef struct ml_val ml_agg_finish(struct ml_agg_cx *cx, char *state, uint32_t column);

enum {
    ML_AGG_ROWS = 1,  /* output columns are those of its arguments: arg_max, take_any */
    ML_AGG_MULTI = 2, /* one output column for each constant argument: percentiles */
};

struct ml_agg {
    const char *name;
    const char *result; /* as in func.h; also 's' sum type, 'v' average type */
    const char *args;
    size_t size;
    ml_agg_update *update;
    ml_agg_finish *finish;
    const char *prefix; /* of the automatic name; NULL: the name itself */
    uint16_t flags;
};

/* NULL: there is none. *filter: the call's last argument is a condition. */
const struct ml_agg *ml_agg_find(struct ml_str name, bool *filter);
const struct ml_agg *ml_agg_at(size_t i);

#endif
