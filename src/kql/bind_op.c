/* kql/bind_op.c -- the operators of expressions: types of operands and results; see bind.h.
 * SPDX-License-Identifier: MIT */
#include "kql/bind.h"

#include "kql/text.h"

#define OP(name, vec) {name, "a", "a*", NULL, vec, ML_FN_NULLS},
static const struct ml_func ops[] = {
#include "kql/op.def"
};
#undef OP

const struct ml_func *ml__op_find(const char *name)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    return NULL;
}

static struct ml_expr *call2(struct ml_binder *b, const struct ml_node *n, const char *op,
                             enum ml_type t, struct ml_expr *l, struct ml_expr *r)
{
    struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
    arg[0] = l;
    arg[1] = r;
    return ml__b_call(b, n, ml__op_find(op), t, arg, 2);
}

static struct ml_expr *call1(struct ml_binder *b, const struct ml_node *n, const char *op,
                             enum ml_type t, struct ml_expr *e)
{
    struct ml_expr **arg = ml__b_alloc(b, 1, sizeof *arg);
    arg[0] = e;
    return ml__b_call(b, n, ml__op_find(op), t, arg, 1);
}

static bool is_time(enum ml_type t)
{
    return t == ML_T_DATETIME || t == ML_T_TIMESPAN;
}

/* What a pair of types that do not go together may have meant. */
static void advise(struct ml_binder *b, const char *op, enum ml_type l, enum ml_type r)
{
    enum ml_type other = l == ML_T_STRING ? r : l;
    bool text = l == ML_T_STRING || r == ML_T_STRING;
    bool number = ml_type_is_number(l) || ml_type_is_number(r);
    if (text && strcmp(op, "+") == 0)
        ml_diag_hint(b->diag, "texts are joined by strcat(a, b)");
    else if (text && other == ML_T_DATETIME)
        ml_diag_hint(b->diag,
                     "a time is written datetime(2026-01-31 12:00), or made by todatetime(x)");
    else if (text && other == ML_T_TIMESPAN)
        ml_diag_hint(b->diag, "a timespan is written 1d, 2h, 30m, or made by totimespan(x)");
    else if (text && other == ML_T_BOOL)
        ml_diag_hint(b->diag, "true and false stand without quotes");
    else if (text && ml_type_is_number(other))
        ml_diag_hint(b->diag,
                     "a number stands without quotes; tolong(x), todouble(x) convert a text");
    else if (text)
        ml_diag_hint(b->diag, "texts are compared with == and !=, or by strcmp(a, b)");
    else if (number && (is_time(l) || is_time(r)))
        ml_diag_hint(b->diag, "a timespan has a unit: 1d, 2h, 30m, 10s");
}

static struct ml_expr *mismatch(struct ml_binder *b, const struct ml_node *n, const char *op,
                                const struct ml_expr *l, const struct ml_expr *r)
{
    ml__b_fail(b, n, "KS106", "operator '%s' is not defined for %s and %s", op,
               ml_type_name(l->type), ml_type_name(r->type));
    if (l->type == ML_T_DYNAMIC || r->type == ML_T_DYNAMIC)
        ml_diag_hint(b->diag, "cast the dynamic value first: tolong(x), todouble(x), tostring(x)");
    else
        advise(b, op, l->type, r->type);
    return ml__b_const(b, n, ML_T_NONE, ml_val_null(ML_T_NONE));
}

/* Type of `x op y` for what is no pair of numbers; NONE: not defined. */
static enum ml_type time_result(char op, enum ml_type x, enum ml_type y)
{
    bool xt = x == ML_T_TIMESPAN;
    bool yt = y == ML_T_TIMESPAN;
    bool xn = ml_type_is_number(x) && x != ML_T_DECIMAL;
    bool yn = ml_type_is_number(y) && y != ML_T_DECIMAL;
    switch (op) {
    case '+':
        if (xt && yt)
            return ML_T_TIMESPAN;
        return (x == ML_T_DATETIME && yt) || (xt && y == ML_T_DATETIME) ? ML_T_DATETIME : ML_T_NONE;
    case '-':
        if ((xt && yt) || (x == ML_T_DATETIME && y == ML_T_DATETIME))
            return ML_T_TIMESPAN;
        return x == ML_T_DATETIME && yt ? ML_T_DATETIME : ML_T_NONE;
    case '*':
        return (xt && yn) || (xn && yt) ? ML_T_TIMESPAN : ML_T_NONE;
    case '/':
        return xt && yt ? ML_T_REAL : xt && yn ? ML_T_TIMESPAN : ML_T_NONE;
    default:
        return is_time(x) && yt ? ML_T_TIMESPAN : ML_T_NONE;
    }
}

