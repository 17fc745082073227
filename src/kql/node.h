/* kql/node.h -- the syntax tree: what was written, with its place; no names resolved, no types.
 *
 * One struct for every node; the table says what the fields hold. Memory: the query's arena.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_NODE_H
#define ML_KQL_NODE_H

#include "kql/val.h"

enum ml_node_kind {
    ML_N_ERROR,       /* after a syntax error */
    ML_N_LIT,         /* val; type */
    ML_N_NOW,         /* datetime() */
    ML_N_NAME,        /* text */
    ML_N_WILD,        /* text: a name with '*' in it */
    ML_N_STAR,        /* * */
    ML_N_MEMBER,      /* kid0.text */
    ML_N_INDEX,       /* kid0[kid1] */
    ML_N_CALL,        /* text(kids) */
    ML_N_UNARY,       /* text kid0 */
    ML_N_BINARY,      /* kid0 text kid1 */
    ML_N_IN,          /* kid0 text (kids from 1) */
    ML_N_BETWEEN,     /* kid0 text (kid1 .. kid2) */
    ML_N_ASSIGN,      /* text = kid0 */
    ML_N_ASSIGN_MANY, /* (names: kids from 1) = kid0 */
    ML_N_TYPEOF,      /* typeof(kids: TYPE) */
    ML_N_TYPE,        /* text : type (text empty in typeof); kid0: default */
    ML_N_LIST,        /* kids */
    ML_N_KEY,         /* kid0 asc|desc: flag DESC, NULLS_FIRST, NULLS_LAST */
    ML_N_DATATABLE,   /* a: LIST of TYPE; kids: cells */
    ML_N_PIPE,        /* kid0 source (NULL in a sub-query), then OPs */
    ML_N_OP,          /* text: operator; opt; the rest as parse_op.c says */
    ML_N_LAMBDA,      /* a: LIST of parameters (TYPE, or ASSIGN_TABLE); kids: statements */
    ML_N_TABLE_PARAM, /* text:(kids: TYPE), or (*) with no kids */
    ML_N_LET,         /* let text = kid0 */
    ML_N_SET,         /* set text = kid0 */
    ML_N_DECLARE,     /* kids: TYPE with default */
    ML_N_QUERY,       /* kids: statements */
};

enum {
    ML_F_DESC = 1,
    ML_F_NULLS_FIRST = 2,
    ML_F_NULLS_LAST = 4,
    ML_F_VIEW = 8,
    ML_F_LITERAL_PAREN = 16, /* the expression stood in parentheses */
    ML_F_ASC = 32,
};

struct ml_node {
    uint8_t kind; /* enum ml_node_kind */
    uint8_t flags;
    uint8_t type; /* enum ml_type: LIT, TYPE */
    uint32_t pos; /* bytes in the query */
    uint32_t len;
    struct ml_str text;
    struct ml_val val;
    uint32_t n;
    struct ml_node **kid;
    uint32_t nopt;
    struct ml_node **opt; /* ASSIGN nodes: kind=inner, hint.x=y */
    struct ml_node *a;
    struct ml_node *b;
    struct ml_node *c;
};

#endif
