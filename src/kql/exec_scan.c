/* kql/exec_scan.c -- reading a table's blocks; see exec.h and source.h.
 *
 * Filters that were pushed down are tested first, each on its own columns; the other columns are read only for the rows that
 * are left. Batches are slices of a block. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"

struct scan {
    struct ml_exec x;
    struct ml_scan *scan;    /* owned */
    size_t rows;             /* of the current block */
    size_t at;               /* rows of it given so far */
    struct ml_chunk *chunks; /* by column of the plan */
    bool *loaded;
    bool *used; /* by the filter at hand */
};

static int source_failed(struct ml_rt *rt, const struct ml_error *e)
{
    return e->status == ML_ENOMEM ? ml__rt_nomem(rt)
                                  : ml__rt_fail(rt, NULL, "ML207", "%s", e->text);
}

static void mark_used(const struct ml_expr *e, bool *used)
{
    if (e->kind == ML_E_COLUMN)
        used[e->column] = true;
    for (uint32_t i = 0; i < e->n; i++)
        mark_used(e->arg[i], used);
}

static int open_scan(struct ml_exec *x)
{
    struct scan *s = (struct scan *)x;
    const struct ml_plan *p = x->plan;
    uint32_t *columns = ml_arena_alloc(&x->keep, p->out.n, sizeof *columns);
    uint32_t ncolumns = 0;
    s->chunks = ml_arena_alloc(&x->keep, p->out.n, sizeof *s->chunks);
    s->loaded = ml_arena_alloc(&x->keep, p->out.n, sizeof *s->loaded);
    s->used = ml_arena_alloc(&x->keep, p->out.n, sizeof *s->used);
    if (columns == NULL || s->chunks == NULL || s->loaded == NULL || s->used == NULL)
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < p->nfilters; i++)
        mark_used(p->filters[i], s->used);
    for (uint32_t i = 0; i < p->out.n; i++)
        if (p->need == NULL || p->need[i] || s->used[i])
            columns[ncolumns++] = p->columns[i];
    struct ml_scan_ask ask = {.columns = columns,
                              .ncolumns = ncolumns,
                              .from_ticks = p->from_ticks,
                              .to_ticks = p->to_ticks,
                              .prefix_column = p->prefix_column,
                              .prefix = p->prefix,
                              .limit_rows = p->limit_rows};
    struct ml_error e;
    if (p->source->ops->open(p->source, &ask, &s->scan, &e) != ML_OK)
        return source_failed(x->rt, &e);
    return ML_OK;
}

/* Rows [at, at+n) of a column, or those of `rows` (counted from at) when it is not NULL. */
static int read_column(struct scan *s, uint32_t c, const uint32_t *rows, size_t n,
                       struct ml_column *out)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    struct ml_chunk *k = &s->chunks[c];
    struct ml_error e;
    enum ml_type t = p->out.at[c].type;
    if (!s->loaded[c]) {
        if (p->source->ops->column(s->scan, p->columns[c], k, &e) != ML_OK)
            return source_failed(x->rt, &e);
        s->loaded[c] = true;
    }
    if (t != ML_T_STRING && t != ML_T_DYNAMIC) {
        struct ml_column all = {.type = (uint8_t)t,
                                .data = (void *)(uintptr_t)k->fixed,
                                .nulls = (uint8_t *)(uintptr_t)k->nulls};
        *out = ml_column_slice(&all, s->at);
        if (rows == NULL)
            return ML_OK;
        all = *out;
        return ml_column_gather(&all, &x->batch, rows, n, out) ? ML_OK : ml__rt_nomem(x->rt);
    }
    if (!ml_column_init(out, &x->batch, t, n))
        return ml__rt_nomem(x->rt);
    for (size_t i = 0; i < n; i++) {
        size_t r = s->at + (rows != NULL ? rows[i] : i);
        size_t o = k->codes != NULL ? k->codes[r] : r;
        struct ml_str text = {k->bytes + k->offsets[o], k->offsets[o + 1] - k->offsets[o]};
        if (t == ML_T_STRING)
            out->s[i] = text;
        else
            out->v[i] = text.n == 0 || (k->nulls != NULL && k->nulls[r])
                            ? ml_val_null(ML_T_NONE)
                            : (struct ml_val){.type = ML_T_TEXT, .s = text};
    }
    return ML_OK;
}

