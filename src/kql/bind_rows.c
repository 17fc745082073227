/* kql/bind_rows.c -- operators that work row by row or order rows; see bind.h. SPDX-License-Identifier: MIT */
#include "kql/bind.h"

static struct ml_scope row_scope(const struct ml_plan *in)
{
    return (struct ml_scope){.cols = &in->out, .serialized = in->serialized};
}

struct ml_plan *ml__b_project(struct ml_binder *b, struct ml_plan *in, struct ml_cols *c)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_PROJECT, in);
    p->out = ml__cols_schema(c);
    p->exprs = c->expr;
    p->n = c->n;
    for (uint32_t i = 0; i < c->n; i++)
        p->window |= c->expr[i]->window;
    return p;
}

static struct ml_plan *filter(struct ml_binder *b, struct ml_plan *in, struct ml_expr *e)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_FILTER, in);
    p->exprs = ml__b_alloc(b, 1, sizeof *p->exprs);
    p->exprs[0] = e;
    p->n = 1;
    p->window = e->window;
    return p;
}

struct ml_plan *ml__bind_where(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_scope s = row_scope(in);
    return filter(b, in, ml__b_predicate(b, op->kid[0], &s));
}

/* --- project and extend --- */

static void add_unique(struct ml_binder *b, struct ml_cols *c, const struct ml_node *n,
                       struct ml_str name, struct ml_expr *e)
{
    if (ml__cols_find(c, name) >= 0)
        ml__b_fail(b, n, "KS171", "column '%.*s' is declared twice", (int)name.n, name.p);
    ml__cols_add(b, c, name, e->type, e);
}

/* ColumnN for an expression without a name. */
static struct ml_str nameless(struct ml_binder *b, struct ml_cols *c, const struct ml_schema *taken)
{
    struct ml_str s;
    do {
        s = ml__b_numbered(b, ML_STR("Column"), ++c->nameless);
    } while (ml__cols_find(c, s) >= 0 || ml__schema_find(taken, s) >= 0);
    return s;
}

static bool plain_name(const struct ml_node *n)
{
    return n->kind == ML_N_NAME;
}

typedef void put_fn(struct ml_binder *b, struct ml_cols *c, const struct ml_node *n,
                    struct ml_str name, struct ml_expr *e);

/* A call that gives several values: with names of its own, or one for each array it gets (array_sort_asc(a, b)). */
struct values {
    uint32_t n;
    const char *const *names;
    const char *types;
};

static struct values values_of(const struct ml_node *n)
{
    struct values v = {0};
    const struct ml_func *f = n->kind == ML_N_CALL ? ml_func_find(n->text) : NULL;
    if (f == NULL || (f->flags & ML_FN_MULTI) == 0 || n->n == 0)
        return v;
    if (ml_func_values(f, &v.names, &v.types)) {
        v.n = (uint32_t)strlen(v.types);
        return v;
    }
    const struct ml_node *last = n->kid[n->n - 1];
    v.n = n->n - (last->kind == ML_N_LIT && last->type == ML_T_BOOL);
    return v;
}

/* The name of the i-th value without a given one: series_stats_x_min, a_sorted. */
static struct ml_str value_name(struct ml_binder *b, const struct ml_node *call,
                                const struct values *v, uint32_t i)
{
    if (v->names == NULL)
        return ml__b_join_text(b, ml__b_auto_name(b, call->kid[i]), "_", ML_STR("sorted"));
    struct ml_str stem = ml__b_join_text(b, call->text, "_", ml__b_auto_name(b, call->kid[0]));
    return ml__b_join_text(b, stem, "_", ml_str_of(v->names[i]));
}

/* (a, b) = f(x, y), or f(x, y) alone, whose columns are then x_sorted, y_sorted. False: n is neither. */
static bool bind_many(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s, put_fn *put,
                      struct ml_cols *c)
{
    bool named = n->kind == ML_N_ASSIGN_MANY;
    const struct ml_node *call = named ? n->kid[0] : n;
    struct values v = values_of(call);
    if (!named && v.n < 2)
        return false;
    if (v.n == 0) {
        ml__b_fail(b, call, "KS107", "this gives one value, not several");
        return true;
    }
    b->many = true;
    struct ml_expr *all = ml__b_expr(b, call, s);
    if (named && n->n - 1 > v.n)
        ml__b_fail(b, n, "KS107", "this gives only %u values", v.n);
    for (uint32_t i = 0; i < (named ? n->n - 1 : v.n) && !ml__b_failed(b); i++) {
        struct ml_str name = named ? n->kid[i + 1]->text : value_name(b, call, &v, i);
        put(b, c, n, name, ml__b_element(b, call, all, i));
    }
    return true;
}

