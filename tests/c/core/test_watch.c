/* tests/c/core/test_watch.c -- SPDX-License-Identifier: MIT */
#include "core/watch.h"

#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { MIB = 1 << 20, MS = 1000000 };

/* The thread sanitizer has shadow memory of four times what is touched, and no threads in forked
 * children: what depends on that is left to the other builds. */
#if defined(__SANITIZE_THREAD__)
enum { THREAD_SANITIZER = 1 };
#else
enum { THREAD_SANITIZER = 0 };
#endif

static struct ml_watch *watch_new(struct ml_watch_options o)
{
    struct ml_watch *w = NULL;
    assert_int_equal(ml_watch_new(&o, &w), ML_OK);
    return w;
}

static void start(struct ml_watch *w)
{
    struct ml_error e;
    assert_int_equal(ml_watch_start(w, &e), ML_OK);
}

static void touch_and_free(size_t n)
{
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    memset(p, 1, n);
    munmap(p, n);
}

static uint64_t highest(const struct ml_watch *w)
{
    const struct ml_series *s = ml_watch_series(w);
    uint64_t high = 0;
    for (size_t i = 0; i < ml_series_count(s); i++)
        high = ml_series_get(s, i).bytes > high ? ml_series_get(s, i).bytes : high;
    return high;
}

static void assert_times_rise(const struct ml_watch *w)
{
    const struct ml_series *s = ml_watch_series(w);
    for (size_t i = 1; i < ml_series_count(s); i++)
        assert_true(ml_series_get(s, i - 1).wall_ns <= ml_series_get(s, i).wall_ns);
}

static void a_short_watch_has_three_samples(void **state)
{
    for (enum ml_mem_kind kind = ML_MEM_RSS; kind <= ML_MEM_USS; kind++) {
        struct ml_watch *w = watch_new(
            (struct ml_watch_options){.kind = kind, .interval_ns = 1000u * MS});
        start(w);
        ml_watch_stop(w);
        assert_true(ml_series_count(ml_watch_series(w)) >= 3);
        assert_times_rise(w);
        assert_false(ml_watch_ended(w));
        ml_watch_free(w);
    }
}

static void looks_keep_to_their_times(void **state)
{
    struct ml_watch *w = watch_new((struct ml_watch_options){.interval_ns = 20 * MS});
    start(w);
    usleep(410000);
    ml_watch_stop(w);
    size_t n = ml_series_count(ml_watch_series(w));
    assert_true(n >= 10 && n <= 24); /* 22 on a quiet machine, never a burst */
    assert_times_rise(w);
    ml_watch_free(w);
}

/* The interval is far longer than the peak: only the kernel's mark can tell. */
static void a_peak_between_two_looks_is_found(void **state)
{
    if (ml_watch_peak_reset() != ML_OK)
        skip();
    touch_and_free(128 * MIB); /* an older, higher peak must not be told */
    struct ml_watch *w = watch_new((struct ml_watch_options){.interval_ns = 10000u * MS});
    start(w);
    uint64_t base = ml_series_get(ml_watch_series(w), 0).bytes;
    touch_and_free(50 * MIB);
    ml_watch_stop(w);
    assert_true(highest(w) >= base + 49 * MIB);
    assert_true(THREAD_SANITIZER || highest(w) <= base + 52 * MIB);
    assert_true(ml_series_get(ml_watch_series(w), ml_series_count(ml_watch_series(w)) - 1).bytes <
                base + 2 * MIB);
    ml_watch_free(w);
}

