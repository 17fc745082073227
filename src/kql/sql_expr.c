/* kql/sql_expr.c -- expressions as SQL: constants, columns, calls, sub-queries; see sql.h.
 *
 * Operators and functions that need thought have a function of their own, in `own`; the others are rows of
 * sql_fn.def. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

static const struct {
    const char *name;
    ml_sql_fn *fn;
} own[] = {
    {"+", ml__sql_arith},
    {"-", ml__sql_arith},
    {"*", ml__sql_arith},
    {"/", ml__sql_arith},
    {"%", ml__sql_arith},
    {"neg", ml__sql_neg},
    {"==", ml__sql_compare},
    {"!=", ml__sql_compare},
    {"<", ml__sql_compare},
    {"<=", ml__sql_compare},
    {">", ml__sql_compare},
    {">=", ml__sql_compare},
    {"and", ml__sql_logic},
    {"or", ml__sql_logic},
    {"not", ml__sql_not},
    {"cast", ml__sql_cast_call},
    {"in", ml__sql_in},
    {"!in", ml__sql_in},
    {"in~", ml__sql_in},
    {"!in~", ml__sql_in},
    {"member", ml__sql_member},
    {"index", ml__sql_member},
    {"has", ml__sql_search},
    {"hasprefix", ml__sql_search},
    {"hassuffix", ml__sql_search},
    {"contains", ml__sql_search},
    {"startswith", ml__sql_search},
    {"endswith", ml__sql_search},
    {"=~", ml__sql_search},
    {"has_cs", ml__sql_search},
    {"hasprefix_cs", ml__sql_search},
    {"hassuffix_cs", ml__sql_search},
    {"contains_cs", ml__sql_search},
    {"startswith_cs", ml__sql_search},
    {"endswith_cs", ml__sql_search},
    {"has_any", ml__sql_has_list},
    {"has_all", ml__sql_has_list},
    {"matches regex", ml__sql_matches},
    {"iff", ml__sql_iff},
    {"case", ml__sql_case},
    {"coalesce", ml__sql_coalesce},
    {"max_of", ml__sql_best_of},
    {"min_of", ml__sql_best_of},
    {"isnull", ml__sql_isnull},
    {"isnotnull", ml__sql_isnull},
    {"isempty", ml__sql_isempty},
    {"isnotempty", ml__sql_isempty},
    {"strcat", ml__sql_strcat},
    {"strcat_delim", ml__sql_strcat},
    {"substring", ml__sql_substring},
    {"indexof", ml__sql_indexof},
    {"replace_string", ml__sql_replace_string},
    {"extract", ml__sql_extract},
    {"bin", ml__sql_bin},
    {"startofday", ml__sql_startof},
    {"startofweek", ml__sql_startof},
    {"startofmonth", ml__sql_startof},
    {"startofyear", ml__sql_startof},
    {"endofday", ml__sql_startof},
    {"endofweek", ml__sql_startof},
    {"endofmonth", ml__sql_startof},
    {"endofyear", ml__sql_startof},
    {"datetime_part", ml__sql_date_part},
    {"getyear", ml__sql_date_part},
    {"monthofyear", ml__sql_date_part},
    {"dayofmonth", ml__sql_date_part},
    {"dayofyear", ml__sql_date_part},
    {"array_length", ml__sql_array_length},
    {"split", ml__sql_split},
    {"datetime_diff", ml__sql_date_diff},
    {"datetime_add", ml__sql_date_add},
    {"unixtime_seconds_todatetime", ml__sql_unixtime},
    {"unixtime_milliseconds_todatetime", ml__sql_unixtime},
    {"unixtime_microseconds_todatetime", ml__sql_unixtime},
    {"unixtime_nanoseconds_todatetime", ml__sql_unixtime},
    {"abs", ml__sql_abs},
    {"round", ml__sql_round},
    {"parse_json", ml__sql_parse_json},
    {"pack_array", ml__sql_pack_array},
    {"bag_pack", ml__sql_bag_pack},
    {"row_number", ml__sql_window},
    {"row_cumsum", ml__sql_window},
    {"prev", ml__sql_window},
    {"next", ml__sql_window},
};

bool ml__sql_is_call(const struct ml_expr *e, const char *name)
{
    return e->kind == ML_E_CALL && strcmp(e->fn->name, name) == 0;
}

struct ml_sql_col ml__sql_made(enum ml_type t, bool null, struct ml_str sql)
{
    return (struct ml_sql_col){sql, t, null && t != ML_T_STRING};
}

const struct ml_val *ml__sql_constant(struct ml_sql *s, const struct ml_expr *e, uint32_t arg)
{
    static const struct ml_val zero = {.type = ML_T_LONG};
    const struct ml_expr *a = e->arg[arg];
    if (a->kind == ML_E_CONST && !a->val.null)
        return &a->val;
    ml__sql_refuse(s, a->node, "'%s' with an argument that is not constant here", e->fn->name);
    return &zero;
}

static struct ml_sql_col call(struct ml_sql *s, const struct ml_expr *e,
                              const struct ml_sql_rel *in)
{
    struct ml_sql_col c = {.type = e->type};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(own[i].name, e->fn->name) == 0)
            return own[i].fn(s, e, in);
    if (!ml__sql_table_call(s, e, in, &c))
        ml__sql_refuse(s, e->node, "'%s' is not mapped", e->fn->name);
    return c;
}

/* toscalar: the first cell of the first row. */
static struct ml_sql_col scalar(struct ml_sql *s, const struct ml_expr *e)
{
    struct ml_sql_col c = {ML_STR("NULL"), e->type, true};
    if (ml__sql_too_old(s, e->node, "'toscalar'"))
        return c;
    struct ml_sql_rel r = ml__sql_stage(s, e->plan);
    if (ml__sql_failed(s))
        return c;
    struct ml_str order = ml__sql_order_by(s, &r);
    struct ml_str tail = ml__sql_printf(s, "%.*s\nLIMIT 1", ML_SQL(order));
    struct ml_str text = ml__sql_select_text(s, &r, r.cols, NULL, 1, tail.p);
    text = ml__sql_subquery(s, text);
    if (e->type == ML_T_STRING)
        text = ml__sql_printf(s, "ifNull(%.*s, '')", ML_SQL(text));
    return ml__sql_made(e->type, true, text);
}

