/* tests/c/api/test_import.c -- files of telemetry. SPDX-License-Identifier: MIT */
#include "api/import.h"

#include "base/buf.h"
#include "store/sample.h"

static struct ml_import import_text(const char *text, const char *table, const char *name)
{
    struct ml_store *s = store_open(name);
    struct ml_import im = {.store = s, .table = ml_str_of(table)};
    struct ml_error e = {0};
    FILE *f = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(f);
    if (ml_import_json(&im, f, &e) != ML_OK)
        fail_msg("%s", e.text);
    fclose(f);
    ml_store_close(s);
    return im;
}

static uint64_t rows_of(const char *name, enum ml_store_table t)
{
    struct ml_store *s = store_open(name);
    struct ml_store_stats stats = {0};
    assert_int_equal(ml_store_stats(s, t, &stats, NULL), ML_OK);
    ml_store_close(s);
    return stats.rows;
}

#define ENVELOPE                                                                                   \
    "{\"time\":\"2024-01-02\",\"data\":{\"baseType\":\"EventData\",\"baseData\":{\"name\":\"e\"}}" \
    "}"

static void every_form_is_taken(void **state)
{
    static const struct {
        const char *text;
        const char *table;
        enum ml_store_table into;
        uint64_t rows;
    } cases[] = {
        {ENVELOPE "\n" ENVELOPE "\n", NULL, ML_TABLE_customEvents, 2},
        {"[" ENVELOPE ",\n" ENVELOPE "]", NULL, ML_TABLE_customEvents, 2},
        {"{\"timestamp\":\"2024-01-02\",\"message\":\"m\",\"itemType\":\"trace\"}", NULL,
         ML_TABLE_traces, 1},
        {"{\"$table\":\"lines\",\"timestamp\":\"2024-01-02\",\"hits\":5,\"rssNet\":\"12\"}", NULL,
         ML_TABLE_lines, 1},
        {"{\"TimeGenerated\":\"2024-01-02T01:02:03Z\",\"Type\":\"AppRequests\",\"Success\":true,"
         "\"DurationMs\":1.5}",
         NULL, ML_TABLE_requests, 1},
        {"{\"time\":\"2024-01-02\",\"category\":\"AppTraces\",\"Message\":\"m\",\"Properties\":{"
         "\"a\":1}}",
         NULL, ML_TABLE_traces, 1},
        {"{\"timestamp\":\"2024-01-02\",\"message\":\"m\"}", "traces", ML_TABLE_traces, 1},
        {"{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"timestamp\",\"type\":"
         "\"datetime\"},"
         "{\"name\":\"message\",\"type\":\"string\"}],\"rows\":[[\"2024-01-02\",\"a\"],[\"2024-01-"
         "03\",\"b\"]]}]}",
         "traces", ML_TABLE_traces, 2},
        {"{\n \"timestamp\": \"2024-01-02\",\n \"message\": \"over\\nlines\",\n \"itemType\": "
         "\"trace\"\n}\n"
         "{\n \"timestamp\": \"2024-01-02\", \"itemType\": \"trace\"\n}",
         NULL, ML_TABLE_traces, 2},
        {"", NULL, ML_TABLE_traces, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        snprintf(name, sizeof name, "%zu.db", i);
        if (*cases[i].text == '\0')
            continue;
        struct ml_import im = import_text(cases[i].text, cases[i].table, name);
        if (im.refused != 0)
            fail_msg("case %zu: %s", i, im.first_reason);
        assert_int_equal(im.rows, cases[i].rows);
        assert_int_equal(rows_of(name, cases[i].into), cases[i].rows);
    }
}

static void what_cannot_be_used_is_counted(void **state)
{
    struct ml_import im = import_text(
        ENVELOPE
        "\n"
        "{\"message\":\"of no table\"}\n"
        "{\"broken\":\n"
        "{\"itemType\":\"trace\",\"timestamp\":\"soon\"}\n"
        "{\"itemType\":\"trace\",\"message\":\"without time\"}\n"
        "{\"itemType\":\"trace\",\"timestamp\":\"2024-01-02\",\"severityLevel\":\"high\"}\n"
        "17\n" ENVELOPE "\n",
        NULL, "a.db");
    assert_int_equal(im.rows, 2);
    assert_int_equal(im.refused, 6);
    assert_int_equal(im.first_refused, 2);
    assert_non_null(strstr(im.first_reason, "names no table"));
}

static void values_larger_than_the_window_are_read(void **state)
{
    struct ml_buf text = {0};
    ml_buf_cstr(&text, "[");
    for (int i = 0; i < 40000; i++) /* 4 MB: several windows */
        ml_buf_printf(&text,
                      "%s{\"itemType\":\"trace\",\"timestamp\":\"2024-01-02T00:00:00.%07dZ\","
                      "\"message\":\"row %d of one large array\"}",
                      i != 0 ? ",\n" : "", i, i);
    ml_buf_cstr(&text, "]\n");
    ml_buf_cstr(&text, "{\"itemType\":\"trace\",\"timestamp\":\"2024-01-02\"}");
    struct ml_import im = import_text(text.p, NULL, "a.db");
    assert_int_equal(im.rows, 40001);
    assert_int_equal(im.refused, 0);
    ml_buf_free(&text);
}

static void many_lines_are_committed_in_batches(void **state)
{
    struct ml_buf text = {0};
    for (int i = 0; i < 70000; i++)
        ml_buf_cstr(&text,
                    "{\"itemType\":\"trace\",\"timestamp\":\"2024-01-02\",\"message\":\"m\"}\n");
    struct ml_import im = import_text(text.p, NULL, "a.db");
    assert_int_equal(im.rows, 70000);
    assert_int_equal(rows_of("a.db", ML_TABLE_traces), 70000);
    ml_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
        CASE(every_form_is_taken),
        CASE(what_cannot_be_used_is_counted),
        CASE(values_larger_than_the_window_are_read),
        CASE(many_lines_are_committed_in_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
