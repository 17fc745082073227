/* kql/exec.c -- see exec.h. SPDX-License-Identifier: MIT */
#include "kql/exec.h"

#include "base/err.h"
#include "base/mem.h"

extern const struct ml_exec_ops ml__exec_values, ml__exec_scan, ml__exec_input, ml__exec_filter,
    ml__exec_project, ml__exec_aggregate, ml__exec_sort, ml__exec_take, ml__exec_sample,
    ml__exec_join, ml__exec_union, ml__exec_parse, ml__exec_parse_kv, ml__exec_expand,
    ml__exec_series, ml__exec_partition, ml__exec_nested, ml__exec_steps, ml__exec_range,
    ml__exec_shared;

static const struct ml_exec_ops *const operators[] = {
    [ML_P_VALUES] = &ml__exec_values,     [ML_P_SCAN] = &ml__exec_scan,
    [ML_P_INPUT] = &ml__exec_input,       [ML_P_FILTER] = &ml__exec_filter,
    [ML_P_PROJECT] = &ml__exec_project,   [ML_P_AGGREGATE] = &ml__exec_aggregate,
    [ML_P_SORT] = &ml__exec_sort,         [ML_P_TAKE] = &ml__exec_take,
    [ML_P_SAMPLE] = &ml__exec_sample,     [ML_P_JOIN] = &ml__exec_join,
    [ML_P_UNION] = &ml__exec_union,       [ML_P_PARSE] = &ml__exec_parse,
    [ML_P_PARSE_KV] = &ml__exec_parse_kv, [ML_P_EXPAND] = &ml__exec_expand,
    [ML_P_SERIES] = &ml__exec_series,     [ML_P_PARTITION] = &ml__exec_partition,
    [ML_P_NESTED] = &ml__exec_nested,     [ML_P_SCAN_STEPS] = &ml__exec_steps,
    [ML_P_RANGE] = &ml__exec_range,       [ML_P_SHARED] = &ml__exec_shared,
};

int ml__exec_open(struct ml_rt *rt, const struct ml_plan *plan, struct ml_batch *input,
                  struct ml_exec **out)
{
    const struct ml_exec_ops *ops = operators[plan->kind];
    struct ml_exec *x = ml_calloc(1, ops->size);
    if (x == NULL)
        return ml__rt_nomem(rt);
    x->ops = ops;
    x->plan = plan;
    x->rt = rt;
    x->input = input;
    x->keep.max_bytes = rt->max_bytes;
    x->batch.max_bytes = rt->max_bytes;
    x->in = ml_calloc(plan->nin, sizeof *x->in);
    int rc = x->in != NULL ? ML_OK : ml__rt_nomem(rt);
    /* A shared stage opens what it stands for only if nobody has run it yet. */
    uint32_t nin = plan->kind == ML_P_SHARED ? 0 : plan->nin;
    for (uint32_t i = 0; rc == ML_OK && i < nin; i++)
        rc = ml__exec_open(rt, plan->in[i], input, &x->in[i]);
    if (rc == ML_OK && ops->open != NULL)
        rc = ops->open(x);
    if (rc != ML_OK) {
        ml__exec_close(x);
        return rc;
    }
    *out = x;
    return ML_OK;
}

int ml__exec_next(struct ml_exec *x, struct ml_batch *out)
{
    int rc = ml__rt_check(x->rt);
    *out = (struct ml_batch){0};
    if (rc != ML_OK)
        return rc;
    ml_arena_reset(&x->batch);
    return x->ops->next(x, out);
}

void ml__exec_close(struct ml_exec *x)
{
    if (x == NULL)
        return;
    if (x->ops->close != NULL)
        x->ops->close(x);
    for (uint32_t i = 0; x->in != NULL && i < x->plan->nin; i++)
        ml__exec_close(x->in[i]);
    ml_free(x->in);
    ml_arena_clear(&x->batch);
    ml_arena_clear(&x->keep);
    ml_free(x);
}

