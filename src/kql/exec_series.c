/* kql/exec_series.c -- make-series; see exec.h.
 *
 * Rows are grouped by (keys, bin of the axis); each key then gets one array for every aggregate, with the missing
 * bins filled. Points are from, from+step, ... < to. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/aggregate.h"

#include <math.h>

enum { POINTS_MAX = 1048576 };

struct series {
    struct ml_exec x;
    struct ml_rowset rows;
    struct ml_groups keys;
    struct ml_groups bins; /* (key, point) */
    struct ml_aggregator agg;
    struct ml_schema key_schema;
    struct ml_schema bin_schema;
    struct ml_rowset result;
};

/* The axis as doubles or ticks, whichever its type is. */
struct axis {
    bool real;
    int64_t from;
    int64_t step;
    double dfrom;
    double dstep;
};

static int64_t point_of(const struct axis *a, const struct ml_val *v)
{
    if (a->real)
        return (int64_t)floor((v->d - a->dfrom) / a->dstep);
    int64_t d = v->i - a->from;
    return d / a->step - (d % a->step < 0);
}

static struct ml_val point_value(const struct axis *a, enum ml_type t, int64_t k)
{
    if (a->real)
        return ml_val_real(a->dfrom + (double)k * a->dstep);
    return ml_val_i64(t, a->from + k * a->step);
}

struct bounds {
    struct axis axis;
    bool has_from;
    bool has_to;
    int64_t to; /* points 0 .. to-1 */
};

static int read_bounds(struct series *s, struct bounds *b)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    struct ml_val from = {0};
    struct ml_val to = {0};
    struct ml_val step;
    int rc = ml__eval_constant(x->rt, p->step, &step);
    if (rc == ML_OK && p->from != NULL)
        rc = ml__eval_constant(x->rt, p->from, &from);
    if (rc == ML_OK && p->to != NULL)
        rc = ml__eval_constant(x->rt, p->to, &to);
    if (rc != ML_OK)
        return rc;
    bool real = step.type == ML_T_REAL;
    if (step.null || from.null || to.null || (real ? !(step.d > 0) : step.i <= 0))
        return ml__rt_fail(x->rt, p->step->node, "KS204",
                           "the step of make-series must be above 0");
    b->axis = (struct axis){
        .real = real, .from = from.i, .step = step.i, .dfrom = from.d, .dstep = step.d};
    b->has_from = p->from != NULL;
    b->has_to = p->to != NULL;
    if (real && !b->has_from)
        b->axis.dfrom = 0;
    if (!b->has_to)
        return ML_OK;
    if (real) {
        double n = (to.d - b->axis.dfrom) / step.d;
        if (!(fabs(n) < 1e15))
            return ml__rt_fail(x->rt, p->step->node, "ML203", "make-series has too many points");
        b->to = (int64_t)ceil(n) + (p->inclusive && n == floor(n));
    } else {
        int64_t d = to.i - b->axis.from;
        b->to = d / step.i + (d % step.i > 0) + (p->inclusive && d % step.i == 0);
    }
    return ML_OK;
}

static int add_groups(struct series *s, const struct bounds *b, uint32_t **key_of,
                      int64_t **point_of_row, size_t *kept)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    struct ml_ecx cx = {x->rt, &x->keep};
    size_t n = s->rows.all.n;
    uint32_t nkeys = p->n - 1;
    struct ml_column *keys = ml_arena_alloc(&x->keep, p->n, sizeof *keys);
    uint32_t *group = ml_arena_alloc(&x->keep, n, sizeof *group);
    int64_t *point = ml_arena_raw(&x->keep, n, sizeof *point);
    uint32_t *rows = ml_arena_raw(&x->keep, n, sizeof *rows);
    if (keys == NULL || group == NULL || point == NULL || rows == NULL)
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < p->n; i++) {
        int rc = ml__eval(&cx, p->exprs[i], &s->rows.all, &keys[i]);
        if (rc != ML_OK)
            return rc;
    }
    *kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(&keys[nkeys], i);
        if (v.null || (b->axis.real && isnan(v.d)))
            continue;
        int64_t k = point_of(&b->axis, &v);
        if ((b->has_from && k < 0) || (b->has_to && k >= b->to))
            continue;
        rows[*kept] = (uint32_t)i;
        point[(*kept)++] = k;
    }
    struct ml_batch all = s->rows.all;
    struct ml_batch few;
    if (!ml__batch_init(&few, &x->keep, all.ncols))
        return ml__rt_nomem(x->rt);
    few.n = *kept;
    for (size_t i = 0; i < all.ncols; i++)
        if (!ml_column_gather(&all.cols[i], &x->keep, rows, *kept, &few.cols[i]))
            return ml__rt_nomem(x->rt);
    struct ml_column two[2];
    for (uint32_t i = 0; i < nkeys; i++) {
        struct ml_column whole = keys[i];
        if (!ml_column_gather(&whole, &x->keep, rows, *kept, &keys[i]))
            return ml__rt_nomem(x->rt);
    }
    if (nkeys > 0 && *kept > 0 && !ml__groups_find(&s->keys, &x->keep, keys, *kept, true, group))
        return ml__rt_nomem(x->rt);
    if (!ml_column_init(&two[0], &x->keep, ML_T_LONG, *kept))
        return ml__rt_nomem(x->rt);
    for (size_t i = 0; i < *kept; i++)
        two[0].i[i] = group[i];
    two[1] = (struct ml_column){.type = ML_T_LONG, .i = point};
    uint32_t *bin = ml_arena_raw(&x->keep, *kept, sizeof *bin);
    if (bin == NULL || (*kept > 0 && !ml__groups_find(&s->bins, &x->keep, two, *kept, true, bin)))
        return ml__rt_nomem(x->rt);
    *key_of = group;
    *point_of_row = point;
    return *kept > 0 ? ml__agg_add(&s->agg, &x->keep, &few, bin, ml__groups_n(&s->bins)) : ML_OK;
}

