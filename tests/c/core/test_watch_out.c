/* tests/c/core/test_watch_out.c -- SPDX-License-Identifier: MIT */
#include "core/watch_out.h"

#include "test.h"

#include <fcntl.h>
#include <signal.h>

static _Atomic uint64_t lost;

struct pipe_pair {
    int in;
    int out;
};

static struct pipe_pair pipe_new(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    lost = 0;
    return (struct pipe_pair){fds[0], fds[1]};
}

static void records_have_the_form_of_the_file(void **state)
{
    struct pipe_pair p = pipe_new();
    struct ml_watch_out o;
    char text[256] = "";
    ml_watch_out_init(&o, p.out, &lost);
    ml_watch_out_mem(&o, (10u << 20) + 524288, 1700000000123456789);
    ml_watch_out_child(&o, 4711, 1u << 20, 1700000000200000000);
    ml_watch_out_end(&o);
    ml_watch_out_release(&o);
    ssize_t n = read(p.in, text, sizeof text - 1);
    assert_true(n > 0);
    assert_string_equal(text,
                        "MEM 10.500000 1700000000.1235\nCHLD 4711 1.000000 1700000000.2000\n");
    close(p.in);
    close(p.out);
}

static void records_wait_at_most_a_second(void **state)
{
    struct pipe_pair p = pipe_new();
    struct ml_watch_out o;
    char text[256];
    fcntl(p.in, F_SETFL, O_NONBLOCK);
    ml_watch_out_init(&o, p.out, &lost);
    uint64_t now = ml_now_ns();
    ml_watch_out_mem(&o, 1, 1);
    ml_watch_out_flush_before(&o, now + 500000000u);
    assert_int_equal(read(p.in, text, sizeof text), -1); /* nothing there yet */
    ml_watch_out_flush_before(&o, now + 1500000000u);
    assert_true(read(p.in, text, sizeof text) > 0);
    ml_watch_out_release(&o);
    close(p.in);
    close(p.out);
}

/* A reader that reads `step` bytes after each flush gets whole records in order. */
static void a_slow_reader_gets_everything(void **state)
{
    enum { RECORDS = 20000 };
    struct pipe_pair p = pipe_new();
    struct ml_watch_out o;
    static char text[RECORDS * 48];
    size_t have = 0;
    fcntl(p.in, F_SETFL, O_NONBLOCK);
    fcntl(p.out, F_SETFL, O_NONBLOCK);
    fcntl(p.out, F_SETPIPE_SZ, 4096);
    ml_watch_out_init(&o, p.out, &lost);
    for (int i = 0; i < RECORDS; i++)
        ml_watch_out_child(&o, i, 1u << 20, 0);
    while (o.waiting.n > 0) {
        ml_watch_out_flush_before(&o, UINT64_MAX);
        ssize_t n = read(p.in, text + have, 1500);
        have += n > 0 ? (size_t)n : 0;
    }
    ml_watch_out_end(&o);
    for (ssize_t n; (n = read(p.in, text + have, sizeof text - have)) > 0;)
        have += (size_t)n;
    text[have] = '\0';
    const char *line = text;
    for (int i = 0; i < RECORDS; i++) {
        char want[64];
        int n = snprintf(want, sizeof want, "CHLD %d 1.000000 0.0000\n", i);
        assert_memory_equal(line, want, (size_t)n);
        line += n;
    }
    assert_int_equal(*line, '\0');
    assert_int_equal(lost, 0);
    ml_watch_out_release(&o);
    close(p.in);
    close(p.out);
}

static void a_reader_that_never_reads_costs_records_only(void **state)
{
    struct pipe_pair p = pipe_new();
    struct ml_watch_out o;
    ml_watch_out_init(&o, p.out, &lost); /* a blocking pipe: the write itself must not hang */
    uint64_t start = ml_now_ns();
    for (int i = 0; i < 60000; i++)
        ml_watch_out_mem(&o, (uint64_t)i, i);
    assert_true(lost > 0); /* beyond a megabyte */
    assert_true(o.waiting.n <= 1u << 20);
    ml_watch_out_end(&o);
    assert_true(ml_now_ns() - start < 5000000000u);
    assert_int_equal(o.waiting.n, 0);
    ml_watch_out_release(&o);
    close(p.in);
    close(p.out);
}

static void a_reader_that_left_ends_the_writing(void **state)
{
    struct pipe_pair p = pipe_new();
    struct ml_watch_out o;
    signal(SIGPIPE, SIG_IGN); /* as in the watch's thread, where it is blocked */
    close(p.in);
    ml_watch_out_init(&o, p.out, &lost);
    ml_watch_out_mem(&o, 1, 1);
    ml_watch_out_mem(&o, 2, 2);
    ml_watch_out_end(&o);
    assert_int_equal(lost, 2);
    ml_watch_out_mem(&o, 3, 3);
    assert_int_equal(lost, 3);
    ml_watch_out_release(&o);
    close(p.out);
}

/* /dev/full refuses every write as a full disk does. */
static void a_full_disk_is_tried_again(void **state)
{
    struct ml_watch_out o;
    char text[256] = "";
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    struct pipe_pair p = pipe_new();
    ml_watch_out_init(&o, full, &lost);
    ml_watch_out_mem(&o, 1u << 20, 0);
    ml_watch_out_flush_before(&o, UINT64_MAX);
    assert_int_equal(lost, 0);
    assert_true(dup2(p.out, full) >= 0); /* space again */
    ml_watch_out_end(&o);
    assert_true(read(p.in, text, sizeof text) > 0);
    assert_string_equal(text, "MEM 1.000000 0.0000\n");
    assert_int_equal(lost, 0);
    ml_watch_out_release(&o);
    close(full);
    close(p.in);
    close(p.out);
}

static void no_memory_costs_records_only(void **state)
{
    struct pipe_pair p = pipe_new();
    struct ml_watch_out o;
    ml_watch_out_init(&o, p.out, &lost);
    ml_mem_fail_after(1);
    ml_watch_out_mem(&o, 1, 1);
    ml_mem_fail_after(0);
    assert_int_equal(lost, 1);
    ml_watch_out_end(&o);
    ml_watch_out_release(&o);
    close(p.in);
    close(p.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_have_the_form_of_the_file),
        cmocka_unit_test(records_wait_at_most_a_second),
        cmocka_unit_test(a_slow_reader_gets_everything),
        cmocka_unit_test(a_reader_that_never_reads_costs_records_only),
        cmocka_unit_test(a_reader_that_left_ends_the_writing),
        cmocka_unit_test(a_full_disk_is_tried_again),
        cmocka_unit_test(no_memory_costs_records_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
