/* kql/bind_join.c -- join, lookup, union; see bind.h. SPDX-License-Identifier: MIT */
#include "kql/bind.h"

#include <stdio.h>

static const struct {
    const char *name;
    uint8_t kind;
} kinds[] = {
    {"innerunique", ML_JOIN_INNERUNIQUE}, {"inner", ML_JOIN_INNER},
    {"leftouter", ML_JOIN_LEFTOUTER},     {"rightouter", ML_JOIN_RIGHTOUTER},
    {"fullouter", ML_JOIN_FULLOUTER},     {"leftanti", ML_JOIN_LEFTANTI},
    {"anti", ML_JOIN_LEFTANTI},           {"leftantisemi", ML_JOIN_LEFTANTI},
    {"rightanti", ML_JOIN_RIGHTANTI},     {"rightantisemi", ML_JOIN_RIGHTANTI},
    {"leftsemi", ML_JOIN_LEFTSEMI},       {"rightsemi", ML_JOIN_RIGHTSEMI},
};

static uint8_t join_kind(struct ml_binder *b, const struct ml_node *op, uint8_t fallback)
{
    const struct ml_node *n = ml__b_opt(op, "kind");
    if (n == NULL)
        return fallback;
    struct ml_str word = ml__b_word(b, n);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (ml_str_eq(word, ml_str_of(kinds[i].name)))
            return kinds[i].kind;
    ml__b_fail(b, n, "KS200", "unknown join kind '%.*s'", (int)word.n, word.p);
    return fallback;
}

struct keys {
    struct ml_expr **left;
    struct ml_expr **right;
    struct ml_str *names; /* of the right key columns, for lookup; empty: an expression */
    uint32_t n;
    uint32_t cap;
};

static void add_key(struct ml_binder *b, struct keys *k, const struct ml_node *n, struct ml_expr *l,
                    struct ml_expr *r, struct ml_str name)
{
    if (ml__b_failed(b))
        return;
    enum ml_type t = l->type;
    if (ml_type_is_number(t) && ml_type_is_number(r->type))
        t = t > r->type ? t : r->type;
    else if (t == ML_T_DYNAMIC && r->type != ML_T_DYNAMIC)
        t = r->type;
    else if (r->type != t && r->type != ML_T_DYNAMIC)
        ml__b_fail(b, n, "KS106", "a %s cannot be joined with a %s", ml_type_name(t),
                   ml_type_name(r->type));
    if (t == ML_T_DYNAMIC)
        ml__b_fail(b, n, "KS107", "a dynamic value cannot be a join key: cast it first");
    if (k->n == k->cap) {
        ml__b_fail(b, n, "ML203", "more than %u join keys", k->cap);
        return;
    }
    k->left[k->n] = ml__b_cast(b, l, t);
    k->right[k->n] = ml__b_cast(b, r, t);
    k->names[k->n++] = name;
}

/* One condition: a name, or a == b over $left and $right, or several with `and`. */
static void bind_condition(struct ml_binder *b, const struct ml_node *n, struct ml_plan *left,
                           struct ml_plan *right, struct keys *k)
{
    if (ml__b_failed(b))
        return;
    if (n->kind == ML_N_NAME) {
        struct ml_scope l = {.cols = &left->out};
        struct ml_scope r = {.cols = &right->out};
        struct ml_expr *x = ml__b_expr(b, n, &l);
        add_key(b, k, n, x, ml__b_expr(b, n, &r), n->text);
        return;
    }
    if (n->kind == ML_N_BINARY && ml_str_eq(n->text, ML_STR("and"))) {
        bind_condition(b, n->kid[0], left, right, k);
        bind_condition(b, n->kid[1], left, right, k);
        return;
    }
    if (n->kind != ML_N_BINARY || !ml_str_eq(n->text, ML_STR("=="))) {
        ml__b_fail(b, n, "KS107", "a join condition is a column, or $left.a == $right.b");
        return;
    }
    struct ml_scope both = {.cols = &left->out, .right = &right->out};
    struct ml_expr *x = ml__b_expr(b, n->kid[0], &both);
    struct ml_expr *y = ml__b_expr(b, n->kid[1], &both);
    const struct ml_node *named = n->kid[1];
    uint32_t width = left->out.n;
    if (ml__b_failed(b))
        return;
    if (x->kind == ML_E_COLUMN && x->column >= width) {
        struct ml_expr *t = x;
        x = y;
        y = t;
        named = n->kid[0];
    }
    if (x->kind != ML_E_COLUMN || y->kind != ML_E_COLUMN || x->column >= width ||
        y->column < width) {
        ml__b_fail(b, n, "KS107", "a join condition compares a column of $left with one of $right");
        return;
    }
    struct ml_expr *shifted = ml__b_column(b, n, y->column - width, y->type);
    add_key(b, k, n, x, shifted, named->text);
}

