/* kql/sql_arith.c -- arithmetic, comparison and logic as SQL; see sql.h.
 *
 * ClickHouse's integers wrap as ours do, and its functions give NULL for NULL. Where it differs: division by zero, the
 * sign of a remainder, == of NULLs, the range of datetimes. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

/* NULL outside of years 1 to 9999. */
static struct ml_str bound_datetime(struct ml_sql *s, struct ml_str x)
{
    return ml__sql_printf(s, "if((%.*s) BETWEEN 0 AND %lld, %.*s, NULL)", ML_SQL(x),
                          (long long)ML_TICKS_MAX, ML_SQL(x));
}

static bool is_constant(const struct ml_expr *e)
{
    return e->kind == ML_E_CONST && !e->val.null;
}

/* What may be divided by: never 0 nor NULL, so that no row fails before it is made NULL. */
static struct ml_str divisor(struct ml_sql *s, const struct ml_expr *e, struct ml_sql_col y)
{
    if (is_constant(e) && e->val.i != 0)
        return y.sql;
    struct ml_str v = y.null ? ml__sql_printf(s, "ifNull(%.*s, 1)", ML_SQL(y.sql)) : y.sql;
    return ml__sql_printf(s, "if(%.*s = 0, toInt64(1), %.*s)", ML_SQL(v), ML_SQL(v));
}

static struct ml_sql_col divided(struct ml_sql *s, const struct ml_expr *e, struct ml_sql_col x,
                                 struct ml_sql_col y)
{
    const struct ml_expr *by = e->arg[1];
    bool known = is_constant(by) && by->val.i != 0;
    struct ml_str d = divisor(s, by, y);
    struct ml_str r;
    if (e->fn->name[0] == '/') {
        r = known && by->val.i == -1
                ? ml__sql_printf(s, "negate(%.*s)", ML_SQL(x.sql))
                : ml__sql_printf(s, "intDiv(%.*s, %.*s)", ML_SQL(x.sql), ML_SQL(d));
    } else { /* never negative */
        struct ml_str m = ml__sql_printf(s, "(%.*s) %% (%.*s)", ML_SQL(x.sql), ML_SQL(d));
        if (known && by->val.i == INT64_MIN)
            ml__sql_refuse(s, by->node, "'%%' by this number");
        r = ml__sql_printf(s, "if(%.*s < 0, %.*s + toInt64(abs(%.*s)), %.*s)", ML_SQL(m), ML_SQL(m),
                           ML_SQL(d), ML_SQL(m));
        r = ml__sql_printf(s, "toInt64(%.*s)", ML_SQL(r));
    }
    if (!known)
        r = ml__sql_printf(s, "if(ifNull(%.*s, 0) = 0, NULL, %.*s)", ML_SQL(y.sql), ML_SQL(r));
    return ml__sql_made(e->type, x.null || !known, r);
}

/* timespan * real, timespan / real: halves away from zero, NULL where it does not fit. */
static struct ml_sql_col scaled(struct ml_sql *s, const struct ml_expr *e, struct ml_sql_col x,
                                struct ml_sql_col y)
{
    struct ml_str r = ml__sql_printf(s, "toFloat64(%.*s) %c toFloat64(%.*s)", ML_SQL(x.sql),
                                     e->fn->name[0], ML_SQL(y.sql));
    return ml__sql_made(
        e->type, true,
        ml__sql_printf(s,
                       "arrayMap(r -> if(abs(r) < 9.2233720368547e18, toInt64(trunc(r)) + "
                       "if(abs(r - trunc(r)) >= 0.5, if(r < 0, -1, 1), 0), NULL), [%.*s])[1]",
                       ML_SQL(r)));
}

struct ml_sql_col ml__sql_arith(struct ml_sql *s, const struct ml_expr *e,
                                const struct ml_sql_rel *in)
{
    char op = e->fn->name[0];
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_sql_col y = ml__sql_expr(s, e->arg[1], in);
    enum ml_type tx = e->arg[0]->type;
    enum ml_type ty = e->arg[1]->type;
    if (e->type == ML_T_REAL && op == '%')
        ml__sql_refuse(s, e->node, "'%%' of real numbers");
    if (e->type == ML_T_REAL && tx == ML_T_TIMESPAN)
        return ml__sql_made(
            e->type, x.null || y.null,
            ml__sql_printf(s, "(toFloat64(%.*s) / toFloat64(%.*s))", ML_SQL(x.sql), ML_SQL(y.sql)));
    if (e->type != ML_T_REAL && (tx == ML_T_REAL || ty == ML_T_REAL))
        return scaled(s, e, x, y);
    if (e->type != ML_T_REAL && (op == '/' || op == '%'))
        return divided(s, e, x, y);
    struct ml_str r = ml__sql_printf(s, "(%.*s %c %.*s)", ML_SQL(x.sql), op, ML_SQL(y.sql));
    if (e->type == ML_T_DATETIME)
        return ml__sql_made(e->type, true, bound_datetime(s, r));
    return ml__sql_made(e->type, x.null || y.null, r);
}

