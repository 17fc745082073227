/* tests/c/store/test_reader.c -- scans: all rows once, the right values, the right work.
 * SPDX-License-Identifier: MIT */
#include "store/reader.h"

#include "sample.h"

#include <pthread.h>
#include <stdatomic.h>

static int64_t number_of(struct ml_str s)
{
    return strtoll(s.p + strlen("message "), NULL, 10); /* what follows is another message's 'm' */
}

/* Every row's columns must belong together. Answers how many rows lie in the range. */
static int64_t check_scan(struct ml_read *rd, int64_t from, int64_t to, bool exact)
{
    struct ml_read_scan *s = scan_open(rd, ML_TABLE_traces, from, to);
    int64_t in_range = 0;
    for (struct ml_read_block *b; (b = block_next(s)) != NULL; ml_read_block_free(b)) {
        struct ml_colview time = column_of(b, ML_COL_timestamp);
        struct ml_colview message = column_of(b, ML_COL_message);
        struct ml_colview severity = column_of(b, ML_COL_severityLevel);
        struct ml_colview dimensions = column_of(b, ML_COL_customDimensions);
        struct ml_colview city = column_of(b, ML_COL_client_City);
        struct ml_colview measurements = column_of(b, ML_COL_customMeasurements);
        assert_true(b->rows >= 1 && b->rows <= ML_SEGMENT_ROWS);
        for (uint32_t i = 0; i < b->rows; i++) {
            int64_t t = ((const int64_t *)time.fixed)[i];
            int64_t n = (t - T0) / ML_STORE_TICKS_PER_S;
            assert_int_equal(number_of(text_of(&message, i)), n);
            assert_int_equal(((const int64_t *)severity.fixed)[i], n % 5);
            assert_false(null_of(&severity, i));
            assert_int_equal(text_of(&dimensions, i).n, n % 2 == 0 ? 7 : 0);
            assert_int_equal(text_of(&city, i).n, 0);
            assert_int_equal(text_of(&measurements, i).n, 0);
            assert_true(t >= b->min_ticks && t <= b->max_ticks);
            in_range += t >= from && t <= to;
            assert_true(!(exact || b->exact) || (t >= from && t <= to));
        }
    }
    ml_read_close(s);
    return in_range;
}

static void all_rows_come_from_segments_and_tail(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 80000);
    append_traces(s, 80000, 90000);
    append_traces(s, 90000, 90001);
    struct ml_reader *r = reader_open("a.db");
    struct ml_read *rd = read_begin(r);
    assert_int_equal(check_scan(rd, 0, ML_STORE_TICKS_MAX, false), 90001);
    ml_read_end(rd);
    ml_reader_close(r);
    ml_store_close(s);
}

static void a_time_range_reads_only_its_rows(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 200000);
    struct ml_reader *r = reader_open("a.db");
    struct ml_read *rd = read_begin(r);
    struct ml_reader_stats stats;
    int64_t from = T0 + 70000 * ML_STORE_TICKS_PER_S;
    int64_t to = T0 + 70999 * ML_STORE_TICKS_PER_S;
    assert_int_equal(check_scan(rd, from, to, true), 1000);
    ml_reader_stats(r, &stats);
    assert_int_equal(stats.blocks_read, 1);
    assert_int_equal(stats.blocks_pruned, 3);
    assert_int_equal(check_scan(rd, from + 1, from + 1, true), 0);
    assert_int_equal(check_scan(rd, from, from, true), 1);
    assert_int_equal(check_scan(rd, to + 1, from, true), 0);
    assert_int_equal(check_scan(rd, INT64_MIN, INT64_MAX, true), 200000);
    assert_int_equal(check_scan(rd, INT64_MIN, T0, true), 1);
    ml_read_end(rd);
    ml_reader_close(r);
    ml_store_close(s);
}

static void rows_that_came_out_of_order_are_sorted_in_segments(void **state)
{
    struct ml_store *s = store_open("a.db");
    struct rng rng = rng_new();
    struct ml_rows *rows = rows_new();
    for (int i = 0; i < 40000; i++)
        add_trace(rows, (int64_t)rng_below(&rng, 100000));
    assert_int_equal(ml_store_append(s, rows, NULL), ML_OK);
    ml_rows_free(rows);
    struct ml_reader *r = reader_open("a.db");
    struct ml_read *rd = read_begin(r);
    assert_int_equal(check_scan(rd, 0, ML_STORE_TICKS_MAX, true), 40000);
    int64_t half = T0 + 50000 * ML_STORE_TICKS_PER_S;
    int64_t before = check_scan(rd, 0, half - 1, true);
    assert_int_equal(before + check_scan(rd, half, ML_STORE_TICKS_MAX, true), 40000);
    ml_read_end(rd);
    ml_reader_close(r);
    ml_store_close(s);
}

static void a_column_is_decoded_once(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 65536);
    struct ml_reader *r = reader_open("a.db");
    struct ml_reader_stats first;
    struct ml_reader_stats second;
    for (int i = 0; i < 3; i++) {
        struct ml_read *rd = read_begin(r);
        check_scan(rd, 0, ML_STORE_TICKS_MAX, true);
        ml_read_end(rd);
        ml_reader_stats(r, i == 0 ? &first : &second);
    }
    assert_int_equal(first.columns_cached, 0);
    /* The two columns without content have no chunk; they are looked up, not decoded again. */
    assert_int_equal(second.columns_cached, 2 * 4);
    assert_true(second.cache_bytes > 0);
    ml_reader_close(r);
    ml_store_close(s);
}

