/* tests/c/host/test_worker.c -- a process at the other end: this test itself, started with a mode.
 *
 * SPDX-License-Identifier: MIT */
#include "host/worker.h"

#include "base/port.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { FD = 3 };

/* -- the peer ------------------------------------------------------------------------------------ */

static void peer_send(char type, const char *json)
{
    struct ml_buf b = {0};
    ml_wire_frame(&b, type, json);
    (void)!write(FD, b.p, b.n);
    ml_buf_free(&b);
}

static int peer(const char *mode)
{
    peer_send('H', "{\"protocol\":1}");
    if (strcmp(mode, "exit7") == 0) {
        fputs("last words\nno end of line", stderr);
        return 7;
    }
    if (strcmp(mode, "segv") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (strcmp(mode, "garbage") == 0) {
        (void)!write(FD, "\377\377\377\377garbage", 11);
        pause();
    }
    if (strcmp(mode, "print") == 0) {
        fputs("printed before\n", stdout);
        fflush(stdout);
        peer_send('R', "{\"id\":\"1\"}");
        pause();
    }
    if (strcmp(mode, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
    if (strcmp(mode, "long") == 0) {
        for (int i = 0; i < 200000; i++)
            fputc('x', stdout);
        return 0;
    }
    char b[65536]; /* "echo": ends at end of file or when told */
    ssize_t n;
    size_t total = 0;
    while ((n = read(FD, b, sizeof b)) > 0) {
        total += (size_t)n;
        if (memmem(b, (size_t)n, "\"reason\"", 8) != NULL)
            return total > 1000000 ? 33 : 0;
    }
    return 44;
}

/* -- the test's side ----------------------------------------------------------------------------- */

struct seen {
    struct ml_loop *loop;
    struct ml_worker *w;
    char log[4096]; /* what came, in order */
    size_t longest;
    int sent;
    bool ended;
    struct ml_worker_end end;
};

static void note(struct seen *s, const char *what, struct ml_str text)
{
    size_t at = strlen(s->log);
    if (text.n < 200)
        (void)snprintf(s->log + at, sizeof s->log - at, "%s:%.*s;", what, (int)text.n,
                       text.n != 0 ? text.p : "");
    if (text.n > s->longest)
        s->longest = text.n;
}

static void on_frame(void *user, struct ml_worker *w, const struct ml_frame *f)
{
    (void)w;
    note(user, "frame", (struct ml_str){&f->type, 1});
}

static void on_line(void *user, struct ml_worker *w, bool is_stderr, struct ml_str line)
{
    (void)w;
    note(user, is_stderr ? "err" : "out", line);
}

static void on_exit_(void *user, struct ml_worker *w)
{
    struct seen *s = user;
    s->ended = true;
    s->end = *ml_worker_end(w);
    ml_loop_stop(s->loop);
}

static void stop_loop(void *user)
{
    struct seen *s = user;
    ml_loop_stop(s->loop);
}

static void start(struct seen *s, const char *mode)
{
    static char self[PATH_MAX], flag[] = "--peer";
    static char word[32];
    extern char **environ;
    char *argv[] = {self, flag, word, NULL};
    const struct ml_worker_events ev = {s, on_frame, on_line, on_exit_};
    struct ml_error e;
    *s = (struct seen){0};
    (void)snprintf(word, sizeof word, "%s", mode);
    assert_int_equal(ml_program_path(self, sizeof self), ML_OK);
    assert_int_equal(ml_loop_new(&s->loop), ML_OK);
    assert_int_equal(ml_worker_new(s->loop, "/tmp", argv, environ, &ev, &s->w, &e), ML_OK);
}

static void run_for(struct seen *s, unsigned ms)
{
    struct ml_timer *t;
    assert_int_equal(ml_timer_new(s->loop, ms, 0, stop_loop, s, &t), ML_OK);
    ml_loop_run(s->loop);
    ml_timer_free(t);
}

static void finish(struct seen *s)
{
    ml_worker_free(s->w);
    ml_loop_free(s->loop);
}

static void exit_code_and_last_lines_are_told(void **state)
{
    struct seen s;
    (void)state;
    start(&s, "exit7");
    run_for(&s, 5000);
    assert_true(s.ended);
    assert_int_equal(s.end.code, 7);
    assert_int_equal(s.end.signal, 0);
    assert_false(s.end.asked);
    assert_non_null(strstr(s.log, "frame:H;"));
    assert_non_null(strstr(s.log, "err:last words;"));
    assert_non_null(strstr(s.log, "err:no end of line;"));
    finish(&s);
}

static void a_signal_is_told(void **state)
{
    struct seen s;
    (void)state;
    start(&s, "segv");
    run_for(&s, 5000);
    assert_true(s.ended);
    assert_int_equal(s.end.signal, SIGSEGV);
    assert_true(s.end.peak_rss_kib > 0);
    finish(&s);
}

static void broken_frames_end_the_process(void **state)
{
    struct seen s;
    (void)state;
    start(&s, "garbage");
    run_for(&s, 5000);
    assert_true(s.ended);
    assert_non_null(s.end.broken);
    assert_int_equal(s.end.signal, SIGKILL);
    finish(&s);
}

static void what_was_printed_comes_before_the_result(void **state)
{
    struct seen s;
    (void)state;
    start(&s, "print");
    run_for(&s, 300);
    const char *line = strstr(s.log, "out:printed before;"), *result = strstr(s.log, "frame:R;");
    assert_non_null(line);
    assert_non_null(result);
    assert_true(line < result);
    finish(&s); /* it still runs: freeing kills it */
}

static void stop_asks_then_kills(void **state)
{
    struct seen s;
    (void)state;
    start(&s, "echo");
    run_for(&s, 100);
    ml_worker_stop(s.w, "test", 2000, 2000);
    run_for(&s, 5000);
    assert_true(s.ended && s.end.asked);
    assert_int_equal(s.end.code, 0);
    finish(&s);
    start(&s, "stubborn");
    run_for(&s, 200);
    uint64_t before = ml_now_ns();
    ml_worker_stop(s.w, "test", 100, 100);
    run_for(&s, 5000);
    assert_true(s.ended);
    assert_int_equal(s.end.signal, SIGKILL);
    assert_in_range((ml_now_ns() - before) / 1000000, 150, 3000);
    finish(&s);
}

static void on_sent(void *user)
{
    struct seen *s = user;
    s->sent++;
}

static void much_is_sent_in_order(void **state)
{
    struct seen s;
    (void)state;
    start(&s, "echo");
    for (int i = 0; i < 20; i++) {
        struct ml_buf b = {0};
        size_t at = ml_wire_begin(&b, 'b');
        ml_buf_cstr(&b, "{}");
        ml_wire_end_json(&b, at);
        ml_buf_fill(&b, 'x', 100000);
        ml_wire_end(&b, at);
        assert_int_equal(ml_worker_send(s.w, &b, on_sent, &s), ML_OK);
        assert_null(b.p);
    }
    ml_worker_stop(s.w, "test", 4000, 1000);
    run_for(&s, 8000);
    assert_true(s.ended);
    assert_int_equal(s.sent, 20);
    assert_int_equal(s.end.code, 33);
    finish(&s);
}

static void long_lines_are_split(void **state)
{
    struct seen s;
    (void)state;
    start(&s, "long");
    run_for(&s, 5000);
    assert_true(s.ended);
    assert_int_equal(s.longest, 65536);
    finish(&s);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--peer") == 0)
        return peer(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_code_and_last_lines_are_told),
        cmocka_unit_test(a_signal_is_told),
        cmocka_unit_test(broken_frames_end_the_process),
        cmocka_unit_test(what_was_printed_comes_before_the_result),
        cmocka_unit_test(stop_asks_then_kills),
        cmocka_unit_test(much_is_sent_in_order),
        cmocka_unit_test(long_lines_are_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
