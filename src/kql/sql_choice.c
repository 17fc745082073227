/* kql/sql_choice.c -- tests for null, and choices; see sql.h. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

/* A value of a branch: a NULL of its type where it is one, so that the branches agree. */
static struct ml_sql_col branch(struct ml_sql *s, const struct ml_expr *e,
                                const struct ml_sql_rel *in)
{
    struct ml_sql_col c = ml__sql_expr(s, e, in);
    if (e->kind != ML_E_CONST && (e->type == ML_T_LONG || e->type == ML_T_INT))
        c.sql = ml__sql_printf(s, "%s(%.*s)", e->type == ML_T_INT ? "toInt32" : "toInt64",
                               ML_SQL(c.sql));
    return c;
}

static struct ml_str bound(struct ml_sql *s, const struct ml_expr *e, const struct ml_sql_rel *in)
{
    if (e->type == ML_T_DYNAMIC) {
        ml__sql_refuse(s, e->node, "a choice by a dynamic value");
        return ML_STR("0");
    }
    return ml__sql_condition(s, e, in);
}

struct ml_sql_col ml__sql_iff(struct ml_sql *s, const struct ml_expr *e,
                              const struct ml_sql_rel *in)
{
    struct ml_str c = bound(s, e->arg[0], in);
    struct ml_sql_col x = branch(s, e->arg[1], in);
    struct ml_sql_col y = branch(s, e->arg[2], in);
    return ml__sql_made(
        e->type, x.null || y.null,
        ml__sql_printf(s, "if(%.*s, %.*s, %.*s)", ML_SQL(c), ML_SQL(x.sql), ML_SQL(y.sql)));
}

struct ml_sql_col ml__sql_case(struct ml_sql *s, const struct ml_expr *e,
                               const struct ml_sql_rel *in)
{
    struct ml_buf b = {0};
    bool null = false;
    ml_buf_cstr(&b, "multiIf(");
    if (e->n % 2 == 0)
        ml__sql_refuse(s, e->node, "'case' without a last value");
    for (uint32_t i = 0; i + 1 < e->n && !ml__sql_failed(s); i += 2) {
        struct ml_str c = bound(s, e->arg[i], in);
        struct ml_sql_col x = branch(s, e->arg[i + 1], in);
        null |= x.null;
        ml_buf_printf(&b, "%.*s, %.*s, ", ML_SQL(c), ML_SQL(x.sql));
    }
    struct ml_sql_col last = branch(s, e->arg[e->n - 1], in);
    ml_buf_printf(&b, "%.*s)", ML_SQL(last.sql));
    return ml__sql_made(e->type, null || last.null, ml__sql_keep(s, &b));
}

/* The first that is not null; of strings, that is not empty. */
struct ml_sql_col ml__sql_coalesce(struct ml_sql *s, const struct ml_expr *e,
                                   const struct ml_sql_rel *in)
{
    struct ml_buf b = {0};
    bool text = e->type == ML_T_STRING;
    bool null = true;
    if (e->type == ML_T_DYNAMIC)
        ml__sql_refuse(s, e->node, "'coalesce' of dynamic values");
    ml_buf_cstr(&b, text ? "multiIf(" : "coalesce(");
    for (uint32_t i = 0; i < e->n && !ml__sql_failed(s); i++) {
        struct ml_sql_col x = branch(s, e->arg[i], in);
        null &= x.null;
        if (text)
            ml_buf_printf(&b, "notEmpty(%.*s), %.*s, ", ML_SQL(x.sql), ML_SQL(x.sql));
        else
            ml_buf_printf(&b, "%s%.*s", i > 0 ? ", " : "", ML_SQL(x.sql));
    }
    ml_buf_cstr(&b, text ? "'')" : ")");
    return ml__sql_made(e->type, null, ml__sql_keep(s, &b));
}

/* max_of, min_of: nulls are skipped, NaN wins. */
struct ml_sql_col ml__sql_best_of(struct ml_sql *s, const struct ml_expr *e,
                                  const struct ml_sql_rel *in)
{
    struct ml_sql_col best = branch(s, e->arg[0], in);
    const char *op = strcmp(e->fn->name, "max_of") == 0 ? ">=" : "<=";
    if (e->type == ML_T_REAL || e->type == ML_T_DYNAMIC || e->type == ML_T_GUID || e->n > 4)
        ml__sql_refuse(s, e->node, "'%s' of these values", e->fn->name);
    for (uint32_t i = 1; i < e->n && !ml__sql_failed(s); i++) {
        struct ml_sql_col x = branch(s, e->arg[i], in);
        struct ml_str r = ml__sql_printf(s, "if(%.*s %s %.*s, %.*s, %.*s)", ML_SQL(best.sql), op,
                                         ML_SQL(x.sql), ML_SQL(best.sql), ML_SQL(x.sql));
        if (best.null || x.null)
            r = ml__sql_printf(s, "multiIf(isNull(%.*s), %.*s, isNull(%.*s), %.*s, %.*s)",
                               ML_SQL(best.sql), ML_SQL(x.sql), ML_SQL(x.sql), ML_SQL(best.sql),
                               ML_SQL(r));
        best = ml__sql_made(e->type, best.null && x.null, r);
        best.null |= x.null; /* ClickHouse types it so */
    }
    return best;
}

struct ml_sql_col ml__sql_isnull(struct ml_sql *s, const struct ml_expr *e,
                                 const struct ml_sql_rel *in)
{
    bool not = strcmp(e->fn->name, "isnotnull") == 0;
    struct ml_str r = ML_STR("toUInt8(0)");
    if (e->arg[0]->type == ML_T_DYNAMIC) {
        r = ml__sql_dynamic_is_null(s, e->arg[0], in);
    } else {
        struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
        if (x.null)
            r = ml__sql_printf(s, "isNull(%.*s)", ML_SQL(x.sql));
    }
    return ml__sql_made(ML_T_BOOL, false, not ? ml__sql_printf(s, "not(%.*s)", ML_SQL(r)) : r);
}

struct ml_sql_col ml__sql_isempty(struct ml_sql *s, const struct ml_expr *e,
                                  const struct ml_sql_rel *in)
{
    bool not = strcmp(e->fn->name, "isnotempty") == 0;
    struct ml_str r;
    if (e->arg[0]->type == ML_T_DYNAMIC) /* null, or the empty string */
        r = ml__sql_printf(s, "empty(%.*s)",
                           ML_SQL(ml__sql_dynamic_cast(s, e->arg[0], in, ML_T_STRING).sql));
    else if (e->arg[0]->type == ML_T_STRING)
        r = ml__sql_printf(s, "empty(%.*s)", ML_SQL(ml__sql_expr(s, e->arg[0], in).sql));
    else
        r = ml__sql_printf(s, "isNull(%.*s)", ML_SQL(ml__sql_expr(s, e->arg[0], in).sql));
    return ml__sql_made(ML_T_BOOL, false, not ? ml__sql_printf(s, "not(%.*s)", ML_SQL(r)) : r);
}
