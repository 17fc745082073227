/* tests/c/http/test_body.c. SPDX-License-Identifier: MIT */
#include "http/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void body_is_the_same_in_memory_and_in_a_file(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 1, 99, 100, 1000, 5000};
    for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
        struct ml_body b = {.memory_max = limits[k]};
        for (int i = 0; i < 50; i++) {
            char chunk[100];
            memset(chunk, 'a' + i % 26, sizeof chunk);
            assert_int_equal(ml_body_add(&b, (struct ml_str){chunk, sizeof chunk}), ML_OK);
        }
        assert_int_equal(b.bytes, 5000);
        struct ml_str all;
        assert_int_equal(ml_body_view(&b, &all), ML_OK);
        assert_int_equal(all.n, 5000);
        for (size_t i = 0; i < all.n; i++)
            assert_int_equal(all.p[i], 'a' + (char)(i / 100 % 26));
        char part[150];
        size_t got, at = 4900;
        assert_int_equal(ml_body_read(&b, at, part, sizeof part, &got), ML_OK);
        assert_int_equal(got, 100);
        assert_memory_equal(part, all.p + at, got);
        assert_int_equal(ml_body_read(&b, 5000, part, sizeof part, &got), ML_OK);
        assert_int_equal(got, 0);
        int fd = ml_body_take_fd(&b);
        assert_int_equal(fd >= 0, limits[k] < 5000);
        if (fd >= 0)
            (void)close(fd);
        ml_body_release(&b);
    }
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    setenv("TMPDIR", "/nonexistent", 1);
    struct ml_body b = {.memory_max = 1};
    assert_int_equal(ml_body_add(&b, ML_STR("abc")), ML_ENOTFOUND);
    ml_body_release(&b);
    unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_is_the_same_in_memory_and_in_a_file),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
