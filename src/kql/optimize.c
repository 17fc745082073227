/* kql/optimize.c -- see optimize.h.
 *
 * Bottom-up, every stage is offered to each rule; then one walk from the top marks the columns that somebody needs.
 * A stage may have several users (a let used twice), so rules copy what they change and never write into a stage below
 * themselves. SPDX-License-Identifier: MIT */
#include "kql/optimize.h"

#include "base/err.h"

struct optimizer {
    struct ml_rt *rt;
    struct ml_arena *arena;
    bool failed; /* out of memory */
};

static void *alloc(struct optimizer *o, size_t n, size_t size)
{
    void *p = ml_arena_alloc(o->arena, n, size);
    o->failed |= p == NULL;
    return p;
}

static bool is_call(const struct ml_expr *e, const char *name)
{
    return e->kind == ML_E_CALL && strcmp(e->fn->name, name) == 0;
}

/* --- rule: filters move into the scan --- */

static void add_filter(struct optimizer *o, struct ml_plan *scan, struct ml_expr *e)
{
    struct ml_expr **more = alloc(o, scan->nfilters + 1, sizeof *more);
    if (more == NULL)
        return;
    if (scan->nfilters > 0)
        memcpy(more, scan->filters, scan->nfilters * sizeof *more);
    more[scan->nfilters++] = e;
    scan->filters = more;
}

/* time <op> constant, in the source's words. */
static void narrow_time(struct ml_plan *scan, const char *op, int64_t t)
{
    int64_t from = INT64_MIN;
    int64_t to = INT64_MAX;
    if (op[0] == '=' || op[0] == '>')
        from = op[0] == '>' && op[1] == '\0' ? t + 1 : t;
    if (op[0] == '=' || op[0] == '<')
        to = op[0] == '<' && op[1] == '\0' ? t - 1 : t;
    scan->from_ticks = from > scan->from_ticks ? from : scan->from_ticks;
    scan->to_ticks = to < scan->to_ticks ? to : scan->to_ticks;
}

static void note_range(struct ml_plan *scan, const struct ml_expr *e)
{
    static const char *const mirrored[] = {"<", ">", "<=", ">=", ">", "<", ">=", "<=", "==", "=="};
    if (scan->source->time_column < 0 || e->kind != ML_E_CALL || e->n != 2)
        return;
    for (size_t i = 0; i < sizeof mirrored / sizeof mirrored[0]; i += 2) {
        const struct ml_expr *l = e->arg[0];
        const struct ml_expr *r = e->arg[1];
        const char *op = mirrored[i];
        if (strcmp(e->fn->name, op) != 0)
            continue;
        if (l->kind == ML_E_CONST) {
            const struct ml_expr *t = l;
            l = r;
            r = t;
            op = mirrored[i + 1];
        }
        if (l->kind == ML_E_COLUMN && r->kind == ML_E_CONST && r->type == ML_T_DATETIME &&
            !r->val.null && scan->columns[l->column] == (uint32_t)scan->source->time_column)
            narrow_time(scan, op, r->val.i);
    }
}

static void note_prefix(struct ml_plan *scan, const struct ml_expr *e)
{
    if (!is_call(e, "startswith_cs") || e->arg[0]->kind != ML_E_COLUMN ||
        e->arg[1]->kind != ML_E_CONST || e->arg[1]->val.s.n <= scan->prefix.n)
        return;
    scan->prefix = e->arg[1]->val.s;
    scan->prefix_column = scan->columns[e->arg[0]->column];
}

/* Each part of a conjunction by itself: a row stays only where all are true. */
static void push_parts(struct optimizer *o, struct ml_plan *scan, struct ml_expr *e)
{
    if (is_call(e, "and")) {
        push_parts(o, scan, e->arg[0]);
        push_parts(o, scan, e->arg[1]);
        return;
    }
    note_range(scan, e);
    note_prefix(scan, e);
    add_filter(o, scan, e);
}

static struct ml_plan *filter_into_scan(struct optimizer *o, struct ml_plan *p)
{
    if (p->kind != ML_P_FILTER || p->window || p->in[0]->kind != ML_P_SCAN)
        return p;
    struct ml_plan *scan = alloc(o, 1, sizeof *scan);
    if (scan == NULL)
        return p;
    *scan = *p->in[0];
    push_parts(o, scan, p->exprs[0]);
    scan->render = p->render;
    scan->render_node = p->render_node;
    scan->name = p->name;
    return scan;
}

/* --- rule: a filter over a union filters its legs --- */

