/* kql/fn_window.c -- row_number, prev, row_cumsum and their like: they see all rows at once.
 * SPDX-License-Identifier: MIT */
#include "kql/fn.h"

#include "base/err.h"

static bool truth(const struct ml_column *c, size_t i)
{
    struct ml_val v = ml_column_get(c, i);
    return !v.null && v.i != 0;
}

int ml__win_row_number(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a,
                       size_t n, struct ml_column *out)
{
    int64_t start = 1;
    if (e->n > 0) {
        struct ml_val v = ml_column_get(&a[0], 0);
        if (!a[0].constant || v.null || !ml_type_is_int(v.type))
            return ml__rt_fail(cx->rt, e->node, "KS129",
                               "the start of row_number must be a constant number");
        start = v.i;
    }
    if (!ml_column_init(out, cx->arena, ML_T_LONG, n))
        return ml__rt_nomem(cx->rt);
    int64_t k = start;
    for (size_t i = 0; i < n; i++, k++) {
        if (e->n > 1 && truth(&a[1], i))
            k = start;
        out->i[i] = k;
    }
    return ML_OK;
}

int ml__win_row_cumsum(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a,
                       size_t n, struct ml_column *out)
{
    bool real = a[0].type == ML_T_REAL;
    if (!real && !ml_type_is_int(a[0].type) && a[0].type != ML_T_TIMESPAN)
        return ml__rt_fail(cx->rt, e->node, "KS107", "row_cumsum does not take a %s",
                           ml_type_name(a[0].type));
    if (!ml_column_init(out, cx->arena, e->type, n))
        return ml__rt_nomem(cx->rt);
    struct ml_val sum = {0};
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(&a[0], i);
        if (e->n > 1 && truth(&a[1], i))
            sum = (struct ml_val){0};
        if (!v.null && real)
            sum.d += v.d;
        else if (!v.null)
            sum.i = (int64_t)((uint64_t)sum.i + (uint64_t)v.i);
        if (real)
            out->d[i] = sum.d;
        else
            out->i[i] = sum.i;
    }
    return ML_OK;
}

/* row_rank_dense: 1, 1, 2; row_rank_min: 1, 1, 3. */
int ml__win_row_rank(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a,
                     size_t n, struct ml_column *out)
{
    bool dense = strcmp(e->fn->name, "row_rank_dense") == 0;
    int64_t rank = 0;
    int64_t place = 0;
    if (!ml_column_init(out, cx->arena, ML_T_LONG, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        bool restart = i == 0 || (e->n > 1 && truth(&a[1], i));
        struct ml_val v = ml_column_get(&a[0], i);
        struct ml_val before = ml_column_get(&a[0], i > 0 ? i - 1 : 0);
        place = restart ? 1 : place + 1;
        if (restart)
            rank = 1;
        else if (!ml_val_eq(&v, &before))
            rank = dense ? rank + 1 : place;
        out->i[i] = rank;
    }
    return ML_OK;
}

/* prev and next: the value n rows away, or the default. */
int ml__win_shift(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                  struct ml_column *out)
{
    int64_t by = 1;
    struct ml_val missing = ml_val_null(e->type);
    if (e->n > 1) {
        struct ml_val v = ml_column_get(&a[1], 0);
        if (!a[1].constant || v.null || v.i < 1)
            return ml__rt_fail(cx->rt, e->node, "KS129",
                               "the distance must be a constant, 1 or more");
        by = v.i;
    }
    if (e->n > 2) {
        if (!a[2].constant)
            return ml__rt_fail(cx->rt, e->node, "KS129", "the default must be constant");
        missing = ml_column_get(&a[2], 0);
    }
    if (!ml_column_init_nulls(out, cx->arena, e->type, n))
        return ml__rt_nomem(cx->rt);
    bool back = e->fn->name[0] == 'p';
    for (size_t i = 0; i < n; i++) {
        int64_t k = back ? (int64_t)i - by : (int64_t)i + by;
        struct ml_val v = k >= 0 && k < (int64_t)n ? ml_column_get(&a[0], (size_t)k) : missing;
        ml_column_set(out, i, &v);
    }
    return ML_OK;
}

/* Start of the session: a gap above the third argument or a length above the second starts a new one. */
int ml__win_session(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                    struct ml_column *out)
{
    struct ml_val start = ml_val_null(ML_T_DATETIME);
    struct ml_val last = start;
    if (!ml_column_init_nulls(out, cx->arena, ML_T_DATETIME, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        struct ml_val t = ml_column_get(&a[0], i);
        struct ml_val whole = ml_column_get(&a[1], i);
        struct ml_val gap = ml_column_get(&a[2], i);
        bool restart = start.null || (e->n > 3 && truth(&a[3], i));
        if (!t.null && (restart || t.i - start.i > whole.i || t.i - last.i > gap.i))
            start = t;
        if (!t.null)
            last = t;
        struct ml_val v = t.null ? t : start;
        ml_column_set(out, i, &v);
    }
    return ML_OK;
}