static bool right_only(uint8_t kind)
{
    return kind == ML_JOIN_RIGHTANTI || kind == ML_JOIN_RIGHTSEMI;
}

static bool left_only(uint8_t kind)
{
    return kind == ML_JOIN_LEFTANTI || kind == ML_JOIN_LEFTSEMI;
}

static struct ml_plan *bind(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in,
                            uint8_t kind, bool drop_keys)
{
    const struct ml_env *outer = b->env;
    struct ml_plan *right = ml__b_table(b, op->kid[0]);
    struct ml_plan *p = ml__b_plan(b, ML_P_JOIN, in);
    struct keys k = {.cap = 32};
    b->env = outer;
    k.left = ml__b_alloc(b, k.cap, sizeof *k.left);
    k.right = ml__b_alloc(b, k.cap, sizeof *k.right);
    k.names = ml__b_alloc(b, k.cap, sizeof *k.names);
    for (uint32_t i = 0; i < op->a->n && !ml__b_failed(b); i++)
        bind_condition(b, op->a->kid[i], in, right, &k);
    if (ml__b_failed(b))
        return in;
    struct ml_cols c = {0};
    int32_t *map = ml__b_alloc(b, (size_t)in->out.n + right->out.n, sizeof *map);
    uint32_t width = in->out.n;
    for (uint32_t i = 0; i < in->out.n && !right_only(kind); i++) {
        map[c.n] = (int32_t)i;
        ml__cols_add(b, &c, in->out.at[i].name, in->out.at[i].type, NULL);
    }
    for (uint32_t i = 0; i < right->out.n && !left_only(kind); i++) {
        bool key = false;
        for (uint32_t j = 0; j < k.n; j++)
            key |= ml_str_eq(k.names[j], right->out.at[i].name);
        if (key && drop_keys)
            continue;
        map[c.n] = (int32_t)(width + i);
        ml__cols_add(b, &c, ml__cols_free_name(b, &c, right->out.at[i].name), right->out.at[i].type,
                     NULL);
    }
    p->in = ml__b_alloc(b, 2, sizeof *p->in);
    p->in[0] = in;
    p->in[1] = right;
    p->nin = 2;
    p->join = kind;
    p->nkeys = k.n;
    p->n = 2 * k.n;
    p->exprs = ml__b_alloc(b, p->n, sizeof *p->exprs);
    memcpy(p->exprs, k.left, k.n * sizeof *p->exprs);
    memcpy(p->exprs + k.n, k.right, k.n * sizeof *p->exprs);
    p->map = map;
    p->out = ml__cols_schema(&c);
    p->serialized = false;
    return p;
}

struct ml_plan *ml__bind_join(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    return bind(b, op, in, join_kind(b, op, ML_JOIN_INNERUNIQUE), false);
}

struct ml_plan *ml__bind_lookup(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    uint8_t kind = join_kind(b, op, ML_JOIN_LEFTOUTER);
    if (kind != ML_JOIN_LEFTOUTER && kind != ML_JOIN_INNER)
        ml__b_fail(b, op, "KS200", "lookup is leftouter or inner");
    return bind(b, op, in, kind, true);
}

