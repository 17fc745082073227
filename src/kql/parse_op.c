/* kql/parse_op.c -- the tabular operators; see parse.h.
 *
 * Each rule fills an OP node: text is the canonical name, opt its settings (kind=inner), kids its main list,
 * a, b, c further parts:
 *
 *   where              kids: predicate            | sort               kids: KEY
 *   project*, extend,  kids: named expressions    | top                kids: count, KEY...
 *   serialize, print   likewise                   | top-hitters        kids: count, expression; a: by
 *   summarize          kids: aggregates; a: by    | join, lookup       kids: right; a: LIST of conditions
 *   union              kids: tables               | mv-expand          kids: ASSIGN (a: TYPEOF); a: limit
 *   parse              kids: expression; a: pattern (LIT, STAR, TYPE)
 *   parse-kv           kids: expression; a: schema; opt
 *   mv-apply           as mv-expand; b: sub-query | partition          kids: key; b: sub-query
 *   make-series        kids: aggregates (a: default); a: axis; b: LIST(from, to, step); c: by
 *   top-nested         kids: one LIST a level: (n, of, by), a: others
 *   scan               a: declarations; b: order by; kids: steps (text; a: condition; kids: ASSIGN; opt)
 *   search, find       kids: predicate; a: LIST of tables; b: projection
 *   range              text of a: the column; kids: from, to, step
 *   render             val: kind
 * SPDX-License-Identifier: MIT */
#include "kql/parse.h"

#include "base/near.h"
#include "kql/advice.h"

static struct ml_node *op_node(struct ml_parser *p, const char *name, uint32_t pos)
{
    struct ml_node *n = ml__p_node(p, ML_N_OP, pos);
    n->text = ml_str_of(name);
    return n;
}

/* A word, or a literal. A parenthesis after a word is the operand that follows: kind=inner (T). */
static struct ml_node *setting_value(struct ml_parser *p)
{
    struct ml_node *n;
    if (p->tok.kind != ML_TOK_NAME)
        return ml__p_unary(p);
    if (ml__p_is(p, "true") || ml__p_is(p, "false")) {
        n = ml__p_node(p, ML_N_LIT, p->tok.pos);
        n->type = ML_T_BOOL;
        n->val = ml_val_bool(ml__p_take(p, "true"));
        if (n->val.i == 0)
            ml__p_next(p);
        return n;
    }
    if (ml__p_typed_literal(p, &n))
        return n;
    n = ml__p_node(p, ML_N_NAME, p->tok.pos);
    n->text = ml__p_name(p);
    return n;
}

/* name[.name]=value; false: something else follows. */
static bool setting(struct ml_parser *p, struct ml_node *n)
{
    if (p->tok.kind != ML_TOK_NAME)
        return false;
    struct ml_token start = p->tok;
    uint32_t end = p->tok.pos + p->tok.len;
    ml__p_next(p);
    while (ml__p_is(p, ".")) {
        ml__p_next(p);
        end = p->tok.pos + p->tok.len;
        ml__p_next(p);
    }
    if (!ml__p_take(p, "=")) {
        ml__p_back(p, &start);
        return false;
    }
    struct ml_node *o = ml__p_node(p, ML_N_ASSIGN, start.pos);
    o->text = (struct ml_str){start.text.p, end - start.pos};
    ml__p_add(p, o, setting_value(p));
    ml__p_add_opt(p, n, o);
    return true;
}

/* kind=inner, hint.strategy=shuffle, withsource=t, ... */
static void settings(struct ml_parser *p, struct ml_node *n)
{
    while (setting(p, n))
        ;
}

/* Only hint.x=y: elsewhere `name =` starts a column. */
static void hints(struct ml_parser *p, struct ml_node *n)
{
    while (ml__p_is(p, "hint")) {
        struct ml_token after = ml__p_peek(p);
        if (!ml_token_is(&after, ".") || !setting(p, n))
            return;
    }
}

static struct ml_node *expr_list(struct ml_parser *p)
{
    struct ml_node *list = ml__p_node(p, ML_N_LIST, p->tok.pos);
    do {
        ml__p_add(p, list, ml__p_expr(p));
    } while (ml__p_take(p, ","));
    return list;
}

