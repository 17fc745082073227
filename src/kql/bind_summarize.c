/* kql/bind_summarize.c -- summarize, count, and the operators built on them; see bind.h.
 *
 *   input -> AGGREGATE (keys, then aggregates) -> PROJECT, where an aggregate stands inside an expression
 * SPDX-License-Identifier: MIT */
#include "kql/bind.h"

#include "kql/agg.h"
#include "kql/text.h"

static struct ml_scope input_scope(const struct ml_plan *in)
{
    return (struct ml_scope){.cols = &in->out, .serialized = in->serialized};
}

/* The keys: bound, named, typed. */
static void bind_keys(struct ml_binder *b, const struct ml_node *by, struct ml_plan *in,
                      struct ml_cols *c)
{
    struct ml_scope s = input_scope(in);
    for (uint32_t i = 0; by != NULL && i < by->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = by->kid[i];
        struct ml_expr *e = ml__b_expr(b, n, &s);
        struct ml_str name = n->kind == ML_N_ASSIGN ? n->text : ml__b_auto_name(b, n);
        if (e->type == ML_T_DYNAMIC)
            ml__b_fail(b, n, "KS107", "a dynamic value cannot be a group: cast it first");
        if (e->window)
            ml__b_fail(b, n, "KS146", "a window function cannot be a group: extend it first");
        if (name.n == 0)
            do {
                name = ml__b_numbered(b, ML_STR("Column"), ++c->nameless);
            } while (ml__cols_find(c, name) >= 0);
        else if (n->kind != ML_N_ASSIGN && n->kind != ML_N_NAME)
            name = ml__cols_free_name(b, c, name);
        else if (ml__cols_find(c, name) >= 0)
            ml__b_fail(b, n, "KS171", "column '%.*s' is declared twice", (int)name.n, name.p);
        ml__cols_add(b, c, name, e->type, e);
    }
}

/* The automatic name of an aggregate's output column. */
struct ml_str ml__b_agg_name(struct ml_binder *b, const struct ml_node *call,
                             const struct ml_agg_call *a, uint32_t column)
{
    const struct ml_agg *agg = a->agg;
    struct ml_str none = {NULL, 0};
    struct ml_str arg = call->n > 0 ? ml__b_auto_name(b, call->kid[0]) : none;
    if (agg->flags & ML_AGG_ROWS) {
        struct ml_str name = column < call->n ? ml__b_auto_name(b, call->kid[column]) : none;
        if (name.n == 0 && column == 0 && agg->prefix != NULL)
            name = ml_str_of(agg->prefix);
        return name;
    }
    struct ml_str prefix = agg->prefix != NULL ? ml_str_of(agg->prefix) : call->text;
    struct ml_str name = ml__b_join_text(b, prefix, "_", arg);
    if (strncmp(agg->name, "covariance", 10) == 0 && call->n > 1)
        name = ml__b_join_text(b, name, "_", ml__b_auto_name(b, call->kid[1]));
    uint32_t first = agg->args[1] == 'l' ? 2 : 1; /* percentilew has a weight before */
    bool one = strcmp(agg->name, "percentile") == 0 || strcmp(agg->name, "percentilew") == 0;
    if ((agg->flags & ML_AGG_MULTI) != 0 || one) {
        struct ml_str text = ml_val_text(b->arena, &a->arg[column + first]->val, false);
        char *p = ml__b_alloc(b, text.n + 1, 1);
        for (size_t i = 0; i < text.n; i++)
            p[i] = text.p[i] == '.' ? '_' : text.p[i];
        if (text.n > 2 && text.p[text.n - 1] == '0' && text.p[text.n - 2] == '.')
            text.n -= 2; /* 95.0 is 95 */
        name = ml__b_join_text(b, name, "_", (struct ml_str){p, text.n});
    }
    return name;
}

