/* tests/c/kql/test_decimal.c -- SPDX-License-Identifier: MIT */
#include "kql/decimal.h"

#include "test.h"

static struct ml_dec dec(const char *text)
{
    struct ml_dec d;
    assert_true(ml_dec_parse(ml_str_of(text), &d));
    return d;
}

static void is(struct ml_dec d, const char *text)
{
    struct ml_buf b = {0};
    ml_dec_print(d, &b);
    assert_string_equal(b.p, text);
    ml_buf_free(&b);
}

static void text_goes_there_and_back(void **state)
{
    is(dec("3.14159265358979323846"), "3.14159265358979323846");
    is(dec("-0.001"), "-0.001");
    is(dec("1.50"), "1.5");
    is(dec("12e3"), "12000");
    is(dec("-0"), "0");
    struct ml_dec d;
    assert_false(ml_dec_parse(ML_STR(""), &d));
    assert_false(ml_dec_parse(ML_STR("1x"), &d));
    assert_false(ml_dec_parse(ML_STR("1e99999"), &d));
}

static void arithmetic_is_decimal(void **state)
{
    struct ml_dec r;
    assert_true(ml_dec_add(dec("0.1"), dec("0.2"), &r));
    assert_int_equal(ml_dec_cmp(r, dec("0.3")), 0);
    assert_true(ml_dec_mul(dec("1.5"), dec("-2.5"), &r));
    is(r, "-3.75");
    assert_true(ml_dec_div(dec("1"), dec("3"), &r));
    is(r, "0.3333333333333333333333333333333333");
    assert_false(ml_dec_div(dec("1"), dec("0"), &r));
    assert_true(ml_dec_mul(dec("1234567890123456789012345"), dec("1e-9"), &r));
    is(r, "1234567890123456.789012345");
}

static void bins_down(void **state)
{
    struct ml_dec r;
    assert_true(ml_dec_bin(dec("-4.5"), dec("1"), &r));
    is(r, "-5");
    assert_true(ml_dec_bin(dec("4.5"), dec("0.2"), &r));
    is(r, "4.4");
    assert_false(ml_dec_bin(dec("1"), dec("0"), &r));
}

static void integers_fit_or_do_not(void **state)
{
    int64_t i;
    assert_true(ml_dec_i64(dec("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_false(ml_dec_i64(dec("9223372036854775808"), &i));
    assert_true(ml_dec_i64(dec("-1.9"), &i));
    assert_int_equal(i, -1);
    is(ml_dec_from_i64(INT64_MIN), "-9223372036854775808");
}

static void random_sums_agree_with_integers(void **state)
{
    struct rng r = rng_new();
    for (int k = 0; k < 2000; k++) {
        int64_t a = (int64_t)rng_below(&r, 1u << 30) - (1 << 29);
        int64_t b = (int64_t)rng_below(&r, 1u << 30) - (1 << 29);
        struct ml_dec sum;
        struct ml_dec product;
        int64_t i;
        assert_true(ml_dec_add(ml_dec_from_i64(a), ml_dec_from_i64(b), &sum));
        assert_true(ml_dec_i64(sum, &i) && i == a + b);
        assert_true(ml_dec_mul(ml_dec_from_i64(a), ml_dec_from_i64(b), &product));
        assert_true(ml_dec_i64(product, &i) && i == a * b);
        assert_int_equal(ml_dec_cmp(ml_dec_from_i64(a), ml_dec_from_i64(b)), (a > b) - (a < b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_there_and_back),
        cmocka_unit_test(arithmetic_is_decimal),
        cmocka_unit_test(bins_down),
        cmocka_unit_test(integers_fit_or_do_not),
        cmocka_unit_test(random_sums_agree_with_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
