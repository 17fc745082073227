/* kql/bind_expr.c -- expressions: names, members, calls; see bind.h. Operators stand in bind_op.c.
 * SPDX-License-Identifier: MIT */
#include "kql/bind.h"

#include "base/near.h"
#include "kql/advice.h"
#include "kql/agg.h"
#include "kql/text.h"

static struct ml_expr *new_expr(struct ml_binder *b, const struct ml_node *n,
                                enum ml_expr_kind kind, enum ml_type t)
{
    struct ml_expr *e = ml__b_alloc(b, 1, sizeof *e);
    e->kind = (uint8_t)kind;
    e->type = (uint8_t)t;
    e->node = n;
    return e;
}

/* The next expression number; its state is made with it. */
static uint32_t new_id(struct ml_binder *b)
{
    struct ml_rt *rt = b->rt;
    if (b->nexprs == b->cap_states) {
        uint32_t cap = b->cap_states != 0 ? b->cap_states * 2 : 64;
        struct ml_estate *states = ml_arena_alloc(b->arena, cap, sizeof *states);
        if (states == NULL) {
            ml_diag_set(b->diag, "ML201", 0, 0, "out of memory");
            return 0;
        }
        if (b->nexprs > 0)
            memcpy(states, rt->states, b->nexprs * sizeof *states);
        rt->states = states;
        b->cap_states = cap;
    }
    rt->nstates = b->nexprs + 1;
    return b->nexprs++;
}

static struct ml_expr *nothing(struct ml_binder *b, const struct ml_node *n)
{
    return ml__b_const(b, n, ML_T_NONE, ml_val_null(ML_T_NONE));
}

struct ml_expr *ml__b_const(struct ml_binder *b, const struct ml_node *n, enum ml_type t,
                            struct ml_val v)
{
    struct ml_expr *e = new_expr(b, n, ML_E_CONST, t);
    e->val = v;
    e->constant = true;
    return e;
}

struct ml_expr *ml__b_column(struct ml_binder *b, const struct ml_node *n, uint32_t column,
                             enum ml_type t)
{
    struct ml_expr *e = new_expr(b, n, ML_E_COLUMN, t);
    e->column = column;
    return e;
}

struct ml_expr *ml__b_call(struct ml_binder *b, const struct ml_node *n, const struct ml_func *fn,
                           enum ml_type t, struct ml_expr **arg, uint32_t nargs)
{
    struct ml_expr *e = new_expr(b, n, ML_E_CALL, t);
    bool folds = (fn->flags & (ML_FN_VOLATILE | ML_FN_WINDOW)) == 0;
    e->constant = folds;
    e->fn = fn;
    e->arg = arg;
    e->n = nargs;
    e->window = (fn->flags & ML_FN_WINDOW) != 0;
    e->id = new_id(b);
    for (uint32_t i = 0; i < nargs; i++) {
        e->window |= arg[i]->window;
        e->constant &= arg[i]->constant;
        folds &= arg[i]->kind == ML_E_CONST;
    }
    if (folds && !ml__b_failed(b)) {
        struct ml_val v;
        if (ml__eval_constant(b->rt, e, &v) == ML_OK)
            return ml__b_const(b, n, t, v);
        if (b->diag->len == 0) {
            b->diag->pos = n->pos;
            b->diag->len = n->len;
        }
    }
    return e;
}

struct ml_expr *ml__b_cast(struct ml_binder *b, struct ml_expr *e, enum ml_type t)
{
    if (e->type == t || e->type == ML_T_NONE)
        return e;
    if (t == ML_T_LONG && e->kind == ML_E_CONST && e->type == ML_T_REAL && !e->val.null &&
        e->val.d == 0x1p63)
        return ml__b_const(b, e->node, t,
                           ml_val_long(INT64_MIN)); /* the engine folds this one so */
    struct ml_expr **arg = ml__b_alloc(b, 1, sizeof *arg);
    arg[0] = e;
    return ml__b_call(b, e->node, ml__op_find("cast"), t, arg, 1);
}

