/* kql/agg_state.h -- the states of the aggregates, all-zero at the start. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_AGG_STATE_H
#define ML_KQL_AGG_STATE_H

#include "kql/agg.h"

struct count_state {
    int64_t n;
};

struct sum_state {
    int64_t i;
    __int128 wide; /* for averages of times: does not wrap */
    double d;
    struct ml_dec dec;
    int64_t n;
};

struct best_state {
    struct ml_val best;
    bool any;
};

struct moment_state {
    int64_t n;
    double mean;
    double mean_y;
    double m2;
};

/* Values of one group, in an arena; sets have an index of slots beside them. */
struct list_state {
    struct ml_val *items;
    int64_t *weights; /* percentilew */
    uint32_t *slots;  /* sets: item + 1, 0 free; a power of two of them */
    uint32_t n;
    uint32_t cap;
    uint32_t nslots;
    bool sorted;
};

/* A copy of the value at the end. False: out of memory. */
bool ml__list_push(struct ml_agg_cx *cx, struct list_state *s, const struct ml_val *v);
/* For sets: false: it is there already (or *nomem); true: its slot is taken, and it must be pushed next. */
bool ml__list_is_new(struct ml_agg_cx *cx, struct list_state *s, const struct ml_val *v,
                     bool *nomem);

/* The cells of the best row. */
struct row_state {
    struct ml_val *cells;
    bool any;
};

#define AGG(name, result, args, state, update, finish, prefix, flags) \
    ml_agg_update update;                                             \
    ml_agg_finish finish;
#include "kql/agg.def"
#undef AGG

#endif
