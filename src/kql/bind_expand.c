/* kql/bind_expand.c -- mv-expand, mv-apply, partition; see bind.h. SPDX-License-Identifier: MIT */
#include "kql/bind.h"

/* The element column of an item: in place of the column it names, or a new one. */
static void bind_item(struct ml_binder *b, const struct ml_node *n, struct ml_plan *in,
                      struct ml_cols *c, struct ml_expand_item *item)
{
    struct ml_scope s = {.cols = &in->out, .serialized = in->serialized};
    item->expr = ml__b_expr(b, n->kid[0], &s);
    struct ml_str name = n->text.n != 0 ? n->text : ml__b_auto_name(b, n->kid[0]);
    if (item->expr->type != ML_T_DYNAMIC && item->expr->type != ML_T_NONE)
        ml__b_fail(b, n->kid[0], "KS107", "only a dynamic value can be expanded, not a %s",
                   ml_type_name(item->expr->type));
    if (item->expr->window)
        ml__b_fail(b, n->kid[0], "KS146", "a window function cannot be expanded: extend it first");
    item->type = n->a != NULL ? n->a->kid[0]->type : ML_T_DYNAMIC;
    int32_t k = name.n != 0 ? ml__cols_find(c, name) : -1;
    if (name.n == 0)
        do {
            name = ml__b_numbered(b, ML_STR("Column"), ++c->nameless);
        } while (ml__cols_find(c, name) >= 0);
    bool own = n->text.n != 0 || n->kid[0]->kind == ML_N_NAME;
    if (k >= 0 && !own) {
        name = ml__cols_free_name(b, c, name);
        k = -1;
    }
    if (k >= 0)
        c->at[k].type = item->type;
    else
        ml__cols_add(b, c, name, item->type, NULL);
    item->column = (uint32_t)(k >= 0 ? k : (int32_t)c->n - 1);
}

static struct ml_plan *expand(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in,
                              struct ml_cols *c)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_EXPAND, in);
    struct ml_expand_spec *spec = ml__b_alloc(b, 1, sizeof *spec);
    struct ml_scope none = {0};
    const struct ml_node *kind = ml__b_opt(op, "kind");
    const struct ml_node *index = ml__b_opt(op, "with_itemindex");
    if (kind == NULL)
        kind = ml__b_opt(op, "bagexpansion");
    spec->pairs = kind != NULL && ml_str_eq(ml__b_word(b, kind), ML_STR("array"));
    spec->index = -1;
    spec->kept = in->out.n;
    spec->n = op->n;
    spec->items = ml__b_alloc(b, op->n, sizeof *spec->items);
    for (uint32_t i = 0; i < in->out.n; i++)
        ml__cols_add(b, c, in->out.at[i].name, in->out.at[i].type, NULL);
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++)
        bind_item(b, op->kid[i], in, c, &spec->items[i]);
    if (index != NULL) {
        struct ml_str name = ml__b_word(b, index);
        int32_t k = ml__cols_find(c, name);
        if (k >= 0)
            c->at[k].type = ML_T_LONG;
        else
            ml__cols_add(b, c, name, ML_T_LONG, NULL);
        spec->index = k >= 0 ? k : (int32_t)c->n - 1;
    }
    if (op->a != NULL)
        spec->limit = ml__b_expr(b, op->a, &none);
    p->expand = spec;
    p->out = ml__cols_schema(c);
    return p;
}

struct ml_plan *ml__bind_mv_expand(struct ml_binder *b, const struct ml_node *op,
                                   struct ml_plan *in)
{
    struct ml_cols c = {0};
    return expand(b, op, in, &c);
}

/* The sub-query sees all columns of the expanded rows of one input row. Its result follows the input columns that it does
 * not bring itself. */
struct ml_plan *ml__bind_mv_apply(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_cols c = {0};
    struct ml_plan *p = expand(b, op, in, &c);
    if (ml__b_failed(b))
        return in;
    struct ml_schema inner = ml__cols_schema(&c);
    const struct ml_env *outer = b->env;
    p->sub = ml__b_subquery(b, op->b, &inner, &p->leaf);
    b->env = outer;
    if (ml__b_failed(b))
        return in;
    struct ml_cols out = {0};
    int32_t *map = ml__b_alloc(b, (size_t)in->out.n + p->sub->out.n, sizeof *map);
    for (uint32_t i = 0; i < in->out.n; i++) {
        bool expanded = false;
        for (uint32_t k = 0; k < p->expand->n; k++)
            expanded |= p->expand->items[k].column == i;
        if (expanded || ml__schema_find(&p->sub->out, in->out.at[i].name) >= 0)
            continue;
        map[out.n] = (int32_t)i;
        ml__cols_add(b, &out, in->out.at[i].name, in->out.at[i].type, NULL);
    }
    for (uint32_t i = 0; i < p->sub->out.n; i++) {
        map[out.n] = (int32_t)(in->out.n + i);
        ml__cols_add(b, &out, p->sub->out.at[i].name, p->sub->out.at[i].type, NULL);
    }
    p->map = map;
    p->out = ml__cols_schema(&out);
    p->serialized = false;
    return p;
}

struct ml_plan *ml__bind_partition(struct ml_binder *b, const struct ml_node *op,
                                   struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_PARTITION, in);
    struct ml_scope s = {.cols = &in->out, .serialized = in->serialized};
    const struct ml_env *outer = b->env;
    p->exprs = ml__b_alloc(b, 1, sizeof *p->exprs);
    p->exprs[0] = ml__b_expr(b, op->kid[0], &s);
    p->n = 1;
    if (p->exprs[0]->type == ML_T_DYNAMIC)
        ml__b_fail(b, op->kid[0], "KS107", "a dynamic value cannot be a group: cast it first");
    p->sub = ml__b_subquery(b, op->b, &in->out, &p->leaf);
    b->env = outer;
    if (ml__b_failed(b))
        return in;
    p->out = p->sub->out;
    p->serialized = false;
    return p;
}
