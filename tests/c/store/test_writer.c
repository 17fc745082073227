/* tests/c/store/test_writer.c -- the writer's thread: acknowledged means committed.
 * SPDX-License-Identifier: MIT */
#include "store/writer.h"

#include "sample.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

static struct ml_writer *writer_open(const char *name)
{
    struct ml_writer *w = NULL;
    struct ml_error e = {0};
    /* The sample's rows are years old: keep everything. */
    if (ml_writer_open(in_folder(name), &(struct ml_retention){0}, &w, &e) != ML_OK)
        fail_msg("%s", e.text);
    return w;
}

static uint64_t rows_in(const char *name)
{
    struct ml_store *s = store_open(name);
    struct ml_store_stats stats = {0};
    assert_int_equal(ml_store_stats(s, ML_TABLE_traces, &stats, NULL), ML_OK);
    ml_store_close(s);
    return stats.rows;
}

static atomic_int calls;

static void count_call(void *user, int status, const struct ml_error *e)
{
    assert_int_equal(status, ML_OK);
    assert_null(e);
    atomic_fetch_add(&calls, 1);
}

static void submitted_batches_share_commits(void **state)
{
    struct ml_writer *w = writer_open("a.db");
    atomic_store(&calls, 0);
    for (int i = 0; i < 500; i++) {
        struct ml_rows *r = rows_new();
        add_trace(r, i);
        assert_int_equal(ml_writer_submit(w, r, count_call, NULL), ML_OK);
    }
    ml_writer_flush(w);
    struct ml_writer_stats stats;
    ml_writer_stats(w, &stats);
    assert_int_equal(atomic_load(&calls), 500);
    assert_int_equal(stats.rows, 500);
    assert_int_equal(stats.batches, 500);
    assert_int_equal(stats.waiting_bytes, 0);
    assert_true(stats.commits >= 1 && stats.commits <= 500);
    assert_int_equal(rows_in("a.db"), 500);
    ml_writer_close(w);
}

static void closing_writes_what_waits(void **state)
{
    struct ml_writer *w = writer_open("a.db");
    for (int i = 0; i < 50; i++) {
        struct ml_rows *r = rows_new();
        add_trace(r, i);
        assert_int_equal(ml_writer_submit(w, r, NULL, NULL), ML_OK);
    }
    ml_writer_close(w);
    assert_int_equal(rows_in("a.db"), 50);
}

static void a_full_queue_refuses(void **state)
{
    struct ml_writer *w = writer_open("a.db");
    struct ml_store *other = store_open("a.db");
    char *text = calloc(1, 4 << 20);
    assert_non_null(text);
    memset(text, 'x', 4 << 20);
    int rc = ML_OK;
    int taken = 0;
    for (int i = 0; i < 200 && rc == ML_OK; i++) { /* 4 MiB each, faster than any disk */
        struct ml_rows *r = rows_new();
        ml_rows_begin(r, ML_TABLE_traces);
        ml_rows_str(r, ML_COL_message, (struct ml_str){text, 4 << 20});
        assert_int_equal(ml_rows_end(r), ML_OK);
        rc = ml_writer_submit(w, r, NULL, NULL);
        if (rc == ML_OK)
            taken++;
        else
            ml_rows_free(r);
    }
    assert_int_equal(rc, ML_EBUSY);
    ml_writer_close(w);
    ml_store_close(other);
    free(text);
    assert_int_equal(rows_in("a.db"), taken);
}

static void *append_many(void *arg)
{
    for (int i = 0; i < 20; i++) {
        struct ml_rows *r = rows_new();
        for (int k = 0; k < 5; k++)
            add_trace(r, i * 5 + k);
        assert_int_equal(ml_writer_append(arg, r, NULL), ML_OK);
        ml_rows_free(r);
    }
    return NULL;
}

static void several_threads_may_append(void **state)
{
    struct ml_writer *w = writer_open("a.db");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, w), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(rows_in("a.db"), 400);
    ml_writer_close(w);
}

static void say(void *user, int status, const struct ml_error *e)
{
    char ok = status == ML_OK ? '+' : '-';
    if (write(*(int *)user, &ok, 1) != 1)
        _exit(4);
}

static void what_was_called_back_survives_sigkill(void **state)
{
    for (int round = 0; round < 5; round++) {
        char name[32];
        int pipes[2];
        snprintf(name, sizeof name, "k%d.db", round);
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct ml_writer *w = writer_open(name);
            for (int i = 0;; i++) {
                struct ml_rows *r = rows_new();
                add_trace(r, i);
                while (ml_writer_submit(w, r, say, &pipes[1]) == ML_EBUSY)
                    usleep(100);
            }
        }
        close(pipes[1]);
        int64_t acknowledged = 0;
        char c;
        while (acknowledged < 200 + 300 * round && read(pipes[0], &c, 1) == 1)
            acknowledged += c == '+';
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &c, 1) == 1)
            acknowledged += c == '+';
        close(pipes[0]);
        assert_true((int64_t)rows_in(name) >= acknowledged);
        assert_true(acknowledged >= 200 + 300 * round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)
        CASE(submitted_batches_share_commits),
        CASE(closing_writes_what_waits),
        CASE(a_full_queue_refuses),
        CASE(several_threads_may_append),
        CASE(what_was_called_back_survives_sigkill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
