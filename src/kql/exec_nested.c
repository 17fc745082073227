/* kql/exec_nested.c -- top-nested: the best values of each level within those of the level above; see exec.h.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/aggregate.h"

struct nested {
    struct ml_exec x;
    struct ml_rowset rows;
    struct ml_rowset result;
    struct ml_val *cells; /* of the row being made, two a level */
};

struct ranked {
    struct ml_val value;
    uint32_t group;
};

/* Better first; nulls last. */
static int better(const struct ranked *a, const struct ranked *b, bool ascending)
{
    if (a->value.null || b->value.null)
        return (int)a->value.null - (int)b->value.null;
    int c = ml_val_cmp(&a->value, &b->value);
    return ascending ? c : -c;
}

static void rank(struct ranked *r, size_t n, bool ascending)
{
    for (size_t i = 1; i < n; i++) {
        struct ranked t = r[i];
        size_t j = i;
        for (; j > 0 && better(&r[j - 1], &t, ascending) > 0; j--)
            r[j] = r[j - 1];
        r[j] = t;
    }
}

static int put_row(struct nested *s)
{
    struct ml_exec *x = &s->x;
    struct ml_batch row;
    if (!ml__batch_init(&row, &x->keep, x->plan->out.n))
        return ml__rt_nomem(x->rt);
    row.n = 1;
    for (uint32_t i = 0; i < x->plan->out.n; i++)
        if (!ml_column_init_constant(&row.cols[i], &x->keep, x->plan->out.at[i].type, &s->cells[i]))
            return ml__rt_nomem(x->rt);
    return ml__rows_add(&s->result, &row, true) ? ML_OK : ml__rt_nomem(x->rt);
}

static int level(struct nested *s, uint32_t depth, const struct ml_batch *in);

static int gather(struct nested *s, const struct ml_batch *in, const uint32_t *rows, size_t n,
                  struct ml_batch *out)
{
    struct ml_exec *x = &s->x;
    if (!ml__batch_init(out, &x->keep, in->ncols))
        return ml__rt_nomem(x->rt);
    out->n = n;
    for (size_t i = 0; i < in->ncols; i++)
        if (!ml_column_gather(&in->cols[i], &x->keep, rows, n, &out->cols[i]))
            return ml__rt_nomem(x->rt);
    return ML_OK;
}

/* The chosen groups in turn, each going one level down. */
static int descend(struct nested *s, uint32_t depth, const struct ml_batch *in,
                   const uint32_t *group, const struct ml_groups *keys, const struct ranked *r,
                   size_t n)
{
    struct ml_exec *x = &s->x;
    uint32_t *rows = ml_arena_raw(&x->keep, in->n, sizeof *rows);
    if (rows == NULL)
        return ml__rt_nomem(x->rt);
    for (size_t i = 0; i < n; i++) {
        struct ml_batch part;
        size_t k = 0;
        for (size_t row = 0; row < in->n; row++)
            if (group[row] == r[i].group)
                rows[k++] = (uint32_t)row;
        s->cells[2 * depth] = ml_column_get(&keys->keys.all.cols[0], r[i].group);
        s->cells[2 * depth + 1] = r[i].value;
        int rc = gather(s, in, rows, k, &part);
        if (rc == ML_OK)
            rc = level(s, depth + 1, &part);
        if (rc != ML_OK)
            return rc;
    }
    return ML_OK;
}

