/* tests/c/base/test_vec.c -- SPDX-License-Identifier: MIT */
#include "base/vec.h"

#include "test.h"

static void push_keeps_order(void **state)
{
    ML_VEC(int) v = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ml_vec_push(&v, i * 3), ML_OK);
    assert_int_equal(v.n, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(v.at[i], i * 3);
    ml_vec_free(&v);
    assert_null(v.at);
    assert_int_equal(v.n, 0);
    assert_int_equal(v.cap, 0);
}

static void failed_push_leaves_the_vector_alone(void **state)
{
    ML_VEC(int) v = {0};
    int rc = ML_OK;
    ml_mem_fail_after(3); /* two growths pass: 8, then 16 elements */
    for (int i = 0; rc == ML_OK && i < 100; i++)
        rc = ml_vec_push(&v, i);
    ml_mem_fail_after(0);
    assert_int_equal(rc, ML_ENOMEM);
    assert_int_equal(v.n, 16);
    assert_int_equal(v.at[15], 15);
    assert_int_equal(ml_vec_push(&v, 16), ML_OK); /* it can go on later */
    assert_int_equal(v.at[16], 16);
    ml_vec_free(&v);
}

static void size_overflow_is_out_of_memory(void **state)
{
    ML_VEC(uint64_t) v = {.n = SIZE_MAX / 4, .cap = SIZE_MAX / 4};
    assert_int_equal(ml_vec_push(&v, 1), ML_ENOMEM);
    v.n = v.cap = SIZE_MAX / 2 + 1; /* doubling wraps to 0 */
    assert_int_equal(ml_vec_push(&v, 1), ML_ENOMEM);
    assert_null(v.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_keeps_order),
        cmocka_unit_test(failed_push_leaves_the_vector_alone),
        cmocka_unit_test(size_overflow_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
