/* tests/c/report/test_decode.c -- SPDX-License-Identifier: MIT */
#include "report/decode.h"

#include "base/utf8.h"
#include "test.h"

#define BAD "\xEF\xBF\xBD" /* U+FFFD */

static void assert_decodes(struct ml_str bytes, const char *expected)
{
    struct guarded g = guarded_new(bytes.p, bytes.n);
    struct ml_buf out = {0};
    ml_decode_source(g.str, &out);
    assert_int_equal(out.status, ML_OK);
    assert_string_equal(out.p != NULL ? out.p : "", expected);
    ml_buf_free(&out);
    guarded_free(&g);
}

static void the_declared_encoding_counts(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {
        {"", ""},
        {"x = 1\n", "x = 1\n"},
        {"x = '\xc3\xa9'", "x = '\xc3\xa9'"},
        {"\xEF\xBB\xBFx\xc3\xa9", "x\xc3\xa9"},
        {"\xEF\xBB\xBF# coding: latin-1\n\xe9", "# coding: latin-1\n" BAD}, /* the mark wins */
        {"x\xe9", "x" BAD},
        {"# coding: latin-1\n\xe9", "# coding: latin-1\n\xc3\xa9"},
        {"# -*- coding: Latin_1 -*-\n\xe9", "# -*- coding: Latin_1 -*-\n\xc3\xa9"},
        {"\t#!x\r\n# vim:fileencoding=iso-8859-1\r\n\xe9",
         "\t#!x\r\n# vim:fileencoding=iso-8859-1\r\n\xc3\xa9"},
        {"\r# coding=latin1\r\xe9", "\r# coding=latin1\r\xc3\xa9"},
        {"\n\n# coding: latin-1\n\xe9", "\n\n# coding: latin-1\n" BAD}, /* third line: too late */
        {"x # coding: latin-1\n\xe9", "x # coding: latin-1\n" BAD},     /* behind code */
        {"# coding latin-1\n\xe9", "# coding latin-1\n" BAD},
        {"# coding:\n\xe9", "# coding:\n" BAD},
        {"# coding", "# coding"},
        {"# encoding: utf-8\n\xe9", "# encoding: utf-8\n" BAD},
        {"# coding: koi8-r\n\xc1", "# coding: koi8-r\n\xd0\xb0"},
        {"# coding: euc_jp\n\xa4\xa2", "# coding: euc_jp\n\xe3\x81\x82"},
        {"# coding: euc_jp\n\xa4", "# coding: euc_jp\n" BAD}, /* cut in a character */
        {"# coding: ascii\nx\xe9y", "# coding: ascii\nx" BAD "y"},
        {"# coding: nobody-knows\n\xe9", "# coding: nobody-knows\n" BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_decodes(ml_str_of(rows[i].bytes), rows[i].text);
}

static void long_texts_are_decoded_whole(void **state)
{
    struct ml_buf in = {0};
    struct ml_buf expected = {0};
    ml_buf_cstr(&in, "# coding: koi8-r\n");
    ml_buf_cstr(&expected, "# coding: koi8-r\n");
    for (int i = 0; i < 20000; i++) {
        ml_buf_char(&in, '\xc1');
        ml_buf_cstr(&expected, "\xd0\xb0");
    }
    assert_decodes(ml_buf_view(&in), expected.p);
    ml_buf_free(&in);
    ml_buf_free(&expected);
}

static void whatever_comes_the_result_is_utf8(void **state)
{
    static const char *const heads[] = {"", "# coding: latin-1\n", "# coding: euc-jp\n",
                                        "# coding: iso-2022-jp\n", "# coding: utf-16\n"};
    struct rng r = rng_new();
    for (int round = 0; round < 500; round++) {
        struct ml_buf in = {0};
        struct ml_buf out = {0};
        ml_buf_cstr(&in, heads[rng_below(&r, 5)]);
        for (uint64_t n = rng_below(&r, 200); n > 0; n--)
            ml_buf_char(&in, (char)rng_below(&r, 256));
        struct guarded g = guarded_new(in.p, in.n);
        ml_decode_source(g.str, &out);
        for (size_t i = 0; i < out.n;) {
            uint32_t c;
            size_t n = ml_utf8_next((struct ml_str){out.p + i, out.n - i}, &c);
            assert_true(n > 0);
            i += n;
        }
        guarded_free(&g);
        ml_buf_free(&in);
        ml_buf_free(&out);
    }
}

static void printing_keeps_within_its_columns(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *shown;
        size_t columns;
    } rows[] = {
        {"", 5, "", 0},
        {"abc", 0, "abc", 3},
        {"abc", 3, "abc", 3},
        {"abcd", 3, "ab\xE2\x80\xA6", 3},
        {"a\tb", 0, "a       b", 9},
        {"\tb", 4, "\xE2\x80\xA6", 1},
        {"\xe4\xb8\x96\xe7\x95\x8c", 0, "\xe4\xb8\x96\xe7\x95\x8c", 4}, /* wide */
        {"\xe4\xb8\x96\xe7\x95\x8c", 3, "\xe4\xb8\x96\xE2\x80\xA6", 3},
        {"\xe4\xb8\x96\xe7\x95\x8cx", 4, "\xe4\xb8\x96\xE2\x80\xA6", 3}, /* no half of one */
        {"e\xcc\x81", 1, "e\xcc\x81", 1},                                /* combining */
        {"\x1b[1m\x7f\n", 0, BAD "[1m" BAD BAD, 6},
        {"\xc2\x9b", 0, BAD, 1}, /* a control character of Latin-1 */
        {"a\xe2\x80\xae"
         "b",
         0, "a" BAD "b", 3}, /* right to left from here */
        {"\xff\xfe", 0, BAD BAD, 2},
        {"ab\xc3", 0, "ab" BAD, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_buf out = {0};
        struct guarded g = guarded_new(rows[i].text, strlen(rows[i].text));
        assert_int_equal(ml_decode_print(g.str, rows[i].max, &out), rows[i].columns);
        ml_buf_char(&out, '\0');
        assert_string_equal(out.p, rows[i].shown);
        guarded_free(&g);
        ml_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_declared_encoding_counts),
        cmocka_unit_test(long_texts_are_decoded_whole),
        cmocka_unit_test(whatever_comes_the_result_is_utf8),
        cmocka_unit_test(printing_keeps_within_its_columns),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
