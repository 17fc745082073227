/* kql/exec_partition.c -- partition by: a sub-query for the rows of each key; see exec.h.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/table.h"

struct partition {
    struct ml_exec x;
    struct ml_rowset rows;
    struct ml_rowset result;
    struct ml_groups groups;
    struct ml_schema key;
    struct ml_field key_field;
};

static int run_group(struct partition *p, const uint32_t *rows, size_t n)
{
    struct ml_exec *x = &p->x;
    struct ml_batch part;
    struct ml_rowset out;
    ml_arena_reset(&x->batch);
    if (!ml__batch_init(&part, &x->batch, p->rows.all.ncols))
        return ml__rt_nomem(x->rt);
    part.n = n;
    for (size_t i = 0; i < part.ncols; i++)
        if (!ml_column_gather(&p->rows.all.cols[i], &x->batch, rows, n, &part.cols[i]))
            return ml__rt_nomem(x->rt);
    int rc = ml__run_rows(x->rt, x->plan->sub, &part, &out);
    if (rc == ML_OK && !ml__rows_add(&p->result, &out.all, true))
        rc = ml__rt_nomem(x->rt);
    ml__rows_free(&out);
    return rc;
}

static int run_all(struct ml_exec *x)
{
    struct partition *p = (struct partition *)x;
    struct ml_ecx cx = {x->rt, &x->keep};
    struct ml_column key;
    int rc = ml__exec_drain(x->in[0], &p->rows);
    if (rc != ML_OK)
        return rc;
    size_t n = p->rows.all.n;
    if ((rc = ml__eval(&cx, x->plan->exprs[0], &p->rows.all, &key)) != ML_OK)
        return rc;
    p->key_field.type = key.type;
    p->key = (struct ml_schema){&p->key_field, 1};
    uint32_t *group = ml_arena_raw(&x->keep, n, sizeof *group);
    uint32_t *rows = ml_arena_raw(&x->keep, n, sizeof *rows);
    if (group == NULL || rows == NULL || !ml__groups_init(&p->groups, &p->key, x->rt->max_bytes) ||
        !ml__rows_init(&p->result, &x->plan->out, x->rt->max_bytes) ||
        (n > 0 && !ml__groups_find(&p->groups, &x->keep, &key, n, true, group)))
        return ml__rt_nomem(x->rt);
    for (uint32_t g = 0; g < ml__groups_n(&p->groups) && rc == ML_OK; g++) {
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (group[i] == g)
                rows[k++] = (uint32_t)i;
        rc = run_group(p, rows, k);
    }
    return rc;
}

static int next_partition(struct ml_exec *x, struct ml_batch *out)
{
    return ml__exec_once(x, run_all, &((struct partition *)x)->result, out);
}

static void close_partition(struct ml_exec *x)
{
    struct partition *p = (struct partition *)x;
    ml__rows_free(&p->rows);
    ml__rows_free(&p->result);
    ml__groups_free(&p->groups);
}

const struct ml_exec_ops ml__exec_partition = {
    .size = sizeof(struct partition), .next = next_partition, .close = close_partition};
