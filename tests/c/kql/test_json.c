/* tests/c/kql/test_json.c -- JSON to values and back. SPDX-License-Identifier: MIT */
#include "kql/text.h"

#include "test.h"

static void again(const char *text, const char *want)
{
    struct ml_arena a = {0};
    struct ml_buf b = {0};
    struct ml_val v;
    struct guarded g = guarded_new(text, strlen(text));
    assert_true(ml_json_parse(&a, g.str, &v));
    guarded_free(&g); /* what was parsed does not point into the text */
    ml_val_json(&v, &b);
    assert_string_equal(b.p, want);
    ml_buf_free(&b);
    ml_arena_clear(&a);
}

static void values_go_there_and_back(void **state)
{
    again("{\"a\":[1,2.5,null,true,\"x\"],\"b\":{}}", "{\"a\":[1,2.5,null,true,\"x\"],\"b\":{}}");
    again(" [ ] ", "[]");
    again("1e2", "100.0");
    again("9223372036854775808", "9.223372036854776e+18");
    again("\"\\u00e9\\ud83d\\ude00\\n\"", "\"\xC3\xA9\xF0\x9F\x98\x80\\n\"");
    again("\"\\ud800\"", "\"\xEF\xBF\xBD\"");
    again("{\"k\":1,\"k\":2}", "{\"k\":2}");
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bad[] = {"",      "{",      "[1,]",    "{\"a\"}", "01",
                                      "1.",    "-",      "\"a",     "'a'",     "nul",
                                      "[1] x", "\"\t\"", "\"\\x\"", "{a:1}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ml_arena a = {0};
        struct ml_val v;
        struct guarded g = guarded_new(bad[i], strlen(bad[i]));
        assert_false(ml_json_parse(&a, g.str, &v));
        guarded_free(&g);
        ml_arena_clear(&a);
    }
}

/* Of a text, by way of all of it, and by skipping. */
static void same_member(const char *text, const char *key)
{
    struct ml_arena a = {0};
    struct ml_buf want = {0};
    struct ml_buf got = {0};
    struct guarded g = guarded_new(text, strlen(text));
    struct ml_val all = ml_json_or_string(&a, g.str);
    const struct ml_val *m = ml_val_member(&all, ml_str_of(key));
    struct ml_val one = ml_json_member(&a, g.str, ml_str_of(key));
    const struct ml_val none = ml_val_null(ML_T_NONE);
    ml_val_json(m != NULL ? m : &none, &want);
    ml_val_json(&one, &got);
    assert_string_equal(got.p, want.p);
    guarded_free(&g);
    ml_buf_free(&want);
    ml_buf_free(&got);
    ml_arena_clear(&a);
}

static void a_member_is_that_of_the_whole(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[1]",
        "\"k\"",
        " { \"k\" : 1 } ",
        "{\"k\":1,\"k\":2}",
        "{\"a\":{\"k\":1},\"k\":[1,{\"k\":3}]}",
        "{\"k\":1",
        "{\"k\":1}x",
        "{\"k\":1,}",
        "{\"k\":1,\"a\":01}",
        "{\"k\":1,\"a\":\"\\x\"}",
        "{\"a\":\"a string of more than sixteen bytes \\\" \\u00e9\",\"\\u006b\":\"v\"}",
        "{\"k\":\"a string of more than sixteen bytes\",\"a\":[true,null,-1.5e3]}",
        "{\"k\":null}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        same_member(texts[i], "k");
        same_member(texts[i], "a");
    }
    struct ml_buf many = {0}; /* beyond some number repeated keys are not looked for */
    ml_buf_char(&many, '{');
    for (int i = 0; i < 300; i++)
        ml_buf_printf(&many, "%s\"%s%d\":%d", i > 0 ? "," : "", "k", i == 290 ? 3 : i, i);
    ml_buf_char(&many, '}');
    same_member(many.p, "k3");
    same_member(many.p, "k299");
    ml_buf_free(&many);
}

static void depth_is_bounded(void **state)
{
    char deep[100000];
    struct ml_arena a = {0};
    struct ml_val v;
    memset(deep, '[', sizeof deep);
    assert_false(ml_json_parse(&a, (struct ml_str){deep, sizeof deep}, &v));
    ml_arena_clear(&a);
}

static void text_that_is_no_json_is_a_string(void **state)
{
    struct ml_arena a = {0};
    struct ml_val v = ml_json_or_string(&a, ML_STR("not json"));
    assert_int_equal(v.type, ML_T_STRING);
    assert_true(ml_json_or_string(&a, ML_STR("")).null);
    ml_arena_clear(&a);
}

static void bags_are_equal_in_any_order(void **state)
{
    struct ml_arena a = {0};
    struct ml_val x;
    struct ml_val y;
    assert_true(ml_json_parse(&a, ML_STR("{\"a\":1,\"b\":[2,{}]}"), &x));
    assert_true(ml_json_parse(&a, ML_STR("{\"b\":[2.0,{}],\"a\":1}"), &y));
    assert_true(ml_val_eq(&x, &y));
    assert_true(ml_val_hash(&x) == ml_val_hash(&y));
    ml_arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go_there_and_back),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_member_is_that_of_the_whole),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(text_that_is_no_json_is_a_string),
        cmocka_unit_test(bags_are_equal_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