/* arg_max(v, *): every column that is no key and not named before. */
static void add_star(struct ml_binder *b, const struct ml_node *call, struct ml_agg_call *a,
                     const struct ml_plan *in, const struct ml_cols *keys, struct ml_str *names)
{
    bool star = false;
    uint32_t given = a->n;
    for (uint32_t i = 0; i < call->n; i++)
        star |= call->kid[i]->kind == ML_N_STAR;
    for (uint32_t i = 0; i < given; i++)
        names[i] = ml__b_agg_name(b, call, a, i);
    for (uint32_t i = 0; star && i < in->out.n; i++) {
        bool used = ml__cols_find(keys, in->out.at[i].name) >= 0;
        for (uint32_t k = 0; k < given; k++)
            used |= ml_str_eq(names[k], in->out.at[i].name);
        if (used)
            continue;
        names[a->n] = in->out.at[i].name;
        a->arg[a->n++] = ml__b_column(b, call, i, in->out.at[i].type);
    }
    a->columns = a->n;
    if (a->n > 0)
        a->type = a->arg[0]->type;
}

struct summary {
    struct ml_plan *in;
    struct ml_cols keys; /* of the AGGREGATE stage */
    struct ml_agg_call *aggs;
    uint32_t naggs;
    uint32_t next;      /* next free column of the AGGREGATE stage */
    struct ml_cols out; /* of the PROJECT stage */
};

static void push_agg(struct ml_binder *b, struct summary *s, const struct ml_agg_call *a)
{
    struct ml_agg_call *more = ml__b_alloc(b, s->naggs + 1, sizeof *more);
    if (s->naggs > 0)
        memcpy(more, s->aggs, s->naggs * sizeof *more);
    more[s->naggs++] = *a;
    s->aggs = more;
}

static enum ml_type column_type(const struct ml_agg_call *a, uint32_t column)
{
    return a->agg->flags & ML_AGG_ROWS ? a->arg[column]->type : a->type;
}

/* An item that is one aggregate call. */
static void bind_call_item(struct ml_binder *b, const struct ml_node *n, struct summary *s,
                           struct ml_agg_call *a)
{
    const struct ml_node *call = n->kind == ML_N_ASSIGN        ? n->kid[0]
                                 : n->kind == ML_N_ASSIGN_MANY ? n->kid[0]
                                                               : n;
    struct ml_str *names = ml__b_alloc(b, (size_t)call->n + s->in->out.n + 1, sizeof *names);
    if (a->agg->flags & ML_AGG_ROWS)
        add_star(b, call, a, s->in, &s->keys, names);
    else
        for (uint32_t i = 0; i < a->columns; i++)
            names[i] = ml__b_agg_name(b, call, a, i);
    a->first = s->next;
    s->next += a->columns;
    push_agg(b, s, a);
    for (uint32_t i = 0; i < a->columns; i++) {
        struct ml_str name = names[i];
        bool given = false;
        if (n->kind == ML_N_ASSIGN && i == 0) {
            name = n->text;
            given = true;
        } else if (n->kind == ML_N_ASSIGN_MANY && i + 1 < n->n) {
            name = n->kid[i + 1]->text;
            given = true;
        }
        if (name.n == 0)
            name = ml__b_numbered(b, ML_STR("Column"), ++s->out.nameless);
        if (given && ml__cols_find(&s->out, name) >= 0)
            ml__b_fail(b, n, "KS171", "column '%.*s' is declared twice", (int)name.n, name.p);
        enum ml_type t = column_type(a, i);
        ml__cols_add(b, &s->out, ml__cols_free_name(b, &s->out, name), t,
                     ml__b_column(b, call, a->first + i, t));
    }
}