/* The expression over a leg's columns. */
static struct ml_expr *over_leg(struct optimizer *o, const struct ml_expr *e,
                                const struct ml_plan *u, uint32_t leg)
{
    struct ml_expr *copy = alloc(o, 1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *e;
    if (e->kind == ML_E_COLUMN) {
        int32_t from = u->map[leg * u->out.n + e->column];
        if (from >= 0) {
            copy->column = (uint32_t)from;
            return copy;
        }
        copy->kind = ML_E_CONST;
        copy->constant = true;
        copy->val = e->column == 0 && u->sources != NULL ? ml_val_str(u->sources[leg])
                                                         : ml_val_null(e->type);
        return copy;
    }
    copy->arg = alloc(o, e->n, sizeof *copy->arg);
    for (uint32_t i = 0; copy->arg != NULL && i < e->n; i++)
        copy->arg[i] = over_leg(o, e->arg[i], u, leg);
    return copy;
}

static struct ml_plan *rewrite(struct optimizer *o, struct ml_plan *p);

static struct ml_plan *filter_into_union(struct optimizer *o, struct ml_plan *p)
{
    if (p->kind != ML_P_FILTER || p->window || p->in[0]->kind != ML_P_UNION)
        return p;
    struct ml_plan *old = p->in[0];
    struct ml_plan *u = alloc(o, 1, sizeof *u);
    struct ml_plan **legs = alloc(o, old->nin, sizeof *legs);
    if (u == NULL || legs == NULL)
        return p;
    *u = *old;
    u->in = legs;
    u->render = p->render;
    u->render_node = p->render_node;
    for (uint32_t i = 0; i < old->nin; i++) {
        struct ml_plan *f = alloc(o, 1, sizeof *f);
        struct ml_plan **in = alloc(o, 1, sizeof *in);
        struct ml_expr **exprs = alloc(o, 1, sizeof *exprs);
        struct ml_expr *e = over_leg(o, p->exprs[0], old, i);
        if (o->failed || e == NULL)
            return p;
        in[0] = old->in[i];
        exprs[0] = e;
        *f = (struct ml_plan){.kind = ML_P_FILTER,
                              .out = old->in[i]->out,
                              .nin = 1,
                              .in = in,
                              .n = 1,
                              .exprs = exprs,
                              .name = old->in[i]->name,
                              .from_ticks = INT64_MIN,
                              .to_ticks = INT64_MAX};
        legs[i] = rewrite(o, f);
    }
    return u;
}

/* --- rule: take after sort keeps only the best --- */

static struct ml_plan *take_of_sort(struct optimizer *o, struct ml_plan *p)
{
    if (p->kind != ML_P_TAKE || p->in[0]->kind != ML_P_SORT || p->in[0]->limit != NULL)
        return p;
    struct ml_plan *sort = alloc(o, 1, sizeof *sort);
    if (sort == NULL)
        return p;
    *sort = *p->in[0];
    sort->limit = p->limit;
    sort->render = p->render;
    sort->render_node = p->render_node;
    return sort;
}

/* --- rule: a top lets the scan know what it would drop anyway --- */

static struct ml_plan *top_cuts(struct optimizer *o, struct ml_plan *p)
{
    if (p->kind != ML_P_SORT || p->limit == NULL || p->no_ties || p->cuts)
        return p;
    struct ml_plan *sort = alloc(o, 1, sizeof *sort);
    if (sort == NULL)
        return p;
    *sort = *p;
    sort->cuts = true;
    return sort;
}

typedef struct ml_plan *rule(struct optimizer *o, struct ml_plan *p);
static rule *const rules[] = {filter_into_union, filter_into_scan, take_of_sort, top_cuts};

static struct ml_plan *rewrite(struct optimizer *o, struct ml_plan *p)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && !o->failed; i++)
        p = rules[i](o, p);
    return p;
}

static struct ml_plan *walk(struct optimizer *o, struct ml_plan *p);

/* Sub-queries in expressions. */
static void walk_expr(struct optimizer *o, struct ml_expr *e)
{
    if (e == NULL)
        return;
    if (e->plan != NULL)
        e->plan = walk(o, e->plan);
    for (uint32_t i = 0; i < e->n; i++)
        walk_expr(o, e->arg[i]);
}

static struct ml_plan *walk(struct optimizer *o, struct ml_plan *p)
{
    if (p->optimized)
        return p->optimized;
    for (uint32_t i = 0; i < p->nin; i++)
        p->in[i] = walk(o, p->in[i]);
    for (uint32_t i = 0; i < p->n; i++)
        walk_expr(o, p->exprs[i]);
    if (p->sub != NULL)
        p->sub = walk(o, p->sub);
    struct ml_plan *better = rewrite(o, p);
    better->optimized = better;
    p->optimized = better;
    return better;
}

/* --- which columns are needed --- */

static void need(struct optimizer *o, struct ml_plan *p, const bool *columns);

static void need_all(struct optimizer *o, struct ml_plan *p)
{
    need(o, p, NULL);
}

/* The columns that an expression reads; its sub-queries need their own. */
static void reads(struct optimizer *o, const struct ml_expr *e, bool *columns, uint32_t n)
{
    if (e == NULL)
        return;
    if (e->kind == ML_E_COLUMN && e->column < n)
        columns[e->column] = true;
    if (e->plan != NULL)
        need_all(o, e->plan);
    for (uint32_t i = 0; i < e->n; i++)
        reads(o, e->arg[i], columns, n);
}

