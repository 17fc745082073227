/* tests/c/host/test_level.c. SPDX-License-Identifier: MIT */
#include "host/level.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void longest_rule_wins_else_the_kind_of_category(void **state)
{
    static const struct {
        const char *category;
        enum ml_level shown;
    } cases[] = {
        {"Function.A", ML_LEVEL_ERROR},         {"Function.A.User", ML_LEVEL_DEBUG},
        {"Function.B.User", ML_LEVEL_ERROR},    {"function.a.user", ML_LEVEL_DEBUG}, /* any case */
        {"Host.Startup", ML_LEVEL_WARNING},     {"Host.Function.Console", ML_LEVEL_INFORMATION},
        {"User", ML_LEVEL_INFORMATION},         {"my.logger", ML_LEVEL_INFORMATION},
        {"Worker.X", ML_LEVEL_WARNING},         {"Host.Aggregator", ML_LEVEL_NONE},
        {"Azure.Core.Http", ML_LEVEL_CRITICAL}, {"Azure.Http.Core", ML_LEVEL_INFORMATION},
    };
    (void)state;
    struct ml_level_filter f = {.user = ML_LEVEL_INFORMATION, .system = ML_LEVEL_WARNING};
    assert_int_equal(ml_level_rule_add(&f, "Function", ML_LEVEL_ERROR), ML_OK);
    assert_int_equal(ml_level_rule_add(&f, "Function.A.User", ML_LEVEL_DEBUG), ML_OK);
    assert_int_equal(ml_level_rule_add(&f, "Host.Aggregator", ML_LEVEL_NONE), ML_OK);
    assert_int_equal(ml_level_rule_add(&f, "Azure.*.Http", ML_LEVEL_CRITICAL), ML_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (ml_level_shown(&f, cases[i].category) != cases[i].shown)
            fail_msg("%s: %d", cases[i].category, ml_level_shown(&f, cases[i].category));
    ml_level_filter_release(&f);
}

static void debug_is_wanted_by_user_categories_alone(void **state)
{
    static const struct {
        const char *pattern;
        enum ml_level level;
        bool wanted;
    } cases[] = {
        {"Function.a.User", ML_LEVEL_DEBUG, true}, {"Function", ML_LEVEL_TRACE, true},
        {"Function.*.User", ML_LEVEL_DEBUG, true}, {"Function.a.User", ML_LEVEL_INFORMATION, false},
        {"Host.Startup", ML_LEVEL_DEBUG, false},   {"Worker.x", ML_LEVEL_TRACE, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_level_filter f = {.user = ML_LEVEL_WARNING, .system = ML_LEVEL_WARNING};
        assert_false(ml_level_wants_debug(&f));
        assert_int_equal(ml_level_rule_add(&f, cases[i].pattern, cases[i].level), ML_OK);
        assert_int_equal(ml_level_wants_debug(&f), cases[i].wanted);
        ml_level_filter_release(&f);
    }
    struct ml_level_filter f = {.user = ML_LEVEL_DEBUG};
    assert_true(ml_level_wants_debug(&f));
}

static void names_and_python_levels(void **state)
{
    (void)state;
    enum ml_level l;
    for (int i = 0; i <= ML_LEVEL_NONE; i++) {
        assert_true(ml_level_parse(ml_level_name((enum ml_level)i), &l));
        assert_int_equal(l, i);
    }
    assert_true(ml_level_parse("information", &l));
    assert_true(ml_level_parse("4", &l) && l == ML_LEVEL_ERROR);
    assert_false(ml_level_parse("loud", &l));
    static const struct {
        int no;
        enum ml_level level;
    } map[] = {{60, ML_LEVEL_CRITICAL}, {50, ML_LEVEL_CRITICAL},    {49, ML_LEVEL_ERROR},
               {30, ML_LEVEL_WARNING},  {25, ML_LEVEL_INFORMATION}, {10, ML_LEVEL_DEBUG},
               {9, ML_LEVEL_TRACE},     {0, ML_LEVEL_TRACE}};
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        assert_int_equal(ml_level_of_python(map[i].no), map[i].level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_rule_wins_else_the_kind_of_category),
        cmocka_unit_test(debug_is_wanted_by_user_categories_alone),
        cmocka_unit_test(names_and_python_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
