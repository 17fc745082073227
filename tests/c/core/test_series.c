/* tests/c/core/test_series.c -- SPDX-License-Identifier: MIT */
#include "core/series.h"

#include "test.h"

enum { PER_CHUNK = 2, FULL = ML_SERIES_CHUNKS * PER_CHUNK };

static void samples_keep_their_order(void **state)
{
    struct ml_series s;
    bool thinned = true;
    ml_series_init(&s, PER_CHUNK);
    for (size_t i = 0; i < FULL; i++) {
        assert_int_equal(ml_series_add(&s, (struct ml_sample){i * 7, (int64_t)i}, &thinned), ML_OK);
        assert_false(thinned);
    }
    assert_int_equal(ml_series_count(&s), FULL);
    for (size_t i = 0; i < FULL; i++) {
        assert_int_equal(ml_series_get(&s, i).bytes, i * 7);
        assert_int_equal(ml_series_get(&s, i).wall_ns, i);
    }
    ml_series_release(&s);
    assert_int_equal(ml_series_count(&s), 0);
}

/* However many come: bounded, times rising, and the first and the highest still there. */
static void a_full_series_is_thinned_without_losing_the_peak(void **state)
{
    struct rng r = rng_new();
    for (int round = 0; round < 20; round++) {
        struct ml_series s;
        size_t n = FULL + (size_t)rng_below(&r, 5 * FULL);
        uint64_t highest = 0;
        uint64_t first = 0;
        size_t times_thinned = 0;
        ml_series_init(&s, PER_CHUNK);
        for (size_t i = 0; i < n; i++) {
            bool thinned = false;
            struct ml_sample a = {rng_below(&r, 1u << 30), (int64_t)i};
            assert_int_equal(ml_series_add(&s, a, &thinned), ML_OK);
            times_thinned += thinned;
            first = i == 0 ? a.bytes : first;
            highest = a.bytes > highest ? a.bytes : highest;
        }
        uint64_t kept_highest = 0;
        assert_int_equal(times_thinned > 0, n > FULL);
        assert_true(ml_series_count(&s) <= FULL);
        assert_int_equal(ml_series_get(&s, 0).bytes, first);
        for (size_t i = 0; i < ml_series_count(&s); i++) {
            struct ml_sample a = ml_series_get(&s, i);
            kept_highest = a.bytes > kept_highest ? a.bytes : kept_highest;
            assert_true(i == 0 || ml_series_get(&s, i - 1).wall_ns < a.wall_ns);
        }
        assert_int_equal(kept_highest, highest);
        ml_series_release(&s);
    }
}

static void no_memory_keeps_what_there_is(void **state)
{
    struct ml_series s;
    bool thinned = false;
    ml_series_init(&s, PER_CHUNK);
    ml_mem_fail_after(2);
    assert_int_equal(ml_series_add(&s, (struct ml_sample){1, 1}, &thinned), ML_OK);
    assert_int_equal(ml_series_add(&s, (struct ml_sample){2, 2}, &thinned), ML_OK);
    assert_int_equal(ml_series_add(&s, (struct ml_sample){3, 3}, &thinned), ML_ENOMEM);
    ml_mem_fail_after(0);
    assert_int_equal(ml_series_count(&s), 2);
    assert_int_equal(ml_series_add(&s, (struct ml_sample){4, 4}, &thinned), ML_OK);
    assert_int_equal(ml_series_get(&s, 2).bytes, 4);
    ml_series_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_keep_their_order),
        cmocka_unit_test(a_full_series_is_thinned_without_losing_the_peak),
        cmocka_unit_test(no_memory_keeps_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
