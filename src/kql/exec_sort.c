/* kql/exec_sort.c -- sort and top; see exec.h.
 *
 * All rows are kept with their keys, then a permutation is sorted (stably, by merging). `top` keeps the
 * best so far and drops the rest whenever twice as many have gathered; from then on it takes only rows that
 * are better than the worst of them, and lets the scan know.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"

#include <math.h>

struct sort {
    struct ml_exec x;
    struct ml_rowset rows; /* input columns, then the keys */
    struct ml_schema schema;
    uint64_t limit;
    uint32_t *order;
    size_t n;
    size_t at;
    bool sorted;
    struct ml_cut cut;     /* by the first key; for the scan below */
    struct ml_val *limits; /* the keys of the worst row kept, once cut.set */
};

/* -1, 0, 1 by one key; nulls and NaN stand at the end that the flags name: null outside, NaN beside the numbers. */
static int compare_key(const struct ml_column *c, uint8_t flags, uint32_t a, uint32_t b)
{
    bool an = c->nulls != NULL && c->nulls[a];
    bool bn = c->nulls != NULL && c->nulls[b];
    int first = flags & ML_F_NULLS_FIRST ? -1 : 1;
    if (an || bn)
        return an == bn ? 0 : an ? first : -first;
    int r;
    if (ml_type_is_i64(c->type)) {
        r = (c->i[a] > c->i[b]) - (c->i[a] < c->i[b]);
    } else if (c->type == ML_T_REAL) {
        bool ax = isnan(c->d[a]);
        bool bx = isnan(c->d[b]);
        if (ax || bx)
            return ax == bx ? 0 : ax ? first : -first;
        r = (c->d[a] > c->d[b]) - (c->d[a] < c->d[b]);
    } else if (c->type == ML_T_STRING) {
        r = ml_str_cmp(c->s[a], c->s[b]);
    } else {
        struct ml_val x = ml_column_get(c, a);
        struct ml_val y = ml_column_get(c, b);
        r = ml_val_cmp(&x, &y);
    }
    return flags & ML_F_DESC ? -r : r;
}

int ml__key_order(const struct ml_val *a, const struct ml_val *b, uint8_t flags)
{
    int first = flags & ML_F_NULLS_FIRST ? -1 : 1;
    if (a->null || b->null)
        return a->null == b->null ? 0 : a->null ? first : -first;
    bool ax = a->type == ML_T_REAL && isnan(a->d);
    bool bx = b->type == ML_T_REAL && isnan(b->d);
    if (ax || bx)
        return ax == bx ? 0 : ax ? first : -first;
    int r = ml_val_cmp(a, b);
    return flags & ML_F_DESC ? -r : r;
}

size_t ml__cut_rows(const struct ml_cut *cut, const struct ml_column *key, size_t n, uint32_t *kept)
{
    bool desc = (cut->flags & ML_F_DESC) != 0;
    size_t k = 0;
    if (ml_type_is_i64(key->type) && !key->constant && key->nulls == NULL && !cut->worst.null) {
        int64_t w = cut->worst.i;
        for (size_t i = 0; i < n; i++) { /* branch-free */
            kept[k] = (uint32_t)i;
            bool better = desc ? key->i[i] > w : key->i[i] < w;
            k += better || (!cut->strict && key->i[i] == w);
        }
        return k;
    }
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(key, i);
        int r = ml__key_order(&v, &cut->worst, cut->flags);
        if (r < 0 || (r == 0 && !cut->strict))
            kept[k++] = (uint32_t)i;
    }
    return k;
}

