/* tests/c/api/test_mgmt.c -- what the management commands show. SPDX-License-Identifier: MIT */
#include "api/mgmt.h"

#include "api/schema_json.h"
#include "test.h"

#include <jansson.h>

static json_t *run(const char *csl)
{
    struct ml_buf out = {0};
    struct ml_error e = {0};
    if (ml_mgmt_run(ml_str_of(csl), ML_STR("My \"DB\""), &out, &e) != ML_OK)
        fail_msg("%s: %s", csl, e.text);
    json_error_t error;
    json_t *root = json_loadb(out.p, out.n, 0, &error);
    if (root == NULL)
        fail_msg("%s: %s", csl, error.text);
    ml_buf_free(&out);
    return root;
}

/* Cell (row, column) of the one table. */
static const json_t *cell(const json_t *root, size_t r, size_t c)
{
    const json_t *table = json_array_get(json_object_get(root, "Tables"), 0);
    return json_array_get(json_array_get(json_object_get(table, "Rows"), r), c);
}

static void tables_and_views_are_listed(void **state)
{
    json_t *root = run(".show tables");
    assert_string_equal(json_string_value(cell(root, 0, 0)), "traces");
    assert_string_equal(json_string_value(cell(root, 0, 1)), "My \"DB\"");
    assert_string_equal(json_string_value(cell(root, ML_N_TABLES, 0)), "AppTraces");
    assert_null(cell(root, ML_N_TABLES + ML_N_VIEWS, 0));
    json_decref(root);
}

static void a_table_is_described_as_csl_and_as_json(void **state)
{
    static const char *const spellings[] = {".show table traces cslschema",
                                            ".SHOW  TABLE ['traces'] cslschema;",
                                            "\n.show table [\"traces\"] cslschema"};
    for (int i = 0; i < 3; i++) {
        json_t *root = run(spellings[i]);
        assert_non_null(strstr(json_string_value(cell(root, 0, 1)),
                               "timestamp:datetime,message:string,severityLevel:int"));
        json_decref(root);
    }
    json_t *root = run(".show table AppTraces schema as json");
    json_t *schema = json_loads(json_string_value(cell(root, 0, 1)), 0, NULL);
    const json_t *first = json_array_get(json_object_get(schema, "OrderedColumns"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "Name")), "TimeGenerated");
    assert_string_equal(json_string_value(json_object_get(first, "Type")), "System.DateTime");
    assert_string_equal(json_string_value(json_object_get(first, "CslType")), "datetime");
    json_decref(schema);
    json_decref(root);
}

static void the_schema_is_json_with_every_table(void **state)
{
    static const char *const spellings[] = {".show schema as json", ".show database schema as json",
                                            ".show database ['My DB'] schema as json"};
    for (int i = 0; i < 3; i++) {
        json_t *root = run(spellings[i]);
        json_t *schema = json_loads(json_string_value(cell(root, 0, 0)), 0, NULL);
        const json_t *db = json_object_get(json_object_get(schema, "Databases"), "My \"DB\"");
        assert_int_equal(json_object_size(json_object_get(db, "Tables")), ML_N_TABLES + ML_N_VIEWS);
        json_decref(schema);
        json_decref(root);
    }
}

static void others_answer_in_shape(void **state)
{
    static const char *const commands[] = {".show databases", ".show version", ".show functions",
                                           ".show schema", ".show tables details"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        json_decref(run(commands[i]));
}

static void everything_else_is_refused_by_name(void **state)
{
    static const char *const commands[] = {".drop table traces",
                                           ".show",
                                           "",
                                           ".create table x (a:int)",
                                           ".show tables | take 1",
                                           ".show table",
                                           ". show tables",
                                           ".show a b c d e f g h i j k l m n o p"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct ml_buf out = {0};
        struct ml_error e = {0};
        assert_int_equal(ml_mgmt_run(ml_str_of(commands[i]), ML_STR("d"), &out, &e),
                         ML_EUNSUPPORTED);
        assert_non_null(strstr(e.text, commands[i]));
        ml_buf_free(&out);
    }
    struct ml_buf out = {0};
    struct ml_error e = {0};
    assert_int_equal(ml_mgmt_run(ML_STR(".show table nothing cslschema"), ML_STR("d"), &out, &e),
                     ML_ENOTFOUND);
    ml_buf_free(&out);
}

static void metadata_is_json(void **state)
{
    for (int views = 0; views < 2; views++) {
        struct ml_buf out = {0};
        ml_schema_metadata(views != 0, ML_STR("app"), &out);
        json_t *root = json_loadb(out.p, out.n, 0, NULL);
        const json_t *first = json_array_get(json_object_get(root, "tables"), 0);
        assert_string_equal(json_string_value(json_object_get(first, "name")),
                            views ? "lines" : "traces");
        json_decref(root);
        ml_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_views_are_listed),
        cmocka_unit_test(a_table_is_described_as_csl_and_as_json),
        cmocka_unit_test(the_schema_is_json_with_every_table),
        cmocka_unit_test(others_answer_in_shape),
        cmocka_unit_test(everything_else_is_refused_by_name),
        cmocka_unit_test(metadata_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
