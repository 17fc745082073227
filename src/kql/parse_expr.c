/* kql/parse_expr.c -- expressions by precedence climbing; see parse.h. SPDX-License-Identifier: MIT */
#include "kql/parse.h"

/* Low to high; `chain` 0: at most one of the level's operators in a row. */
struct level {
    bool chain;
    const char *ops[64];
};

static const struct level levels[] = {
    {true, {"or", NULL}},
    {true, {"and", NULL}},
    {false,
     {"==", "!=", "<>", "in", "!in", "in~", "!in~", "has_any", "has_all", "between", "!between",
      NULL}},
    {false, {"<", "<=", ">", ">=", NULL}},
    {true, {"+", "-", NULL}},
    {true, {"*", "/", "%", NULL}},
    {false,
     {"=~",
      "!~",
      "has",
      "!has",
      "has_cs",
      "!has_cs",
      "hasprefix",
      "!hasprefix",
      "hasprefix_cs",
      "!hasprefix_cs",
      "hassuffix",
      "!hassuffix",
      "hassuffix_cs",
      "!hassuffix_cs",
      "contains",
      "!contains",
      "contains_cs",
      "!contains_cs",
      "startswith",
      "!startswith",
      "startswith_cs",
      "!startswith_cs",
      "endswith",
      "!endswith",
      "endswith_cs",
      "!endswith_cs",
      "matches",
      "notcontains",
      "containscs",
      ":",
      NULL}},
};

enum { LEVELS = sizeof levels / sizeof levels[0] };

static struct ml_node *level_expr(struct ml_parser *p, int level);

static const char *operator_at(struct ml_parser *p, int level)
{
    if (p->tok.kind != ML_TOK_NAME && p->tok.kind != ML_TOK_SIGN)
        return NULL;
    for (const char *const *op = levels[level].ops; *op != NULL; op++)
        if (ml__p_is(p, *op) && (**op != ':' || p->colon))
            return *op;
    return NULL;
}

/* The right side of in, has_any, has_all: a list in parentheses, or one value. */
static void in_list(struct ml_parser *p, struct ml_node *n)
{
    if (!ml__p_take(p, "(")) {
        ml__p_add(p, n, ml__p_unary(p));
        return;
    }
    while (!ml__p_is(p, ")") && p->tok.kind != ML_TOK_END) {
        ml__p_add(p, n, ml__p_pipe(p));
        if (!ml__p_take(p, ","))
            break;
    }
    ml__p_want(p, ")");
}

static struct ml_node *operation(struct ml_parser *p, struct ml_node *left, const char *op,
                                 int level)
{
    uint32_t pos = left->pos;
    struct ml_str text = p->tok.text;
    ml__p_next(p);
    enum ml_node_kind kind = ML_N_BINARY;
    if (strstr(op, "between") != NULL)
        kind = ML_N_BETWEEN;
    else if (level == 2 && (strstr(op, "in") != NULL || op[0] == 'h'))
        kind = ML_N_IN;
    struct ml_node *n = ml__p_node(p, kind, pos);
    n->text = text;
    ml__p_add(p, n, left);
    if (kind == ML_N_IN) {
        in_list(p, n);
    } else if (kind == ML_N_BETWEEN) {
        ml__p_want(p, "(");
        ml__p_add(p, n, ml__p_expr(p));
        ml__p_want(p, "..");
        ml__p_add(p, n, ml__p_expr(p));
        ml__p_want(p, ")");
    } else {
        if (strcmp(op, "matches") == 0)
            ml__p_want(p, "regex");
        ml__p_add(p, n, level_expr(p, level + 1));
    }
    if (n != &p->dummy)
        n->len = p->last - pos;
    return n;
}

static struct ml_node *level_expr(struct ml_parser *p, int level)
{
    if (level == LEVELS)
        return ml__p_unary(p);
    struct ml_node *left = level_expr(p, level + 1);
    const char *op = operator_at(p, level);
    while (op != NULL) {
        left = operation(p, left, op, level);
        op = operator_at(p, level);
        if (op != NULL && !levels[level].chain)
            return ml__p_expected(p, "parentheses (this operator does not chain)");
    }
    return left;
}

