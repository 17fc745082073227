/* tests/c/store/test_cache.c -- the cache keeps what was used last, within its bound.
 * SPDX-License-Identifier: MIT */
#include "store/cache.h"

#include "test.h"

static struct ml__strip *strip_of(int64_t value, int rows)
{
    struct ml__cells c = {.type = ML_STORE_LONG};
    struct ml__strip *s = NULL;
    for (int i = 0; i < rows; i++)
        ml__cells_i64(&c, value);
    assert_int_equal(ml__strip_build(&c, &s), ML_OK);
    ml__cells_free(&c);
    return s;
}

static void put(struct ml__cache *c, int64_t id)
{
    struct ml__strip *s = strip_of(id, 100);
    ml__cache_put(c, id, s);
    ml__strip_drop(s);
}

static bool has(struct ml__cache *c, int64_t id)
{
    struct ml__strip *s = ml__cache_find(c, id);
    if (s == NULL)
        return false;
    assert_int_equal(((int64_t *)s->fixed)[0], id);
    ml__strip_drop(s);
    return true;
}

static void the_least_recently_used_goes_first(void **state)
{
    struct ml__cache *c = NULL;
    struct ml__strip *one = strip_of(1, 100);
    assert_int_equal(ml__cache_new(one->bytes * 3, &c), ML_OK);
    ml__strip_drop(one);
    for (int64_t id = 1; id <= 3; id++)
        put(c, id);
    assert_true(has(c, 1)); /* 2 is now the oldest */
    put(c, 4);
    assert_true(has(c, 1));
    assert_false(has(c, 2));
    assert_true(has(c, 3));
    assert_true(has(c, 4));
    ml__cache_free(c);
}

static void a_strip_handed_out_outlives_its_eviction(void **state)
{
    struct ml__cache *c = NULL;
    struct ml__strip *probe = strip_of(0, 100);
    assert_int_equal(ml__cache_new(probe->bytes, &c), ML_OK);
    ml__strip_drop(probe);
    put(c, 1);
    struct ml__strip *held = ml__cache_find(c, 1);
    put(c, 2);
    assert_false(has(c, 1));
    assert_int_equal(((int64_t *)held->fixed)[99], 1);
    ml__cache_free(c);
    assert_int_equal(((int64_t *)held->fixed)[99], 1);
    ml__strip_drop(held);
}

static void what_is_larger_than_the_cache_is_not_kept(void **state)
{
    struct ml__cache *c = NULL;
    assert_int_equal(ml__cache_new(100, &c), ML_OK);
    put(c, 1);
    assert_false(has(c, 1));
    assert_int_equal(ml__cache_bytes(c), 0);
    ml__cache_free(c);
}

static void the_bound_holds_over_many_puts(void **state)
{
    struct rng rng = rng_new();
    struct ml__cache *c = NULL;
    assert_int_equal(ml__cache_new(50000, &c), ML_OK);
    for (int i = 0; i < 5000; i++) {
        int64_t id = (int64_t)rng_below(&rng, 200);
        if (!has(c, id))
            put(c, id);
        assert_true(ml__cache_bytes(c) <= 50000);
    }
    ml__cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(a_strip_handed_out_outlives_its_eviction),
        cmocka_unit_test(what_is_larger_than_the_cache_is_not_kept),
        cmocka_unit_test(the_bound_holds_over_many_puts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
