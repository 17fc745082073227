/* kql/parse.c -- tokens, statements and sources; see parse.h. SPDX-License-Identifier: MIT */
#include "kql/parse.h"

#include "base/vec.h"
#include "kql/advice.h"

struct ml_node *ml__p_fail(struct ml_parser *p, const char *code, const char *what)
{
    ml_diag_set(p->lex.diag, code, p->tok.pos, p->tok.len, "%s", what);
    p->tok.kind = ML_TOK_END;
    return &p->dummy;
}

struct ml_node *ml__p_expected(struct ml_parser *p, const char *what)
{
    if (p->tok.kind == ML_TOK_END)
        ml_diag_set(p->lex.diag, "KS005", p->tok.pos, p->tok.len, "%s expected at the end", what);
    else
        ml_diag_set(p->lex.diag, "KS005", p->tok.pos, p->tok.len, "%s expected, not '%.*s'", what,
                    (int)(p->tok.len < 40 ? p->tok.len : 40), p->tok.text.p);
    struct ml_str token = {p->lex.query.p + p->tok.pos, p->tok.len};
    struct ml_str before = {p->lex.query.p, p->tok.pos};
    const char *hint = ml__advice_token(token, before, what);
    if (hint != NULL)
        ml_diag_hint(p->lex.diag, "%s", hint);
    p->tok.kind = ML_TOK_END;
    return &p->dummy;
}

void ml__p_next(struct ml_parser *p)
{
    p->last = p->tok.pos + p->tok.len;
    if (!ml_diag_is_set(p->lex.diag))
        p->tok = ml_lex(&p->lex, p->last);
    if (ml_diag_is_set(p->lex.diag))
        p->tok.kind = ML_TOK_END;
}

struct ml_token ml__p_peek(struct ml_parser *p)
{
    struct ml_diag quiet = {0}; /* a bad token counts when it is reached */
    struct ml_lexer l = p->lex;
    l.diag = &quiet;
    return ml_lex(&l, p->tok.pos + p->tok.len);
}

bool ml__p_is(const struct ml_parser *p, const char *text)
{
    return ml_token_is(&p->tok, text);
}

bool ml__p_take(struct ml_parser *p, const char *text)
{
    if (!ml__p_is(p, text))
        return false;
    ml__p_next(p);
    return true;
}

bool ml__p_want(struct ml_parser *p, const char *text)
{
    char what[24] = "'";
    if (ml__p_take(p, text))
        return true;
    strncat(what, text, sizeof what - 3);
    strcat(what, "'");
    ml__p_expected(p, what);
    return false;
}

void ml__p_back(struct ml_parser *p, const struct ml_token *t)
{
    if (!ml_diag_is_set(p->lex.diag))
        p->tok = *t;
}

struct ml_node *ml__p_node(struct ml_parser *p, enum ml_node_kind kind, uint32_t pos)
{
    struct ml_node *n = ml_arena_alloc(p->lex.arena, 1, sizeof *n);
    if (n == NULL)
        return ml__p_fail(p, "ML201", "out of memory");
    n->kind = (uint8_t)kind;
    n->pos = pos;
    n->len = p->last > pos ? p->last - pos : p->tok.len;
    return n;
}

/* Room for one more pointer; arrays grow by powers of two. */
static struct ml_node **grow(struct ml_parser *p, struct ml_node **at, uint32_t n)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return at;
    struct ml_node **more = ml_arena_raw(p->lex.arena, n != 0 ? 2 * (size_t)n : 1, sizeof *at);
    if (more == NULL)
        ml__p_fail(p, "ML201", "out of memory");
    else if (n != 0)
        memcpy(more, at, n * sizeof *at);
    return more;
}

void ml__p_add(struct ml_parser *p, struct ml_node *n, struct ml_node *kid)
{
    struct ml_node **at = grow(p, n->kid, n->n);
    if (n == &p->dummy || at == NULL)
        return;
    n->kid = at;
    n->kid[n->n++] = kid;
    if (p->last > n->pos)
        n->len = p->last - n->pos;
}

void ml__p_add_opt(struct ml_parser *p, struct ml_node *n, struct ml_node *opt)
{
    struct ml_node **at = grow(p, n->opt, n->nopt);
    if (n == &p->dummy || at == NULL)
        return;
    n->opt = at;
    n->opt[n->nopt++] = opt;
}

bool ml__p_enter(struct ml_parser *p)
{
    if (p->depth >= ML_PARSE_DEPTH) {
        ml__p_fail(p, "ML202", "the query is nested too deep");
        return false;
    }
    p->depth++;
    return true;
}

