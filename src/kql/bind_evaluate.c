/* kql/bind_evaluate.c -- evaluate bag_unpack, pivot and narrow; see bind.h.
 *
 * Their columns depend on the data, so the input is run here, once, and kept as a shared stage; the plugin itself becomes
 * ordinary stages over it. SPDX-License-Identifier: MIT */
#include "kql/bind.h"

#include "base/err.h"
#include "kql/agg.h"
#include "kql/exec.h"
#include "kql/text.h"

#include <stdlib.h>

enum { COLUMNS_MAX = 500 };

/* The rows of a stage that was just run; NULL: it failed. */
static struct ml_rowset *run(struct ml_binder *b, struct ml_plan *shared, struct ml_exec **x)
{
    struct ml_rowset *rows = ml__b_alloc(b, 1, sizeof *rows);
    if (rows == NULL || ml__b_failed(b))
        return NULL;
    int rc = ml__exec_open(b->rt, shared, NULL, x);
    if (rc == ML_OK)
        rc = ml__exec_drain(*x, rows);
    if (rc == ML_OK)
        return rows;
    if (!ml__b_failed(b))
        ml__b_fail(b, NULL, "ML201", "out of memory");
    ml__rows_free(rows);
    return NULL;
}

struct slot {
    struct ml_str name;
    uint8_t type; /* of its values; NONE: only nulls yet; DYNAMIC: they differ */
};

struct slots {
    struct slot at[COLUMNS_MAX];
    uint32_t n;
};

static int by_name(const void *x, const void *y)
{
    const struct slot *a = x;
    const struct slot *b = y;
    return ml_str_cmp(a->name, b->name);
}

static uint8_t slot_type(uint8_t old, const struct ml_val *v)
{
    uint8_t t = v->null ? (uint8_t)ML_T_NONE : v->type;
    if (t == ML_T_ARRAY || t == ML_T_BAG || t == ML_T_TEXT)
        t = ML_T_DYNAMIC;
    if (old == ML_T_NONE || t == ML_T_NONE || old == t)
        return old == ML_T_NONE ? t : old;
    bool numbers = (old == ML_T_LONG && t == ML_T_REAL) || (old == ML_T_REAL && t == ML_T_LONG);
    return numbers ? ML_T_REAL : ML_T_DYNAMIC;
}

static void collect(struct ml_binder *b, const struct ml_node *n, const struct ml_rowset *rows,
                    uint32_t column, struct slots *s)
{
    for (size_t r = 0; r < rows->all.n && !ml__b_failed(b); r++) {
        struct ml_val v = ml_column_get(&rows->all.cols[column], r);
        v = ml_val_force(b->arena, &v);
        for (uint32_t i = 0; !v.null && v.type == ML_T_BAG && i < v.n; i++) {
            uint32_t k = 0;
            while (k < s->n && !ml_str_eq(s->at[k].name, v.pairs[i].key))
                k++;
            if (k == COLUMNS_MAX) {
                ml__b_fail(b, n, "ML203", "more than %d columns", COLUMNS_MAX);
                return;
            }
            if (k == s->n)
                s->at[s->n++] = (struct slot){ml_arena_copy(b->arena, v.pairs[i].key), ML_T_NONE};
            s->at[k].type = slot_type(s->at[k].type, &v.pairs[i].val);
        }
    }
    qsort(s->at, s->n, sizeof s->at[0], by_name);
}

static struct ml_expr *slot_expr(struct ml_binder *b, const struct ml_node *n, uint32_t column,
                                 const struct slot *s, enum ml_type t)
{
    struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
    arg[0] = ml__b_column(b, n, column, ML_T_DYNAMIC);
    arg[1] = ml__b_const(b, n, ML_T_STRING, ml_val_str(s->name));
    return ml__b_cast(b, ml__b_call(b, n, ml__op_find("member"), ML_T_DYNAMIC, arg, 2), t);
}

static const struct ml_node *named_arg(const struct ml_node *call, const char *name)
{
    for (uint32_t i = 0; i < call->n; i++)
        if (call->kid[i]->kind == ML_N_ASSIGN && ml_str_eq(call->kid[i]->text, ml_str_of(name)))
            return call->kid[i]->kid[0];
    return NULL;
}