struct ml_str ml__b_string(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_scope none = {0};
    struct ml_expr *e = ml__b_expr(b, n, &none);
    if (!ml__b_failed(b) && (e->kind != ML_E_CONST || e->type != ML_T_STRING))
        ml__b_fail(b, n, "KS129", "a constant string is needed here");
    return e->kind == ML_E_CONST && e->type == ML_T_STRING ? e->val.s : ML_STR("");
}

bool ml__b_bool(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_scope none = {0};
    struct ml_expr *e = ml__b_expr(b, n, &none);
    if (!ml__b_failed(b) && (e->kind != ML_E_CONST || e->type != ML_T_BOOL))
        ml__b_fail(b, n, "KS129", "true or false is needed here");
    return e->kind == ML_E_CONST && e->type == ML_T_BOOL && e->val.i != 0;
}

struct ml_str ml__b_word(struct ml_binder *b, const struct ml_node *n)
{
    return n->kind == ML_N_NAME ? n->text : ml__b_string(b, n);
}

const struct ml_node *ml__b_opt(const struct ml_node *op, const char *name)
{
    for (uint32_t i = 0; i < op->nopt; i++)
        if (ml_str_eq(op->opt[i]->text, ml_str_of(name)))
            return op->opt[i]->kid[0];
    return NULL;
}

/* --- names --- */

static struct ml_expr *unknown_name(struct ml_binder *b, const struct ml_node *n,
                                    const struct ml_scope *s)
{
    if (ml__b_failed(b))
        return nothing(b, n);
    struct ml_near near = {.wanted = n->text};
    if (s->aggregates && s->agg_args != NULL && ml__schema_find(s->agg_args->cols, n->text) >= 0) {
        ml__b_fail(b, n, "KS142", "column '%.*s' stands outside of an aggregate", (int)n->text.n,
                   n->text.p);
        ml_diag_hint(b->diag, "group by it, or choose: max(%.*s), take_any(%.*s)", (int)n->text.n,
                     n->text.p, (int)n->text.n, n->text.p);
        return nothing(b, n);
    }
    ml__b_fail(b, n, "KS142", "unknown column '%.*s'", (int)n->text.n, n->text.p);
    for (uint32_t i = 0; s->cols != NULL && i < s->cols->n; i++)
        ml_near_try(&near, s->cols->at[i].name);
    for (const struct ml_env *e = b->env; e != NULL; e = e->up)
        ml_near_try(&near, e->name);
    bool filter;
    if (near.best.p != NULL)
        ml_diag_hint(b->diag, "did you mean '%.*s'?", (int)near.best.n, near.best.p);
    else if (ml_func_find(n->text) != NULL || ml_agg_find(n->text, &filter) != NULL)
        ml_diag_hint(b->diag, "did you mean the function '%.*s()'?", (int)n->text.n, n->text.p);
    else if (n->text.n > 0 && n->text.p[0] >= '0' && n->text.p[0] <= '9')
        ml_diag_hint(b->diag, "a number has no suffix; a timespan is 1d, 2h, 30m, 10s, 5ms");
    else
        ml_diag_hint(b->diag, "if it is a text, put it in quotes");
    return nothing(b, n);
}

static struct ml_expr *bind_name(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    int32_t k = ml__schema_find(s->cols, n->text);
    if (k >= 0)
        return ml__b_column(b, n, (uint32_t)k, s->cols->at[k].type);
    const struct ml_env *e = ml__b_find(b->env, n->text);
    if (e != NULL && e->kind == ML_ENV_SCALAR && e->expr != NULL)
        return e->expr;
    if (e != NULL && e->kind != ML_ENV_SCALAR) {
        ml__b_fail(b, n, "KS107", "'%.*s' is a table, not a value", (int)n->text.n, n->text.p);
        return nothing(b, n);
    }
    return unknown_name(b, n, s);
}

/* s.c of a scan step: column c of the state of step s. */
static struct ml_expr *step_member(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    const struct ml_node *base = n->kid[0];
    if (s->steps == NULL || base->kind != ML_N_NAME)
        return NULL;
    for (uint32_t i = 0; i < s->steps->nsteps; i++) {
        if (!ml_str_eq(s->steps->steps[i].name, base->text))
            continue;
        uint32_t width = s->cols->n;
        int32_t k = ml__schema_find(s->cols, n->text);
        if (k < 0)
            return unknown_name(b, n, s);
        return ml__b_column(b, n, width * (i + 1) + (uint32_t)k, s->cols->at[k].type);
    }
    return NULL;
}

