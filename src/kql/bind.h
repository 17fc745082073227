/* kql/bind.h -- the tree to a typed plan: names, types, result columns; nothing runs here but constants (and the input of
 * evaluate plugins whose columns depend on the data).
 *
 * Errors: the first of a statement is reported with its place. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_BIND_H
#define ML_KQL_BIND_H

#include "kql/eval.h"
#include "kql/plan.h"

/* Fills *out; 0 or an ML_E with rt->diag set. rt->states grow as expressions are made. */
int ml_bind(struct ml_rt *rt, const struct ml_catalog *catalog, const struct ml_node *query,
            struct ml_bound *out);

/* --- shared by the bind_*.c files --- */

enum { ML__INLINE_DEPTH = 64 };

enum ml_env_kind {
    ML_ENV_SCALAR, /* expr */
    ML_ENV_TABLE,  /* node, bound anew at each use, in `scope` */
    ML_ENV_PLAN,   /* plan: `as`, materialize, a tabular argument */
    ML_ENV_FUNC,   /* node: LAMBDA */
};

/* What a name stands for; a chain, innermost first. */
struct ml_env {
    const struct ml_env *up;
    struct ml_str name;
    uint8_t kind;
    bool view;
    struct ml_expr *expr;
    const struct ml_node *node;
    struct ml_plan *plan;
    const struct ml_env *scope;
    bool busy; /* being inlined: recursion is an error */
};

/* What expressions of one operator see. */
struct ml_scope {
    const struct ml_schema *cols;  /* NULL: none */
    const struct ml_schema *right; /* join: $right */
    bool serialized;
    bool aggregates; /* aggregate calls are allowed: they go to aggs */
    struct ml_agg_call *aggs;
    uint32_t naggs;
    uint32_t agg_base;               /* column of the first aggregate */
    bool in_agg;                     /* inside an aggregate's arguments */
    const struct ml_scope *agg_args; /* what those arguments see */
    struct ml_schema *agg_out;       /* types of aggregate columns, in order */
    bool window;                     /* out: a window function was used */
    /* scan steps: s.c */
    const struct ml_steps_spec *steps;
    const struct ml_schema *declared;
};

struct ml_binder {
    struct ml_rt *rt;
    struct ml_arena *arena;
    struct ml_diag *diag;
    const struct ml_catalog *catalog;
    const struct ml_env *env;
    struct ml_plan *input; /* of a sub-query: its INPUT leaf */
    uint32_t depth;
    uint32_t nexprs;
    uint32_t cap_states;
    uint32_t nshared;
    bool case_search; /* search kind=case_sensitive is being bound */
    bool no_table;    /* what failed is a table that does not exist */
    bool many;        /* the call about to be bound may give several values */
};

void ml__b_fail(struct ml_binder *b, const struct ml_node *n, const char *code, const char *fmt,
                ...) ML_PRINTF(4, 5);
void *ml__b_alloc(struct ml_binder *b, size_t n,
                  size_t size); /* never NULL unless the bind failed */
bool ml__b_failed(const struct ml_binder *b);

/* Expressions. They never answer NULL: after a failure a constant of no type. */
struct ml_expr *ml__b_expr(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s);
struct ml_expr *ml__b_const(struct ml_binder *b, const struct ml_node *n, enum ml_type t,
                            struct ml_val v);
struct ml_expr *ml__b_column(struct ml_binder *b, const struct ml_node *n, uint32_t column,
                             enum ml_type t);
struct ml_expr *ml__b_call(struct ml_binder *b, const struct ml_node *n, const struct ml_func *fn,
                           enum ml_type t, struct ml_expr **arg, uint32_t nargs);
struct ml_expr *ml__b_cast(struct ml_binder *b, struct ml_expr *e, enum ml_type t);
struct ml_expr *ml__b_op(struct ml_binder *b, const struct ml_node *n, const char *op,
                         struct ml_expr *l, struct ml_expr *r);
struct ml_expr *ml__b_and(struct ml_binder *b, struct ml_expr *l, struct ml_expr *r);
/* Element k of an array. */
struct ml_expr *ml__b_element(struct ml_binder *b, const struct ml_node *n, struct ml_expr *array,
                              uint32_t k);
struct ml_expr *ml__b_operator(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s);
/* A term of search: a string to look for in one column, or (column NULL) in all. */
struct ml_expr *ml__b_search_term(struct ml_binder *b, const struct ml_node *term,
                                  struct ml_scope *s, const struct ml_node *column);
/* A bool expression. */
struct ml_expr *ml__b_predicate(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s);
/* A constant string, or an empty one after an error. */
struct ml_str ml__b_string(struct ml_binder *b, const struct ml_node *n);
bool ml__b_bool(struct ml_binder *b, const struct ml_node *n);
/* The word of a setting: kind=inner; also as a string. */
struct ml_str ml__b_word(struct ml_binder *b, const struct ml_node *n);
const struct ml_node *ml__b_opt(const struct ml_node *op, const char *name);
/* The automatic name; empty: the expression is nameless. */
struct ml_str ml__b_auto_name(struct ml_binder *b, const struct ml_node *n);
const struct ml_func *ml__op_find(const char *name);
/* Call of a user function as an expression. NULL: there is none of that name. */
struct ml_expr *ml__b_user_call(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s);
const struct ml_env *ml__b_find(const struct ml_env *env, struct ml_str name);

