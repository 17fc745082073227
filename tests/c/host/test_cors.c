/* tests/c/host/test_cors.c. SPDX-License-Identifier: MIT */
#include "host/cors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static size_t fields(const char *origins, bool credentials, const char *origin, bool preflight,
                     struct ml_http_field out[ML_CORS_FIELDS])
{
    struct ml_cors *c = NULL;
    struct ml_http_field h[] = {{ML_STR("origin"), ml_str_of(origin)},
                                {ML_STR("Access-Control-Request-Method"), ML_STR("PUT")},
                                {ML_STR("Access-Control-Request-Headers"), ML_STR("x-a")}};
    struct ml_http_request r = {.headers = h, .n_headers = 3};
    assert_int_equal(ml_cors_new(origins, credentials, &c, NULL), ML_OK);
    size_t n = ml_cors_fields(c, &r, preflight, out);
    ml_cors_free(c);
    return n;
}

static void only_listed_origins_get_fields(void **state)
{
    struct ml_http_field f[ML_CORS_FIELDS];
    (void)state;
    assert_int_equal(fields("http://a, http://b/", false, "http://b", false, f), 2);
    assert_true(ml_str_eq(f[0].value, ML_STR("http://b")));
    assert_int_equal(fields("http://a,http://b", false, "http://c", false, f), 0);
    assert_int_equal(fields("http://a,http://b", false, "http://", false, f), 0);
    assert_int_equal(fields("http://a", false, "http://a.evil", false, f), 0);
    assert_int_equal(fields("http://a", false, "", false, f), 0);
    assert_int_equal(fields("http://a", true, "http://a", true, f), 5);
    assert_int_equal(fields("*", false, "http://x", false, f), 1);
    assert_true(ml_str_eq(f[0].value, ML_STR("*")));
}

static void any_origin_with_credentials_is_refused(void **state)
{
    struct ml_cors *c = NULL;
    (void)state;
    assert_int_equal(ml_cors_new("*", true, &c, NULL), ML_EINVALID);
    assert_null(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_listed_origins_get_fields),
        cmocka_unit_test(any_origin_with_credentials_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