static void a_read_does_not_see_what_came_later(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 1000);
    struct ml_reader *r = reader_open("a.db");
    struct ml_read *old = read_begin(r);
    append_traces(s, 1000, 1500);
    struct ml_read *young = read_begin(r);
    assert_int_equal(check_scan(young, 0, ML_STORE_TICKS_MAX, false), 1500);
    assert_int_equal(check_scan(old, 0, ML_STORE_TICKS_MAX, false), 1000);
    assert_int_equal(ml_store_seal(s, NULL), ML_OK);
    assert_int_equal(check_scan(old, 0, ML_STORE_TICKS_MAX, false), 1000);
    struct ml_read *youngest = read_begin(r);
    assert_int_equal(check_scan(youngest, 0, ML_STORE_TICKS_MAX, false), 1500);
    assert_int_equal(check_scan(young, 0, ML_STORE_TICKS_MAX, false), 1500);
    assert_int_equal(check_scan(old, 0, ML_STORE_TICKS_MAX, false), 1000);
    ml_read_end(youngest);
    ml_read_end(old);
    ml_read_end(young);
    ml_reader_close(r);
    ml_store_close(s);
}

static void a_growing_tail_is_read_again_and_again(void **state)
{
    struct ml_store *s = store_open("a.db");
    struct ml_reader *r = reader_open("a.db");
    for (int i = 0; i < 60; i++) {
        append_traces(s, i * 7, i * 7 + 7);
        struct ml_read *rd = read_begin(r);
        assert_int_equal(check_scan(rd, 0, ML_STORE_TICKS_MAX, false), (i + 1) * 7);
        ml_read_end(rd);
        if (i % 20 == 19)
            assert_int_equal(ml_store_seal(s, NULL), ML_OK);
    }
    ml_reader_close(r);
    ml_store_close(s);
}

/* Eight threads read while one appends and seals: every read sees whole batches of 100. */
struct race {
    struct ml_reader *reader;
    atomic_bool stop;
};

static void *race_reader(void *arg)
{
    struct race *race = arg;
    while (!atomic_load(&race->stop)) {
        struct ml_read *rd = read_begin(race->reader);
        assert_int_equal(check_scan(rd, 0, ML_STORE_TICKS_MAX, false) % 100, 0);
        ml_read_end(rd);
    }
    return NULL;
}

static void readers_and_a_writer_do_not_disturb_each_other(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 100);
    struct race race = {.reader = reader_open("a.db")};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race_reader, &race), 0);
    for (int i = 1; i < 60; i++) {
        append_traces(s, i * 100, i * 100 + 100);
        if (i % 25 == 0)
            assert_int_equal(ml_store_seal(s, NULL), ML_OK);
    }
    atomic_store(&race.stop, true);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    ml_reader_close(race.reader);
    ml_store_close(s);
}

static void views_show_the_same_rows_under_other_names(void **state)
{
    struct ml_store *s = store_open("a.db");
    struct ml_rows *rows = rows_new();
    static const char *const success[] = {"True", "False", "maybe"};
    for (int i = 0; i < 3; i++) {
        ml_rows_begin(rows, ML_TABLE_requests);
        ml_rows_i64(rows, ML_COL_timestamp, T0 + i);
        ml_rows_str(rows, ML_COL_success, ml_str_of(success[i]));
        ml_rows_f64(rows, ML_COL_duration, i + 0.5);
        assert_int_equal(ml_rows_end(rows), ML_OK);
    }
    assert_int_equal(ml_store_append(s, rows, NULL), ML_OK);
    ml_rows_free(rows);
    for (int sealed = 0; sealed < 2; sealed++) {
        const struct ml_store_view_info *v = ml_store_view_find(ML_STR("AppRequests"));
        struct ml_reader *r = reader_open("a.db");
        struct ml_read *rd = read_begin(r);
        struct ml_read_scan *scan = scan_open(rd, v->table, 0, ML_STORE_TICKS_MAX);
        struct ml_read_block *b = block_next(scan);
        assert_non_null(b);
        for (size_t i = 0; i < v->n_columns; i++) {
            struct ml_colview c;
            assert_int_equal(ml_read_view_column(b, v, i, &c, NULL), ML_OK);
            assert_int_equal(c.type, v->columns[i].type);
            if (ml_str_eq(v->columns[i].name, ML_STR("Success"))) {
                const uint8_t *values = c.fixed;
                assert_true(values[0] == 1 && !null_of(&c, 0));
                assert_true(values[1] == 0 && !null_of(&c, 1));
                assert_true(null_of(&c, 2));
            } else if (ml_str_eq(v->columns[i].name, ML_STR("Type"))) {
                assert_true(ml_str_eq(text_of(&c, 2), ML_STR("AppRequests")));
            } else if (ml_str_eq(v->columns[i].name, ML_STR("DurationMs"))) {
                assert_true(((const double *)c.fixed)[1] == 1.5);
            }
        }
        ml_read_block_free(b);
        ml_read_close(scan);
        ml_read_end(rd);
        ml_reader_close(r);
        assert_int_equal(ml_store_seal(s, NULL), ML_OK);
    }
    ml_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
        CASE(all_rows_come_from_segments_and_tail),
        CASE(a_time_range_reads_only_its_rows),
        CASE(rows_that_came_out_of_order_are_sorted_in_segments),
        CASE(a_column_is_decoded_once),
        CASE(a_read_does_not_see_what_came_later),
        CASE(a_growing_tail_is_read_again_and_again),
        CASE(readers_and_a_writer_do_not_disturb_each_other),
        CASE(views_show_the_same_rows_under_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
