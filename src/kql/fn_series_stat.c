/* kql/fn_series_stat.c -- numbers that tell about whole series: products, statistics, a fitted line, a filter; see func.def.
 *
 * Only what the real engine's answers are known for: a series that leaves it open (a line through one point) ends the
 * query by name. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include <math.h>

static struct ml_val none(void)
{
    return ml_val_null(ML_T_NONE);
}

static bool is_array(const struct ml_val *v)
{
    return !v->null && v->type == ML_T_ARRAY;
}

static bool number(const struct ml_val *v, double *out)
{
    if (v->null || (!ml_type_is_int(v->type) && v->type != ML_T_REAL))
        return false;
    *out = v->type == ML_T_REAL ? v->d : (double)v->i;
    return true;
}

/* The finite numbers of an array, in order. *rest: how many elements are something else. */
static double *numbers(struct ml_fcx *f, const struct ml_val *v, uint32_t *n, uint32_t *rest)
{
    double *x = ml__f_alloc(f, v->n > 0 ? v->n : 1, sizeof *x);
    *n = 0;
    for (uint32_t i = 0; x != NULL && i < v->n; i++)
        if (number(&v->items[i], &x[*n]) && isfinite(x[*n]))
            ++*n;
    *rest = v->n - *n;
    return x;
}

/* --- two series --- */

struct products {
    double xy;
    double xx;
    double yy;
};

/* Over the length of the shorter one; a number stands for a series of itself. False: null is the answer. */
static bool multiply(const struct ml_val *a, struct products *p)
{
    double x = 0;
    double y = 0;
    bool l = is_array(&a[0]);
    bool r = is_array(&a[1]);
    if ((!l && !number(&a[0], &x)) || (!r && !number(&a[1], &y)) || (!l && !r))
        return false;
    uint32_t n = !l ? a[1].n : !r || a[0].n < a[1].n ? a[0].n : a[1].n;
    *p = (struct products){0};
    for (uint32_t i = 0; i < n; i++) {
        if ((l && !number(&a[0].items[i], &x)) || (r && !number(&a[1].items[i], &y)))
            continue;
        p->xy += x * y;
        p->xx += x * x;
        p->yy += y * y;
    }
    return n > 0;
}

struct ml_val ml__fn_series_dot_product(struct ml_fcx *f, const struct ml_val *a)
{
    struct products p;
    return multiply(a, &p) ? ml_val_real(p.xy) : ml_val_null(ML_T_REAL);
}

struct ml_val ml__fn_series_cosine(struct ml_fcx *f, const struct ml_val *a)
{
    struct products p;
    if (!is_array(&a[0]) || !is_array(&a[1]) || !multiply(a, &p))
        return ml_val_null(ML_T_REAL);
    return ml_val_real(p.xy / (sqrt(p.xx) * sqrt(p.yy)));
}

