/* tests/c/host/test_console.c -- lines byte for byte. SPDX-License-Identifier: MIT */
#include "host/console.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define T "[2026-11-22T07:36:01.123Z] "

static int64_t fixed_time(void)
{
    return INT64_C(1795332961123456789);
}

static const struct {
    const char *text, *expect;
    enum ml_level level;
    bool category, levels, colors;
} cases[] = {
    {"one", T "one\n", ML_LEVEL_INFORMATION, false, false, false},
    {"a\nb\nc", T "a\n" T "b\n" T "c\n", ML_LEVEL_INFORMATION, false, false, false},
    {"a\n\n", T "a\n" T "\n" T "\n", ML_LEVEL_INFORMATION, false, false, false},
    {"a\r\nb", T "a\n" T "b\n", ML_LEVEL_INFORMATION, false, false, false},
    {"", "", ML_LEVEL_INFORMATION, false, false, false},
    {"no", "", ML_LEVEL_DEBUG, false, false, false},
    {"x", T "[User] x\n", ML_LEVEL_INFORMATION, true, false, false},
    {"x", T "fail [User] x\n", ML_LEVEL_ERROR, true, true, false},
    {"x", "\033[90m" T "\033[91mx\033[0m\n", ML_LEVEL_ERROR, false, false, true},
    {"x", "\033[90m" T "\033[36mx\033[0m\n", ML_LEVEL_INFORMATION, false, false, true},
};

static void lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_console c;
        int fd[2];
        char got[512];
        assert_int_equal(pipe(fd), 0);
        ml_console_init(&c, fd[1]);
        c.now_ns = fixed_time;
        c.show_category = cases[i].category;
        c.show_level = cases[i].levels;
        c.colors = cases[i].colors;
        ml_console_log(&c, "User", cases[i].level, ml_str_of(cases[i].text));
        ml_console_release(&c);
        (void)close(fd[1]);
        ssize_t n = read(fd[0], got, sizeof got - 1);
        assert_true(n >= 0);
        got[n] = '\0';
        assert_string_equal(got, cases[i].expect);
        (void)close(fd[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