static int compare(const struct sort *s, uint32_t a, uint32_t b)
{
    uint32_t first = s->x.plan->out.n;
    for (uint32_t i = 0; i < s->x.plan->n; i++) {
        int r = compare_key(&s->rows.all.cols[first + i], s->x.plan->key_flags[i], a, b);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Merge sort of order[0..n) through tmp; short runs by insertion. */
static void merge_sort(const struct sort *s, uint32_t *v, uint32_t *tmp, size_t n)
{
    if (n <= 12) {
        for (size_t i = 1; i < n; i++) {
            uint32_t k = v[i];
            size_t j = i;
            for (; j > 0 && compare(s, v[j - 1], k) > 0; j--)
                v[j] = v[j - 1];
            v[j] = k;
        }
        return;
    }
    size_t half = n / 2;
    merge_sort(s, v, tmp, half);
    merge_sort(s, v + half, tmp, n - half);
    if (compare(s, v[half - 1], v[half]) <= 0)
        return; /* already in order, as logs mostly are */
    memcpy(tmp, v, half * sizeof *v);
    size_t i = 0;
    size_t j = half;
    size_t k = 0;
    while (i < half && j < n)
        v[k++] = compare(s, tmp[i], v[j]) <= 0 ? tmp[i++] : v[j++];
    while (i < half)
        v[k++] = tmp[i++];
}

static int sort_rows(struct sort *s)
{
    struct ml_exec *x = &s->x;
    size_t n = s->rows.all.n;
    ml_arena_clear(&x->keep);
    s->order = ml_arena_raw(&x->keep, n, sizeof *s->order);
    uint32_t *tmp = ml_arena_raw(&x->keep, n, sizeof *tmp);
    if (s->order == NULL || tmp == NULL)
        return ml__rt_nomem(x->rt);
    for (size_t i = 0; i < n; i++)
        s->order[i] = (uint32_t)i;
    merge_sort(s, s->order, tmp, n);
    s->n = n;
    return ML_OK;
}

/* What the worst row kept says of rows to come. */
static void set_cut(struct sort *s)
{
    const struct ml_plan *p = s->x.plan;
    for (uint32_t i = 0; i < p->n; i++)
        s->limits[i] = ml_column_get(&s->rows.all.cols[p->out.n + i], s->rows.all.n - 1);
    s->cut.worst = s->limits[0];
    s->cut.set = true;
}

/* Keep only the best `limit` rows, in order. */
static int shrink(struct sort *s)
{
    struct ml_rowset kept;
    struct ml_batch best;
    int rc = sort_rows(s);
    if (rc != ML_OK)
        return rc;
    size_t n = s->limit < s->n ? (size_t)s->limit : s->n;
    if (!ml__batch_init(&best, &s->x.keep, s->rows.all.ncols) ||
        !ml__rows_init(&kept, &s->schema, s->x.rt->max_bytes))
        return ml__rt_nomem(s->x.rt);
    best.n = n;
    bool ok = true;
    for (size_t i = 0; i < best.ncols; i++)
        ok = ok && ml_column_gather(&s->rows.all.cols[i], &s->x.keep, s->order, n, &best.cols[i]);
    ok = ok && ml__rows_add(&kept, &best, true);
    ml__rows_free(&s->rows);
    s->rows = kept;
    if (ok && n > 0)
        set_cut(s);
    return ok ? ML_OK : ml__rt_nomem(s->x.rt);
}

/* The limit, the columns to keep, and room for them. */
static int prepare(struct sort *s)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    int rc = ML_OK;
    s->limit = UINT64_MAX;
    if (p->limit != NULL && (rc = ml__run_count(x->rt, p->limit, &s->limit)) != ML_OK)
        return rc;
    s->schema.n = p->out.n + p->n;
    s->schema.at = ml_arena_alloc(x->rt->arena, s->schema.n, sizeof *s->schema.at);
    s->limits = ml_arena_alloc(x->rt->arena, p->n, sizeof *s->limits);
    if (s->schema.at == NULL || s->limits == NULL)
        return ml__rt_nomem(x->rt);
    memcpy(s->schema.at, p->out.at, p->out.n * sizeof *p->out.at);
    for (uint32_t i = 0; i < p->n; i++)
        s->schema.at[p->out.n + i].type = p->exprs[i]->type;
    return ml__rows_init(&s->rows, &s->schema, x->rt->max_bytes) ? ML_OK : ml__rt_nomem(x->rt);
}

/* The rows of the batch that are better than the worst one kept; a tie comes too late. */
static size_t select_better(const struct sort *s, const struct ml_batch *wide, uint32_t *rows)
{
    const struct ml_plan *p = s->x.plan;
    const struct ml_column *keys = wide->cols + p->out.n;
    size_t n = ml__cut_rows(&s->cut, &keys[0], wide->n, rows);
    size_t kept = 0;
    for (size_t k = 0; k < n && p->n > 1; k++) {
        int r = 0;
        for (uint32_t i = 0; i < p->n && r == 0; i++) {
            struct ml_val v = ml_column_get(&keys[i], rows[k]);
            r = ml__key_order(&v, &s->limits[i], p->key_flags[i]);
        }
        if (r < 0)
            rows[kept++] = rows[k];
    }
    return p->n > 1 ? kept : n;
}

static int keep_batch(struct sort *s, struct ml_batch *wide)
{
    struct ml_exec *x = &s->x;
    struct ml_batch few = *wide;
    if (s->cut.set) {
        uint32_t *rows = ml_arena_raw(&x->batch, wide->n, sizeof *rows);
        if (rows == NULL || !ml__batch_init(&few, &x->batch, wide->ncols))
            return ml__rt_nomem(x->rt);
        few.n = select_better(s, wide, rows);
        for (size_t i = 0; i < few.ncols && few.n > 0; i++)
            if (!ml_column_gather(&wide->cols[i], &x->batch, rows, few.n, &few.cols[i]))
                return ml__rt_nomem(x->rt);
    }
    if (!ml__rows_add(&s->rows, &few, true))
        return ml__rt_nomem(x->rt);
    bool many = s->limit < 1000000 && s->rows.all.n > 2 * s->limit + 1024;
    return many && !x->plan->no_ties ? shrink(s) : ML_OK;
}

static int collect(struct sort *s)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    struct ml_batch in;
    int rc = prepare(s);
    if (rc != ML_OK || s->limit == 0)
        return rc;
    while ((rc = ml__exec_next(x->in[0], &in)) == ML_OK && in.n > 0) {
        struct ml_batch wide;
        struct ml_ecx cx = {x->rt, &x->batch};
        ml_arena_reset(&x->batch);
        if (!ml__batch_init(&wide, &x->batch, s->schema.n))
            return ml__rt_nomem(x->rt);
        memcpy(wide.cols, in.cols, p->out.n * sizeof *in.cols);
        wide.n = in.n;
        for (uint32_t i = 0; i < p->n && rc == ML_OK; i++)
            rc = ml__eval(&cx, p->exprs[i], &in, &wide.cols[p->out.n + i]);
        if (rc == ML_OK)
            rc = keep_batch(s, &wide);
        if (rc != ML_OK)
            return rc;
    }
    return rc;
}