static struct ml_expr *arithmetic(struct ml_binder *b, const struct ml_node *n, const char *op,
                                  struct ml_expr *l, struct ml_expr *r)
{
    enum ml_type x = l->type;
    enum ml_type y = r->type;
    if (x == ML_T_NONE || y == ML_T_NONE)
        return l;
    if (ml_type_is_number(x) && ml_type_is_number(y)) {
        enum ml_type t = x > y ? x : y;
        t = t == ML_T_INT ? ML_T_LONG : t;
        return call2(b, n, op, t, ml__b_cast(b, l, t), ml__b_cast(b, r, t));
    }
    enum ml_type t = time_result(op[0], x, y);
    if (t == ML_T_NONE)
        return mismatch(b, n, op, l, r);
    return call2(b, n, op, t, l, r);
}

static bool orders(const char *op)
{
    return op[0] == '<' || op[0] == '>';
}

/* Both sides to one type. A dynamic side becomes the other's type. */
static struct ml_expr *comparison(struct ml_binder *b, const struct ml_node *n, const char *op,
                                  struct ml_expr *l, struct ml_expr *r)
{
    enum ml_type x = l->type;
    enum ml_type y = r->type;
    enum ml_type t = x;
    if (x == ML_T_NONE || y == ML_T_NONE)
        return l;
    if (ml_type_is_number(x) && ml_type_is_number(y))
        t = x > y ? x : y;
    else if (x == ML_T_DYNAMIC && y != ML_T_DYNAMIC)
        t = y;
    else if (y == ML_T_DYNAMIC && x != ML_T_DYNAMIC)
        t = x;
    else if (x != y || x == ML_T_DYNAMIC)
        return mismatch(b, n, op, l, r);
    if (orders(op) && (t == ML_T_STRING || t == ML_T_BOOL || t == ML_T_GUID))
        return mismatch(b, n, op, l, r);
    return call2(b, n, op, ML_T_BOOL, ml__b_cast(b, l, t), ml__b_cast(b, r, t));
}

/* A side of a string operator; any: numbers and times by their text, as in `* has`. */
static struct ml_expr *text_side(struct ml_binder *b, const struct ml_node *n, struct ml_expr *e,
                                 bool any)
{
    if (e->type != ML_T_STRING && e->type != ML_T_DYNAMIC && e->type != ML_T_NONE && !any)
        ml__b_fail(b, n, "KS107", "a string is needed here, not a %s", ml_type_name(e->type));
    return ml__b_cast(b, e, ML_T_STRING);
}

static struct ml_expr *negate(struct ml_binder *b, const struct ml_node *n, struct ml_expr *e)
{
    return call1(b, n, "not", ML_T_BOOL, e);
}

/* The operator's own name (without '!', old spellings replaced); *not: it is negated. */
static struct ml_str text_op(struct ml_str op, bool * not )
{
    *not = op.p[0] == '!' || ml_str_eq(op, ML_STR("notcontains"));
    if (ml_str_eq(op, ML_STR("!~")))
        return ML_STR("=~");
    if (ml_str_eq(op, ML_STR("notcontains")))
        return ML_STR("contains");
    if (ml_str_eq(op, ML_STR("containscs")))
        return ML_STR("contains_cs");
    if (ml_str_eq(op, ML_STR("matches")))
        return ML_STR("matches regex");
    return *not ? (struct ml_str){op.p + 1, op.n - 1} : op;
}

static const struct ml_func *op_of(struct ml_str name)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (ml_str_eq(name, ml_str_of(ops[i].name)))
            return &ops[i];
    return NULL;
}

static struct ml_expr *text_search(struct ml_binder *b, const struct ml_node *n, struct ml_str op,
                                   struct ml_expr *l, struct ml_expr *r, bool any)
{
    bool not ;
    struct ml_str name = text_op(op, &not );
    const struct ml_func *f = op_of(name);
    struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
    arg[0] = text_side(b, n->kid[0], l, any);
    arg[1] = text_side(b, n->kid[1], r, false);
    if (f == NULL || ml__b_failed(b)) {
        ml__b_fail(b, n, "KS106", "unknown operator '%.*s'", (int)op.n, op.p);
        return l;
    }
    struct ml_expr *e = ml__b_call(b, n, f, ML_T_BOOL, arg, 2);
    return not ? negate(b, n, e) : e;
}

/* `* has "x"`: any column. */
static struct ml_expr *any_column(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s,
                                  struct ml_str op, struct ml_expr *r)
{
    struct ml_expr *e = NULL;
    bool equals = ml_str_eq(op, ML_STR("=="));
    for (uint32_t i = 0; s->cols != NULL && i < s->cols->n; i++) {
        enum ml_type t = s->cols->at[i].type;
        struct ml_expr *col = ml__b_column(b, n, i, t);
        if (equals && t != r->type && !(ml_type_is_number(t) && ml_type_is_number(r->type)))
            continue;
        struct ml_expr *one = equals ? comparison(b, n, "==", col, r)
                                     : text_search(b, n, op, col, r, true);
        e = e == NULL ? one : call2(b, n, "or", ML_T_BOOL, e, one);
    }
    return e != NULL ? e : ml__b_const(b, n, ML_T_BOOL, ml_val_bool(false));
}

