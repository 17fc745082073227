/* kql/bind_parse.c -- parse, parse-where, parse-kv; see bind.h.
 *
 * A simple pattern becomes a list of (literal, column); a regex pattern becomes one expression with a named group for every
 * column. SPDX-License-Identifier: MIT */
#include "kql/bind.h"

#include <stdio.h>

struct builder {
    struct ml_parse_spec *spec;
    struct ml_cols out; /* the stage's columns */
    uint32_t *place;
    enum ml_type *types;
};

static void add_column(struct ml_binder *b, struct builder *p, struct ml_str name, enum ml_type t)
{
    int32_t k = ml__cols_find(&p->out, name);
    if (k >= 0)
        p->out.at[k].type = t;
    else
        ml__cols_add(b, &p->out, name, t, NULL);
    p->place[p->spec->ncolumns] = (uint32_t)(k >= 0 ? k : (int32_t)p->out.n - 1);
    p->types[p->spec->ncolumns++] = t;
}

static void check_pattern(struct ml_binder *b, const struct ml_node *pattern, bool regex)
{
    for (uint32_t i = 1; i < pattern->n; i++) {
        const struct ml_node *n = pattern->kid[i];
        const struct ml_node *before = pattern->kid[i - 1];
        if (n->kind == ML_N_TYPE && before->kind == ML_N_TYPE &&
            (before->type == ML_T_STRING || regex))
            ml__b_fail(b, n, "KS101", "a literal is needed between two columns");
        if (n->kind == ML_N_STAR && before->kind == ML_N_TYPE && before->type == ML_T_STRING &&
            i + 1 < pattern->n)
            ml__b_fail(b, n, "KS103",
                       "'*' after a string column is ambiguous: put a literal between");
        bool number = before->type == ML_T_INT || before->type == ML_T_LONG ||
                      before->type == ML_T_REAL;
        if (n->kind == ML_N_STAR && before->kind == ML_N_TYPE && before->type != ML_T_STRING &&
            !number && !regex && i + 1 < pattern->n)
            ml__b_fail(b, n, "ML101",
                       "'*' after a %s column is not supported: put a literal between",
                       ml_type_name(before->type));
        if (n->kind == ML_N_LIT && n->val.type != ML_T_STRING)
            ml__b_fail(b, n, "KS005", "a string is needed here");
    }
}

static void simple_items(struct ml_binder *b, const struct ml_node *pattern, struct builder *p)
{
    struct ml_parse_spec *spec = p->spec;
    struct ml_parse_item item = {.column = -1};
    spec->items = ml__b_alloc(b, pattern->n + 1, sizeof *spec->items);
    for (uint32_t i = 0; i < pattern->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = pattern->kid[i];
        if (n->kind == ML_N_STAR) {
            if (item.literal.n != 0) {
                spec->items[spec->n++] = item;
                item = (struct ml_parse_item){.column = -1};
            }
            item.skip = true;
        } else if (n->kind == ML_N_LIT) {
            item.literal = item.literal.n != 0 ? ml__b_join_text(b, item.literal, "", n->val.s)
                                               : n->val.s;
        } else {
            item.column = (int32_t)spec->ncolumns;
            item.type = n->type;
            add_column(b, p, n->text, n->type);
            spec->items[spec->n++] = item;
            item = (struct ml_parse_item){.column = -1};
        }
    }
    if (item.literal.n != 0)
        spec->items[spec->n++] = item;
    spec->lead = pattern->kid[0]->kind == ML_N_STAR;
    spec->tail = pattern->kid[pattern->n - 1]->kind == ML_N_STAR;
}

/* What a typed column matches in regex mode. */
static const char *type_regex(enum ml_type t)
{
    switch (t) {
    case ML_T_INT:
    case ML_T_LONG:
        return "[+-]?\\d+";
    case ML_T_REAL:
    case ML_T_DECIMAL:
        return "[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?";
    case ML_T_BOOL:
        return "(?i:true|false|0|1)";
    default:
        return ".*";
    }
}

static void regex_pattern(struct ml_binder *b, const struct ml_node *pattern, struct builder *p)
{
    struct ml_str text = ML_STR("^");
    for (uint32_t i = 0; i < pattern->n && !ml__b_failed(b); i++) {
        const struct ml_node *n = pattern->kid[i];
        if (n->kind == ML_N_STAR) {
            text = ml__b_join_text(b, text, ".*?", (struct ml_str){NULL, 0});
        } else if (n->kind == ML_N_LIT) {
            text = ml__b_join_text(b, text, "", n->val.s);
        } else {
            char group[24];
            snprintf(group, sizeof group, "(?P<mlc%u>", p->spec->ncolumns);
            text = ml__b_join_text(b, text, group, ml_str_of(type_regex(n->type)));
            text = ml__b_join_text(b, text, ")", (struct ml_str){NULL, 0});
            add_column(b, p, n->text, n->type);
        }
    }
    p->spec->regex = text;
    p->spec->lead = pattern->kid[0]->kind == ML_N_STAR;
    p->spec->tail = pattern->kid[pattern->n - 1]->kind == ML_N_STAR;
}

