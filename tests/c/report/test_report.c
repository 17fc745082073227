/* tests/c/report/test_report.c -- the formats as a library; their texts are golden in tests/e2e.
 * SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "made.h"

static struct ml_snapshot *sample(void)
{
    static const struct made_line f[] = {{1, 5, 100, 900}, {2, 1, 0, 950}, {30, 9, -300, 100}, {0}};
    static const struct made_line g[] = {{9, 7, INT64_MIN, UINT64_MAX}, {10, 5, INT64_MIN, 1}, {0}};
    struct ml_book *b = made_start();
    made_function(b, "<a,\"b\">", "f\n", 1, 40, f);
    made_function(b, "/nonexistent/b.py", "g", 9, 2, g);
    assert_int_equal(ml_book_source(b, ML_STR("<a,\"b\">"), ML_STR("def f():\n    x = 1\n")),
                     ML_OK);
    assert_int_equal(ml_book_meta(b, ML_STR("command"), ML_STR("\xff.py")), ML_OK);
    return made_end(b);
}

static void every_format_is_found_by_name(void **state)
{
    size_t n = 0;
    for (const struct ml_report_format *f; (f = ml_report_format_at(n)) != NULL; n++) {
        assert_ptr_equal(ml_report_format_find(f->name), f);
        assert_non_null(strchr(f->mime, '/'));
        assert_true(strlen(f->says) > 0);
    }
    assert_true(n >= 3);
    assert_null(ml_report_format_find("xml"));
    assert_null(ml_report_format_find(""));
}

static void an_unknown_format_is_an_error(void **state)
{
    struct ml_error e;
    struct ml_buf out = {0};
    struct ml_report_options o = {0};
    assert_int_equal(ml_report(NULL, "xml", &o, &out, &e), ML_ENOTFOUND);
    assert_string_equal(e.text, "unknown report format 'xml'");
    assert_non_null(strstr(e.hint, "table, json, csv"));
    assert_int_equal(out.n, 0);
}

static void options_from_text(void **state)
{
    static const struct {
        const char *name;
        const char *value;
        int status;
        const char *text;
    } rows[] = {
        {"sort", "net", ML_OK, ""},
        {"sort", "LINE", ML_OK, ""},
        {"unit", "mib", ML_OK, ""},
        {"min", "1.5MiB", ML_OK, ""},
        {"skip_zero", "true", ML_OK, ""},
        {"skip_zero", "0", ML_OK, ""},
        {"color", "1", ML_OK, ""},
        {"width", "80", ML_OK, ""},
        {"sort", "size", ML_EINVALID, "one of line, net, max, hits"},
        {"unit", "", ML_EINVALID, "one of auto, B, KiB, MiB, GiB"},
        {"min", "much", ML_EINVALID, "a size such as"},
        {"skip_zero", "2", ML_EINVALID, "one of false, true"},
        {"width", "-1", ML_EINVALID, "a number of columns"},
        {"width", "99999999999", ML_EINVALID, "a number of columns"},
        {"width", "", ML_EINVALID, "a number of columns"},
        {"sort", "held", ML_OK, ""},
        {"sort", "line", ML_OK, ""},
        {"scopes", "true", ML_OK, ""},
        {"scopes", "yes", ML_EINVALID, "one of false, true"},
        {"top", "1", ML_ENOTFOUND, "one of sort, unit, min, skip_zero, scopes, color, width"},
    };
    struct ml_report_options o = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_error e = {0};
        assert_int_equal(ml_report_set(&o, rows[i].name, rows[i].value, &e), rows[i].status);
        assert_non_null(strstr(e.hint, rows[i].text));
    }
    assert_int_equal(o.sort, ML_SORT_LINE);
    assert_int_equal(o.unit, ML_UNIT_MIB);
    assert_int_equal(o.min_bytes, 3 << 19);
    assert_false(o.skip_zero);
    assert_true(o.color);
    assert_int_equal(o.width, 80);
}

static const struct ml_str page = {"<a>{{report}}</a>", 17};

struct attempt {
    const struct ml_snapshot *snapshot;
    const char *format;
    struct ml_report_options options;
};

static int try_report(void *arg)
{
    const struct attempt *a = arg;
    struct ml_error e = {0};
    struct ml_buf out = {0};
    int rc = ml_report(a->snapshot, a->format, &a->options, &out, &e);
    assert_true(rc == ML_OK || strstr(e.text, "cannot make the report: out of memory") != NULL);
    ml_buf_free(&out);
    return rc;
}

static void every_failed_allocation_is_an_answer(void **state)
{
    struct ml_snapshot *s = made_heap(4096, "main");
    for (size_t i = 0; ml_report_format_at(i) != NULL; i++)
        for (int sort = ML_SORT_LINE; sort <= ML_SORT_NET; sort++) {
            struct attempt a = {s,
                                ml_report_format_at(i)->name,
                                {.sort = (enum ml_report_sort)sort, .scopes = true, .page = page}};
            assert_true(fail_each(try_report, &a) > 0);
        }
    ml_snapshot_free(s);
}

static void a_limited_buffer_is_an_error(void **state)
{
    struct ml_snapshot *s = made_heap(0, "main");
    struct ml_report_options o = {.page = page};
    for (size_t i = 0; ml_report_format_at(i) != NULL; i++) {
        struct ml_buf out = {.max = 60};
        struct ml_error e = {0};
        assert_int_equal(ml_report(s, ml_report_format_at(i)->name, &o, &out, &e), ML_ELIMIT);
        assert_non_null(strstr(e.text, "a limit was reached"));
        ml_buf_free(&out);
    }
    ml_snapshot_free(s);
}

static struct ml_buf made_report(const char *format, const struct ml_report_options *o)
{
    struct ml_snapshot *s = sample();
    struct ml_buf out = {0};
    assert_int_equal(ml_report(s, format, o, &out, NULL), ML_OK);
    ml_snapshot_free(s);
    return out;
}

static void extreme_figures_and_strange_names_are_told(void **state)
{
    struct ml_report_options o = {.unit = ML_UNIT_B};
    struct ml_buf csv = made_report("csv", &o);
    assert_non_null(strstr(csv.p, "\r\n\"<a,\"\"b\"\">\",\"f\n\",2,1,0,950,2,    x = 1\r\n"));
    assert_non_null(strstr(csv.p, ",g,9,7,-9223372036854775808,18446744073709551615,4,\r\n"));
    ml_buf_free(&csv);
    struct ml_buf json = made_report("json", &o);
    assert_non_null(strstr(json.p, "\"file\": \"<a,\\\"b\\\">\""));
    assert_non_null(strstr(json.p, "{\"command\": \"\xEF\xBF\xBD.py\"}"));
    ml_buf_free(&json);
    struct ml_buf table = made_report("table", &o);
    assert_non_null(strstr(table.p, "-9223372036854775808 B"));
    assert_non_null(strstr(table.p, "f\xEF\xBF\xBD  net -200 B"));
    ml_buf_free(&table);
}

static void no_line_is_wider_than_asked(void **state)
{
    struct ml_report_options o = {.width = 80};
    struct ml_snapshot *s = NULL;
    struct ml_book *b = made_start();
    struct ml_buf text = {0};
    static const struct made_line rows[] = {{1, 1, 4096, 4096}, {2, 1, 0, 4096}, {0}};
    for (int i = 0; i < 3; i++) {
        ml_buf_fill(&text, 'x', 500);
        ml_buf_char(&text, '\n');
    }
    made_function(b, "<cell>", "f", 1, 3, rows);
    made_function(b, "<cell>", "g", 1, 2, rows);
    assert_int_equal(ml_book_source(b, ML_STR("<cell>"), ml_buf_view(&text)), ML_OK);
    s = made_end(b);
    for (int sort = ML_SORT_LINE; sort <= ML_SORT_NET; sort++) {
        struct ml_buf out = {0};
        o.sort = (enum ml_report_sort)sort;
        assert_int_equal(ml_report(s, "table", &o, &out, NULL), ML_OK);
        size_t seen = 0;
        for (char *line = strtok(out.p, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            bool cut = strstr(line, "xx\xE2\x80\xA6") != NULL; /* 3 bytes, 1 column */
            assert_true(strlen(line) <= (cut ? 82 : 80));
            seen += cut && strlen(line) == 82;
        }
        assert_true(seen >= 4);
        ml_buf_free(&out);
    }
    ml_buf_free(&text);
    ml_snapshot_free(s);
}