struct ml_plan *ml__bind_project(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_cols c = {0};
    struct ml_scope s = row_scope(in);
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = op->kid[i];
        if (bind_many(b, n, &s, add_unique, &c))
            continue;
        if (n->kind == ML_N_STAR) {
            for (uint32_t k = 0; k < in->out.n; k++)
                add_unique(b, &c, n, in->out.at[k].name, ml__b_column(b, n, k, in->out.at[k].type));
            continue;
        }
        struct ml_expr *e = ml__b_expr(b, n, &s);
        if (n->kind == ML_N_ASSIGN || plain_name(n)) {
            add_unique(b, &c, n, n->text, e);
            continue;
        }
        struct ml_str name = ml__b_auto_name(b, n);
        name = name.n != 0 ? ml__cols_free_name(b, &c, name) : nameless(b, &c, NULL);
        ml__cols_add(b, &c, name, e->type, e);
    }
    return ml__b_project(b, in, &c);
}

/* All columns of the input, as they are. */
static void add_all(struct ml_binder *b, struct ml_cols *c, const struct ml_plan *in)
{
    for (uint32_t i = 0; i < in->out.n; i++)
        ml__cols_add(b, c, in->out.at[i].name, in->out.at[i].type,
                     ml__b_column(b, NULL, i, in->out.at[i].type));
}

/* Replace in place, or append. */
static void put_extended(struct ml_binder *b, struct ml_cols *c, const struct ml_node *n,
                         struct ml_str name, struct ml_expr *e)
{
    int32_t k = ml__cols_find(c, name);
    if (k < 0) {
        ml__cols_add(b, c, name, e->type, e);
        return;
    }
    c->at[k].type = e->type;
    c->expr[k] = e;
}

static void check_new(struct ml_binder *b, struct ml_cols *seen, const struct ml_node *n,
                      struct ml_str name)
{
    if (ml__cols_find(seen, name) >= 0)
        ml__b_fail(b, n, "KS171", "column '%.*s' is declared twice", (int)name.n, name.p);
    ml__cols_add(b, seen, name, ML_T_NONE, NULL);
}

struct ml_plan *ml__bind_extend(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_cols c = {0};
    struct ml_cols seen = {0};
    struct ml_scope s = row_scope(in);
    add_all(b, &c, in);
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = op->kid[i];
        if (bind_many(b, n, &s, put_extended, &c))
            continue;
        struct ml_expr *e = ml__b_expr(b, n, &s);
        struct ml_str name = n->text;
        if (n->kind == ML_N_ASSIGN || plain_name(n)) {
            check_new(b, &seen, n, name);
            put_extended(b, &c, n, name, e);
            continue;
        }
        name = ml__b_auto_name(b, n);
        name = name.n != 0 ? ml__cols_free_name(b, &c, name) : nameless(b, &c, &in->out);
        ml__cols_add(b, &c, name, e->type, e);
    }
    return ml__b_project(b, in, &c);
}

struct ml_plan *ml__bind_serialize(struct ml_binder *b, const struct ml_node *op,
                                   struct ml_plan *in)
{
    struct ml_plan *marked = ml__b_alloc(b, 1, sizeof *marked);
    *marked = *in;
    marked->serialized = true;
    return op->n == 0 ? marked : ml__bind_extend(b, op, marked);
}

struct ml_plan *ml__bind_print(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_plan *one = ml__b_plan(b, ML_P_VALUES, NULL);
    struct ml_cols c = {0};
    struct ml_scope s = {0};
    one->nrows = 1;
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = op->kid[i];
        if (bind_many(b, n, &s, add_unique, &c))
            continue;
        struct ml_expr *e = ml__b_expr(b, n, &s);
        struct ml_str name = n->text;
        if (n->kind != ML_N_ASSIGN)
            name = ml__b_numbered(b, ML_STR("print_"), i);
        add_unique(b, &c, n, name, e);
    }
    return ml__b_project(b, one, &c);
}