struct ml_expr *ml__b_op(struct ml_binder *b, const struct ml_node *n, const char *op,
                         struct ml_expr *l, struct ml_expr *r)
{
    if (ml__b_failed(b))
        return l;
    if (strchr("+-*/%", op[0]) != NULL)
        return arithmetic(b, n, op, l, r);
    if (strcmp(op, "<>") == 0)
        op = "!=";
    return comparison(b, n, op, l, r);
}

struct ml_expr *ml__b_and(struct ml_binder *b, struct ml_expr *l, struct ml_expr *r)
{
    return l == NULL ? r : call2(b, l->node, "and", ML_T_BOOL, l, r);
}

struct ml_expr *ml__b_predicate(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    struct ml_expr *e = ml__b_expr(b, n, s);
    if (e->type == ML_T_DYNAMIC)
        return ml__b_cast(b, e, ML_T_BOOL);
    if (!ml__b_failed(b) && ml_type_is_number(e->type))
        return ml__b_cast(b, e, ML_T_BOOL);
    if (!ml__b_failed(b) && e->type != ML_T_BOOL)
        ml__b_fail(b, n, "KS141", "a condition must be a bool, not a %s", ml_type_name(e->type));
    return e;
}

static struct ml_expr *bind_binary(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    static const char *const plain[] = {"==", "!=", "<>", "<", "<=", ">",
                                        ">=", "+",  "-",  "*", "/",  "%"};
    if (ml_str_eq(n->text, ML_STR("and")) || ml_str_eq(n->text, ML_STR("or"))) {
        struct ml_expr *l = ml__b_predicate(b, n->kid[0], s);
        struct ml_expr *r = ml__b_predicate(b, n->kid[1], s);
        return call2(b, n, n->text.n == 2 ? "or" : "and", ML_T_BOOL, l, r);
    }
    if (ml_str_eq(n->text, ML_STR(":")))
        return ml__b_search_term(b, n->kid[1], s, n->kid[0]);
    struct ml_expr *l = n->kid[0]->kind == ML_N_STAR ? NULL : ml__b_expr(b, n->kid[0], s);
    struct ml_expr *r = ml__b_expr(b, n->kid[1], s);
    if (ml__b_failed(b))
        return r;
    if (l == NULL)
        return any_column(b, n, s, n->text, r);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (ml_str_eq(n->text, ml_str_of(plain[i])))
            return ml__b_op(b, n, plain[i], l, r);
    return text_search(b, n, n->text, l, r, false);
}

/* The items of `in`, cast to the left side's type unless they are arrays. */
static struct ml_expr *list_item(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s,
                                 enum ml_type t)
{
    if (ml__b_is_table(b, n) && n->kind != ML_N_DATATABLE) {
        struct ml_plan *p = ml__b_table(b, n);
        if (ml__b_failed(b) || p->out.n == 0)
            return ml__b_const(b, n, ML_T_DYNAMIC, ml_val_array(NULL, 0));
        struct ml_expr **arg = ml__b_alloc(b, 1, sizeof *arg);
        /* made like toscalar, then its kind is changed: the whole first column */
        struct ml_node *call = ml__b_alloc(b, 1, sizeof *call);
        struct ml_node **kid = ml__b_alloc(b, 1, sizeof *kid);
        kid[0] = (struct ml_node *)n;
        *call = (struct ml_node){.kind = ML_N_CALL,
                                 .pos = n->pos,
                                 .len = n->len,
                                 .n = 1,
                                 .kid = kid,
                                 .text = ML_STR("toscalar")};
        arg[0] = ml__b_expr(b, call, s);
        if (arg[0]->kind == ML_E_SCALAR) {
            arg[0]->kind = ML_E_LIST;
            arg[0]->type = ML_T_DYNAMIC;
        }
        return arg[0];
    }
    struct ml_expr *e = ml__b_expr(b, n, s);
    if (e->type == ML_T_DYNAMIC || e->type == t)
        return e;
    if (ml_type_is_number(e->type) && ml_type_is_number(t))
        return ml__b_cast(b, e, t == ML_T_INT ? e->type : t);
    if (!ml__b_failed(b) && t != ML_T_DYNAMIC)
        ml__b_fail(b, n, "KS106", "a %s is not comparable with a %s", ml_type_name(e->type),
                   ml_type_name(t));
    return e;
}

