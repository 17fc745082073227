/* tests/c/api/test_shape.c -- results in the shapes of the three protocols. SPDX-License-Identifier: MIT */
#include "api/shape.h"

#include "base/arena.h"
#include "kql/ticks.h"
#include "test.h"

#include <jansson.h>
#include <math.h>

static const struct ml_query_column columns[] = {
    {{"t", 1}, ML_T_DATETIME}, {{"s", 1}, ML_T_STRING}, {{"n", 1}, ML_T_LONG},
    {{"r", 1}, ML_T_REAL},     {{"b", 1}, ML_T_BOOL},   {{"d", 1}, ML_T_DYNAMIC},
    {{"p", 1}, ML_T_TIMESPAN},
};
#define N_COLUMNS 7

static struct ml_batch make_batch(struct ml_arena *a)
{
    struct ml_batch b = {.n = 2, .ncols = N_COLUMNS};
    b.cols = ml_arena_alloc(a, N_COLUMNS, sizeof *b.cols);
    assert_non_null(b.cols);
    struct ml_val values[2][N_COLUMNS] = {{ml_val_datetime(ML_TICKS_UNIX + 12345000),
                                           ml_val_str(ML_STR("a \"b\" \xC3\xA9\n")),
                                           ml_val_long(INT64_MIN),
                                           ml_val_real(1.0),
                                           ml_val_bool(true),
                                           {.type = ML_T_TEXT, .s = ML_STR("{\"k\":[1,2]}")},
                                           ml_val_i64(ML_T_TIMESPAN, 36000000000)},
                                          {ml_val_null(ML_T_DATETIME), ml_val_str(ML_STR("")),
                                           ml_val_null(ML_T_LONG), ml_val_real(NAN),
                                           ml_val_null(ML_T_BOOL), ml_val_null(ML_T_DYNAMIC),
                                           ml_val_null(ML_T_TIMESPAN)}};
    for (int c = 0; c < N_COLUMNS; c++) {
        assert_true(ml_column_init_nulls(&b.cols[c], a, columns[c].type, 2));
        for (size_t r = 0; r < 2; r++)
            ml_column_set(&b.cols[c], r, &values[r][c]);
    }
    return b;
}

static json_t *shape(enum ml_shape_kind kind, const struct ml_shape_frame *f, int tables,
                     uint64_t max_rows)
{
    struct ml_arena arena = {0};
    struct ml_buf out = {0};
    struct ml_shape s = {.max_rows = max_rows};
    struct ml_batch batch = make_batch(&arena);
    ml_shape_begin(&s, kind, f, &out);
    for (int i = 0; i < tables; i++) {
        ml_shape_table(&s, columns, N_COLUMNS);
        ml_shape_rows(&s, &batch);
    }
    ml_shape_end(&s, f);
    json_error_t error;
    json_t *root = json_loadb(out.p, out.n, 0, &error);
    if (root == NULL)
        fail_msg("%s in %s", error.text, out.p);
    ml_buf_free(&out);
    ml_arena_clear(&arena);
    return root;
}

static void check_json(const json_t *got, const char *expected)
{
    json_t *want = json_loads(expected, JSON_DECODE_ANY, NULL);
    assert_non_null(want);
    if (!json_equal(got, want))
        fail_msg("%s", json_dumps(got, JSON_ENCODE_ANY));
    json_decref(want);
}

#define FIRST \
    "[\"1970-01-01T00:00:01.2345Z\",\"a \\\"b\\\" \xC3\xA9\\n\",-9223372036854775808,1.0,true,"
#define SECOND "[null,\"\",null,\"NaN\",null,null,null]"

static void insights_has_dynamics_as_text(void **state)
{
    struct ml_shape_frame f = {0};
    json_t *root = shape(ML_SHAPE_AI, &f, 1, 0);
    const json_t *table = json_array_get(json_object_get(root, "tables"), 0);
    check_json(json_object_get(table, "name"), "\"PrimaryResult\"");
    check_json(json_array_get(json_object_get(table, "columns"), 0),
               "{\"name\":\"t\",\"type\":\"datetime\"}");
    check_json(json_object_get(table, "rows"),
               "[" FIRST "\"{\\\"k\\\":[1,2]}\",\"01:00:00\"]," SECOND "]");
    assert_int_equal(json_object_size(root), 1);
    json_decref(root);
}

static void insights_names_further_tables_by_number(void **state)
{
    struct ml_shape_frame f = {
        .render = true, .statistics = true, .visualization = ML_STR("{\"Visualization\":\"x\"}")};
    json_t *root = shape(ML_SHAPE_AI, &f, 3, 0);
    const json_t *tables = json_object_get(root, "tables");
    check_json(json_object_get(json_array_get(tables, 1), "name"), "\"Table_0\"");
    check_json(json_object_get(json_array_get(tables, 2), "name"), "\"Table_1\"");
    check_json(json_object_get(root, "render"), "{\"Visualization\":\"x\"}");
    assert_non_null(json_object_get(json_object_get(root, "statistics"), "query"));
    json_decref(root);
}

