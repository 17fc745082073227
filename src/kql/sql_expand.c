/* kql/sql_expand.c -- mv-expand of one array as arrayJoin; see sql.h and exec_expand.c. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

/* The elements' JSON texts: of an array its own; a null or a scalar is one. */
static struct ml_str elements(struct ml_sql *s, struct ml_str json)
{
    struct ml_str root = ml__sql_printf(s, "ifNull(%.*s, '')", ML_SQL(json));
    return ml__sql_printf(
        s,
        "multiIf(throwIf(JSONType(%.*s) = 'Object', 'memline: mv-expand of a bag') != 0, [''], "
        "throwIf(JSONType(%.*s) = 'Array' AND match(%.*s, '[0-9][.eE]|[0-9]{19}|-0|[\\\\\\\\/"
        "\\\\x00-\\\\x08]'), 'memline: mv-expand of real numbers, slashes or escapes') != 0, [''], "
        "JSONType(%.*s) = 'Array', JSONExtractArrayRaw(%.*s), [%.*s])",
        ML_SQL(root), ML_SQL(root), ML_SQL(root), ML_SQL(root), ML_SQL(root), ML_SQL(root));
}

struct ml_sql_rel ml__sql_expand(struct ml_sql *s, const struct ml_plan *p)
{
    const struct ml_expand_spec *spec = p->expand;
    struct ml_sql_rel in = ml__sql_stage(s, p->in[0]);
    const struct ml_expand_item *item = &spec->items[0];
    if (ml__sql_failed(s))
        return in;
    if (p->sub != NULL || spec->n != 1 || spec->pairs || spec->limit != NULL)
        ml__sql_refuse(s, item->expr->node,
                       p->sub != NULL ? "'mv-apply'" : "this form of 'mv-expand'");
    if (ml__sql_failed(s) || ml__sql_too_old(s, item->expr->node, "'mv-expand'"))
        return in;
    struct ml_str all = elements(s, ml__sql_expr(s, item->expr, &in).sql);
    uint32_t wide = in.n + 1;
    struct ml_sql_col *cols = ml__sql_cols(s, wide);
    struct ml_field *fields = ml_arena_alloc(s->rt->arena, wide, sizeof *fields);
    struct ml_sql_key *order = ml_arena_alloc(s->rt->arena, (size_t)in.norder + 1, sizeof *order);
    struct ml_sql_col *made = ml__sql_cols(s, p->out.n);
    if (cols == NULL || fields == NULL || order == NULL || made == NULL)
        return ml__rt_nomem(s->rt), in;
    memcpy(cols, in.cols, in.n * sizeof *cols);
    memcpy(fields, p->in[0]->out.at, in.n * sizeof *fields);
    cols[in.n] = (struct ml_sql_col){
        ml__sql_printf(s, "arrayJoin(arrayMap((v, i) -> (v, i), %.*s, arrayEnumerate(%.*s)))",
                       ML_SQL(all), ML_SQL(all)),
        ML_T_DYNAMIC, false};
    fields[in.n].name = ML_STR("element");
    struct ml_schema names = {fields, wide};
    struct ml_sql_rel r = ml__sql_select(s, &in, &names, cols, wide, "");
    struct ml_str pair = r.cols[in.n].sql;
    for (uint32_t i = 0; i < p->out.n && i < in.n; i++)
        made[i] = r.cols[i];
    struct ml_str json = ml__sql_printf(s, "nullIf(nullIf(%.*s.1, 'null'), '')", ML_SQL(pair));
    made[item->column] = item->type == ML_T_DYNAMIC
                             ? ml__sql_made(ML_T_DYNAMIC, true, json)
                             : ml__sql_json_cast(s, item->expr->node, json, item->type);
    struct ml_str index = ml__sql_printf(s, "toInt64(%.*s.2 - 1)", ML_SQL(pair));
    if (spec->index >= 0)
        made[spec->index] = ml__sql_made(ML_T_LONG, false, index);
    if (r.norder > 0) { /* the elements of a row keep their order */
        memcpy(order, r.order, r.norder * sizeof *order);
        for (uint32_t i = 0; i < r.norder; i++)
            order[i].flags &= (uint8_t)~ML_SQL_UNIQUE;
        order[r.norder] = (struct ml_sql_key){.col = ml__sql_made(ML_T_LONG, false, index)};
        r.order = order;
        r.norder++;
    }
    return ml__sql_select(s, &r, &p->out, made, p->out.n, "");
}
