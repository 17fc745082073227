/* kql/exec_aggregate.c -- summarize, distinct, count; see exec.h and agg.h.
 *
 * Every row gets the number of its group; each aggregate then walks its columns once. Without keys there is one group,
 * also for no rows. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/mem.h"
#include "kql/aggregate.h"

bool ml__agg_init(struct ml_aggregator *a, struct ml_rt *rt, const struct ml_agg_call *calls,
                  uint32_t n)
{
    *a = (struct ml_aggregator){.rt = rt, .calls = calls, .n = n};
    a->arena.max_bytes = rt->max_bytes;
    a->states = ml_calloc(n, sizeof *a->states);
    return a->states != NULL;
}

void ml__agg_free(struct ml_aggregator *a)
{
    for (uint32_t i = 0; a->states != NULL && i < a->n; i++)
        ml_free(a->states[i]);
    ml_free(a->states);
    ml_arena_clear(&a->arena);
    *a = (struct ml_aggregator){0};
}

static bool grow(struct ml_aggregator *a, size_t groups)
{
    if (groups <= a->cap)
        return true;
    size_t cap = groups > 2 * a->cap ? groups : 2 * a->cap;
    for (uint32_t i = 0; i < a->n; i++) {
        size_t size = a->calls[i].agg->size;
        char *p = ml_realloc(a->states[i], cap, size);
        if (p == NULL)
            return false;
        memset(p + a->cap * size, 0, (cap - a->cap) * size);
        a->states[i] = p;
    }
    a->cap = cap;
    return true;
}

/* Only the rows where the call's condition is true. */
static int filtered(struct ml_ecx *cx, const struct ml_agg_call *call, const struct ml_batch *in,
                    struct ml_column *args, const uint32_t **group, size_t *n)
{
    uint32_t *rows = NULL;
    size_t kept = 0;
    int rc = ml__eval_filter(cx, call->filter, in, &rows, &kept);
    if (rc != ML_OK || kept == in->n)
        return rc;
    uint32_t *g = ml_arena_raw(cx->arena, kept, sizeof *g);
    if (g == NULL)
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < kept; i++)
        g[i] = (*group)[rows[i]];
    for (uint32_t k = 0; k < call->n; k++) {
        struct ml_column all = args[k];
        if (!ml_column_gather(&all, cx->arena, rows, kept, &args[k]))
            return ml__rt_nomem(cx->rt);
    }
    *group = g;
    *n = kept;
    return ML_OK;
}

int ml__agg_add(struct ml_aggregator *a, struct ml_arena *tmp, const struct ml_batch *in,
                const uint32_t *group, size_t groups)
{
    struct ml_ecx cx = {a->rt, tmp};
    if (!grow(a, groups))
        return ml__rt_nomem(a->rt);
    for (uint32_t i = 0; i < a->n; i++) {
        const struct ml_agg_call *call = &a->calls[i];
        struct ml_agg_cx acx = {.rt = a->rt, .arena = &a->arena, .call = call};
        struct ml_column *args = ml_arena_alloc(tmp, call->n, sizeof *args);
        const uint32_t *g = group;
        size_t n = in->n;
        int rc = args != NULL ? ML_OK : ml__rt_nomem(a->rt);
        for (uint32_t k = 0; k < call->n && rc == ML_OK; k++) {
            rc = ml__eval(&cx, call->arg[k], in, &args[k]);
            if (rc == ML_OK && !ml_column_flatten(&args[k], tmp, in->n))
                rc = ml__rt_nomem(a->rt);
        }
        if (rc == ML_OK && call->filter != NULL)
            rc = filtered(&cx, call, in, args, &g, &n);
        if (rc == ML_OK)
            rc = call->agg->update(&acx, a->states[i], g, args, n);
        if (rc != ML_OK)
            return ml_diag_is_set(a->rt->diag) ? rc : ml__rt_nomem(a->rt);
    }
    return ML_OK;
}

int ml__agg_ensure(struct ml_aggregator *a, size_t groups)
{
    return grow(a, groups) ? ML_OK : ml__rt_nomem(a->rt);
}