bool ml__batch_init(struct ml_batch *b, struct ml_arena *a, size_t ncols)
{
    *b = (struct ml_batch){.ncols = ncols, .cols = ml_arena_alloc(a, ncols, sizeof *b->cols)};
    return b->cols != NULL;
}

/* --- rows --- */

bool ml__rows_init(struct ml_rowset *r, const struct ml_schema *schema, size_t max_bytes)
{
    *r = (struct ml_rowset){.schema = *schema};
    r->arena.max_bytes = max_bytes;
    if (!ml__batch_init(&r->all, &r->arena, schema->n))
        return false;
    for (uint32_t i = 0; i < schema->n; i++)
        r->all.cols[i].type = (uint8_t)schema->at[i].type;
    return true;
}

/* In place: large arrays grow by moving pages, not bytes. */
static bool grow_column(struct ml_column *c, size_t cap)
{
    void *data = ml_realloc(c->data, cap, ml_type_width(c->type));
    if (data == NULL)
        return false;
    c->data = data;
    ml_mem_large(data, cap * ml_type_width(c->type));
    if (c->nulls == NULL)
        return true;
    uint8_t *nulls = ml_realloc(c->nulls, cap, 1);
    if (nulls == NULL)
        return false;
    c->nulls = nulls;
    return true;
}

static bool reserve(struct ml_rowset *r, size_t more)
{
    size_t want = r->all.n + more;
    if (want <= r->cap)
        return true;
    size_t cap = r->cap * 2 > want ? r->cap * 2 : want;
    size_t bytes = 0;
    for (size_t i = 0; i < r->all.ncols; i++)
        bytes += cap * (ml_type_width(r->all.cols[i].type) + 1);
    if (r->arena.max_bytes != 0 && bytes > r->arena.max_bytes - r->arena.used_bytes)
        return false;
    for (size_t i = 0; i < r->all.ncols; i++)
        if (!grow_column(&r->all.cols[i], cap))
            return false;
    r->cap = cap;
    r->bytes = bytes;
    return true;
}

/* All the strings of the batch in one piece of memory. */
static bool add_strings(struct ml_rowset *r, struct ml_str *to, const struct ml_column *c, size_t n)
{
    size_t bytes = 0;
    size_t count = c->constant ? 1 : n;
    for (size_t i = 0; i < count; i++)
        bytes += c->s[i].n;
    if (r->arena.max_bytes != 0 && bytes + r->bytes > r->arena.max_bytes - r->arena.used_bytes)
        return false;
    char *p = ml_arena_raw(&r->arena, bytes, 1);
    if (p == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct ml_str s = c->s[i];
        if (s.n != 0)
            memcpy(p, s.p, s.n);
        to[i] = (struct ml_str){p, s.n};
        p += s.n;
    }
    for (size_t i = count; i < n; i++)
        to[i] = to[0];
    return true;
}

static bool add_column(struct ml_rowset *r, struct ml_column *to, const struct ml_column *c,
                       size_t n, bool texts)
{
    size_t at = r->all.n;
    size_t width = ml_type_width(c->type);
    if (c->nulls != NULL && to->nulls == NULL && (to->nulls = ml_calloc(r->cap, 1)) == NULL)
        return false;
    if (to->nulls != NULL) {
        for (size_t i = 0; i < n; i++)
            to->nulls[at + i] = c->nulls != NULL && c->nulls[c->constant ? 0 : i];
    }
    if (c->type == ML_T_STRING && texts)
        return add_strings(r, to->s + at, c, n);
    if (c->type == ML_T_DYNAMIC && texts) {
        for (size_t i = 0; i < n; i++) {
            if (c->constant && i > 0)
                to->v[at + i] = to->v[at];
            else if (!ml_val_copy(&r->arena, &c->v[i], &to->v[at + i]))
                return false;
        }
        return true;
    }
    if (!c->constant) {
        memcpy((char *)to->data + at * width, c->data, n * width);
        return true;
    }
    for (size_t i = 0; i < n; i++)
        memcpy((char *)to->data + (at + i) * width, c->data, width);
    return true;
}

