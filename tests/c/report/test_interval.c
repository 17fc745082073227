/* tests/c/report/test_interval.c -- SPDX-License-Identifier: MIT */
#include "report/interval.h"

#include "test.h"

#include <math.h>

static void assert_near(double got, double expected, double relative)
{
    if (!(fabs(got - expected) <= relative * expected))
        fail_msg("%.12g is not %.12g", got, expected);
}

/* Published tables (Abramowitz and Stegun 26.8; NIST handbook 1.3.6.7.4), to the digits they have. */
static void quantiles_are_those_of_the_tables(void **state)
{
    static const struct {
        double df;
        double low;  /* 2.5 % */
        double high; /* 97.5 % */
    } rows[] = {{1, 9.82069e-4, 5.02389}, {2, 0.0506356, 7.37776}, {3, 0.215795, 9.34840},
                {5, 0.831211, 12.8325},   {10, 3.24697, 20.4831},  {20, 9.59083, 34.1696},
                {30, 16.7908, 46.9792},   {60, 40.4817, 83.2976},  {100, 74.2219, 129.561}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_near(ml_chi2_quantile(0.025, rows[i].df), rows[i].low, 1e-5);
        assert_near(ml_chi2_quantile(0.975, rows[i].df), rows[i].high, 1e-5);
    }
}

/* Two degrees: P = 1 - exp(-x/2), for any p. One degree: the square of a normal variable. */
static void quantiles_agree_with_closed_forms(void **state)
{
    for (double p = 0.001; p < 1; p += 0.017)
        assert_near(ml_chi2_quantile(p, 2), -2 * log1p(-p), 1e-10);
    assert_near(ml_chi2_quantile(0.6826894921370859, 1), 1, 1e-10);
    assert_near(ml_chi2_quantile(0.9544997361036416, 1), 4, 1e-10);
}

/* df 4: P = 1 - exp(-x/2)(1 + x/2): put the answer back into it, also between whole degrees by
 * monotony. */
static void quantiles_rise_with_degrees_and_meet_where_the_method_changes(void **state)
{
    double before = 0;
    for (double df = 0.1; df < 60; df += 0.37) {
        double x = ml_chi2_quantile(0.975, df);
        assert_true(x > before);
        before = x;
    }
    double x = ml_chi2_quantile(0.3, 4);
    assert_near(1 - exp(-x / 2) * (1 + x / 2), 0.3, 1e-12);
    assert_near(ml_chi2_quantile(0.025, 20000.001), ml_chi2_quantile(0.025, 19999.999), 2e-7);
    assert_near(ml_chi2_quantile(0.975, 20000.001), ml_chi2_quantile(0.975, 19999.999), 2e-7);
}

static void no_sample_has_the_range_of_a_poisson_count_of_none(void **state)
{
    struct ml_interval i = ml_interval_of(0, 0, 0, 65536);
    assert_true(i.low == 0);
    assert_near(i.high, 3.688879 * 65536, 1e-6);
}

/* Equal weights of blocks far below the rate are a Poisson count: the exact interval of Garwood. */
static void equal_small_blocks_have_the_interval_of_a_poisson_count(void **state)
{
    static const struct {
        double n;
        double low;
        double high;
    } rows[] = {{1, 0.02531781, 5.571643},
                {2, 0.2422093, 7.224688},
                {5, 1.623486, 11.66833},
                {10, 4.795389, 18.39036}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_interval got = ml_interval_of(rows[i].n * 1000, rows[i].n * 1e6, 1000, 1000);
        assert_near(got.low, rows[i].low * 1000, 1e-6);
        assert_near(got.high, rows[i].high * 1000, 1e-6);
    }
}

static void figures_that_cannot_be_have_an_interval_all_the_same(void **state)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, -1, 0, 1, 1e300, 4.9e-324};
    enum { N = sizeof odd / sizeof odd[0] };
    for (int e = 0; e < N; e++)
        for (int v = 0; v < N; v++)
            for (int w = 0; w < N; w++) {
                struct ml_interval i = ml_interval_of(odd[e], odd[v], odd[w], odd[w]);
                assert_true(i.low >= 0 && i.low <= i.high); /* false for NaN */
            }
}

/* Nothing of a large block can have been missed, but small ones beside it can. */
static void a_large_block_is_certain(void **state)
{
    struct ml_interval sure = ml_interval_of(5e6, 0, 5e6, 1000);
    assert_near(sure.low, 5e6, 1e-6);
    assert_true(sure.high > 5e6 && sure.high < 5e6 + 4000);
}

/* --- coverage: the experiment of the specification ------------------------------------------- */

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* The share of `runs` in which the interval holds the truth: m blocks of size s, sampled with
 * probability 1 - exp(-s/rate). */
static double coverage(int blocks, double size, double rate, int runs, uint64_t *seed)
{
    double p = -expm1(-size / rate);
    double weight = size / p;
    int covered = 0;
    for (int run = 0; run < runs; run++) {
        int n = 0;
        for (int i = 0; i < blocks; i++)
            n += (double)(next_random(seed) >> 11) * 0x1p-53 < p;
        struct ml_interval i = ml_interval_of(n * weight, n * weight * weight * (1 - p),
                                              n > 0 ? weight : 0, rate);
        covered += i.low <= blocks * size && blocks * size <= i.high;
    }
    return covered / (double)runs;
}

static void intervals_cover_the_truth(void **state)
{
    static const double shares[] = {0.5, 1, 2, 5, 10, 20, 100}; /* of the rate, in all */
    uint64_t seed = 20261127;
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        int blocks = (int)(shares[i] * 65536 / 2048);
        assert_true(coverage(blocks, 2048, 65536, 2000, &seed) >= 0.93);
    }
    assert_true(coverage(3, 65536, 65536, 2000, &seed) >= 0.93); /* blocks as large as the rate */
    assert_true(coverage(5, 65536 * 4, 65536, 2000, &seed) >= 0.93); /* and larger */
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(quantiles_are_those_of_the_tables),
        cmocka_unit_test(quantiles_agree_with_closed_forms),
        cmocka_unit_test(quantiles_rise_with_degrees_and_meet_where_the_method_changes),
        cmocka_unit_test(no_sample_has_the_range_of_a_poisson_count_of_none),
        cmocka_unit_test(equal_small_blocks_have_the_interval_of_a_poisson_count),
        cmocka_unit_test(figures_that_cannot_be_have_an_interval_all_the_same),
        cmocka_unit_test(a_large_block_is_certain),
        cmocka_unit_test(intervals_cover_the_truth),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
