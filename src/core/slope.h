/* core/slope.h -- how fast something grows, told by a few noisy points: Theil and Sen's slope.
 *
 * The median of the slopes of all pairs: three points in ten may be anything and it still holds. The interval is
 * Sen's (1968): the pairs' ranks that Kendall's statistic leaves at 95 %.
 * Threads: nothing shared. Memory: a ring of the last points; no allocation. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SLOPE_H
#define ML_CORE_SLOPE_H

#include <stdbool.h>
#include <stddef.h>

enum { ML_SLOPE_POINTS = 32, ML_SLOPE_FEWEST = 4 };

/* All-zero is valid and empty. */
struct ml_slope {
    /* private */
    double x[ML_SLOPE_POINTS];
    double y[ML_SLOPE_POINTS];
    size_t n; /* points ever added */
};

struct ml_slope_answer {
    double slope; /* y per x */
    double lo;    /* 95 % */
    double hi;
};

/* x must not fall; the oldest point leaves when there is no room. */
void ml_slope_add(struct ml_slope *s, double x, double y);
void ml_slope_clear(struct ml_slope *s);
/* False with fewer than ML_SLOPE_FEWEST points, or all at one x. Cost: some 10 us. */
bool ml_slope_get(const struct ml_slope *s, struct ml_slope_answer *out);

#endif