/* --- choosing and naming columns --- */

static bool wild_match(struct ml_str pattern, struct ml_str name)
{
    if (pattern.n == 0)
        return name.n == 0;
    if (pattern.p[0] == '*') {
        struct ml_str rest = {pattern.p + 1, pattern.n - 1};
        for (size_t i = 0; i <= name.n; i++)
            if (wild_match(rest, (struct ml_str){name.p + i, name.n - i}))
                return true;
        return false;
    }
    return name.n > 0 && name.p[0] == pattern.p[0] &&
           wild_match((struct ml_str){pattern.p + 1, pattern.n - 1},
                      (struct ml_str){name.p + 1, name.n - 1});
}

static bool names(const struct ml_node *n, struct ml_str column)
{
    if (n->kind == ML_N_STAR)
        return true;
    return n->kind == ML_N_WILD ? wild_match(n->text, column) : ml_str_eq(n->text, column);
}

static void check_names(struct ml_binder *b, const struct ml_node *op, const struct ml_plan *in)
{
    struct ml_scope s = row_scope(in);
    for (uint32_t i = 0; i < op->n; i++) {
        const struct ml_node *n = op->kid[i];
        if (n->kind == ML_N_NAME && ml__schema_find(&in->out, n->text) < 0)
            ml__b_expr(b, n, &s);
        else if (n->kind != ML_N_NAME && n->kind != ML_N_WILD && n->kind != ML_N_STAR)
            ml__b_fail(b, n, "KS109", "a column name is needed here");
    }
}

static struct ml_plan *choose(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in,
                              bool keep)
{
    struct ml_cols c = {0};
    check_names(b, op, in);
    for (uint32_t i = 0; i < in->out.n; i++) {
        bool named = false;
        for (uint32_t k = 0; k < op->n; k++)
            named |= names(op->kid[k], in->out.at[i].name);
        if (named == keep)
            ml__cols_add(b, &c, in->out.at[i].name, in->out.at[i].type,
                         ml__b_column(b, op, i, in->out.at[i].type));
    }
    return ml__b_project(b, in, &c);
}

struct ml_plan *ml__bind_project_away(struct ml_binder *b, const struct ml_node *op,
                                      struct ml_plan *in)
{
    return choose(b, op, in, false);
}

struct ml_plan *ml__bind_project_keep(struct ml_binder *b, const struct ml_node *op,
                                      struct ml_plan *in)
{
    return choose(b, op, in, true);
}

struct ml_plan *ml__bind_project_rename(struct ml_binder *b, const struct ml_node *op,
                                        struct ml_plan *in)
{
    struct ml_cols c = {0};
    struct ml_scope s = row_scope(in);
    add_all(b, &c, in);
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = op->kid[i];
        if (n->kind != ML_N_ASSIGN || n->kid[0]->kind != ML_N_NAME) {
            ml__b_fail(b, n, "KS109", "new=old is needed here");
            break;
        }
        int32_t k = ml__schema_find(&in->out, n->kid[0]->text);
        if (k < 0)
            ml__b_expr(b, n->kid[0], &s);
        else
            c.at[k].name = n->text;
    }
    for (uint32_t i = 0; i < c.n && !ml__b_failed(b); i++)
        for (uint32_t k = 0; k < i; k++)
            if (ml_str_eq(c.at[i].name, c.at[k].name))
                ml__b_fail(b, op, "KS171", "there are two columns '%.*s' then", (int)c.at[i].name.n,
                           c.at[i].name.p);
    return ml__b_project(b, in, &c);
}

static void add_sorted(struct ml_binder *b, struct ml_cols *c, const struct ml_plan *in,
                       const struct ml_node *n)
{
    uint32_t from = c->n;
    for (uint32_t i = 0; i < in->out.n; i++) {
        struct ml_field f = in->out.at[i];
        if (!names(n, f.name) || ml__cols_find(c, f.name) >= 0)
            continue;
        ml__cols_add(b, c, f.name, f.type, ml__b_column(b, n, i, f.type));
        bool asc = (n->flags & ML_F_ASC) != 0;
        bool desc = (n->flags & ML_F_DESC) != 0;
        for (uint32_t k = c->n - 1; k > from && (asc || desc); k--) {
            int order = ml_str_cmp(c->at[k - 1].name, c->at[k].name);
            if (asc ? order <= 0 : order >= 0)
                break;
            struct ml_field t = c->at[k];
            struct ml_expr *e = c->expr[k];
            c->at[k] = c->at[k - 1];
            c->expr[k] = c->expr[k - 1];
            c->at[k - 1] = t;
            c->expr[k - 1] = e;
        }
    }
}

