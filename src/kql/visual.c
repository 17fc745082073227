/* kql/visual.c -- what `render` asked for, as the clients of the service read it; see visual.h.
 *
 * The service sends every property, those that were not given as null; Kusto spells them XColumn, Application Insights
 * xColumn. SPDX-License-Identifier: MIT */
#include "base/near.h"
#include "kql/bind.h"
#include "kql/text.h"
#include "kql/visual.h"

enum { TEXT, LIST, SWITCH, NUMBER };

static const struct {
    const char *option; /* as the query has it */
    const char *kusto;
    const char *insights;
    int kind;
    const char *missing;
} properties[] = {
    {"title", "Title", "title", TEXT, "null"},
    {"xcolumn", "XColumn", "xColumn", TEXT, "null"},
    {"series", "Series", "series", LIST, "null"},
    {"ycolumns", "YColumns", "yColumns", LIST, "null"},
    {"anomalycolumns", "AnomalyColumns", "anomalyColumns", LIST, "null"},
    {"xtitle", "XTitle", "xTitle", TEXT, "null"},
    {"ytitle", "YTitle", "yTitle", TEXT, "null"},
    {"xaxis", "XAxis", "xAxis", TEXT, "null"},
    {"yaxis", "YAxis", "yAxis", TEXT, "null"},
    {"legend", "Legend", "legend", TEXT, "null"},
    {"ysplit", "YSplit", "ySplit", TEXT, "null"},
    {"accumulate", "Accumulate", "accumulate", SWITCH, "false"},
    {NULL, "IsQuerySorted", "isQuerySorted", SWITCH, "false"},
    {"kind", "Kind", "kind", TEXT, "null"},
    {"ymin", "Ymin", "yMin", NUMBER, "\"NaN\""},
    {"ymax", "Ymax", "yMax", NUMBER, "\"NaN\""},
    {"xmin", "Xmin", "xMin", NUMBER, "null"},
    {"xmax", "Xmax", "xMax", NUMBER, "null"},
};

static const char *const kinds[] = {"anomalychart", "areachart",
                                    "barchart",     "card",
                                    "columnchart",  "graph",
                                    "ladderchart",  "linechart",
                                    "list",         "piechart",
                                    "pivotchart",   "plotly",
                                    "scatterchart", "stackedareachart",
                                    "table",        "timechart",
                                    "timeline",     "timepivot",
                                    "treemap",      NULL};

enum { PROPERTIES = sizeof properties / sizeof properties[0] };

static bool check_kind(struct ml_binder *b, const struct ml_node *op)
{
    struct ml_near near = {.wanted = op->a->text};
    for (const char *const *k = kinds; *k != NULL; k++) {
        if (ml_str_eq(op->a->text, ml_str_of(*k)))
            return true;
        ml_near_try(&near, ml_str_of(*k));
    }
    ml__b_fail(b, op->a, "KS207", "unknown chart '%.*s'", (int)op->a->text.n, op->a->text.p);
    if (near.best.p != NULL)
        ml_diag_hint(b->diag, "did you mean '%.*s'?", (int)near.best.n, near.best.p);
    return false;
}

static bool check_property(struct ml_binder *b, const struct ml_node *o)
{
    struct ml_near near = {.wanted = o->text};
    for (size_t i = 0; i < PROPERTIES; i++) {
        if (properties[i].option == NULL)
            continue;
        if (ml_str_eq(o->text, ml_str_of(properties[i].option)))
            return true;
        ml_near_try(&near, ml_str_of(properties[i].option));
    }
    ml__b_fail(b, o, "KS207", "render has no property '%.*s'", (int)o->text.n, o->text.p);
    if (near.best.p != NULL)
        ml_diag_hint(b->diag, "did you mean '%.*s'?", (int)near.best.n, near.best.p);
    return false;
}

struct ml_plan *ml__bind_render(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    bool fine = check_kind(b, op);
    for (uint32_t i = 0; fine && i < op->nopt; i++)
        fine = check_property(b, op->opt[i]);
    struct ml_plan *p = ml__b_alloc(b, 1, sizeof *p);
    *p = *in;
    p->render = op->a->text;
    p->render_node = op;
    return p;
}

static const struct ml_node *given(const struct ml_plan *p, const char *option)
{
    for (uint32_t i = 0; option != NULL && p->render.n != 0 && i < p->render_node->nopt; i++)
        if (ml_str_eq(p->render_node->opt[i]->text, ml_str_of(option)))
            return p->render_node->opt[i];
    return NULL;
}

static struct ml_str text_of(const struct ml_node *n)
{
    return n->kind == ML_N_LIT && n->type == ML_T_STRING ? n->val.s : n->text;
}

static void add_value(struct ml_buf *b, const struct ml_node *n)
{
    if (n->kind == ML_N_LIT)
        ml_val_json(&n->val, b);
    else
        ml_buf_json(b, n->text);
}

static void add_property(struct ml_buf *b, size_t i, const struct ml_node *o)
{
    if (o == NULL || o->n == 0) {
        ml_buf_cstr(b, properties[i].missing);
        return;
    }
    bool list = properties[i].kind == LIST;
    ml_buf_cstr(b, list ? "[" : "");
    for (uint32_t k = 0; k < (list ? o->n : 1); k++) {
        ml_buf_cstr(b, k > 0 ? "," : "");
        add_value(b, o->kid[k]);
    }
    ml_buf_cstr(b, list ? "]" : "");
}

void ml__visual_json(const struct ml_plan *p, bool insights, struct ml_buf *out)
{
    ml_buf_cstr(out, insights ? "{\"visualization\":" : "{\"Visualization\":");
    ml_buf_json(out, p->render);
    for (size_t i = 0; i < PROPERTIES; i++) {
        ml_buf_char(out, ',');
        ml_buf_json(out, ml_str_of(insights ? properties[i].insights : properties[i].kusto));
        ml_buf_char(out, ':');
        add_property(out, i, given(p, properties[i].option));
    }
    ml_buf_char(out, '}');
}

struct ml_str ml__visual_value(const struct ml_plan *p, const char *option, uint32_t i)
{
    const struct ml_node *o = given(p, option);
    return o != NULL && i < o->n ? text_of(o->kid[i]) : (struct ml_str){NULL, 0};
}
