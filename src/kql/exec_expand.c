/* kql/exec_expand.c -- mv-expand and mv-apply; see exec.h. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"
#include "kql/text.h"

struct expand {
    struct ml_exec x;
    struct ml_batch in;
    struct ml_column *values; /* of the items, for the current input batch */
    size_t row;               /* input row to go on with */
    uint64_t limit;           /* rows of one input row */
};

/* Elements that a value expands to. */
static uint32_t elements(const struct ml_val *v)
{
    if (!v->null && (v->type == ML_T_ARRAY || v->type == ML_T_BAG))
        return v->n;
    return 1; /* a null or a scalar is one row */
}

static struct ml_val element(struct ml_exec *x, const struct ml_val *v, uint32_t k, bool pairs)
{
    if (v->null || k >= elements(v))
        return ml_val_null(ML_T_NONE);
    if (v->type == ML_T_ARRAY)
        return v->items[k];
    if (v->type != ML_T_BAG)
        return *v;
    if (!pairs)
        return ml_val_bag(&v->pairs[k], 1);
    struct ml_val *two = ml_arena_raw(&x->batch, 2, sizeof *two);
    if (two == NULL)
        return ml_val_null(ML_T_NONE);
    two[0] = ml_val_str(v->pairs[k].key);
    two[1] = v->pairs[k].val;
    return ml_val_array(two, 2);
}

/* An element as type t: a cast, and misfits are null. */
static struct ml_val typed(struct ml_exec *x, const struct ml_val *v, enum ml_type t)
{
    return t == ML_T_DYNAMIC ? *v : ml_val_cast(&x->batch, v, true, t);
}

static int pull(struct expand *e)
{
    struct ml_exec *x = &e->x;
    const struct ml_expand_spec *spec = x->plan->expand;
    struct ml_ecx cx = {x->rt, &x->batch};
    int rc = ml__exec_next(x->in[0], &e->in);
    e->row = 0;
    if (rc != ML_OK || e->in.n == 0)
        return rc;
    e->values = ml_arena_alloc(&x->batch, spec->n, sizeof *e->values);
    if (e->values == NULL)
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < spec->n && rc == ML_OK; i++)
        rc = ml__eval(&cx, spec->items[i].expr, &e->in, &e->values[i]);
    return rc;
}

/* The rows of one input row: their number, and the item values. */
static uint64_t row_count(struct expand *e, size_t row, struct ml_val *vals)
{
    const struct ml_expand_spec *spec = e->x.plan->expand;
    uint64_t n = 0;
    for (uint32_t i = 0; i < spec->n; i++) {
        vals[i] = ml_column_get(&e->values[i], row);
        vals[i] = ml_val_force(&e->x.batch, &vals[i]);
        uint32_t k = elements(&vals[i]);
        n = k > n ? k : n;
    }
    return n < e->limit ? n : e->limit;
}

static int open_expand(struct ml_exec *x)
{
    struct expand *e = (struct expand *)x;
    e->limit = UINT64_MAX;
    if (x->plan->expand->limit != NULL)
        return ml__run_count(x->rt, x->plan->expand->limit, &e->limit);
    return ML_OK;
}

/* Fills `out` (columns of mv-expand) with the rows of input rows [first, last). */
static int fill(struct expand *e, struct ml_batch *out, size_t first, size_t last, size_t total,
                size_t ncols)
{
    struct ml_exec *x = &e->x;
    const struct ml_plan *p = x->plan;
    const struct ml_expand_spec *spec = p->expand;
    struct ml_val *vals = ml_arena_raw(&x->batch, spec->n, sizeof *vals);
    uint32_t *from = ml_arena_raw(&x->batch, total, sizeof *from);
    uint32_t *index = ml_arena_raw(&x->batch, total, sizeof *index);
    if (vals == NULL || from == NULL || index == NULL || !ml__batch_init(out, &x->batch, ncols))
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < spec->n; i++)
        if (!ml_column_init_nulls(&out->cols[spec->items[i].column], &x->batch, spec->items[i].type,
                                  total))
            return ml__rt_nomem(x->rt);
    for (size_t row = first; row < last; row++) {
        uint64_t n = row_count(e, row, vals);
        for (uint32_t k = 0; k < n; k++) {
            from[out->n] = (uint32_t)row;
            index[out->n] = k;
            for (uint32_t i = 0; i < spec->n; i++) {
                struct ml_val v = element(x, &vals[i], k, spec->pairs);
                v = typed(x, &v, spec->items[i].type);
                ml_column_set(&out->cols[spec->items[i].column], out->n, &v);
            }
            out->n++;
        }
    }
    if (spec->index >= 0) {
        struct ml_column *c = &out->cols[spec->index];
        if (!ml_column_init(c, &x->batch, ML_T_LONG, total))
            return ml__rt_nomem(x->rt);
        for (size_t i = 0; i < total; i++)
            c->i[i] = index[i];
    }
    for (uint32_t i = 0; i < spec->kept; i++)
        if (out->cols[i].data == NULL &&
            !ml_column_gather(&e->in.cols[i], &x->batch, from, total, &out->cols[i]))
            return ml__rt_nomem(x->rt);
    return ML_OK;
}

