/* kql/sql_cast.c -- conversions as SQL; see sql.h and cast.c, whose rules these are.
 *
 * Where ClickHouse reads or prints a value otherwise, the rows with such a value fail with a message of ours.
 * SPDX-License-Identifier: MIT */
#include "kql/sql.h"

static struct ml_sql_col let(struct ml_sql *s, enum ml_type t, struct ml_sql_col x,
                             const char *body)
{
    return ml__sql_made(t, true,
                        ml__sql_printf(s, "arrayMap(v -> %s, [%.*s])[1]", body, ML_SQL(x.sql)));
}

/* --- to string --- */

/* Whole numbers below 1e15 have ".0"; others the shortest digits, which both print alike from 0.0001 on. */
static struct ml_str text_of_real(struct ml_sql *s, struct ml_sql_col x)
{
    return ml__sql_printf(
        s,
        "arrayMap(v -> multiIf(isNaN(v), 'NaN', isInfinite(v), if(v < 0, '-inf', 'inf'), "
        "abs(v) < 1e15 AND v = trunc(v), concat(if(v < 0 OR 1 / v < 0, '-', ''), "
        "toString(toInt64(abs(v))), '.0'), "
        "throwIf(isFinite(v) AND v != 0 AND (abs(v) < 1e-4 OR abs(v) >= 1e15), "
        "'memline: the text of a number that needs an exponent') = 0, toString(v), ''), "
        "[ifNull(%.*s, 0.)])[1]",
        ML_SQL(x.sql));
}

static struct ml_str to_text(struct ml_sql *s, const struct ml_node *at, struct ml_sql_col x)
{
    struct ml_str r = ML_STR("''");
    switch (x.type) {
    case ML_T_STRING:
        return x.sql;
    case ML_T_BOOL:
        return ml__sql_printf(
            s, "multiIf(ifNull(%.*s = 1, 0), 'True', ifNull(%.*s = 0, 0), 'False', '')",
            ML_SQL(x.sql), ML_SQL(x.sql));
    case ML_T_INT:
    case ML_T_LONG:
        r = ml__sql_printf(s, "toString(%.*s)", ML_SQL(x.sql));
        break;
    case ML_T_REAL:
        if (ml__sql_too_old(s, at, "the text of a real number"))
            return r;
        r = text_of_real(s, x);
        return x.null ? ml__sql_printf(s, "if(isNull(%.*s), '', %.*s)", ML_SQL(x.sql), ML_SQL(r))
                      : r;
    case ML_T_DATETIME:
        r = ml__sql_datetime_text(s, x.sql);
        break;
    case ML_T_TIMESPAN:
        r = ml__sql_timespan_text(s, x.sql);
        break;
    case ML_T_GUID:
        r = x.sql;
        break;
    default:
        ml__sql_refuse(s, at, "the text of a %s", ml_type_name(x.type));
    }
    return x.null ? ml__sql_printf(s, "ifNull(%.*s, '')", ML_SQL(r)) : r;
}

/* --- from string --- */

/* A guard is a condition by itself, and its two branches differ: else ClickHouse joins it with the next condition, and
 * may then not come to it. */

/* Decimal digits with a sign; hexadecimal and 19 digits or more are left to the engine. */
static struct ml_sql_col parse_long(struct ml_sql *s, const struct ml_node *at, struct ml_str x)
{
    struct ml_sql_col c = {.type = ML_T_LONG, .null = true};
    if (ml__sql_too_old(s, at, "a number from text"))
        return c;
    c.sql = ml__sql_printf(
        s,
        "if(throwIf(match(%.*s, '^[\\\\t-\\\\r ]*(0[xX]|[+-]?[0-9]{19,}[\\\\t-\\\\r ]*$)'), "
        "'memline: tolong of hexadecimal or very long digits') = 0, if("
        "match(%.*s, '^[\\\\t-\\\\r ]*[+-]?[0-9]{1,18}[\\\\t-\\\\r ]*$'), "
        "toInt64OrNull(replaceRegexpAll(%.*s, '[+\\\\t-\\\\r ]', '')), NULL), toInt64(0))",
        ML_SQL(x), ML_SQL(x), ML_SQL(x));
    return c;
}

/* Plain decimals; ClickHouse's own reading of them is exact with precise_float_parsing. */
static struct ml_str parse_real(struct ml_sql *s, const struct ml_node *at, struct ml_str x)
{
    if (ml__sql_too_old(s, at, "a number from text"))
        return x;
    return ml__sql_printf(
        s,
        "if(throwIf(match(%.*s, '^[\\\\t-\\\\r ]*[+-]?([iI]nf|[nN]a[nN]|\\\\.|[0-9]+\\\\.?[eE]|"
        "[0-9]*\\\\.[0-9]+[eE]|[0-9]+\\\\.[\\\\t-\\\\r ]*$|[0-9.]{20,})'), "
        "'memline: todouble of text with an exponent, without digits or with very many') = 0, if("
        "match(%.*s, '^[\\\\t-\\\\r ]*[+-]?[0-9]+(\\\\.[0-9]+)?[\\\\t-\\\\r ]*$'), "
        "toFloat64OrNull(replaceRegexpAll(%.*s, '[+\\\\t-\\\\r ]', '')), NULL), 0.)",
        ML_SQL(x), ML_SQL(x), ML_SQL(x));
}