static struct ml_node *sort_key(struct ml_parser *p)
{
    struct ml_node *k = ml__p_node(p, ML_N_KEY, p->tok.pos);
    ml__p_add(p, k, ml__p_named_expr(p));
    if (ml__p_take(p, "asc"))
        k->flags |= ML_F_ASC;
    else if (ml__p_take(p, "desc"))
        k->flags |= ML_F_DESC;
    if (ml__p_take(p, "nulls")) {
        if (ml__p_take(p, "first"))
            k->flags |= ML_F_NULLS_FIRST;
        else if (ml__p_want(p, "last"))
            k->flags |= ML_F_NULLS_LAST;
    }
    return k;
}

static void sort_keys(struct ml_parser *p, struct ml_node *n)
{
    do {
        ml__p_add(p, n, sort_key(p));
    } while (ml__p_take(p, ","));
}

static void rule_where(struct ml_parser *p, struct ml_node *n)
{
    hints(p, n);
    ml__p_add(p, n, ml__p_expr(p));
}

static void rule_named(struct ml_parser *p, struct ml_node *n)
{
    hints(p, n);
    if (p->tok.kind == ML_TOK_END || ml__p_is(p, "|") || ml__p_is(p, ")") || ml__p_is(p, ";"))
        return;
    do {
        ml__p_add(p, n, ml__p_named_expr(p));
    } while (ml__p_take(p, ","));
}

static void rule_distinct(struct ml_parser *p, struct ml_node *n)
{
    rule_named(p, n);
    if (n->n == 0)
        ml__p_expected(p, "a column or '*'");
}

static void rule_names(struct ml_parser *p, struct ml_node *n)
{
    p->wild = true;
    do {
        struct ml_node *name = ml__p_named_expr(p);
        if (ml__p_take(p, "asc"))
            name->flags |= ML_F_ASC;
        else if (ml__p_take(p, "desc"))
            name->flags |= ML_F_DESC;
        ml__p_add(p, n, name);
    } while (ml__p_take(p, ","));
    p->wild = false;
}

static void rule_summarize(struct ml_parser *p, struct ml_node *n)
{
    hints(p, n);
    if (!ml__p_is(p, "by"))
        rule_named(p, n);
    if (ml__p_take(p, "by"))
        n->a = ml__p_named_list(p);
}

static void rule_sort(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    if (ml__p_want(p, "by"))
        sort_keys(p, n);
}

static void rule_count_only(struct ml_parser *p, struct ml_node *n)
{
    ml__p_add(p, n, ml__p_expr(p));
}

static void rule_top(struct ml_parser *p, struct ml_node *n)
{
    ml__p_add(p, n, ml__p_expr(p));
    if (ml__p_want(p, "by"))
        sort_keys(p, n);
}

static void rule_of(struct ml_parser *p, struct ml_node *n)
{
    ml__p_add(p, n, ml__p_expr(p));
    ml__p_want(p, "of");
    ml__p_add(p, n, ml__p_named_expr(p));
    if (ml__p_take(p, "by"))
        n->a = ml__p_expr(p);
}

static void rule_count(struct ml_parser *p, struct ml_node *n)
{
    if (ml__p_take(p, "as"))
        n->a = ml__p_named_expr(p);
}

static void rule_none(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
}

static void rule_as(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    n->a = ml__p_node(p, ML_N_NAME, p->tok.pos);
    n->a->text = ml__p_name(p);
}

/* A table as an operand: a name (with wildcards), a call, or a pipe in parentheses. */
static struct ml_node *table_operand(struct ml_parser *p)
{
    if (!ml__p_is(p, "(") && p->tok.kind != ML_TOK_NAME && !ml__p_is(p, "[") && !ml__p_is(p, "*"))
        return ml__p_expected(p, "a table");
    bool before = p->wild;
    p->wild = !ml__p_is(p, "(");
    struct ml_node *n = ml__p_unary(p);
    p->wild = before;
    return n;
}

static void rule_join(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    ml__p_add(p, n, table_operand(p));
    if (ml__p_want(p, "on"))
        n->a = expr_list(p);
}

static void rule_union(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    do {
        ml__p_add(p, n, table_operand(p));
    } while (ml__p_take(p, ","));
}

