/* kql/plan.h -- the typed plan: what the binder makes, the optimizer rewrites, and both the executor and the SQL
 * emitter start from.
 *
 * A plan is a tree of stages; each knows its ordered, typed columns. Expressions refer to the columns
 * of their stage's input by index. Immutable once optimized. Memory: the query's arena.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_PLAN_H
#define ML_KQL_PLAN_H

#include "kql/column.h"
#include "kql/node.h"
#include "kql/source.h"

struct ml_plan;
struct ml_func;
struct ml_agg;

struct ml_field {
    struct ml_str name;
    enum ml_type type;
};

struct ml_schema {
    struct ml_field *at;
    uint32_t n;
};

/* --- expressions --- */

enum ml_expr_kind {
    ML_E_CONST,  /* val */
    ML_E_COLUMN, /* column */
    ML_E_CALL,   /* fn(arg ...) */
    ML_E_SCALAR, /* toscalar(plan): the first cell */
    ML_E_LIST,   /* the first column of plan, as an array: x in (T) */
};

struct ml_expr {
    uint8_t kind;  /* enum ml_expr_kind */
    uint8_t type;  /* enum ml_type, static */
    bool constant; /* the same for every row: no column, nothing volatile */
    bool window;   /* has a window function: needs all rows at once */
    uint32_t column;
    uint32_t n;
    struct ml_expr **arg;
    const struct ml_func *fn;
    struct ml_val val;
    struct ml_plan *plan;
    const struct ml_node *node; /* for messages */
    uint32_t id;                /* number of this expression within the query: finds its state */
};

/* --- stages --- */

enum ml_plan_kind {
    ML_P_VALUES,    /* rows: cells */
    ML_P_SCAN,      /* source */
    ML_P_INPUT,     /* the rows handed to a sub-query */
    ML_P_FILTER,    /* exprs[0] */
    ML_P_PROJECT,   /* exprs */
    ML_P_AGGREGATE, /* exprs: keys; aggs */
    ML_P_SORT,      /* exprs: keys, key_flags; limit (top) */
    ML_P_TAKE,      /* limit */
    ML_P_SAMPLE,    /* limit */
    ML_P_JOIN,      /* exprs: left keys, then right keys (nkeys each) */
    ML_P_UNION,     /* in[]; maps */
    ML_P_PARSE,
    ML_P_PARSE_KV,
    ML_P_EXPAND, /* mv-expand; with sub: mv-apply */
    ML_P_SERIES, /* make-series */
    ML_P_PARTITION,
    ML_P_NESTED,     /* top-nested */
    ML_P_SCAN_STEPS, /* the scan operator */
    ML_P_RANGE,
    ML_P_SHARED, /* in[0], run once and kept: materialize, as */
};

enum ml_join_kind {
    ML_JOIN_INNERUNIQUE,
    ML_JOIN_INNER,
    ML_JOIN_LEFTOUTER,
    ML_JOIN_RIGHTOUTER,
    ML_JOIN_FULLOUTER,
    ML_JOIN_LEFTANTI,
    ML_JOIN_RIGHTANTI,
    ML_JOIN_LEFTSEMI,
    ML_JOIN_RIGHTSEMI,
};

/* One aggregate call in summarize, make-series, top-nested. */
struct ml_agg_call {
    const struct ml_agg *agg;
    uint32_t n;
    struct ml_expr **arg;
    enum ml_type type;       /* of its first output */
    uint32_t first;          /* its first column in the stage's output */
    uint32_t columns;        /* arg_max has several */
    struct ml_expr *filter;  /* sumif, ...: only rows where this is true; NULL: all */
    struct ml_expr *missing; /* make-series: default= */
    const struct ml_node *node;
};

/* parse: one item of the pattern. */
struct ml_parse_item {
    struct ml_str literal; /* before the column (empty: none) */
    bool skip;             /* a '*' stands between the literal and what was before it */
    int32_t column;        /* output column that follows; -1: '*' or the end */
    enum ml_type type;
};

