/* tests/c/core/test_slope.c -- SPDX-License-Identifier: MIT */
#include "core/slope.h"

#include "test.h"

#include <math.h>

static double between(struct rng *r, double lo, double hi)
{
    return lo + (hi - lo) * (double)rng_below(r, 1u << 20) / (1u << 20);
}

static void too_few_points_tell_nothing(void **state)
{
    struct ml_slope s = {0};
    struct ml_slope_answer a;
    for (int i = 0; i < ML_SLOPE_FEWEST; i++) {
        assert_false(ml_slope_get(&s, &a));
        ml_slope_add(&s, i, 2.0 * i);
    }
    assert_true(ml_slope_get(&s, &a));
    ml_slope_clear(&s);
    assert_false(ml_slope_get(&s, &a));
    for (int i = 0; i < 10; i++)
        ml_slope_add(&s, 1, i); /* all at one x */
    assert_false(ml_slope_get(&s, &a));
}

static void a_straight_line_has_its_slope_and_no_width(void **state)
{
    struct ml_slope s = {0};
    struct ml_slope_answer a;
    for (int i = 0; i < 100; i++) { /* the first ones leave */
        ml_slope_add(&s, i, i < 50 ? -1e9 : 8.5 * i - 3);
    }
    assert_true(ml_slope_get(&s, &a));
    assert_true(fabs(a.slope - 8.5) < 1e-9 && fabs(a.lo - 8.5) < 1e-9 && fabs(a.hi - 8.5) < 1e-9);
}

static void wild_points_do_not_move_it(void **state)
{
    struct rng r = rng_new();
    for (int round = 0; round < 50; round++) {
        struct ml_slope s = {0};
        struct ml_slope_answer a;
        for (int i = 0; i < ML_SLOPE_POINTS; i++)
            ml_slope_add(&s, i, i % 5 == 2 ? between(&r, -1e12, 1e12) : 1000.0 * i);
        assert_true(ml_slope_get(&s, &a));
        assert_true(fabs(a.slope - 1000) < 1);
        assert_true(a.lo <= a.slope && a.slope <= a.hi);
    }
}

/* 95 of 100 intervals hold the truth; of 2000 at least 92 in 100 do, but for one run in thousands. */
static void the_interval_covers(void **state)
{
    struct rng r = rng_new();
    int held = 0;
    enum { ROUNDS = 2000 };
    for (int round = 0; round < ROUNDS; round++) {
        struct ml_slope s = {0};
        struct ml_slope_answer a;
        for (int i = 0; i < 20; i++)
            ml_slope_add(&s, i, 5.0 * i + between(&r, -30, 30) + between(&r, -30, 30));
        assert_true(ml_slope_get(&s, &a));
        held += a.lo <= 5 && 5 <= a.hi;
    }
    printf("# %d of %d\n", held, ROUNDS);
    assert_true(held >= ROUNDS * 92 / 100);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(too_few_points_tell_nothing),
        cmocka_unit_test(a_straight_line_has_its_slope_and_no_width),
        cmocka_unit_test(wild_points_do_not_move_it),
        cmocka_unit_test(the_interval_covers),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