/* `with "lit" col:type ... ` after the expression. */
static void rule_parse(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    ml__p_add(p, n, ml__p_expr(p));
    ml__p_want(p, "with");
    n->a = ml__p_node(p, ML_N_LIST, p->tok.pos);
    while (p->tok.kind != ML_TOK_END && !ml__p_is(p, "|") && !ml__p_is(p, ")") &&
           !ml__p_is(p, ";") && !ml__p_is(p, "}")) {
        uint32_t pos = p->tok.pos;
        struct ml_node *item;
        if (ml__p_take(p, "*")) {
            item = ml__p_node(p, ML_N_STAR, pos);
        } else if (p->tok.kind == ML_TOK_LITERAL) {
            struct ml_token t = p->tok;
            ml__p_next(p);
            item = ml__p_node(p, ML_N_LIT, pos);
            item->val = t.val;
            item->type = t.val.type;
        } else {
            item = ml__p_node(p, ML_N_TYPE, pos);
            item->text = ml__p_name(p);
            item->type = ML_T_STRING;
            enum ml_type type = ML_T_NONE;
            if (ml__p_take(p, ":")) {
                if (p->tok.kind != ML_TOK_NAME || !ml_type_find(p->tok.text, &type)) {
                    ml__p_expected(p, "a type");
                    return;
                }
                item->type = (uint8_t)type;
                ml__p_next(p);
            }
        }
        ml__p_add(p, n->a, item);
    }
    if (n->a->n == 0)
        ml__p_expected(p, "a pattern");
}

static void rule_parse_kv(struct ml_parser *p, struct ml_node *n)
{
    ml__p_add(p, n, ml__p_expr(p));
    ml__p_want(p, "as");
    n->a = ml__p_schema(p, false);
    if (!ml__p_take(p, "with"))
        return;
    ml__p_want(p, "(");
    do {
        settings(p, n);
    } while (ml__p_take(p, ","));
    ml__p_want(p, ")");
}

static void expand_items(struct ml_parser *p, struct ml_node *n)
{
    while (p->tok.kind == ML_TOK_NAME &&
           (ml__p_is(p, "kind") || ml__p_is(p, "bagexpansion") || ml__p_is(p, "with_itemindex"))) {
        struct ml_token start = p->tok;
        struct ml_token after = ml__p_peek(p);
        if (!ml_token_is(&after, "="))
            break;
        ml__p_next(p);
        ml__p_next(p);
        struct ml_node *o = ml__p_node(p, ML_N_ASSIGN, start.pos);
        o->text = start.text;
        struct ml_node *value = ml__p_node(p, ML_N_NAME, p->tok.pos);
        value->text = ml__p_name(p);
        ml__p_add(p, o, value);
        ml__p_add_opt(p, n, o);
    }
    do {
        struct ml_node *item = ml__p_named_expr(p);
        if (item->kind != ML_N_ASSIGN) {
            struct ml_node *named = ml__p_node(p, ML_N_ASSIGN, item->pos);
            ml__p_add(p, named, item);
            item = named;
        }
        if (ml__p_take(p, "to"))
            item->a = ml__p_typeof(p);
        ml__p_add(p, n, item);
    } while (ml__p_take(p, ","));
    if (ml__p_take(p, "limit"))
        n->a = ml__p_expr(p);
}

static void rule_mv_expand(struct ml_parser *p, struct ml_node *n)
{
    expand_items(p, n);
}

static void rule_mv_apply(struct ml_parser *p, struct ml_node *n)
{
    expand_items(p, n);
    if (ml__p_want(p, "on"))
        n->b = ml__p_subquery(p);
}

static void rule_partition(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    ml__p_want(p, "by");
    struct ml_node *key = ml__p_node(p, ML_N_NAME,
                                     p->tok.pos); /* no expression: a parenthesis follows */
    key->text = ml__p_name(p);
    ml__p_add(p, n, key);
    if (ml__p_is(p, "{")) {
        ml__p_fail(p, "ML101", "'partition' with braces is not supported: use parentheses");
        return;
    }
    n->b = ml__p_subquery(p);
}

