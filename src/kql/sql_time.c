/* kql/sql_time.c -- times as SQL: plain arithmetic on ticks, since ClickHouse's own dates have a narrower range; see sql.h.
 *
 * The civil date of a day is Howard Hinnant's algorithm: with z = days since 0000-03-01, e = day of the 400-year era,
 * y = year of the era, d = day of the year that starts in March. arrayMap(x -> ..., [value])[1] names a value that is
 * used several times. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

#include <stdio.h>
#include <strings.h>

#define DAY "864000000000"
#define YEAR "(y + intDiv(z, 146097) * 400 + if(d >= 306, 1, 0))"
#define MONTH "if(d < 306, intDiv(5 * d + 2, 153) + 3, intDiv(5 * d + 2, 153) - 9)"
#define MDAY "(d - intDiv(153 * intDiv(5 * d + 2, 153) + 2, 5) + 1)"
#define YDAY "if(d >= 306, d - 305, d + 60 + if(y % 4 = 0 AND (y % 100 != 0 OR y = 0), 1, 0))"
/* A format: days from 0001-01-01 to the first of month n, counted from year 0. */
#define MONTH_DAYS                                                                            \
    "arrayMap(n -> arrayMap(y -> y * 365 + intDiv(y, 4) - intDiv(y, 100) + intDiv(y, 400) + " \
    "intDiv(153 * ((n + 10) %% 12) + 2, 5) - 306, [intDiv(n, 12) - if(n %% 12 < 2, 1, 0)])[1], "

struct ml_str ml__sql_civil(struct ml_sql *s, struct ml_str ticks, const char *body)
{
    return ml__sql_printf(
        s,
        "arrayMap(z -> arrayMap(e -> arrayMap(y -> arrayMap(d -> toInt64(%s), "
        "[e - (365 * y + intDiv(y, 4) - intDiv(y, 100))])[1], "
        "[intDiv(e - intDiv(e, 1460) + intDiv(e, 36524) - intDiv(e, 146096), 365)])[1], "
        "[z %% 146097])[1], [toInt64(intDiv(%.*s, " DAY ") + 306)])[1]",
        body, ML_SQL(ticks));
}

struct ml_str ml__sql_datetime_text(struct ml_sql *s, struct ml_str t)
{
    struct ml_str date = ml__sql_civil(s, t, YEAR " * 10000 + " MONTH " * 100 + " MDAY);
    struct ml_str time = ml__sql_printf(
        s,
        "concat('T', substring(toString(100 + intDiv(%.*s, 36000000000) %% 24), 2), ':', "
        "substring(toString(100 + intDiv(%.*s, 600000000) %% 60), 2), ':', "
        "substring(toString(100 + intDiv(%.*s, 10000000) %% 60), 2), '.', "
        "substring(toString(10000000 + (%.*s) %% 10000000), 2), 'Z')",
        ML_SQL(t), ML_SQL(t), ML_SQL(t), ML_SQL(t));
    return ml__sql_printf(s,
                          "arrayMap(c -> concat(substring(c, 2, 4), '-', substring(c, 6, 2), '-', "
                          "substring(c, 8, 2), "
                          "%.*s), [toString(100000000 + %.*s)])[1]",
                          ML_SQL(time), ML_SQL(date));
}

struct ml_str ml__sql_timespan_text(struct ml_sql *s, struct ml_str t)
{
    return ml__sql_printf(
        s,
        "concat(if(ifNull(%.*s, 0) < 0, '-', ''), arrayMap(a -> concat("
        "if(ifNull(a, 0) >= " DAY ", concat(toString(intDiv(a, " DAY ")), '.'), ''), "
        "substring(toString(100 + intDiv(a, 36000000000) %% 24), 2), ':', "
        "substring(toString(100 + intDiv(a, 600000000) %% 60), 2), ':', "
        "substring(toString(100 + intDiv(a, 10000000) %% 60), 2), "
        "if(ifNull(a, 0) %% 10000000 != 0, "
        "concat('.', substring(toString(10000000 + a %% 10000000), 2)), '')), [abs(%.*s)])[1])",
        ML_SQL(t), ML_SQL(t));
}

/* --- bin --- */