static struct ml_expr *bind_member(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    const struct ml_node *base = n->kid[0];
    if (base->kind == ML_N_NAME && s->right != NULL) {
        bool right = ml_str_eq(base->text, ML_STR("$right"));
        if (right || ml_str_eq(base->text, ML_STR("$left"))) {
            const struct ml_schema *side = right ? s->right : s->cols;
            int32_t k = ml__schema_find(side, n->text);
            if (k < 0) {
                struct ml_scope shown = {.cols = side};
                struct ml_node name = *n;
                name.kind = ML_N_NAME;
                return unknown_name(b, &name, &shown);
            }
            uint32_t shift = right ? s->cols->n : 0;
            return ml__b_column(b, n, shift + (uint32_t)k, side->at[k].type);
        }
    }
    struct ml_expr *e = step_member(b, n, s);
    if (e != NULL)
        return e;
    e = ml__b_expr(b, base, s);
    if (e->type != ML_T_DYNAMIC && e->type != ML_T_NONE) {
        ml__b_fail(b, n, "KS107", "a %s has no members: only dynamic has", ml_type_name(e->type));
        return nothing(b, n);
    }
    struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
    arg[0] = e;
    arg[1] = ml__b_const(b, n, ML_T_STRING, ml_val_str(n->text));
    return ml__b_call(b, n, ml__op_find("member"), ML_T_DYNAMIC, arg, 2);
}

/* array_sort_asc(a, b): an index after it chooses one of its values. */
static bool sorts_several(const struct ml_node *n)
{
    const char *const *names;
    const char *types;
    const struct ml_func *f = n->kind == ML_N_CALL ? ml_func_find(n->text) : NULL;
    if (f == NULL || (f->flags & ML_FN_MULTI) == 0 || ml_func_values(f, &names, &types) || n->n < 2)
        return false;
    return n->n > 2 || n->kid[1]->kind != ML_N_LIT || n->kid[1]->type != ML_T_BOOL;
}

static struct ml_expr *bind_index(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
    b->many = sorts_several(n->kid[0]);
    arg[0] = ml__b_expr(b, n->kid[0], s);
    b->many = false;
    arg[1] = ml__b_expr(b, n->kid[1], s);
    if (arg[0]->type != ML_T_DYNAMIC && arg[0]->type != ML_T_NONE) {
        ml__b_fail(b, n, "KS107", "a %s has no elements: only dynamic has",
                   ml_type_name(arg[0]->type));
        return nothing(b, n);
    }
    return ml__b_call(b, n, ml__op_find("index"), ML_T_DYNAMIC, arg, 2);
}

/* --- calls --- */

static enum ml_type letter_type(char c)
{
    switch (c) {
    case 's':
        return ML_T_STRING;
    case 'l':
        return ML_T_LONG;
    case 'i':
        return ML_T_INT;
    case 'r':
        return ML_T_REAL;
    case 'd':
        return ML_T_DATETIME;
    case 't':
        return ML_T_TIMESPAN;
    case 'b':
        return ML_T_BOOL;
    case 'g':
        return ML_T_GUID;
    case 'c':
        return ML_T_DECIMAL;
    default:
        return ML_T_DYNAMIC;
    }
}

struct ml_expr *ml__b_element(struct ml_binder *b, const struct ml_node *n, struct ml_expr *array,
                              uint32_t k)
{
    struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
    arg[0] = array;
    arg[1] = ml__b_const(b, n, ML_T_LONG, ml_val_long(k));
    struct ml_expr *e = ml__b_call(b, n, ml__op_find("index"), ML_T_DYNAMIC, arg, 2);
    const struct ml_func *f = ml_func_find(n->text);
    const char *const *names;
    const char *types;
    return f != NULL && ml_func_values(f, &names, &types) ? ml__b_cast(b, e, letter_type(types[k]))
                                                          : e;
}