/* An expression around aggregates: 100.0 * countif(p) / count(). */
static void bind_expr_item(struct ml_binder *b, const struct ml_node *n, struct summary *s)
{
    struct ml_scope args = input_scope(s->in);
    struct ml_schema keys = ml__cols_schema(&s->keys);
    struct ml_scope scope = {.cols = &keys,
                             .aggregates = true,
                             .agg_args = &args,
                             .agg_base = s->next,
                             .aggs = s->aggs,
                             .naggs = s->naggs};
    struct ml_expr *e = ml__b_expr(b, n, &scope);
    s->aggs = scope.aggs;
    s->naggs = scope.naggs;
    s->next = scope.agg_base;
    struct ml_str name = n->kind == ML_N_ASSIGN ? n->text : ml__b_auto_name(b, n);
    if (name.n == 0) {
        do {
            name = ml__b_numbered(b, ML_STR("Column"), ++s->out.nameless);
        } while (ml__cols_find(&s->out, name) >= 0);
    } else if (n->kind == ML_N_ASSIGN && ml__cols_find(&s->out, name) >= 0) {
        ml__b_fail(b, n, "KS171", "column '%.*s' is declared twice", (int)name.n, name.p);
    }
    ml__cols_add(b, &s->out, ml__cols_free_name(b, &s->out, name), e->type, e);
}

static void bind_item(struct ml_binder *b, const struct ml_node *n, struct summary *s)
{
    const struct ml_node *call = n->kind == ML_N_ASSIGN || n->kind == ML_N_ASSIGN_MANY ? n->kid[0]
                                                                                       : n;
    struct ml_agg_call a;
    struct ml_scope args = input_scope(s->in);
    if (call->kind == ML_N_CALL && ml__b_find(b->env, call->text) == NULL &&
        ml__b_agg(b, call, &args, &a)) {
        if (!ml__b_failed(b))
            bind_call_item(b, n, s, &a);
        return;
    }
    bind_expr_item(b, n, s);
}

/* The AGGREGATE stage, whose columns are the keys and all aggregate outputs. */
static struct ml_plan *stage(struct ml_binder *b, struct summary *s)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_AGGREGATE, s->in);
    struct ml_cols c = {0};
    for (uint32_t i = 0; i < s->keys.n; i++)
        ml__cols_add(b, &c, s->keys.at[i].name, s->keys.at[i].type, NULL);
    for (uint32_t i = 0; i < s->naggs; i++)
        for (uint32_t k = 0; k < s->aggs[i].columns; k++)
            ml__cols_add(b, &c, ml__b_numbered(b, ML_STR("agg"), c.n), column_type(&s->aggs[i], k),
                         NULL);
    p->out = ml__cols_schema(&c);
    p->exprs = s->keys.expr;
    p->n = s->keys.n;
    p->aggs = s->aggs;
    p->naggs = s->naggs;
    p->serialized = false;
    return p;
}

struct ml_plan *ml__bind_summarize(struct ml_binder *b, const struct ml_node *op,
                                   struct ml_plan *in)
{
    struct summary s = {.in = in};
    bind_keys(b, op->a, in, &s.keys);
    s.next = s.keys.n;
    s.out.nameless = s.keys.nameless;
    for (uint32_t i = 0; i < s.keys.n; i++)
        ml__cols_add(b, &s.out, s.keys.at[i].name, s.keys.at[i].type,
                     ml__b_column(b, op, i, s.keys.at[i].type));
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++)
        bind_item(b, op->kid[i], &s);
    if (s.out.n == 0 && !ml__b_failed(b))
        ml__b_fail(b, op, "KS005", "summarize needs an aggregate or a group");
    if (ml__b_failed(b))
        return in;
    return ml__b_project(b, stage(b, &s), &s.out);
}

struct ml_plan *ml__bind_count(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_node call = {
        .kind = ML_N_CALL, .text = ML_STR("count"), .pos = op->pos, .len = op->len};
    struct summary s = {.in = in};
    struct ml_agg_call a = {0};
    struct ml_scope args = input_scope(in);
    struct ml_node *kept = ml__b_alloc(b, 1, sizeof *kept);
    *kept = call;
    ml__b_agg(b, kept, &args, &a);
    push_agg(b, &s, &a);
    struct ml_str name = op->a != NULL ? op->a->text : ML_STR("Count");
    ml__cols_add(b, &s.out, name, ML_T_LONG, ml__b_column(b, op, 0, ML_T_LONG));
    return ml__b_project(b, stage(b, &s), &s.out);
}

