/* tests/c/report/test_view.c -- SPDX-License-Identifier: MIT */
#include "report/view.h"

#include "made.h"

static struct ml_snapshot *sample(void)
{
    static const struct made_line f[] = {{1, 5, 100, 900}, {2, 1, 0, 950}, {3, 9, -300, 100}, {0}};
    static const struct made_line g[] = {{9, 7, 100, 2000}, {10, 5, 4096, 10}, {0}};
    struct ml_book *b = made_start();
    made_function(b, "b.py", "g", 9, 2, g);
    made_function(b, "a.py", "f", 1, 3, f);
    return made_end(b);
}

/* The lines of a view, "name:line name:line ...". */
static void assert_lines(const struct ml_view *v, const char *expected)
{
    char text[256] = "";
    for (size_t i = 0; i < v->n_lines; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s%.*s:%u", i > 0 ? " " : "",
                 (int)v->lines[i].function->name.n, v->lines[i].function->name.p,
                 v->lines[i].row->line);
    }
    assert_string_equal(text, expected);
}

static void sorting(void **state)
{
    static const struct {
        enum ml_report_sort sort;
        const char *grouped; /* the lines of each function, sorted within it */
        const char *ranked;
        const char *first_function;
    } rows[] = {
        {ML_SORT_LINE, "f:1 f:2 f:3 g:9 g:10", "f:1 f:2 f:3 g:9 g:10", "f"},
        {ML_SORT_NET, "f:1 f:2 f:3 g:10 g:9", "g:10 f:1 g:9 f:2 f:3", "g"},
        {ML_SORT_MAX, "f:2 f:1 f:3 g:9 g:10", "g:9 f:2 f:1 f:3 g:10", "g"},
        {ML_SORT_HITS, "f:3 f:1 f:2 g:9 g:10", "f:3 g:9 f:1 g:10 f:2", "f"},
    };
    struct ml_snapshot *s = sample();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_view v;
        struct ml_report_options o = {.sort = rows[i].sort};
        assert_int_equal(ml_view_init(&v, s, &o, NULL), ML_OK);
        assert_lines(&v, rows[i].grouped);
        assert_int_equal(v.n_functions, 2);
        assert_true(ml_str_eq(v.functions[0].function->name, ml_str_of(rows[i].first_function)));
        ml_view_rank(&v, rows[i].sort);
        assert_lines(&v, rows[i].ranked);
        ml_view_release(&v);
    }
    ml_snapshot_free(s);
}

static void filters(void **state)
{
    static const struct {
        struct ml_report_options options;
        const char *lines;
        size_t functions;
        uint64_t heaviest;
    } rows[] = {
        {{.skip_zero = true}, "f:1 f:3 g:9 g:10", 2, 4096},
        {{.min_bytes = 101}, "f:3 g:10", 2, 4096}, /* a fall counts too */
        {{.min_bytes = 301}, "g:10", 1, 4096},
        {{.min_bytes = 5000}, "", 0, 0},
    };
    struct ml_snapshot *s = sample();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_view v;
        assert_int_equal(ml_view_init(&v, s, &rows[i].options, NULL), ML_OK);
        assert_lines(&v, rows[i].lines);
        assert_int_equal(v.n_functions, rows[i].functions);
        assert_int_equal(v.n_hidden, 5 - v.n_lines);
        assert_int_equal(v.heaviest_bytes, rows[i].heaviest);
        assert_int_equal(v.max_bytes, 2000); /* of all lines, shown or not */
        ml_view_release(&v);
    }
    ml_snapshot_free(s);
}

static void totals_of_a_function_are_over_all_its_lines(void **state)
{
    struct ml_snapshot *s = sample();
    struct ml_view v;
    struct ml_report_options o = {.min_bytes = 300};
    assert_int_equal(ml_view_init(&v, s, &o, NULL), ML_OK);
    assert_int_equal(v.functions[0].n, 1);
    assert_int_equal(v.functions[0].net_bytes, -200);
    assert_int_equal(v.functions[0].max_bytes, 950);
    assert_int_equal(v.functions[0].hits, 15);
    ml_view_release(&v);
    ml_snapshot_free(s);
}

static void nothing_to_show(void **state)
{
    struct ml_snapshot *s = made_end(made_start());
    for (int sort = ML_SORT_LINE; sort <= ML_SORT_HITS; sort++) {
        struct ml_view v;
        struct ml_report_options o = {.sort = (enum ml_report_sort)sort};
        assert_int_equal(ml_view_init(&v, s, &o, NULL), ML_OK);
        ml_view_rank(&v, o.sort);
        assert_int_equal(v.n_lines, 0);
        ml_view_release(&v);
    }
    ml_snapshot_free(s);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(sorting),
        cmocka_unit_test(filters),
        cmocka_unit_test(totals_of_a_function_are_over_all_its_lines),
        cmocka_unit_test(nothing_to_show),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