static void rule_make_series(struct ml_parser *p, struct ml_node *n)
{
    hints(p, n);
    if (ml__p_is(p, "kind"))
        settings(p, n);
    do {
        struct ml_node *agg = ml__p_named_expr(p);
        if (ml__p_take(p, "default")) {
            ml__p_want(p, "=");
            agg->a = ml__p_expr(p);
        }
        ml__p_add(p, n, agg);
    } while (ml__p_take(p, ","));
    ml__p_want(p, "on");
    n->a = ml__p_named_expr(p);
    n->b = ml__p_node(p, ML_N_LIST, p->tok.pos);
    struct ml_node *from = NULL;
    struct ml_node *to = NULL;
    struct ml_node *step = NULL;
    if (ml__p_take(p, "in")) {
        ml__p_want(p, "range");
        ml__p_want(p, "(");
        from = ml__p_expr(p);
        ml__p_want(p, ",");
        to = ml__p_expr(p);
        ml__p_want(p, ",");
        step = ml__p_expr(p);
        ml__p_want(p, ")");
        n->flags |= ML_F_LITERAL_PAREN; /* the old form: `to` is included */
    } else {
        if (ml__p_take(p, "from"))
            from = ml__p_expr(p);
        if (ml__p_take(p, "to"))
            to = ml__p_expr(p);
        if (ml__p_want(p, "step"))
            step = ml__p_expr(p);
    }
    ml__p_add(p, n->b, from);
    ml__p_add(p, n->b, to);
    ml__p_add(p, n->b, step);
    if (ml__p_take(p, "by"))
        n->c = ml__p_named_list(p);
}

static void rule_top_nested(struct ml_parser *p, struct ml_node *n)
{
    do {
        if (n->n > 0) { /* "top-nested" again before the next level */
            ml__p_want(p, "top");
            ml__p_want(p, "-");
            ml__p_want(p, "nested");
        }
        struct ml_node *level = ml__p_node(p, ML_N_LIST, p->tok.pos);
        ml__p_add(p, level, ml__p_is(p, "of") ? NULL : ml__p_expr(p));
        ml__p_want(p, "of");
        ml__p_add(p, level, ml__p_named_expr(p));
        if (ml__p_take(p, "with")) {
            ml__p_want(p, "others");
            ml__p_want(p, "=");
            level->a = ml__p_expr(p);
        }
        ml__p_want(p, "by");
        ml__p_add(p, level, ml__p_named_expr(p));
        if (ml__p_take(p, "asc"))
            level->flags |= ML_F_ASC;
        else if (ml__p_take(p, "desc"))
            level->flags |= ML_F_DESC;
        ml__p_add(p, n, level);
    } while (ml__p_take(p, ","));
}

static struct ml_node *scan_step(struct ml_parser *p)
{
    struct ml_node *step = ml__p_node(p, ML_N_OP, p->tok.pos);
    ml__p_want(p, "step");
    step->text = ml__p_name(p);
    if (ml__p_take(p, "optional"))
        step->flags |= ML_F_VIEW;
    if (ml__p_is(p, "output"))
        settings(p, step);
    ml__p_want(p, ":");
    step->a = ml__p_expr(p);
    if (ml__p_take(p, "=>"))
        do {
            ml__p_add(p, step, ml__p_named_expr(p));
        } while (ml__p_take(p, ","));
    return step;
}

static void rule_scan(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    if (ml__p_take(p, "order")) {
        ml__p_want(p, "by");
        n->b = ml__p_node(p, ML_N_LIST, p->tok.pos);
        sort_keys(p, n->b);
    }
    if (ml__p_take(p, "partition")) {
        ml__p_fail(p, "ML101", "'scan' with 'partition by' is not supported");
        return;
    }
    if (ml__p_take(p, "declare"))
        n->a = ml__p_schema(p, true);
    ml__p_want(p, "with");
    ml__p_want(p, "(");
    while (ml__p_is(p, "step")) {
        ml__p_add(p, n, scan_step(p));
        if (!ml__p_take(p, ";"))
            break;
    }
    ml__p_want(p, ")");
}

