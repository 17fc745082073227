/* kql/exec_scan.c -- reading a table's blocks; see exec.h and source.h.
 *
 * Filters that were pushed down are tested first, each on its own columns; the other columns are read only for the rows that
 * are left. A filter that reads one column with a dictionary is tested once an entry and block; one that
 * searches for a text runs over the packed bytes (scan_text.h). Batches are slices of a block.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"
#include "kql/scan_text.h"

struct test {
    const struct ml_expr *e;
    uint32_t only; /* the one column it reads; UINT32_MAX: none or several */
    bool is_text;
    struct ml_text_filter text;
    uint8_t *verdict; /* by entry of the column's dictionary in the current block */
    uint32_t room;
    bool judged; /* verdict is of the current block */
};

struct scan {
    struct ml_exec x;
    struct ml_scan *scan;    /* owned */
    size_t rows;             /* of the current block */
    size_t at;               /* rows of it given so far */
    struct ml_chunk *chunks; /* by column of the plan */
    bool *loaded;
    bool *used; /* by the filter at hand */
    struct test *tests;
    struct ml_scan_ask ask;
    const struct ml_cut *cut; /* of a top above; NULL: none */
    uint32_t cut_column;
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

static bool is_volatile(const struct ml_expr *e)
{
    if (e->kind == ML_E_CALL && (e->fn->flags & (ML_FN_VOLATILE | ML_FN_WINDOW)) != 0)
        return true;
    for (uint32_t i = 0; i < e->n; i++)
        if (is_volatile(e->arg[i]))
            return true;
    return false;
}

static bool prepare_tests(struct scan *s)
{
    const struct ml_plan *p = s->x.plan;
    s->tests = ml_arena_alloc(&s->x.keep, p->nfilters, sizeof *s->tests);
    for (uint32_t i = 0; s->tests != NULL && i < p->nfilters; i++) {
        struct test *t = &s->tests[i];
        t->e = p->filters[i];
        t->only = UINT32_MAX;
        memset(s->used, 0, p->out.n * sizeof *s->used);
        mark_used(t->e, s->used);
        uint32_t n = 0;
        for (uint32_t c = 0; c < p->out.n; c++)
            if (s->used[c]) {
                t->only = c;
                n++;
            }
        if (n != 1 || is_volatile(t->e))
            t->only = UINT32_MAX;
        if (!ml__text_filter_init(&t->text, &s->x.keep, t->e, &t->is_text))
            return false;
    }
    return s->tests != NULL;
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
    if (!prepare_tests(s))
        return ml__rt_nomem(x->rt);
    memset(s->used, 0, p->out.n * sizeof *s->used);
    for (uint32_t i = 0; i < p->nfilters; i++)
        mark_used(p->filters[i], s->used);
    for (uint32_t i = 0; i < p->out.n; i++)
        if (p->need == NULL || p->need[i] || s->used[i])
            columns[ncolumns++] = p->columns[i];
    s->ask = (struct ml_scan_ask){.columns = columns,
                                  .ncolumns = ncolumns,
                                  .from_ticks = p->from_ticks,
                                  .to_ticks = p->to_ticks,
                                  .prefix_column = p->prefix_column,
                                  .prefix = p->prefix,
                                  .limit_rows = p->limit_rows};
    return ML_OK;
}

void ml__scan_cut(struct ml_exec *x, uint32_t column, const struct ml_cut *cut)
{
    struct scan *s = (struct scan *)x;
    const struct ml_source *source = x->plan->source;
    s->cut = cut;
    s->cut_column = column;
    s->ask.newest_first = (cut->flags & ML_F_DESC) != 0 &&
                          (int32_t)x->plan->columns[column] == source->time_column;
}

static int load_column(struct scan *s, uint32_t c)
{
    const struct ml_plan *p = s->x.plan;
    struct ml_error e;
    if (s->loaded[c])
        return ML_OK;
    if (p->source->ops->column(s->scan, p->columns[c], &s->chunks[c], &e) != ML_OK)
        return source_failed(s->x.rt, &e);
    s->loaded[c] = true;
    return ML_OK;
}

/* Rows [at, at+n) of a column, or those of `rows` (counted from at) when it is not NULL. */
static int read_column(struct scan *s, uint32_t c, const uint32_t *rows, size_t n,
                       struct ml_column *out)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    const struct ml_chunk *k = &s->chunks[c];
    enum ml_type t = p->out.at[c].type;
    int rc = load_column(s, c);
    if (rc != ML_OK)
        return rc;
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

/* The filter's answer for each entry of its column's dictionary. */
static int judge(struct scan *s, struct test *t, const struct ml_chunk *k)
{
    struct ml_exec *x = &s->x;
    struct ml_ecx cx = {x->rt, &x->batch};
    struct ml_batch in;
    uint32_t *kept = NULL;
    size_t nkept = 0;
    struct ml_column *c;
    if (t->judged)
        return ML_OK;
    if (t->room < k->ndict) {
        t->verdict = ml_arena_raw(&x->keep, k->ndict, 1);
        t->room = t->verdict != NULL ? k->ndict : 0;
    }
    if (t->verdict == NULL || !ml__batch_init(&in, &x->batch, x->plan->out.n))
        return ml__rt_nomem(x->rt);
    in.n = k->ndict;
    c = &in.cols[t->only];
    if (!ml_column_init(c, &x->batch, ML_T_STRING, k->ndict))
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < k->ndict; i++)
        c->s[i] = (struct ml_str){k->bytes + k->offsets[i], k->offsets[i + 1] - k->offsets[i]};
    int rc = ml__eval_filter(&cx, t->e, &in, &kept, &nkept);
    if (rc != ML_OK)
        return rc;
    memset(t->verdict, 0, k->ndict);
    for (size_t i = 0; i < nkept; i++)
        t->verdict[kept[i]] = 1;
    t->judged = true;
    return ML_OK;
}

