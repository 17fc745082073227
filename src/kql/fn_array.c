/* kql/fn_array.c -- arrays; see func.def. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include <math.h>

enum { ITEMS_MAX = 1048576 };

static struct ml_val none(void)
{
    return ml_val_null(ML_T_NONE);
}

static bool is_array(const struct ml_val *v)
{
    return !v->null && v->type == ML_T_ARRAY;
}

struct ml_val ml__fn_array_length(struct ml_fcx *f, const struct ml_val *a)
{
    return is_array(a) ? ml_val_long(a->n) : ml_val_null(ML_T_LONG);
}

struct ml_val ml__fn_pack_array(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val *items = ml__f_alloc(f, f->n, sizeof *items);
    for (unsigned i = 0; items != NULL && i < f->n; i++)
        items[i] = a[i];
    return ml_val_array(items, items != NULL ? f->n : 0);
}

/* range(from, to [, step]) as an array. */
struct ml_val ml__fn_range(struct ml_fcx *f, const struct ml_val *a)
{
    bool real = a[0].type == ML_T_REAL || a[1].type == ML_T_REAL ||
                (f->n > 2 && a[2].type == ML_T_REAL);
    enum ml_type t = real ? ML_T_REAL : a[0].type == ML_T_INT ? ML_T_LONG : a[0].type;
    struct ml_val from = ml_val_cast(f->arena, &a[0], true, t);
    struct ml_val to = ml_val_cast(f->arena, &a[1], true, t);
    struct ml_val step = ml_val_long(t == ML_T_DATETIME   ? ML_TICKS_DAY
                                     : t == ML_T_TIMESPAN ? ML_TICKS_HOUR
                                                          : 1);
    if (f->n > 2)
        step = a[2];
    if (real)
        step = ml_val_cast(f->arena, &step, true, ML_T_REAL);
    if (from.null || to.null || step.null || (!real && !ml_type_is_i64(t)))
        return none();
    uint64_t n = 0;
    if (real) {
        double k = floor((to.d - from.d) / step.d);
        n = step.d != 0 && k >= 0 ? (k < ITEMS_MAX ? (uint64_t)k + 1 : ITEMS_MAX) : 0;
    } else if (step.i > 0 && to.i >= from.i) {
        n = ((uint64_t)to.i - (uint64_t)from.i) / (uint64_t)step.i + 1;
    } else if (step.i < 0 && to.i <= from.i) {
        n = ((uint64_t)from.i - (uint64_t)to.i) / (0 - (uint64_t)step.i) + 1;
    }
    n = n < ITEMS_MAX ? n : ITEMS_MAX;
    struct ml_val *items = ml__f_alloc(f, n, sizeof *items);
    for (uint64_t i = 0; items != NULL && i < n; i++)
        items[i] = real ? ml_val_real(from.d + (double)i * step.d)
                        : ml_val_i64(t, from.i + (int64_t)i * step.i);
    return ml_val_array(items, items != NULL ? n : 0);
}

struct ml_val ml__fn_array_concat(struct ml_fcx *f, const struct ml_val *a)
{
    size_t total = 0;
    size_t n = 0;
    for (unsigned i = 0; i < f->n; i++)
        total += is_array(&a[i]) ? a[i].n : 0;
    struct ml_val *items = ml__f_alloc(f, total, sizeof *items);
    for (unsigned i = 0; items != NULL && i < f->n; i++) {
        if (!is_array(&a[i]) || a[i].n == 0)
            continue;
        memcpy(items + n, a[i].items, a[i].n * sizeof *items);
        n += a[i].n;
    }
    return ml_val_array(items, n);
}

struct ml_val ml__fn_array_sum(struct ml_fcx *f, const struct ml_val *a)
{
    double sum = 0;
    if (!is_array(a) || a->n == 0)
        return ml_val_null(ML_T_REAL);
    for (uint32_t i = 0; i < a->n; i++) {
        const struct ml_val *v = &a->items[i];
        if (v->null)
            continue;
        if (!ml_type_is_number(v->type))
            return ml_val_null(ML_T_REAL);
        struct ml_val r = ml_val_cast(f->arena, v, true, ML_T_REAL);
        sum += r.d;
    }
    return ml_val_real(sum);
}

struct sorter {
    const struct ml_val *items;
    bool desc;
    bool nulls_first;
};