/* The argument as the letter wants it; NULL: it does not fit. */
static struct ml_expr *fit(struct ml_binder *b, struct ml_expr *e, char letter)
{
    enum ml_type t = e->type;
    if (letter == 'a' || t == ML_T_NONE)
        return e;
    if (letter == 'n')
        return ml_type_is_number(t) ? e : t == ML_T_DYNAMIC ? ml__b_cast(b, e, ML_T_REAL) : NULL;
    enum ml_type want = letter_type(letter);
    bool ok = t == want || t == ML_T_DYNAMIC || (want == ML_T_LONG && t == ML_T_INT) ||
              (want == ML_T_REAL && ml_type_is_number(t)) ||
              (want == ML_T_DYNAMIC && t == ML_T_STRING);
    if (!ok)
        return NULL;
    return want == ML_T_DYNAMIC ? e : ml__b_cast(b, e, want);
}

/* The type that values of both types are brought to; NONE: there is none. */
static enum ml_type common(enum ml_type x, enum ml_type y)
{
    if (x == y || y == ML_T_NONE)
        return x;
    if (x == ML_T_NONE)
        return y;
    if (ml_type_is_number(x) && ml_type_is_number(y))
        return x > y ? x : y;
    if (x == ML_T_DYNAMIC || y == ML_T_DYNAMIC)
        return ML_T_DYNAMIC;
    return ML_T_NONE;
}

static bool is_value(const char *rule, uint32_t i, uint32_t n)
{
    if (rule[1] == 'c')
        return i % 2 == 1 || i == n - 1;
    return i >= (uint32_t)(rule[1] - '0');
}

/* case(condition, value, ..., value otherwise) */
static bool check_case(struct ml_binder *b, const struct ml_node *n, struct ml_expr **arg,
                       uint32_t nargs)
{
    if (nargs % 2 == 0) {
        ml__b_fail(b, n, "KS119",
                   "'case' takes pairs of a condition and a value, then one value more");
        ml_diag_hint(b->diag, "the last value is for when no condition holds");
        return false;
    }
    for (uint32_t i = 0; i + 1 < nargs; i += 2) {
        if (arg[i]->type == ML_T_DYNAMIC)
            arg[i] = ml__b_cast(b, arg[i], ML_T_BOOL);
        if (arg[i]->type == ML_T_BOOL || arg[i]->type == ML_T_NONE)
            continue;
        ml__b_fail(b, n->kid[i], "KS107", "a condition of 'case' is a bool, not a %s",
                   ml_type_name(arg[i]->type));
        return false;
    }
    return true;
}

/* "=0", "=1", "=c": casts the arguments that are values to their common type. */
static enum ml_type unify(struct ml_binder *b, const struct ml_node *n, const char *rule,
                          struct ml_expr **arg, uint32_t nargs)
{
    enum ml_type t = ML_T_NONE;
    if (rule[1] == 'c' && !check_case(b, n, arg, nargs))
        return t;
    for (uint32_t i = 0; i < nargs; i++) {
        if (!is_value(rule, i, nargs))
            continue;
        enum ml_type next = common(t, arg[i]->type);
        if (next == ML_T_NONE && arg[i]->type != ML_T_NONE) {
            ml__b_fail(b, n->kid[i], "KS106", "values of %s and %s do not go together",
                       ml_type_name(t), ml_type_name(arg[i]->type));
            return t;
        }
        t = next;
    }
    for (uint32_t i = 0; i < nargs; i++)
        if (is_value(rule, i, nargs))
            arg[i] = ml__b_cast(b, arg[i], t);
    return t;
}

