/* kql/lex.h -- bytes to tokens, one at a time.
 *
 * The lexer has no state but a position, so a parser may look ahead and step back at no cost. Keywords are
 * names: what they mean depends on where they stand. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_LEX_H
#define ML_KQL_LEX_H

#include "kql/diag.h"
#include "kql/val.h"

enum ml_token_kind {
    ML_TOK_END,
    ML_TOK_NAME,    /* also !has, in~ and the like */
    ML_TOK_LITERAL, /* string, long, real, timespan: in val */
    ML_TOK_SIGN,    /* punctuation and operators */
};

struct ml_token {
    enum ml_token_kind kind;
    uint32_t pos;
    uint32_t len;
    struct ml_str text; /* as written; borrowed from the query */
    struct ml_val val;
};

struct ml_lexer {
    struct ml_str query;
    struct ml_arena *arena;
    struct ml_diag *diag;
};

/* The token at or after pos (blanks and comments are skipped). A bad one sets diag and is END. */
struct ml_token ml_lex(struct ml_lexer *l, uint32_t pos);

static inline bool ml_token_is(const struct ml_token *t, const char *text)
{
    return (t->kind == ML_TOK_SIGN || t->kind == ML_TOK_NAME) &&
           ml_str_eq(t->text, ml_str_of(text));
}

#endif
