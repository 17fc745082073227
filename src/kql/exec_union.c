/* kql/exec_union.c -- union: one leg after the other; see exec.h. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"

struct unite {
    struct ml_exec x;
    uint32_t leg;
};

static int next_union(struct ml_exec *x, struct ml_batch *out)
{
    struct unite *u = (struct unite *)x;
    const struct ml_plan *p = x->plan;
    struct ml_batch in = {0};
    while (u->leg < p->nin) {
        int rc = ml__exec_next(x->in[u->leg], &in);
        if (rc != ML_OK)
            return rc;
        if (in.n > 0)
            break;
        u->leg++;
    }
    if (u->leg == p->nin)
        return ML_OK;
    if (!ml__batch_init(out, &x->batch, p->out.n))
        return ml__rt_nomem(x->rt);
    out->n = in.n;
    for (uint32_t i = 0; i < p->out.n; i++) {
        int32_t from = p->map[u->leg * p->out.n + i];
        if (from >= 0) {
            out->cols[i] = in.cols[from];
            continue;
        }
        struct ml_val v = ml_val_null(p->out.at[i].type);
        if (i == 0 && p->sources != NULL)
            v = ml_val_str(p->sources[u->leg]);
        if (!ml_column_init_constant(&out->cols[i], &x->batch, p->out.at[i].type, &v))
            return ml__rt_nomem(x->rt);
    }
    return ML_OK;
}

const struct ml_exec_ops ml__exec_union = {.size = sizeof(struct unite), .next = next_union};