struct ml_node *ml__p_expr(struct ml_parser *p)
{
    if (!ml__p_enter(p))
        return &p->dummy;
    struct ml_node *n = level_expr(p, 0);
    p->depth--;
    return n;
}

static bool at_assign(struct ml_parser *p)
{
    if (p->tok.kind == ML_TOK_NAME) {
        struct ml_token t = ml__p_peek(p);
        return ml_token_is(&t, "=");
    }
    if (!ml__p_is(p, "["))
        return false;
    struct ml_parser probe = *p; /* ['a name'] = */
    struct ml_diag quiet = {0};
    probe.lex.diag = &quiet;
    ml__p_next(&probe);
    ml__p_next(&probe);
    ml__p_next(&probe);
    return ml__p_is(&probe, "=");
}

/* (a, b) = : several names for one call. */
static bool at_assign_many(struct ml_parser *p)
{
    if (!ml__p_is(p, "("))
        return false;
    struct ml_parser probe = *p;
    struct ml_diag quiet = {0};
    probe.lex.diag = &quiet;
    do {
        ml__p_next(&probe);
        ml__p_name(&probe);
    } while (ml__p_is(&probe, ","));
    if (!ml__p_is(&probe, ")"))
        return false;
    ml__p_next(&probe);
    return ml__p_is(&probe, "=");
}

struct ml_node *ml__p_named_expr(struct ml_parser *p)
{
    uint32_t pos = p->tok.pos;
    if (at_assign_many(p)) {
        struct ml_node *n = ml__p_node(p, ML_N_ASSIGN_MANY, pos);
        ml__p_add(p, n, NULL);
        do {
            ml__p_next(p);
            struct ml_node *name = ml__p_node(p, ML_N_NAME, p->tok.pos);
            name->text = ml__p_name(p);
            ml__p_add(p, n, name);
        } while (ml__p_is(p, ","));
        ml__p_want(p, ")");
        ml__p_want(p, "=");
        struct ml_node *value = ml__p_expr(p);
        if (n->n > 0)
            n->kid[0] = value;
        return n;
    }
    if (!at_assign(p))
        return ml__p_expr(p);
    struct ml_node *n = ml__p_node(p, ML_N_ASSIGN, pos);
    n->text = ml__p_name(p);
    ml__p_want(p, "=");
    ml__p_add(p, n, ml__p_expr(p));
    return n;
}

struct ml_node *ml__p_named_list(struct ml_parser *p)
{
    struct ml_node *list = ml__p_node(p, ML_N_LIST, p->tok.pos);
    do {
        ml__p_add(p, list, ml__p_named_expr(p));
    } while (ml__p_take(p, ","));
    return list;
}

static struct ml_node *arguments(struct ml_parser *p, struct ml_node *call)
{
    ml__p_want(p, "(");
    bool colon = p->colon;
    bool wild = p->wild;
    p->colon = p->wild = false;
    while (!ml__p_is(p, ")") && p->tok.kind != ML_TOK_END) {
        struct ml_node *arg;
        if (ml__p_is(p, "typeof")) {
            arg = ml__p_typeof(p);
        } else if (ml__p_is(p, "*")) {
            arg = ml__p_node(p, ML_N_STAR, p->tok.pos);
            ml__p_next(p);
        } else if (at_assign(p)) {
            arg = ml__p_named_expr(p);
        } else {
            arg = ml__p_pipe(p);
        }
        ml__p_add(p, call, arg);
        if (!ml__p_take(p, ","))
            break;
    }
    p->colon = colon;
    p->wild = wild;
    ml__p_want(p, ")");
    if (call != &p->dummy)
        call->len = p->last - call->pos;
    return call;
}

static struct ml_node *parenthesized(struct ml_parser *p)
{
    uint32_t pos = p->tok.pos;
    ml__p_next(p);
    struct ml_node *n = ml__p_pipe(p);
    ml__p_want(p, ")");
    if (n != &p->dummy && !ml_diag_is_set(p->lex.diag)) {
        n->flags |= ML_F_LITERAL_PAREN;
        n->pos = pos;
        n->len = p->last - pos;
    }
    return n;
}