/* bin and bin_at: a number by a number, a time by a timespan. */
static enum ml_type bin_type(struct ml_binder *b, const struct ml_node *n, struct ml_expr **arg,
                             uint32_t nargs)
{
    enum ml_type x = arg[0]->type;
    enum ml_type size = arg[1]->type;
    if (x == ML_T_DYNAMIC) {
        x = size == ML_T_TIMESPAN ? ML_T_DATETIME : size;
        arg[0] = ml__b_cast(b, arg[0], x);
    }
    bool time = (x == ML_T_DATETIME || x == ML_T_TIMESPAN) && size == ML_T_TIMESPAN;
    bool numbers = ml_type_is_number(x) && ml_type_is_number(size);
    if (nargs > 2 && !(time ? arg[2]->type == x : ml_type_is_number(arg[2]->type)))
        numbers = time = false;
    if (!time && !numbers && x != ML_T_NONE && size != ML_T_NONE)
        ml__b_fail(b, n, "KS106", "%.*s is not defined for %s and %s", (int)n->text.n, n->text.p,
                   ml_type_name(x), ml_type_name(size));
    if (time)
        return x;
    enum ml_type t = common(x, size);
    for (uint32_t i = 0; i < nargs; i++)
        t = common(t, arg[i]->type);
    for (uint32_t i = 0; i < nargs; i++)
        arg[i] = ml__b_cast(b, arg[i], t);
    return t;
}

static enum ml_type result_type(struct ml_binder *b, const struct ml_node *n,
                                const struct ml_func *f, struct ml_expr **arg, uint32_t nargs)
{
    if (f->result[0] == '=')
        return unify(b, n, f->result, arg, nargs);
    if (f->result[0] == '0')
        return nargs > 0 ? arg[0]->type : ML_T_NONE;
    if (f->result[0] == 'B')
        return bin_type(b, n, arg, nargs);
    if (strcmp(f->name, "datetime_diff") == 0 && arg[0]->kind == ML_E_CONST &&
        arg[0]->val.s.n == 4 && strncasecmp(arg[0]->val.s.p, "week", 4) == 0)
        return ML_T_REAL; /* as the engine has it */
    return letter_type(f->result[0]);
}

static void count_error(struct ml_binder *b, const struct ml_node *n, const char *args)
{
    uint32_t min = 0;
    uint32_t max = 0;
    bool optional = false;
    bool many = false;
    for (const char *c = args; *c != '\0'; c++) {
        if (*c == '?')
            optional = true;
        else if (*c == '*')
            many = true;
        else {
            min += !optional;
            max++;
        }
    }
    int len = (int)n->text.n;
    if (many)
        ml__b_fail(b, n, "KS119", "'%.*s' takes at least %u arguments", len, n->text.p, min);
    else if (min != max)
        ml__b_fail(b, n, "KS119", "'%.*s' takes %u to %u arguments", len, n->text.p, min, max);
    else
        ml__b_fail(b, n, "KS119", "'%.*s' takes %u argument%s", len, n->text.p, max,
                   max == 1 ? "" : "s");
}

/* Checks the arguments against the letters and casts them; false: failed. */
static bool check_arguments(struct ml_binder *b, const struct ml_node *n, const char *args,
                            struct ml_expr **arg, uint32_t nargs)
{
    const char *c = args;
    char letter = '\0';
    bool optional = false;
    for (uint32_t i = 0; i < nargs; i++) {
        if (*c == '?') {
            optional = true;
            c++;
        }
        if (*c == '\0') {
            count_error(b, n, args);
            return false;
        }
        if (*c != '*')
            letter = *c++;
        struct ml_expr *e = fit(b, arg[i], letter);
        if (e == NULL) {
            ml__b_fail(b, n->kid[i], "KS107", "'%.*s' does not take a %s here", (int)n->text.n,
                       n->text.p, ml_type_name(arg[i]->type));
            return false;
        }
        arg[i] = e;
    }
    if (!optional && *c != '\0' && *c != '?' && *c != '*') {
        count_error(b, n, args);
        return false;
    }
    return !ml__b_failed(b);
}

static bool is(const struct ml_node *n, const char *name)
{
    return ml_str_eq(n->text, ml_str_of(name));
}