struct ml_sql_col ml__sql_neg(struct ml_sql *s, const struct ml_expr *e,
                              const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    return ml__sql_made(e->type, x.null, ml__sql_printf(s, "negate(%.*s)", ML_SQL(x.sql)));
}

/* == of one NULL is false, != true; of two NULL. */
static struct ml_sql_col equal(struct ml_sql *s, const char *op, struct ml_sql_col x,
                               struct ml_sql_col y)
{
    struct ml_str r = ml__sql_printf(s, "(%.*s %s %.*s)", ML_SQL(x.sql), op[0] == '!' ? "!=" : "=",
                                     ML_SQL(y.sql));
    if (x.null || y.null)
        r = ml__sql_printf(s, "ifNull(%.*s, %d)", ML_SQL(r), op[0] == '!');
    if (x.null && y.null)
        r = ml__sql_printf(s, "if(isNull(%.*s) AND isNull(%.*s), NULL, %.*s)", ML_SQL(x.sql),
                           ML_SQL(y.sql), ML_SQL(r));
    return ml__sql_made(ML_T_BOOL, x.null && y.null, r);
}

struct ml_sql_col ml__sql_compare(struct ml_sql *s, const struct ml_expr *e,
                                  const struct ml_sql_rel *in)
{
    const char *op = e->fn->name;
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_sql_col y = ml__sql_expr(s, e->arg[1], in);
    if (op[0] == '=' || op[0] == '!')
        return equal(s, op, x, y);
    return ml__sql_made(ML_T_BOOL, x.null || y.null,
                        ml__sql_printf(s, "(%.*s %s %.*s)", ML_SQL(x.sql), op, ML_SQL(y.sql)));
}

/* Three values. Old servers do not have them: there each is looked for by itself. */
struct ml_sql_col ml__sql_logic(struct ml_sql *s, const struct ml_expr *e,
                                const struct ml_sql_rel *in)
{
    bool both = strcmp(e->fn->name, "and") == 0;
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_sql_col y = ml__sql_expr(s, e->arg[1], in);
    struct ml_str r = ml__sql_printf(s, "(%.*s %s %.*s)", ML_SQL(x.sql), both ? "AND" : "OR",
                                     ML_SQL(y.sql));
    if ((x.null || y.null) && s->target->version < ML_SQL_MODERN) {
        int winner = !both;
        r = ml__sql_printf(s,
                           "multiIf(ifNull(%.*s = %d, 0), %d, ifNull(%.*s = %d, 0), %d, "
                           "isNull(%.*s) OR isNull(%.*s), NULL, %d)",
                           ML_SQL(x.sql), winner, winner, ML_SQL(y.sql), winner, winner,
                           ML_SQL(x.sql), ML_SQL(y.sql), both);
    }
    return ml__sql_made(ML_T_BOOL, x.null || y.null, r);
}

struct ml_sql_col ml__sql_not(struct ml_sql *s, const struct ml_expr *e,
                              const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    return ml__sql_made(ML_T_BOOL, x.null, ml__sql_printf(s, "not(%.*s)", ML_SQL(x.sql)));
}

/* --- in --- */

/* x in (table): the table's first column. */
static struct ml_sql_col in_table(struct ml_sql *s, const struct ml_expr *e, struct ml_sql_col x)
{
    const struct ml_expr *list = e->arg[1];
    bool negate = e->fn->name[0] == '!';
    struct ml_sql_rel r = ml__sql_stage(s, list->plan);
    struct ml_sql_col none = {.type = ML_T_BOOL};
    if (ml__sql_failed(s))
        return none;
    if (e->n != 2 || strchr(e->fn->name, '~') != NULL || r.cols[0].type != x.type ||
        x.type == ML_T_REAL || x.type == ML_T_DYNAMIC || (x.null && r.cols[0].null)) {
        ml__sql_refuse(s, list->node, "'%s' with a table of this type", e->fn->name);
        return none;
    }
    struct ml_str text = ml__sql_subquery(s, ml__sql_select_text(s, &r, r.cols, NULL, 1, ""));
    text = ml__sql_printf(s, "(%.*s %s %.*s)", ML_SQL(x.sql), negate ? "NOT IN" : "IN",
                          ML_SQL(text));
    if (x.null)
        text = ml__sql_printf(s, "ifNull(%.*s, %d)", ML_SQL(text), negate);
    return ml__sql_made(ML_T_BOOL, false, text);
}

struct values {
    struct ml_buf list;   /* constants that are not null */
    struct ml_buf others; /* further comparisons */
    uint32_t nlist;
    bool null; /* one is null */
};