struct ml_parse_spec {
    struct ml_str regex; /* kind=regex: the whole pattern */
    bool relaxed;
    bool drop; /* parse-where */
    bool tail; /* the pattern ends with '*' */
    bool lead; /* and starts with one */
    uint32_t n;
    struct ml_parse_item *items;
    uint32_t ncolumns;     /* new columns, in order of appearance */
    const uint32_t *place; /* where each stands in the output */
    const enum ml_type *types;
    uint32_t flags;
    /* parse-kv */
    struct ml_str pair;
    struct ml_str kv;
    struct ml_str quote_open;
    struct ml_str quote_close;
    struct ml_str escape;
    bool is_greedy;
    const struct ml_str *keys;
};

struct ml_expand_item {
    struct ml_expr *expr;
    uint32_t column; /* in the output */
    enum ml_type type;
};

struct ml_expand_spec {
    struct ml_expand_item *items;
    uint32_t n;
    bool pairs;    /* kind=array: a bag gives [key, value] */
    int32_t index; /* output column of with_itemindex; -1: none */
    uint32_t kept; /* input columns that stay */
    struct ml_expr *limit;
};

struct ml_scan_step {
    struct ml_str name;
    struct ml_expr *condition;
    uint32_t n;
    uint32_t *target; /* declared column that is set */
    struct ml_expr **value;
    uint8_t output; /* 0 all, 1 last, 2 none */
};

struct ml_steps_spec {
    struct ml_scan_step *steps;
    uint32_t nsteps;
    uint32_t ninput; /* columns of the input */
    uint32_t ndeclared;
    struct ml_expr **defaults; /* constants */
    int32_t match_id;          /* output column; -1 */
};

struct ml_nested_level {
    struct ml_expr *count; /* NULL: all */
    struct ml_expr *of;
    struct ml_expr *others; /* NULL: none */
    struct ml_agg_call agg;
    bool ascending;
};

struct ml_plan {
    uint8_t kind; /* enum ml_plan_kind */
    bool serialized;
    struct ml_plan *optimized; /* what the optimizer made of this stage */
    bool *need;                /* by output column: somebody reads it. NULL: all are needed */
    struct ml_schema out;
    uint32_t nin;
    struct ml_plan **in;
    uint32_t n;
    struct ml_expr **exprs;
    uint8_t *key_flags; /* SORT: ML_F_* of each key */
    bool window;        /* PROJECT, FILTER: all rows at once */
    struct ml_expr *limit;
    bool no_ties; /* SORT with a limit: rows that tie across it are an error */
    bool cuts;    /* SORT with a limit: tells the scan below which rows come too late */
    /* VALUES */
    struct ml_val *cells; /* row by row */
    uint32_t nrows;
    /* SCAN */
    const struct ml_source *source;
    const uint32_t *columns; /* source columns, one for each of out; rising */
    int64_t from_ticks;
    int64_t to_ticks;
    uint32_t prefix_column;
    struct ml_str prefix;
    struct ml_expr **filters; /* tested before other columns are read */
    uint32_t nfilters;
    uint64_t limit_rows;
    /* AGGREGATE, SERIES */
    struct ml_agg_call *aggs;
    uint32_t naggs;
    /* JOIN */
    uint8_t join;
    uint32_t nkeys;
    const int32_t *map; /* JOIN: output column -> left column, or nleft + right column
                           UNION: (leg, output) -> input column or -1, leg by leg */
    /* UNION */
    struct ml_str *sources; /* withsource texts, one a leg; NULL: none */
    struct ml_parse_spec *parse;
    struct ml_expand_spec *expand;
    struct ml_steps_spec *steps;
    struct ml_nested_level *levels;
    uint32_t nlevels;
    struct ml_plan *sub;  /* sub-query of mv-apply, partition; its leaf is INPUT */
    struct ml_plan *leaf; /* that leaf */
    /* SERIES: axis = exprs[n-1], keys before; NULL where not given */
    struct ml_expr *from;
    struct ml_expr *to;
    struct ml_expr *step;
    bool inclusive;
    uint32_t shared;      /* SHARED: its number within the query */
    struct ml_str name;   /* of the table, for withsource and search */
    struct ml_str render; /* kind of chart asked for; empty: none */
    const struct ml_node *render_node;
};

/* Does each row of the result come of one row of a table, whatever the others are? */
bool ml__plan_by_row(const struct ml_plan *p);

/* One result: a plan and its name. */
struct ml_bound {
    struct ml_plan **at;
    uint32_t n;
    uint32_t nshared; /* SHARED stages numbered below this */
    uint32_t nexprs;  /* expressions numbered below this */
};

#endif
