/* tests/c/api/test_track.c -- envelopes become rows. SPDX-License-Identifier: MIT */
#include "api/track.h"

#include "test.h"

static struct ml_track_result parse(struct ml_rows *rows, const char *body)
{
    struct ml_track_result result;
    struct guarded g = guarded_new(body, strlen(body));
    assert_int_equal(ml_track_parse(g.str, rows, &result), ML_OK);
    guarded_free(&g);
    return result;
}

static struct ml_rows *rows_new(void)
{
    struct ml_rows *r = NULL;
    assert_int_equal(ml_rows_new(&r), ML_OK);
    return r;
}

/* The cells of row i as "column=value;" in order of the columns; empty ones are left out. */
static const char *row_text(const struct ml_rows *rows, size_t i, enum ml_store_table *table)
{
    static char text[4096];
    struct ml_cell cells[ML_N_COLUMNS];
    bool set[ML_N_COLUMNS] = {false};
    struct ml_row_ref row = {0};
    size_t at = 0;
    int n = 0;
    for (size_t k = 0; k <= i; k++)
        assert_true(ml_rows_next(rows, &at, table, &row));
    for (struct ml_cell c = {0}; ml_row_next(&row, &c);) {
        cells[c.column] = c;
        set[c.column] = true;
    }
    text[0] = '\0';
    for (int c = 0; c < ML_N_COLUMNS; c++) {
        const struct ml_store_col_info *info = ml_store_col_get((enum ml_store_col)c);
        char *p = text + n;
        size_t left = sizeof text - (size_t)n;
        if (!set[c] || c == ML_COL_itemId || c == ML_COL_itemType || c == ML_COL_iKey)
            continue;
        if (info->type == ML_STORE_REAL)
            n += snprintf(p, left, "%s=%g;", info->name.p, cells[c].f);
        else if (info->type == ML_STORE_STRING || info->type == ML_STORE_DYNAMIC)
            n += snprintf(p, left, "%s=%.*s;", info->name.p, (int)cells[c].s.n, cells[c].s.p);
        else
            n += snprintf(p, left, "%s=%lld;", info->name.p, (long long)cells[c].i);
    }
    return text;
}

#define HEAD(type, data)                                                                       \
    "{\"time\":\"2024-01-02T03:04:05.1234567Z\",\"iKey\":\"k\",\"data\":{\"baseType\":\"" type \
    "\",\"baseData\":" data "}}"
#define TIME "timestamp=638397614451234567;"

