/* kql/bind_cols.c -- columns under construction, and automatic names; see bind.h. SPDX-License-Identifier: MIT */
#include "kql/bind.h"
#include "kql/text.h"

#include <stdio.h>

int32_t ml__schema_find(const struct ml_schema *s, struct ml_str name)
{
    for (uint32_t i = 0; s != NULL && i < s->n; i++)
        if (ml_str_eq(s->at[i].name, name))
            return (int32_t)i;
    return -1;
}

int32_t ml__cols_find(const struct ml_cols *c, struct ml_str name)
{
    struct ml_schema s = ml__cols_schema(c);
    return ml__schema_find(&s, name);
}

struct ml_schema ml__cols_schema(const struct ml_cols *c)
{
    return (struct ml_schema){c->at, c->n};
}

void ml__cols_add(struct ml_binder *b, struct ml_cols *c, struct ml_str name, enum ml_type t,
                  struct ml_expr *e)
{
    if (c->n == c->cap) {
        uint32_t cap = c->cap != 0 ? c->cap * 2 : 16;
        struct ml_field *at = ml_arena_alloc(b->arena, cap, sizeof *at);
        struct ml_expr **expr = ml_arena_alloc(b->arena, cap, sizeof *expr);
        if (at == NULL || expr == NULL) {
            ml_diag_set(b->diag, "ML201", 0, 0, "out of memory");
            return;
        }
        if (c->n > 0) {
            memcpy(at, c->at, c->n * sizeof *at);
            memcpy(expr, c->expr, c->n * sizeof *expr);
        }
        c->at = at;
        c->expr = expr;
        c->cap = cap;
    }
    c->at[c->n] = (struct ml_field){name, t};
    c->expr[c->n++] = e;
}

struct ml_str ml__b_join_text(struct ml_binder *b, struct ml_str x, const char *between,
                              struct ml_str y)
{
    size_t k = strlen(between);
    char *p = ml_arena_alloc(b->arena, x.n + k + y.n + 1, 1);
    if (p == NULL) {
        ml_diag_set(b->diag, "ML201", 0, 0, "out of memory");
        return x;
    }
    if (x.n != 0)
        memcpy(p, x.p, x.n);
    memcpy(p + x.n, between, k);
    if (y.n != 0)
        memcpy(p + x.n + k, y.p, y.n);
    return (struct ml_str){p, x.n + k + y.n};
}

struct ml_str ml__b_numbered(struct ml_binder *b, struct ml_str x, uint32_t n)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%u", n);
    return ml__b_join_text(b, x, "", ml_str_of(digits));
}

struct ml_str ml__cols_free_name(struct ml_binder *b, const struct ml_cols *c, struct ml_str name)
{
    struct ml_str s = name;
    for (uint32_t i = 1; ml__cols_find(c, s) >= 0; i++)
        s = ml__b_numbered(b, name, i);
    return s;
}

static struct ml_str auto_call(struct ml_binder *b, const struct ml_node *n)
{
    const struct ml_func *f = ml_func_find(n->text);
    struct ml_str none = {NULL, 0};
    if (f == NULL || n->n == 0 || ml__b_find(b->env, n->text) != NULL)
        return none;
    if (strcmp(f->name, "column_ifexists") == 0 && n->kid[0]->kind == ML_N_LIT)
        return n->kid[0]->val.s;
    if ((f->flags & ML_FN_SINGLE) != 0 && n->n != 1)
        return none;
    if ((f->flags & (ML_FN_ARGNAME | ML_FN_PREFIX)) == 0)
        return none;
    struct ml_str arg = ml__b_auto_name(b, n->kid[0]);
    if ((f->flags & ML_FN_PREFIX) == 0)
        return arg;
    return ml__b_join_text(b, ml_str_of(f->name), "_", arg);
}

struct ml_str ml__b_auto_name(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_str none = {NULL, 0};
    struct ml_str base;
    switch ((enum ml_node_kind)n->kind) {
    case ML_N_NAME:
        return n->text;
    case ML_N_MEMBER:
        base = ml__b_auto_name(b, n->kid[0]);
        if (n->kid[0]->kind == ML_N_NAME &&
            (ml_str_eq(base, ML_STR("$left")) || ml_str_eq(base, ML_STR("$right"))))
            return n->text;
        return base.n != 0 ? ml__b_join_text(b, base, "_", n->text) : n->text;
    case ML_N_INDEX:
        base = ml__b_auto_name(b, n->kid[0]);
        if (base.n == 0 || n->kid[1]->kind != ML_N_LIT)
            return base;
        return ml__b_join_text(b, base, "_", ml_val_text(b->arena, &n->kid[1]->val, false));
    case ML_N_CALL:
        return auto_call(b, n);
    default:
        return none;
    }
}