static int next_expand_rows(struct expand *e, struct ml_batch *out)
{
    struct ml_exec *x = &e->x;
    struct ml_val *vals = ml_arena_raw(&x->batch, x->plan->expand->n, sizeof *vals);
    if (vals == NULL)
        return ml__rt_nomem(x->rt);
    int rc = pull(e);
    if (rc != ML_OK || e->in.n == 0)
        return rc;
    size_t total = 0;
    for (size_t r = 0; r < e->in.n; r++)
        total += (size_t)row_count(e, r, vals);
    rc = fill(e, out, 0, e->in.n, total, x->plan->out.n);
    return rc;
}

static int next_expand(struct ml_exec *x, struct ml_batch *out)
{
    struct expand *e = (struct expand *)x;
    do {
        int rc = next_expand_rows(e, out);
        if (rc != ML_OK || e->in.n == 0)
            return rc;
    } while (out->n == 0);
    return ML_OK;
}

/* --- mv-apply: the sub-query runs for each input row --- */

/* Result rows of one input row, with the kept input columns before them. */
static int apply_row(struct expand *e, size_t row, struct ml_rowset *result)
{
    struct ml_exec *x = &e->x;
    const struct ml_plan *p = x->plan;
    struct ml_batch rows = {0};
    struct ml_val *vals = ml_arena_raw(&x->batch, p->expand->n, sizeof *vals);
    if (vals == NULL)
        return ml__rt_nomem(x->rt);
    uint64_t n = row_count(e, row, vals);
    int rc = fill(e, &rows, row, row + 1, (size_t)n, p->leaf->out.n);
    struct ml_exec *sub = NULL;
    if (rc == ML_OK)
        rc = ml__exec_open(x->rt, p->sub, &rows, &sub);
    struct ml_batch b = {0};
    while (rc == ML_OK && (rc = ml__exec_next(sub, &b)) == ML_OK && b.n > 0) {
        struct ml_batch out;
        if (!ml__batch_init(&out, &x->batch, p->out.n)) {
            rc = ml__rt_nomem(x->rt);
            break;
        }
        out.n = b.n;
        for (uint32_t i = 0; i < p->out.n; i++) {
            uint32_t from = (uint32_t)p->map[i];
            if (from < e->in.ncols) {
                out.cols[i] = ml_column_slice(&e->in.cols[from], row);
                out.cols[i].constant = true;
            } else {
                out.cols[i] = b.cols[from - e->in.ncols];
            }
        }
        if (!ml__rows_add(result, &out, true))
            rc = ml__rt_nomem(x->rt);
    }
    ml__exec_close(sub);
    return rc;
}

struct apply {
    struct expand e;
    struct ml_rowset result;
};

static int next_apply(struct ml_exec *x, struct ml_batch *out)
{
    struct apply *a = (struct apply *)x;
    do {
        ml_arena_reset(&x->batch);
        int rc = pull(&a->e);
        if (rc != ML_OK || a->e.in.n == 0)
            return rc;
        ml__rows_free(&a->result);
        if (!ml__rows_init(&a->result, &x->plan->out, x->rt->max_bytes))
            return ml__rt_nomem(x->rt);
        for (size_t r = 0; r < a->e.in.n && rc == ML_OK; r++)
            rc = apply_row(&a->e, r, &a->result);
        if (rc != ML_OK)
            return rc;
    } while (a->result.all.n == 0);
    *out = a->result.all;
    return ML_OK;
}

static void close_apply(struct ml_exec *x)
{
    ml__rows_free(&((struct apply *)x)->result);
}

static int next_either(struct ml_exec *x, struct ml_batch *out)
{
    return x->plan->sub != NULL ? next_apply(x, out) : next_expand(x, out);
}

const struct ml_exec_ops ml__exec_expand = {
    .size = sizeof(struct apply), .open = open_expand, .next = next_either, .close = close_apply};
