/* kql/fn_sketch.c -- reading and merging the states of hll and tdigest; see agg_sketch.c and func.def.
 * SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include <math.h>
#include <stdlib.h>

/* The values of a state; NULL: it is none. */
static const struct ml_val *values_of(const struct ml_val *state, const char *key)
{
    const struct ml_val *v = state->null || state->type != ML_T_BAG
                                 ? NULL
                                 : ml_val_member(state, ml_str_of(key));
    return v != NULL && !v->null && v->type == ML_T_ARRAY ? v : NULL;
}

static struct ml_val state_of(struct ml_fcx *f, const char *key, struct ml_val values)
{
    struct ml_pair *pair = ml__f_alloc(f, 1, sizeof *pair);
    if (pair == NULL)
        return ml_val_null(ML_T_NONE);
    *pair = (struct ml_pair){ml_str_of(key), values};
    return ml_val_bag(pair, 1);
}

struct ml_val ml__fn_dcount_hll(struct ml_fcx *f, const struct ml_val *a)
{
    const struct ml_val *v = values_of(a, "hll");
    return v != NULL ? ml_val_long(v->n) : ml_val_null(ML_T_LONG);
}

struct ml_val ml__fn_hll_merge(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val *sets = ml__f_alloc(f, f->n, sizeof *sets);
    for (unsigned i = 0; sets != NULL && i < f->n; i++) {
        const struct ml_val *v = values_of(&a[i], "hll");
        if (v == NULL)
            return ml_val_null(ML_T_NONE);
        sets[i] = *v;
    }
    return sets != NULL ? state_of(f, "hll", ml__fn_set_union(f, sets)) : ml_val_null(ML_T_NONE);
}

struct ml_val ml__fn_tdigest_merge(struct ml_fcx *f, const struct ml_val *a)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < f->n; i++) {
        const struct ml_val *v = values_of(&a[i], "tdigest");
        if (v == NULL)
            return ml_val_null(ML_T_NONE);
        total += v->n;
    }
    struct ml_val *items = total < UINT32_MAX ? ml__f_alloc(f, total + 1, sizeof *items) : NULL;
    uint32_t n = 0;
    if (items == NULL)
        return ml_val_null(ML_T_NONE);
    for (unsigned i = 0; i < f->n; i++) {
        const struct ml_val *v = values_of(&a[i], "tdigest");
        for (uint32_t k = 0; k < v->n; k++)
            items[n++] = v->items[k];
    }
    return state_of(f, "tdigest", ml_val_array(items, n));
}

static int by_value(const void *x, const void *y)
{
    return ml_val_cmp(x, y);
}

static struct ml_val *sorted(struct ml_fcx *f, const struct ml_val *v)
{
    struct ml_val *items = ml__f_alloc(f, (size_t)v->n + 1, sizeof *items);
    if (items == NULL)
        return NULL;
    if (v->n > 0)
        memcpy(items, v->items, v->n * sizeof *items);
    qsort(items, v->n, sizeof *items, by_value);
    return items;
}

/* Nearest rank, as percentile() has it. */
static struct ml_val at_rank(const struct ml_val *items, uint32_t n, double p)
{
    double rank = ceil(p / 100 * n);
    uint32_t k = rank < 1 ? 1 : rank > n ? n : (uint32_t)rank;
    return items[k - 1];
}

struct ml_val ml__fn_percentile_tdigest(struct ml_fcx *f, const struct ml_val *a)
{
    const struct ml_val *v = values_of(a, "tdigest");
    const struct ml_val *items = v != NULL && v->n > 0 ? sorted(f, v) : NULL;
    return items != NULL && !isnan(a[1].d) ? at_rank(items, v->n, a[1].d) : ml_val_null(ML_T_NONE);
}

struct ml_val ml__fn_percentiles_array_tdigest(struct ml_fcx *f, const struct ml_val *a)
{
    const struct ml_val *v = values_of(a, "tdigest");
    const struct ml_val *items = v != NULL && v->n > 0 ? sorted(f, v) : NULL;
    struct ml_val *out = ml__f_alloc(f, f->n, sizeof *out);
    if (items == NULL || out == NULL)
        return ml_val_null(ML_T_NONE);
    for (unsigned i = 1; i < f->n; i++)
        out[i - 1] = isnan(a[i].d) ? ml_val_null(ML_T_NONE) : at_rank(items, v->n, a[i].d);
    return ml_val_array(out, f->n - 1);
}
