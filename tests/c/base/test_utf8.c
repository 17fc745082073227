/* tests/c/base/test_utf8.c -- every code point there and back; every two-byte string; the edges of
 * Unicode's table 3-7. SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include "test.h"

static void every_code_point_goes_there_and_back(void **state)
{
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        char bytes[4];
        uint32_t back = UINT32_MAX;
        size_t n = ml_utf8_put(c, bytes);
        if (ml_utf8_next((struct ml_str){bytes, n}, &back) != n || back != c)
            fail_msg("U+%04X: %zu bytes, read back as U+%04X", c, n, back);
    }
}

static void every_shorter_piece_is_refused(void **state)
{
    static const uint32_t points[] = {0x80, 0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        char bytes[4];
        size_t n = ml_utf8_put(points[i], bytes);
        for (size_t cut = 0; cut < n; cut++) {
            struct guarded g = guarded_new(bytes, cut);
            uint32_t point = 7;
            assert_int_equal(ml_utf8_next(g.str, &point), 0);
            assert_int_equal(point, 7); /* untouched */
            guarded_free(&g);
        }
    }
}

/* Two bytes are one sequence only if the first is C2..DF and the second 80..BF. */
static void two_byte_strings_follow_the_table(void **state)
{
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            char bytes[2] = {(char)a, (char)b};
            uint32_t point;
            size_t want = a < 0x80 ? 1 : a >= 0xC2 && a <= 0xDF && b >= 0x80 && b <= 0xBF ? 2 : 0;
            assert_int_equal(ml_utf8_next((struct ml_str){bytes, 2}, &point), want);
        }
}

static void malformed_sequences_are_refused(void **state)
{
    static const struct ml_str bad[] = {
        ML_STR("\x80"),             /* continuation alone */
        ML_STR("\xC0\x80"),         /* overlong zero */
        ML_STR("\xC1\xBF"),         /* overlong 7F */
        ML_STR("\xE0\x9F\xBF"),     /* overlong 7FF */
        ML_STR("\xED\xA0\x80"),     /* first surrogate */
        ML_STR("\xED\xBF\xBF"),     /* last surrogate */
        ML_STR("\xF0\x8F\xBF\xBF"), /* overlong FFFF */
        ML_STR("\xF4\x90\x80\x80"), /* 110000 */
        ML_STR("\xF5\x80\x80\x80"),
        ML_STR("\xFE\xFF"),
        ML_STR("\xE2\x82\x28"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t point;
        assert_int_equal(ml_utf8_next(bad[i], &point), 0);
    }
}

static void widths(void **state)
{
    static const struct {
        uint32_t point;
        int width;
    } cases[] = {
        {'a', 1},    {0xE9, 1},   {0x301, 0},   {0x200B, 0},  {0x3042, 2}, {0x65E5, 2},
        {0xAC00, 2}, {0xFF21, 2}, {0x1F40D, 2}, {0x20000, 2}, {0x2500, 1}, {0xFE0F, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(ml_utf8_width(cases[i].point), cases[i].width);
}

static void columns_of_texts(void **state)
{
    static const struct {
        struct ml_str text;
        size_t columns;
    } cases[] = {
        {ML_STR(""), 0},
        {ML_STR("a\tb\n"), 4},
        {ML_STR("e\xCC\x81"), 1},                 /* with a combining accent */
        {ML_STR("\xE6\x97\xA5\xE6\x9C\xAC!"), 5}, /* two wide ones */
        {ML_STR("\xFF\xE2\x82"), 3},              /* not UTF-8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(ml_utf8_columns(cases[i].text), cases[i].columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_goes_there_and_back),
        cmocka_unit_test(every_shorter_piece_is_refused),
        cmocka_unit_test(two_byte_strings_follow_the_table),
        cmocka_unit_test(malformed_sequences_are_refused),
        cmocka_unit_test(widths),
        cmocka_unit_test(columns_of_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
