/* kql/eval.h -- expressions over columns, and what one running query shares.
 *
 * Kernels work column by column on up to a few thousand rows; a function without a kernel is called once a row.
 * Threads: one query, one thread; only `cancel` is set from outside.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_EVAL_H
#define ML_KQL_EVAL_H

#include "kql/diag.h"
#include "base/err.h"
#include "kql/fold.h"
#include "kql/func.h"

#include <stdatomic.h>

struct ml_rowset;
struct ml_parameter;

/* State of one expression between batches. */
struct ml_estate {
    void *cache;               /* a function's own, e.g. a compiled regex */
    void (*drop)(void *cache); /* frees it */
    struct ml_val val;         /* a scalar sub-query's answer */
    bool known;
};

struct ml_rt {
    struct ml_arena *arena;    /* lives as long as the query */
    int64_t now_ticks;         /* one instant for the whole request */
    uint64_t deadline_ns;      /* 0: none */
    size_t max_bytes;          /* of any one stage; 0: no limit */
    const atomic_bool *cancel; /* may be NULL */
    uint64_t random;           /* state of rand() */
    struct ml_diag *diag;      /* what failed while running */
    int64_t from_ticks;        /* of the request: rows outside are not seen */
    int64_t to_ticks;
    const struct ml_parameter *parameters; /* of the request; borrowed */
    size_t nparameters;
    struct ml_estate *states; /* by ml_expr.id */
    uint32_t nstates;
    struct ml_rowset **shared; /* by ml_plan.shared */
    uint32_t nshared;
    uint64_t blocks_read; /* of all scans, for --explain and tests */
    uint64_t rows_read;
};

/* What an evaluation writes to. */
struct ml_ecx {
    struct ml_rt *rt;
    struct ml_arena *arena;
};

int ml__eval(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_batch *in,
             struct ml_column *out);
/* An expression without columns. */
int ml__eval_constant(struct ml_rt *rt, const struct ml_expr *e, struct ml_val *out);
/* A pattern that did not compile. */
int ml__rt_regex(struct ml_rt *rt, const struct ml_node *at, const struct ml_error *e);
/* The rows where a bool expression is true, as row numbers; *n of them. */
int ml__eval_filter(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_batch *in,
                    uint32_t **rows, size_t *n);
/* In place of a column that nobody reads: one null for every row. */
int ml__unread(struct ml_ecx *cx, enum ml_type t, struct ml_column *out);
/* Out of memory, as a status; and the limits every batch checks. */
int ml__rt_nomem(struct ml_rt *rt);
int ml__rt_check(struct ml_rt *rt);
int ml__rt_fail(struct ml_rt *rt, const struct ml_node *at, const char *code, const char *fmt, ...)
    ML_PRINTF(4, 5);

/* The kernels of the operators (eval_*.c), named in op.def. */
ml_vec_fn ml__vec_arith, ml__vec_neg, ml__vec_compare, ml__vec_and, ml__vec_or, ml__vec_not,
    ml__vec_cast, ml__vec_in, ml__vec_member, ml__vec_index, ml__vec_text, ml__vec_has_list,
    ml__vec_regex;

/* What the operator of that name searches for; *fold: the case of letters does not count. */
enum ml_search ml__search_of(const char *name, bool *fold);

/* Nulls of a result: of a, of b, or of both; false: out of memory. */
bool ml__nulls_or(struct ml_arena *a, const struct ml_column *x, const struct ml_column *y,
                  size_t n, struct ml_column *out);

#endif
