/* tests/c/core/test_proc.c -- SPDX-License-Identifier: MIT */
#include "core/proc.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { MIB = 1 << 20 };

/* The thread sanitizer's shadow memory is four times what is touched. */
#if defined(__SANITIZE_THREAD__)
enum { SHADOW = 6 };
#else
enum { SHADOW = 0 };
#endif

static uint64_t self_rss(void)
{
    uint64_t bytes = 0;
    assert_int_equal(ml_proc_self_rss(&bytes), ML_OK);
    return bytes;
}

static uint64_t memory_of(int32_t pid, enum ml_mem_kind kind)
{
    uint64_t bytes = 0;
    struct ml_error e;
    assert_int_equal(ml_proc_memory(pid, kind, &bytes, &e), ML_OK);
    return bytes;
}

/* n bytes of touched memory. */
static char *pages(size_t n)
{
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    memset(p, 1, n);
    return p;
}

/* The kernel takes back what it finds idle, and sanitizers keep books of their own. */
#define SLACK (6 * MIB)

static void assert_near(uint64_t a, uint64_t b, uint64_t slack)
{
    if (a > b + slack || b > a + slack)
        fail_msg("%llu and %llu differ by more than %llu", (unsigned long long)a,
                 (unsigned long long)b, (unsigned long long)slack);
}

/* A child that waits until it is told to end. */
static pid_t sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void kinds_have_names(void **state)
{
    enum ml_mem_kind kind = ML_MEM_RSS;
    assert_int_equal(ml_mem_kind_find("uss", &kind), ML_OK);
    assert_int_equal(kind, ML_MEM_USS);
    assert_int_equal(ml_mem_kind_find("pss", &kind), ML_OK);
    assert_int_equal(kind, ML_MEM_PSS);
    assert_int_equal(ml_mem_kind_find("vms", &kind), ML_ENOTFOUND);
    assert_int_equal(kind, ML_MEM_PSS); /* untouched */
}

static void each_kind_sees_touched_pages(void **state)
{
    for (enum ml_mem_kind kind = ML_MEM_RSS; kind <= ML_MEM_USS; kind++) {
        uint64_t before = memory_of(0, kind);
        char *p = pages(32 * MIB);
        assert_near(memory_of(0, kind), before + 32 * MIB, SLACK + SHADOW * 32 * MIB);
        munmap(p, 32 * MIB);
        assert_near(memory_of(0, kind), before, SLACK + SHADOW * 32 * MIB);
    }
}

/* Pages shared by two processes: rss counts them in both, pss halves them, uss leaves them out. */
static void kinds_differ_in_shared_pages(void **state)
{
    char *p = pages(32 * MIB);
    uint64_t rss = memory_of(0, ML_MEM_RSS);
    uint64_t pss = memory_of(0, ML_MEM_PSS);
    uint64_t uss = memory_of(0, ML_MEM_USS);
    pid_t child = sleeper();
    assert_near(memory_of(0, ML_MEM_RSS), rss, SLACK);
    assert_true(memory_of(0, ML_MEM_PSS) + 12 * MIB < pss);
    assert_true(memory_of(0, ML_MEM_USS) + 24 * MIB < uss);
    end(child);
    munmap(p, 32 * MIB);
}

static void own_id_is_the_same_as_none(void **state)
{
    assert_near(memory_of(getpid(), ML_MEM_RSS), self_rss(), SLACK);
}

static void another_process_is_read(void **state)
{
    pid_t child = sleeper();
    uint64_t bytes = memory_of(child, ML_MEM_RSS);
    assert_true(bytes > 0);
    assert_true(bytes < self_rss() + 8 * MIB);
    end(child);
}

static void no_process_says_so(void **state)
{
    struct ml_error e;
    uint64_t bytes = 77;
    pid_t child = sleeper();
    end(child);
    for (enum ml_mem_kind kind = ML_MEM_RSS; kind <= ML_MEM_USS; kind++) {
        assert_int_equal(ml_proc_memory(child, kind, &bytes, &e), ML_ENOTFOUND);
        assert_non_null(strstr(e.text, "no such process"));
    }
    assert_int_equal(ml_proc_peak(child, &bytes, &e), ML_ENOTFOUND);
    assert_int_equal(bytes, 77); /* untouched */
}

