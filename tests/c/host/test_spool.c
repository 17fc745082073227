/* tests/c/host/test_spool.c -- rows into JSON lines; rotation; a disk that refuses. SPDX-License-Identifier: MIT */
#include "host/sink.h"

#include "host/file.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct told {
    int n;
    char text[400];
};

static void tell(void *user, const char *text)
{
    struct told *t = user;
    t->n++;
    (void)snprintf(t->text, sizeof t->text, "%s", text);
}

static struct ml_rows *make_rows(size_t n, size_t message_bytes)
{
    struct ml_rows *rows = NULL;
    char *text = malloc(message_bytes);
    assert_int_equal(ml_rows_new(&rows), ML_OK);
    memset(text, 'm', message_bytes);
    for (size_t i = 0; i < n; i++) {
        ml_rows_begin(rows, ML_TABLE_traces);
        ml_rows_i64(rows, ML_COL_timestamp, ML_STORE_TICKS_1970 + INT64_C(17953329611234567));
        ml_rows_str(rows, ML_COL_message, (struct ml_str){text, message_bytes});
        ml_rows_i64(rows, ML_COL_severityLevel, 2);
        ml_rows_str(rows, ML_COL_customDimensions, ML_STR("{\"Category\":\"A\\\"B\"}"));
        assert_int_equal(ml_rows_end(rows), ML_OK);
    }
    free(text);
    return rows;
}

static void a_row_is_one_json_line(void **state)
{
    (void)state;
    char dir[] = "/tmp/memline-test-XXXXXX", path[PATH_MAX];
    struct told told = {0};
    const struct ml_sink_trouble t = {tell, &told};
    struct ml_sink sink;
    struct ml_buf b = {0};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(ml_spool_open(dir, &t, &sink, NULL), ML_OK);
    struct ml_rows *rows = make_rows(2, 5);
    sink.put(sink.self, rows);
    ml_rows_free(rows);
    sink.close(sink.self, 0);
    (void)ml_path_join(path, sizeof path, dir, "records.jsonl");
    assert_int_equal(ml_file_read(path, 1 << 20, &b, NULL), ML_OK);
    json_t *row = json_loads(b.p, JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(json_string_value(json_object_get(row, "table")), "traces");
    assert_string_equal(json_string_value(json_object_get(row, "message")), "mmmmm");
    assert_string_equal(json_string_value(json_object_get(row, "timestamp")),
                        "2026-11-22T07:36:01.1234567Z");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(row, "customDimensions"), "Category")),
        "A\"B");
    assert_int_equal(json_integer_value(json_object_get(row, "severityLevel")), 2);
    assert_int_equal(json_string_length(json_object_get(row, "itemId")), 36);
    json_decref(row);
    assert_int_equal(told.n, 0);
    ml_buf_free(&b);
}

static void files_rotate_and_stay_bounded(void **state)
{
    (void)state;
    char dir[] = "/tmp/memline-test-XXXXXX", path[PATH_MAX];
    struct told told = {0};
    const struct ml_sink_trouble t = {tell, &told};
    struct ml_sink sink;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(ml_spool_open(dir, &t, &sink, NULL), ML_OK);
    struct ml_rows *rows = make_rows(200, 30000); /* 6 MB */
    for (int i = 0; i < 20; i++)
        sink.put(sink.self, rows);
    ml_rows_free(rows);
    sink.close(sink.self, 0);
    long long total = 0;
    for (int i = 0; i <= 6; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, i == 0 ? "records.jsonl" : "records.%d.jsonl", i);
        (void)ml_path_join(path, sizeof path, dir, name);
        if (stat(path, &st) == 0) {
            total += st.st_size;
            assert_true(i <= 4);
            (void)unlink(path);
        }
    }
    assert_true(total > (40 << 20) && total < (100 << 20));
}

static void a_full_disk_is_told_once_and_recovers(void **state)
{
    (void)state;
    char dir[] = "/tmp/memline-test-XXXXXX", path[PATH_MAX];
    struct told told = {0};
    const struct ml_sink_trouble t = {tell, &told};
    struct ml_sink sink;
    assert_non_null(mkdtemp(dir));
    (void)ml_path_join(path, sizeof path, dir, "records.jsonl");
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_int_equal(ml_spool_open(dir, &t, &sink, NULL), ML_OK);
    struct ml_rows *rows = make_rows(1, 10);
    sink.put(sink.self, rows);
    sink.put(sink.self, rows);
    assert_int_equal(told.n, 1);
    assert_non_null(strstr(told.text, "No space left"));
    ml_rows_free(rows);
    sink.close(sink.self, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_one_json_line),
        cmocka_unit_test(files_rotate_and_stay_bounded),
        cmocka_unit_test(a_full_disk_is_told_once_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