/* --- heap figures --------------------------------------------------------------------------------- */

static struct ml_buf heap_report(const char *format, struct ml_report_options o, uint64_t rate)
{
    struct ml_snapshot *s = made_heap(rate, "</script><b>main");
    struct ml_buf out = {0};
    assert_int_equal(ml_report(s, format, &o, &out, NULL), ML_OK);
    ml_snapshot_free(s);
    return out;
}

static void the_law_stands_under_the_table(void **state)
{
    struct ml_buf out = heap_report("table", (struct ml_report_options){0}, 0);
    assert_non_null(strstr(
        out.p,
        "\nheap 1,048,676 B = 1,048,576 held by lines + 100 outside of them; unexplained 0\n"));
    assert_non_null(strstr(out.p, "  Line  Hits       Net     Peak  Allocated     Held"));
    ml_buf_free(&out);
}

static void estimates_have_their_range(void **state)
{
    struct ml_buf out = heap_report("table", (struct ml_report_options){.skip_zero = true}, 65536);
    assert_non_null(strstr(out.p, " KiB .. ")); /* 1 MiB, give or take 2 */
    assert_non_null(strstr(out.p, "each range holds the truth in 95 of 100 runs"));
    assert_null(strstr(out.p, "unexplained"));
    ml_buf_free(&out);
}