/* Null unless both have the same length and only numbers. */
struct ml_val ml__fn_series_pearson(struct ml_fcx *f, const struct ml_val *a)
{
    uint32_t n;
    uint32_t m;
    uint32_t rest;
    uint32_t rest2;
    if (!is_array(&a[0]) || !is_array(&a[1]))
        return ml_val_null(ML_T_REAL);
    const double *x = numbers(f, &a[0], &n, &rest);
    const double *y = numbers(f, &a[1], &m, &rest2);
    if (x == NULL || y == NULL || n != m || rest + rest2 > 0 || n == 0)
        return ml_val_null(ML_T_REAL);
    double mean_x = 0;
    double mean_y = 0;
    struct products p = {0};
    for (uint32_t i = 0; i < n; i++) {
        mean_x += x[i] / n;
        mean_y += y[i] / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        p.xy += (x[i] - mean_x) * (y[i] - mean_y);
        p.xx += (x[i] - mean_x) * (x[i] - mean_x);
        p.yy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    return ml_val_real(p.xy / sqrt(p.xx * p.yy));
}

/* --- statistics --- */

struct stats {
    uint32_t min_at;
    uint32_t max_at;
    double min;
    double max;
    double sum;
    double variance; /* of the sample */
    uint32_t n;
};

static bool is_true(const struct ml_val *v)
{
    return !v->null && v->i != 0;
}

/* False: null is the answer, or the query has failed. */
static bool measure(struct ml_fcx *f, const struct ml_val *a, struct stats *s)
{
    double x;
    double m2 = 0;
    *s = (struct stats){0};
    for (uint32_t i = 0; is_array(a) && i < a->n; i++) {
        if (!number(&a->items[i], &x) || !isfinite(x)) {
            if (f->n > 1 && is_true(&a[1]))
                continue;
            return false;
        }
        if (s->n == 0 || x < s->min) {
            s->min = x;
            s->min_at = i;
        }
        if (s->n == 0 || x > s->max) {
            s->max = x;
            s->max_at = i;
        }
        s->sum += x;
        s->n++;
    }
    if (!is_array(a))
        return false;
    if (s->n < 2) {
        ml__f_error(f, "%s: a series of less than two numbers is not supported", f->name);
        return false;
    }
    double mean = s->sum / s->n;
    for (uint32_t i = 0; i < a->n; i++)
        if (number(&a->items[i], &x) && isfinite(x))
            m2 += (x - mean) * (x - mean);
    s->variance = m2 / (s->n - 1);
    return true;
}

/* The values in the order of the columns of series_stats; series_stats_dynamic has sum and len beside them. */
enum { STATS = 9 };

static void stats_values(const struct stats *s, struct ml_val v[STATS])
{
    v[0] = ml_val_real(s->min);
    v[1] = ml_val_long(s->min_at);
    v[2] = ml_val_real(s->max);
    v[3] = ml_val_long(s->max_at);
    v[4] = ml_val_real(s->sum / s->n);
    v[5] = ml_val_real(sqrt(s->variance));
    v[6] = ml_val_real(s->variance);
    v[7] = ml_val_real(s->sum);
    v[8] = ml_val_long(s->n);
}

static struct ml_val bag_of(struct ml_fcx *f, const char *const *names, const struct ml_val *v,
                            uint32_t n)
{
    struct ml_pair *pairs = ml__f_alloc(f, n, sizeof *pairs);
    if (pairs == NULL)
        return none();
    for (uint32_t i = 0; i < n; i++)
        pairs[i] = (struct ml_pair){ml_str_of(names[i]), v[i]};
    return ml_val_bag(pairs, n);
}

static struct ml_val array_of(struct ml_fcx *f, const struct ml_val *v, uint32_t n)
{
    struct ml_val *items = ml__f_alloc(f, n, sizeof *items);
    if (items == NULL)
        return none();
    memcpy(items, v, n * sizeof *items);
    return ml_val_array(items, n);
}

struct ml_val ml__fn_series_stats_dynamic(struct ml_fcx *f, const struct ml_val *a)
{
    static const char *const names[STATS] = {"min",   "min_idx",  "max", "max_idx", "avg",
                                             "stdev", "variance", "sum", "len"};
    struct stats s;
    struct ml_val v[STATS];
    if (!measure(f, a, &s))
        return none();
    stats_values(&s, v);
    return bag_of(f, names, v, STATS);
}

struct ml_val ml__fn_series_stats(struct ml_fcx *f, const struct ml_val *a)
{
    struct stats s;
    struct ml_val v[STATS];
    if (!measure(f, a, &s))
        return none();
    stats_values(&s, v);
    return array_of(f, v, STATS - 2);
}

/* --- a line through the points (0, y0), (1, y1), ... by least squares --- */

enum { FIT = 6 };

static bool fit(struct ml_fcx *f, const struct ml_val *a, struct ml_val v[FIT])
{
    struct stats s;
    if (!is_array(a))
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        double y;
        if (!number(&a->items[i], &y) || !isfinite(y)) {
            ml__f_error(f, "%s: a series with gaps is not supported; fill them first", f->name);
            return false;
        }
    }
    if (!measure(f, a, &s))
        return false;
    if (s.variance == 0) {
        ml__f_error(f, "%s: a constant series is not supported", f->name);
        return false;
    }
    double n = a->n;
    double mean_x = (n - 1) / 2;
    double mean_y = s.sum / n;
    double xx = 0;
    double xy = 0;
    double residual = 0;
    double y = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        number(&a->items[i], &y);
        xx += (i - mean_x) * (i - mean_x);
        xy += (i - mean_x) * (y - mean_y);
    }
    double slope = xy / xx;
    double base = mean_y - slope * mean_x;
    struct ml_val *line = ml__f_alloc(f, a->n, sizeof *line);
    if (line == NULL)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        number(&a->items[i], &y);
        line[i] = ml_val_real(base + slope * i);
        residual += (y - line[i].d) * (y - line[i].d);
    }
    v[0] = ml_val_real(1 - residual / (s.variance * (n - 1)));
    v[1] = ml_val_real(slope);
    v[2] = ml_val_real(s.variance);
    v[3] = ml_val_real(residual / (n - 1));
    v[4] = ml_val_real(base - slope); /* the line counts from 1 */
    v[5] = ml_val_array(line, a->n);
    return true;
}

struct ml_val ml__fn_series_fit_line(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val v[FIT];
    return fit(f, a, v) ? array_of(f, v, FIT) : none();
}

struct ml_val ml__fn_series_fit_line_dynamic(struct ml_fcx *f, const struct ml_val *a)
{
    static const char *const names[FIT] = {"rsquare",   "slope",        "variance",
                                           "rvariance", "interception", "line_fit"};
    struct ml_val v[FIT];
    return fit(f, a, v) ? bag_of(f, names, v, FIT) : none();
}

/* --- series_iir(series, numerators, denominators) --- */

struct ml_val ml__fn_series_iir(struct ml_fcx *f, const struct ml_val *a)
{
    uint32_t n[3];
    double *x[3];
    for (int k = 0; k < 3; k++) {
        uint32_t rest;
        if (!is_array(&a[k]))
            return none();
        if ((x[k] = numbers(f, &a[k], &n[k], &rest)) == NULL)
            return none();
        if (rest > 0)
            return ml__f_error(f, "series_iir: elements that are no numbers are not supported");
    }
    if (n[2] == 0 || x[2][0] == 0)
        return ml__f_error(f, "series_iir: the first denominator must not be 0");
    double *y = ml__f_alloc(f, n[0] + 1, sizeof *y);
    struct ml_val *items = ml__f_alloc(f, n[0] + 1, sizeof *items);
    for (uint32_t i = 0; y != NULL && items != NULL && i < n[0]; i++) {
        for (uint32_t k = 0; k < n[1] && k <= i; k++)
            y[i] += x[1][k] * x[0][i - k];
        for (uint32_t k = 1; k < n[2] && k <= i; k++)
            y[i] -= x[2][k] * y[i - k];
        y[i] /= x[2][0];
        items[i] = ml_val_real(y[i]);
        if ((i & 1023) == 0 && ml__rt_check(f->rt) != ML_OK)
            return none();
    }
    return ml_val_array(items, items != NULL ? n[0] : 0);
}