static struct ml_node *datatable(struct ml_parser *p)
{
    struct ml_node *n = ml__p_node(p, ML_N_DATATABLE, p->tok.pos);
    ml__p_next(p);
    n->a = ml__p_schema(p, false);
    ml__p_want(p, "[");
    while (!ml__p_is(p, "]") && p->tok.kind != ML_TOK_END) {
        p->cell = true;
        ml__p_add(p, n, ml__p_expr(p));
        p->cell = false;
        if (!ml__p_take(p, ","))
            break;
    }
    ml__p_want(p, "]");
    if (n != &p->dummy)
        n->len = p->last - n->pos;
    return n;
}

static bool is_word(const struct ml_parser *p, const char *word)
{
    return p->tok.text.n == strlen(word) && strncasecmp(p->tok.text.p, word, p->tok.text.n) == 0;
}

static struct ml_node *name_or_call(struct ml_parser *p)
{
    static const char *const reserved[] = {"and", "or", "in", "has", "contains", "by", "on", NULL};
    struct ml_node *n;
    uint32_t pos = p->tok.pos;
    struct ml_token after = ml__p_peek(p);
    bool call = ml_token_is(&after, "(");
    if (ml__p_typed_literal(p, &n))
        return n;
    if ((is_word(p, "true") || is_word(p, "false")) && !call) {
        bool yes = is_word(p, "true");
        ml__p_next(p);
        n = ml__p_node(p, ML_N_LIT, pos);
        n->type = ML_T_BOOL;
        n->val = ml_val_bool(yes);
        return n;
    }
    if (ml__p_is(p, "datatable") && call)
        return datatable(p);
    if (ml__p_is(p, "not") && !call) {
        ml__p_next(p);
        return ml__p_expected(p, "'('");
    }
    for (const char *const *r = reserved; *r != NULL; r++)
        if (ml__p_is(p, *r))
            return ml__p_expected(p, "an expression");
    struct ml_token start = p->tok;
    ml__p_next(p);
    if (call) {
        n = ml__p_node(p, ML_N_CALL, pos);
        n->text = start.text;
        return arguments(p, n);
    }
    /* A name with wildcards: custom*, a*b. */
    uint32_t end = start.pos + start.len;
    bool wild = false;
    while (p->wild && ml__p_is(p, "*") && p->tok.pos == end) {
        struct ml_token next = ml__p_peek(p);
        bool joins = next.kind == ML_TOK_NAME && next.pos == end + 1;
        bool ends = next.kind == ML_TOK_END || ml_token_is(&next, ",") || ml_token_is(&next, ")") ||
                    ml_token_is(&next, "|") || ml_token_is(&next, ";") ||
                    ml_token_is(&next, "asc") || ml_token_is(&next, "desc");
        if (!ends && !joins)
            break;
        wild = true;
        ml__p_next(p);
        end++;
        if (joins) {
            end += p->tok.len;
            ml__p_next(p);
        }
    }
    n = ml__p_node(p, wild ? ML_N_WILD : ML_N_NAME, pos);
    n->text = (struct ml_str){start.text.p, end - pos};
    return n;
}

static struct ml_node *bracket_name(struct ml_parser *p)
{
    uint32_t pos = p->tok.pos;
    struct ml_str text = ml__p_name(p);
    struct ml_node *n = ml__p_node(p, ml__p_is(p, "(") ? ML_N_CALL : ML_N_NAME, pos);
    n->text = text;
    return n->kind == ML_N_CALL ? arguments(p, n) : n;
}