static const struct ml_node *positional(const struct ml_node *call, uint32_t k)
{
    return k < call->n && call->kid[k]->kind != ML_N_ASSIGN ? call->kid[k] : NULL;
}

static bool ignored(const struct ml_val *list, struct ml_str name)
{
    for (uint32_t i = 0; list->type == ML_T_ARRAY && i < list->n; i++)
        if (list->items[i].type == ML_T_STRING && ml_str_eq(list->items[i].s, name))
            return true;
    return false;
}

static struct ml_val constant(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_scope none = {0};
    struct ml_expr *e = n != NULL ? ml__b_expr(b, n, &none) : NULL;
    return e != NULL && e->kind == ML_E_CONST ? e->val : ml_val_null(ML_T_NONE);
}

static struct ml_plan *bag_unpack(struct ml_binder *b, const struct ml_node *op,
                                  const struct ml_node *call, struct ml_plan *in)
{
    struct ml_plan *shared = ml__b_shared(b, in);
    struct ml_scope s = {.cols = &in->out};
    struct ml_expr *col = call->n > 0 ? ml__b_expr(b, call->kid[0], &s) : NULL;
    struct ml_exec *x = NULL;
    struct slots *slots = ml__b_alloc(b, 1, sizeof *slots);
    struct ml_cols c = {0};
    if (slots == NULL || ml__b_failed(b))
        return in;
    if (col == NULL || col->kind != ML_E_COLUMN || col->type != ML_T_DYNAMIC) {
        ml__b_fail(b, call, "KS107", "bag_unpack needs a dynamic column");
        return in;
    }
    const struct ml_node *p = positional(call, 1);
    struct ml_str prefix = p != NULL ? ml__b_string(b, p) : ML_STR("");
    const struct ml_node *n = named_arg(call, "columnsConflict");
    struct ml_str conflict = n != NULL ? ml__b_string(b, n) : ML_STR("error");
    struct ml_val skip = constant(b, named_arg(call, "ignoredProperties"));
    struct ml_rowset *rows = run(b, shared, &x);
    if (rows != NULL)
        collect(b, call, rows, col->column, slots);
    for (uint32_t i = 0; i < in->out.n && rows != NULL; i++) {
        struct ml_field f = in->out.at[i];
        if (i != col->column)
            ml__cols_add(b, &c, f.name, f.type, ml__b_column(b, call, i, f.type));
    }
    uint32_t before = c.n;
    for (uint32_t i = 0; rows != NULL && i < slots->n && prefix.n == 0 && op->a == NULL; i++)
        if (ml_str_eq(slots->at[i].name, in->out.at[col->column].name) &&
            !ignored(&skip, slots->at[i].name)) {
            enum ml_type t = slots->at[i].type == ML_T_NONE ? ML_T_DYNAMIC : slots->at[i].type;
            ml__cols_add(b, &c, slots->at[i].name, t,
                         slot_expr(b, call, col->column, &slots->at[i], t));
            for (uint32_t k = c.n - 1; k > col->column; k--) { /* into its place */
                struct ml_field f = c.at[k];
                struct ml_expr *e = c.expr[k];
                c.at[k] = c.at[k - 1];
                c.expr[k] = c.expr[k - 1];
                c.at[k - 1] = f;
                c.expr[k - 1] = e;
            }
            slots->at[i].name = (struct ml_str){NULL, 0};
            before = c.n;
        }
    for (uint32_t i = 0; rows != NULL && i < slots->n && !ml__b_failed(b); i++) {
        struct slot *slot = &slots->at[i];
        enum ml_type t = slot->type == ML_T_NONE ? ML_T_DYNAMIC : slot->type;
        struct ml_str name = ml__b_join_text(b, prefix, "", slot->name);
        int32_t k = ml__cols_find(&c, name);
        if (slot->name.p == NULL || ignored(&skip, slot->name))
            continue;
        if (op->a != NULL) { /* the columns are declared */
            int32_t d = -1;
            for (uint32_t m = 0; m < op->a->n; m++)
                if (ml_str_eq(op->a->kid[m]->text, name))
                    d = (int32_t)m;
            if (d < 0)
                continue;
            t = op->a->kid[d]->type;
        }
        struct ml_expr *e = slot_expr(b, call, col->column, slot, t);
        if (k >= 0 && k < (int32_t)before && ml_str_eq(conflict, ML_STR("keep_source")))
            continue;
        if (k >= 0 && ml_str_eq(conflict, ML_STR("replace_source"))) {
            c.at[k].type = t;
            c.expr[k] = e;
        } else if (k >= 0) {
            ml__b_fail(b, call, "KS171", "there is a column '%.*s' already", (int)name.n, name.p);
        } else {
            ml__cols_add(b, &c, name, t, e);
        }
    }
    if (rows != NULL)
        ml__rows_free(rows);
    ml__exec_close(x);
    return ml__b_project(b, shared, &c);
}

