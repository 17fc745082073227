/* tests/c/store/test_rows.c -- batches give back what was put in. SPDX-License-Identifier: MIT */
#include "store/rows.h"

#include "test.h"

static struct ml_rows *rows_new(void)
{
    struct ml_rows *r = NULL;
    assert_int_equal(ml_rows_new(&r), ML_OK);
    return r;
}

/* The last value that the row has for a column; false: not set. */
static bool find_cell(struct ml_row_ref row, enum ml_store_col c, struct ml_cell *out)
{
    struct ml_cell cell = {0};
    bool found = false;
    while (ml_row_next(&row, &cell))
        if (cell.column == c) {
            *out = cell;
            found = true;
        }
    return found;
}

static struct ml_row_ref only_row(const struct ml_rows *r, enum ml_store_table expected)
{
    struct ml_row_ref row;
    enum ml_store_table t;
    size_t at = 0;
    assert_true(ml_rows_next(r, &at, &t, &row));
    assert_int_equal(t, expected);
    struct ml_row_ref rest;
    assert_false(ml_rows_next(r, &at, &t, &rest));
    return row;
}

static void cells_come_back(void **state)
{
    struct ml_rows *r = rows_new();
    struct ml_cell cell = {0};
    ml_rows_begin(r, ML_TABLE_requests);
    ml_rows_str(r, ML_COL_name, ML_STR("GET /"));
    ml_rows_f64(r, ML_COL_duration, 1.5);
    ml_rows_i64(r, ML_COL_itemCount, 7);
    ml_rows_str(r, ML_COL_name, ML_STR("later wins"));
    assert_int_equal(ml_rows_end(r), ML_OK);
    struct ml_row_ref row = only_row(r, ML_TABLE_requests);
    assert_true(find_cell(row, ML_COL_name, &cell));
    assert_true(ml_str_eq(cell.s, ML_STR("later wins")));
    assert_true(find_cell(row, ML_COL_duration, &cell));
    assert_true(cell.f == 1.5);
    assert_true(find_cell(row, ML_COL_itemCount, &cell));
    assert_int_equal(cell.i, 7);
    assert_false(find_cell(row, ML_COL_url, &cell));
    ml_rows_free(r);
}

static void a_copy_has_the_whole_rows(void **state)
{
    struct ml_rows *r = rows_new();
    struct ml_rows *copy = NULL;
    struct ml_cell cell = {0};
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_str(r, ML_COL_message, ML_STR("kept"));
    assert_int_equal(ml_rows_end(r), ML_OK);
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_str(r, ML_COL_message, ML_STR("begun"));
    assert_int_equal(ml_rows_copy(r, &copy), ML_OK);
    ml_rows_free(r);
    assert_int_equal(ml_rows_count(copy), 1);
    struct ml_row_ref row = only_row(copy, ML_TABLE_traces);
    assert_true(find_cell(row, ML_COL_message, &cell));
    assert_true(ml_str_eq(cell.s, ML_STR("kept")));
    assert_true(find_cell(row, ML_COL_itemId, &cell));
    ml_rows_free(copy);
}

static void missing_basics_are_filled_in(void **state)
{
    struct ml_rows *r = rows_new();
    struct ml_cell cell = {0};
    int64_t before = ml_ticks_now();
    ml_rows_begin(r, ML_TABLE_traces);
    assert_int_equal(ml_rows_end(r), ML_OK);
    struct ml_row_ref row = only_row(r, ML_TABLE_traces);
    assert_true(find_cell(row, ML_COL_timestamp, &cell));
    assert_true(cell.i >= before && cell.i <= ml_ticks_now());
    assert_true(find_cell(row, ML_COL_itemType, &cell));
    assert_true(ml_str_eq(cell.s, ML_STR("trace")));
    assert_true(find_cell(row, ML_COL_itemCount, &cell));
    assert_int_equal(cell.i, 1);
    assert_true(find_cell(row, ML_COL_itemId, &cell));
    assert_int_equal(cell.s.n, 36);
    ml_rows_free(r);
}

static void a_column_of_another_table_is_left_out(void **state)
{
    struct ml_rows *r = rows_new();
    struct ml_cell cell = {0};
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_str(r, ML_COL_url, ML_STR("http://x"));
    assert_int_equal(ml_rows_end(r), ML_OK);
    assert_false(find_cell(only_row(r, ML_TABLE_traces), ML_COL_url, &cell));
    ml_rows_free(r);
}