static int compare(const struct sorter *s, uint32_t x, uint32_t y)
{
    const struct ml_val *a = &s->items[x];
    const struct ml_val *b = &s->items[y];
    if (a->null || b->null) {
        int c = (int)b->null - (int)a->null;
        return s->nulls_first ? c : -c;
    }
    int c = ml_val_cmp(a, b);
    return s->desc ? -c : c;
}

static void merge_sort(const struct sorter *s, uint32_t *v, uint32_t *tmp, size_t n)
{
    if (n < 2)
        return;
    size_t half = n / 2;
    merge_sort(s, v, tmp, half);
    merge_sort(s, v + half, tmp, n - half);
    memcpy(tmp, v, half * sizeof *v);
    size_t i = 0;
    size_t j = half;
    size_t k = 0;
    while (i < half && j < n)
        v[k++] = compare(s, tmp[i], v[j]) <= 0 ? tmp[i++] : v[j++];
    while (i < half)
        v[k++] = tmp[i++];
}

/* array_sort_asc(a [, b ...] [, nulls_first]): b follows a's order. All results as one array. */
struct ml_val ml__fn_array_sort(struct ml_fcx *f, const struct ml_val *a)
{
    unsigned n = f->n;
    struct sorter s = {.desc = strcmp(f->name, "array_sort_desc") == 0, .nulls_first = false};
    if (n > 1 && f->types[n - 1] == ML_T_BOOL) {
        n--;
        s.nulls_first = a[n].i == 0;
    }
    struct ml_val *results = ml__f_alloc(f, n, sizeof *results);
    if (results == NULL || !is_array(&a[0]))
        return results == NULL ? none() : ml_val_array(NULL, 0);
    uint32_t *order = ml__f_alloc(f, a[0].n, sizeof *order);
    uint32_t *tmp = ml__f_alloc(f, a[0].n, sizeof *tmp);
    if (order == NULL || tmp == NULL)
        return none();
    for (uint32_t i = 0; i < a[0].n; i++)
        order[i] = i;
    s.items = a[0].items;
    merge_sort(&s, order, tmp, a[0].n);
    for (unsigned k = 0; k < n; k++) {
        results[k] = none();
        if (!is_array(&a[k]) || a[k].n != a[0].n)
            continue;
        struct ml_val *items = ml__f_alloc(f, a[0].n, sizeof *items);
        for (uint32_t i = 0; items != NULL && i < a[0].n; i++)
            items[i] = a[k].items[order[i]];
        results[k] = ml_val_array(items, a[0].n);
    }
    return ml_val_array(results, n);
}

struct ml_val ml__fn_array_slice(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]))
        return none();
    int64_t n = a[0].n;
    int64_t from = a[1].i < 0 ? a[1].i + n : a[1].i;
    int64_t to = a[2].i < 0 ? a[2].i + n : a[2].i;
    from = from < 0 ? 0 : from;
    to = to >= n ? n - 1 : to;
    return from > to ? ml_val_array(NULL, 0)
                     : ml_val_array(a[0].items + from, (size_t)(to - from + 1));
}

static const struct ml_val *item_or_value(const struct ml_val *v, uint32_t i)
{
    static const struct ml_val null = {.type = ML_T_NONE, .null = 1};
    if (!is_array(v))
        return v;
    return i < v->n ? &v->items[i] : &null;
}

struct ml_val ml__fn_array_iff(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]))
        return none();
    struct ml_val *items = ml__f_alloc(f, a[0].n, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < a[0].n; i++) {
        const struct ml_val *c = &a[0].items[i];
        bool usable = !c->null && (c->type == ML_T_BOOL || ml_type_is_number(c->type));
        struct ml_val yes = usable ? ml_val_cast(f->arena, c, true, ML_T_BOOL) : none();
        items[i] = yes.null ? none() : *item_or_value(&a[yes.i != 0 ? 1 : 2], i);
    }
    return ml_val_array(items, items != NULL ? a[0].n : 0);
}

