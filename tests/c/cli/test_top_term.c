/* tests/c/cli/test_top_term.c -- keys; the screen itself is tested on a pseudo terminal, in tests/e2e.
 * SPDX-License-Identifier: MIT */
#include "cli/top_term.h"

#include "test.h"

static void keys(void **state)
{
    static const struct {
        const char *bytes;
        size_t used; /* 0: more is needed */
        int key;
    } rows[] = {
        {"q", 1, 'q'},
        {"qx", 1, 'q'},
        {"\xC3\xA4", 1, 0xC3}, /* byte by byte */
        {"\r", 1, ML_TERM_ENTER},
        {"\n", 1, ML_TERM_ENTER},
        {"\x7F", 1, ML_TERM_RUBOUT},
        {"\b", 1, ML_TERM_RUBOUT},
        {"\x01", 1, ML_TERM_UNKNOWN},
        {"\033[A", 3, ML_TERM_UP},
        {"\033OA", 3, ML_TERM_UP},
        {"\033[B\033[B", 3, ML_TERM_DOWN},
        {"\033[5~", 4, ML_TERM_PAGE_UP},
        {"\033[6~", 4, ML_TERM_PAGE_DOWN},
        {"\033[H", 3, ML_TERM_FIRST},
        {"\033[1~", 4, ML_TERM_FIRST},
        {"\033OF", 3, ML_TERM_LAST},
        {"\033[8~", 4, ML_TERM_LAST},
        {"\033[1;5A", 6, ML_TERM_UNKNOWN}, /* with control: not ours */
        {"\033[<0;1;1M", 9, ML_TERM_UNKNOWN},
        {"\033x", 1, ML_TERM_ESCAPE},
        {"\033\033", 1, ML_TERM_ESCAPE},
        {"", 0, -5},
        {"\033", 0, -5},
        {"\033[", 0, -5},
        {"\033[1;", 0, -5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct guarded g = guarded_new(rows[i].bytes, strlen(rows[i].bytes));
        int key = -5;
        assert_int_equal(ml_term_decode(g.str.p, g.str.n, &key), rows[i].used);
        assert_int_equal(key, rows[i].key);
        guarded_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {cmocka_unit_test(keys)};
    return cmocka_run_group_tests(cases, NULL, NULL);
}