struct ml_str ml__p_name(struct ml_parser *p)
{
    struct ml_str s = {NULL, 0};
    if (p->tok.kind == ML_TOK_NAME && p->tok.text.p[0] != '!') {
        s = p->tok.text;
        ml__p_next(p);
    } else if (ml__p_is(p, "[")) {
        ml__p_next(p);
        if (p->tok.kind != ML_TOK_LITERAL || p->tok.val.type != ML_T_STRING) {
            ml__p_expected(p, "a name in quotes");
            return s;
        }
        s = p->tok.val.s;
        ml__p_next(p);
        ml__p_want(p, "]");
    } else {
        ml__p_expected(p, "a name");
    }
    return s;
}

/* name:type or name:(schema) or name:(*), with a default. */
static struct ml_node *parameter(struct ml_parser *p, bool defaults)
{
    uint32_t pos = p->tok.pos;
    struct ml_str name = ml__p_name(p);
    ml__p_want(p, ":");
    if (ml__p_is(p, "(")) {
        struct ml_node *t = ml__p_node(p, ML_N_TABLE_PARAM, pos);
        struct ml_token open = p->tok;
        ml__p_next(p);
        if (ml__p_take(p, "*")) {
            ml__p_want(p, ")");
        } else {
            ml__p_back(p, &open);
            t->a = ml__p_schema(p, false);
        }
        t->text = name;
        return t;
    }
    struct ml_node *n = ml__p_node(p, ML_N_TYPE, pos);
    enum ml_type type = ML_T_NONE;
    if (p->tok.kind != ML_TOK_NAME || !ml_type_find(p->tok.text, &type))
        return ml__p_expected(p, "a type");
    ml__p_next(p);
    if (n == &p->dummy)
        return n;
    n->text = name;
    n->type = (uint8_t)type;
    n->len = p->last - pos;
    if (defaults && ml__p_take(p, "="))
        ml__p_add(p, n, ml__p_expr(p));
    return n;
}

struct ml_node *ml__p_schema(struct ml_parser *p, bool defaults)
{
    struct ml_node *list = ml__p_node(p, ML_N_LIST, p->tok.pos);
    ml__p_want(p, "(");
    while (!ml__p_is(p, ")") && p->tok.kind != ML_TOK_END) {
        ml__p_add(p, list, parameter(p, defaults));
        if (!ml__p_take(p, ","))
            break;
    }
    ml__p_want(p, ")");
    return list;
}

struct ml_node *ml__p_typeof(struct ml_parser *p)
{
    struct ml_node *n = ml__p_node(p, ML_N_TYPEOF, p->tok.pos);
    ml__p_want(p, "typeof");
    ml__p_want(p, "(");
    do {
        struct ml_node *t = ml__p_node(p, ML_N_TYPE, p->tok.pos);
        enum ml_type type = ML_T_NONE;
        if (p->tok.kind != ML_TOK_NAME || !ml_type_find(p->tok.text, &type))
            return ml__p_expected(p, "a type");
        t->type = (uint8_t)type;
        ml__p_next(p);
        ml__p_add(p, n, t);
    } while (ml__p_take(p, ","));
    ml__p_want(p, ")");
    n->len = p->last - n->pos;
    return n;
}

/* `(a:long) {`, `() {`, `view () {`: a function, not an expression in parentheses. */
static bool at_lambda(struct ml_parser *p)
{
    struct ml_token start = p->tok;
    bool yes = false;
    if (ml__p_is(p, "view")) {
        struct ml_token open = ml__p_peek(p);
        return ml_token_is(&open, "(");
    }
    if (!ml__p_is(p, "("))
        return false;
    struct ml_token one = ml__p_peek(p);
    if (one.kind != ML_TOK_END) {
        struct ml_parser probe = *p;
        struct ml_diag quiet = {0};
        probe.lex.diag = &quiet;
        ml__p_next(&probe);
        ml__p_next(&probe);
        yes = ml_token_is(&one, ")") ? ml__p_is(&probe, "{")
                                     : one.kind == ML_TOK_NAME && ml__p_is(&probe, ":");
    }
    ml__p_back(p, &start);
    return yes;
}

static struct ml_node *lambda(struct ml_parser *p)
{
    struct ml_node *n = ml__p_node(p, ML_N_LAMBDA, p->tok.pos);
    if (ml__p_take(p, "view"))
        n->flags |= ML_F_VIEW;
    n->a = ml__p_schema(p, true);
    ml__p_want(p, "{");
    if (!ml__p_enter(p))
        return n;
    ml__p_statements(p, n, "}");
    ml__p_want(p, "}");
    p->depth--;
    return n;
}