struct ml_plan *ml__bind_project_reorder(struct ml_binder *b, const struct ml_node *op,
                                         struct ml_plan *in)
{
    struct ml_cols c = {0};
    const struct ml_node rest = {.kind = ML_N_STAR, .pos = op->pos, .len = op->len};
    check_names(b, op, in);
    for (uint32_t i = 0; i < op->n; i++)
        add_sorted(b, &c, in, op->kid[i]);
    add_sorted(b, &c, in, &rest);
    return ml__b_project(b, in, &c);
}

/* --- order and amount --- */

static struct ml_plan *sort_by(struct ml_binder *b, const struct ml_node *op, uint32_t first,
                               struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_SORT, in);
    struct ml_scope s = row_scope(in);
    p->n = op->n - first;
    p->exprs = ml__b_alloc(b, p->n, sizeof *p->exprs);
    p->key_flags = ml__b_alloc(b, p->n, 1);
    p->serialized = true;
    for (uint32_t i = 0; i < p->n && !ml__b_failed(b); i++) {
        const struct ml_node *key = op->kid[first + i];
        p->exprs[i] = ml__b_expr(b, key->kid[0], &s);
        if (p->exprs[i]->type == ML_T_DYNAMIC)
            ml__b_fail(b, key, "KS107", "a dynamic value has no order: cast it first");
        bool asc = (key->flags & ML_F_ASC) != 0;
        uint8_t f = asc ? ML_F_ASC : ML_F_DESC;
        bool nulls_first = (key->flags & ML_F_NULLS_FIRST) ||
                           (asc && !(key->flags & ML_F_NULLS_LAST));
        p->key_flags[i] = f | (nulls_first ? ML_F_NULLS_FIRST : ML_F_NULLS_LAST);
        if (p->exprs[i]->window)
            ml__b_fail(b, key, "KS146", "a window function cannot be a sort key: extend it first");
    }
    return p;
}

struct ml_plan *ml__bind_sort(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    return sort_by(b, op, 0, in);
}

static struct ml_expr *count_of(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_scope none = {0};
    struct ml_expr *e = ml__b_expr(b, n, &none);
    if (!ml__b_failed(b) && !ml_type_is_int(e->type))
        ml__b_fail(b, n, "KS107", "a number of rows is needed here, not a %s",
                   ml_type_name(e->type));
    return e;
}

struct ml_plan *ml__bind_top(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    if (op->n != 2) {
        ml__b_fail(b, op, "KS119", "top takes one key");
        return in;
    }
    struct ml_plan *p = sort_by(b, op, 1, in);
    p->limit = count_of(b, op->kid[0]);
    return p;
}

static struct ml_plan *limited(struct ml_binder *b, enum ml_plan_kind kind,
                               const struct ml_node *count, struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, kind, in);
    p->limit = count_of(b, count);
    return p;
}

struct ml_plan *ml__bind_take(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    return limited(b, ML_P_TAKE, op->kid[0], in);
}

struct ml_plan *ml__bind_sample(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_plan *p = limited(b, ML_P_SAMPLE, op->kid[0], in);
    p->serialized = false;
    return p;
}

struct ml_plan *ml__bind_distinct(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_plan *p = ml__bind_project(b, op, in);
    struct ml_plan *agg = ml__b_plan(b, ML_P_AGGREGATE, p);
    agg->n = p->out.n;
    agg->exprs = ml__b_alloc(b, agg->n, sizeof *agg->exprs);
    agg->serialized = false;
    for (uint32_t i = 0; i < agg->n && !ml__b_failed(b); i++) {
        agg->exprs[i] = ml__b_column(b, op, i, p->out.at[i].type);
        if (p->out.at[i].type == ML_T_DYNAMIC && op->kid[0]->kind != ML_N_STAR)
            ml__b_fail(b, op, "KS107", "a dynamic value cannot be a group: cast it first");
    }
    return agg;
}

