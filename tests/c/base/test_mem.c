/* tests/c/base/test_mem.c -- SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "test.h"

static void calloc_zeroes(void **state)
{
    unsigned char *p = ml_calloc(1000, 3);
    assert_non_null(p);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(p[i], 0);
    ml_free(p);
}

static void nothing_asked_is_still_a_block(void **state)
{
    void *p = ml_calloc(0, 8);
    void *q = ml_calloc(8, 0);
    assert_non_null(p);
    assert_non_null(q);
    p = ml_realloc(p, 0, 4);
    assert_non_null(p);
    ml_free(p);
    ml_free(q);
    ml_free(NULL);
}

static void overflow_is_refused(void **state)
{
    assert_null(ml_calloc(SIZE_MAX / 2, 3));
    assert_null(ml_realloc(NULL, SIZE_MAX / 2, 3));
    assert_null(ml_strndup("x", SIZE_MAX));
}

static void realloc_keeps_contents_and_the_old_block_on_failure(void **state)
{
    char *p = ml_realloc(NULL, 5, 1);
    memcpy(p, "four", 5);
    char *bigger = ml_realloc(p, 50000, 2);
    assert_string_equal(bigger, "four");
    assert_null(ml_realloc(bigger, SIZE_MAX, 2));
    ml_mem_fail_after(1);
    assert_null(ml_realloc(bigger, 10, 1));
    ml_mem_fail_after(0);
    assert_string_equal(bigger, "four");
    ml_free(bigger);
}

static void copies_of_text_end_in_zero(void **state)
{
    char *all = ml_strdup("memory");
    struct guarded g = guarded_new("memory", 6); /* no zero behind it */
    char *some = ml_strndup(g.str.p, g.str.n);
    assert_string_equal(all, "memory");
    assert_string_equal(some, "memory");
    guarded_free(&g);
    ml_free(all);
    ml_free(some);
}

static void the_nth_request_and_all_after_it_fail(void **state)
{
    ml_mem_fail_after(3);
    void *first = ml_calloc(1, 1);
    void *second = ml_realloc(NULL, 1, 1);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(ml_calloc(1, 1));
    assert_null(ml_strdup("x"));
    assert_null(ml_realloc(first, 2, 1));
    ml_mem_fail_after(0);
    char *again = ml_strdup("x");
    assert_non_null(again);
    ml_free(again);
    ml_free(first);
    ml_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calloc_zeroes),
        cmocka_unit_test(nothing_asked_is_still_a_block),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(realloc_keeps_contents_and_the_old_block_on_failure),
        cmocka_unit_test(copies_of_text_end_in_zero),
        cmocka_unit_test(the_nth_request_and_all_after_it_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