/* Schemas. */
int32_t ml__schema_find(const struct ml_schema *s, struct ml_str name);
/* A growing schema: columns with unique names. */
struct ml_cols {
    struct ml_field *at;
    struct ml_expr **expr;
    uint32_t n;
    uint32_t cap;
    uint32_t nameless; /* counter of ColumnN */
};
void ml__cols_add(struct ml_binder *b, struct ml_cols *c, struct ml_str name, enum ml_type t,
                  struct ml_expr *e);
int32_t ml__cols_find(const struct ml_cols *c, struct ml_str name);
/* name, or name1, name2, ... until it is free in c (and in also, if given). */
struct ml_str ml__cols_free_name(struct ml_binder *b, const struct ml_cols *c, struct ml_str name);
struct ml_schema ml__cols_schema(const struct ml_cols *c);
struct ml_str ml__b_join_text(struct ml_binder *b, struct ml_str x, const char *between,
                              struct ml_str y);
struct ml_str ml__b_numbered(struct ml_binder *b, struct ml_str x, uint32_t n);

/* Stages. */
struct ml_plan *ml__b_plan(struct ml_binder *b, enum ml_plan_kind kind, struct ml_plan *in);
struct ml_plan *ml__b_project(struct ml_binder *b, struct ml_plan *in, struct ml_cols *c);
/* The tabular value of a node; fails if it is a scalar. */
struct ml_plan *ml__b_table(struct ml_binder *b, const struct ml_node *n);
/* True if the node is a table (a pipe, a table name, a tabular function). */
bool ml__b_is_table(struct ml_binder *b, const struct ml_node *n);
struct ml_plan *ml__b_op_stage(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in);
/* A sub-query over rows of such columns. */
struct ml_plan *ml__b_subquery(struct ml_binder *b, const struct ml_node *pipe,
                               const struct ml_schema *cols, struct ml_plan **leaf);
struct ml_plan *ml__b_shared(struct ml_binder *b, struct ml_plan *in);
/* A user function that gives a table; NULL: none of that name, or a scalar. */
struct ml_plan *ml__b_user_table(struct ml_binder *b, const struct ml_node *call,
                                 struct ml_plan *piped);
void ml__b_env_push(struct ml_binder *b, struct ml_env e);
/* All statements of a block; the value of the last goes to *expr or *plan. */
void ml__b_block(struct ml_binder *b, const struct ml_node *block, struct ml_expr **expr,
                 struct ml_plan **plan);
/* An aggregate call bound into a: false: n is none. */
bool ml__b_agg(struct ml_binder *b, const struct ml_node *n, struct ml_scope *args,
               struct ml_agg_call *a);
/* Names of an aggregate's output columns, from its call. */
struct ml_str ml__b_agg_name(struct ml_binder *b, const struct ml_node *call,
                             const struct ml_agg_call *a, uint32_t column);
struct ml_plan *ml__b_union_plans(struct ml_binder *b, const struct ml_node *op,
                                  struct ml_plan **legs, uint32_t n, bool inner,
                                  struct ml_str source_column);

/* A statement that ends in fork or facet: that operator, else NULL; its results, as many as size says, into at. */
const struct ml_node *ml__b_fork_of(const struct ml_node *statement);
uint32_t ml__b_fork_size(const struct ml_node *fork);
uint32_t ml__b_fork(struct ml_binder *b, const struct ml_node *statement, struct ml_plan **at);

typedef struct ml_plan *ml_bind_fn(struct ml_binder *b, const struct ml_node *op,
                                   struct ml_plan *in);
ml_bind_fn ml__bind_where, ml__bind_project, ml__bind_extend, ml__bind_project_away,
    ml__bind_project_keep, ml__bind_project_rename, ml__bind_project_reorder, ml__bind_summarize,
    ml__bind_distinct, ml__bind_sort, ml__bind_take, ml__bind_top, ml__bind_count, ml__bind_union,
    ml__bind_join, ml__bind_lookup, ml__bind_parse, ml__bind_parse_kv, ml__bind_mv_expand,
    ml__bind_mv_apply, ml__bind_make_series, ml__bind_partition, ml__bind_scan, ml__bind_search,
    ml__bind_find, ml__bind_evaluate, ml__bind_render, ml__bind_invoke, ml__bind_as,
    ml__bind_getschema, ml__bind_consume, ml__bind_sample, ml__bind_sample_distinct,
    ml__bind_top_hitters, ml__bind_top_nested, ml__bind_serialize, ml__bind_print, ml__bind_range;

#endif
