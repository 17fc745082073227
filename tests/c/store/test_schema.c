/* tests/c/store/test_schema.c -- the tables have the columns that the query pages name.
 * SPDX-License-Identifier: MIT */
#include "store/schema.h"

#include "test.h"

static const char *const tail[] = {"operation_Name",
                                   "operation_Id",
                                   "operation_ParentId",
                                   "operation_SyntheticSource",
                                   "session_Id",
                                   "user_Id",
                                   "user_AuthenticatedId",
                                   "user_AccountId",
                                   "application_Version",
                                   "client_Type",
                                   "client_Model",
                                   "client_OS",
                                   "client_IP",
                                   "client_City",
                                   "client_StateOrProvince",
                                   "client_CountryOrRegion",
                                   "client_Browser",
                                   "cloud_RoleName",
                                   "cloud_RoleInstance",
                                   "appId",
                                   "appName",
                                   "iKey",
                                   "sdkVersion",
                                   "itemId",
                                   "itemType"};
#define N_TAIL (sizeof tail / sizeof *tail)

static const struct {
    const char *table;
    const char *head; /* columns before the tail */
    bool item_count;
} expected[] = {
    {"traces", "timestamp message severityLevel:i customDimensions:d customMeasurements:d", true},
    {"requests",
     "timestamp id source name url success resultCode duration:r performanceBucket "
     "customDimensions:d customMeasurements:d",
     true},
    {"dependencies",
     "timestamp id target type name data success resultCode duration:r performanceBucket "
     "customDimensions:d customMeasurements:d",
     true},
    {"exceptions",
     "timestamp problemId handledAt type message assembly method outerType outerMessage "
     "outerAssembly outerMethod innermostType innermostMessage innermostAssembly innermostMethod "
     "severityLevel:i details:d customDimensions:d customMeasurements:d",
     true},
    {"customEvents", "timestamp name customDimensions:d customMeasurements:d", true},
    {"customMetrics",
     "timestamp name value:r valueCount:i valueSum:r valueMin:r valueMax:r valueStdDev:r "
     "customDimensions:d",
     false},
    {"performanceCounters", "timestamp name category counter instance value:r customDimensions:d",
     false},
    {"availabilityResults",
     "timestamp id name location success message size:r duration:r performanceBucket "
     "customDimensions:d customMeasurements:d",
     true},
    {"pageViews",
     "timestamp name url duration:r performanceBucket customDimensions:d customMeasurements:d",
     true},
    {"browserTimings",
     "timestamp name url networkDuration:r sendDuration:r receiveDuration:r processingDuration:r "
     "totalDuration:r performanceBucket customDimensions:d customMeasurements:d",
     true},
};

static enum ml_store_type type_of(const char *word)
{
    const char *colon = strchr(word, ':');
    if (colon == NULL)
        return strcmp(word, "timestamp") == 0 ? ML_STORE_DATETIME : ML_STORE_STRING;
    return colon[1] == 'i' ? ML_STORE_INT : colon[1] == 'r' ? ML_STORE_REAL : ML_STORE_DYNAMIC;
}

static void check_column(const struct ml_store_table_info *t, size_t i, const char *word)
{
    const struct ml_store_col_info *c = ml_store_col_get(t->columns[i]);
    assert_int_equal(c->name.n, strcspn(word, ":"));
    assert_memory_equal(c->name.p, word, c->name.n);
    assert_int_equal(c->type, type_of(word));
}

static void the_ten_tables_have_the_exact_columns(void **state)
{
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        enum ml_store_table t;
        assert_true(ml_store_table_find(ml_str_of(expected[i].table), &t));
        const struct ml_store_table_info *info = ml_store_table_get(t);
        size_t at = 0;
        char words[512];
        snprintf(words, sizeof words, "%s", expected[i].head);
        for (char *save = NULL, *w = strtok_r(words, " ", &save); w != NULL;
             w = strtok_r(NULL, " ", &save))
            check_column(info, at++, w);
        for (size_t k = 0; k < N_TAIL; k++)
            check_column(info, at++, tail[k]);
        if (expected[i].item_count)
            check_column(info, at++, "itemCount:i");
        assert_int_equal(info->n_columns, at);
        assert_true(info->standard);
    }
}

static void names_are_found_with_their_case(void **state)
{
    enum ml_store_table t;
    enum ml_store_col c;
    assert_true(ml_store_table_find(ML_STR("lines"), &t));
    assert_false(ml_store_table_get(t)->standard);
    assert_false(ml_store_table_find(ML_STR("Traces"), &t));
    assert_true(ml_store_col_find(ML_STR("heapPeak"), &c));
    assert_int_equal(ml_store_col_get(c)->type, ML_STORE_LONG);
    assert_false(ml_store_col_find(ML_STR("heappeak"), &c));
}

static void every_table_begins_with_timestamp_and_has_an_item_id(void **state)
{
    for (int t = 0; t < ML_N_TABLES; t++) {
        assert_int_equal(ml_store_table_get((enum ml_store_table)t)->columns[0], ML_COL_timestamp);
        assert_true(ml_store_table_index((enum ml_store_table)t, ML_COL_itemId) > 0);
    }
}

static void every_column_of_a_view_stands_for_one_of_its_table(void **state)
{
    for (size_t i = 0; i < ML_N_VIEWS; i++) {
        const struct ml_store_view_info *v = ml_store_view_get(i);
        assert_ptr_equal(ml_store_view_find(v->name), v);
        assert_int_equal(v->columns[0].column, ML_COL_timestamp);
        for (size_t k = 0; k < v->n_columns; k++) {
            const struct ml_store_view_column *c = &v->columns[k];
            enum ml_store_type behind = ml_store_col_get(c->column)->type;
            assert_true(ml_store_table_index(v->table, c->column) >= 0);
            assert_true(c->constant.p != NULL || c->type == behind ||
                        (c->type == ML_STORE_BOOL && behind == ML_STORE_STRING));
        }
    }
    assert_null(ml_store_view_find(ML_STR("AppNothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ten_tables_have_the_exact_columns),
        cmocka_unit_test(names_are_found_with_their_case),
        cmocka_unit_test(every_table_begins_with_timestamp_and_has_an_item_id),
        cmocka_unit_test(every_column_of_a_view_stands_for_one_of_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