static struct ml_node *let(struct ml_parser *p)
{
    struct ml_node *n = ml__p_node(p, ML_N_LET, p->tok.pos);
    ml__p_next(p);
    n->text = ml__p_name(p);
    ml__p_want(p, "=");
    ml__p_add(p, n, at_lambda(p) ? lambda(p) : ml__p_pipe(p));
    return n;
}

static struct ml_node *set(struct ml_parser *p)
{
    struct ml_node *n = ml__p_node(p, ML_N_SET, p->tok.pos);
    ml__p_next(p);
    n->text = ml__p_name(p);
    if (ml__p_take(p, "="))
        ml__p_add(p, n, ml__p_unary(p));
    return n;
}

static struct ml_node *declare(struct ml_parser *p)
{
    struct ml_node *n = ml__p_node(p, ML_N_DECLARE, p->tok.pos);
    ml__p_next(p);
    if (ml__p_is(p, "pattern"))
        return ml__p_fail(p, "ML101", "'declare pattern' is not supported");
    ml__p_want(p, "query_parameters");
    n->a = ml__p_schema(p, true);
    return n;
}

static bool names_follow(struct ml_parser *p, const char *word)
{
    if (!ml__p_is(p, word))
        return false;
    return ml__p_peek(p).kind == ML_TOK_NAME;
}

void ml__p_statements(struct ml_parser *p, struct ml_node *into, const char *end)
{
    while (p->tok.kind != ML_TOK_END && (end == NULL || !ml__p_is(p, end))) {
        if (ml__p_take(p, ";"))
            continue;
        if (names_follow(p, "let"))
            ml__p_add(p, into, let(p));
        else if (names_follow(p, "set"))
            ml__p_add(p, into, set(p));
        else if (names_follow(p, "declare"))
            ml__p_add(p, into, declare(p));
        else if (names_follow(p, "alias"))
            ml__p_fail(p, "ML101", "'alias database' is not supported");
        else if (names_follow(p, "restrict"))
            ml__p_fail(p, "ML101", "'restrict access' is not supported");
        else if (ml__p_is(p, "."))
            ml__p_fail(p, "ML101", "management commands are not queries");
        else
            ml__p_add(p, into, ml__p_pipe(p));
        if (p->tok.kind != ML_TOK_END && !(end != NULL && ml__p_is(p, end)) && !ml__p_is(p, ";"))
            ml__p_expected(p, "';' or an operator");
    }
}

struct ml_node *ml__p_pipe(struct ml_parser *p)
{
    uint32_t pos = p->tok.pos;
    if (!ml__p_enter(p))
        return &p->dummy;
    struct ml_node *source = ml__p_source_op(p);
    bool table = source != NULL;
    if (!table)
        source = ml__p_expr(p);
    if (table || ml__p_is(p, "|")) {
        struct ml_node *pipe = ml__p_node(p, ML_N_PIPE, pos);
        ml__p_add(p, pipe, source);
        while (ml__p_take(p, "|"))
            ml__p_add(p, pipe, ml__p_op(p));
        source = pipe;
    }
    p->depth--;
    return source;
}

struct ml_node *ml__p_subquery(struct ml_parser *p)
{
    struct ml_node *pipe = ml__p_node(p, ML_N_PIPE, p->tok.pos);
    ml__p_want(p, "(");
    if (!ml__p_enter(p))
        return pipe;
    ml__p_add(p, pipe, NULL);
    do {
        ml__p_add(p, pipe, ml__p_op(p));
    } while (ml__p_take(p, "|"));
    ml__p_want(p, ")");
    p->depth--;
    return pipe;
}

struct ml_node *ml_parse(struct ml_arena *a, struct ml_str query, struct ml_diag *diag)
{
    struct ml_parser p = {.lex = {.query = query, .arena = a, .diag = diag}};
    if (query.n > ML_QUERY_MAX_BYTES) {
        ml_diag_set(diag, "ML203", 0, 0, "the query is longer than 2 MB");
        return NULL;
    }
    p.tok = ml_lex(&p.lex, 0);
    struct ml_node *n = ml_arena_alloc(a, 1, sizeof *n);
    if (n == NULL) {
        ml_diag_set(diag, "ML201", 0, 0, "out of memory");
        return NULL;
    }
    n->kind = ML_N_QUERY;
    n->len = p.tok.len;
    ml__p_statements(&p, n, NULL);
    bool any = false;
    for (uint32_t i = 0; i < n->n; i++)
        any |= n->kid[i]->kind != ML_N_LET && n->kid[i]->kind != ML_N_SET &&
               n->kid[i]->kind != ML_N_DECLARE;
    if (!any)
        ml_diag_set(diag, "KS008", (uint32_t)query.n, 0,
                    "the query is empty: an expression is missing");
    return ml_diag_is_set(diag) ? NULL : n;
}