struct ml_sql_col ml__sql_bin(struct ml_sql *s, const struct ml_expr *e,
                              const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    const struct ml_val *size = ml__sql_constant(s, e, 1);
    struct ml_buf b = {0};
    bool real = e->type == ML_T_REAL;
    bool ok = real ? size->type == ML_T_REAL && size->d > 0
                   : size->type != ML_T_REAL && size->i > 0;
    if (size->type == ML_T_REAL && !real)
        ml__sql_refuse(s, e->arg[1]->node, "'bin' of whole numbers by a real one");
    if (!ok)
        return (struct ml_sql_col){
            ml__sql_printf(s, "CAST(NULL AS %s)", ml__sql_type(e->type, true)), e->type, true};
    if (real) {
        ml__sql_value(s, ML_T_REAL, size, &b);
        struct ml_str step = ml__sql_keep(s, &b);
        return ml__sql_made(e->type, x.null,
                            ml__sql_printf(s, "(floor(%.*s / %.*s) * %.*s)", ML_SQL(x.sql),
                                           ML_SQL(step), ML_SQL(step)));
    }
    long long n = (long long)size->i;
    if (e->type == ML_T_DATETIME) /* never negative */
        ml_buf_printf(&b, "(%.*s - %.*s %% %lld)", ML_SQL(x.sql), ML_SQL(x.sql), n);
    else
        ml_buf_printf(&b,
                      "toInt64(%.*s - (%.*s) %% %lld - if(ifNull((%.*s) %% %lld, 0) < 0, %lld, 0))",
                      ML_SQL(x.sql), ML_SQL(x.sql), n, ML_SQL(x.sql), n, n);
    struct ml_sql_col c = ml__sql_made(e->type, x.null, ml__sql_keep(s, &b));
    if (e->type == ML_T_INT)
        c.sql = ml__sql_printf(s, "toInt32(%.*s)", ML_SQL(c.sql));
    return c;
}

/* --- periods --- */

/* Start of the period that is n away, not yet bounded. */
static struct ml_str start_of(struct ml_sql *s, const char *unit, struct ml_str t, int64_t n)
{
    char body[200];
    long long k = (long long)n;
    if (strcmp(unit, "day") == 0)
        return ml__sql_printf(s, "(intDiv(%.*s, " DAY ") + %lld) * " DAY, ML_SQL(t), k);
    if (strcmp(unit, "week") == 0) /* day 0 was a Monday */
        return ml__sql_printf(
            s, "(intDiv(%.*s, " DAY ") - (intDiv(%.*s, " DAY ") + 1) %% 7 + %lld) * " DAY,
            ML_SQL(t), ML_SQL(t), 7 * k);
    if (strcmp(unit, "month") == 0)
        snprintf(body, sizeof body, YEAR " * 12 + " MONTH " - 1 + %lld", k);
    else
        snprintf(body, sizeof body, "(" YEAR " + %lld) * 12", k);
    struct ml_str months = ml__sql_civil(s, t, body);
    return ml__sql_printf(s, MONTH_DAYS "[%.*s])[1] * " DAY, ML_SQL(months));
}

struct ml_sql_col ml__sql_startof(struct ml_sql *s, const struct ml_expr *e,
                                  const struct ml_sql_rel *in)
{
    bool end = e->fn->name[0] == 'e';
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    int64_t n = e->n > 1 ? ml__sql_constant(s, e, 1)->i : 0;
    const char *unit = e->fn->name + (end ? 5 : 7);
    if (n < -100000 || n > 100000)
        ml__sql_refuse(s, e->node, "'%s' with so many periods", e->fn->name);
    struct ml_str r = start_of(s, unit, x.sql, n + end);
    if (end) /* the last period of all ends with the last tick */
        r = ml__sql_printf(s,
                           "arrayMap(v -> multiIf(v BETWEEN 1 AND 3155378976000000000, v - 1, "
                           "throwIf(v > 3155378976000000000, 'memline: %s beyond year 9999') = 0, "
                           "NULL, v), [toInt64(%.*s)])[1]",
                           e->fn->name, ML_SQL(r));
    else
        r = ml__sql_printf(s,
                           "arrayMap(v -> if(v BETWEEN 0 AND 3155378975999999999, v, NULL), "
                           "[toInt64(%.*s)])[1]",
                           ML_SQL(r));
    if (end && ml__sql_too_old(s, e->node, e->fn->name))
        return x;
    return ml__sql_made(e->type, true, r);
}

/* --- parts, differences, sums --- */

static const struct {
    const char *name;
    int64_t ticks;
} units[] = {
    {"week", 7 * ML_TICKS_DAY},   {"day", ML_TICKS_DAY},       {"hour", ML_TICKS_HOUR},
    {"minute", ML_TICKS_MINUTE},  {"second", ML_TICKS_SECOND}, {"millisecond", ML_TICKS_MS},
    {"microsecond", ML_TICKS_US},
};

static int64_t unit_ticks(struct ml_str u)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].name) == u.n && strncasecmp(u.p, units[i].name, u.n) == 0)
            return units[i].ticks;
    return 0;
}

