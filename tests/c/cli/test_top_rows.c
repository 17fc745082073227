/* tests/c/cli/test_top_rows.c -- SPDX-License-Identifier: MIT */
#include "cli/top_rows.h"

#include "made.h"

#define SECOND UINT64_C(1000000000)

static struct ml_snapshot *snapshot_of(struct ml_book *b)
{
    struct ml_snapshot *s = NULL;
    assert_int_equal(ml_snapshot_parse(ml_book_bytes(b), "made", &s, NULL), ML_OK);
    return s;
}

/* "name:line name:line ..." of what is shown. */
static void assert_shown(struct ml_top_rows *t, enum ml_top_key key, const char *filter,
                         const char *expected)
{
    char text[256] = "";
    ml_top_arrange(t, key, ml_str_of(filter));
    for (size_t i = 0; i < t->n_shown; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s%.*s:%u", i > 0 ? " " : "",
                 (int)t->shown[i]->function.n, t->shown[i]->function.p, t->shown[i]->line);
    }
    assert_string_equal(text, expected);
}

static const struct made_line f_lines[] = {
    {1, 5, 100, 900}, {2, 1, 0, 950}, {3, 9, -300, 100}, {0}};
static const struct made_line g_lines[] = {{9, 7, 100, 2000}, {10, 5, 4096, 10}, {0}};

static void sorting_and_filtering(void **state)
{
    struct ml_top_rows t = {0};
    struct ml_book *b = made_start();
    made_function(b, "/x/B.py", "g", 9, 2, g_lines);
    made_function(b, "/x/a.py", "f", 1, 3, f_lines);
    assert_int_equal(ml_top_take(&t, snapshot_of(b), SECOND), ML_OK);
    assert_false(t.has_heap);
    assert_false(t.has_rates);
    assert_shown(&t, ML_TOP_AUTO, "", "g:10 g:9 f:1 f:2 f:3");
    assert_shown(&t, ML_TOP_HITS, "", "f:3 g:9 g:10 f:1 f:2");
    assert_shown(&t, ML_TOP_RSS, "b.PY", "g:10 g:9");
    assert_shown(&t, ML_TOP_RSS, ":1 f", "f:1");
    assert_shown(&t, ML_TOP_RSS, "nowhere", "");
    ml_top_rows_free(&t);
    ml_book_discard(b);
}

static void rates_are_changes_per_second(void **state)
{
    static const struct made_line new[] = {{1, 50, 1000, 900}, {0}};
    struct ml_top_rows t = {0};
    struct ml_line *lines;
    struct ml_book *b = made_start();
    assert_int_equal(ml_book_function(b, ML_STR("m.py"), ML_STR("f"), 1, 3, &lines), ML_OK);
    atomic_store(&lines[0].hits, 10);
    atomic_store(&lines[2].hits, 4);
    assert_int_equal(ml_top_take(&t, snapshot_of(b), SECOND), ML_OK);
    atomic_store(&lines[0].hits, 30);
    atomic_store(&lines[1].hits, 2); /* between the two that were there */
    atomic_store(&lines[2].rss_net_bytes, -4096);
    made_function(b, "a.py", "e", 1, 1, new); /* before them */
    assert_int_equal(ml_top_take(&t, snapshot_of(b), 3 * SECOND), ML_OK);
    assert_true(t.has_rates);
    assert_shown(&t, ML_TOP_HITS, "", "e:1 f:1 f:3 f:2");
    assert_true(t.shown[0]->hits_rate == 25 && t.shown[0]->rss_rate == 500);
    assert_true(t.shown[1]->hits_rate == 10 && t.shown[1]->rss_rate == 0);
    assert_true(t.shown[2]->hits_rate == 0 && t.shown[2]->rss_rate == -2048);
    assert_true(t.shown[3]->hits_rate == 1);
    ml_top_rows_free(&t);
    ml_book_discard(b);
}

static void another_run_has_no_rates(void **state)
{
    struct ml_top_rows t = {0};
    for (int i = 0; i < 2; i++) {
        struct ml_book *b = made_start();
        made_function(b, "a.py", "f", 1, 3, f_lines);
        assert_int_equal(ml_top_take(&t, snapshot_of(b), (uint64_t)(i + 1) * SECOND), ML_OK);
        assert_false(t.has_rates); /* it began at another time */
        ml_book_discard(b);
    }
    ml_top_rows_free(&t);
}

static int try_take(void *arg)
{
    struct ml_book *b = arg;
    struct ml_top_rows t = {0};
    struct ml_snapshot *s = NULL;
    int rc = ml_snapshot_parse(ml_book_bytes(b), "made", &s, NULL);
    if (rc == ML_OK)
        rc = ml_top_take(&t, s, SECOND);
    ml_top_rows_free(&t);
    return rc;
}

static void every_failed_allocation_is_an_answer(void **state)
{
    struct ml_book *b = made_start();
    made_function(b, "a.py", "f", 1, 3, f_lines);
    assert_true(fail_each(try_take, b) > 2);
    ml_book_discard(b);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(sorting_and_filtering),
        cmocka_unit_test(rates_are_changes_per_second),
        cmocka_unit_test(another_run_has_no_rates),
        cmocka_unit_test(every_failed_allocation_is_an_answer),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
