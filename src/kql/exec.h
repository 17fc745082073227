/* kql/exec.h -- running a plan: a tree of cursors, each pulling batches from the ones below.
 *
 * `next` answers a batch that stays valid until the next call on the same cursor; n = 0 is the end. A cursor's `batch` arena
 * is emptied before each next; `keep` lives until close. One operator a file: exec_*.c.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_EXEC_H
#define ML_KQL_EXEC_H

#include "kql/eval.h"

struct ml_exec;

struct ml_exec_ops {
    size_t size; /* of the operator's own struct, which starts with struct ml_exec */
    int (*open)(struct ml_exec *x); /* may be NULL */
    int (*next)(struct ml_exec *x, struct ml_batch *out);
    void (*close)(struct ml_exec *x); /* may be NULL */
};

struct ml_exec {
    const struct ml_exec_ops *ops;
    const struct ml_plan *plan;
    struct ml_rt *rt;
    struct ml_exec **in; /* owned, plan->nin of them */
    struct ml_arena batch;
    struct ml_arena keep;
    struct ml_batch *input; /* of a sub-query: what its INPUT leaf gives; borrowed */
    bool done;
};

int ml__exec_open(struct ml_rt *rt, const struct ml_plan *plan, struct ml_batch *input,
                  struct ml_exec **out);
/* Checks limits, empties the batch arena, asks the operator. */
int ml__exec_next(struct ml_exec *x, struct ml_batch *out);
void ml__exec_close(struct ml_exec *x); /* NULL is fine */

struct ml_rowset;

/* The `next` of operators that answer all rows at once: the first call runs `run`, which fills `result`. */
int ml__exec_once(struct ml_exec *x, int (*run)(struct ml_exec *x), const struct ml_rowset *result,
                  struct ml_batch *out);

/* Rows kept: all batches of a cursor as one. */
struct ml_rowset {
    struct ml_arena arena;   /* texts and dynamics */
    struct ml_schema schema; /* borrowed */
    struct ml_batch all;     /* columns of `cap` rows; their arrays are owned, and grow in place */
    size_t cap;
    size_t bytes; /* of those arrays */
};

/* What a `top` tells the scan below it: a row whose first key is worse than this cannot be among its rows. */
struct ml_cut {
    bool set;
    bool strict;         /* neither can one that is as good */
    uint8_t flags;       /* ML_F_DESC, ML_F_NULLS_FIRST */
    struct ml_val worst; /* of the rows kept so far */
};

/* Order of two sort keys: negative when a stands first. */
int ml__key_order(const struct ml_val *a, const struct ml_val *b, uint8_t flags);
/* The rows 0..n-1 of a key column that may still be among the best. */
size_t ml__cut_rows(const struct ml_cut *cut, const struct ml_column *key, size_t n,
                    uint32_t *kept);
/* Before its first next: the scan leaves out what the cut, which fills later, says; `column` is the key. */
void ml__scan_cut(struct ml_exec *scan, uint32_t column, const struct ml_cut *cut);

/* An empty set of rows; false: out of memory. */
bool ml__rows_init(struct ml_rowset *r, const struct ml_schema *schema, size_t max_bytes);
/* Copies a batch to the end. `texts`: also the bytes of strings (needed when the batch's memory ends before the
 * rows do). */
bool ml__rows_add(struct ml_rowset *r, const struct ml_batch *b, bool texts);
void ml__rows_free(struct ml_rowset *r);
/* Everything that comes out of a cursor. */
int ml__exec_drain(struct ml_exec *x, struct ml_rowset *out);

/* Run a plan to its end. */
int ml__run_rows(struct ml_rt *rt, const struct ml_plan *plan, struct ml_batch *input,
                 struct ml_rowset *out);
/* toscalar: first cell of the first row. In the query's arena. */
int ml__run_scalar(struct ml_rt *rt, const struct ml_plan *plan, struct ml_val *out);
/* The first column as an array. */
int ml__run_list(struct ml_rt *rt, const struct ml_plan *plan, struct ml_val *out);
/* A whole number that an operator was given: take N; at least 0. */
int ml__run_count(struct ml_rt *rt, const struct ml_expr *e, uint64_t *out);

/* A batch of the plan's columns, uninitialised; false: out of memory. */
bool ml__batch_init(struct ml_batch *b, struct ml_arena *a, size_t ncols);

#endif