static void a_zombie_has_ended(void **state)
{
    uint64_t bytes = 0;
    siginfo_t info;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    for (enum ml_mem_kind kind = ML_MEM_RSS; kind <= ML_MEM_USS; kind++)
        assert_int_equal(ml_proc_memory(child, kind, &bytes, NULL), ML_ENOTFOUND);
    waitpid(child, NULL, 0);
}

static void a_child_reads_its_own(void **state)
{
    uint64_t parent = self_rss(); /* the descriptor is open now */
    pid_t child = fork();
    if (child == 0) {
        char *p = pages(64 * MIB);
        uint64_t bytes = 0;
        int rc = ml_proc_self_rss(&bytes);
        munmap(p, 64 * MIB);
        _exit(rc == ML_OK && bytes >= 64 * MIB ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_near(self_rss(), parent, SLACK);
}

/* Daemons close every descriptor; the number may then be a file of theirs. */
static void a_closed_descriptor_is_opened_anew(void **state)
{
    self_rss();
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    assert_true(self_rss() > 0);
    int theirs = open("/dev/null", O_RDONLY);
    for (int fd = 3; fd < 1024; fd++)
        if (fd != theirs)
            dup2(theirs, fd);
    errno = 123;
    uint64_t bytes = 0;
    int rc = ml_proc_self_rss(&bytes);
    assert_int_equal(errno, 123); /* kept, although a read failed */
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    if (rc == ML_OK) /* a machine without a limit has numbers beyond */
        assert_true(bytes > 0);
    assert_true(self_rss() > 0);
}

static void *read_often(void *unused)
{
    for (int i = 0; i < 2000; i++)
        if (self_rss() == 0)
            return "no memory";
    return NULL;
}

static void many_threads_may_read(void **state)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *complaint = NULL;
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
}

static void peak_stays_until_reset(void **state)
{
    uint64_t before = self_rss();
    uint64_t peak = 0;
    munmap(pages(64 * MIB), 64 * MIB);
    assert_int_equal(ml_proc_peak(0, &peak, NULL), ML_OK);
    assert_true(peak >= before + 63 * MIB);
    if (ml_proc_peak_reset() != ML_OK)
        skip();
    assert_int_equal(ml_proc_peak(0, &peak, NULL), ML_OK);
    assert_near(peak, self_rss(), SLACK);
}

/* Collects what ml__proc_read hands out. */
struct collected {
    size_t n;
    size_t pieces;
    size_t most_pieces;
};

static bool collect(void *ctx, const char *piece, size_t n)
{
    struct collected *c = ctx;
    c->n += n;
    c->pieces++;
    return c->pieces < c->most_pieces;
}

static void long_files_come_in_pieces(void **state)
{
    struct collected all = {.most_pieces = 1000};
    struct collected one = {.most_pieces = 1};
    int fd = ml__proc_open("self/smaps");
    assert_true(fd >= 0);
    assert_int_equal(ml__proc_read(fd, collect, &all), 0);
    assert_true(all.pieces > 1);
    assert_int_equal(ml__proc_read(fd, collect, &one), 0);
    assert_int_equal(one.pieces, 1);
    close(fd);
    assert_int_equal(ml__proc_open("self/nothing"), -ENOENT);
    assert_int_equal(ml__proc_read(-1, collect, &all), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(each_kind_sees_touched_pages),
        cmocka_unit_test(kinds_differ_in_shared_pages),
        cmocka_unit_test(own_id_is_the_same_as_none),
        cmocka_unit_test(another_process_is_read),
        cmocka_unit_test(no_process_says_so),
        cmocka_unit_test(a_zombie_has_ended),
        cmocka_unit_test(a_child_reads_its_own),
        cmocka_unit_test(many_threads_may_read),
        cmocka_unit_test(peak_stays_until_reset),
        cmocka_unit_test(long_files_come_in_pieces),
        cmocka_unit_test(a_closed_descriptor_is_opened_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