static struct ml_expr *unknown_function(struct ml_binder *b, const struct ml_node *n)
{
    static const char *const out_of_scope[] = {"geo_", "series_", "convert_", "punycode_", NULL};
    for (const char *const *p = out_of_scope; *p != NULL; p++)
        if (ml_str_starts(n->text, ml_str_of(*p))) {
            ml__b_fail(b, n, "ML101", "function '%.*s' is not supported", (int)n->text.n,
                       n->text.p);
            return nothing(b, n);
        }
    static const char *const elsewhere[] = {
        "cluster", "database", "external_table", "workspace", "resource", "app", NULL};
    const struct ml_node *first = n; /* cluster("x").database("y").T names the cluster */
    while (first->a != NULL && first->a->kind == ML_N_CALL)
        first = first->a;
    for (const char *const *p = elsewhere; *p != NULL; p++)
        if (is(first, *p)) {
            ml__b_fail(b, n, "ML101", "'%s()' is not supported: there is only the local store", *p);
            return nothing(b, n);
        }
    struct ml_near near = {.wanted = n->text};
    const struct ml_func *f;
    const struct ml_agg *agg;
    for (size_t i = 0; (f = ml_func_at(i)) != NULL; i++)
        ml_near_try(&near, ml_str_of(f->name));
    for (size_t i = 0; (agg = ml_agg_at(i)) != NULL; i++)
        ml_near_try(&near, ml_str_of(agg->name));
    ml__b_fail(b, n, "KS143", "unknown or unsupported function '%.*s'", (int)n->text.n, n->text.p);
    if (ml__advice_function(n->text) != NULL)
        ml_diag_hint(b->diag, "%s", ml__advice_function(n->text));
    else if (near.best.p != NULL && !ml_str_eq(near.best, n->text))
        ml_diag_hint(b->diag, "did you mean '%.*s'?", (int)near.best.n, near.best.p);
    return nothing(b, n);
}

static struct ml_expr *bind_aggregate(struct ml_binder *b, const struct ml_node *n,
                                      struct ml_scope *s)
{
    if (!s->aggregates || s->in_agg) {
        ml__b_fail(b, n, "KS118", "aggregate '%.*s' is allowed only in summarize and its like",
                   (int)n->text.n, n->text.p);
        return nothing(b, n);
    }
    struct ml_agg_call a = {0};
    struct ml_scope args = *s->agg_args;
    if (!ml__b_agg(b, n, &args, &a) || ml__b_failed(b))
        return nothing(b, n);
    a.first = s->agg_base;
    s->agg_base += a.columns;
    struct ml_agg_call *more = ml__b_alloc(b, s->naggs + 1, sizeof *more);
    if (s->naggs > 0)
        memcpy(more, s->aggs, s->naggs * sizeof *more);
    more[s->naggs++] = a;
    s->aggs = more;
    return ml__b_column(b, n, a.first, a.type);
}

/* Functions that need more than values. NULL: n is none of them. */
static struct ml_expr *bind_special(struct ml_binder *b, const struct ml_node *n,
                                    struct ml_scope *s)
{
    if (is(n, "toscalar") && n->n == 1) {
        struct ml_plan *p = ml__b_is_table(b, n->kid[0]) ? ml__b_table(b, n->kid[0]) : NULL;
        if (p == NULL)
            return ml__b_expr(b, n->kid[0], s);
        if (p->out.n == 0) {
            ml__b_fail(b, n, "KS107", "toscalar needs a table with a column");
            return nothing(b, n);
        }
        struct ml_expr *e = new_expr(b, n, ML_E_SCALAR, p->out.at[0].type);
        e->plan = p;
        e->constant = true;
        e->id = new_id(b);
        return e;
    }
    if (is(n, "column_ifexists") && n->n == 2) {
        struct ml_str name = ml__b_string(b, n->kid[0]);
        int32_t k = ml__schema_find(s->cols, name);
        return k >= 0 ? ml__b_column(b, n, (uint32_t)k, s->cols->at[k].type)
                      : ml__b_expr(b, n->kid[1], s);
    }
    if (is(n, "pack_all") || is(n, "bag_pack_columns")) {
        bool all = is(n, "pack_all");
        uint32_t count = all ? (s->cols != NULL ? s->cols->n : 0) : n->n;
        bool skip = all && n->n == 1 && ml__b_bool(b, n->kid[0]);
        struct ml_expr **arg = ml__b_alloc(b, 2 * (size_t)count + 1, sizeof *arg);
        for (uint32_t i = 0; i < count; i++) {
            struct ml_str name = all ? s->cols->at[i].name : ml__b_auto_name(b, n->kid[i]);
            arg[2 * i] = ml__b_const(b, n, ML_T_STRING, ml_val_str(name));
            arg[2 * i + 1] = all ? ml__b_column(b, n, i, s->cols->at[i].type)
                                 : ml__b_expr(b, n->kid[i], s);
        }
        if (2 * count > 64) {
            ml__b_fail(b, n, "ML203", "more than 32 columns cannot be packed");
            return nothing(b, n);
        }
        const struct ml_func *f = ml_func_find(skip ? ML_STR("__pack_filled") : ML_STR("bag_pack"));
        return ml__b_call(b, n, f, ML_T_DYNAMIC, arg, 2 * count);
    }
    if (is(n, "now") || is(n, "ago")) {
        struct ml_expr *now = ml__b_const(b, n, ML_T_DATETIME, ml_val_datetime(b->rt->now_ticks));
        if (n->n > 1 || (is(n, "ago") && n->n != 1)) {
            count_error(b, n, is(n, "ago") ? "t" : "?t");
            return now;
        }
        struct ml_expr *span = n->n > 0 ? ml__b_expr(b, n->kid[0], s) : NULL;
        if (span != NULL && span->type != ML_T_TIMESPAN && span->type != ML_T_NONE) {
            ml__b_fail(b, n->kid[0], "KS107", "'%.*s' takes a timespan, not a %s", (int)n->text.n,
                       n->text.p, ml_type_name(span->type));
            ml_diag_hint(b->diag, "write %.*s(1d), %.*s(30m)", (int)n->text.n, n->text.p,
                         (int)n->text.n, n->text.p);
            return now;
        }
        return n->n == 0 ? now : ml__b_op(b, n, is(n, "ago") ? "-" : "+", now, span);
    }
    return NULL;
}