/* Apply filter f to the rows chosen so far. */
static int apply(struct scan *s, const struct ml_expr *f, uint32_t **rows, size_t *n)
{
    struct ml_exec *x = &s->x;
    struct ml_ecx cx = {x->rt, &x->batch};
    struct ml_batch in;
    uint32_t *kept = NULL;
    size_t nkept = 0;
    int rc = ML_OK;
    memset(s->used, 0, x->plan->out.n * sizeof *s->used);
    mark_used(f, s->used);
    if (!ml__batch_init(&in, &x->batch, x->plan->out.n))
        return ml__rt_nomem(x->rt);
    in.n = *n;
    for (uint32_t c = 0; c < x->plan->out.n && rc == ML_OK; c++)
        if (s->used[c])
            rc = read_column(s, c, *rows, *n, &in.cols[c]);
    if (rc == ML_OK)
        rc = ml__eval_filter(&cx, f, &in, &kept, &nkept);
    if (rc != ML_OK)
        return rc;
    if (*rows != NULL)
        for (size_t i = 0; i < nkept; i++)
            kept[i] = (*rows)[kept[i]];
    if (*rows != NULL || nkept < *n)
        *rows = kept;
    *n = nkept;
    return ML_OK;
}

static int next_block(struct scan *s)
{
    struct ml_error e;
    if (s->x.plan->source->ops->next(s->scan, &s->rows, &e) != ML_OK)
        return source_failed(s->x.rt, &e);
    s->at = 0;
    memset(s->loaded, 0, s->x.plan->out.n * sizeof *s->loaded);
    s->x.rt->blocks_read += s->rows > 0;
    s->x.rt->rows_read += s->rows;
    return ML_OK;
}

static int next_scan(struct ml_exec *x, struct ml_batch *out)
{
    struct scan *s = (struct scan *)x;
    const struct ml_plan *p = x->plan;
    for (;;) {
        int rc = ML_OK;
        ml_arena_reset(&x->batch);
        if (s->at >= s->rows && ((rc = next_block(s)) != ML_OK || s->rows == 0))
            return rc;
        size_t n = s->rows - s->at < ML_BATCH_ROWS ? s->rows - s->at : ML_BATCH_ROWS;
        size_t taken = n;
        uint32_t *rows = NULL;
        for (uint32_t f = 0; f < p->nfilters && n > 0 && rc == ML_OK; f++)
            rc = apply(s, p->filters[f], &rows, &n);
        if (rc == ML_OK && n > 0) {
            if (!ml__batch_init(out, &x->batch, p->out.n))
                return ml__rt_nomem(x->rt);
            out->n = n;
            struct ml_ecx cx = {x->rt, &x->batch};
            for (uint32_t c = 0; c < p->out.n && rc == ML_OK; c++)
                rc = p->need == NULL || p->need[c]
                         ? read_column(s, c, rows, n, &out->cols[c])
                         : ml__unread(&cx, p->out.at[c].type, &out->cols[c]);
        }
        s->at += taken;
        if (rc != ML_OK || n > 0)
            return rc;
        if ((rc = ml__rt_check(x->rt)) != ML_OK)
            return rc;
    }
}

static void close_scan(struct ml_exec *x)
{
    if (((struct scan *)x)->scan != NULL)
        x->plan->source->ops->close(((struct scan *)x)->scan);
}

const struct ml_exec_ops ml__exec_scan = {
    .size = sizeof(struct scan), .open = open_scan, .next = next_scan, .close = close_scan};
