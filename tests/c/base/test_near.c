/* tests/c/base/test_near.c -- SPDX-License-Identifier: MIT */
#include "base/near.h"

#include "test.h"

static void distances(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t edits;
    } cases[] = {
        {"", "", 0},         {"", "abc", 3},           {"abc", "", 3},     {"same", "same", 0},
        {"SAME", "same", 0}, {"cat", "cut", 1},        {"cat", "cart", 1}, {"cart", "cat", 1},
        {"form", "from", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct guarded a = guarded_new(cases[i].a, strlen(cases[i].a));
        struct guarded b = guarded_new(cases[i].b, strlen(cases[i].b));
        assert_int_equal(ml_near_distance(a.str, b.str), cases[i].edits);
        assert_int_equal(ml_near_distance(b.str, a.str), cases[i].edits);
        guarded_free(&a);
        guarded_free(&b);
    }
}

static void long_names_are_no_slips(void **state)
{
    char name[66];
    memset(name, 'x', sizeof name);
    struct ml_str longest = {name, 64};
    assert_int_equal(ml_near_distance(longest, longest), 0);
    assert_int_equal(ml_near_distance((struct ml_str){name, 65}, longest), SIZE_MAX);
    assert_int_equal(ml_near_distance(longest, (struct ml_str){name, 65}), SIZE_MAX);
}

/* The best of the commands for a word; "" when none is near. */
static struct ml_str guess(const char *wanted)
{
    static const char *const commands[] = {"run", "report", "top", "func", "query"};
    struct ml_near near = {.wanted = ml_str_of(wanted)};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        ml_near_try(&near, ml_str_of(commands[i]));
    return near.best;
}

static void the_nearest_name_is_kept(void **state)
{
    assert_true(ml_str_eq(guess("reprot"), ML_STR("report")));
    assert_true(ml_str_eq(guess("rum"), ML_STR("run")));
    assert_true(ml_str_eq(guess("QUERY"), ML_STR("query")));
    assert_true(ml_str_eq(guess("rep"), ML_STR("report"))); /* a beginning */
    assert_null(guess("install").p);
    assert_null(guess("").p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(long_names_are_no_slips),
        cmocka_unit_test(the_nearest_name_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