static void v1_ends_with_its_contents(void **state)
{
    struct ml_shape_frame f = {.activity_id = ML_STR("id"), .visualization = ML_STR("{}")};
    json_t *root = shape(ML_SHAPE_V1, &f, 1, 0);
    const json_t *tables = json_object_get(root, "Tables");
    assert_int_equal(json_array_size(tables), 4);
    check_json(json_array_get(json_object_get(json_array_get(tables, 0), "Columns"), 2),
               "{\"ColumnName\":\"n\",\"DataType\":\"Int64\",\"ColumnType\":\"long\"}");
    check_json(json_object_get(json_array_get(tables, 0), "Rows"),
               "[" FIRST "{\"k\":[1,2]},\"01:00:00\"]," SECOND "]");
    check_json(json_object_get(json_array_get(tables, 3), "Rows"),
               "[[0,\"QueryResult\",\"PrimaryResult\",\"0\",\"\"],"
               "[1,\"QueryProperties\",\"@ExtendedProperties\",\"1\",\"\"],"
               "[2,\"QueryStatus\",\"QueryStatus\",\"2\",\"\"]]");
    json_decref(root);
}

static void v2_is_a_list_of_frames(void **state)
{
    static const char *const kinds[] = {"DataSetHeader", "DataTable", "DataTable",
                                        "DataTable",     "DataTable", "DataSetCompletion"};
    struct ml_shape_frame f = {.activity_id = ML_STR("id"), .elapsed_ns = 1500000000};
    json_t *root = shape(ML_SHAPE_V2, &f, 2, 0);
    assert_int_equal(json_array_size(root), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(root, i), "FrameType")), kinds[i]);
    check_json(json_object_get(json_array_get(root, 2), "Rows"),
               "[" FIRST "{\"k\":[1,2]},\"01:00:00\"]," SECOND "]");
    check_json(json_object_get(json_array_get(root, 3), "TableKind"), "\"PrimaryResult\"");
    const json_t *consumed = json_array_get(json_object_get(json_array_get(root, 4), "Rows"), 1);
    check_json(json_array_get(consumed, 10), "\"QueryResourceConsumption\"");
    check_json(json_array_get(consumed, 11), "\"{\\\"ExecutionTime\\\":1.5000000}\"");
    check_json(json_object_get(json_array_get(root, 5), "HasErrors"), "false");
    json_decref(root);
}

static void a_result_that_ends_early_says_so(void **state)
{
    struct ml_shape_frame f = {.error_code = "E_X", .error_text = "too \"many\""};
    json_t *root = shape(ML_SHAPE_AI, &f, 1, 1);
    check_json(json_object_get(json_object_get(root, "error"), "code"), "\"PartialError\"");
    json_decref(root);
    root = shape(ML_SHAPE_V1, &f, 1, 1);
    const json_t *rows = json_object_get(json_array_get(json_object_get(root, "Tables"), 0),
                                         "Rows");
    assert_int_equal(json_array_size(rows), 2);
    check_json(json_array_get(rows, 1), "{\"Exceptions\":[\"too \\\"many\\\"\"]}");
    json_decref(root);
    root = shape(ML_SHAPE_V2, &f, 1, 1);
    const json_t *last = json_array_get(root, json_array_size(root) - 1);
    check_json(json_object_get(last, "HasErrors"), "true");
    assert_int_equal(json_array_size(json_object_get(last, "OneApiErrors")), 1);
    rows = json_object_get(json_array_get(root, 2), "Rows"); /* clients look there */
    assert_non_null(json_object_get(json_array_get(rows, 1), "OneApiErrors"));
    json_decref(root);
}

static void an_empty_table_is_still_there(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        struct ml_shape_frame f = {0};
        struct ml_buf out = {0};
        struct ml_shape s = {0};
        ml_shape_begin(&s, (enum ml_shape_kind)kind, &f, &out);
        ml_shape_table(&s, columns, N_COLUMNS);
        ml_shape_end(&s, &f);
        json_t *root = json_loadb(out.p, out.n, 0, NULL);
        assert_non_null(root);
        json_decref(root);
        ml_buf_free(&out);
    }
}

static void the_bound_of_bytes_holds(void **state)
{
    struct ml_arena arena = {0};
    struct ml_shape_frame f = {0};
    struct ml_buf out = {.max = 400};
    struct ml_shape s = {0};
    struct ml_batch batch = make_batch(&arena);
    ml_shape_begin(&s, ML_SHAPE_AI, &f, &out);
    ml_shape_table(&s, columns, N_COLUMNS);
    for (int i = 0; i < 100; i++)
        ml_shape_rows(&s, &batch);
    ml_shape_end(&s, &f);
    assert_int_equal(out.status, ML_ELIMIT);
    assert_true(out.n <= 400);
    ml_buf_free(&out);
    ml_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(insights_has_dynamics_as_text),
        cmocka_unit_test(insights_names_further_tables_by_number),
        cmocka_unit_test(v1_ends_with_its_contents),
        cmocka_unit_test(v2_is_a_list_of_frames),
        cmocka_unit_test(a_result_that_ends_early_says_so),
        cmocka_unit_test(an_empty_table_is_still_there),
        cmocka_unit_test(the_bound_of_bytes_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