static struct ml_expr *bind_call(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    bool filter;
    bool many = b->many;
    b->many = false;
    struct ml_expr *e = ml__b_user_call(b, n, s);
    if (e != NULL)
        return e;
    e = bind_special(b, n, s);
    if (e != NULL)
        return e;
    const struct ml_func *f = ml_func_find(n->text);
    if (n->a != NULL || f == NULL ||
        (s->aggregates && !s->in_agg && ml_agg_find(n->text, &filter) != NULL)) {
        if (n->a == NULL && ml_agg_find(n->text, &filter) != NULL)
            return bind_aggregate(b, n, s);
        return unknown_function(b, n);
    }
    if ((f->flags & ML_FN_WINDOW) != 0 && !s->serialized && s->cols != NULL) {
        ml__b_fail(b, n, "KS146", "'%.*s' needs ordered rows", (int)n->text.n, n->text.p);
        ml_diag_hint(b->diag, "put `| serialize` or `| sort by ...` before");
        return nothing(b, n);
    }
    enum ml_type forced = ML_T_NONE; /* extract(..., typeof(T)) */
    uint32_t nargs = n->n;
    if (nargs > 0 && n->kid[nargs - 1]->kind == ML_N_TYPEOF) {
        forced = n->kid[nargs - 1]->kid[0]->type;
        nargs--;
    }
    if (nargs > 64) {
        ml__b_fail(b, n, "ML203", "more than 64 arguments");
        return nothing(b, n);
    }
    struct ml_expr **arg = ml__b_alloc(b, nargs + 1, sizeof *arg);
    for (uint32_t i = 0; i < nargs && !ml__b_failed(b); i++) {
        const struct ml_node *kid = n->kid[i]->kind == ML_N_ASSIGN ? n->kid[i]->kid[0] : n->kid[i];
        arg[i] = ml__b_expr(b, kid, s);
    }
    if (ml__b_failed(b) || !check_arguments(b, n, f->args, arg, nargs))
        return nothing(b, n);
    if (strcmp(f->name, "bag_pack") == 0 && nargs % 2 != 0) {
        ml__b_fail(b, n, "KS119", "'%.*s' takes pairs of a key and a value", (int)n->text.n,
                   n->text.p);
        return nothing(b, n);
    }
    enum ml_type t = result_type(b, n, f, arg, nargs);
    if (nargs == 3 && (strcmp(f->name, "prev") == 0 || strcmp(f->name, "next") == 0))
        arg[2] = ml__b_cast(b, arg[2], t);
    if (f->flags & ML_FN_CAST)
        e = ml__b_cast(b, arg[0], t);
    else
        e = ml__b_call(b, n, f, t, arg, nargs);
    if ((f->flags & ML_FN_MULTI) != 0 && !many) {
        const char *const *names;
        const char *types;
        uint32_t values = nargs - (arg[nargs - 1]->type == ML_T_BOOL);
        if (values > 1 && !ml_func_values(f, &names, &types))
            ml__b_fail(b, n, "KS107", "this gives %u values: name them with (a, b) = ...", values);
        e = ml__b_element(b, n, e, 0);
    }
    return forced != ML_T_NONE ? ml__b_cast(b, e, forced) : e;
}