/* --- union --- */

struct unified {
    struct ml_cols cols;  /* distinct (name, type), by first appearance */
    struct ml_str *names; /* as they come out */
};

static int32_t pair_find(const struct ml_cols *c, const struct ml_field *f)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (c->at[i].type == f->type && ml_str_eq(c->at[i].name, f->name))
            return (int32_t)i;
    return -1;
}

static bool two_types(const struct ml_cols *c, uint32_t i)
{
    for (uint32_t k = 0; k < c->n; k++)
        if (k != i && ml_str_eq(c->at[k].name, c->at[i].name))
            return true;
    return false;
}

/* x_long, x_string where x has several types; numbered where a leg has such a column itself. */
static void unify_names(struct ml_binder *b, struct unified *u)
{
    u->names = ml__b_alloc(b, u->cols.n, sizeof *u->names);
    for (uint32_t i = 0; i < u->cols.n && !ml__b_failed(b); i++) {
        u->names[i] = u->cols.at[i].name;
        if (!two_types(&u->cols, i))
            continue;
        struct ml_str made = ml__b_join_text(b, u->cols.at[i].name, "_",
                                             ml_str_of(ml_type_name(u->cols.at[i].type)));
        struct ml_str name = made;
        for (uint32_t k = 1; ml__cols_find(&u->cols, name) >= 0; k++)
            name = ml__b_numbered(b, made, k);
        u->names[i] = name;
    }
}

static bool in_all(struct ml_plan **legs, uint32_t n, const struct ml_field *f)
{
    for (uint32_t i = 0; i < n; i++) {
        int32_t k = ml__schema_find(&legs[i]->out, f->name);
        if (k < 0 || legs[i]->out.at[k].type != f->type)
            return false;
    }
    return true;
}

struct ml_plan *ml__b_union_plans(struct ml_binder *b, const struct ml_node *op,
                                  struct ml_plan **legs, uint32_t n, bool inner,
                                  struct ml_str source_column)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_UNION, NULL);
    struct unified u = {0};
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < legs[i]->out.n; k++) {
            const struct ml_field *f = &legs[i]->out.at[k];
            if (pair_find(&u.cols, f) < 0 && (!inner || in_all(legs, n, f)))
                ml__cols_add(b, &u.cols, f->name, f->type, NULL);
        }
    unify_names(b, &u);
    uint32_t first = source_column.n != 0;
    uint32_t width = u.cols.n + first;
    int32_t *map = ml__b_alloc(b, (size_t)n * width + 1, sizeof *map);
    p->out = (struct ml_schema){ml__b_alloc(b, width + 1, sizeof *p->out.at), width};
    if (ml__b_failed(b))
        return p;
    if (first)
        p->out.at[0] = (struct ml_field){source_column, ML_T_STRING};
    for (uint32_t i = 0; i < u.cols.n; i++)
        p->out.at[first + i] = (struct ml_field){u.names[i], u.cols.at[i].type};
    if (first)
        p->sources = ml__b_alloc(b, n, sizeof *p->sources);
    for (uint32_t i = 0; i < n; i++) {
        char text[32];
        for (uint32_t k = 0; k < width; k++)
            map[i * width + k] = -1;
        for (uint32_t k = 0; k < u.cols.n; k++) {
            int32_t at = ml__schema_find(&legs[i]->out, u.cols.at[k].name);
            if (at >= 0 && legs[i]->out.at[at].type == u.cols.at[k].type)
                map[i * width + first + k] = at;
        }
        snprintf(text, sizeof text, "union_arg%u", i);
        if (first)
            p->sources[i] = legs[i]->name.n != 0 ? legs[i]->name
                                                 : ml_arena_copy(b->arena, ml_str_of(text));
    }
    p->map = map;
    p->in = legs;
    p->nin = n;
    return p;
}

