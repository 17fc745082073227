/* kql/fn_series.c -- series_*: element by element over arrays of numbers; see func.def.
 *
 * A null, or what is no number, gives null in its place. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include <math.h>

static bool is_array(const struct ml_val *v)
{
    return !v->null && v->type == ML_T_ARRAY;
}

static bool is_number(const struct ml_val *v)
{
    return !v->null && (ml_type_is_int(v->type) || v->type == ML_T_REAL);
}

static double real_of(const struct ml_val *v)
{
    return v->type == ML_T_REAL ? v->d : (double)v->i;
}

static double sign_of(double x)
{
    return isnan(x) ? x : (x > 0) - (x < 0);
}

struct ml_val ml__fn_series_map(struct ml_fcx *f, const struct ml_val *a)
{
    static const struct {
        const char *name;
        double (*of)(double);
    } table[] = {{"abs", fabs},  {"ceiling", ceil}, {"floor", floor}, {"cos", cos},
                 {"sin", sin},   {"tan", tan},      {"acos", acos},   {"asin", asin},
                 {"atan", atan}, {"exp", exp},      {"log", log},     {"sign", sign_of}};
    double (*of)(double) = NULL;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(f->name + 7, table[i].name) == 0) /* after series_ */
            of = table[i].of;
    struct ml_val *items = is_array(a) && of != NULL ? ml__f_alloc(f, a->n, sizeof *items) : NULL;
    if (items == NULL)
        return ml_val_null(ML_T_NONE);
    for (uint32_t i = 0; i < a->n; i++)
        items[i] = is_number(&a->items[i]) ? ml_val_real(of(real_of(&a->items[i])))
                                           : ml_val_null(ML_T_NONE);
    return ml_val_array(items, a->n);
}

static struct ml_val combine(const char *op, const struct ml_val *x, const struct ml_val *y)
{
    double l = real_of(x);
    double r = real_of(y);
    bool whole = x->type != ML_T_REAL && y->type != ML_T_REAL;
    if (strcmp(op, "add") == 0)
        return whole ? ml_val_long((int64_t)((uint64_t)x->i + (uint64_t)y->i)) : ml_val_real(l + r);
    if (strcmp(op, "subtract") == 0)
        return whole ? ml_val_long((int64_t)((uint64_t)x->i - (uint64_t)y->i)) : ml_val_real(l - r);
    if (strcmp(op, "multiply") == 0)
        return whole ? ml_val_long((int64_t)((uint64_t)x->i * (uint64_t)y->i)) : ml_val_real(l * r);
    if (strcmp(op, "divide") == 0)
        return ml_val_real(l / r);
    if (strcmp(op, "equals") == 0)
        return ml_val_bool(l == r);
    if (strcmp(op, "not_equals") == 0)
        return ml_val_bool(l != r);
    if (strcmp(op, "greater") == 0)
        return ml_val_bool(l > r);
    if (strcmp(op, "greater_equals") == 0)
        return ml_val_bool(l >= r);
    return ml_val_bool(strcmp(op, "less") == 0 ? l < r : l <= r);
}

/* Two arrays of one length, or an array and a number. */
struct ml_val ml__fn_series_pair(struct ml_fcx *f, const struct ml_val *a)
{
    bool l = is_array(&a[0]);
    bool r = is_array(&a[1]);
    if ((!l && !is_number(&a[0])) || (!r && !is_number(&a[1])) || (!l && !r))
        return ml_val_null(ML_T_NONE);
    if (l && r && a[0].n != a[1].n)
        return ml__f_error(f, "%s: the arrays differ in length", f->name);
    uint32_t n = l ? a[0].n : a[1].n;
    struct ml_val *items = ml__f_alloc(f, n, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < n; i++) {
        const struct ml_val *x = l ? &a[0].items[i] : &a[0];
        const struct ml_val *y = r ? &a[1].items[i] : &a[1];
        items[i] = is_number(x) && is_number(y) ? combine(f->name + 7, x, y)
                                                : ml_val_null(ML_T_NONE);
    }
    return ml_val_array(items, items != NULL ? n : 0);
}

/* series_fill_const, _forward, _backward: nulls are replaced. */
struct ml_val ml__fn_series_fill(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val *items = is_array(a) ? ml__f_alloc(f, a->n, sizeof *items) : NULL;
    if (items == NULL)
        return ml_val_null(ML_T_NONE);
    if (f->n > 1) {
        for (uint32_t i = 0; i < a->n; i++)
            items[i] = a->items[i].null ? a[1] : a->items[i];
        return ml_val_array(items, a->n);
    }
    bool back = strcmp(f->name, "series_fill_backward") == 0;
    struct ml_val last = ml_val_null(ML_T_NONE);
    for (uint32_t k = 0; k < a->n; k++) {
        uint32_t i = back ? a->n - 1 - k : k;
        if (!a->items[i].null)
            last = a->items[i];
        items[i] = last;
    }
    return ml_val_array(items, a->n);
}

/* The numbers between items[from] and items[to], both known. False: the answer is not known for sure. */
static bool interpolate(struct ml_val *items, uint32_t from, uint32_t to, bool whole)
{
    double l = real_of(&items[from]);
    double step = (real_of(&items[to]) - l) / (to - from);
    for (uint32_t i = from + 1; i < to; i++) {
        double x = l + step * (i - from);
        if (whole && (x < 0 || fabs(x) > 9e15))
            return false; /* how these are rounded nobody says */
        items[i] = whole ? ml_val_long((int64_t)x) : ml_val_real(x);
    }
    return true;
}

/* series_fill_linear(series [, null [, fill edges [, constant for a series of nulls]]]) */
struct ml_val ml__fn_series_fill_linear(struct ml_fcx *f, const struct ml_val *a)
{
    bool edges = f->n < 3 || a[2].null || a[2].i != 0;
    if (f->n > 1 && !a[1].null)
        return ml__f_error(f, "series_fill_linear: a placeholder other than null is not supported");
    struct ml_val *items = is_array(a) ? ml__f_alloc(f, a->n + 1, sizeof *items) : NULL;
    if (items == NULL)
        return ml_val_null(ML_T_NONE);
    uint32_t last = UINT32_MAX; /* the number before */
    uint32_t first = UINT32_MAX;
    bool whole = true;
    for (uint32_t i = 0; i < a->n; i++) {
        items[i] = a->items[i];
        if (!items[i].null && !is_number(&items[i]))
            return ml__f_error(f, "series_fill_linear: only numbers and nulls are supported");
        whole = whole && (items[i].null || items[i].type != ML_T_REAL);
    }
    for (uint32_t i = 0; i < a->n; i++) {
        if (items[i].null)
            continue;
        if (last == UINT32_MAX)
            first = i;
        else if (!interpolate(items, last, i, whole))
            return ml__f_error(f, "series_fill_linear: gaps in negative whole numbers are not "
                                  "supported; make them real");
        last = i;
    }
    if (last == UINT32_MAX) {
        for (uint32_t i = 0; i < a->n; i++)
            items[i] = f->n > 3 ? a[3] : ml_val_real(0);
        return ml_val_array(items, a->n);
    }
    for (uint32_t i = 0; edges && i < first; i++)
        items[i] = items[first];
    for (uint32_t i = last + 1; edges && i < a->n; i++)
        items[i] = items[last];
    return ml_val_array(items, a->n);
}
