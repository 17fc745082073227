/* tests/c/report/test_interval.c -- SPDX-License-Identifier: MIT */
#include "report/interval.h"

#include "core/sampler.h"

#include "../core/folder.h"
#include "test.h"

#include "../core/counted.h"

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

/* --- coverage: profiling.md 4.4, 5, with the sampler itself, through a book ----------------------- */

enum { LINES = COUNTED_LINES - 1, SESSIONS = 32, RUNS = LINES * SESSIONS };

static uintptr_t next_address;

static void *make(size_t n)
{
    void *p = (void *)next_address;
    next_address += (n + 63) & ~(size_t)63;
    return told_of(p, n);
}

static void drop(void *p)
{
    told_freed(p, true);
}

struct covered {
    int alloc, held; /* of RUNS */
    double width;    /* of held, sum over lines */
};

static void count_covered(struct covered *c, double allocated, double held)
{
    struct ml_snapshot *s;
    struct ml_error e;
    struct ml_heap_summary all;
    const struct ml_function *f;
    static const struct ml_row none;
    assert_int_equal(ml_snapshot_read(in_folder("test.book"), &s, &e), ML_OK);
    assert_true(ml_snapshot_heap(s, &all));
    size_t n = ml_snapshot_functions(s, &f) != 0 ? f->n_rows : 0;
    for (size_t i = 0; i < LINES; i++) { /* a line that no sample hit has no row */
        const struct ml_heap *h = i < n ? &f->rows[i].heap : &none.heap;
        struct ml_interval a = ml_interval_alloc(h, &all);
        struct ml_interval b = ml_interval_held(h, &all);
        c->alloc += a.low <= allocated && allocated <= a.high;
        c->held += b.low <= held && held <= b.high;
        c->width += b.high - b.low;
    }
    ml_snapshot_free(s);
}

/* Each line of the book makes so many blocks and drops every second one. With `change` samples are denser
 * for the last quarter, as they are where the rate follows the program. */
static struct covered cover(int blocks, size_t size, uint64_t rate, bool change)
{
    struct covered c = {0};
    for (uint64_t session = 0; session < SESSIONS; session++) {
        next_address = (uintptr_t)0x300000000000;
        ml_sampler_set(rate, 20261127 + session);
        counting_begins(ML_HEAP_SAMPLE);
        for (unsigned line = 1; line <= LINES; line++) {
            on_line(line);
            for (int i = 0; i < blocks; i++) {
                void *p = make(size);
                if (i % 2 == 1)
                    drop(p);
                if (change && (i == 0 || i == blocks * 3 / 4)) {
                    ml_sampler_set(i == 0 ? rate : rate / 16, session + line);
                    assert_int_equal(ml_heap_start(counted_book, ML_HEAP_SAMPLE), ML_OK);
                }
            }
        }
        count_covered(&c, (double)blocks * (double)size,
                      (double)(blocks - blocks / 2) * (double)size);
        counting_ends();
    }
    return c;
}

static void assert_covered(int blocks, size_t size, uint64_t rate, bool change)
{
    struct covered c = cover(blocks, size, rate, change);
    if (c.alloc < RUNS * 93 / 100 || c.held < RUNS * 93 / 100)
        fail_msg("%d blocks of %zu: of %d runs %d and %d are in range", blocks, size, RUNS, c.alloc,
                 c.held);
}

static void intervals_cover_the_truth(void **state)
{
    static const double shares[] = {0.5, 1, 2, 5, 10, 20, 100}; /* of the rate, in all */
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        assert_covered((int)(shares[i] * 65536 / 2048), 2048, 65536, false);
    assert_covered(3, 65536, 65536, false);     /* blocks as large as the rate */
    assert_covered(5, 65536 * 4, 65536, false); /* and larger */
}

static void intervals_cover_the_truth_where_the_rate_changes(void **state)
{
    assert_covered(64, 2048, 65536, true);
    assert_covered(640, 2048, 65536, true);
}

/* Not by being far too wide: with 200 samples alive, 7 % is a standard deviation. */
static void intervals_are_no_wider_than_need_be(void **state)
{
    struct covered c = cover(400 * 32, 2048, 65536, false);
    assert_true(c.width / RUNS < 0.3 * 200 * 65536);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

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
        CASE(intervals_cover_the_truth),
        CASE(intervals_cover_the_truth_where_the_rate_changes),
        CASE(intervals_are_no_wider_than_need_be),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