/* The same with a child that is added up: it is part of the peak. */
static void a_peak_includes_the_children(void **state)
{
    int told[2];
    char c;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        char *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, 64 * MIB);
        if (write(told[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(told[0], &c, 1), 1);
    struct ml_watch *w = watch_new(
        (struct ml_watch_options){.interval_ns = 10000u * MS, .children = true});
    start(w);
    uint64_t base = ml_series_get(ml_watch_series(w), 0).bytes;
    touch_and_free(200 * MIB);
    ml_watch_stop(w);
    assert_true(base >= 64 * MIB);
    assert_true(highest(w) >= base + 199 * MIB);
    assert_true(THREAD_SANITIZER || highest(w) <= base + 202 * MIB);
    ml_watch_free(w);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(told[0]);
    close(told[1]);
}

/* The inner watch and a bare reset wipe the mark that the outer one lives on. */
static void watches_nest(void **state)
{
    struct ml_watch_options rarely = {.interval_ns = 10000u * MS};
    struct ml_watch *outer = watch_new(rarely);
    start(outer);
    uint64_t base = ml_series_get(ml_watch_series(outer), 0).bytes;
    touch_and_free(80 * MIB);
    struct ml_watch *inner = watch_new(rarely);
    start(inner);
    touch_and_free(20 * MIB);
    ml_watch_stop(inner);
    if (ml_watch_peak_reset() == ML_OK)
        assert_true(THREAD_SANITIZER || highest(inner) <= base + 24 * MIB);
    ml_watch_stop(outer);
    assert_true(highest(inner) >= base + 19 * MIB);
    assert_true(highest(outer) >= base + 79 * MIB);
    ml_watch_free(inner);
    ml_watch_free(outer);
}

static void children_are_added_up(void **state)
{
    struct ml_watch *w = watch_new(
        (struct ml_watch_options){.interval_ns = 5 * MS, .children = true});
    int told[2];
    char c;
    assert_int_equal(pipe(told), 0);
    start(w);
    pid_t child = fork();
    if (child == 0) {
        char *p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, 64 * MIB);
        if (write(told[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(told[0], &c, 1), 1);
    usleep(50000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ml_watch_stop(w);
    assert_true(highest(w) >= ml_series_get(ml_watch_series(w), 0).bytes + 63 * MIB);
    ml_watch_free(w);
    close(told[0]);
    close(told[1]);
}

static void the_end_of_a_process_ends_the_watch(void **state)
{
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    struct ml_watch *w = watch_new((struct ml_watch_options){.pid = child, .interval_ns = 2 * MS});
    start(w);
    assert_false(ml_watch_ended(w));
    kill(child, SIGKILL); /* a zombie from here on: that is an end, too */
    for (int i = 0; i < 1000 && !ml_watch_ended(w); i++)
        usleep(2000);
    assert_true(ml_watch_ended(w));
    waitpid(child, NULL, 0);
    ml_watch_stop(w);
    assert_true(ml_series_count(ml_watch_series(w)) >= 1);
    ml_watch_free(w);
}

static void nobody_to_watch_is_an_error(void **state)
{
    struct ml_error e = {0};
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    struct ml_watch *w = watch_new((struct ml_watch_options){.pid = child, .interval_ns = MS});
    assert_int_equal(ml_watch_start(w, &e), ML_ENOTFOUND);
    assert_non_null(strstr(e.text, "no such process"));
    ml_watch_stop(w);
    assert_int_equal(ml_series_count(ml_watch_series(w)), 0);
    ml_watch_free(w);
}

static void a_watch_starts_once_and_stops_often(void **state)
{
    struct ml_watch *w = watch_new((struct ml_watch_options){.interval_ns = MS});
    ml_watch_stop(w); /* before start: nothing */
    start(w);
    assert_int_equal(ml_watch_start(w, NULL), ML_EBUSY);
    ml_watch_stop(w);
    size_t n = ml_series_count(ml_watch_series(w));
    ml_watch_stop(w);
    assert_int_equal(ml_series_count(ml_watch_series(w)), n);
    assert_int_equal(ml_watch_start(w, NULL), ML_EBUSY);
    ml_watch_free(w);
    ml_watch_free(NULL);
}

static void records_reach_the_file(void **state)
{
    char path[] = "/tmp/memline-test-watch-XXXXXX";
    char text[4096] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    struct ml_watch *w = watch_new((struct ml_watch_options){
        .interval_ns = 100 * MS, .each_child = true, .records = true, .fd = fd});
    start(w);
    for (int i = 0; i < 150 && lseek(fd, 0, SEEK_END) == 0; i++)
        usleep(20000);
    assert_true(lseek(fd, 0, SEEK_END) > 0); /* long before stop */
    ml_watch_stop(w);
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    char chld[64];
    snprintf(chld, sizeof chld, "\nCHLD %d ", (int)child);
    assert_memory_equal(text, "MEM ", 4);
    assert_non_null(strstr(text, chld));
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_int_equal(ml_watch_lost(w), 0);
    ml_watch_free(w);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fd);
}

static bool can_watch(void)
{
    struct ml_watch *w = watch_new((struct ml_watch_options){.interval_ns = MS});
    start(w);
    ml_watch_stop(w);
    bool can = ml_series_count(ml_watch_series(w)) >= 3;
    ml_watch_free(w);
    return can;
}

/* The thread is not in the child: stop and free must not wait for it, nor write its records. */
static void a_forked_child_has_the_samples_only(void **state)
{
    int fds[2];
    char text[65536];
    assert_int_equal(pipe(fds), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    struct ml_watch *w = watch_new(
        (struct ml_watch_options){.interval_ns = MS, .records = true, .fd = fds[1]});
    start(w);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(5);
            ml_watch_stop(w);
            bool fine = ml_series_count(ml_watch_series(w)) >= 1 &&
                        ml_series_get(ml_watch_series(w), 0).bytes > 0 &&
                        ml_watch_start(w, NULL) == ML_EBUSY;
            ml_watch_free(w);
            _exit(fine && (THREAD_SANITIZER || can_watch()) ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        assert_int_equal(status, 0);
        usleep(3000);
    }
    ml_watch_stop(w);
    size_t lines = 0;
    ssize_t n = read(fds[0], text, sizeof text);
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    assert_int_equal(lines, ml_series_count(ml_watch_series(w))); /* each sample once */
    ml_watch_free(w);
    close(fds[0]);
    close(fds[1]);
}

static volatile sig_atomic_t interrupted_in_main;
static pthread_t main_thread;

static void on_signal(int number)
{
    interrupted_in_main += pthread_equal(pthread_self(), main_thread) ? 1 : 1000;
}

static void signals_go_to_the_programs_threads(void **state)
{
    struct ml_watch *w = watch_new((struct ml_watch_options){.interval_ns = MS});
    main_thread = pthread_self();
    signal(SIGUSR1, on_signal);
    start(w);
    for (int i = 0; i < 50; i++) {
        kill(getpid(), SIGUSR1);
        usleep(1000);
    }
    ml_watch_stop(w);
    assert_int_equal(interrupted_in_main, 50);
    ml_watch_free(w);
}

static void *nested_watches(void *unused)
{
    for (int i = 0; i < 20; i++) {
        struct ml_watch *w = watch_new((struct ml_watch_options){.interval_ns = MS});
        start(w);
        ml_watch_peak_reset();
        usleep(1000);
        ml_watch_stop(w);
        if (ml_series_count(ml_watch_series(w)) < 3)
            return "too few samples";
        ml_watch_free(w);
    }
    return NULL;
}

static void threads_may_each_have_one(void **state)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, nested_watches, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *complaint = NULL;
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
}

static void no_memory_is_an_answer(void **state)
{
    struct ml_watch_options o = {.interval_ns = MS};
    struct ml_watch *w = NULL;
    ml_mem_fail_after(1);
    assert_int_equal(ml_watch_new(&o, &w), ML_ENOMEM);
    ml_mem_fail_after(0);
    assert_null(w);
    w = watch_new(o);
    ml_mem_fail_after(1); /* no room for samples: they are lost, and told */
    assert_int_equal(ml_watch_start(w, NULL), ML_OK);
    ml_watch_stop(w);
    ml_mem_fail_after(0);
    assert_int_equal(ml_series_count(ml_watch_series(w)), 0);
    assert_true(ml_watch_lost(w) >= 3);
    ml_watch_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_watch_has_three_samples),
        cmocka_unit_test(looks_keep_to_their_times),
        cmocka_unit_test(a_peak_between_two_looks_is_found),
        cmocka_unit_test(a_peak_includes_the_children),
        cmocka_unit_test(watches_nest),
        cmocka_unit_test(children_are_added_up),
        cmocka_unit_test(the_end_of_a_process_ends_the_watch),
        cmocka_unit_test(nobody_to_watch_is_an_error),
        cmocka_unit_test(a_watch_starts_once_and_stops_often),
        cmocka_unit_test(records_reach_the_file),
        cmocka_unit_test(a_forked_child_has_the_samples_only),
        cmocka_unit_test(signals_go_to_the_programs_threads),
        cmocka_unit_test(threads_may_each_have_one),
        cmocka_unit_test(no_memory_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
