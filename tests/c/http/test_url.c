/* tests/c/http/test_url.c. SPDX-License-Identifier: MIT */
#include "http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void decodes(void **state)
{
    static const struct {
        const char *in, *plain, *query;
    } cases[] = {
        {"", "", ""},
        {"abc", "abc", "abc"},
        {"a%20b", "a b", "a b"},
        {"a+b", "a+b", "a b"},
        {"%41%4a%4A", "AJJ", "AJJ"},
        {"%", "%", "%"},
        {"%4", "%4", "%4"},
        {"%zz", "%zz", "%zz"},
        {"100%25", "100%", "100%"},
        {"%C3%A4", "\xc3\xa4", "\xc3\xa4"},
        {"%252F", "%2F", "%2F"},
    };
    (void)state;
    struct ml_arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_str got = ml_url_decode(&a, ml_str_of(cases[i].in), false);
        assert_int_equal(got.n, strlen(cases[i].plain));
        assert_memory_equal(got.p, cases[i].plain, got.n);
        got = ml_url_decode(&a, ml_str_of(cases[i].in), true);
        assert_int_equal(got.n, strlen(cases[i].query));
        assert_memory_equal(got.p, cases[i].query, got.n);
    }
    ml_arena_clear(&a);
}

static void walks_pairs(void **state)
{
    (void)state;
    struct ml_str rest = ML_STR("a=1&&b&c=&=d&a=2=3&"), n, v;
    char seen[64] = "";
    while (ml_url_next_pair(&rest, &n, &v)) {
        strncat(seen, n.p, n.n);
        strcat(seen, ":");
        strncat(seen, v.p, v.n);
        strcat(seen, ";");
    }
    assert_string_equal(seen, "a:1;b:;c:;:d;a:2=3;");
    struct ml_arena a = {0};
    struct ml_str got = ml_url_query_find(&a, ML_STR("x=1&co%64e=k%2Be+y"), ML_STR("code"));
    assert_true(ml_str_eq(got, ML_STR("k+e y")));
    assert_null(ml_url_query_find(&a, ML_STR("x=1"), ML_STR("code")).p);
    ml_arena_clear(&a);
}

static void encode_and_decode_are_inverse(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct ml_buf b = {0};
    ml_url_encode(&b, (struct ml_str){all, sizeof all});
    struct ml_arena a = {0};
    struct ml_str back = ml_url_decode(&a, ml_buf_view(&b), true);
    assert_true(ml_str_eq(back, (struct ml_str){all, sizeof all}));
    ml_arena_clear(&a);
    ml_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(walks_pairs),
        cmocka_unit_test(encode_and_decode_are_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