static size_t by_verdict(const struct scan *s, const struct test *t, const struct ml_chunk *k,
                         const uint32_t *rows, size_t n, uint32_t *kept)
{
    const uint32_t *codes = k->codes + s->at;
    size_t nkept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t r = rows != NULL ? rows[i] : (uint32_t)i;
        kept[nkept] = r;
        nkept += t->verdict[codes[r]];
    }
    return nkept;
}

/* The quick ways for filters over one string column; *done: one of them was taken. */
static int apply_packed(struct scan *s, struct test *t, uint32_t **rows, size_t *n, bool *done)
{
    *done = false;
    if (t->only == UINT32_MAX || s->x.plan->out.at[t->only].type != ML_T_STRING)
        return ML_OK;
    const struct ml_chunk *k = &s->chunks[t->only];
    int rc = load_column(s, t->only);
    bool dictionary = k->codes != NULL && k->ndict <= ML_BATCH_ROWS && k->ndict < s->rows;
    if (rc != ML_OK || (!dictionary && (k->codes != NULL || !t->is_text)))
        return rc;
    uint32_t *kept = ml_arena_raw(&s->x.batch, *n, sizeof *kept);
    if (kept == NULL)
        return ml__rt_nomem(s->x.rt);
    if (dictionary && (rc = judge(s, t, k)) != ML_OK)
        return rc;
    size_t nkept = dictionary ? by_verdict(s, t, k, *rows, *n, kept)
                              : ml__text_filter_rows(&t->text, k, s->at, *rows, *n, kept);
    if (*rows != NULL || nkept < *n)
        *rows = kept;
    *n = nkept;
    *done = true;
    return ML_OK;
}