static void reads_agg(struct optimizer *o, const struct ml_agg_call *a, bool *columns, uint32_t n)
{
    for (uint32_t k = 0; k < a->n; k++)
        reads(o, a->arg[k], columns, n);
    reads(o, a->filter, columns, n);
}

static void need_join(struct optimizer *o, struct ml_plan *p)
{
    uint32_t nl = p->in[0]->out.n;
    uint32_t nr = p->in[1]->out.n;
    bool *l = alloc(o, nl, 1);
    bool *r = alloc(o, nr, 1);
    if (o->failed)
        return;
    for (uint32_t i = 0; i < p->out.n; i++)
        if (p->need[i])
            *((uint32_t)p->map[i] < nl ? &l[p->map[i]] : &r[(uint32_t)p->map[i] - nl]) = true;
    for (uint32_t i = 0; i < p->nkeys; i++) {
        reads(o, p->exprs[i], l, nl);
        reads(o, p->exprs[p->nkeys + i], r, nr);
    }
    need(o, p->in[0], l);
    need(o, p->in[1], r);
}

static void need_union(struct optimizer *o, struct ml_plan *p)
{
    for (uint32_t leg = 0; leg < p->nin && !o->failed; leg++) {
        bool *c = alloc(o, p->in[leg]->out.n, 1);
        for (uint32_t i = 0; c != NULL && i < p->out.n; i++)
            if (p->need[i] && p->map[leg * p->out.n + i] >= 0)
                c[p->map[leg * p->out.n + i]] = true;
        if (c != NULL)
            need(o, p->in[leg], c);
    }
}

/* True when the stage takes rows as they come and passes its columns through at the same places. */
static bool passes(const struct ml_plan *p)
{
    switch ((enum ml_plan_kind)p->kind) {
    case ML_P_FILTER:
    case ML_P_SORT:
    case ML_P_TAKE:
    case ML_P_SAMPLE:
    case ML_P_SHARED:
    case ML_P_PARSE:
    case ML_P_PARSE_KV:
        return true;
    case ML_P_EXPAND:
        return p->sub == NULL;
    default:
        return false;
    }
}

/* Columns that a stage makes itself, at places of the input's. */
static bool makes(const struct ml_plan *p, uint32_t column)
{
    for (uint32_t i = 0; p->parse != NULL && i < p->parse->ncolumns; i++)
        if (p->parse->place[i] == column)
            return true;
    for (uint32_t i = 0; p->expand != NULL && i < p->expand->n; i++)
        if (p->expand->items[i].column == column)
            return true;
    return p->expand != NULL && p->expand->index == (int32_t)column;
}

static void need_input(struct optimizer *o, struct ml_plan *p)
{
    uint32_t n = p->in[0]->out.n;
    bool *c = alloc(o, n, 1);
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->kind != ML_P_PROJECT || p->need[i])
            reads(o, p->exprs[i], c, n);
    for (uint32_t i = 0; i < p->naggs; i++)
        reads_agg(o, &p->aggs[i], c, n);
    for (uint32_t i = 0; i < p->nlevels; i++) {
        reads(o, p->levels[i].of, c, n);
        reads_agg(o, &p->levels[i].agg, c, n);
    }
    for (uint32_t i = 0; p->expand != NULL && i < p->expand->n; i++)
        reads(o, p->expand->items[i].expr, c, n);
    for (uint32_t i = 0; i < n && passes(p); i++)
        c[i] |= i < p->out.n && p->need[i] && !makes(p, i);
    need(o, p->in[0], c);
}

/* Adds to what is needed of a stage (NULL: all), and passes on what that means below. */
static void need(struct optimizer *o, struct ml_plan *p, const bool *columns)
{
    bool more = p->need == NULL;
    if (p->need == NULL && (p->need = alloc(o, p->out.n, 1)) == NULL)
        return;
    for (uint32_t i = 0; i < p->out.n; i++)
        if ((columns == NULL || columns[i]) && !p->need[i])
            p->need[i] = more = true;
    if (!more || o->failed)
        return;
    for (uint32_t i = 0; i < p->nfilters;
         i++) /* their columns are the scan's business, their sub-queries not */
        reads(o, p->filters[i], p->need, 0);
    if (p->sub != NULL)
        need_all(o, p->sub);
    if (p->kind == ML_P_JOIN)
        need_join(o, p);
    else if (p->kind == ML_P_UNION)
        need_union(o, p);
    else if (p->kind == ML_P_PARTITION || p->kind == ML_P_SCAN_STEPS ||
             (p->kind == ML_P_EXPAND && p->sub != NULL))
        need_all(o, p->in[0]);
    else if (p->nin == 1)
        need_input(o, p);
}

int ml_optimize(struct ml_rt *rt, struct ml_bound *bound)
{
    struct optimizer o = {.rt = rt, .arena = rt->arena};
    for (uint32_t i = 0; i < bound->n && !o.failed; i++)
        bound->at[i] = walk(&o, bound->at[i]);
    for (uint32_t i = 0; i < bound->n && !o.failed; i++)
        need_all(&o, bound->at[i]);
    return o.failed ? ml__rt_nomem(rt) : ML_OK;
}