/* name[:type], ... */
static struct ml_node *find_columns(struct ml_parser *p)
{
    struct ml_node *list = ml__p_node(p, ML_N_LIST, p->tok.pos);
    do {
        struct ml_token after = ml__p_peek(p);
        if (ml_token_is(&after, "("))
            return ml__p_fail(p, "ML101", "packed columns in 'find' are not supported");
        struct ml_node *column = ml__p_node(p, ML_N_TYPE, p->tok.pos);
        enum ml_type type = ML_T_NONE;
        column->text = ml__p_name(p);
        if (ml__p_take(p, ":")) {
            if (p->tok.kind != ML_TOK_NAME || !ml_type_find(p->tok.text, &type))
                return ml__p_expected(p, "a type");
            ml__p_next(p);
        }
        column->type = (uint8_t)type;
        ml__p_add(p, list, column);
    } while (ml__p_take(p, ","));
    return list;
}

static void rule_search(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    if (ml__p_take(p, "in")) {
        n->a = ml__p_node(p, ML_N_LIST, p->tok.pos);
        ml__p_want(p, "(");
        do {
            ml__p_add(p, n->a, table_operand(p));
        } while (ml__p_take(p, ","));
        ml__p_want(p, ")");
    }
    bool find = ml_str_eq(n->text, ML_STR("find"));
    if (find)
        ml__p_take(p, "where");
    bool colon = p->colon;
    p->colon = true;
    ml__p_add(p, n, ml__p_expr(p));
    p->colon = colon;
    if (find && (ml__p_take(p, "project")))
        n->b = find_columns(p);
}

static void rule_evaluate(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    struct ml_node *call = ml__p_unary(p);
    if (call->kind != ML_N_CALL && !ml_diag_is_set(p->lex.diag))
        ml__p_expected(p, "a plugin");
    ml__p_add(p, n, call);
    if (ml__p_take(p, ":")) {
        if (ml__p_is(p, "(")) {
            struct ml_parser probe = *p;
            ml__p_next(&probe);
            if (ml__p_is(&probe, "*")) { /* (*, a:long): the rest of the input, then these */
                ml__p_next(p);
                ml__p_next(p);
                n->flags |= ML_F_VIEW;
                p->tok.text = ML_STR("(");
                p->tok.kind = ML_TOK_SIGN;
            }
        }
        n->a = ml__p_schema(p, false);
    }
}

static void rule_render(struct ml_parser *p, struct ml_node *n)
{
    n->a = ml__p_node(p, ML_N_NAME, p->tok.pos);
    n->a->text = ml__p_name(p);
    if (ml__p_take(p, "with")) {
        ml__p_want(p, "(");
        do {
            struct ml_node *o = ml__p_node(p, ML_N_ASSIGN, p->tok.pos);
            o->text = ml__p_name(p);
            ml__p_want(p, "=");
            do { /* ycolumns=a, b */
                ml__p_add(p, o, ml__p_unary(p));
                struct ml_token after = ml__p_peek(p);
                if (!ml__p_is(p, ",") || after.kind != ML_TOK_NAME)
                    break;
                struct ml_parser probe = *p;
                ml__p_next(&probe);
                struct ml_token equals = ml__p_peek(&probe);
                if (ml_token_is(&equals, "="))
                    break;
                ml__p_next(p);
            } while (p->tok.kind != ML_TOK_END);
            ml__p_add_opt(p, n, o);
        } while (ml__p_take(p, ","));
        ml__p_want(p, ")");
        return;
    }
    settings(p, n); /* the old form: render timechart title="x" */
}

static void rule_reduce(struct ml_parser *p, struct ml_node *n)
{
    settings(p, n);
    ml__p_want(p, "by");
    ml__p_add(p, n, ml__p_named_expr(p));
    if (ml__p_take(p, "with"))
        do {
            settings(p, n);
        } while (ml__p_take(p, ","));
}

static void rule_fork(struct ml_parser *p, struct ml_node *n)
{
    while (ml__p_is(p, "(") || p->tok.kind == ML_TOK_NAME) {
        struct ml_str name = {NULL, 0};
        if (p->tok.kind == ML_TOK_NAME) {
            name = ml__p_name(p);
            ml__p_want(p, "=");
        }
        struct ml_node *leg = ml__p_subquery(p);
        leg->text = name;
        ml__p_add(p, n, leg);
    }
    if (n->n == 0)
        ml__p_expected(p, "'('");
}

