/* kql/sql_parse.c -- parse and parse-where; see sql.h and exec_parse.c.
 *
 * A simple pattern is a chain of finds within one SELECT: for each literal its place in what is left of the text, and the rest
 * behind it. No regular expression. A SELECT around it takes the pieces where all literals were found.
 * SPDX-License-Identifier: MIT */
#include "kql/sql.h"

#include "kql/regex.h"

struct chain {
    struct ml_buf list; /* of the inner SELECT */
    struct ml_buf ok;   /* the whole pattern fits */
    struct ml_str *captures;
};

static void add(struct chain *c, struct ml_str sql, struct ml_str as)
{
    ml_buf_printf(&c->list, ", %.*s AS %.*s", ML_SQL(sql), ML_SQL(as));
}

static void condition(struct chain *c, struct ml_str sql)
{
    ml_buf_printf(&c->ok, "%s%.*s", c->ok.n > 0 ? " AND " : "", ML_SQL(sql));
}

static struct ml_str literal(struct ml_sql *s, struct ml_str text)
{
    struct ml_buf b = {0};
    ml__sql_string(&b, text);
    return ml__sql_keep(s, &b);
}

/* One literal and the column behind it; *rest is what is left of the text. */
static void step(struct ml_sql *s, const struct ml_parse_spec *spec, uint32_t i, int32_t *open,
                 struct ml_str *rest, struct chain *c)
{
    const struct ml_parse_item *item = &spec->items[i];
    size_t n = item->literal.n;
    struct ml_str text = *rest;
    if (n > 0 && i == 0 && !item->skip) { /* must stand at the start */
        condition(c, ml__sql_printf(s, "startsWith(%.*s, %.*s)", ML_SQL(text),
                                    ML_SQL(literal(s, item->literal))));
        *rest = ml__sql_new_name(s, ML_STR("rest"));
        add(c, ml__sql_printf(s, "substring(%.*s, %zu)", ML_SQL(text), n + 1), *rest);
    } else if (n > 0) {
        struct ml_str at = ml__sql_new_name(s, ML_STR("at"));
        add(c,
            ml__sql_printf(s, "position(%.*s, %.*s)", ML_SQL(text),
                           ML_SQL(literal(s, item->literal))),
            at);
        condition(c, ml__sql_printf(s, "%.*s > 0", ML_SQL(at)));
        if (*open >= 0)
            c->captures[*open] = ml__sql_printf(s, "substring(%.*s, 1, greatest(%.*s, 1) - 1)",
                                                ML_SQL(text), ML_SQL(at));
        *rest = ml__sql_new_name(s, ML_STR("rest"));
        add(c, ml__sql_printf(s, "substring(%.*s, %.*s + %zu)", ML_SQL(text), ML_SQL(at), n),
            *rest);
    }
    *open = item->column;
}

/* False: the pattern needs more than finds. */
static bool is_chain(const struct ml_parse_spec *spec)
{
    for (uint32_t i = 0; i < spec->n; i++) {
        const struct ml_parse_item *item = &spec->items[i];
        bool typed = i > 0 && spec->items[i - 1].column >= 0 &&
                     spec->items[i - 1].type != ML_T_STRING;
        if ((typed && item->skip) || (i > 0 && item->literal.n == 0))
            return false;
    }
    const struct ml_parse_item *last = spec->n > 0 ? &spec->items[spec->n - 1] : NULL;
    return last == NULL || !spec->tail || last->column < 0 || last->type == ML_T_STRING;
}

static void simple(struct ml_sql *s, const struct ml_plan *p, struct ml_str text, struct chain *c)
{
    const struct ml_parse_spec *spec = p->parse;
    struct ml_str rest = ml__sql_new_name(s, ML_STR("text"));
    int32_t open = -1;
    add(c, text, rest);
    if (!is_chain(spec))
        ml__sql_refuse(s, p->exprs[0]->node,
                       "a pattern with a typed column and no literal behind it");
    for (uint32_t i = 0; i < spec->n && !ml__sql_failed(s); i++)
        step(s, spec, i, &open, &rest, c);
    if (open >= 0)
        c->captures[open] = rest;
    else if (!spec->tail && spec->n > 0)
        condition(c, ml__sql_printf(s, "empty(%.*s)", ML_SQL(rest)));
}