static struct ml_sql_col constant(struct ml_sql *s, const struct ml_expr *e)
{
    struct ml_buf b = {0};
    ml__sql_const(s, e, &b);
    return ml__sql_made(e->type, e->val.null, ml__sql_keep(s, &b));
}

struct ml_sql_col ml__sql_expr(struct ml_sql *s, const struct ml_expr *e,
                               const struct ml_sql_rel *in)
{
    struct ml_sql_col none = {ML_STR("NULL"), e->type, true};
    if (ml__sql_failed(s))
        return none;
    switch ((enum ml_expr_kind)e->kind) {
    case ML_E_CONST:
        return constant(s, e);
    case ML_E_COLUMN:
        if (e->type == ML_T_DECIMAL)
            ml__sql_refuse(s, e->node, "a decimal is not mapped");
        return e->column < in->n ? in->cols[e->column] : none;
    case ML_E_CALL:
        if (e->type == ML_T_DECIMAL)
            ml__sql_refuse(s, e->node, "a decimal is not mapped");
        return call(s, e, in);
    case ML_E_SCALAR:
        return scalar(s, e);
    default:
        ml__sql_refuse(s, e->node, "a table as a value is not mapped here");
        return none;
    }
}

struct ml_str ml__sql_condition(struct ml_sql *s, const struct ml_expr *e,
                                const struct ml_sql_rel *in)
{
    struct ml_sql_col c = ml__sql_expr(s, e, in);
    return c.null ? ml__sql_printf(s, "ifNull(%.*s, 0)", ML_SQL(c.sql)) : c.sql;
}

/* --- the table --- */

enum { NULL_ANY = 0, NULL_NEVER = 1, NULL_MAYBE = 2, MODERN = 4, ASCII = 8, TEXT = 16 };

#define SQLFN(name, nargs, flags, text) {name, nargs, flags, text},
static const struct {
    const char *name;
    uint32_t nargs;
    unsigned flags;
    const char *text;
} rows[] = {
#include "kql/sql_fn.def"
};
#undef SQLFN

struct ml_str ml__sql_template(struct ml_sql *s, const char *text, const struct ml_sql_col *args,
                               uint32_t n)
{
    struct ml_buf b = {0};
    for (const char *p = text; *p != '\0'; p++) {
        if (p[0] == '$' && p[1] >= '1' && (uint32_t)(p[1] - '1') < n)
            ml_buf_str(&b, args[*++p - '1'].sql);
        else
            ml_buf_char(&b, *p);
    }
    return ml__sql_keep(s, &b);
}

bool ml__sql_table_call(struct ml_sql *s, const struct ml_expr *e, const struct ml_sql_rel *in,
                        struct ml_sql_col *out)
{
    struct ml_sql_col args[4];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, e->fn->name) != 0 || rows[i].nargs != e->n)
            continue;
        bool null = (rows[i].flags & NULL_MAYBE) != 0;
        if ((rows[i].flags & MODERN) != 0 && ml__sql_too_old(s, e->node, e->fn->name))
            return true;
        for (uint32_t k = 0; k < e->n; k++) {
            args[k] = ml__sql_expr(s, e->arg[k], in);
            null |= args[k].null;
            if ((rows[i].flags & TEXT) != 0 && args[k].type != ML_T_STRING)
                ml__sql_refuse(s, e->node, "'%s' of a %s", e->fn->name, ml_type_name(args[k].type));
            if ((rows[i].flags & ASCII) != 0)
                args[k].sql = ml__sql_ascii(s, e->node, args[k].sql, e->fn->name);
        }
        null &= (rows[i].flags & NULL_NEVER) == 0;
        *out = ml__sql_made(e->type, null, ml__sql_template(s, rows[i].text, args, e->n));
        if (null && e->type == ML_T_STRING)
            out->sql = ml__sql_printf(s, "ifNull(%.*s, '')", ML_SQL(out->sql));
        return true;
    }
    return false;
}
