/* report/interval.h -- how far an estimate from samples may be from the truth.
 *
 * The sum of independent weighted samples gets the gamma interval of Fay and Feuer (Statistics in
 * Medicine 16, 1997, 791-801): with E the estimate, V its estimated variance and w the largest weight,
 *   low  = V / (2E)              * chi2(0.025, 2 E^2 / V)
 *   high = (V + w^2) / (2(E + w)) * chi2(0.975, 2 (E + w)^2 / (V + w^2))
 * A block much larger than the rate is certain to be sampled, and its weight tells nothing of what was
 * missed; so for w stands the least of w and 2 sqrt(V), but not less than the rate. Where the rate followed
 * the program, its largest: what was missed may have been missed then.
 * It covers the truth in at least 95 of 100 runs also where a line has one sample or two, where E plus
 * or minus two standard deviations covers a third (tests/c/report/test_interval.c).
 * SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_INTERVAL_H
#define ML_REPORT_INTERVAL_H

#include "core/snapshot.h"

struct ml_interval {
    double low;
    double high;
};

/* Of estimate `e`, 0 or more, with variance `v` and largest weight `w`; `rate` is the mean number of
 * bytes between samples. Without a sample: 0 .. 3.69 rate. Figures that cannot be are taken as 0. */
struct ml_interval ml_interval_of(double e, double v, double w, double rate);
/* Of the two figures that are sums of samples. */
struct ml_interval ml_interval_alloc(const struct ml_heap *h, const struct ml_heap_summary *all);
struct ml_interval ml_interval_held(const struct ml_heap *h, const struct ml_heap_summary *all);
/* Of an estimate of which no more is known: the variance of any sum is at most its bytes times the rate. */
struct ml_interval ml_interval_sum(int64_t bytes, const struct ml_heap_summary *all);
/* Of a line without a sample. */
struct ml_interval ml_interval_none(const struct ml_heap_summary *all);

/* An end of an interval as whole bytes, however large. */
static inline uint64_t ml_interval_bytes(double end)
{
    return end < 9e18 ? (uint64_t)end : INT64_MAX;
}

/* The value below which a chi-square variable of `df` degrees of freedom (above 0, any real number)
 * falls with probability p, 0 < p < 1. Relative error below 1e-9 up to 20,000 degrees, 1e-6 above. */
double ml_chi2_quantile(double p, double df);

#endif
