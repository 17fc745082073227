/* tests/c/cli/test_chart.c -- results as drawings. SPDX-License-Identifier: MIT */
#include "cli/chart.h"

#include "base/err.h"

#include "test.h"

/* The first table of a query, drawn 40 columns wide and 5 rows high; owned by the caller. */
static char *draw(const char *text, bool colors, bool ascii)
{
    struct ml_query_options o = {0};
    struct ml_chart_look look = {.width = 40, .height = 5, .colors = colors, .ascii = ascii};
    struct ml_query *q = NULL;
    struct ml_chart c;
    struct ml_buf out = {0};
    assert_int_equal(ml_query_open(ml_str_of(text), &o, &q), ML_OK);
    assert_int_equal(ml_chart_read(&c, q, 0), ML_OK);
    if (c.n > 0)
        ml_chart_draw(&c, &look, &out);
    ml_chart_release(&c);
    ml_query_close(q);
    ml_buf_char(&out, '\0');
    return out.p;
}

static void check(const char *query, bool colors, bool ascii, const char *want)
{
    char *got = draw(query, colors, ascii);
    assert_string_equal(got, want);
    ml_free(got);
}

static void kinds(void **state)
{
    assert_true(ml_chart_drawn(ML_STR("timechart")) && ml_chart_drawn(ML_STR("piechart")));
    assert_false(ml_chart_drawn(ML_STR("table")) || ml_chart_drawn(ML_STR("card")));
    assert_false(ml_chart_drawn(ML_STR("")));
}

static void bars(void **state)
{
    check("datatable(r:string, n:long)['web', 30, 'api', 15] | render barchart", false, true,
          "web ################################ 30\n"
          "api ################ 15\n");
    check("datatable(r:string, n:long)['up', 10, 'down', -10] | render barchart", false, true,
          "up                  ############### 10\n"
          "down ############### -10\n");
    check("datatable(r:string, n:long)['web', 3, 'api', 1] | render piechart", false, true,
          "web ########################## 3  75.0%\n"
          "api ######### 1  25.0%\n");
    check("datatable(r:string, a:long, b:long)['x', 4, 2] | render barchart", false, true,
          "x ################################# 4 a\n"
          "  ################# 2 b\n");
}

static void columns_(void **state)
{
    check("datatable(r:string, n:long)['a', 5, 'bb', 2] | render columnchart with (title='T')",
          false, true,
          "T\n"
          "      5 +########\n"
          "        |########\n"
          "      3 +########\n"
          "        |######## ########\n"
          "        |######## ########\n"
          "        +-------------------------------\n"
          "         a        bb\n");
}

static void lines(void **state)
{
    check("range x from 0 to 4 step 1 | extend y = x | render linechart", false, true,
          "4 +                                *****\n"
          "  |                       *********\n"
          "2 +              *********\n"
          "  |     *********\n"
          "0 +*****\n"
          "  +-------------------------------------\n"
          "   0                 2                 4\n");
}

static void times_choose_the_axis(void **state)
{
    char *got = draw("datatable(k:string, t:datetime, n:long)['a', datetime(2026-01-01), 1, 'b', "
                     "datetime(2026-01-02), 2] | render timechart",
                     false, true);
    assert_non_null(strstr(got, "01-01 00:00"));
    assert_non_null(strstr(got, "\na a  b b\n")); /* a legend of letters */
    ml_free(got);
}

static void series_of_make_series(void **state)
{
    char *got = draw(
        "datatable(t:datetime, k:string)[datetime(2026-01-01), 'x', datetime(2026-01-02), 'y'] "
        "| make-series n = count() on t from datetime(2026-01-01) to datetime(2026-01-05) "
        "step 1d by k | render timechart",
        true, false);
    assert_non_null(strstr(got, "\x1b[36m\xE2\x97\x8F\x1b[0m x"));
    assert_non_null(strstr(got, "\x1b[33m\xE2\x97\x8F\x1b[0m y"));
    ml_free(got);
}

static void nothing_to_draw(void **state)
{
    check("print s = 'a' | render linechart", false, true, "");
    check("print x = 1 | where x > 1 | render barchart", false, true, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(bars),
        cmocka_unit_test(columns_),
        cmocka_unit_test(lines),
        cmocka_unit_test(times_choose_the_axis),
        cmocka_unit_test(series_of_make_series),
        cmocka_unit_test(nothing_to_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
