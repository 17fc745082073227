/* tests/c/kql/test_parse.c -- every text ends in a tree or in an error with a place. SPDX-License-Identifier: MIT */
#include "kql/parse.h"

#include "test.h"

static const char *const queries[] = {
    "traces | where timestamp > ago(1d) and message has_any (\"a\", 'b') | summarize c = count(), "
    "avg(x) by bin(timestamp, 1h), name",
    "let f = (x:long, T:(a:string, *)) { T | extend y = x }; let g = view () { print 1 }; range x "
    "from 1 to 10 step 2 | top 3 by x desc nulls last",
    "datatable(a:dynamic, b:guid)[dynamic({\"x\": [1, 'y', datetime(2020-01-01), 1d]}), "
    "guid(0123456789abcdef0123456789abcdef)]",
    "T | join kind=leftouter (U | project k, v) on k, $left.a == $right.b | mv-expand "
    "with_itemindex=i e = d.x[0] to typeof(long) limit 5",
    "T | parse kind=regex flags=i s with * \"a\" b:long \"c\" * | make-series n = count() default "
    "= 0 on t from a to b step 1h by k",
    "T | scan with_match_id=m declare (c:long = 0) with (step s output=none: x > 1 => c = s.c + 1; "
    "step t: true;)",
    "print @\"\\d\", h'x', ```a\nb```, \"a\" 'b', -1.5e3, 0xFF, 1.02:00 // the end",
};

static void prefixes_and_slips_never_crash(void **state)
{
    struct rng r = rng_new();
    for (size_t q = 0; q < sizeof queries / sizeof queries[0]; q++) {
        size_t n = strlen(queries[q]);
        for (size_t cut = 0; cut <= 2 * n; cut++) {
            char text[512];
            size_t len = cut <= n ? cut : n;
            memcpy(text, queries[q], n);
            if (cut > n) /* the whole text with one byte changed */
                text[rng_below(&r, n)] = (char)rng_below(&r, 256);
            struct guarded g = guarded_new(text, len);
            struct ml_arena a = {0};
            struct ml_diag d = {0};
            struct ml_node *tree = ml_parse(&a, g.str, &d);
            assert_int_equal(tree != NULL, !ml_diag_is_set(&d));
            assert_true(d.pos <= len);
            ml_diag_place(&d, g.str);
            struct ml_buf b = {0};
            ml_diag_print(&d, g.str, &b);
            ml_buf_free(&b);
            ml_arena_clear(&a);
            guarded_free(&g);
        }
    }
}

static void depth_is_bounded(void **state)
{
    static const char *const openers[] = {"(",  "-",    "f(",          "[", "dynamic([",
                                          "a[", "not(", "T | union (", NULL};
    for (const char *const *o = openers; *o != NULL; o++) {
        struct ml_buf b = {0};
        struct ml_arena a = {0};
        struct ml_diag d = {0};
        ml_buf_cstr(&b, "print ");
        for (int i = 0; i < 20000; i++)
            ml_buf_cstr(&b, *o);
        assert_null(ml_parse(&a, ml_buf_view(&b), &d));
        assert_true(ml_diag_is_set(&d));
        ml_arena_clear(&a);
        ml_buf_free(&b);
    }
}

static void places_count_characters(void **state)
{
    struct ml_arena a = {0};
    struct ml_diag d = {0};
    struct ml_str q = ML_STR("print x = \"h\xC3\xA9\"\n| wher y");
    assert_null(ml_parse(&a, q, &d));
    ml_diag_place(&d, q);
    assert_int_equal(d.line, 2);
    assert_int_equal(d.column, 3);
    assert_string_equal(d.code, "KS176");
    assert_non_null(strstr(d.hint, "where"));
    struct ml_buf b = {0};
    ml_diag_print(&d, q, &b);
    assert_string_equal(b.p, "kql: unknown operator 'wher' at line 2, column 3\n"
                             "    | wher y\n      ^^^^\n  did you mean 'where'?\n");
    ml_buf_free(&b);
    ml_arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_and_slips_never_crash),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(places_count_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