/* The scan below, where the first key is one of its columns and nothing between them depends on which rows there are. */
static int open_sort(struct ml_exec *x)
{
    struct sort *s = (struct sort *)x;
    const struct ml_plan *p = x->plan;
    struct ml_exec *in = x->in[0];
    const struct ml_expr *key = p->exprs[0];
    s->cut.flags = p->key_flags[0];
    s->cut.strict = p->n == 1;
    if (!p->cuts)
        return ML_OK;
    while (key->kind == ML_E_COLUMN && !in->plan->window &&
           (in->plan->kind == ML_P_FILTER || in->plan->kind == ML_P_PROJECT)) {
        if (in->plan->kind == ML_P_PROJECT)
            key = in->plan->exprs[key->column];
        in = in->in[0];
    }
    if (key->kind == ML_E_COLUMN && in->plan->kind == ML_P_SCAN)
        ml__scan_cut(in, key->column, &s->cut);
    return ML_OK;
}

static int next_sort(struct ml_exec *x, struct ml_batch *out)
{
    struct sort *s = (struct sort *)x;
    if (!s->sorted) {
        int rc = collect(s);
        if (rc == ML_OK)
            rc = sort_rows(s);
        if (rc != ML_OK)
            return rc;
        if (x->plan->no_ties && s->limit > 0 && s->limit < s->n &&
            compare(s, s->order[s->limit - 1], s->order[s->limit]) == 0)
            return ml__rt_fail(x->rt, x->plan->limit->node, "ML209",
                               "top-hitters: several values tie at the cut; use summarize and top");
        s->n = s->limit < s->n ? (size_t)s->limit : s->n;
        s->sorted = true;
        ml_arena_reset(&x->batch);
    }
    size_t n = s->n - s->at < ML_BATCH_ROWS ? s->n - s->at : ML_BATCH_ROWS;
    if (n == 0)
        return ML_OK;
    if (!ml__batch_init(out, &x->batch, x->plan->out.n))
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < x->plan->out.n; i++)
        if (!ml_column_gather(&s->rows.all.cols[i], &x->batch, s->order + s->at, n, &out->cols[i]))
            return ml__rt_nomem(x->rt);
    out->n = n;
    s->at += n;
    return ML_OK;
}

static void close_sort(struct ml_exec *x)
{
    ml__rows_free(&((struct sort *)x)->rows);
}

const struct ml_exec_ops ml__exec_sort = {
    .size = sizeof(struct sort), .open = open_sort, .next = next_sort, .close = close_sort};
