/* tests/c/host/test_route.c -- templates against paths, as data. SPDX-License-Identifier: MIT */
#include "host/route.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* values: "a=1,b=2" on a match, NULL where the path must not match. */
static const struct {
    const char *route, *path, *values;
} cases[] = {
    {"api/x", "/api/x", ""},
    {"api/x", "/API/X", ""},
    {"api/x", "/api/x/", ""},
    {"api/x", "/api//x", ""},
    {"api//x/", "/api/x", ""},
    {"/api/x", "/api/x", ""},
    {"api/x", "/api/xy", NULL},
    {"api/x", "/api", NULL},
    {"api/x", "/api/x/y", NULL},
    {"api/%78", "/api/x", NULL},
    {"api/x", "/api/%78", ""},
    {"", "/", ""},
    {"", "/x", NULL},
    {"api/{a}", "/api/1", "a=1"},
    {"api/{a}", "/api/a%20b", "a=a b"},
    {"api/{a}", "/api/a%2Fb", "a=a/b"},
    {"api/{a}", "/api/", NULL},
    {"api/{a}", "/api/a%00b", NULL},
    {"api/{a?}", "/api", ""},
    {"api/{a?}", "/api/1", "a=1"},
    {"api/{a=7}", "/api", "a=7"},
    {"api/{a=7}/{b=8}", "/api/1", "a=1,b=8"},
    {"api/{*rest}", "/api/1/2/3", "rest=1/2/3"},
    {"api/{**rest}", "/api/1/2/3", "rest=1/2/3"},
    {"api/{*rest}", "/api", ""},
    {"api/{*rest}", "/api/", ""},
    {"{*route}", "/", ""},
    {"{*route}", "/a/b", "route=a/b"},
    {"api//{*route}", "/api/a", "route=a"},
    {"a-{p}.ext", "/a-1.ext", "p=1"},
    {"a-{p}.ext", "/a-1.2.ext", "p=1.2"},
    {"a-{p}.ext", "/a-.ext", NULL},
    {"a-{p}.ext", "/b-1.ext", NULL},
    {"{a}-{b}", "/1-2", "b=2,a=1"},
    {"{a}-{b}", "/1-2-3", "b=3,a=1-2"},
    {"{a}-{b}", "/-2", NULL},
    {"{a}.{b?}", "/x.y", "b=y,a=x"},
    {"{p:int}", "/12", "p=12"},
    {"{p:int}", "/-12", "p=-12"},
    {"{p:int}", "/12x", NULL},
    {"{p:int}", "/2147483647", "p=2147483647"},
    {"{p:int}", "/2147483648", NULL},
    {"{p:long}", "/2147483648", "p=2147483648"},
    {"{p:long}", "/9223372036854775808", NULL},
    {"{p:INT}", "/12", "p=12"},
    {"{p:bool}", "/True", "p=True"},
    {"{p:bool}", "/1", NULL},
    {"{p:datetime}", "/2016-12-31", "p=2016-12-31"},
    {"{p:datetime}", "/2016-12-31%207:32pm", "p=2016-12-31 7:32pm"},
    {"{p:datetime}", "/2016-13-31", NULL},
    {"{p:decimal}", "/1.5", "p=1.5"},
    {"{p:double}", "/-1e3", "p=-1e3"},
    {"{p:float}", "/0x10", NULL},
    {"{p:guid}", "/CD2C1638-1638-72D5-1638-DEADBEEF1638", "p=CD2C1638-1638-72D5-1638-DEADBEEF1638"},
    {"{p:guid}", "/CD2C16381638-72D5-1638-DEADBEEF1638", NULL},
    {"{p:alpha}", "/abC", "p=abC"},
    {"{p:alpha}", "/ab1", NULL},
    {"{p:minlength(3)}", "/abc", "p=abc"},
    {"{p:minlength(3)}", "/ab", NULL},
    {"{p:maxlength(3)}", "/abcd", NULL},
    {"{p:length(2)}", "/ab", "p=ab"},
    {"{p:length(2)}", "/abc", NULL},
    {"{p:length(2,4)}", "/abc", "p=abc"},
    {"{p:min(18)}", "/17", NULL},
    {"{p:min(18)}", "/18", "p=18"},
    {"{p:max(18)}", "/19", NULL},
    {"{p:range(1,5)}", "/5", "p=5"},
    {"{p:range(1,5)}", "/6", NULL},
    {"{p:int:min(1)}", "/0", NULL},
    {"{p:int:min(1)}", "/3", "p=3"},
    {"{p:int:min(1)?}", "/", ""},
    {"{p:regex(^[a-z]{2}$)}", "/ab", "p=ab"},
    {"{p:regex(^[a-z]{2}$)}", "/abc", NULL},
    {"{p:required}", "/x", "p=x"},
    {"items/{id:int}/parts/{part:alpha?}", "/items/7/parts", "id=7"},
    {"items/{id:int}/parts/{part:alpha?}", "/items/7/parts/a", "id=7,part=a"},
};

static void matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_route *r = NULL;
        struct ml_error e;
        struct ml_arena a = {0};
        struct ml_route_value *v;
        size_t n;
        if (ml_route_new(cases[i].route, &r, &e) != ML_OK)
            fail_msg("'%s': %s", cases[i].route, e.text);
        int rc = ml_route_match(r, ml_str_of(cases[i].path), &a, &v, &n);
        if ((rc == ML_OK) != (cases[i].values != NULL))
            fail_msg("'%s' on '%s': %d", cases[i].route, cases[i].path, rc);
        if (rc == ML_OK) {
            struct ml_buf b = {0};
            ml_buf_cstr(&b, "");
            for (size_t k = 0; k < n; k++)
                ml_buf_printf(&b, "%s%.*s=%.*s", k > 0 ? "," : "", (int)v[k].name.n, v[k].name.p,
                              (int)v[k].value.n, v[k].value.p);
            assert_string_equal(b.p, cases[i].values);
            ml_buf_free(&b);
        }
        ml_arena_clear(&a);
        ml_route_free(r);
    }
}

static void bad_templates_are_refused(void **state)
{
    static const char *const bad[] = {
        "{",
        "}",
        "{}",
        "{a",
        "a}",
        "{a}{b}",
        "{*a}/b",
        "x{*a}",
        "{a}/{a}",
        "{a}/{A}",
        "{a:nope}",
        "{a:int(}",
        "{a:min()}",
        "{a:min(x)}",
        "{a:range(1)}",
        "{a:int(3)}",
        "{a:regex([)}",
        "{a:}",
        "{a/b}",
        "{a:length(1,2,3)}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ml_route *r = NULL;
        struct ml_error e = {0};
        if (ml_route_new(bad[i], &r, &e) == ML_OK)
            fail_msg("'%s' was taken", bad[i]);
        assert_null(r);
        assert_true(e.text[0] != '\0');
    }
}

static void same_template_under_other_names(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {{"api/{x}", "API/{y}", true},   {"api/x", "api/y", false},
                 {"api/{x}", "api/{x?}", false}, {"api/{x:int}", "api/{x}", false},
                 {"api/{*x}", "api/{*y}", true}, {"a/b", "a", false},
                 {"a-{x}", "a-{y}", true}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct ml_route *a, *b;
        assert_int_equal(ml_route_new(pairs[i].a, &a, NULL), ML_OK);
        assert_int_equal(ml_route_new(pairs[i].b, &b, NULL), ML_OK);
        assert_int_equal(ml_route_same(a, b), pairs[i].same);
        ml_route_free(a);
        ml_route_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(bad_templates_are_refused),
        cmocka_unit_test(same_template_under_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