static bool wild(struct ml_str pattern, struct ml_str name)
{
    if (pattern.n == 0)
        return name.n == 0;
    struct ml_str rest = {pattern.p + 1, pattern.n - 1};
    if (pattern.p[0] == '*')
        return wild(rest, name) ||
               (name.n > 0 && wild(pattern, (struct ml_str){name.p + 1, name.n - 1}));
    return name.n > 0 && name.p[0] == pattern.p[0] &&
           wild(rest, (struct ml_str){name.p + 1, name.n - 1});
}

struct legs {
    struct ml_plan **at;
    uint32_t n;
    uint32_t cap;
};

static void add_leg(struct ml_binder *b, struct legs *l, struct ml_plan *p)
{
    if (l->n == l->cap) {
        uint32_t cap = l->cap != 0 ? l->cap * 2 : 8;
        struct ml_plan **at = ml__b_alloc(b, cap, sizeof *at);
        if (at == NULL)
            return;
        if (l->n > 0)
            memcpy(at, l->at, l->n * sizeof *at);
        l->at = at;
        l->cap = cap;
    }
    l->at[l->n++] = p;
}

/* Tables and views that a pattern names. */
static void add_wild(struct ml_binder *b, struct legs *l, const struct ml_node *n)
{
    uint32_t before = l->n;
    struct ml_str pattern = n->kind == ML_N_STAR ? ML_STR("*") : n->text;
    const struct ml_source *src;
    for (const struct ml_env *e = b->env; e != NULL; e = e->up) {
        struct ml_node name = {.kind = ML_N_NAME, .text = e->name, .pos = n->pos, .len = n->len};
        if (e->kind == ML_ENV_FUNC && e->view && wild(pattern, e->name))
            add_leg(b, l, ml__b_table(b, &name));
    }
    /* the chain goes backwards */
    for (uint32_t i = before, k = l->n; i + 1 < k; i++) {
        struct ml_plan *t = l->at[i];
        l->at[i] = l->at[--k];
        l->at[k] = t;
    }
    for (size_t i = 0; b->catalog != NULL && (src = b->catalog->at(b->catalog, i)) != NULL; i++) {
        struct ml_node name = {.kind = ML_N_NAME, .text = src->name, .pos = n->pos, .len = n->len};
        if (wild(pattern, src->name))
            add_leg(b, l, ml__b_table(b, &name));
    }
    if (l->n == before && !ml__b_failed(b)) {
        b->no_table = true;
        ml__b_fail(b, n, "KS142", "no table matches '%.*s'", (int)pattern.n, pattern.p);
    }
}

struct ml_plan *ml__bind_union(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct legs l = {0};
    const struct ml_node *kind = ml__b_opt(op, "kind");
    const struct ml_node *source = ml__b_opt(op, "withsource");
    const struct ml_node *fuzzy = ml__b_opt(op, "isfuzzy");
    bool inner = kind != NULL && ml_str_eq(ml__b_word(b, kind), ML_STR("inner"));
    struct ml_str column = {NULL, 0};
    if (source == NULL)
        source = ml__b_opt(op, "with_source");
    if (source != NULL)
        column = ml__b_word(b, source);
    bool skip = fuzzy != NULL && ml__b_bool(b, fuzzy);
    if (in != NULL)
        add_leg(b, &l, in);
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = op->kid[i];
        const struct ml_env *env = b->env;
        uint32_t before = l.n;
        if (n->kind == ML_N_WILD || n->kind == ML_N_STAR)
            add_wild(b, &l, n);
        else
            add_leg(b, &l, ml__b_table(b, n));
        if (skip && b->no_table && ml__b_failed(b)) {
            b->no_table = false;
            *b->diag = (struct ml_diag){0}; /* isfuzzy: what does not exist is left out */
            b->env = env;
            l.n = before;
        }
    }
    if (l.n == 0 && !ml__b_failed(b))
        ml__b_fail(b, op, "KS142", "none of these tables exists");
    return ml__b_union_plans(b, op, l.at, l.n, inner, column);
}