/* top-hitters n of e [by w]: the largest groups. */
struct ml_plan *ml__bind_top_hitters(struct ml_binder *b, const struct ml_node *op,
                                     struct ml_plan *in)
{
    struct ml_node by = {.kind = ML_N_LIST, .n = 1, .kid = op->kid + 1};
    struct summary s = {.in = in};
    struct ml_agg_call a = {0};
    struct ml_scope args = input_scope(in);
    struct ml_node *call = ml__b_alloc(b, 1, sizeof *call);
    *call = (struct ml_node){.kind = ML_N_CALL,
                             .text = op->a != NULL ? ML_STR("sum") : ML_STR("count"),
                             .pos = op->pos,
                             .len = op->len};
    if (op->a != NULL) {
        call->kid = ml__b_alloc(b, 1, sizeof *call->kid);
        call->kid[0] = op->a;
        call->n = 1;
    }
    bind_keys(b, &by, in, &s.keys);
    if (ml__b_failed(b) || !ml__b_agg(b, call, &args, &a) || ml__b_failed(b))
        return in;
    a.first = 1;
    push_agg(b, &s, &a);
    struct ml_str weight = op->a != NULL ? ml__b_auto_name(b, op->a) : s.keys.at[0].name;
    struct ml_str name = ml__b_join_text(
        b, op->a != NULL ? ML_STR("approximate_sum") : ML_STR("approximate_count"), "_", weight);
    ml__cols_add(b, &s.out, s.keys.at[0].name, s.keys.at[0].type,
                 ml__b_column(b, op, 0, s.keys.at[0].type));
    ml__cols_add(b, &s.out, name, a.type, ml__b_column(b, op, 1, a.type));
    struct ml_plan *p = ml__b_plan(b, ML_P_SORT, ml__b_project(b, stage(b, &s), &s.out));
    struct ml_scope none = {0};
    p->n = 1;
    p->exprs = ml__b_alloc(b, 1, sizeof *p->exprs);
    p->exprs[0] = ml__b_column(b, op, 1, a.type);
    p->key_flags = ml__b_alloc(b, 1, 1);
    p->key_flags[0] = ML_F_DESC | ML_F_NULLS_LAST;
    p->limit = ml__b_expr(b, op->kid[0], &none);
    p->no_ties = true; /* top-hitters is approximate: which of them it names is not fixed */
    p->serialized = true;
    return p;
}

/* A level: [n] of e [with others = c] by agg. Two output columns each. */
struct ml_plan *ml__bind_top_nested(struct ml_binder *b, const struct ml_node *op,
                                    struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_NESTED, in);
    struct ml_cols c = {0};
    struct ml_scope none = {0};
    p->levels = ml__b_alloc(b, op->n, sizeof *p->levels);
    p->nlevels = op->n;
    p->serialized = false;
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = op->kid[i];
        struct ml_nested_level *l = &p->levels[i];
        struct ml_scope s = input_scope(in);
        struct ml_scope args = s;
        if (n->kid[0] != NULL)
            l->count = ml__b_expr(b, n->kid[0], &none);
        l->of = ml__b_expr(b, n->kid[1], &s);
        if (n->a != NULL)
            l->others = ml__b_cast(b, ml__b_expr(b, n->a, &none), l->of->type);
        struct ml_str name = n->kid[1]->kind == ML_N_ASSIGN ? n->kid[1]->text
                                                            : ml__b_auto_name(b, n->kid[1]);
        const struct ml_node *by = n->kid[2];
        const struct ml_node *call = by->kind == ML_N_ASSIGN ? by->kid[0] : by;
        if (name.n == 0)
            name = ml__b_numbered(b, ML_STR("Column"), ++c.nameless);
        if (ml__b_failed(b) || !ml__b_agg(b, call, &args, &l->agg)) {
            ml__b_fail(b, call, "KS118", "an aggregate is needed here");
            return in;
        }
        l->ascending = (n->flags & ML_F_ASC) != 0;
        struct ml_str value = by->kind == ML_N_ASSIGN
                                  ? by->text
                                  : ml__b_join_text(b, ML_STR("aggregated"), "_", name);
        ml__cols_add(b, &c, name, l->of->type, NULL);
        ml__cols_add(b, &c, value, l->agg.type, NULL);
    }
    p->out = ml__cols_schema(&c);
    return p;
}

