/* kql/exec_leaf.c -- where rows begin: datatable, print, range, a sub-query's input, a shared stage.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/mem.h"
#include "kql/decimal.h"
#include "kql/exec.h"

#include <math.h>

/* --- values --- */

struct values {
    struct ml_exec x;
    uint32_t at;
};

static int next_values(struct ml_exec *x, struct ml_batch *out)
{
    struct values *v = (struct values *)x;
    const struct ml_plan *p = x->plan;
    uint32_t n = p->nrows - v->at;
    n = n < ML_BATCH_ROWS ? n : ML_BATCH_ROWS;
    if (n == 0)
        return ML_OK;
    if (!ml__batch_init(out, &x->batch, p->out.n))
        return ml__rt_nomem(x->rt);
    for (uint32_t c = 0; c < p->out.n; c++) {
        if (!ml_column_init_nulls(&out->cols[c], &x->batch, p->out.at[c].type, n))
            return ml__rt_nomem(x->rt);
        for (uint32_t r = 0; r < n; r++)
            ml_column_set(&out->cols[c], r, &p->cells[(size_t)(v->at + r) * p->out.n + c]);
    }
    out->n = n;
    v->at += n;
    return ML_OK;
}

const struct ml_exec_ops ml__exec_values = {.size = sizeof(struct values), .next = next_values};

/* --- the input of a sub-query --- */

static int next_input(struct ml_exec *x, struct ml_batch *out)
{
    if (!x->done && x->input != NULL)
        *out = *x->input;
    x->done = true;
    return ML_OK;
}

const struct ml_exec_ops ml__exec_input = {.size = sizeof(struct ml_exec), .next = next_input};

/* --- shared --- */

struct shared {
    struct ml_exec x;
    size_t at;
};

/* The rows of a shared stage, run at the first use. */
static int shared_rows(struct ml_rt *rt, const struct ml_plan *p, struct ml_rowset **out)
{
    if (p->shared >= rt->nshared) {
        uint32_t n = p->shared + 8;
        struct ml_rowset **more = ml_realloc(rt->shared, n, sizeof *more);
        if (more == NULL)
            return ml__rt_nomem(rt);
        memset(more + rt->nshared, 0, (n - rt->nshared) * sizeof *more);
        rt->shared = more;
        rt->nshared = n;
    }
    if (rt->shared[p->shared] == NULL) {
        struct ml_rowset *rows = ml_calloc(1, sizeof *rows);
        if (rows == NULL)
            return ml__rt_nomem(rt);
        int rc = ml__run_rows(rt, p->in[0], NULL, rows);
        if (rc != ML_OK) {
            ml_free(rows);
            return rc;
        }
        rt->shared[p->shared] = rows;
    }
    *out = rt->shared[p->shared];
    return ML_OK;
}

static int next_shared(struct ml_exec *x, struct ml_batch *out)
{
    struct shared *s = (struct shared *)x;
    struct ml_rowset *rows = NULL;
    int rc = shared_rows(x->rt, x->plan, &rows);
    if (rc != ML_OK)
        return rc;
    size_t n = rows->all.n - s->at;
    n = n < ML_BATCH_ROWS ? n : ML_BATCH_ROWS;
    if (n == 0)
        return ML_OK;
    if (!ml__batch_init(out, &x->batch, rows->all.ncols))
        return ml__rt_nomem(x->rt);
    for (size_t i = 0; i < rows->all.ncols; i++)
        out->cols[i] = ml_column_slice(&rows->all.cols[i], s->at);
    out->n = n;
    s->at += n;
    return ML_OK;
}

const struct ml_exec_ops ml__exec_shared = {.size = sizeof(struct shared), .next = next_shared};

/* --- range --- */

enum { RANGE_MAX = 100000000 };

struct range {
    struct ml_exec x;
    struct ml_val from;
    struct ml_val to;
    struct ml_val step;
    uint64_t at;
};

static int open_range(struct ml_exec *x)
{
    struct range *r = (struct range *)x;
    int rc = ml__eval_constant(x->rt, x->plan->from, &r->from);
    if (rc == ML_OK)
        rc = ml__eval_constant(x->rt, x->plan->to, &r->to);
    if (rc == ML_OK)
        rc = ml__eval_constant(x->rt, x->plan->step, &r->step);
    if (rc != ML_OK)
        return rc;
    bool zero = r->step.type == ML_T_REAL ? r->step.d == 0 || isnan(r->step.d) : r->step.i == 0;
    if (!r->step.null && zero)
        return ml__rt_fail(x->rt, x->plan->step->node, "KS204",
                           "the step of a range must not be 0");
    x->done = r->from.null || r->to.null || r->step.null;
    return ML_OK;
}

/* False: the range has ended. */
static bool range_value(const struct range *r, uint64_t k, struct ml_val *v)
{
    *v = r->from;
    if (v->type == ML_T_REAL) {
        v->d = r->from.d + (double)k * r->step.d;
        return r->step.d > 0 ? v->d <= r->to.d : v->d >= r->to.d;
    }
    int64_t offset;
    if (__builtin_mul_overflow((int64_t)k, r->step.i, &offset) ||
        __builtin_add_overflow(r->from.i, offset, &v->i))
        return false;
    return r->step.i > 0 ? v->i <= r->to.i : v->i >= r->to.i;
}

static int next_range(struct ml_exec *x, struct ml_batch *out)
{
    struct range *r = (struct range *)x;
    struct ml_val v;
    if (x->done)
        return ML_OK;
    if (!ml__batch_init(out, &x->batch, 1) ||
        !ml_column_init(&out->cols[0], &x->batch, x->plan->out.at[0].type, ML_BATCH_ROWS))
        return ml__rt_nomem(x->rt);
    while (out->n < ML_BATCH_ROWS && range_value(r, r->at, &v)) {
        ml_column_set(&out->cols[0], out->n++, &v);
        r->at++;
    }
    x->done = out->n < ML_BATCH_ROWS;
    if (r->at > RANGE_MAX)
        return ml__rt_fail(x->rt, x->plan->to->node, "ML203", "a range has more than %d rows",
                           RANGE_MAX);
    return ML_OK;
}

const struct ml_exec_ops ml__exec_range = {
    .size = sizeof(struct range), .open = open_range, .next = next_range};