static void a_value_of_the_wrong_type_drops_the_row(void **state)
{
    struct ml_rows *r = rows_new();
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_i64(r, ML_COL_message, 1);
    assert_int_equal(ml_rows_end(r), ML_EINVALID);
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_str(r, ML_COL_severityLevel, ML_STR("1"));
    assert_int_equal(ml_rows_end(r), ML_EINVALID);
    assert_int_equal(ml_rows_count(r), 0);
    assert_int_equal(ml_rows_bytes(r), 0);
    ml_rows_free(r);
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    static const struct {
        struct ml_str in;
        struct ml_str out;
    } cases[] = {
        {{"plain text", 10}, {"plain text", 10}},
        {{"caf\xC3\xA9 \xE2\x82\xAC", 9}, {"caf\xC3\xA9 \xE2\x82\xAC", 9}},
        {{"a\xFF"
          "b",
          3},
         {"a\xEF\xBF\xBD"
          "b",
          5}},
        {{"\xC3", 1}, {"\xEF\xBF\xBD", 3}},
        {{"\xED\xA0\x80", 3}, {"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 9}},
        {{"nul\0in", 6}, {"nul\0in", 6}},
        {{"", 0}, {"", 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guarded in = guarded_new(cases[i].in.p, cases[i].in.n);
        struct ml_rows *r = rows_new();
        struct ml_cell cell = {0};
        ml_rows_begin(r, ML_TABLE_traces);
        ml_rows_str(r, ML_COL_message, in.str);
        assert_int_equal(ml_rows_end(r), ML_OK);
        assert_true(find_cell(only_row(r, ML_TABLE_traces), ML_COL_message, &cell));
        assert_true(ml_str_eq(cell.s, cases[i].out));
        ml_rows_free(r);
        guarded_free(&in);
    }
}

static void a_cell_over_the_limit_drops_its_row_only(void **state)
{
    struct ml_rows *r = rows_new();
    char *big = calloc(1, ML_CELL_MAX_BYTES + 1);
    assert_non_null(big);
    memset(big, 'x', ML_CELL_MAX_BYTES + 1);
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_str(r, ML_COL_message, (struct ml_str){big, ML_CELL_MAX_BYTES});
    assert_int_equal(ml_rows_end(r), ML_OK);
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_str(r, ML_COL_message, (struct ml_str){big, ML_CELL_MAX_BYTES + 1});
    ml_rows_str(r, ML_COL_operation_Id, ML_STR("ignored from here on"));
    assert_int_equal(ml_rows_end(r), ML_ELIMIT);
    assert_int_equal(ml_rows_count(r), 1);
    ml_rows_free(r);
    free(big);
}

static void times_out_of_range_fall_back_to_now(void **state)
{
    static const int64_t bad[] = {-1, ML_STORE_TICKS_MAX + 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ml_rows *r = rows_new();
        struct ml_cell cell = {0};
        ml_rows_begin(r, ML_TABLE_traces);
        ml_rows_i64(r, ML_COL_timestamp, bad[i]);
        assert_int_equal(ml_rows_end(r), ML_OK);
        assert_true(find_cell(only_row(r, ML_TABLE_traces), ML_COL_timestamp, &cell));
        assert_true(cell.i > ML_STORE_TICKS_1970);
        ml_rows_free(r);
    }
}

static int fill(void *arg)
{
    struct ml_rows *r = NULL;
    int rc = ml_rows_new(&r);
    for (int i = 0; rc == ML_OK && i < 200; i++) {
        ml_rows_begin(r, ML_TABLE_traces);
        ml_rows_str(r, ML_COL_message, ML_STR("some text that makes the batch grow"));
        size_t count = ml_rows_count(r);
        rc = ml_rows_end(r);
        assert_int_equal(ml_rows_count(r), count + (rc == ML_OK));
    }
    ml_rows_free(r);
    return rc;
}

static void out_of_memory_is_an_answer(void **state)
{
    assert_true(fail_each(fill, NULL) > 2);
}

static void guids_are_new_and_well_formed(void **state)
{
    char a[37];
    char b[37];
    ml_guid_new(a);
    ml_guid_new(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_come_back),
        cmocka_unit_test(a_copy_has_the_whole_rows),
        cmocka_unit_test(missing_basics_are_filled_in),
        cmocka_unit_test(a_column_of_another_table_is_left_out),
        cmocka_unit_test(a_value_of_the_wrong_type_drops_the_row),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(a_cell_over_the_limit_drops_its_row_only),
        cmocka_unit_test(times_out_of_range_fall_back_to_now),
        cmocka_unit_test(out_of_memory_is_an_answer),
        cmocka_unit_test(guids_are_new_and_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