struct ml_val ml__agg_result(struct ml_aggregator *a, struct ml_arena *out, uint32_t call,
                             size_t group, uint32_t column)
{
    struct ml_agg_cx acx = {.rt = a->rt, .arena = out, .call = &a->calls[call]};
    const struct ml_agg *agg = a->calls[call].agg;
    return agg->finish(&acx, a->states[call] + group * agg->size, column);
}

struct aggregate {
    struct ml_exec x;
    struct ml_groups groups;
    struct ml_aggregator agg;
    struct ml_schema keys;
    size_t n;
    size_t at;
    bool ready;
};

static int add_batch(struct aggregate *s, const struct ml_batch *in)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    struct ml_ecx cx = {x->rt, &x->batch};
    uint32_t *group = ml_arena_alloc(&x->batch, in->n, sizeof *group);
    struct ml_column *keys = ml_arena_alloc(&x->batch, p->n, sizeof *keys);
    if (group == NULL || keys == NULL)
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < p->n; i++) {
        int rc = ml__eval(&cx, p->exprs[i], in, &keys[i]);
        if (rc != ML_OK)
            return rc;
    }
    size_t groups = 1;
    if (p->n > 0) {
        if (!ml__groups_find(&s->groups, &x->batch, keys, in->n, true, group))
            return ml__rt_nomem(x->rt);
        groups = ml__groups_n(&s->groups);
    }
    return ml__agg_add(&s->agg, &x->batch, in, group, groups);
}

static int consume(struct aggregate *s)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    struct ml_batch in;
    int rc;
    s->keys = (struct ml_schema){p->out.at, p->n};
    if (!ml__groups_init(&s->groups, &s->keys, x->rt->max_bytes) ||
        !ml__agg_init(&s->agg, x->rt, p->aggs, p->naggs))
        return ml__rt_nomem(x->rt);
    while ((rc = ml__exec_next(x->in[0], &in)) == ML_OK && in.n > 0) {
        ml_arena_reset(&x->batch);
        if ((rc = add_batch(s, &in)) != ML_OK)
            return rc;
    }
    s->n = p->n > 0 ? ml__groups_n(&s->groups) : 1;
    return rc == ML_OK ? ml__agg_ensure(&s->agg, s->n) : rc;
}

static int next_aggregate(struct ml_exec *x, struct ml_batch *out)
{
    struct aggregate *s = (struct aggregate *)x;
    const struct ml_plan *p = x->plan;
    if (!s->ready) {
        int rc = consume(s);
        if (rc != ML_OK)
            return rc;
        s->ready = true;
        ml_arena_reset(&x->batch);
    }
    size_t n = s->n - s->at < ML_BATCH_ROWS ? s->n - s->at : ML_BATCH_ROWS;
    if (n == 0)
        return ML_OK;
    if (!ml__batch_init(out, &x->batch, p->out.n))
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < p->n; i++)
        out->cols[i] = ml_column_slice(&s->groups.keys.all.cols[i], s->at);
    uint32_t c = p->n;
    for (uint32_t i = 0; i < p->naggs; i++)
        for (uint32_t k = 0; k < p->aggs[i].columns; k++, c++) {
            if (!ml_column_init_nulls(&out->cols[c], &x->batch, p->out.at[c].type, n))
                return ml__rt_nomem(x->rt);
            for (size_t r = 0; r < n; r++) {
                struct ml_val v = ml__agg_result(&s->agg, &x->batch, i, s->at + r, k);
                ml_column_set(&out->cols[c], r, &v);
            }
        }
    out->n = n;
    s->at += n;
    return ml_diag_is_set(x->rt->diag) ? ML_EINVALID : ML_OK;
}

static void close_aggregate(struct ml_exec *x)
{
    struct aggregate *s = (struct aggregate *)x;
    ml__groups_free(&s->groups);
    ml__agg_free(&s->agg);
}

const struct ml_exec_ops ml__exec_aggregate = {
    .size = sizeof(struct aggregate), .next = next_aggregate, .close = close_aggregate};