/* One row for all values that were not chosen; deeper levels are their others, too, or null. */
static int others(struct nested *s, uint32_t depth, const struct ml_batch *in,
                  const uint32_t *group, const struct ranked *r, size_t kept)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    uint32_t *rows = ml_arena_raw(&x->keep, in->n, sizeof *rows);
    struct ml_batch rest;
    size_t n = 0;
    if (rows == NULL)
        return ml__rt_nomem(x->rt);
    for (size_t row = 0; row < in->n; row++) {
        bool chosen = false;
        for (size_t i = 0; i < kept; i++)
            chosen |= group[row] == r[i].group;
        if (!chosen)
            rows[n++] = (uint32_t)row;
    }
    int rc = gather(s, in, rows, n, &rest);
    for (uint32_t d = depth; rc == ML_OK && d < p->nlevels; d++) {
        struct ml_aggregator agg;
        uint32_t *zero = ml_arena_alloc(&x->keep, n, sizeof *zero);
        s->cells[2 * d] = ml_val_null(p->levels[d].of->type);
        s->cells[2 * d + 1] = ml_val_null(p->levels[d].agg.type);
        if (p->levels[d].others == NULL)
            continue;
        if (zero == NULL || !ml__agg_init(&agg, x->rt, &p->levels[d].agg, 1))
            return ml__rt_nomem(x->rt);
        rc = ml__eval_constant(x->rt, p->levels[d].others, &s->cells[2 * d]);
        if (rc == ML_OK)
            rc = ml__agg_add(&agg, &x->keep, &rest, zero, 1);
        if (rc == ML_OK) {
            struct ml_val v = ml__agg_result(&agg, &x->keep, 0, 0, 0);
            rc = ml_val_copy(&x->keep, &v, &s->cells[2 * d + 1]) ? ML_OK : ml__rt_nomem(x->rt);
        }
        ml__agg_free(&agg);
    }
    return rc == ML_OK ? put_row(s) : rc;
}

static int level(struct nested *s, uint32_t depth, const struct ml_batch *in)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    if (depth == p->nlevels)
        return put_row(s);
    const struct ml_nested_level *l = &p->levels[depth];
    struct ml_field field = {.type = l->of->type};
    struct ml_schema schema = {&field, 1};
    struct ml_groups keys;
    struct ml_aggregator agg = {0};
    struct ml_ecx cx = {x->rt, &x->keep};
    struct ml_column of;
    uint64_t want = UINT64_MAX;
    uint32_t *group = ml_arena_raw(&x->keep, in->n, sizeof *group);
    int rc = l->count != NULL ? ml__run_count(x->rt, l->count, &want) : ML_OK;
    if (rc == ML_OK)
        rc = ml__eval(&cx, l->of, in, &of);
    if (rc != ML_OK)
        return rc;
    if (group == NULL || !ml__groups_init(&keys, &schema, x->rt->max_bytes))
        return ml__rt_nomem(x->rt);
    if (!ml__agg_init(&agg, x->rt, &l->agg, 1) ||
        (in->n > 0 && !ml__groups_find(&keys, &x->keep, &of, in->n, true, group)))
        rc = ml__rt_nomem(x->rt);
    size_t n = ml__groups_n(&keys);
    if (rc == ML_OK && n > 0)
        rc = ml__agg_add(&agg, &x->keep, in, group, n);
    struct ranked *r = ml_arena_raw(&x->keep, n, sizeof *r);
    if (r == NULL)
        rc = ml__rt_nomem(x->rt);
    for (uint32_t g = 0; rc == ML_OK && g < n; g++) {
        struct ml_val v = ml__agg_result(&agg, &x->keep, 0, g, 0);
        r[g].group = g;
        if (!ml_val_copy(&x->keep, &v, &r[g].value))
            rc = ml__rt_nomem(x->rt);
    }
    if (rc == ML_OK) {
        rank(r, n, l->ascending);
        size_t kept = want < n ? (size_t)want : n;
        rc = descend(s, depth, in, group, &keys, r, kept);
        if (rc == ML_OK && l->others != NULL && kept < n)
            rc = others(s, depth, in, group, r, kept);
    }
    ml__agg_free(&agg);
    ml__groups_free(&keys);
    return rc;
}

static int run(struct ml_exec *x)
{
    struct nested *s = (struct nested *)x;
    s->cells = ml_arena_alloc(&x->keep, x->plan->out.n, sizeof *s->cells);
    if (s->cells == NULL || !ml__rows_init(&s->result, &x->plan->out, x->rt->max_bytes))
        return ml__rt_nomem(x->rt);
    int rc = ml__exec_drain(x->in[0], &s->rows);
    return rc == ML_OK ? level(s, 0, &s->rows.all) : rc;
}

static int next_nested(struct ml_exec *x, struct ml_batch *out)
{
    return ml__exec_once(x, run, &((struct nested *)x)->result, out);
}

static void close_nested(struct ml_exec *x)
{
    struct nested *s = (struct nested *)x;
    ml__rows_free(&s->rows);
    ml__rows_free(&s->result);
}

const struct ml_exec_ops ml__exec_nested = {
    .size = sizeof(struct nested), .next = next_nested, .close = close_nested};