static void add_value(struct ml_sql *s, const struct ml_expr *e, struct ml_sql_col x,
                      const struct ml_val *item, struct values *v)
{
    struct ml_val y = *item;
    if (!y.null && y.type != x.type)
        y = ml_val_cast(s->rt->arena, item, true, x.type);
    if (item->null)
        v->null = true;
    if (y.null)
        return;
    if (x.type == ML_T_REAL && y.d != y.d)
        return; /* NaN equals nothing */
    ml_buf_cstr(&v->list, v->nlist++ > 0 ? ", " : "");
    ml__sql_value(s, x.type, &y, &v->list);
}

static void add_item(struct ml_sql *s, const struct ml_expr *e, const struct ml_expr *item,
                     struct ml_sql_col x, const struct ml_sql_rel *in, struct values *v)
{
    if (item->kind != ML_E_CONST) {
        struct ml_sql_col y = ml__sql_expr(s, item, in);
        if (y.type != x.type || y.type == ML_T_DYNAMIC)
            ml__sql_refuse(s, item->node, "'%s' with a value of this type", e->fn->name);
        struct ml_sql_col one = equal(s, "=", x, y);
        ml_buf_printf(&v->others, " OR %.*s", ML_SQL(one.sql));
        v->null |= one.null;
        return;
    }
    struct ml_val array = ml_val_force(s->rt->arena, &item->val);
    if (array.null || array.type != ML_T_ARRAY) {
        add_value(s, e, x, &array, v);
        return;
    }
    for (uint32_t i = 0; i < array.n; i++)
        add_value(s, e, x, &array.items[i], v);
}

/* Lists of strings without case: ASCII is folded by lower(), which leaves all else alone. */
static struct ml_sql_col folded(struct ml_sql *s, const struct ml_expr *e, struct ml_sql_col x)
{
    for (uint32_t i = 1; i < e->n; i++) {
        const struct ml_expr *a = e->arg[i];
        bool ok = a->kind == ML_E_CONST && a->type == ML_T_STRING;
        for (size_t k = 0; ok && k < a->val.s.n; k++)
            ok = (unsigned char)a->val.s.p[k] < 0x80;
        if (!ok)
            ml__sql_refuse(s, a->node, "'%s' with what is not constant ASCII text", e->fn->name);
    }
    x.sql = ml__sql_printf(s, "lower(%.*s)", ML_SQL(x.sql));
    return x;
}

static void lower_constants(struct ml_sql *s, const struct ml_expr *e, struct values *v)
{
    for (uint32_t i = 1; i < e->n && !ml__sql_failed(s); i++) {
        struct ml_str t = ml_arena_copy(s->rt->arena, e->arg[i]->val.s);
        for (size_t k = 0; t.p != NULL && k < t.n; k++)
            ((char *)t.p)[k] = (char)(t.p[k] >= 'A' && t.p[k] <= 'Z' ? t.p[k] | 0x20 : t.p[k]);
        ml_buf_cstr(&v->list, v->nlist++ > 0 ? ", " : "");
        ml__sql_string(&v->list, t);
    }
}

struct ml_sql_col ml__sql_in(struct ml_sql *s, const struct ml_expr *e, const struct ml_sql_rel *in)
{
    bool negate = e->fn->name[0] == '!';
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct values v = {0};
    struct ml_buf b = {0};
    if (e->n > 1 && e->arg[1]->kind == ML_E_LIST)
        return in_table(s, e, x);
    if (strchr(e->fn->name, '~') != NULL && x.type == ML_T_STRING) {
        x = folded(s, e, x);
        lower_constants(s, e, &v);
    } else {
        for (uint32_t i = 1; i < e->n; i++)
            add_item(s, e, e->arg[i], x, in, &v);
    }
    if (v.nlist > 0 && x.null)
        ml_buf_printf(&b, "ifNull(%.*s IN (%.*s), 0)", ML_SQL(x.sql), (int)v.list.n, v.list.p);
    else if (v.nlist > 0)
        ml_buf_printf(&b, "%.*s IN (%.*s)", ML_SQL(x.sql), (int)v.list.n, v.list.p);
    else
        ml_buf_cstr(&b, "toUInt8(0)");
    ml_buf_str(&b, ml_buf_view(&v.others));
    ml_buf_free(&v.list);
    ml_buf_free(&v.others);
    bool null = v.null && x.null;
    struct ml_str r = ml__sql_keep(s, &b);
    r = ml__sql_printf(s, "%s(%.*s)", negate ? "not" : "", ML_SQL(r));
    if (null) /* a null among the values makes a null x unknown, and nothing else */
        r = ml__sql_printf(s, "if(isNull(%.*s), NULL, %.*s)", ML_SQL(x.sql), ML_SQL(r));
    return ml__sql_made(ML_T_BOOL, null, r);
}
