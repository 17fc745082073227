/* tests/c/store/test_store.c -- appending, sealing, surviving. SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "sample.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct ml_store_stats stats_of(struct ml_store *s)
{
    struct ml_store_stats stats = {0};
    assert_int_equal(ml_store_stats(s, ML_TABLE_traces, &stats, NULL), ML_OK);
    return stats;
}

static void rows_are_there_after_reopening(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 10);
    ml_store_close(s);
    s = store_open("a.db");
    struct ml_store_stats stats = stats_of(s);
    assert_int_equal(stats.rows, 10);
    assert_int_equal(stats.sealed_rows, 0);
    assert_true(stats.min_ticks == T0);
    assert_true(stats.max_ticks == T0 + 9 * ML_STORE_TICKS_PER_S);
    ml_store_close(s);
}

static void long_batches_go_straight_to_segments(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 100000);
    struct ml_store_stats stats = stats_of(s);
    assert_int_equal(stats.rows, 100000);
    assert_int_equal(stats.sealed_rows, 100000);
    assert_int_equal(stats.segments, 2);
    ml_store_close(s);
}

static void a_long_tail_is_sealed(void **state)
{
    struct ml_store *s = store_open("a.db");
    for (int i = 0; i < 5; i++)
        append_traces(s, i * 15000, (i + 1) * 15000);
    struct ml_store_stats stats = stats_of(s);
    assert_int_equal(stats.rows, 75000);
    assert_int_equal(stats.sealed_rows, 65536);
    assert_int_equal(ml_store_seal(s, NULL), ML_OK);
    stats = stats_of(s);
    assert_int_equal(stats.rows, 75000);
    assert_int_equal(stats.sealed_rows, 75000);
    ml_store_close(s);
}

static void the_tail_is_an_ordinary_table(void **state)
{
    struct ml_store *s = store_open("a.db");
    append_traces(s, 0, 3);
    ml_store_close(s);
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_open(in_folder("a.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT message, severityLevel, customDimensions, itemType"
                                        " FROM traces ORDER BY timestamp DESC LIMIT 1",
                                        -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(st, 0), "message 2");
    assert_int_equal(sqlite3_column_int(st, 1), 2);
    assert_string_equal((const char *)sqlite3_column_text(st, 2), "{\"a\":1}");
    assert_string_equal((const char *)sqlite3_column_text(st, 3), "trace");
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static void other_files_are_refused_and_not_changed(void **state)
{
    struct ml_store *s = NULL;
    struct ml_error e = {0};
    FILE *f = fopen(in_folder("text.db"), "w");
    assert_non_null(f);
    for (int i = 0; i < 100; i++)
        fputs("this is not a database, it is a text file of some length\n", f);
    fclose(f);
    assert_int_equal(ml_store_open(in_folder("text.db"), &s, &e), ML_EFORMAT);
    assert_non_null(strstr(e.text, "text.db"));

    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(in_folder("other.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(ml_store_open(in_folder("other.db"), &s, &e), ML_EFORMAT);
    assert_non_null(strstr(e.text, "another program's"));

    struct ml_reader *r = NULL;
    assert_int_equal(ml_reader_open(in_folder("none.db"), 0, &r, &e), ML_ENOTFOUND);
    assert_int_equal(ml_store_open(in_folder("no/such/folder.db"), &s, &e), ML_EIO);
}

static void a_newer_version_is_refused(void **state)
{
    ml_store_close(store_open("a.db"));
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(in_folder("a.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct ml_store *s = NULL;
    struct ml_error e = {0};
    assert_int_equal(ml_store_open(in_folder("a.db"), &s, &e), ML_ENEWER);
}

/* The child appends batches of 50 and says after each ML_OK how many rows are acknowledged; with
 * `direct`, single batches of 40,000, which go straight to segments. */
static void child_appends(int fd, const char *path, bool direct)
{
    struct ml_store *s = NULL;
    if (ml_store_open(path, &s, NULL) != ML_OK)
        _exit(1);
    int64_t step = direct ? 40000 : 50;
    for (int64_t done = 0;; done += step) {
        struct ml_rows *r = rows_new();
        for (int64_t i = done; i < done + step; i++)
            add_trace(r, i);
        if (ml_store_append(s, r, NULL) != ML_OK)
            _exit(2);
        ml_rows_free(r);
        int64_t acknowledged = done + step;
        if (write(fd, &acknowledged, sizeof acknowledged) != sizeof acknowledged)
            _exit(3);
    }
}

