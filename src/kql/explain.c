/* kql/explain.c -- a plan as text, one stage a line, inputs indented below; see kql.h. SPDX-License-Identifier: MIT */
#include "kql/explain.h"

#include "kql/agg.h"
#include "kql/text.h"

static const char *const names[] = {
    [ML_P_VALUES] = "values",       [ML_P_SCAN] = "scan",         [ML_P_INPUT] = "input",
    [ML_P_FILTER] = "filter",       [ML_P_PROJECT] = "project",   [ML_P_AGGREGATE] = "aggregate",
    [ML_P_SORT] = "sort",           [ML_P_TAKE] = "take",         [ML_P_SAMPLE] = "sample",
    [ML_P_JOIN] = "join",           [ML_P_UNION] = "union",       [ML_P_PARSE] = "parse",
    [ML_P_PARSE_KV] = "parse-kv",   [ML_P_EXPAND] = "mv-expand",  [ML_P_SERIES] = "make-series",
    [ML_P_PARTITION] = "partition", [ML_P_NESTED] = "top-nested", [ML_P_SCAN_STEPS] = "scan steps",
    [ML_P_RANGE] = "range",         [ML_P_SHARED] = "shared",
};

static void print_expr(const struct ml_expr *e, const struct ml_schema *in, struct ml_buf *out)
{
    switch ((enum ml_expr_kind)e->kind) {
    case ML_E_CONST:
        if (e->val.null)
            ml_buf_cstr(out, "null");
        else if (e->type == ML_T_STRING)
            ml_buf_json(out, e->val.s);
        else
            ml_val_print(&e->val, true, out);
        break;
    case ML_E_COLUMN:
        if (in != NULL && e->column < in->n)
            ml_buf_str(out, in->at[e->column].name);
        else
            ml_buf_printf(out, "#%u", e->column);
        break;
    case ML_E_CALL:
        ml_buf_printf(out, "%s(", e->fn->name);
        for (uint32_t i = 0; i < e->n; i++) {
            ml_buf_cstr(out, i > 0 ? ", " : "");
            print_expr(e->arg[i], in, out);
        }
        ml_buf_char(out, ')');
        break;
    default:
        ml_buf_cstr(out, "toscalar(...)");
    }
}

static void print_scan(const struct ml_plan *p, struct ml_buf *out)
{
    ml_buf_printf(out, " %.*s columns:", (int)p->source->name.n, p->source->name.p);
    for (uint32_t i = 0; i < p->out.n; i++)
        if (p->need == NULL || p->need[i])
            ml_buf_printf(out, " %.*s", (int)p->out.at[i].name.n, p->out.at[i].name.p);
    struct ml_val t = ml_val_i64(ML_T_DATETIME, p->from_ticks);
    if (p->from_ticks != INT64_MIN) {
        ml_buf_cstr(out, " from ");
        ml_val_print(&t, false, out);
    }
    t.i = p->to_ticks;
    if (p->to_ticks != INT64_MAX) {
        ml_buf_cstr(out, " to ");
        ml_val_print(&t, false, out);
    }
    if (p->prefix.n > 0) {
        ml_buf_cstr(out, " prefix ");
        ml_buf_json(out, p->prefix);
    }
    if (p->limit_rows > 0)
        ml_buf_printf(out, " limit %llu", (unsigned long long)p->limit_rows);
    for (uint32_t i = 0; i < p->nfilters; i++) {
        ml_buf_cstr(out, " where ");
        print_expr(p->filters[i], &p->out, out);
    }
}

void ml__explain(const struct ml_plan *p, unsigned depth, struct ml_buf *out)
{
    const struct ml_schema *in = p->nin > 0 ? &p->in[0]->out : NULL;
    ml_buf_fill(out, ' ', 2 * depth);
    ml_buf_cstr(out, names[p->kind]);
    if (p->kind == ML_P_SCAN)
        print_scan(p, out);
    for (uint32_t i = 0; i < p->n && p->kind != ML_P_JOIN; i++) {
        ml_buf_cstr(out, i > 0 ? ", " : " ");
        if (p->kind == ML_P_PROJECT)
            ml_buf_printf(out, "%.*s=", (int)p->out.at[i].name.n, p->out.at[i].name.p);
        print_expr(p->exprs[i], in, out);
    }
    for (uint32_t i = 0; i < p->naggs; i++)
        ml_buf_printf(out, " %s()", p->aggs[i].agg->name);
    ml_buf_char(out, '\n');
    for (uint32_t i = 0; i < p->nin; i++)
        ml__explain(p->in[i], depth + 1, out);
    if (p->sub != NULL) {
        ml_buf_fill(out, ' ', 2 * depth + 2);
        ml_buf_cstr(out, "for each:\n");
        ml__explain(p->sub, depth + 2, out);
    }
}