struct ml_val ml__fn_array_index_of(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]))
        return ml_val_null(ML_T_LONG);
    int64_t n = a[0].n;
    int64_t start = f->n > 2 ? a[2].i : 0;
    int64_t length = f->n > 3 ? a[3].i : -1;
    int64_t occurrence = f->n > 4 ? a[4].i : 1;
    if (start < 0)
        start = start + n < 0 ? 0 : start + n;
    if (start > n)
        return ml_val_long(-1);
    int64_t end = length < 0 || length > n - start ? n : start + length;
    for (int64_t i = start; i < end; i++)
        if (ml_val_eq(&a[0].items[i], &a[1]) && --occurrence <= 0)
            return ml_val_long(i);
    return ml_val_long(-1);
}

struct ml_val ml__fn_array_reverse(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(a))
        return none();
    struct ml_val *items = ml__f_alloc(f, a->n, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < a->n; i++)
        items[i] = a->items[a->n - 1 - i];
    return ml_val_array(items, items != NULL ? a->n : 0);
}

struct ml_val ml__fn_array_rotate(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]) || a[0].n == 0)
        return a[0];
    int64_t n = a[0].n;
    int64_t by = a[1].i % n;
    if (strcmp(f->name, "array_rotate_right") == 0)
        by = -by;
    struct ml_val *items = ml__f_alloc(f, a[0].n, sizeof *items);
    for (int64_t i = 0; items != NULL && i < n; i++)
        items[i] = a[0].items[((i + by) % n + n) % n];
    return ml_val_array(items, items != NULL ? a[0].n : 0);
}

struct ml_val ml__fn_array_shift(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]) || a[1].null)
        return none();
    int64_t n = a[0].n;
    int64_t by = a[1].i > n ? n : a[1].i < -n ? -n : a[1].i;
    if (strcmp(f->name, "array_shift_right") == 0)
        by = -by;
    struct ml_val fill = f->n > 2 ? a[2] : none();
    struct ml_val *items = ml__f_alloc(f, a[0].n, sizeof *items);
    for (int64_t i = 0; items != NULL && i < n; i++)
        items[i] = i + by >= 0 && i + by < n ? a[0].items[i + by] : fill;
    return ml_val_array(items, items != NULL ? a[0].n : 0);
}

/* Cuts at one index, or at each index of an array. */
struct ml_val ml__fn_array_split(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]))
        return none();
    uint32_t cuts = is_array(&a[1]) ? a[1].n : 1;
    struct ml_val *parts = ml__f_alloc(f, cuts + 1, sizeof *parts);
    int64_t from = 0;
    int64_t n = a[0].n;
    for (uint32_t i = 0; parts != NULL && i <= cuts; i++) {
        int64_t to = n;
        if (i < cuts) {
            const struct ml_val *k = is_array(&a[1]) ? &a[1].items[i] : &a[1];
            to = k->null ? from : k->i < 0 ? k->i + n : k->i;
            to = to < from ? from : to > n ? n : to;
        }
        parts[i] = ml_val_array(a[0].items + from, (size_t)(to - from));
        from = to;
    }
    return ml_val_array(parts, parts != NULL ? cuts + 1 : 0);
}

struct ml_val ml__fn_zip(struct ml_fcx *f, const struct ml_val *a)
{
    uint32_t longest = 0;
    for (unsigned i = 0; i < f->n; i++) {
        uint32_t n = is_array(&a[i]) ? a[i].n : 0;
        longest = n > longest ? n : longest;
    }
    struct ml_val *rows = ml__f_alloc(f, longest, sizeof *rows);
    for (uint32_t k = 0; rows != NULL && k < longest; k++) {
        struct ml_val *row = ml__f_alloc(f, f->n, sizeof *row);
        if (row == NULL)
            return none();
        for (unsigned i = 0; i < f->n; i++)
            row[i] = is_array(&a[i]) && k < a[i].n ? a[i].items[k] : none();
        rows[k] = ml_val_array(row, f->n);
    }
    return ml_val_array(rows, rows != NULL ? longest : 0);
}

struct ml_val ml__fn_repeat(struct ml_fcx *f, const struct ml_val *a)
{
    if (a[1].null || a[1].i < 0)
        return none();
    size_t n = a[1].i < ITEMS_MAX ? (size_t)a[1].i : ITEMS_MAX;
    struct ml_val *items = ml__f_alloc(f, n, sizeof *items);
    for (size_t i = 0; items != NULL && i < n; i++)
        items[i] = a[0];
    return ml_val_array(items, items != NULL ? n : 0);
}
