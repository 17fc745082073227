/* kql/sql_string.c -- functions of strings and numbers that are more than a template; see sql.h.
 * SPDX-License-Identifier: MIT */
#include "kql/sql.h"

struct ml_sql_col ml__sql_strcat(struct ml_sql *s, const struct ml_expr *e,
                                 const struct ml_sql_rel *in)
{
    uint32_t first = strcmp(e->fn->name, "strcat_delim") == 0;
    struct ml_buf b = {0};
    struct ml_str delim = first ? ml__sql_expr(s, e->arg[0], in).sql : ML_STR("");
    ml_buf_cstr(&b, "concat(''");
    for (uint32_t i = first; i < e->n; i++) {
        const struct ml_expr *a = e->arg[i];
        struct ml_sql_col x = a->type == ML_T_DYNAMIC
                                  ? ml__sql_dynamic_cast(s, a, in, ML_T_STRING)
                                  : ml__sql_cast(s, a->node, ml__sql_expr(s, a, in), ML_T_STRING);
        if (i > first && first)
            ml_buf_printf(&b, ", %.*s", ML_SQL(delim));
        ml_buf_printf(&b, ", %.*s", ML_SQL(x.sql));
    }
    if (e->n - first == 1)
        ml_buf_cstr(&b, ", ''");
    ml_buf_char(&b, ')');
    return ml__sql_made(ML_T_STRING, false, ml__sql_keep(s, &b));
}

/* In code points, from 0; a negative start counts from the end. */
struct ml_sql_col ml__sql_substring(struct ml_sql *s, const struct ml_expr *e,
                                    const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_sql_col from = ml__sql_expr(s, e->arg[1], in);
    struct ml_sql_col len = e->n > 2 ? ml__sql_expr(s, e->arg[2], in) : from;
    bool fixed = e->arg[1]->kind == ML_E_CONST && (e->n < 3 || e->arg[2]->kind == ML_E_CONST);
    const char *none = "''";
    if (ml__sql_failed(s) || ml__sql_too_old(s, e->node, "'substring'"))
        return x; /* 18.16 cuts characters of four bytes */
    if (!fixed && (from.null || (e->n > 2 && len.null))) {
        ml__sql_refuse(s, e->node, "'substring' of a place that may be null");
        return x;
    }
    if (e->n > 2 && e->arg[2]->kind == ML_E_CONST && (e->arg[2]->val.null || e->arg[2]->val.i <= 0))
        return ml__sql_made(ML_T_STRING, false, ml_str_of(none));
    struct ml_str tail = ML_STR("");
    if (e->n > 2)
        tail = e->arg[2]->kind == ML_E_CONST
                   ? ml__sql_printf(s, ", %lld", (long long)e->arg[2]->val.i)
                   : ml__sql_printf(s, ", greatest(%.*s, 0)", ML_SQL(len.sql));
    struct ml_str r;
    if (e->arg[1]->kind == ML_E_CONST && e->arg[1]->val.null)
        return ml__sql_made(ML_T_STRING, false, ml_str_of(none));
    if (e->arg[1]->kind == ML_E_CONST && e->arg[1]->val.i >= 0)
        r = ml__sql_printf(s, "substringUTF8(%.*s, %lld%.*s)", ML_SQL(x.sql),
                           (long long)e->arg[1]->val.i + 1, ML_SQL(tail));
    else
        r = ml__sql_printf(
            s,
            "arrayMap(k -> if(k < 0, '', substringUTF8(%.*s, greatest(k, 0) + 1%.*s)), "
            "[%.*s + if(%.*s < 0, toInt64(lengthUTF8(%.*s)), toInt64(0))])[1]",
            ML_SQL(x.sql), ML_SQL(tail), ML_SQL(from.sql), ML_SQL(from.sql), ML_SQL(x.sql));
    return ml__sql_made(ML_T_STRING, false, r);
}

static const struct ml_val *needle_of(struct ml_sql *s, const struct ml_expr *e)
{
    const struct ml_val *v = ml__sql_constant(s, e, 1);
    if (e->arg[0]->type != ML_T_STRING || e->arg[1]->type != ML_T_STRING)
        ml__sql_refuse(s, e->node, "'%s' of what is no string", e->fn->name);
    return v;
}

struct ml_sql_col ml__sql_indexof(struct ml_sql *s, const struct ml_expr *e,
                                  const struct ml_sql_rel *in)
{
    const struct ml_val *needle = needle_of(s, e);
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_sql_col y = ml__sql_expr(s, e->arg[1], in);
    if (e->n > 2)
        ml__sql_refuse(s, e->node, "'indexof' with a start");
    if (ml__sql_failed(s))
        return x;
    if (needle->s.n == 0)
        return ml__sql_made(ML_T_LONG, true, ML_STR("CAST(NULL AS Nullable(Int64))"));
    return ml__sql_made(
        ML_T_LONG, false,
        ml__sql_printf(s, "(toInt64(positionUTF8(%.*s, %.*s)) - 1)", ML_SQL(x.sql), ML_SQL(y.sql)));
}

struct ml_sql_col ml__sql_replace_string(struct ml_sql *s, const struct ml_expr *e,
                                         const struct ml_sql_rel *in)
{
    const struct ml_val *needle = needle_of(s, e);
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_sql_col y = ml__sql_expr(s, e->arg[1], in);
    struct ml_sql_col z = ml__sql_expr(s, e->arg[2], in);
    ml__sql_constant(s, e, 2);
    if (ml__sql_failed(s) || needle->s.n == 0)
        return x;
    return ml__sql_made(ML_T_STRING, false,
                        ml__sql_printf(s, "replaceAll(%.*s, %.*s, %.*s)", ML_SQL(x.sql),
                                       ML_SQL(y.sql), ML_SQL(z.sql)));
}

struct ml_sql_col ml__sql_abs(struct ml_sql *s, const struct ml_expr *e,
                              const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    const char *as = e->type == ML_T_REAL  ? "abs(%.*s)"
                     : e->type == ML_T_INT ? "toInt32(abs(%.*s))"
                                           : "toInt64(abs(%.*s))";
    return ml__sql_made(e->type, x.null, ml__sql_printf(s, as, ML_SQL(x.sql)));
}

/* Halves go away from 0; ClickHouse's own round() sends them to even digits. */
struct ml_sql_col ml__sql_round(struct ml_sql *s, const struct ml_expr *e,
                                const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    int64_t digits = e->n > 1 ? ml__sql_constant(s, e, 1)->i : 0;
    if (digits < 0 || digits > 15)
        ml__sql_refuse(s, e->node, "'round' to %lld digits", (long long)digits);
    if (ml__sql_failed(s))
        return x;
    double scale = 1;
    for (int64_t i = 0; i < digits; i++)
        scale *= 10; /* exact up to 1e15 */
    return ml__sql_made(
        ML_T_REAL, x.null,
        ml__sql_printf(s,
                       "arrayMap(v -> if(isFinite(v), if(abs(v * %.1f - trunc(v * %.1f)) >= 0.5, "
                       "trunc(v * %.1f) + if(v < 0, -1, 1), trunc(v * %.1f)) / %.1f, v), "
                       "[toFloat64(%.*s)])[1]",
                       scale, scale, scale, scale, scale, ML_SQL(x.sql)));
}