/* pivot(column [, aggregate [, keys...]]): a filtered aggregate for each value of the column. */
static struct ml_plan *pivot(struct ml_binder *b, const struct ml_node *call, struct ml_plan *in)
{
    struct ml_plan *shared = ml__b_shared(b, in);
    struct ml_scope s = {.cols = &in->out};
    struct ml_expr *col = call->n > 0 ? ml__b_expr(b, call->kid[0], &s) : NULL;
    if (col == NULL || ml__b_failed(b) || col->kind != ML_E_COLUMN) {
        ml__b_fail(b, call, "KS107", "pivot needs a column");
        return in;
    }
    /* The aggregate may be anywhere after the column; the rest are keys. */
    const struct ml_node *agg_node = NULL;
    struct ml_cols keys = {0};
    struct ml_cols out = {0};
    bool filter;
    uint32_t *used = ml__b_alloc(b, in->out.n, sizeof *used);
    used[col->column] = 1;
    for (uint32_t i = 1; i < call->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = call->kid[i];
        if (n->kind == ML_N_CALL && ml_agg_find(n->text, &filter) != NULL) {
            agg_node = n;
            continue;
        }
        struct ml_expr *e = ml__b_expr(b, n, &s);
        struct ml_str name = ml__b_auto_name(b, n);
        ml__cols_add(b, &keys, name, e->type, e);
    }
    if (agg_node == NULL) {
        struct ml_node *count = ml__b_alloc(b, 1, sizeof *count);
        *count = (struct ml_node){
            .kind = ML_N_CALL, .text = ML_STR("count"), .pos = call->pos, .len = call->len};
        agg_node = count;
    }
    struct ml_agg_call proto;
    struct ml_scope args = s;
    if (ml__b_failed(b) || !ml__b_agg(b, agg_node, &args, &proto) || ml__b_failed(b))
        return in;
    for (uint32_t i = 0; i < proto.n; i++)
        if (proto.arg[i]->kind == ML_E_COLUMN)
            used[proto.arg[i]->column] = 1;
    bool given = keys.n > 0;
    for (uint32_t i = 0; i < in->out.n && !given; i++)
        if (!used[i])
            ml__cols_add(b, &keys, in->out.at[i].name, in->out.at[i].type,
                         ml__b_column(b, call, i, in->out.at[i].type));
    /* The distinct values of the column, sorted. */
    struct ml_exec *x = NULL;
    struct slots *slots = ml__b_alloc(b, 1, sizeof *slots);
    struct ml_rowset *rows = slots != NULL ? run(b, shared, &x) : NULL;
    for (size_t r = 0; rows != NULL && r < rows->all.n && !ml__b_failed(b); r++) {
        struct ml_val v = ml_column_get(&rows->all.cols[col->column], r);
        struct ml_str text = ml_val_text(b->arena, &v, col->type == ML_T_DYNAMIC);
        uint32_t k = 0;
        while (k < slots->n && !ml_str_eq(slots->at[k].name, text))
            k++;
        if (k == COLUMNS_MAX)
            ml__b_fail(b, call, "ML203", "more than %d columns", COLUMNS_MAX);
        else if (k == slots->n)
            slots->at[slots->n++] = (struct slot){ml_arena_copy(b->arena, text), ML_T_STRING};
    }
    if (rows != NULL)
        ml__rows_free(rows);
    ml__exec_close(x);
    if (rows == NULL || ml__b_failed(b))
        return in;
    qsort(slots->at, slots->n, sizeof slots->at[0], by_name);
    struct ml_plan *p = ml__b_plan(b, ML_P_AGGREGATE, shared);
    p->exprs = keys.expr;
    p->n = keys.n;
    p->naggs = slots->n;
    p->aggs = ml__b_alloc(b, slots->n, sizeof *p->aggs);
    p->serialized = false;
    for (uint32_t i = 0; i < keys.n; i++)
        ml__cols_add(b, &out, keys.at[i].name, keys.at[i].type, NULL);
    for (uint32_t i = 0; i < slots->n && !ml__b_failed(b); i++) {
        p->aggs[i] = proto;
        p->aggs[i].first = out.n;
        struct ml_expr *value = ml__b_const(b, call, ML_T_STRING, ml_val_str(slots->at[i].name));
        struct ml_expr *is = ml__b_op(b, call, "==", ml__b_cast(b, col, ML_T_STRING), value);
        p->aggs[i].filter = ml__b_and(b, proto.filter, is);
        ml__cols_add(b, &out, ml__cols_free_name(b, &out, slots->at[i].name), proto.type, NULL);
    }
    p->out = ml__cols_schema(&out);
    return p;
}

