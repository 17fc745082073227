/* tests/c/kql/test_fold.c -- the searches against a plain loop. SPDX-License-Identifier: MIT */
#include "kql/fold.h"

#include "test.h"

static bool found(const char *text, const char *needle, enum ml_search kind, bool fold)
{
    struct ml_arena a = {0};
    struct ml_needle n;
    struct guarded g = guarded_new(text, strlen(text));
    assert_true(ml_needle_init(&n, &a, ml_str_of(needle), kind, fold));
    bool yes = ml_needle_in(&n, g.str);
    guarded_free(&g);
    ml_arena_clear(&a);
    return yes;
}

static void terms(void **state)
{
    assert_true(found("alpha_beta", "alpha", ML_S_HAS, true));
    assert_true(found("1.2.3", "2.3", ML_S_HAS, true));
    assert_true(found("a b", " ", ML_S_HAS, true));
    assert_false(found("alphabet", "alpha", ML_S_HAS, true));
    assert_true(found("alphabet", "alpha", ML_S_HASPREFIX, true));
    assert_true(found("alphabet", "bet", ML_S_HASSUFFIX, true));
    assert_false(found("caf\xC3\xA9s", "caf", ML_S_HAS, true)); /* a letter follows */
    assert_true(found("xx yes", "YES", ML_S_HAS, true));
    assert_false(found("xx yes", "YES", ML_S_HAS, false));
}

static void folding(void **state)
{
    assert_true(found("CAF\xC3\x89", "caf\xC3\xA9", ML_S_EQUALS, true));
    assert_false(found("STRASSE",
                       "stra\xC3\x9F"
                       "e",
                       ML_S_EQUALS, true));
    assert_true(found("\xC3\x84rger", "\xC3\xA4", ML_S_STARTS, true));
}

static char low(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ASCII containment, byte by byte. */
static bool plain(const char *text, const char *needle)
{
    size_t n = strlen(text);
    size_t m = strlen(needle);
    for (size_t i = 0; i + m <= n; i++) {
        size_t k = 0;
        while (k < m && low(text[i + k]) == low(needle[k]))
            k++;
        if (k == m)
            return true;
    }
    return false;
}

static void random_searches_agree_with_the_plain_loop(void **state)
{
    struct rng r = rng_new();
    static const char letters[] = "abAB@`[{";
    for (int round = 0; round < 20000; round++) {
        char text[80];
        char needle[6];
        size_t n = rng_below(&r, sizeof text - 1);
        size_t m = 1 + rng_below(&r, sizeof needle - 2);
        for (size_t i = 0; i < n; i++)
            text[i] = letters[rng_below(&r, sizeof letters - 1)];
        for (size_t i = 0; i < m; i++)
            needle[i] = letters[rng_below(&r, sizeof letters - 1)];
        text[n] = needle[m] = '\0';
        assert_int_equal(found(text, needle, ML_S_CONTAINS, true), plain(text, needle));
    }
}

static void bytes_that_are_no_utf8_stand_for_themselves(void **state)
{
    assert_true(found("a\xFFz", "\xFF", ML_S_CONTAINS, true));
    assert_false(found("a\xFEz", "\xFF", ML_S_CONTAINS, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms),
        cmocka_unit_test(folding),
        cmocka_unit_test(random_searches_agree_with_the_plain_loop),
        cmocka_unit_test(bytes_that_are_no_utf8_stand_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
