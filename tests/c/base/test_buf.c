/* tests/c/base/test_buf.c -- SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "test.h"

static void appends_keep_order_and_a_zero_behind(void **state)
{
    struct ml_buf b = {0};
    ml_buf_cstr(&b, "a");
    ml_buf_add(&b, "\0b", 2);
    ml_buf_str(&b, ML_STR("cd"));
    ml_buf_char(&b, 'e');
    ml_buf_fill(&b, '-', 3);
    ml_buf_printf(&b, "%d/%s", 42, "x");
    assert_int_equal(b.status, ML_OK);
    assert_int_equal(b.n, 13);
    assert_memory_equal(b.p, "a\0bcde---42/x", 14); /* with the zero */
    ml_buf_free(&b);
    assert_null(b.p);
}

static void every_size_around_a_growth_is_right(void **state)
{
    for (size_t n = 120; n < 530; n++) {
        struct ml_buf b = {0};
        for (size_t i = 0; i < n; i++)
            ml_buf_char(&b, (char)('a' + i % 26));
        assert_int_equal(b.n, n);
        assert_true(b.cap > n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(b.p[i], 'a' + i % 26);
        assert_int_equal(b.p[n], 0);
        ml_buf_free(&b);
    }
}

static void the_maximum_sticks_until_clear(void **state)
{
    struct ml_buf b = {.max = 10};
    ml_buf_cstr(&b, "0123456789");
    assert_int_equal(b.status, ML_OK);
    ml_buf_char(&b, 'x');
    assert_int_equal(b.status, ML_ELIMIT);
    assert_int_equal(b.n, 10);
    ml_buf_clear(&b);
    assert_int_equal(b.n, 0);
    assert_string_equal(b.p, "");
    ml_buf_fill(&b, 'y', 11);
    assert_int_equal(b.status, ML_ELIMIT);
    ml_buf_add(&b, "z", 1); /* would fit, but the error sticks */
    assert_int_equal(b.n, 0);
    ml_buf_free(&b);
    assert_int_equal(b.max, 10); /* a limit is the buffer's for good */
    assert_int_equal(b.status, ML_OK);
}

static void absurd_sizes_are_out_of_memory(void **state)
{
    struct ml_buf b = {0};
    ml_buf_cstr(&b, "kept");
    ml_buf_add(&b, "x", SIZE_MAX - 4);
    assert_int_equal(b.status, ML_ENOMEM);
    ml_buf_clear(&b);
    assert_null(ml_buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.status, ML_ENOMEM);
    ml_buf_free(&b);
}

static void reserve_gives_the_place(void **state)
{
    struct ml_buf b = {0};
    ml_buf_cstr(&b, "ab");
    char *place = ml_buf_reserve(&b, 1000);
    assert_non_null(place);
    memset(place, 'c', 1000);
    b.n += 1000;
    ml_buf_char(&b, 'd');
    assert_int_equal(b.n, 1003);
    assert_int_equal(b.p[1001], 'c');
    assert_int_equal(b.p[1002], 'd');
    ml_buf_free(&b);
}

static void numbers_are_printed_like_printf(void **state)
{
    static const int64_t values[] = {0,  1,   -1,        9,         10,        -10,
                                     99, 100, INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char want[64];
        struct ml_buf b = {0};
        ml_buf_i64(&b, values[i]);
        ml_buf_char(&b, ' ');
        ml_buf_u64(&b, (uint64_t)values[i]);
        snprintf(want, sizeof want, "%lld %llu", (long long)values[i],
                 (unsigned long long)values[i]);
        assert_string_equal(b.p, want);
        ml_buf_free(&b);
    }
}

static void json_strings(void **state)
{
    static const struct {
        struct ml_str in;
        const char *out;
    } cases[] = {
        {{NULL, 0}, "\"\""},
        {ML_STR("plain"), "\"plain\""},
        {ML_STR("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
        {ML_STR("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {ML_STR("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\""},
        {ML_STR("a\0b"), "\"a\\u0000b\""},
        {ML_STR("\xC3\xA9\xE6\x97\xA5\xF0\x9F\x90\x8D"),
         "\"\xC3\xA9\xE6\x97\xA5\xF0\x9F\x90\x8D\""},
        {ML_STR("x\xFFy"), "\"x\xEF\xBF\xBDy\""},
        {ML_STR("\xC3"), "\"\xEF\xBF\xBD\""},                                 /* cut off */
        {ML_STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* surrogate */
        {ML_STR("\xC0\xAF\n"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\\n\""},            /* overlong */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct guarded g = guarded_new(cases[i].in.p, cases[i].in.n);
        struct ml_buf b = {0};
        ml_buf_json(&b, g.str);
        assert_string_equal(b.p, cases[i].out);
        ml_buf_free(&b);
        guarded_free(&g);
    }
}

static int write_much(void *arg)
{
    struct ml_buf b = {0};
    for (int i = 0; i < 200; i++) {
        ml_buf_printf(&b, "%d,", i);
        ml_buf_json(&b, ML_STR("\x02 text \xFF"));
    }
    size_t n = b.n;
    int rc = b.status;
    ml_buf_char(&b, 'x'); /* ignored after a failure */
    assert_int_equal(b.n, rc == ML_OK ? n + 1 : n);
    ml_buf_free(&b);
    return rc;
}

static void survives_every_failed_request(void **state)
{
    assert_true(fail_each(write_much, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_keep_order_and_a_zero_behind),
        cmocka_unit_test(every_size_around_a_growth_is_right),
        cmocka_unit_test(the_maximum_sticks_until_clear),
        cmocka_unit_test(absurd_sizes_are_out_of_memory),
        cmocka_unit_test(reserve_gives_the_place),
        cmocka_unit_test(numbers_are_printed_like_printf),
        cmocka_unit_test(json_strings),
        cmocka_unit_test(survives_every_failed_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