bool ml__rows_add(struct ml_rowset *r, const struct ml_batch *b, bool texts)
{
    if (b->n == 0)
        return true;
    if (!reserve(r, b->n))
        return false;
    for (size_t i = 0; i < r->all.ncols; i++)
        if (!add_column(r, &r->all.cols[i], &b->cols[i], b->n, texts))
            return false;
    r->all.n += b->n;
    return true;
}

int ml__exec_once(struct ml_exec *x, int (*run)(struct ml_exec *x), const struct ml_rowset *result,
                  struct ml_batch *out)
{
    if (x->done)
        return ML_OK;
    x->done = true;
    int rc = run(x);
    if (rc == ML_OK)
        *out = result->all;
    return rc;
}

void ml__rows_free(struct ml_rowset *r)
{
    for (size_t i = 0; r->all.cols != NULL && i < r->all.ncols; i++) {
        ml_free(r->all.cols[i].data);
        ml_free(r->all.cols[i].nulls);
    }
    ml_arena_clear(&r->arena);
    *r = (struct ml_rowset){0};
}

int ml__exec_drain(struct ml_exec *x, struct ml_rowset *out)
{
    if (!ml__rows_init(out, &x->plan->out, x->rt->max_bytes))
        return ml__rt_nomem(x->rt);
    for (;;) {
        struct ml_batch b;
        int rc = ml__exec_next(x, &b);
        if (rc != ML_OK)
            return rc;
        if (b.n == 0)
            return ML_OK;
        if (!ml__rows_add(out, &b, true))
            return ml__rt_nomem(x->rt);
    }
}

int ml__run_rows(struct ml_rt *rt, const struct ml_plan *plan, struct ml_batch *input,
                 struct ml_rowset *out)
{
    struct ml_exec *x = NULL;
    *out = (struct ml_rowset){0};
    int rc = ml__exec_open(rt, plan, input, &x);
    if (rc == ML_OK)
        rc = ml__exec_drain(x, out);
    ml__exec_close(x);
    if (rc != ML_OK)
        ml__rows_free(out);
    return rc;
}

int ml__run_scalar(struct ml_rt *rt, const struct ml_plan *plan, struct ml_val *out)
{
    struct ml_rowset rows;
    int rc = ml__run_rows(rt, plan, NULL, &rows);
    if (rc != ML_OK)
        return rc;
    *out = ml_val_null(plan->out.at[0].type);
    if (rows.all.n > 0) {
        struct ml_val v = ml_column_get(&rows.all.cols[0], 0);
        rc = ml_val_copy(rt->arena, &v, out) ? ML_OK : ml__rt_nomem(rt);
    }
    ml__rows_free(&rows);
    return rc;
}

int ml__run_list(struct ml_rt *rt, const struct ml_plan *plan, struct ml_val *out)
{
    struct ml_rowset rows;
    int rc = ml__run_rows(rt, plan, NULL, &rows);
    if (rc != ML_OK)
        return rc;
    struct ml_val *items = ml_arena_raw(rt->arena, rows.all.n, sizeof *items);
    for (size_t i = 0; items != NULL && i < rows.all.n; i++) {
        struct ml_val v = ml_column_get(&rows.all.cols[0], i);
        if (!ml_val_copy(rt->arena, &v, &items[i]))
            items = NULL;
    }
    *out = ml_val_array(items, rows.all.n);
    ml__rows_free(&rows);
    return items != NULL ? ML_OK : ml__rt_nomem(rt);
}

int ml__run_count(struct ml_rt *rt, const struct ml_expr *e, uint64_t *out)
{
    struct ml_val v;
    int rc = ml__eval_constant(rt, e, &v);
    if (rc != ML_OK)
        return rc;
    if (v.null || !ml_type_is_int(v.type) || v.i < 0)
        return ml__rt_fail(rt, e->node, "KS107", "a number of rows, 0 or more, is needed here");
    *out = (uint64_t)v.i;
    return ML_OK;
}
