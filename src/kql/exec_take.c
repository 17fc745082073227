/* kql/exec_take.c -- take and sample; see exec.h. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"

struct take {
    struct ml_exec x;
    uint64_t left;
};

static int open_take(struct ml_exec *x)
{
    return ml__run_count(x->rt, x->plan->limit, &((struct take *)x)->left);
}

static int next_take(struct ml_exec *x, struct ml_batch *out)
{
    struct take *t = (struct take *)x;
    if (t->left == 0)
        return ML_OK;
    int rc = ml__exec_next(x->in[0], out);
    if (rc != ML_OK)
        return rc;
    if (out->n > t->left)
        out->n = (size_t)t->left;
    t->left -= out->n;
    return ML_OK;
}

const struct ml_exec_ops ml__exec_take = {
    .size = sizeof(struct take), .open = open_take, .next = next_take};

/* sample n: each row equally likely (a reservoir of row numbers over the whole input). */
struct sample {
    struct ml_exec x;
    struct ml_rowset rows;
};

static uint64_t random_below(struct ml_rt *rt, uint64_t n)
{
    rt->random = rt->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint64_t)(((unsigned __int128)(rt->random >> 1) * n) >> 63);
}

static int next_sample(struct ml_exec *x, struct ml_batch *out)
{
    struct sample *s = (struct sample *)x;
    uint64_t want;
    if (x->done)
        return ML_OK;
    x->done = true;
    int rc = ml__run_count(x->rt, x->plan->limit, &want);
    if (rc == ML_OK)
        rc = ml__exec_drain(x->in[0], &s->rows);
    if (rc != ML_OK)
        return rc;
    size_t total = s->rows.all.n;
    size_t n = want < total ? (size_t)want : total;
    uint32_t *rows = ml_arena_raw(&x->keep, total, sizeof *rows);
    if (rows == NULL || !ml__batch_init(out, &x->keep, s->rows.all.ncols))
        return ml__rt_nomem(x->rt);
    for (size_t i = 0; i < total; i++)
        rows[i] = (uint32_t)i;
    for (size_t i = 0; i < n; i++) {
        size_t k = i + (size_t)random_below(x->rt, total - i);
        uint32_t t = rows[i];
        rows[i] = rows[k];
        rows[k] = t;
    }
    for (size_t i = 0; i < s->rows.all.ncols; i++)
        if (!ml_column_gather(&s->rows.all.cols[i], &x->keep, rows, n, &out->cols[i]))
            return ml__rt_nomem(x->rt);
    out->n = n;
    return ML_OK;
}

static void close_sample(struct ml_exec *x)
{
    ml__rows_free(&((struct sample *)x)->rows);
}

const struct ml_exec_ops ml__exec_sample = {
    .size = sizeof(struct sample), .next = next_sample, .close = close_sample};