struct ml_plan *ml__bind_make_series(struct ml_binder *b, const struct ml_node *op,
                                     struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_SERIES, in);
    struct ml_cols keys = {0};
    struct ml_scope none = {0};
    struct ml_scope s = input_scope(in);
    bind_keys(b, op->c, in, &keys);
    struct ml_cols c = {0};
    for (uint32_t i = 0; i < keys.n; i++)
        ml__cols_add(b, &c, keys.at[i].name, keys.at[i].type, keys.expr[i]);
    p->aggs = ml__b_alloc(b, op->n, sizeof *p->aggs);
    p->naggs = op->n;
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = op->kid[i];
        const struct ml_node *call = n->kind == ML_N_ASSIGN ? n->kid[0] : n;
        struct ml_agg_call *a = &p->aggs[i];
        struct ml_scope args = s;
        if (!ml__b_agg(b, call, &args, a) || ml__b_failed(b)) {
            ml__b_fail(b, call, "KS118", "an aggregate is needed here");
            return in;
        }
        if (a->columns != 1)
            ml__b_fail(b, call, "ML101", "this aggregate is not supported in make-series");
        if (n->a != NULL)
            a->missing = ml__b_expr(b, n->a, &none);
        struct ml_str name = n->kind == ML_N_ASSIGN ? n->text : ml__b_agg_name(b, call, a, 0);
        ml__cols_add(b, &c, ml__cols_free_name(b, &c, name), ML_T_DYNAMIC, NULL);
    }
    const struct ml_node *axis = op->a;
    struct ml_expr *on = ml__b_expr(b, axis, &s);
    struct ml_str name = axis->kind == ML_N_ASSIGN ? axis->text : ml__b_auto_name(b, axis);
    ml__cols_add(b, &c, ml__cols_free_name(b, &c, name.n != 0 ? name : ML_STR("Column1")),
                 ML_T_DYNAMIC, NULL);
    p->from = op->b->kid[0] != NULL ? ml__b_expr(b, op->b->kid[0], &none) : NULL;
    p->to = op->b->kid[1] != NULL ? ml__b_expr(b, op->b->kid[1], &none) : NULL;
    p->step = ml__b_expr(b, op->b->kid[2], &none);
    p->inclusive = (op->flags & ML_F_LITERAL_PAREN) != 0;
    if (ml__b_failed(b))
        return in;
    enum ml_type t = on->type;
    bool time = t == ML_T_DATETIME || t == ML_T_TIMESPAN;
    enum ml_type step = time ? ML_T_TIMESPAN : t;
    if (!time && !ml_type_is_number(t))
        ml__b_fail(b, axis, "KS107", "the axis must be a number or a time, not a %s",
                   ml_type_name(t));
    if (!time && p->step->type == ML_T_REAL)
        t = step = ML_T_REAL;
    if (time && (p->step->type != ML_T_TIMESPAN || (p->from != NULL && p->from->type != t) ||
                 (p->to != NULL && p->to->type != t)))
        ml__b_fail(b, op->b, "KS106", "from, to and step do not fit the axis");
    on = ml__b_cast(b, on, t);
    p->from = p->from != NULL ? ml__b_cast(b, p->from, t) : NULL;
    p->to = p->to != NULL ? ml__b_cast(b, p->to, t) : NULL;
    p->step = ml__b_cast(b, p->step, step);
    p->n = keys.n + 1;
    p->exprs = ml__b_alloc(b, p->n, sizeof *p->exprs);
    for (uint32_t i = 0; i < keys.n; i++)
        p->exprs[i] = keys.expr[i];
    p->exprs[keys.n] = on;
    p->out = ml__cols_schema(&c);
    p->serialized = false;
    return p;
}
