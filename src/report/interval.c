/* report/interval.c -- see interval.h.
 *
 * The quantile is found by Newton's method, kept within a bracket, on the regularised incomplete gamma
 * function (Abramowitz and Stegun, 6.5.29 and 6.5.31: a series below the mean, a continued fraction
 * above it), from the approximation of Wilson and Hilferty (26.4.17), which alone is good enough
 * where the degrees of freedom are many. SPDX-License-Identifier: MIT */
#include "report/interval.h"

#include <float.h>
#include <math.h>

static const double tail = 0.025; /* on each side */

/* log of x^a e^-x / Gamma(a) */
static double log_term(double a, double x)
{
    int sign;
    return a * log(x) - x - lgamma_r(a, &sign);
}

/* P(a, x) by its series; quick for x < a + 1. */
static double gamma_series(double a, double x)
{
    double term = 1 / a;
    double sum = term;
    for (int n = 1; n < 10000 && term > sum * DBL_EPSILON; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(log_term(a, x));
}

/* Q(a, x) = 1 - P(a, x) by its continued fraction, from the front (Lentz); quick for x > a + 1. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a;
    double c = 1 / DBL_MIN;
    double d = 1 / b;
    double h = d;
    for (int n = 1; n < 10000; n++) {
        double an = -n * (n - a);
        b += 2;
        d = an * d + b;
        d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
        c = b + an / c;
        c = fabs(c) < DBL_MIN ? DBL_MIN : c;
        h *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return h * exp(log_term(a, x));
}

static double gamma_p(double a, double x)
{
    if (x <= 0)
        return 0;
    return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

/* The point of the standard normal distribution: Abramowitz and Stegun 26.2.23, error below 4.5e-4,
 * and two steps of Newton on erfc. */
static double normal_quantile(double p)
{
    double q = p < 0.5 ? p : 1 - p;
    double t = sqrt(-2 * log(q));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 2; i++) {
        double density = exp(-x * x / 2) / sqrt(2 * M_PI);
        x += (0.5 * erfc(x / M_SQRT2) - q) / density;
    }
    return p < 0.5 ? -x : x;
}

static double wilson_hilferty(double p, double df)
{
    double c = 2 / (9 * df);
    double root = 1 - c + normal_quantile(p) * sqrt(c);
    return root > 0 ? df * root * root * root : 0;
}

double ml_chi2_quantile(double p, double df)
{
    double a = df / 2;
    double x = wilson_hilferty(p, df) / 2;
    int sign;
    if (df > 20000)
        return 2 * x;
    if (x <= 0) /* few degrees: P(a, x) is x^a / (a Gamma(a)) near 0 */
        x = exp((log(p * a) + lgamma_r(a, &sign)) / a);
    double low = 0;
    double high = INFINITY;
    for (int i = 0; i < 100; i++) {
        double over = gamma_p(a, x) - p;
        if (over > 0)
            high = x;
        else
            low = x;
        double next = x - over * x / exp(log_term(a, x));
        if (!(next > low && next < high))
            next = isinf(high) ? 2 * x : (low + high) / 2;
        if (fabs(next - x) <= 1e-13 * x)
            break;
        x = next;
    }
    return 2 * x;
}

/* What a damaged book may hold: not a number, infinite, below 0; or so large that its square is. */
static double sane(double x)
{
    return isfinite(x) && x > 0 ? fmin(x, 1e100) : 0;
}

/* estimate * chi2 / df: of the gamma distribution with mean m and variance v, the point of p. */
static double gamma_point(double p, double m, double v)
{
    double df = fmin(2 * m * m / v, 1e18);
    return m / df * ml_chi2_quantile(p, df);
}

struct ml_interval ml_interval_of(double e, double v, double w, double rate)
{
    e = sane(e);
    v = sane(v);
    w = sane(w);
    if (e < 1) /* less than a byte: no sample */
        return (struct ml_interval){0, -log(tail) * sane(rate)};
    v = fmin(fmax(v, 1), e * e); /* a sample's variance is less than its weight squared */
    w = fmax(sane(rate), fmin(w, 2 * sqrt(v)));
    return (struct ml_interval){fmin(e, gamma_point(tail, e, v)),
                                fmax(e, gamma_point(1 - tail, e + w, v + w * w))};
}

struct ml_interval ml_interval_alloc(const struct ml_heap *h, const struct ml_heap_summary *all)
{
    return ml_interval_of((double)h->alloc_bytes, h->alloc_variance, (double)h->weight_bytes,
                          (double)all->rate_most_bytes);
}

struct ml_interval ml_interval_held(const struct ml_heap *h, const struct ml_heap_summary *all)
{
    return ml_interval_of((double)ml_heap_held(h), h->held_variance, (double)h->weight_bytes,
                          (double)all->rate_most_bytes);
}

struct ml_interval ml_interval_sum(int64_t bytes, const struct ml_heap_summary *all)
{
    double rate = (double)all->rate_most_bytes;
    return ml_interval_of((double)bytes, (double)bytes * rate, rate, rate);
}

struct ml_interval ml_interval_none(const struct ml_heap_summary *all)
{
    return ml_interval_of(0, 0, 0, (double)all->rate_most_bytes);
}