/* Adjacent strings are one. */
static struct ml_node *literal(struct ml_parser *p)
{
    struct ml_token t = p->tok;
    if (t.val.type == ML_T_LONG && t.val.n != 0)
        return ml__p_fail(p, "KS004", "the number does not fit a long");
    ml__p_next(p);
    struct ml_val v = t.val;
    while (v.type == ML_T_STRING && p->tok.kind == ML_TOK_LITERAL &&
           p->tok.val.type == ML_T_STRING) {
        char *joined = ml_arena_raw(p->lex.arena, v.s.n + p->tok.val.s.n + 1, 1);
        if (joined == NULL)
            return ml__p_fail(p, "ML201", "out of memory");
        memcpy(joined, v.s.p, v.s.n);
        memcpy(joined + v.s.n, p->tok.val.s.p, p->tok.val.s.n);
        v.s = (struct ml_str){joined, v.s.n + p->tok.val.s.n};
        ml__p_next(p);
    }
    struct ml_node *n = ml__p_node(p, ML_N_LIT, t.pos);
    n->type = v.type;
    n->val = v;
    return n;
}

/* *name: a wildcard at the start. */
static struct ml_node *star(struct ml_parser *p)
{
    struct ml_token t = p->tok;
    ml__p_next(p);
    if (p->wild && p->tok.kind == ML_TOK_NAME && p->tok.pos == t.pos + 1) {
        struct ml_node *rest = name_or_call(p);
        struct ml_node *n = ml__p_node(p, ML_N_WILD, t.pos);
        n->text = (struct ml_str){t.text.p, rest->text.n + 1};
        return n;
    }
    return ml__p_node(p, ML_N_STAR, t.pos);
}

static struct ml_node *primary(struct ml_parser *p)
{
    if (p->tok.kind == ML_TOK_LITERAL)
        return literal(p);
    if (p->tok.kind == ML_TOK_NAME)
        return name_or_call(p);
    if (ml__p_is(p, "("))
        return parenthesized(p);
    if (ml__p_is(p, "["))
        return bracket_name(p);
    if (ml__p_is(p, "*"))
        return star(p);
    return ml__p_expected(p, "an expression");
}

static struct ml_node *member(struct ml_parser *p, struct ml_node *base)
{
    ml__p_next(p);
    struct ml_str name = p->tok.kind == ML_TOK_LITERAL && p->tok.val.type == ML_T_LONG
                             ? (struct ml_str){NULL, 0}
                             : ml__p_name(p);
    if (name.p == NULL)
        return ml__p_expected(p, "a member name");
    struct ml_node *n = ml__p_node(p, ML_N_MEMBER, base->pos);
    n->text = name;
    ml__p_add(p, n, base);
    if (ml__p_is(p, "(")) { /* cluster('x').database('y') */
        struct ml_node *call = ml__p_node(p, ML_N_CALL, base->pos);
        call->text = name;
        call->a = base;
        return arguments(p, call);
    }
    return n;
}

struct ml_node *ml__p_unary(struct ml_parser *p)
{
    uint32_t pos = p->tok.pos;
    if (ml__p_is(p, "-") || ml__p_is(p, "+")) {
        struct ml_str text = p->tok.text;
        if (!ml__p_enter(p))
            return &p->dummy;
        ml__p_next(p);
        if (p->cell && p->tok.kind == ML_TOK_LITERAL && p->tok.val.n != 0)
            p->tok.val.n = 0; /* -9223372036854775808: its own negation */
        struct ml_node *kid = ml__p_unary(p);
        struct ml_node *n = ml__p_node(p, ML_N_UNARY, pos);
        n->text = text;
        ml__p_add(p, n, kid);
        p->depth--;
        return n;
    }
    struct ml_node *n = primary(p);
    while (!ml_diag_is_set(p->lex.diag)) {
        struct ml_token after = {0};
        if (ml__p_is(p, "."))
            after = ml__p_peek(p);
        if (ml_token_is(&after, "["))
            ml__p_next(p); /* d.[x] is d[x] */
        if (ml__p_is(p, ".")) {
            n = member(p, n);
        } else if (ml__p_is(p, "[")) {
            if (!ml__p_enter(p))
                return &p->dummy;
            ml__p_next(p);
            struct ml_node *index = ml__p_expr(p);
            ml__p_want(p, "]");
            p->depth--;
            struct ml_node *at = ml__p_node(p, ML_N_INDEX, n->pos);
            ml__p_add(p, at, n);
            ml__p_add(p, at, index);
            n = at;
        } else {
            break;
        }
    }
    return n;
}