static uint32_t regex_flags(struct ml_binder *b, const struct ml_node *op)
{
    const struct ml_node *n = ml__b_opt(op, "flags");
    struct ml_str s = n != NULL ? ml__b_word(b, n) : ML_STR("");
    uint32_t flags = 0;
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case 'U':
            flags |= 1;
            break;
        case 'i':
            flags |= 2;
            break;
        case 's':
            flags |= 4;
            break;
        case 'm':
            flags |= 8;
            break;
        default:
            ml__b_fail(b, n, "KS204", "unknown regex flag '%c'", s.p[i]);
        }
    }
    return flags;
}

static void start(struct ml_binder *b, struct builder *p, const struct ml_plan *in,
                  uint32_t columns)
{
    p->spec = ml__b_alloc(b, 1, sizeof *p->spec);
    p->place = ml__b_alloc(b, columns + 1, sizeof *p->place);
    p->types = ml__b_alloc(b, columns + 1, sizeof *p->types);
    for (uint32_t i = 0; i < in->out.n; i++)
        ml__cols_add(b, &p->out, in->out.at[i].name, in->out.at[i].type, NULL);
}

static struct ml_plan *finish(struct ml_binder *b, struct builder *p, struct ml_plan *in,
                              enum ml_plan_kind kind, const struct ml_node *text)
{
    struct ml_plan *plan = ml__b_plan(b, kind, in);
    struct ml_scope s = {.cols = &in->out, .serialized = in->serialized};
    plan->out = ml__cols_schema(&p->out);
    plan->exprs = ml__b_alloc(b, 1, sizeof *plan->exprs);
    plan->exprs[0] = ml__b_cast(b, ml__b_expr(b, text, &s), ML_T_STRING);
    plan->n = 1;
    plan->parse = p->spec;
    p->spec->place = p->place;
    p->spec->types = p->types;
    if (plan->exprs[0]->window)
        ml__b_fail(b, text, "KS146", "a window function cannot be parsed: extend it first");
    return plan;
}

struct ml_plan *ml__bind_parse(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct builder p = {0};
    const struct ml_node *n = ml__b_opt(op, "kind");
    struct ml_str kind = n != NULL ? ml__b_word(b, n) : ML_STR("simple");
    bool regex = ml_str_eq(kind, ML_STR("regex"));
    start(b, &p, in, op->a->n);
    p.spec->relaxed = ml_str_eq(kind, ML_STR("relaxed"));
    if (!regex && !p.spec->relaxed && !ml_str_eq(kind, ML_STR("simple")))
        ml__b_fail(b, n, "KS200", "unknown parse kind '%.*s'", (int)kind.n, kind.p);
    p.spec->drop = ml_str_eq(op->text, ML_STR("parse-where"));
    p.spec->flags = regex_flags(b, op);
    check_pattern(b, op->a, regex);
    if (ml__b_failed(b))
        return in;
    if (regex)
        regex_pattern(b, op->a, &p);
    else
        simple_items(b, op->a, &p);
    return finish(b, &p, in, ML_P_PARSE, op->kid[0]);
}

struct ml_plan *ml__bind_parse_kv(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct builder p = {0};
    static const char *const known[] = {"pair_delimiter", "kv_delimiter", "quote", "escape",
                                        "greedy",         "regex",        NULL};
    start(b, &p, in, op->a->n);
    for (uint32_t i = 0; i < op->nopt; i++) {
        bool ok = false;
        for (const char *const *k = known; *k != NULL; k++)
            ok |= ml_str_eq(op->opt[i]->text, ml_str_of(*k));
        if (!ok)
            ml__b_fail(b, op->opt[i], "KS200", "unknown setting '%.*s'", (int)op->opt[i]->text.n,
                       op->opt[i]->text.p);
    }
    const struct ml_node *n;
    p.spec->pair = (n = ml__b_opt(op, "pair_delimiter")) != NULL ? ml__b_string(b, n) : ML_STR("");
    p.spec->kv = (n = ml__b_opt(op, "kv_delimiter")) != NULL ? ml__b_string(b, n) : ML_STR("");
    p.spec->escape = (n = ml__b_opt(op, "escape")) != NULL ? ml__b_string(b, n) : ML_STR("");
    p.spec->regex = (n = ml__b_opt(op, "regex")) != NULL ? ml__b_string(b, n) : ML_STR("");
    p.spec->is_greedy = (n = ml__b_opt(op, "greedy")) != NULL && ml__b_bool(b, n);
    struct ml_str quote = (n = ml__b_opt(op, "quote")) != NULL ? ml__b_string(b, n) : ML_STR("");
    if (quote.n > 0) {
        p.spec->quote_open = (struct ml_str){quote.p, 1};
        p.spec->quote_close = (struct ml_str){quote.p + quote.n - 1, 1};
    }
    if (p.spec->pair.n == 0 && p.spec->regex.n == 0)
        p.spec->pair = ML_STR(" ");
    if (p.spec->kv.n == 0)
        p.spec->kv = ML_STR("=");
    struct ml_str *keys = ml__b_alloc(b, op->a->n, sizeof *keys);
    for (uint32_t i = 0; i < op->a->n && !ml__b_failed(b); i++) {
        const struct ml_node *k = op->a->kid[i];
        if (ml__cols_find(&p.out, k->text) >= 0)
            ml__b_fail(b, k, "KS171", "there is a column '%.*s' already", (int)k->text.n,
                       k->text.p);
        keys[i] = k->text;
        add_column(b, &p, k->text, k->type);
    }
    p.spec->keys = keys;
    return finish(b, &p, in, ML_P_PARSE_KV, op->kid[0]);
}