/* narrow: one row a cell: Row, Column, Value as text. */
static struct ml_plan *narrow(struct ml_binder *b, struct ml_plan *in)
{
    static const struct ml_field fields[] = {
        {{"Row", 3}, ML_T_LONG}, {{"Column", 6}, ML_T_STRING}, {{"Value", 5}, ML_T_STRING}};
    struct ml_exec *x = NULL;
    struct ml_plan *p = ml__b_plan(b, ML_P_VALUES, NULL);
    struct ml_rowset *rows = run(b, in, &x);
    if (rows != NULL) {
        size_t n = rows->all.n * in->out.n;
        p->out = (struct ml_schema){ml__b_alloc(b, 3, sizeof *p->out.at), 3};
        memcpy(p->out.at, fields, sizeof fields);
        p->cells = n < 10000000 ? ml__b_alloc(b, 3 * n, sizeof *p->cells) : NULL;
        if (p->cells == NULL)
            ml__b_fail(b, NULL, "ML203", "narrow has too many cells");
        for (size_t i = 0; p->cells != NULL && i < n; i++) {
            uint32_t c = (uint32_t)(i % in->out.n);
            struct ml_val v = ml_column_get(&rows->all.cols[c], i / in->out.n);
            struct ml_str text = ml_val_text(b->arena, &v, in->out.at[c].type == ML_T_DYNAMIC);
            p->cells[3 * i] = ml_val_long((int64_t)(i / in->out.n));
            p->cells[3 * i + 1] = ml_val_str(in->out.at[c].name);
            p->cells[3 * i + 2] = ml_val_str(ml_arena_copy(b->arena, text));
        }
        p->nrows = (uint32_t)n;
        ml__rows_free(rows);
    }
    ml__exec_close(x);
    return p;
}

struct ml_plan *ml__bind_evaluate(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    const struct ml_node *call = op->kid[0];
    if (in != NULL && b->input == NULL && ml_str_eq(call->text, ML_STR("bag_unpack")))
        return bag_unpack(b, op, call, in);
    if (in != NULL && b->input == NULL && ml_str_eq(call->text, ML_STR("pivot")) && op->a == NULL)
        return pivot(b, call, in);
    if (in != NULL && b->input == NULL && ml_str_eq(call->text, ML_STR("narrow")))
        return narrow(b, in);
    ml__b_fail(b, op, "ML101", "plugin '%.*s' is not supported%s", (int)call->text.n, call->text.p,
               b->input != NULL ? " inside a sub-query" : "");
    return in != NULL ? in : ml__b_plan(b, ML_P_VALUES, NULL);
}