struct ml_plan *ml__bind_sample_distinct(struct ml_binder *b, const struct ml_node *op,
                                         struct ml_plan *in)
{
    struct ml_node list = *op;
    list.n = 1;
    list.kid = op->kid + 1;
    return limited(b, ML_P_TAKE, op->kid[0], ml__bind_distinct(b, &list, in));
}

/* --- what changes no rows --- */

struct ml_plan *ml__bind_as(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_plan *p = ml__b_shared(b, in);
    p->name = op->a->text;
    ml__b_env_push(b, (struct ml_env){.name = op->a->text, .kind = ML_ENV_PLAN, .plan = p});
    return p;
}

struct ml_plan *ml__bind_consume(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_TAKE, in);
    p->limit = ml__b_const(b, op, ML_T_LONG, ml_val_long(0));
    return p;
}

struct ml_plan *ml__bind_invoke(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    const struct ml_node *call = op->kid[0];
    struct ml_plan *p = call->kind == ML_N_CALL ? ml__b_user_table(b, call, in) : NULL;
    if (p == NULL && !ml__b_failed(b))
        ml__b_fail(b, call, "KS143", "unknown table function '%.*s'", (int)call->text.n,
                   call->text.p);
    return p != NULL ? p : in;
}

struct ml_plan *ml__bind_getschema(struct ml_binder *b, const struct ml_node *op,
                                   struct ml_plan *in)
{
    static const struct ml_field fields[] = {{{"ColumnName", 10}, ML_T_STRING},
                                             {{"ColumnOrdinal", 13}, ML_T_INT},
                                             {{"DataType", 8}, ML_T_STRING},
                                             {{"ColumnType", 10}, ML_T_STRING}};
    struct ml_plan *p = ml__b_plan(b, ML_P_VALUES, NULL);
    p->out = (struct ml_schema){ml__b_alloc(b, 4, sizeof *p->out.at), 4};
    memcpy(p->out.at, fields, sizeof fields);
    p->nrows = in->out.n;
    p->cells = ml__b_alloc(b, 4 * (size_t)in->out.n, sizeof *p->cells);
    p->serialized = true;
    for (uint32_t i = 0; i < in->out.n && !ml__b_failed(b); i++) {
        enum ml_type t = in->out.at[i].type;
        p->cells[4 * i] = ml_val_str(in->out.at[i].name);
        p->cells[4 * i + 1] = ml_val_i64(ML_T_INT, i);
        p->cells[4 * i + 2] = ml_val_str(ml_str_of(ml_type_net(t)));
        p->cells[4 * i + 3] = ml_val_str(ml_str_of(ml_type_name(t)));
    }
    return p;
}

struct ml_plan *ml__bind_range(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_RANGE, NULL);
    struct ml_scope none = {0};
    p->from = ml__b_expr(b, op->kid[0], &none);
    p->to = ml__b_expr(b, op->kid[1], &none);
    p->step = ml__b_expr(b, op->kid[2], &none);
    p->serialized = true;
    p->out = (struct ml_schema){ml__b_alloc(b, 1, sizeof *p->out.at), 1};
    if (ml__b_failed(b))
        return p;
    enum ml_type t = p->from->type;
    if (ml_type_is_number(t) && ml_type_is_number(p->to->type) &&
        ml_type_is_number(p->step->type)) {
        bool whole = ml_type_is_int(t) && ml_type_is_int(p->to->type) &&
                     ml_type_is_int(p->step->type);
        t = whole ? (t == ML_T_INT && p->to->type == ML_T_INT && p->step->type == ML_T_INT
                         ? ML_T_INT
                         : ML_T_LONG)
                  : ML_T_REAL;
        p->from = ml__b_cast(b, p->from, t);
        p->to = ml__b_cast(b, p->to, t);
        p->step = ml__b_cast(b, p->step, t);
    } else if (!((t == ML_T_DATETIME || t == ML_T_TIMESPAN) && p->to->type == t &&
                 p->step->type == ML_T_TIMESPAN)) {
        ml__b_fail(b, op, "KS106", "range from %s to %s step %s is not defined", ml_type_name(t),
                   ml_type_name(p->to->type), ml_type_name(p->step->type));
    }
    p->out.at[0] = (struct ml_field){op->a->text, t};
    return p;
}