static void every_type_of_data_has_its_table(void **state)
{
    static const struct {
        const char *body;
        enum ml_store_table table;
        const char *row;
    } cases[] = {
        {HEAD("MessageData",
              "{\"message\":\"hi\",\"severityLevel\":\"Warning\",\"properties\":{\"a\":\"b\"},"
              "\"measurements\":{\"m\":1.5}}"),
         ML_TABLE_traces,
         TIME
         "message=hi;severityLevel=2;customDimensions={\"a\":\"b\"};customMeasurements={\"m\":1.5};"
         "itemCount=1;"},
        {HEAD("MessageData", "{\"message\":\"hi\",\"severityLevel\":3,\"properties\":{}}"),
         ML_TABLE_traces, TIME "message=hi;severityLevel=3;itemCount=1;"},
        {HEAD("RequestData",
              "{\"id\":\"1\",\"name\":\"GET /\",\"duration\":\"00:00:01.500\",\"success\":false,"
              "\"responseCode\":500,\"url\":\"http://x/\"}"),
         ML_TABLE_requests,
         TIME
         "itemCount=1;id=1;name=GET /;url=http://x/;success=False;resultCode=500;duration=1500;"
         "performanceBucket=1sec-3sec;"},
        {HEAD("RequestData", "{\"id\":\"1\",\"duration\":\"1.00:00:00.0000001\"}"),
         ML_TABLE_requests,
         TIME "itemCount=1;id=1;success=True;duration=8.64e+07;performanceBucket=>=5min;"},
        {HEAD("RemoteDependencyData",
              "{\"name\":\"q\",\"id\":\"2\",\"resultCode\":\"0\",\"duration\":\"00:00:00.0100000\","
              "\"success\":\"true\",\"data\":\"select\",\"type\":\"SQL\",\"target\":\"db\"}"),
         ML_TABLE_dependencies,
         TIME
         "itemCount=1;id=2;name=q;success=True;resultCode=0;duration=10;performanceBucket=<250ms;"
         "target=db;type=SQL;data=select;"},
        {HEAD("ExceptionData", "{\"exceptions\":[{\"typeName\":\"A\",\"message\":\"outer\","
                               "\"parsedStack\":[{\"method\":\"f\","
                               "\"assembly\":\"as\"}]},{\"typeName\":\"B\",\"message\":\"inner\"}],"
                               "\"severityLevel\":3,"
                               "\"problemId\":\"p\"}"),
         ML_TABLE_exceptions,
         TIME
         "severityLevel=3;itemCount=1;type=A;problemId=p;assembly=as;method=f;outerType=A;"
         "outerMessage=outer;outerAssembly=as;outerMethod=f;innermostType=B;innermostMessage=inner;"
         "details=[{\"typeName\":\"A\",\"message\":\"outer\",\"parsedStack\":[{\"method\":\"f\","
         "\"assembly\":\"as\"}]},{\"typeName\":\"B\",\"message\":\"inner\"}];"},
        {HEAD("EventData", "{\"name\":\"clicked\"}"), ML_TABLE_customEvents,
         TIME "itemCount=1;name=clicked;"},
        {HEAD("MetricData",
              "{\"metrics\":[{\"name\":\"m\",\"value\":12,\"count\":2,\"min\":5,\"max\":7}]}"),
         ML_TABLE_customMetrics,
         TIME "name=m;value=12;valueCount=2;valueSum=12;valueMin=5;valueMax=7;"},
        {HEAD("MetricData",
              "{\"metrics\":[{\"name\":\"\\\\Process(py)\\\\Private Bytes\",\"value\":4096}]}"),
         ML_TABLE_performanceCounters,
         TIME "name=Private Bytes;value=4096;category=Process;counter=Private Bytes;instance=py;"},
        {HEAD("PerformanceCounterData",
              "{\"categoryName\":\"Memory\",\"counterName\":\"Available Bytes\",\"value\":1}"),
         ML_TABLE_performanceCounters,
         TIME "name=Available Bytes;value=1;category=Memory;counter=Available Bytes;instance=;"},
        {HEAD("AvailabilityData",
              "{\"id\":\"i\",\"name\":\"ping\",\"duration\":\"00:00:00.3\",\"success\":true,"
              "\"runLocation\":\"here\",\"message\":\"ok\"}"),
         ML_TABLE_availabilityResults,
         TIME "message=ok;itemCount=1;id=i;name=ping;success=True;duration=300;"
              "performanceBucket=250ms-500ms;location=here;"},
        {HEAD("PageViewData",
              "{\"name\":\"home\",\"url\":\"http://h/\",\"duration\":\"00:00:00.2\"}"),
         ML_TABLE_pageViews,
         TIME "itemCount=1;name=home;url=http://h/;duration=200;performanceBucket=<250ms;"},
        {HEAD("PageViewPerfData",
              "{\"name\":\"home\",\"perfTotal\":\"00:00:02\",\"networkConnect\":\"00:00:00.1\"}"),
         ML_TABLE_browserTimings,
         TIME "itemCount=1;name=home;performanceBucket=1sec-3sec;networkDuration=100;totalDuration="
              "2000;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ml_rows *rows = rows_new();
        struct ml_track_result r = parse(rows, cases[i].body);
        enum ml_store_table t = 0;
        assert_int_equal(r.accepted, 1);
        assert_string_equal(row_text(rows, 0, &t), cases[i].row);
        assert_int_equal(t, cases[i].table);
        ml_rows_free(rows);
    }
}

static void tags_time_zones_and_sampling_count(void **state)
{
    struct ml_rows *rows = rows_new();
    enum ml_store_table t;
    parse(
        rows,
        "{\"time\":\"2024-01-02T04:04:05.123+01:00\",\"sampleRate\":25,\"tags\":{"
        "\"ai.operation.id\":\"op\",\"ai.operation.parentId\":\"pa\",\"ai.operation.name\":\"fn\","
        "\"ai.cloud.role\":\"role\",\"ai.cloud.roleInstance\":\"inst\",\"ai.device.type\":\"PC\","
        "\"ai.location.ip\":\"0.0.0.0\",\"ai.internal.sdkVersion\":\"py\",\"unknown\":\"x\"},"
        "\"data\":{\"baseType\":\"MessageData\",\"baseData\":{\"message\":\"m\",\"other\":1}}}");
    assert_string_equal(
        row_text(rows, 0, &t),
        "timestamp=638397614451230000;message=m;operation_Name=fn;operation_Id=op;"
        "operation_ParentId=pa;client_Type=PC;client_IP=0.0.0.0;cloud_RoleName=role;"
        "cloud_RoleInstance=inst;sdkVersion=py;itemCount=4;");
    ml_rows_free(rows);
}

#define OK HEAD("MessageData", "{\"message\":\"m\"}")
#define BAD HEAD("NoSuchData", "{}")

static void arrays_objects_and_lines_are_taken(void **state)
{
    static const struct {
        const char *body;
        size_t received;
        size_t accepted;
        int status;
    } cases[] = {
        {OK, 1, 1, 200},
        {"[" OK "," OK "]", 2, 2, 200},
        {"  [\n" OK ",\n" OK "\n]\n", 2, 2, 200},
        {OK "\n" OK "\r\n" OK "\n", 3, 3, 200},
        {OK OK, 2, 2, 200},
        {"\xEF\xBB\xBF" OK, 1, 1, 200},
        {"[" OK "," BAD "," OK "]", 3, 2, 206},
        {OK "\nnot json at all\n" OK, 3, 2, 206},
        {"[" OK ",1,null]", 3, 1, 206},
        {BAD, 1, 0, 400},
        {"not json", 1, 0, 400},
        {"", 0, 0, 400},
        {"[]", 0, 0, 400},
        {"{}", 1, 0, 400},
        {"{\"data\":{\"baseType\":\"MessageData\",\"baseData\":{}}}", 1, 0, 400},
        {"{\"time\":\"soon\",\"data\":{\"baseType\":\"MessageData\",\"baseData\":{}}}", 1, 0, 400},
        {HEAD("MetricData", "{\"metrics\":[]}"), 1, 0, 400},
        {HEAD("MessageData", "[]"), 1, 0, 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ml_rows *rows = rows_new();
        struct ml_buf answer = {0};
        struct ml_track_result r = parse(rows, cases[i].body);
        assert_int_equal(r.received, cases[i].received);
        assert_int_equal(r.accepted, cases[i].accepted);
        assert_int_equal(ml_rows_count(rows), cases[i].accepted);
        assert_int_equal(ml_track_answer(&r, &answer), cases[i].status);
        ml_rows_free(rows);
        ml_buf_free(&answer);
    }
}

static void the_answer_names_the_bad_items(void **state)
{
    struct ml_rows *rows = rows_new();
    struct ml_buf answer = {0};
    struct ml_track_result r = parse(rows, "[" OK "," BAD "]");
    ml_track_answer(&r, &answer);
    assert_string_equal(
        answer.p, "{\"itemsReceived\":2,\"itemsAccepted\":1,\"errors\":[{\"index\":1,"
                  "\"statusCode\":400,\"message\":\"the item's data.baseType is not known\"}]}");
    ml_rows_free(rows);
    ml_buf_free(&answer);
}

static void too_long_a_text_costs_its_item_only(void **state)
{
    struct ml_rows *rows = rows_new();
    struct ml_buf body = {0};
    ml_buf_cstr(&body, OK
                "\n{\"time\":\"2024-01-02\",\"data\":{\"baseType\":\"MessageData\",\"baseData\":{"
                "\"message\":\"");
    ml_buf_fill(&body, 'x', ML_CELL_MAX_BYTES + 1);
    ml_buf_cstr(&body, "\"}}}\n" OK);
    struct ml_track_result r = parse(rows, body.p);
    assert_int_equal(r.received, 3);
    assert_int_equal(r.accepted, 2);
    ml_rows_free(rows);
    ml_buf_free(&body);
}

static void many_broken_lines_end_the_reading(void **state)
{
    struct ml_rows *rows = rows_new();
    struct ml_buf body = {0};
    for (int i = 0; i < 100000; i++)
        ml_buf_cstr(&body, "[\n");
    struct ml_track_result r = parse(rows, body.p);
    assert_int_equal(r.n_errors, ML_TRACK_ERRORS);
    assert_int_equal(r.accepted, 0);
    ml_rows_free(rows);
    ml_buf_free(&body);
}

static void mutated_bodies_do_no_harm(void **state)
{
    struct rng rng = rng_new();
    static const char body[] = "[" OK "," HEAD(
        "MetricData", "{\"metrics\":[{\"name\":\"\\\\a(b)\\\\c\",\"value\":1}]}") "]";
    for (int i = 0; i < 5000; i++) {
        struct guarded g = guarded_new(body, rng_below(&rng, sizeof body));
        for (uint64_t k = rng_below(&rng, 6); g.str.n != 0 && k > 0; k--)
            ((char *)(uintptr_t)g.str.p)[rng_below(&rng, g.str.n)] = (char)rng_below(&rng, 256);
        struct ml_rows *rows = rows_new();
        struct ml_track_result r;
        assert_int_equal(ml_track_parse(g.str, rows, &r), ML_OK);
        assert_true(r.accepted <= r.received);
        ml_rows_free(rows);
        guarded_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_of_data_has_its_table),
        cmocka_unit_test(tags_time_zones_and_sampling_count),
        cmocka_unit_test(arrays_objects_and_lines_are_taken),
        cmocka_unit_test(the_answer_names_the_bad_items),
        cmocka_unit_test(too_long_a_text_costs_its_item_only),
        cmocka_unit_test(many_broken_lines_end_the_reading),
        cmocka_unit_test(mutated_bodies_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
