/* kql/parse.h -- tokens to a tree: recursive descent for operators, precedence climbing for expressions.
 *
 * Invariant: every byte sequence ends in a tree or in an error; depth is bounded by ML_PARSE_DEPTH.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_PARSE_H
#define ML_KQL_PARSE_H

#include "kql/lex.h"
#include "kql/node.h"

#define ML_PARSE_DEPTH 200
#define ML_QUERY_MAX_BYTES (2u * 1024 * 1024)

/* The tree of the whole text (QUERY); NULL: see diag. */
struct ml_node *ml_parse(struct ml_arena *a, struct ml_str query, struct ml_diag *diag);

/* --- shared by the parse_*.c files --- */

struct ml_parser {
    struct ml_lexer lex;
    struct ml_token tok; /* the current one */
    uint32_t last;       /* end of the token before it */
    int depth;
    bool colon;           /* ':' is the operator of search */
    bool wild;            /* a*b is a name with a wildcard, not a product */
    bool cell;            /* of a datatable: the smallest long may be written */
    struct ml_node dummy; /* what a failed rule answers */
};

/* Sticky: the first failure ends the token stream, so every loop ends. */
struct ml_node *ml__p_fail(struct ml_parser *p, const char *code, const char *what);
/* "X expected" at the current token. */
struct ml_node *ml__p_expected(struct ml_parser *p, const char *what);
void ml__p_next(struct ml_parser *p);
struct ml_token ml__p_peek(struct ml_parser *p); /* the one after the current */
bool ml__p_is(const struct ml_parser *p, const char *text);
bool ml__p_take(struct ml_parser *p, const char *text);
bool ml__p_want(struct ml_parser *p, const char *text);
/* Go back to a token seen before. */
void ml__p_back(struct ml_parser *p, const struct ml_token *t);
/* A node that starts at pos and ends with the token before the current one. */
struct ml_node *ml__p_node(struct ml_parser *p, enum ml_node_kind kind, uint32_t pos);
void ml__p_add(struct ml_parser *p, struct ml_node *n, struct ml_node *kid);
void ml__p_add_opt(struct ml_parser *p, struct ml_node *n, struct ml_node *opt);
bool ml__p_enter(struct ml_parser *p); /* false: too deep */
/* A name, bare or in brackets; empty: failed. */
struct ml_str ml__p_name(struct ml_parser *p);

struct ml_node *ml__p_expr(struct ml_parser *p);
/* [name =] expr, or (a, b) = expr. */
struct ml_node *ml__p_named_expr(struct ml_parser *p);
struct ml_node *ml__p_named_list(struct ml_parser *p);
/* An expression, or a table with its operators. */
struct ml_node *ml__p_pipe(struct ml_parser *p);
struct ml_node *ml__p_unary(struct ml_parser *p);
/* datetime(...), dynamic(...) and the like at the current name; false: it is none. */
bool ml__p_typed_literal(struct ml_parser *p, struct ml_node **out);
/* (name:type, ...) */
struct ml_node *ml__p_schema(struct ml_parser *p, bool defaults);
struct ml_node *ml__p_typeof(struct ml_parser *p);
/* union, print, range, ... as the start of a table; NULL: the token starts none. */
struct ml_node *ml__p_source_op(struct ml_parser *p);
/* After '|'. */
struct ml_node *ml__p_op(struct ml_parser *p);
/* '(' op | op ... ')' */
struct ml_node *ml__p_subquery(struct ml_parser *p);
/* Statements up to `end` (a sign), or to the end of the text when NULL. */
void ml__p_statements(struct ml_parser *p, struct ml_node *into, const char *end);

#endif