static void narrow_terminals_lose_columns_but_what_lines_are_sorted_by(void **state)
{
    static const struct {
        enum ml_report_sort sort;
        unsigned width;
        const char *heads;
    } rows[] = {{ML_SORT_LINE, 200, "Hits Net Peak Allocated Held RSS "},
                {ML_SORT_LINE, 80, "Hits Net Peak Allocated Held "},
                {ML_SORT_LINE, 72, "Hits Net Peak Held "},
                {ML_SORT_LINE, 20, "Hits Held "},
                {ML_SORT_MAX, 200, "Hits Net Peak Allocated Held Max RSS "},
                {ML_SORT_ALLOC, 20, "Hits Allocated Held "},
                {ML_SORT_PEAK, 20, "Hits Peak Held "}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_buf out = heap_report(
            "table", (struct ml_report_options){.sort = rows[i].sort, .width = rows[i].width}, 0);
        char heads[200] = "";
        const char *end = strstr(out.p, "Source\n");
        const char *at = end;
        while (at > out.p && at[-1] != '\n')
            at--;
        for (; at < end; at++) { /* single blanks; without Line and Where */
            size_t n = strlen(heads);
            if (*at != ' ' || (n > 0 && heads[n - 1] != ' '))
                heads[n] = *at;
        }
        const char *from = strstr(heads, "Hits");
        char *where = strstr(heads, "Where ");
        assert_non_null(from);
        if (where != NULL)
            *where = '\0';
        assert_string_equal(from, rows[i].heads);
        ml_buf_free(&out);
    }
}

static void a_page_is_filled_and_nothing_ends_its_element(void **state)
{
    struct ml_buf out = heap_report("html", (struct ml_report_options){.page = page}, 0);
    assert_true(ml_str_starts(ml_buf_view(&out), ML_STR("<a>{")));
    assert_ptr_equal(strchr(out.p + 1, '<'), out.p + out.n - strlen("</a>"));
    assert_non_null(strstr(out.p, "\\u003c/script>\\u003cb>main"));
    ml_buf_free(&out);
}

static void what_cannot_be_made_is_refused_by_name(void **state)
{
    static const struct {
        const char *format;
        enum ml_report_sort sort;
        bool heap;
        const char *text;
    } rows[] = {
        {"table", ML_SORT_HELD, false, "cannot sort by 'held': the book has no heap figures"},
        {"csv", ML_SORT_PEAK, false, "cannot sort by 'peak': the book has no heap figures"},
        {"pprof", ML_SORT_LINE, false, "cannot make a pprof file: the book has no heap"},
        {"collapsed", ML_SORT_LINE, false, "cannot make collapsed stacks: the book has no"},
        {"speedscope", ML_SORT_LINE, false, "cannot make a speedscope file: the book has"},
        {"html", ML_SORT_LINE, true, "cannot make the page: this memline has none in it"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_snapshot *s = rows[i].heap ? made_heap(0, "main") : sample();
        struct ml_buf out = {0};
        struct ml_error e;
        struct ml_report_options o = {.sort = rows[i].sort};
        assert_int_equal(ml_report(s, rows[i].format, &o, &out, &e), ML_EINVALID);
        assert_non_null(strstr(e.text, rows[i].text));
        assert_int_equal(out.n, 0);
        ml_buf_free(&out);
        ml_snapshot_free(s);
    }
}

static void collapsed_paths_begin_outside(void **state)
{
    struct ml_snapshot *s = made_heap(0, "a;b\n");
    struct ml_buf out = {0};
    struct ml_report_options o = {.sort = ML_SORT_ALLOC};
    assert_int_equal(ml_report(s, "collapsed", &o, &out, NULL), ML_OK);
    assert_string_equal(out.p, "outside of profiled lines 100\n"
                               "a:b  (<cell>:2);load (<cell>:9) 2097152\n");
    ml_buf_free(&out);
    ml_snapshot_free(s);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(every_format_is_found_by_name),
        cmocka_unit_test(an_unknown_format_is_an_error),
        cmocka_unit_test(options_from_text),
        cmocka_unit_test(every_failed_allocation_is_an_answer),
        cmocka_unit_test(a_limited_buffer_is_an_error),
        cmocka_unit_test(extreme_figures_and_strange_names_are_told),
        cmocka_unit_test(no_line_is_wider_than_asked),
        cmocka_unit_test(the_law_stands_under_the_table),
        cmocka_unit_test(estimates_have_their_range),
        cmocka_unit_test(narrow_terminals_lose_columns_but_what_lines_are_sorted_by),
        cmocka_unit_test(a_page_is_filled_and_nothing_ends_its_element),
        cmocka_unit_test(what_cannot_be_made_is_refused_by_name),
        cmocka_unit_test(collapsed_paths_begin_outside),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
