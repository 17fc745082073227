/* kql/exec_filter.c -- where, project and extend; see exec.h. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"

struct mapper {
    struct ml_exec x;
    struct ml_rowset rows; /* window functions: the whole input */
    bool drained;
};

/* The next input batch; with window functions all rows at once. */
static int pull(struct mapper *m, struct ml_batch *in)
{
    struct ml_exec *x = &m->x;
    *in = (struct ml_batch){0};
    if (!x->plan->window)
        return ml__exec_next(x->in[0], in);
    if (m->drained)
        return ML_OK;
    m->drained = true;
    int rc = ml__exec_drain(x->in[0], &m->rows);
    *in = m->rows.all;
    return rc;
}

static void close_mapper(struct ml_exec *x)
{
    ml__rows_free(&((struct mapper *)x)->rows);
}

static int gather_all(struct ml_exec *x, const struct ml_batch *in, const uint32_t *rows, size_t n,
                      struct ml_batch *out)
{
    if (!ml__batch_init(out, &x->batch, in->ncols))
        return ml__rt_nomem(x->rt);
    out->n = n;
    for (size_t i = 0; i < in->ncols; i++)
        if (!ml_column_gather(&in->cols[i], &x->batch, rows, n, &out->cols[i]))
            return ml__rt_nomem(x->rt);
    return ML_OK;
}

static int next_filter(struct ml_exec *x, struct ml_batch *out)
{
    for (;;) {
        struct ml_batch in;
        struct ml_ecx cx = {x->rt, &x->batch};
        uint32_t *rows = NULL;
        size_t n = 0;
        ml_arena_reset(&x->batch);
        int rc = pull((struct mapper *)x, &in);
        if (rc != ML_OK || in.n == 0)
            return rc;
        rc = ml__eval_filter(&cx, x->plan->exprs[0], &in, &rows, &n);
        if (rc != ML_OK)
            return rc;
        if (n == in.n) {
            *out = in;
            return ML_OK;
        }
        if (n > 0)
            return gather_all(x, &in, rows, n, out);
    }
}

static int next_project(struct ml_exec *x, struct ml_batch *out)
{
    struct ml_batch in;
    struct ml_ecx cx = {x->rt, &x->batch};
    int rc = pull((struct mapper *)x, &in);
    if (rc != ML_OK || in.n == 0)
        return rc;
    if (!ml__batch_init(out, &x->batch, x->plan->n))
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < x->plan->n; i++) {
        enum ml_type t = x->plan->out.at[i].type;
        if (x->plan->need != NULL && !x->plan->need[i])
            rc = ml__unread(&cx, t, &out->cols[i]);
        else
            rc = ml__eval(&cx, x->plan->exprs[i], &in, &out->cols[i]);
        if (rc != ML_OK)
            return rc;
    }
    out->n = in.n;
    return ML_OK;
}

const struct ml_exec_ops ml__exec_filter = {
    .size = sizeof(struct mapper), .next = next_filter, .close = close_mapper};
const struct ml_exec_ops ml__exec_project = {
    .size = sizeof(struct mapper), .next = next_project, .close = close_mapper};
