/* tests/c/base/test_arena.c -- SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "test.h"

#include <stdalign.h>

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
    struct ml_arena a = {0};
    unsigned char *p[500];
    for (size_t i = 0; i < 500; i++) {
        p[i] = ml_arena_alloc(&a, i + 1, 1);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(p[i][k], 0);
        memset(p[i], (int)(i % 251) + 1, i + 1);
    }
    for (size_t i = 0; i < 500; i++) /* nobody wrote into a neighbour */
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(p[i][k], i % 251 + 1);
    ml_arena_clear(&a);
    assert_null(a.top);
}

static void a_block_may_be_larger_than_the_usual(void **state)
{
    struct ml_arena a = {0};
    char *big = ml_arena_alloc(&a, 1024, 1024);
    assert_non_null(big);
    big[1024 * 1024 - 1] = 1;
    assert_non_null(ml_arena_alloc(&a, 1, 1));
    ml_arena_clear(&a);
}

static void max_bytes_is_the_most(void **state)
{
    struct ml_arena a = {.max_bytes = 1000};
    size_t got = 0;
    while (ml_arena_alloc(&a, 1, 100) != NULL)
        got += 100;
    assert_true(got >= 800 && got <= 1000);
    assert_null(ml_arena_alloc(&a, 1, 1000));
    ml_arena_clear(&a);
    assert_non_null(ml_arena_alloc(&a, 1, 100)); /* room again */
    ml_arena_clear(&a);
}

static void overflow_is_refused(void **state)
{
    struct ml_arena a = {0};
    assert_null(ml_arena_alloc(&a, SIZE_MAX / 2, 3));
    assert_null(ml_arena_alloc(&a, SIZE_MAX, 1));
    assert_null(ml_arena_alloc(&a, SIZE_MAX - 64, 1));
    assert_null(ml_arena_copy(&a, (struct ml_str){"x", SIZE_MAX}).p);
    ml_arena_clear(&a);
}

static void copies_end_in_zero(void **state)
{
    struct ml_arena a = {0};
    struct guarded g = guarded_new("slice", 5);
    struct ml_str copy = ml_arena_copy(&a, g.str);
    assert_int_equal(copy.n, 5);
    assert_string_equal(copy.p, "slice");
    guarded_free(&g);
    struct ml_str empty = ml_arena_copy(&a, (struct ml_str){NULL, 0});
    assert_non_null(empty.p);
    assert_int_equal(empty.n, 0);
    ml_arena_clear(&a);
}

/* The bytes that a reset keeps are dirty; alloc must zero them again. */
static void reset_keeps_blocks_and_alloc_zeroes_them_again(void **state)
{
    struct ml_arena a = {0};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            unsigned char *p = ml_arena_alloc(&a, 1000, 1);
            assert_non_null(p);
            for (size_t k = 0; k < 1000; k++)
                assert_int_equal(p[k], 0);
            memset(p, 0xFF, 1000);
        }
        ml_arena_reset(&a);
        assert_int_equal(a.used_bytes, 0);
    }
    ml_mem_fail_after(1); /* the kept blocks are enough */
    for (int i = 0; i < 200; i++)
        assert_non_null(ml_arena_raw(&a, 1000, 1));
    ml_mem_fail_after(0);
    ml_arena_clear(&a);
    assert_null(a.idle);
}

static int fill(void *arg)
{
    struct ml_arena a = {0};
    int rc = ML_OK;
    for (int i = 0; rc == ML_OK && i < 10; i++)
        if (ml_arena_alloc(&a, 30000, 1) == NULL)
            rc = ML_ENOMEM;
    ml_arena_clear(&a);
    return rc;
}

static void survives_every_failed_request(void **state)
{
    assert_true(fail_each(fill, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_block_may_be_larger_than_the_usual),
        cmocka_unit_test(max_bytes_is_the_most),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(copies_end_in_zero),
        cmocka_unit_test(reset_keeps_blocks_and_alloc_zeroes_them_again),
        cmocka_unit_test(survives_every_failed_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
