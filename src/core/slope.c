/* core/slope.c -- see slope.h. SPDX-License-Identifier: MIT */
#include "core/slope.h"

#include <math.h>
#include <stdlib.h>

enum { PAIRS = ML_SLOPE_POINTS * (ML_SLOPE_POINTS - 1) / 2 };

void ml_slope_add(struct ml_slope *s, double x, double y)
{
    s->x[s->n % ML_SLOPE_POINTS] = x;
    s->y[s->n % ML_SLOPE_POINTS] = y;
    s->n++;
}

void ml_slope_clear(struct ml_slope *s)
{
    s->n = 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t all_slopes(const struct ml_slope *s, size_t n, double *out)
{
    size_t pairs = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (s->x[i] < s->x[j] || s->x[i] > s->x[j])
                out[pairs++] = (s->y[j] - s->y[i]) / (s->x[j] - s->x[i]);
    return pairs;
}

static double clamp(double rank, size_t pairs)
{
    return rank < 0 ? 0 : rank > (double)(pairs - 1) ? (double)(pairs - 1) : rank;
}

bool ml_slope_get(const struct ml_slope *s, struct ml_slope_answer *out)
{
    double slopes[PAIRS];
    size_t n = s->n < ML_SLOPE_POINTS ? s->n : ML_SLOPE_POINTS;
    size_t pairs = n >= ML_SLOPE_FEWEST ? all_slopes(s, n, slopes) : 0;
    if (pairs == 0)
        return false;
    qsort(slopes, pairs, sizeof slopes[0], by_value);
    double points = (double)n;
    double half = 1.96 * sqrt(points * (points - 1) * (2 * points + 5) / 18) / 2;
    double middle = (double)(pairs - 1) / 2;
    *out = (struct ml_slope_answer){
        .slope = (slopes[(pairs - 1) / 2] + slopes[pairs / 2]) / 2,
        .lo = slopes[(size_t)clamp(floor(middle - half), pairs)],
        .hi = slopes[(size_t)clamp(ceil(middle + half), pairs)],
    };
    return true;
}