static struct ml_sql_col from_text(struct ml_sql *s, const struct ml_node *at, struct ml_str x,
                                   enum ml_type to)
{
    struct ml_sql_col c = {ML_STR("NULL"), to, true};
    switch (to) {
    case ML_T_LONG:
        c = parse_long(s, at, x);
        break;
    case ML_T_INT:
        c = let(s, to, parse_long(s, at, x),
                "if(v BETWEEN -2147483648 AND 2147483647, toInt32(v), NULL)");
        break;
    case ML_T_REAL:
        c.sql = parse_real(s, at, x);
        break;
    case ML_T_BOOL:
        if (!ml__sql_too_old(s, at, "a bool from text"))
            c.sql = ml__sql_printf(
                s,
                "multiIf(lower(%.*s) = 'true', 1, lower(%.*s) = 'false', 0, "
                "throwIf(match(%.*s, '^(0[xX]|[+-]?[0-9]{19,})'), "
                "'memline: tobool of hexadecimal or very long digits') != 0, 2, "
                "match(%.*s, '^[+-]?[0-9]{1,18}$'), if(match(%.*s, '[1-9]'), 1, 0), NULL)",
                ML_SQL(x), ML_SQL(x), ML_SQL(x), ML_SQL(x), ML_SQL(x));
        break;
    default:
        ml__sql_refuse(s, at, "a %s from text that is not constant", ml_type_name(to));
    }
    return c;
}

/* --- between numbers and times --- */

static struct ml_sql_col from_real(struct ml_sql *s, const struct ml_node *at, struct ml_sql_col x,
                                   enum ml_type to)
{
    if (to == ML_T_LONG)
        return let(s, to, x,
                   "multiIf(NOT isFinite(v), NULL, v <= -9223372036854775808., "
                   "toInt64(-9223372036854775807) - 1, v >= 9223372036854775808., "
                   "toInt64(9223372036854775807), toInt64(v))");
    if (to == ML_T_INT)
        return let(s, to, x,
                   "multiIf(NOT isFinite(v), NULL, v <= -2147483648., toInt32(-2147483648), "
                   "v >= 2147483647., toInt32(2147483647), toInt32(v))");
    if (to == ML_T_BOOL)
        return ml__sql_made(to, x.null, ml__sql_printf(s, "(%.*s != 0)", ML_SQL(x.sql)));
    return (struct ml_sql_col){ML_STR("NULL"), to, true}; /* never a time */
}

static struct ml_sql_col from_integer(struct ml_sql *s, const struct ml_node *at,
                                      struct ml_sql_col x, enum ml_type to)
{
    bool number = x.type == ML_T_INT || x.type == ML_T_LONG;
    struct ml_sql_col c = ml__sql_made(to, x.null, x.sql);
    switch (to) {
    case ML_T_LONG:
        c.sql = ml__sql_printf(s, "toInt64(%.*s)", ML_SQL(x.sql));
        break;
    case ML_T_INT:
        c.sql = ml__sql_printf(s, "toInt32(%.*s)", ML_SQL(x.sql));
        break;
    case ML_T_REAL:
        c.sql = ml__sql_printf(s, "toFloat64(%.*s)", ML_SQL(x.sql));
        break;
    case ML_T_BOOL:
        if (number)
            c.sql = ml__sql_printf(s, "(%.*s != 0)", ML_SQL(x.sql));
        else
            c = (struct ml_sql_col){ML_STR("CAST(NULL AS Nullable(UInt8))"), to, true};
        break;
    case ML_T_DATETIME:
        if (number)
            c = let(s, to, x, "if(v BETWEEN 0 AND 3155378975999999999, toInt64(v), NULL)");
        else
            c = (struct ml_sql_col){ML_STR("CAST(NULL AS Nullable(Int64))"), to, true};
        break;
    case ML_T_TIMESPAN:
        if (number)
            c.sql = ml__sql_printf(s, "toInt64(%.*s)", ML_SQL(x.sql));
        else
            c = (struct ml_sql_col){ML_STR("CAST(NULL AS Nullable(Int64))"), to, true};
        break;
    default:
        ml__sql_refuse(s, at, "a %s from a %s", ml_type_name(to), ml_type_name(x.type));
    }
    return c;
}

struct ml_sql_col ml__sql_cast(struct ml_sql *s, const struct ml_node *at, struct ml_sql_col x,
                               enum ml_type to)
{
    if (x.type == to)
        return x;
    if (to == ML_T_STRING && x.type != ML_T_DYNAMIC)
        return ml__sql_made(to, false, to_text(s, at, x));
    if (to == ML_T_DYNAMIC)
        return ml__sql_made(to, x.null, ml__sql_json_of(s, at, x));
    switch (x.type) {
    case ML_T_STRING:
        return from_text(s, at, x.sql, to);
    case ML_T_REAL:
        return from_real(s, at, x, to);
    case ML_T_BOOL:
    case ML_T_INT:
    case ML_T_LONG:
    case ML_T_DATETIME:
    case ML_T_TIMESPAN:
        return from_integer(s, at, x, to);
    case ML_T_DYNAMIC:
        return ml__sql_json_cast(s, at, x.sql, to);
    default:
        ml__sql_refuse(s, at, "a %s from a %s", ml_type_name(to), ml_type_name(x.type));
        return ml__sql_made(to, true, ML_STR("NULL"));
    }
}

struct ml_sql_col ml__sql_cast_call(struct ml_sql *s, const struct ml_expr *e,
                                    const struct ml_sql_rel *in)
{
    const struct ml_expr *a = e->arg[0];
    if (a->type == ML_T_DYNAMIC)
        return ml__sql_dynamic_cast(s, a, in, e->type);
    return ml__sql_cast(s, e->node, ml__sql_expr(s, a, in), e->type);
}