/* Rows 0 .. n-1, each once and whole. */
static int64_t check_all(const char *name)
{
    struct ml_reader *r = reader_open(name);
    struct ml_read *rd = read_begin(r);
    struct ml_read_scan *s = scan_open(rd, ML_TABLE_traces, 0, ML_STORE_TICKS_MAX);
    int64_t n = 0;
    for (struct ml_read_block *b; (b = block_next(s)) != NULL; ml_read_block_free(b)) {
        struct ml_colview message = column_of(b, ML_COL_message);
        struct ml_colview id = column_of(b, ML_COL_itemId);
        for (uint32_t i = 0; i < b->rows; i++, n++) {
            char expected[64];
            snprintf(expected, sizeof expected, "message %lld", (long long)n);
            assert_true(ml_str_eq(text_of(&message, i), ml_str_of(expected)));
            assert_int_equal(text_of(&id, i).n, 36);
        }
    }
    ml_read_close(s);
    ml_read_end(rd);
    ml_reader_close(r);
    return n;
}

static void kill_while_appending(bool direct, int round)
{
    char name[32];
    int pipes[2];
    snprintf(name, sizeof name, "kill-%d-%d.db", direct, round);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(pipes[0]);
        child_appends(pipes[1], in_folder(name), direct);
    }
    close(pipes[1]);
    int64_t acknowledged = 0;
    int64_t enough = direct ? 40000 * (1 + round % 3) : 50 * (20 + 137 * round);
    while (acknowledged < enough)
        assert_int_equal(read(pipes[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    usleep((useconds_t)(round * 1700)); /* at another place of the next append each time */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(pipes[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    close(pipes[0]);
    int64_t found = check_all(name);
    assert_true(found >= acknowledged);
    assert_int_equal(found % (direct ? 40000 : 50), 0); /* whole batches only */
}

static void what_was_acknowledged_survives_sigkill(void **state)
{
    for (int round = 0; round < 6; round++) {
        kill_while_appending(false, round);
        kill_while_appending(true, round);
    }
}

static void sealing_survives_sigkill(void **state)
{
    for (int round = 0; round < 4; round++) {
        struct ml_store *s = store_open("seal.db");
        append_traces(s, round * 20000, (round + 1) * 20000);
        ml_store_close(s);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (ml_store_open(in_folder("seal.db"), &s, NULL) == ML_OK)
                ml_store_seal(s, NULL);
            _exit(0);
        }
        usleep((useconds_t)(5000 + round * 9000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_int_equal(check_all("seal.db"), (round + 1) * 20000);
    }
}

static void two_processes_may_append(void **state)
{
    struct ml_store *s = store_open("two.db");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ml_store *mine = NULL;
        if (ml_store_open(in_folder("two.db"), &mine, NULL) != ML_OK)
            _exit(1);
        for (int i = 0; i < 100; i++)
            append_traces(mine, i * 10, i * 10 + 10);
        ml_store_close(mine);
        _exit(0);
    }
    for (int i = 0; i < 100; i++)
        append_traces(s, i * 10, i * 10 + 10);
    int status = 0;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(stats_of(s).rows, 2000);
    ml_store_close(s);
}

static void a_full_disk_is_an_error_and_loses_nothing_before(void **state)
{
    struct ml_store *s = store_open("full.db");
    append_traces(s, 0, 100);
    ml_store_close(s);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* a file size limit stands for the full disk */
        struct rlimit limit = {256 << 10, 256 << 10};
        struct ml_error e = {0};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        if (ml_store_open(in_folder("full.db"), &s, &e) != ML_OK)
            _exit(1);
        struct ml_rows *r = rows_new();
        for (int64_t i = 100; i < 20000; i++)
            add_trace(r, i);
        int rc = ml_store_append(s, r, &e);
        _exit(rc == ML_EFULL || rc == ML_EIO ? 0 : 2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(check_all("full.db"), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
        CASE(rows_are_there_after_reopening),
        CASE(long_batches_go_straight_to_segments),
        CASE(a_long_tail_is_sealed),
        CASE(the_tail_is_an_ordinary_table),
        CASE(other_files_are_refused_and_not_changed),
        CASE(a_newer_version_is_refused),
        CASE(what_was_acknowledged_survives_sigkill),
        CASE(sealing_survives_sigkill),
        CASE(two_processes_may_append),
        CASE(a_full_disk_is_an_error_and_loses_nothing_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