struct ml_sql_col ml__sql_date_part(struct ml_sql *s, const struct ml_expr *e,
                                    const struct ml_sql_rel *in)
{
    static const struct {
        const char *name;
        const char *body;
    } parts[] = {{"year", YEAR},         {"quarter", "intDiv(" MONTH " - 1, 3) + 1"},
                 {"month", MONTH},       {"day", MDAY},
                 {"dayofyear", YDAY},    {"getyear", YEAR},
                 {"monthofyear", MONTH}, {"dayofmonth", MDAY}};
    bool named = e->n == 1; /* getyear(t), and not datetime_part("year", t) */
    struct ml_str u = named ? ml_str_of(e->fn->name) : ml__sql_constant(s, e, 0)->s;
    struct ml_sql_col x = ml__sql_expr(s, e->arg[named ? 0 : 1], in);
    if (ml__sql_failed(s))
        return x;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strlen(parts[i].name) == u.n && strncasecmp(u.p, parts[i].name, u.n) == 0)
            return ml__sql_made(e->type, x.null, ml__sql_civil(s, x.sql, parts[i].body));
    int64_t t = unit_ticks(u);
    int64_t limit = t == ML_TICKS_HOUR     ? 24
                    : t >= ML_TICKS_SECOND ? 60
                                           : ML_TICKS_SECOND / (t != 0 ? t : 1);
    if (t == 0 || t >= ML_TICKS_DAY)
        ml__sql_refuse(s, e->node, "datetime_part of '%.*s'", ML_SQL(u));
    return ml__sql_made(e->type, x.null,
                        ml__sql_printf(s, "toInt64(intDiv(%.*s, %lld) %% %lld)", ML_SQL(x.sql),
                                       (long long)t, (long long)limit));
}

struct ml_sql_col ml__sql_date_diff(struct ml_sql *s, const struct ml_expr *e,
                                    const struct ml_sql_rel *in)
{
    struct ml_str u = ml__sql_constant(s, e, 0)->s;
    struct ml_sql_col x = ml__sql_expr(s, e->arg[1], in);
    struct ml_sql_col y = ml__sql_expr(s, e->arg[2], in);
    bool null = x.null || y.null;
    if (ml__sql_failed(s))
        return x;
    const char *body = u.n == 4 && strncasecmp(u.p, "year", 4) == 0      ? YEAR
                       : u.n == 5 && strncasecmp(u.p, "month", 5) == 0   ? YEAR " * 12 + " MONTH
                       : u.n == 7 && strncasecmp(u.p, "quarter", 7) == 0 ? YEAR
                           " * 4 + intDiv(" MONTH " - 1, 3)"
                                                                         : NULL;
    if (body != NULL) {
        struct ml_str a = ml__sql_civil(s, x.sql, body);
        struct ml_str b = ml__sql_civil(s, y.sql, body);
        return ml__sql_made(e->type, null,
                            ml__sql_printf(s, "(%.*s - %.*s)", ML_SQL(a), ML_SQL(b)));
    }
    long long t = (long long)unit_ticks(u);
    long long shift = t == 7 * ML_TICKS_DAY ? ML_TICKS_DAY : 0; /* weeks start on Sunday */
    if (t == 0)
        ml__sql_refuse(s, e->node, "datetime_diff of '%.*s'", ML_SQL(u));
    struct ml_str r = ml__sql_printf(s, "(intDiv(%.*s + %lld, %lld) - intDiv(%.*s + %lld, %lld))",
                                     ML_SQL(x.sql), shift, t, ML_SQL(y.sql), shift, t);
    if (e->type == ML_T_REAL)
        r = ml__sql_printf(s, "toFloat64(%.*s)", ML_SQL(r));
    return ml__sql_made(e->type, null, r);
}

struct ml_sql_col ml__sql_date_add(struct ml_sql *s, const struct ml_expr *e,
                                   const struct ml_sql_rel *in)
{
    struct ml_str u = ml__sql_constant(s, e, 0)->s;
    const struct ml_val *n = ml__sql_constant(s, e, 1);
    struct ml_sql_col x = ml__sql_expr(s, e->arg[2], in);
    int64_t add = 0;
    if (ml__sql_failed(s))
        return x;
    int64_t t = unit_ticks(u);
    if (t == 0 || __builtin_mul_overflow(t, n->i, &add) || add > ML_TICKS_MAX ||
        add < -ML_TICKS_MAX)
        ml__sql_refuse(s, e->node, "datetime_add of '%.*s'", ML_SQL(u));
    return ml__sql_made(
        e->type, true,
        ml__sql_printf(
            s, "arrayMap(v -> if(v BETWEEN 0 AND 3155378975999999999, v, NULL), [%.*s + %lld])[1]",
            ML_SQL(x.sql), (long long)add));
}

struct ml_sql_col ml__sql_unixtime(struct ml_sql *s, const struct ml_expr *e,
                                   const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    char unit = e->fn->name[9];
    long long scale = unit == 's' ? 10000000 : e->fn->name[11] == 'l' ? 10000 : 10;
    if (unit == 'n' || !ml_type_is_int(x.type))
        ml__sql_refuse(s, e->node, "'%s' of a %s", e->fn->name, ml_type_name(x.type));
    /* Beyond these bounds the product would be out of range, or wrap. */
    return ml__sql_made(
        e->type, true,
        ml__sql_printf(s,
                       "arrayMap(v -> if(v BETWEEN intDiv(-621355968000000000, %lld) "
                       "AND intDiv(2534023007999999999, %lld), "
                       "v * %lld + 621355968000000000, NULL), [toInt64(%.*s)])[1]",
                       scale, scale, scale, ML_SQL(x.sql)));
}