static bool series_rows(struct series *s, const struct bounds *b, uint32_t key, int64_t first,
                        int64_t count)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    uint32_t nkeys = p->n - 1;
    struct ml_batch row;
    struct ml_arena *a = &x->keep;
    enum ml_type t = p->exprs[nkeys]->type;
    if (!ml__batch_init(&row, a, p->out.n))
        return false;
    row.n = 1;
    for (uint32_t i = 0; i < nkeys; i++)
        row.cols[i] = ml_column_slice(&s->keys.keys.all.cols[i], key);
    struct ml_val *axis = ml_arena_raw(a, (size_t)count, sizeof *axis);
    if (axis == NULL)
        return false;
    for (int64_t k = 0; k < count; k++)
        axis[k] = point_value(&b->axis, t, first + k);
    for (uint32_t i = 0; i < p->naggs; i++) {
        struct ml_val *items = ml_arena_raw(a, (size_t)count, sizeof *items);
        struct ml_val missing = p->aggs[i].type == ML_T_REAL ? ml_val_real(0) : ml_val_long(0);
        if (items == NULL)
            return false;
        if (p->aggs[i].type == ML_T_DYNAMIC || p->aggs[i].type == ML_T_STRING)
            missing = ml_val_null(ML_T_NONE);
        if (p->aggs[i].missing != NULL &&
            ml__eval_constant(x->rt, p->aggs[i].missing, &missing) != ML_OK)
            return false;
        for (int64_t k = 0; k < count; k++)
            items[k] = missing;
        for (size_t g = 0; g < ml__groups_n(&s->bins); g++) {
            int64_t k = s->bins.keys.all.cols[1].i[g] - first;
            if (s->bins.keys.all.cols[0].i[g] == key && k >= 0 && k < count)
                items[k] = ml__agg_result(&s->agg, a, i, g, 0);
        }
        struct ml_val array = ml_val_array(items, (size_t)count);
        if (!ml_column_init_constant(&row.cols[nkeys + i], a, ML_T_DYNAMIC, &array))
            return false;
    }
    struct ml_val points = ml_val_array(axis, (size_t)count);
    return ml_column_init_constant(&row.cols[p->out.n - 1], a, ML_T_DYNAMIC, &points) &&
           ml__rows_add(&s->result, &row, true);
}

static int run(struct ml_exec *x)
{
    struct series *s = (struct series *)x;
    static struct ml_field bin_fields[2] = {{{"key", 3}, ML_T_LONG}, {{"point", 5}, ML_T_LONG}};
    const struct ml_plan *p = x->plan;
    struct bounds b = {0};
    uint32_t *key_of = NULL;
    int64_t *point = NULL;
    size_t kept = 0;
    s->key_schema = (struct ml_schema){p->out.at, p->n - 1};
    s->bin_schema = (struct ml_schema){bin_fields, 2};
    if (!ml__groups_init(&s->keys, &s->key_schema, x->rt->max_bytes) ||
        !ml__groups_init(&s->bins, &s->bin_schema, x->rt->max_bytes) ||
        !ml__agg_init(&s->agg, x->rt, p->aggs, p->naggs) ||
        !ml__rows_init(&s->result, &p->out, x->rt->max_bytes))
        return ml__rt_nomem(x->rt);
    int rc = ml__exec_drain(x->in[0], &s->rows);
    if (rc == ML_OK)
        rc = read_bounds(s, &b);
    if (rc == ML_OK)
        rc = add_groups(s, &b, &key_of, &point, &kept);
    if (rc != ML_OK)
        return rc;
    size_t nkeys = p->n > 1 ? ml__groups_n(&s->keys) : 1;
    if (p->n == 1 && kept == 0 && !(b.has_from && b.has_to))
        nkeys = 0;
    for (uint32_t k = 0; k < nkeys; k++) {
        int64_t first = b.has_from ? 0 : INT64_MAX;
        int64_t last = b.has_to ? b.to - 1 : INT64_MIN;
        for (size_t i = 0; i < kept; i++) {
            if (key_of[i] != k)
                continue;
            first = !b.has_from && point[i] < first ? point[i] : first;
            last = !b.has_to && point[i] > last ? point[i] : last;
        }
        if (last < first)
            continue;
        if (last - first >= POINTS_MAX)
            return ml__rt_fail(x->rt, p->step->node, "ML203", "make-series has too many points");
        if (!series_rows(s, &b, k, first, last - first + 1))
            return ml_diag_is_set(x->rt->diag) ? ML_EINVALID : ml__rt_nomem(x->rt);
    }
    return ML_OK;
}

static int next_series(struct ml_exec *x, struct ml_batch *out)
{
    return ml__exec_once(x, run, &((struct series *)x)->result, out);
}

static void close_series(struct ml_exec *x)
{
    struct series *s = (struct series *)x;
    ml__rows_free(&s->rows);
    ml__rows_free(&s->result);
    ml__groups_free(&s->keys);
    ml__groups_free(&s->bins);
    ml__agg_free(&s->agg);
}

const struct ml_exec_ops ml__exec_series = {
    .size = sizeof(struct series), .next = next_series, .close = close_series};