static void rule_facet(struct ml_parser *p, struct ml_node *n)
{
    ml__p_want(p, "by");
    rule_named(p, n);
    if (ml__p_take(p, "with"))
        n->b = ml__p_subquery(p);
}

static void rule_invoke(struct ml_parser *p, struct ml_node *n)
{
    ml__p_add(p, n, ml__p_unary(p));
}

static void rule_range(struct ml_parser *p, struct ml_node *n)
{
    n->a = ml__p_node(p, ML_N_NAME, p->tok.pos);
    n->a->text = ml__p_name(p);
    ml__p_want(p, "from");
    ml__p_add(p, n, ml__p_expr(p));
    ml__p_want(p, "to");
    ml__p_add(p, n, ml__p_expr(p));
    ml__p_want(p, "step");
    ml__p_add(p, n, ml__p_expr(p));
}

static const struct {
    const char *word; /* as written */
    const char *name; /* canonical */
    void (*rule)(struct ml_parser *p, struct ml_node *n);
} rules[] = {
    {"where", "where", rule_where},
    {"filter", "where", rule_where},
    {"project", "project", rule_named},
    {"extend", "extend", rule_named},
    {"serialize", "serialize", rule_named},
    {"project-away", "project-away", rule_names},
    {"project-keep", "project-keep", rule_names},
    {"project-rename", "project-rename", rule_names},
    {"project-reorder", "project-reorder", rule_names},
    {"project-by-names", "project-by-names", rule_names},
    {"summarize", "summarize", rule_summarize},
    {"sort", "sort", rule_sort},
    {"order", "sort", rule_sort},
    {"take", "take", rule_count_only},
    {"limit", "take", rule_count_only},
    {"sample", "sample", rule_count_only},
    {"top", "top", rule_top},
    {"top-hitters", "top-hitters", rule_of},
    {"sample-distinct", "sample-distinct", rule_of},
    {"top-nested", "top-nested", rule_top_nested},
    {"count", "count", rule_count},
    {"distinct", "distinct", rule_distinct},
    {"union", "union", rule_union},
    {"join", "join", rule_join},
    {"lookup", "lookup", rule_join},
    {"parse", "parse", rule_parse},
    {"parse-where", "parse-where", rule_parse},
    {"parse-kv", "parse-kv", rule_parse_kv},
    {"mv-expand", "mv-expand", rule_mv_expand},
    {"mvexpand", "mv-expand", rule_mv_expand},
    {"mv-apply", "mv-apply", rule_mv_apply},
    {"mvapply", "mv-apply", rule_mv_apply},
    {"make-series", "make-series", rule_make_series},
    {"partition", "partition", rule_partition},
    {"scan", "scan", rule_scan},
    {"search", "search", rule_search},
    {"find", "find", rule_search},
    {"evaluate", "evaluate", rule_evaluate},
    {"render", "render", rule_render},
    {"reduce", "reduce", rule_reduce},
    {"fork", "fork", rule_fork},
    {"facet", "facet", rule_facet},
    {"invoke", "invoke", rule_invoke},
    {"as", "as", rule_as},
    {"getschema", "getschema", rule_none},
    {"consume", "consume", rule_none},
};

enum { RULES = sizeof rules / sizeof rules[0] };

/* Known, and out of scope: refused by name. */
static const char *const refused[] = {
    "graph-match",
    "make-graph",
    "graph-to-table",
    "graph-shortest-paths",
    "graph-mark-components",
    "graph-where-edges",
    "graph-where-nodes",
    "macro-expand",
    "execute-and-cache",
    "assert-schema",
    "execute_and_cache",
    "externaldata",
    "external_table",
    "graph",
    NULL,
};

