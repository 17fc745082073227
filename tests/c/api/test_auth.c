/* tests/c/api/test_auth.c -- who may ask. SPDX-License-Identifier: MIT */
#include "api/auth.h"

#include "test.h"

static enum ml_auth check(const char *token, const char *name, const char *value)
{
    struct ml_http_field headers[] = {{ml_str_of(name), ml_str_of(value)}};
    struct ml_http_request r = {.headers = headers, .n_headers = 1};
    return ml_auth_check(&r, token);
}

static void only_names_of_this_machine_are_local(void **state)
{
    static const char *const local[] = {
        "localhost", "localhost:7075", "LOCALHOST:1",      "127.0.0.1:7075",     "127.1.2.3",
        "[::1]",     "[::1]:7075",     "http://localhost", "https://127.0.0.1:8"};
    static const char *const foreign[] = {"",
                                          "example.org",
                                          "127.evil.org",
                                          "localhost.evil.org",
                                          "127.0.0.1.nip.io",
                                          "[::1]x",
                                          "[::2]",
                                          "10.0.0.1",
                                          "null",
                                          "http://evil.org",
                                          "http://localhost.evil.org:80"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        assert_true(ml_auth_is_local(ml_str_of(local[i])));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_false(ml_auth_is_local(ml_str_of(foreign[i])));
}

static void without_a_token_the_host_and_origin_count(void **state)
{
    assert_int_equal(check(NULL, "Host", "localhost:7075"), ML_AUTH_OK);
    assert_int_equal(check(NULL, "host", "attacker.example"), ML_AUTH_FOREIGN);
    assert_int_equal(check(NULL, "Origin", "http://attacker.example"), ML_AUTH_FOREIGN);
    assert_int_equal(check(NULL, "Origin", "http://localhost:3000"), ML_AUTH_OK);
    assert_int_equal(check(NULL, "Authorization", "Bearer anything"), ML_AUTH_OK);
}

static void with_a_token_only_the_token_counts(void **state)
{
    assert_int_equal(check("s3cret", "Authorization", "Bearer s3cret"), ML_AUTH_OK);
    assert_int_equal(check("s3cret", "authorization", "bearer s3cret"), ML_AUTH_OK);
    assert_int_equal(check("s3cret", "X-Api-Key", "s3cret"), ML_AUTH_OK);
    assert_int_equal(check("s3cret", "Authorization", "Bearer s3cre"), ML_AUTH_NO_TOKEN);
    assert_int_equal(check("s3cret", "Authorization", "Bearer s3crets"), ML_AUTH_NO_TOKEN);
    assert_int_equal(check("s3cret", "Authorization", "Bearer "), ML_AUTH_NO_TOKEN);
    assert_int_equal(check("s3cret", "Authorization", "s3cret"), ML_AUTH_NO_TOKEN);
    assert_int_equal(check("s3cret", "Host", "localhost"), ML_AUTH_NO_TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_of_this_machine_are_local),
        cmocka_unit_test(without_a_token_the_host_and_origin_count),
        cmocka_unit_test(with_a_token_only_the_token_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
