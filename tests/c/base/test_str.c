/* tests/c/base/test_str.c -- SPDX-License-Identifier: MIT */
#include "base/str.h"

#include "test.h"

static const struct ml_str none = {NULL, 0};

static void lengths_come_from_the_literal_or_the_zero(void **state)
{
    assert_int_equal(ML_STR("a\0b").n, 3);
    assert_int_equal(ml_str_of("abc").n, 3);
    assert_int_equal(ml_str_of(NULL).n, 0);
    assert_int_equal(ml_str_of("").n, 0);
}

static void equality_looks_at_every_byte_and_no_further(void **state)
{
    assert_true(ml_str_eq(ML_STR("a\0b"), ML_STR("a\0b")));
    assert_false(ml_str_eq(ML_STR("a\0b"), ML_STR("a\0c")));
    assert_false(ml_str_eq(ML_STR("ab"), ML_STR("abc")));
    assert_true(ml_str_eq(none, ML_STR("")));
    struct guarded a = guarded_new("same", 4);
    struct guarded b = guarded_new("same", 4);
    assert_true(ml_str_eq(a.str, b.str));
    guarded_free(&a);
    guarded_free(&b);
}

static void starts_and_ends(void **state)
{
    assert_true(ml_str_starts(ML_STR("memline run"), ML_STR("memline")));
    assert_false(ml_str_starts(ML_STR("mem"), ML_STR("memline")));
    assert_true(ml_str_ends(ML_STR("app.py"), ML_STR(".py")));
    assert_false(ml_str_ends(ML_STR("y"), ML_STR(".py")));
    assert_true(ml_str_starts(none, none));
    assert_true(ml_str_ends(ML_STR("x"), none));
}

static void order_is_by_unsigned_bytes_then_length(void **state)
{
    static const char *const sorted[] = {"", "A", "a", "aa", "ab", "b", "\x80", "\xC3\xA9"};
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++)
        for (size_t j = 0; j < sizeof sorted / sizeof sorted[0]; j++) {
            int c = ml_str_cmp(ml_str_of(sorted[i]), ml_str_of(sorted[j]));
            assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
        }
    assert_int_equal(ml_str_cmp(none, ML_STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_come_from_the_literal_or_the_zero),
        cmocka_unit_test(equality_looks_at_every_byte_and_no_further),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(order_is_by_unsigned_bytes_then_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