static struct ml_expr *bind_in(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    bool terms = n->text.p[0] == 'h';
    struct ml_expr **arg = ml__b_alloc(b, n->n, sizeof *arg);
    if (n->kid[0]->kind == ML_N_STAR) { /* * has_any (...), * in (...) */
        struct ml_expr *any = NULL;
        for (uint32_t i = 0; s->cols != NULL && i < s->cols->n; i++) {
            struct ml_node *name = ml__b_alloc(b, 1, sizeof *name);
            struct ml_node *one = ml__b_alloc(b, 1, sizeof *one);
            struct ml_node **kid = ml__b_alloc(b, n->n, sizeof *kid);
            if (s->cols->at[i].type != ML_T_STRING)
                continue;
            *name = (struct ml_node){
                .kind = ML_N_NAME, .text = s->cols->at[i].name, .pos = n->pos, .len = n->len};
            memcpy(kid, n->kid, n->n * sizeof *kid);
            kid[0] = name;
            *one = *n;
            one->kid = kid;
            struct ml_expr *e = bind_in(b, one, s);
            any = any == NULL ? e : call2(b, n, "or", ML_T_BOOL, any, e);
        }
        return any != NULL ? any : ml__b_const(b, n, ML_T_BOOL, ml_val_bool(false));
    }
    arg[0] = ml__b_expr(b, n->kid[0], s);
    if (terms)
        arg[0] = text_side(b, n->kid[0], arg[0], false);
    for (uint32_t i = 1; i < n->n && !ml__b_failed(b); i++) {
        arg[i] = list_item(b, n->kid[i], s, arg[0]->type);
        if (arg[0]->type == ML_T_DYNAMIC && arg[i]->type != ML_T_DYNAMIC)
            arg[0] = ml__b_cast(b, arg[0], arg[i]->type);
        else if (arg[0]->type == ML_T_INT && arg[i]->type != ML_T_INT &&
                 ml_type_is_number(arg[i]->type))
            arg[0] = ml__b_cast(b, arg[0], arg[i]->type);
    }
    if (ml__b_failed(b))
        return arg[0];
    if (arg[0]->type == ML_T_DYNAMIC)
        arg[0] = ml__b_cast(b, arg[0], ML_T_STRING);
    if (n->n > 64) { /* many values: one array */
        struct ml_val *items = ml__b_alloc(b, n->n, sizeof *items);
        for (uint32_t i = 1; i < n->n; i++) {
            if (arg[i]->kind != ML_E_CONST || items == NULL) {
                ml__b_fail(b, n->kid[i], "KS129",
                           "in a list of more than 63 values all must be constant");
                return arg[0];
            }
            items[i - 1] = arg[i]->val;
        }
        arg[1] = ml__b_const(b, n, ML_T_DYNAMIC, ml_val_array(items, n->n - 1));
        return ml__b_call(b, n, op_of(n->text), ML_T_BOOL, arg, 2);
    }
    return ml__b_call(b, n, op_of(n->text), ML_T_BOOL, arg, n->n);
}

static struct ml_expr *bind_between(struct ml_binder *b, const struct ml_node *n,
                                    struct ml_scope *s)
{
    struct ml_expr *x = ml__b_expr(b, n->kid[0], s);
    struct ml_expr *low = ml__b_expr(b, n->kid[1], s);
    struct ml_expr *high = ml__b_expr(b, n->kid[2], s);
    if (ml__b_failed(b))
        return x;
    if (x->type == ML_T_DATETIME && high->type == ML_T_TIMESPAN)
        high = ml__b_op(b, n, "+", low, high);
    struct ml_expr *e = ml__b_and(b, ml__b_op(b, n, ">=", x, low), ml__b_op(b, n, "<=", x, high));
    return n->text.p[0] == '!' && !ml__b_failed(b) ? negate(b, n, e) : e;
}

static struct ml_expr *bind_unary(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    struct ml_expr *e = ml__b_expr(b, n->kid[0], s);
    if (ml__b_failed(b) || n->text.p[0] == '+')
        return e;
    if (!ml_type_is_number(e->type) && e->type != ML_T_TIMESPAN) {
        ml__b_fail(b, n, "KS106", "operator '-' is not defined for %s", ml_type_name(e->type));
        return e;
    }
    return call1(b, n, "neg", e->type == ML_T_INT ? ML_T_INT : e->type, e);
}

struct ml_expr *ml__b_operator(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    switch ((enum ml_node_kind)n->kind) {
    case ML_N_UNARY:
        return bind_unary(b, n, s);
    case ML_N_IN:
        return bind_in(b, n, s);
    case ML_N_BETWEEN:
        return bind_between(b, n, s);
    default:
        return bind_binary(b, n, s);
    }
}
