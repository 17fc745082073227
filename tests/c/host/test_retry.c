/* tests/c/host/test_retry.c. SPDX-License-Identifier: MIT */
#include "host/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void fixed_delay_counts_down(void **state)
{
    (void)state;
    json_t *p = json_loads(
        "{\"strategy\":\"fixedDelay\",\"maxRetryCount\":2,\"delayInterval\":\"00:00:05\"}", 0,
        NULL);
    struct ml_retry r;
    ml_retry_read(p, NULL, &r);
    assert_true(ml_retry_again(&r, 0) && ml_retry_again(&r, 1));
    assert_false(ml_retry_again(&r, 2));
    assert_int_equal(ml_retry_delay_ms(&r, 1), 5000);
    ml_retry_read(NULL, p, &r); /* the app's policy */
    assert_true(ml_retry_again(&r, 1));
    ml_retry_read(NULL, NULL, &r);
    assert_false(ml_retry_again(&r, 0));
    json_decref(p);
}

static void backoff_doubles_up_to_its_most(void **state)
{
    (void)state;
    json_t *p = json_loads("{\"strategy\":\"exponentialBackoff\",\"maxRetryCount\":-1,"
                           "\"minimumInterval\":\"00:00:01\",\"maximumInterval\":\"00:00:10\"}",
                           0, NULL);
    static const unsigned ms[] = {1000, 2000, 4000, 8000, 10000, 10000};
    struct ml_retry r;
    ml_retry_read(p, NULL, &r);
    for (int i = 0; i < 6; i++)
        assert_int_equal(ml_retry_delay_ms(&r, i), ms[i]);
    assert_true(ml_retry_again(&r, 1000000));
    json_decref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_delay_counts_down),
        cmocka_unit_test(backoff_doubles_up_to_its_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