/* Apply a filter to the rows chosen so far. */
static int apply(struct scan *s, struct test *t, uint32_t **rows, size_t *n)
{
    bool done;
    int packed = apply_packed(s, t, rows, n, &done);
    if (packed != ML_OK || done)
        return packed;
    struct ml_exec *x = &s->x;
    struct ml_ecx cx = {x->rt, &x->batch};
    struct ml_batch in;
    uint32_t *kept = NULL;
    size_t nkept = 0;
    int rc = ML_OK;
    memset(s->used, 0, x->plan->out.n * sizeof *s->used);
    mark_used(t->e, s->used);
    if (!ml__batch_init(&in, &x->batch, x->plan->out.n))
        return ml__rt_nomem(x->rt);
    in.n = *n;
    for (uint32_t c = 0; c < x->plan->out.n && rc == ML_OK; c++)
        if (s->used[c])
            rc = read_column(s, c, *rows, *n, &in.cols[c]);
    if (rc == ML_OK)
        rc = ml__eval_filter(&cx, t->e, &in, &kept, &nkept);
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

/* Every row of the block comes too late for the top above. */
static bool is_late(const struct scan *s)
{
    const struct ml_source *source = s->x.plan->source;
    int64_t min;
    int64_t max;
    if (s->cut == NULL || !s->cut->set || s->cut->worst.null || source->ops->range == NULL ||
        (int32_t)s->x.plan->columns[s->cut_column] != source->time_column)
        return false;
    source->ops->range(s->scan, &min, &max);
    bool desc = (s->cut->flags & ML_F_DESC) != 0;
    int64_t best = desc ? max : min;
    int64_t worst = s->cut->worst.i;
    return (s->cut->strict && best == worst) || (desc ? best < worst : best > worst);
}

static int next_block(struct scan *s)
{
    const struct ml_source *source = s->x.plan->source;
    struct ml_error e;
    if (s->scan == NULL && source->ops->open(source, &s->ask, &s->scan, &e) != ML_OK)
        return source_failed(s->x.rt, &e);
    do {
        if (source->ops->next(s->scan, &s->rows, &e) != ML_OK)
            return source_failed(s->x.rt, &e);
    } while (s->rows > 0 && is_late(s));
    s->at = 0;
    memset(s->loaded, 0, s->x.plan->out.n * sizeof *s->loaded);
    for (uint32_t i = 0; i < s->x.plan->nfilters; i++)
        s->tests[i].judged = false;
    s->x.rt->blocks_read += s->rows > 0;
    s->x.rt->rows_read += s->rows;
    return ML_OK;
}

/* Of strings, most are told by their first four bytes. */
static size_t cut_heads(const struct scan *s, const struct ml_chunk *k, const uint32_t *rows,
                        size_t n, uint32_t *kept)
{
    const uint32_t *heads = k->heads + s->at;
    bool desc = (s->cut->flags & ML_F_DESC) != 0;
    struct ml_str worst = s->cut->worst.s;
    uint32_t w = 0;
    size_t nkept = 0;
    for (size_t i = 0; i < 4; i++)
        w = w << 8 | (i < worst.n ? (unsigned char)worst.p[i] : 0);
    for (size_t i = 0; i < n; i++) {
        uint32_t r = rows != NULL ? rows[i] : (uint32_t)i;
        uint32_t h = __builtin_bswap32(heads[r]);
        kept[nkept] = r;
        nkept += desc ? h >= w : h <= w;
    }
    return nkept;
}

/* Leave out the rows that the top above would drop. */
static int apply_cut(struct scan *s, uint32_t **rows, size_t *n)
{
    struct ml_exec *x = &s->x;
    struct ml_column key;
    int rc = load_column(s, s->cut_column);
    const struct ml_chunk *k = &s->chunks[s->cut_column];
    uint32_t *kept = ml_arena_raw(&x->batch, *n, sizeof *kept);
    if (rc != ML_OK || kept == NULL)
        return rc != ML_OK ? rc : ml__rt_nomem(x->rt);
    if (x->plan->out.at[s->cut_column].type == ML_T_STRING && k->codes == NULL &&
        k->heads != NULL) {
        *n = cut_heads(s, k, *rows, *n, kept);
        *rows = kept;
        kept = ml_arena_raw(&x->batch, *n, sizeof *kept);
        if (kept == NULL)
            return ml__rt_nomem(x->rt);
    }
    if (*n == 0)
        return ML_OK;
    if ((rc = read_column(s, s->cut_column, *rows, *n, &key)) != ML_OK)
        return rc;
    size_t nkept = ml__cut_rows(s->cut, &key, *n, kept);
    for (size_t i = 0; i < nkept && *rows != NULL; i++)
        kept[i] = (*rows)[kept[i]];
    if (*rows != NULL || nkept < *n)
        *rows = kept;
    *n = nkept;
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
            rc = apply(s, &s->tests[f], &rows, &n);
        if (rc == ML_OK && n > 0 && s->cut != NULL && s->cut->set)
            rc = apply_cut(s, &rows, &n);
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