bool ml__b_agg(struct ml_binder *b, const struct ml_node *n, struct ml_scope *args,
               struct ml_agg_call *a)
{
    bool filter;
    const struct ml_agg *agg = n->kind == ML_N_CALL ? ml_agg_find(n->text, &filter) : NULL;
    if (agg == NULL)
        return false;
    uint32_t nargs = n->n;
    *a = (struct ml_agg_call){.agg = agg, .node = n, .columns = 1};
    args->in_agg = true;
    args->aggregates = true; /* so that a nested one is named in the message */
    if (filter) {
        if (nargs == 0) {
            count_error(b, n, "ab");
            return true;
        }
        a->filter = ml__b_predicate(b, n->kid[--nargs], args);
    }
    a->arg = ml__b_alloc(b, (size_t)nargs + (args->cols != NULL ? args->cols->n : 0) + 1,
                         sizeof *a->arg);
    for (uint32_t i = 0; i < nargs && !ml__b_failed(b); i++) {
        const struct ml_node *kid = n->kid[i]->kind == ML_N_ASSIGN ? n->kid[i]->kid[0] : n->kid[i];
        if (kid->kind == ML_N_STAR && (agg->flags & ML_AGG_ROWS) != 0)
            break; /* bind_summarize adds these columns */
        a->arg[a->n++] = ml__b_expr(b, kid, args);
    }
    if (ml__b_failed(b) || !check_arguments(b, n, agg->args, a->arg, a->n))
        return true;
    enum ml_type first = a->n > 0 ? a->arg[0]->type : ML_T_NONE;
    switch (agg->result[0]) {
    case '0':
        a->type = first;
        break;
    case 'S': /* of a sum */
        a->type = first == ML_T_INT ? ML_T_LONG : first;
        break;
    case 'V': /* of an average */
        a->type = ml_type_is_int(first) ? ML_T_REAL : first;
        break;
    default:
        a->type = letter_type(agg->result[0]);
    }
    if (agg->flags & ML_AGG_ROWS)
        a->columns = a->n;
    else if (agg->flags & ML_AGG_MULTI)
        a->columns = a->n - (agg->args[1] == 'l' ? 2 : 1);
    for (uint32_t i = 1; strncmp(agg->name, "percentile", 10) == 0 && i < a->n; i++)
        if (a->arg[i]->kind != ML_E_CONST && (agg->args[1] != 'l' || i > 1))
            ml__b_fail(b, n, "KS129", "a percentile must be constant");
    return true;
}

struct ml_expr *ml__b_expr(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    if (ml__b_failed(b))
        return nothing(b, n);
    switch ((enum ml_node_kind)n->kind) {
    case ML_N_LIT:
        return ml__b_const(b, n, n->type, n->val);
    case ML_N_NOW:
        return ml__b_const(b, n, ML_T_DATETIME, ml_val_datetime(b->rt->now_ticks));
    case ML_N_NAME:
        return bind_name(b, n, s);
    case ML_N_MEMBER:
        return bind_member(b, n, s);
    case ML_N_INDEX:
        return bind_index(b, n, s);
    case ML_N_CALL:
        return bind_call(b, n, s);
    case ML_N_UNARY:
    case ML_N_BINARY:
    case ML_N_IN:
    case ML_N_BETWEEN:
        return ml__b_operator(b, n, s);
    case ML_N_ASSIGN:
        return ml__b_expr(b, n->kid[0], s);
    default:
        ml__b_fail(b, n, "KS107", "a value is needed here");
        return nothing(b, n);
    }
}
