/* tests/c/store/test_retention.c -- the oldest goes, the rest stays. SPDX-License-Identifier: MIT */
#include "sample.h"

static uint64_t rows_of(struct ml_store *s)
{
    struct ml_store_stats stats = {0};
    assert_int_equal(ml_store_stats(s, ML_TABLE_traces, &stats, NULL), ML_OK);
    return stats.rows;
}

static uint64_t retain(struct ml_store *s, struct ml_retention policy, int64_t now)
{
    uint64_t dropped = 0;
    struct ml_error e = {0};
    if (ml_store_retain(s, &policy, now, &dropped, &e) != ML_OK)
        fail_msg("%s", e.text);
    return dropped;
}

static void old_segments_and_old_tail_rows_go(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 131072);      /* two segments */
    append_traces(s, 131072, 132000); /* tail */
    int64_t now = T0 + 132000 * ML_STORE_TICKS_PER_S;
    struct ml_retention policy = {.max_age_ticks = 132000 * ML_STORE_TICKS_PER_S};
    assert_int_equal(retain(s, policy, now), 0);
    policy.max_age_ticks = 60000 * ML_STORE_TICKS_PER_S; /* the first segment is all older */
    assert_int_equal(retain(s, policy, now), 65536);
    policy.max_age_ticks = 100 * ML_STORE_TICKS_PER_S;
    assert_int_equal(retain(s, policy, now), 65536 + 828);
    assert_int_equal(rows_of(s), 100);
    policy.max_age_ticks = 1;
    assert_int_equal(retain(s, policy, now + ML_STORE_TICKS_PER_DAY), 100);
    append_traces(s, 132000, 132010); /* it still works */
    assert_int_equal(rows_of(s), 10);
    ml_store_close(s);
}

static void the_file_is_kept_below_its_size(void **state)
{
    struct ml_store *s = store_open("a.db");
    for (int i = 0; i < 6; i++)
        append_traces(s, i * 65536, (i + 1) * 65536);
    uint64_t before = 0;
    uint64_t after = 0;
    assert_int_equal(ml_store_bytes(s, &before, NULL), ML_OK);
    assert_int_equal(retain(s, (struct ml_retention){.max_bytes = before / 2}, T0) % 65536, 0);
    assert_int_equal(ml_store_bytes(s, &after, NULL), ML_OK);
    assert_true(after <= before / 2);
    uint64_t left = rows_of(s);
    assert_true(left > 0 && left < 6 * 65536);
    struct ml_store_stats stats;
    assert_int_equal(ml_store_stats(s, ML_TABLE_traces, &stats, NULL), ML_OK);
    assert_true(stats.max_ticks ==
                T0 + (6 * 65536 - 1) * ML_STORE_TICKS_PER_S); /* the newest stay */
    ml_store_close(s);
}

static void a_read_that_began_before_keeps_its_rows(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 65536);
    append_traces(s, 65536, 65600);
    struct ml_reader *r = reader_open("a.db");
    struct ml_read *rd = read_begin(r);
    retain(s, (struct ml_retention){.max_age_ticks = 1}, T0 + 9 * ML_STORE_TICKS_PER_DAY);
    struct ml_read_scan *scan = scan_open(rd, ML_TABLE_traces, 0, ML_STORE_TICKS_MAX);
    uint64_t n = 0;
    for (struct ml_read_block *b; (b = block_next(scan)) != NULL; ml_read_block_free(b)) {
        column_of(b, ML_COL_message);
        n += b->rows;
    }
    assert_int_equal(n, 65600);
    ml_read_close(scan);
    ml_read_end(rd);
    rd = read_begin(r);
    scan = scan_open(rd, ML_TABLE_traces, 0, ML_STORE_TICKS_MAX);
    assert_null(block_next(scan));
    ml_read_close(scan);
    ml_read_end(rd);
    ml_reader_close(r);
    ml_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
        CASE(old_segments_and_old_tail_rows_go),
        CASE(the_file_is_kept_below_its_size),
        CASE(a_read_that_began_before_keeps_its_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