/* The operator's name at the current token, hyphens joined; `last` is its last token. */
static struct ml_str word_at(struct ml_parser *p, struct ml_token *last)
{
    struct ml_parser probe = *p;
    struct ml_diag quiet = {0};
    probe.lex.diag = &quiet;
    uint32_t end = p->tok.pos + p->tok.len;
    *last = p->tok;
    for (;;) {
        ml__p_next(&probe);
        if (!ml__p_is(&probe, "-") || probe.tok.pos != end)
            break;
        ml__p_next(&probe);
        if (probe.tok.kind != ML_TOK_NAME || probe.tok.pos != end + 1)
            break;
        end = probe.tok.pos + probe.tok.len;
        *last = probe.tok;
    }
    return (struct ml_str){p->tok.text.p, end - p->tok.pos};
}

static struct ml_node *no_operator(struct ml_parser *p)
{
    bool bar = ml__p_is(p, "|");
    ml__p_expected(p, "an operator");
    if (bar)
        ml_diag_hint(p->lex.diag, "%s", ml__advice_operator(ML_STR("|")));
    return &p->dummy;
}

static struct ml_node *unknown(struct ml_parser *p, struct ml_str word)
{
    uint32_t pos = p->tok.pos;
    for (const char *const *r = refused; *r != NULL; r++)
        if (ml_str_eq(word, ml_str_of(*r))) {
            ml_diag_set(p->lex.diag, "ML101", pos, (uint32_t)word.n,
                        "operator '%s' is not supported", *r);
            return ml__p_fail(p, "ML101", "");
        }
    struct ml_near near = {.wanted = word};
    for (size_t i = 0; i < RULES; i++)
        ml_near_try(&near, ml_str_of(rules[i].word));
    ml_diag_set(p->lex.diag, "KS176", pos, (uint32_t)word.n, "unknown operator '%.*s'",
                (int)(word.n < 60 ? word.n : 60), word.p);
    const char *hint = ml__advice_operator(word);
    if (hint != NULL)
        ml_diag_hint(p->lex.diag, "%s", hint);
    else if (near.best.p != NULL)
        ml_diag_hint(p->lex.diag, "did you mean '%.*s'?", (int)near.best.n, near.best.p);
    return ml__p_fail(p, "KS176", "");
}

static struct ml_node *apply(struct ml_parser *p, size_t i, const struct ml_token *last)
{
    uint32_t pos = p->tok.pos;
    ml__p_back(p, last);
    ml__p_next(p);
    struct ml_node *n = op_node(p, rules[i].name, pos);
    n->len = p->last - pos; /* errors about the operator point at its word */
    uint32_t len = n->len;
    rules[i].rule(p, n);
    n->len = len;
    return n;
}

struct ml_node *ml__p_op(struct ml_parser *p)
{
    struct ml_token last;
    if (p->tok.kind != ML_TOK_NAME)
        return no_operator(p);
    struct ml_str word = word_at(p, &last);
    for (size_t i = 0; i < RULES; i++)
        if (ml_str_eq(word, ml_str_of(rules[i].word)))
            return apply(p, i, &last);
    return unknown(p, word);
}

struct ml_node *ml__p_source_op(struct ml_parser *p)
{
    static const char *const starts[] = {"union", "search", "find", "evaluate", NULL};
    if (p->tok.kind != ML_TOK_NAME)
        return NULL;
    struct ml_token after = ml__p_peek(p);
    if (ml_token_is(&after, "=") || ml_token_is(&after, "."))
        return NULL;
    bool call = ml_token_is(&after, "(");
    struct ml_token last;
    if ((ml__p_is(p, "externaldata") && call) ||
        ml_str_eq(word_at(p, &last), ML_STR("macro-expand")))
        return unknown(p, word_at(p, &last));
    if (ml__p_is(p, "range") && after.kind == ML_TOK_NAME) {
        struct ml_node *n = op_node(p, "range", p->tok.pos);
        ml__p_next(p);
        rule_range(p, n);
        return n;
    }
    if (ml__p_is(p, "print") && after.kind != ML_TOK_END) {
        struct ml_node *n = op_node(p, "print", p->tok.pos);
        ml__p_next(p);
        rule_named(p, n);
        return n;
    }
    for (const char *const *s = starts; *s != NULL; s++)
        if (ml__p_is(p, *s) && after.kind != ML_TOK_END && !ml_token_is(&after, "|") &&
            !ml_token_is(&after, ",") && !ml_token_is(&after, ")"))
            return ml__p_op(p);
    return NULL;
}
