/* kql/sql_window.c -- row_number, row_cumsum, prev, next over numbered rows; see sql.h. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

static struct ml_sql_col shifted(struct ml_sql *s, const struct ml_expr *e,
                                 const struct ml_sql_rel *in, struct ml_str row)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    long long n = e->n > 1 ? (long long)ml__sql_constant(s, e, 1)->i : 1;
    struct ml_sql_col none = e->n > 2 ? ml__sql_expr(s, e->arg[2], in) : ml__sql_null(s, x.type);
    bool text = x.type == ML_T_STRING;
    if (n < 1 || (e->n > 2 && e->arg[2]->kind != ML_E_CONST))
        ml__sql_refuse(s, e->node, "'%s' this far", e->fn->name);
    return ml__sql_made(
        x.type, true,
        ml__sql_printf(s,
                       "%sInFrame(%s(%.*s), %lld, CAST(%.*s AS %s)) OVER (ORDER BY %.*s ROWS "
                       "BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
                       e->fn->name[0] == 'p' ? "lag" : "lead", text ? "" : "toNullable",
                       ML_SQL(x.sql), n, ML_SQL(none.sql), ml__sql_type(x.type, true),
                       ML_SQL(row)));
}

struct ml_sql_col ml__sql_window(struct ml_sql *s, const struct ml_expr *e,
                                 const struct ml_sql_rel *in)
{
    const char *name = e->fn->name;
    struct ml_sql_col none = ml__sql_null(s, e->type);
    if (in->norder != 1 || (in->order[0].flags & ML_SQL_UNIQUE) == 0) {
        ml__sql_refuse(s, e->node, "'%s' here", name);
        return none;
    }
    struct ml_str row = in->order[0].col.sql;
    if (ml__sql_too_old(s, e->node, name))
        return none;
    if (name[0] == 'p' || name[0] == 'n')
        return shifted(s, e, in, row);
    if (strcmp(name, "row_number") == 0) {
        long long start = e->n > 0 ? (long long)ml__sql_constant(s, e, 0)->i : 1;
        if (e->n > 1)
            ml__sql_refuse(s, e->node, "'row_number' that starts again");
        return ml__sql_made(ML_T_LONG, false,
                            ml__sql_printf(s, "toInt64(row_number() OVER (ORDER BY %.*s) + %lld)",
                                           ML_SQL(row), start - 1));
    }
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    if (e->n > 1 || x.null ||
        !(ml_type_is_int(x.type) || x.type == ML_T_TIMESPAN || x.type == ML_T_REAL))
        ml__sql_refuse(s, e->node, "'%s' of these values", name);
    return ml__sql_made(
        e->type, false,
        ml__sql_printf(s, "%s(sum(%.*s) OVER (ORDER BY %.*s ROWS UNBOUNDED PRECEDING))",
                       e->type == ML_T_INT    ? "toInt32"
                       : e->type == ML_T_REAL ? "toFloat64"
                                              : "toInt64",
                       ML_SQL(x.sql), ML_SQL(row)));
}
