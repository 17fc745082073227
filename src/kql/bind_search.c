/* kql/bind_search.c -- search and find; see bind.h.
 *
 * Both become a filter over a union: a bare string is a term to look for in every column.
 * SPDX-License-Identifier: MIT */
#include "kql/bind.h"

#include "kql/text.h"

static struct ml_expr *contains_call(struct ml_binder *b, const struct ml_node *n, const char *op,
                                     struct ml_expr *text, struct ml_str needle)
{
    struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
    arg[0] = ml__b_cast(b, text, ML_T_STRING);
    arg[1] = ml__b_const(b, n, ML_T_STRING, ml_val_str(needle));
    return ml__b_call(b, n, ml__op_find(op), ML_T_BOOL, arg, 2);
}

/* "a*b": the pieces in this order, as terms at their outer ends. */
static struct ml_str star_regex(struct ml_binder *b, struct ml_str s, bool cs)
{
    struct ml_buf r = {0};
    ml_buf_cstr(&r, cs ? "" : "(?i)");
    if (s.n > 0 && s.p[0] != '*')
        ml_buf_cstr(&r, "(?:^|[^\\p{L}\\p{N}])");
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*') {
            ml_buf_cstr(&r, "(?s:.*?)");
        } else {
            if (strchr("\\.+?()|[]{}^$#&-~", s.p[i]) != NULL && s.p[i] != '\0')
                ml_buf_char(&r, '\\');
            ml_buf_char(&r, s.p[i]);
        }
    }
    if (s.n > 0 && s.p[s.n - 1] != '*')
        ml_buf_cstr(&r, "(?:$|[^\\p{L}\\p{N}])");
    struct ml_str out = ml_arena_copy(b->arena, ml_buf_view(&r));
    ml_buf_free(&r);
    return out;
}

static struct ml_expr *term_in(struct ml_binder *b, const struct ml_node *n, struct ml_str s,
                               bool cs, struct ml_expr *column)
{
    bool head = s.n > 1 && s.p[0] == '*';
    bool tail = s.n > 1 && s.p[s.n - 1] == '*';
    struct ml_str core = {s.p + head, s.n - head - tail};
    if (core.n > 0 && memchr(core.p, '*', core.n) != NULL)
        return contains_call(b, n, "matches regex", column, star_regex(b, s, cs));
    if (head && tail)
        return contains_call(b, n, cs ? "contains_cs" : "contains", column, core);
    if (tail)
        return contains_call(b, n, cs ? "hasprefix_cs" : "hasprefix", column, core);
    if (head)
        return contains_call(b, n, cs ? "hassuffix_cs" : "hassuffix", column, core);
    return contains_call(b, n, cs ? "has_cs" : "has", column, s);
}

struct ml_expr *ml__b_search_term(struct ml_binder *b, const struct ml_node *term,
                                  struct ml_scope *s, const struct ml_node *column)
{
    struct ml_expr *t = ml__b_expr(b, term, s);
    struct ml_expr *e = NULL;
    if (ml__b_failed(b))
        return t;
    if (t->kind != ML_E_CONST) {
        ml__b_fail(b, term, "KS129", "a constant is needed here");
        return t;
    }
    struct ml_str text = ml_val_text(b->arena, &t->val, false);
    bool cs = b->case_search; /* kind=case_sensitive */
    if (column != NULL && column->kind != ML_N_STAR) {
        struct ml_expr *c = ml__b_expr(b, column, s);
        if (t->type != ML_T_STRING && c->type == t->type)
            return ml__b_op(b, term, "==", c, t);
        return term_in(b, term, text, cs, c);
    }
    for (uint32_t i = 0; i < s->cols->n; i++) {
        if (ml_str_eq(s->cols->at[i].name, ML_STR("$table")))
            continue;
        struct ml_expr *one = term_in(b, term, text, cs,
                                      ml__b_column(b, term, i, s->cols->at[i].type));
        struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
        arg[0] = e;
        arg[1] = one;
        e = e == NULL ? one : ml__b_call(b, term, ml__op_find("or"), ML_T_BOOL, arg, 2);
    }
    return e != NULL ? e : ml__b_const(b, term, ML_T_BOOL, ml_val_bool(false));
}

/* The predicate of a search: strings are terms, the rest as usual. */
static struct ml_expr *predicate(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    bool or = n->kind == ML_N_BINARY && ml_str_eq(n->text, ML_STR("or"));
    bool and = n->kind == ML_N_BINARY && ml_str_eq(n->text, ML_STR("and"));
    if (n->kind == ML_N_LIT && n->val.type != ML_T_BOOL)
        return ml__b_search_term(b, n, s, NULL);
    if (n->kind == ML_N_STAR)
        return ml__b_const(b, n, ML_T_BOOL, ml_val_bool(true));
    if (or || and) {
        struct ml_expr **arg = ml__b_alloc(b, 2, sizeof *arg);
        arg[0] = predicate(b, n->kid[0], s);
        arg[1] = predicate(b, n->kid[1], s);
        return ml__b_call(b, n, ml__op_find(or ? "or" : "and"), ML_T_BOOL, arg, 2);
    }
    if (n->kind == ML_N_CALL && n->n == 1 && ml_str_eq(n->text, ML_STR("not"))) {
        struct ml_expr **arg = ml__b_alloc(b, 1, sizeof *arg);
        arg[0] = predicate(b, n->kid[0], s);
        return ml__b_call(b, n, ml__op_find("not"), ML_T_BOOL, arg, 1);
    }
    return ml__b_predicate(b, n, s);
}