/* kind=regex: the groups of the first match. */
static void regex(struct ml_sql *s, const struct ml_plan *p, struct ml_str text, struct chain *c)
{
    const struct ml_parse_spec *spec = p->parse;
    struct ml_regex *compiled = NULL;
    struct ml_buf b = {0};
    struct ml_error err;
    bool ascii = false;
    const struct ml_node *at = p->exprs[0]->node;
    if (ml__sql_too_old(s, at, "'parse' with regular expressions"))
        return;
    if (ml_regex_new(spec->regex, spec->flags, &compiled, &err) != ML_OK) {
        ml__rt_regex(s->rt, at, &err);
        return;
    }
    ml__sql_regex(s, at, spec->regex, spec->flags, &b, &ascii);
    struct ml_str re = ml__sql_keep(s, &b);
    struct ml_str groups = ml__sql_new_name(s, ML_STR("groups"));
    struct ml_str source = ml__sql_new_name(s, ML_STR("text"));
    add(c, ascii ? ml__sql_ascii(s, at, text, "'parse' by a regular expression") : text, source);
    add(c, ml__sql_printf(s, "extractGroups(%.*s, %.*s)", ML_SQL(source), ML_SQL(re)), groups);
    condition(c, ml__sql_printf(s, "match(%.*s, %.*s)", ML_SQL(source), ML_SQL(re)));
    for (uint32_t i = 0; i < spec->ncolumns; i++) {
        char name[24];
        snprintf(name, sizeof name, "mlc%u", i);
        c->captures[i] = ml__sql_printf(s, "arrayElement(%.*s, %u)", ML_SQL(groups),
                                        ml_regex_group(compiled, ml_str_of(name)));
    }
    ml_regex_free(compiled);
}

/* The relation with the chain's columns beside the input's. */
static struct ml_sql_rel inner(struct ml_sql *s, const struct ml_plan *p,
                               const struct ml_sql_rel *in, struct chain *c)
{
    struct ml_str tail = ml__sql_keep(s, &c->list);
    struct ml_sql_rel from = *in;
    struct ml_sql_col *cols = ml__sql_cols(s, in->n + 1);
    if (cols == NULL)
        return *in;
    memcpy(cols, in->cols, in->n * sizeof *cols);
    for (uint32_t i = 0; i < in->n; i++) /* columns that are replaced are not carried */
        if (p->in[0]->need != NULL && !p->in[0]->need[i])
            cols[i] = ml__sql_null(s, cols[i].type);
    /* The chain stands in the list of the SELECT before a column of its own. */
    cols[in->n] = ml__sql_made(ML_T_BOOL, false,
                               ml__sql_printf(s, "%.*s, toUInt8(1)", (int)tail.n - 2, tail.p + 2));
    struct ml_field *fields = ml_arena_alloc(s->rt->arena, in->n + 1u, sizeof *fields);
    if (fields == NULL)
        return ml__rt_nomem(s->rt), *in;
    memcpy(fields, p->in[0]->out.at, in->n * sizeof *fields);
    fields[in->n].name = ML_STR("c");
    struct ml_schema names = {fields, in->n + 1};
    struct ml_sql_rel r = ml__sql_select(s, &from, &names, cols, in->n + 1, "");
    r.n = in->n;
    return r;
}

struct ml_sql_rel ml__sql_parse(struct ml_sql *s, const struct ml_plan *p)
{
    const struct ml_parse_spec *spec = p->parse;
    struct ml_sql_rel in = ml__sql_stage(s, p->in[0]);
    struct chain c = {
        .captures = ml_arena_alloc(s->rt->arena, (size_t)spec->ncolumns + 1, sizeof *c.captures)};
    struct ml_sql_col *cols = ml__sql_cols(s, p->out.n);
    if (ml__sql_failed(s) || c.captures == NULL || cols == NULL)
        return in;
    struct ml_str text = ml__sql_expr(s, p->exprs[0], &in).sql;
    if (spec->regex.n > 0)
        regex(s, p, text, &c);
    else
        simple(s, p, text, &c);
    struct ml_sql_rel r = inner(s, p, &in, &c);
    memcpy(cols, r.cols, in.n * sizeof *cols);
    for (uint32_t i = 0; i < spec->ncolumns && !ml__sql_failed(s); i++) {
        struct ml_sql_col x = {c.captures[i], ML_T_STRING, false};
        x = ml__sql_cast(s, p->exprs[0]->node, x, spec->types[i]);
        if (spec->types[i] == ML_T_DYNAMIC)
            ml__sql_refuse(s, p->exprs[0]->node, "'parse' into a dynamic column");
        if (x.null && !spec->relaxed)
            condition(&c, ml__sql_printf(s, "isNotNull(%.*s)", ML_SQL(x.sql)));
        cols[spec->place[i]] = x;
    }
    struct ml_str ok = c.ok.n > 0 ? ml__sql_keep(s, &c.ok) : ML_STR("1");
    if (spec->drop)
        r.where = ok;
    for (uint32_t i = 0; i < spec->ncolumns && !ml__sql_failed(s) && !spec->drop; i++) {
        struct ml_sql_col *x = &cols[spec->place[i]];
        bool is_text = x->type == ML_T_STRING;
        x->sql = ml__sql_printf(s, "if(%.*s, %.*s, %s)", ML_SQL(ok), ML_SQL(x->sql),
                                is_text ? "''" : "NULL");
        x->null = !is_text;
    }
    return ml__sql_select(s, &r, &p->out, cols, p->out.n, "");
}
