/* tests/c/core/test_proc_tree.c -- SPDX-License-Identifier: MIT */
#include "core/proc_tree.h"

#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

typedef int search(int32_t pid, struct ml_proc_list *out);

/* This process -> child -> `grandchildren` more. Every one says so through a pipe, then waits. */
struct family {
    pid_t child;
    pid_t grandchildren[8];
    int n;
};

static pid_t forked_by_thread;

static void *fork_in_thread(void *unused)
{
    forked_by_thread = fork();
    if (forked_by_thread == 0)
        pause();
    return NULL;
}

static struct family family_new(int grandchildren)
{
    struct family f = {.n = grandchildren};
    int told[2];
    assert_int_equal(pipe(told), 0);
    f.child = fork();
    if (f.child == 0) {
        for (int i = 0; i < grandchildren; i++) {
            pid_t pid = fork();
            if (pid == 0)
                for (;;)
                    pause();
            if (write(told[1], &pid, sizeof pid) != sizeof pid)
                _exit(1);
        }
        for (;;)
            pause();
    }
    for (int i = 0; i < grandchildren; i++)
        assert_int_equal(read(told[0], &f.grandchildren[i], sizeof(pid_t)), sizeof(pid_t));
    close(told[0]);
    close(told[1]);
    return f;
}

static void family_end(struct family *f)
{
    for (int i = 0; i < f->n; i++)
        kill(f->grandchildren[i], SIGKILL);
    kill(f->child, SIGKILL);
    waitpid(f->child, NULL, 0);
}

static bool has(const struct ml_proc_list *l, pid_t pid)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].pid == pid)
            return true;
    return false;
}

static void check_family(search *find, int32_t root, const struct family *f)
{
    struct ml_proc_list l = {0};
    assert_int_equal(find(root, &l), ML_OK);
    assert_int_equal(l.n, 1 + f->n);
    assert_true(has(&l, f->child));
    for (int i = 0; i < f->n; i++)
        assert_true(has(&l, f->grandchildren[i]));
    ml_proc_list_free(&l);
}

static int tree_rss(int32_t pid, struct ml_proc_list *out)
{
    return ml_proc_tree(pid, ML_MEM_RSS, out);
}

static void every_search_finds_all_generations(void **state)
{
    struct family f = family_new(8);
    check_family(ml__proc_tree_walk, getpid(), &f);
    check_family(ml__proc_tree_scan, getpid(), &f);
    check_family(tree_rss, 0, &f);
    family_end(&f);
}

static void children_of_every_thread_count(void **state)
{
    static search *const searches[] = {ml__proc_tree_walk, ml__proc_tree_scan};
    pthread_t thread;
    /* The child's parent is the thread; when it has ended, the process's main thread takes over. */
    assert_int_equal(pthread_create(&thread, NULL, fork_in_thread, NULL), 0);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct ml_proc_list l = {0};
        assert_int_equal(searches[i](getpid(), &l), ML_OK);
        assert_int_equal(l.n, 1);
        assert_int_equal(l.at[0].pid, forked_by_thread);
        ml_proc_list_free(&l);
    }
    kill(forked_by_thread, SIGKILL);
    waitpid(forked_by_thread, NULL, 0);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_t thread;
};

static void *fork_and_wait(void *ctx)
{
    struct waiting *w = ctx;
    forked_by_thread = fork();
    if (forked_by_thread == 0)
        for (;;)
            pause();
    pthread_mutex_lock(&w->lock); /* until the test lets go */
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void a_living_thread_has_children_of_its_own(void **state)
{
    struct waiting w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct ml_proc_list l = {0};
    forked_by_thread = 0;
    pthread_mutex_lock(&w.lock);
    assert_int_equal(pthread_create(&w.thread, NULL, fork_and_wait, &w), 0);
    for (int i = 0; i < 500 && l.n == 0; i++) {
        usleep(2000);
        assert_int_equal(ml_proc_tree(0, ML_MEM_RSS, &l), ML_OK);
    }
    assert_int_equal(l.n, 1);
    pid_t child = l.at[0].pid;
    pthread_mutex_unlock(&w.lock);
    pthread_join(w.thread, NULL);
    assert_int_equal(child, forked_by_thread);
    ml_proc_list_free(&l);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void members_are_measured_and_sorted(void **state)
{
    struct family f = family_new(4);
    struct ml_proc_list l = {0};
    for (enum ml_mem_kind kind = ML_MEM_RSS; kind <= ML_MEM_USS; kind++) {
        uint64_t sum = 0;
        assert_int_equal(ml_proc_tree(0, kind, &l), ML_OK);
        assert_int_equal(l.n, 5);
        for (size_t i = 0; i < l.n; i++) {
            assert_true(l.at[i].bytes > 0);
            assert_true(i == 0 || l.at[i - 1].pid < l.at[i].pid);
            sum += l.at[i].bytes;
        }
        assert_true(ml_proc_list_sum(&l) == sum);
    }
    ml_proc_list_free(&l);
    family_end(&f);
}

static void the_ended_are_left_out(void **state)
{
    struct ml_proc_list l = {0};
    siginfo_t info;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(ml_proc_tree(0, ML_MEM_RSS, &l), ML_OK);
    assert_int_equal(l.n, 0); /* a zombie */
    waitpid(child, NULL, 0);
    assert_int_equal(ml_proc_tree(child, ML_MEM_RSS, &l), ML_OK);
    assert_int_equal(l.n, 0); /* nobody */
    ml_proc_list_free(&l);
}

static int try_walk(void *unused)
{
    struct ml_proc_list l = {0};
    int rc = ml__proc_tree_walk(getpid(), &l);
    ml_proc_list_free(&l);
    return rc;
}

static int try_scan(void *unused)
{
    struct ml_proc_list l = {0};
    int rc = ml__proc_tree_scan(getpid(), &l);
    ml_proc_list_free(&l);
    return rc;
}

static void no_memory_is_an_answer(void **state)
{
    struct family f = family_new(1);
    assert_true(fail_each(try_walk, NULL) > 1);
    assert_true(fail_each(try_scan, NULL) > 2);
    family_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_search_finds_all_generations),
        cmocka_unit_test(children_of_every_thread_count),
        cmocka_unit_test(a_living_thread_has_children_of_its_own),
        cmocka_unit_test(members_are_measured_and_sorted),
        cmocka_unit_test(the_ended_are_left_out),
        cmocka_unit_test(no_memory_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