/* The tables searched, with their names in a first column. */
static struct ml_plan *searched(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in,
                                struct ml_str source)
{
    if (in != NULL) {
        struct ml_plan **legs = ml__b_alloc(b, 1, sizeof *legs);
        legs[0] = ml__b_alloc(b, 1, sizeof **legs);
        *legs[0] = *in;
        if (legs[0]->name.n == 0)
            legs[0]->name = ML_STR("search_arg0");
        return ml__b_union_plans(b, op, legs, 1, false, source);
    }
    struct ml_node *everything = ml__b_alloc(b, 1, sizeof *everything);
    *everything = (struct ml_node){.kind = ML_N_STAR, .pos = op->pos, .len = op->len};
    struct ml_node **star = ml__b_alloc(b, 1, sizeof *star);
    star[0] = everything;
    struct ml_node *name = ml__b_alloc(b, 1, sizeof *name);
    *name = (struct ml_node){.kind = ML_N_NAME, .text = source, .pos = op->pos, .len = op->len};
    struct ml_node *assign = ml__b_alloc(b, 1, sizeof *assign);
    struct ml_node **kid = ml__b_alloc(b, 2, sizeof *kid);
    kid[0] = name;
    kid[1] = assign;
    *assign = (struct ml_node){
        .kind = ML_N_ASSIGN, .text = ML_STR("withsource"), .n = 1, .kid = kid};
    struct ml_node made = {
        .kind = ML_N_OP, .pos = op->pos, .len = op->len, .nopt = 1, .opt = kid + 1};
    made.n = op->a != NULL ? op->a->n : 1;
    made.kid = op->a != NULL ? op->a->kid : star;
    return ml__bind_union(b, &made, NULL);
}

static struct ml_plan *matching(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in,
                                struct ml_str source)
{
    const struct ml_node *kind = ml__b_opt(op, "kind");
    bool cs = kind != NULL && ml_str_eq(ml__b_word(b, kind), ML_STR("case_sensitive"));
    struct ml_plan *all = searched(b, op, in, source);
    if (ml__b_failed(b))
        return all;
    struct ml_scope s = {.cols = &all->out};
    struct ml_plan *p = ml__b_plan(b, ML_P_FILTER, all);
    bool before = b->case_search;
    b->case_search = cs;
    p->exprs = ml__b_alloc(b, 1, sizeof *p->exprs);
    p->exprs[0] = predicate(b, op->kid[0], &s);
    p->n = 1;
    b->case_search = before;
    return p;
}

struct ml_plan *ml__bind_search(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    return matching(b, op, in, ML_STR("$table"));
}

/* find: source_, the columns that the condition names, and the others packed. */
struct ml_plan *ml__bind_find(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    const struct ml_node *source = ml__b_opt(op, "withsource");
    struct ml_str name = source != NULL ? ml__b_word(b, source) : ML_STR("source_");
    struct ml_plan *p = matching(b, op, in, name);
    if (ml__b_failed(b))
        return p;
    if (op->b == NULL) {
        ml__b_fail(b, op, "ML101",
                   "'find' without project is not supported: use search, or name the columns");
        return p;
    }
    struct ml_cols c = {0};
    ml__cols_add(b, &c, name, ML_T_STRING, ml__b_column(b, op, 0, ML_T_STRING));
    for (uint32_t i = 0; i < op->b->n; i++) {
        const struct ml_node *n = op->b->kid[i];
        int32_t k = ml__schema_find(&p->out, n->text);
        if (k < 0 && n->type == ML_T_NONE) {
            ml__b_fail(b, n, "KS142", "unknown column '%.*s'", (int)n->text.n, n->text.p);
            ml_diag_hint(b->diag,
                         "a column that no table has, or that has several types, needs a type: "
                         "name:string");
            return p;
        }
        enum ml_type type = n->type != ML_T_NONE ? n->type : p->out.at[k].type;
        struct ml_expr *e = k >= 0 ? ml__b_column(b, n, (uint32_t)k, p->out.at[k].type)
                                   : ml__b_const(b, n, n->type, ml_val_null(n->type));
        ml__cols_add(b, &c, n->text, type, ml__b_cast(b, e, type));
    }
    return ml__b_project(b, p, &c);
}
