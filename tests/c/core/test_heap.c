/* core/heap: the hooks' protocol into a real book, and what a reader of the book sees. Blocks are addresses
 * only: the heap never looks into one. SPDX-License-Identifier: MIT */
#include "core/heap.h"

#include "core/snapshot.h"
#include "folder.h"
#include "test.h"

#include "counted.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* No block of this process is here. */
#define BASE ((uintptr_t)0x300000000000)

static _Atomic uintptr_t next_address = BASE;

static void *address_for(size_t n)
{
    return (void *)atomic_fetch_add(&next_address, n < 16 ? 16 : (n + 15) & ~(size_t)15);
}

/* --- what the hooks do ------------------------------------------------------------------------------ */

static void made(void *p, size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    assert_non_null(t);
    assert_null(ml_heap_begin()); /* inside: the inner hook passes */
    ml_heap_alloc(t, p, n);
    ml_heap_end(t);
}

static void *make(size_t n)
{
    void *p = address_for(n);
    made(p, n);
    return p;
}

static void drop(void *p, bool locked)
{
    told_freed(p, locked);
}

/* A realloc that answers q; NULL: it failed. */
static void resized(void *p, void *q, size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    struct ml_cell old = ml_heap_take(p);
    if (q != NULL)
        ml_heap_moved(t, p, old, q, n, true);
    else
        ml_heap_put(p, old);
    ml_heap_end(t);
}

/* --- what a reader sees --------------------------------------------------------------------------------- */

struct view {
    struct ml_heap_summary all;
    int64_t held;   /* over all accounts */
    uint64_t alloc; /* of lines */
    uint64_t alloc_n;
    uint64_t inherited;
    int64_t own_net; /* of lines */
    size_t lines;
};

/* The book as others read it; the laws hold at any moment at which no thread is at work. */
static struct view view_of(struct ml_book *b)
{
    struct view v = {.held = 0};
    struct ml_snapshot *s = NULL;
    struct ml_error e = {0};
    const struct ml_place *places;
    if (ml_snapshot_parse(ml_book_bytes(b), "test", &s, &e) != ML_OK)
        fail_msg("%s", e.text);
    assert_true(ml_snapshot_heap(s, &v.all));
    size_t n = ml_snapshot_places(s, &places);
    for (size_t i = 0; i < n; i++) {
        const struct ml_heap *h = &places[i].heap;
        v.held += ml_heap_held(h);
        v.inherited += h->inherited_bytes;
        assert_true(h->freed_bytes <= h->alloc_bytes + h->inherited_bytes);
        if (places[i].kind != ML_PLACE_LINE)
            continue;
        v.lines++;
        v.alloc += h->alloc_bytes;
        v.alloc_n += h->alloc_count;
        v.own_net += h->own_net_bytes;
    }
    assert_true(v.held == v.all.live_bytes);
    assert_true(v.own_net + v.all.outside.own_net_bytes + (int64_t)v.inherited == v.all.live_bytes);
    ml_snapshot_free(s);
    return v;
}

static struct view view(void)
{
    return view_of(counted_book);
}

/* --- blocks --------------------------------------------------------------------------------------------- */

static void what_is_allocated_and_not_freed_is_held(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t site = on_line(3);
    void *a = make(100);
    void *b = make(0);
    void *c = make(5000);
    void *huge = address_for((size_t)5 << 30);
    made(huge, (size_t)5 << 30);
    assert_int_equal(view().alloc_n, 4); /* not flushed: the reader adds what is pending */
    assert_true(held_by(site) == ((int64_t)5 << 30) + 5100);
    drop(huge, true);
    drop(a, true);
    drop(NULL, true);
    drop(b, false);
    assert_int_equal(held_by(site), 5000);
    assert_int_equal(ml_heap_thread()->net_bytes, 5000);
    assert_true(ml_heap_thread()->high_bytes == ((int64_t)5 << 30) + 5100);
    drop(c, false);
    struct figures f = figures_of(site);
    assert_int_equal(f.freed_count, 4);
    assert_true(f.freed_bytes == f.alloc_bytes);
    assert_int_equal(view().all.live_bytes, 0);
    assert_int_equal(view().all.foreign_frees, 0);
    counting_ends();
}

static void a_realloc_is_a_free_and_an_allocation(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t first = on_line(1);
    void *p = make(100);
    uint32_t second = on_line(2);
    void *q = address_for(9000);
    resized(p, q, 9000);
    assert_int_equal(held_by(first), 0);
    assert_int_equal(held_by(second), 9000);
    resized(q, NULL, 1 << 20); /* it failed: all as it was */
    assert_int_equal(held_by(second), 9000);
    on_line(1);
    resized(q, q, 50); /* in place; now the first line's */
    assert_int_equal(held_by(first), 50);
    assert_int_equal(held_by(second), 0);
    assert_int_equal(figures_of(first).reallocs, 1);
    assert_int_equal(figures_of(second).reallocs, 1);
    resized(NULL, address_for(10), 10); /* is a malloc */
    assert_int_equal(figures_of(first).reallocs, 1);
    assert_int_equal(view().all.live_bytes, 60);
    counting_ends();
}

static void what_we_do_not_see_is_told(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t site = on_line(1);
    void *p = make(64);
    void *large = make(70000);
    made(p, 32); /* the first was freed where we did not see it */
    made(large, 90000);
    drop(address_for(16), true);
    struct view v = view();
    assert_int_equal(v.all.stale_blocks, 2);
    assert_int_equal(v.all.stale_bytes, 70064);
    assert_int_equal(v.all.foreign_frees, 1);
    assert_int_equal(v.all.live_bytes, 90032);
    assert_int_equal(held_by(site), 90032);
    counting_ends();
}

static void a_disowned_block_was_never_there(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t site = on_line(1);
    make(10);
    struct figures before = figures_of(site);
    struct ml_heap_thread *t = ml_heap_thread();
    int64_t high = t->high_bytes;
    void *p = make(28);
    ml_heap_disown(t, p);
    struct figures after = figures_of(site);
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(t->high_bytes == high);
    assert_int_equal(view().all.live_bytes, 10);
    counting_ends();
}

static void random_work_obeys_the_laws(void **state)
{
    enum { BLOCKS = 500, LINES = 20 };
    static void *all[BLOCKS];
    static size_t sizes[BLOCKS];
    struct rng r = rng_new();
    int64_t live = 0;
    counting_begins(ML_HEAP_EXACT);
    for (int i = 0; i < 20000; i++) {
        size_t k = rng_below(&r, BLOCKS);
        size_t n = (size_t)rng_below(&r, rng_below(&r, 10) == 0 ? 100000 : 600);
        void *p = address_for(n);
        on_line((unsigned)rng_below(&r, LINES));
        live -= (int64_t)sizes[k];
        if (all[k] == NULL) {
            made(p, n);
        } else if (rng_below(&r, 2) == 0) {
            resized(all[k], p, n);
        } else {
            drop(all[k], rng_below(&r, 2));
            p = NULL;
            n = 0;
        }
        all[k] = p;
        sizes[k] = n;
        live += (int64_t)n;
        if (i % 500 == 0)
            assert_true(view().all.live_bytes == live);
    }
    assert_true(view().all.live_bytes == live && ml_heap_live() == live);
    memset(all, 0, sizeof all);
    memset(sizes, 0, sizeof sizes);
    counting_ends();
}

/* --- threads -------------------------------------------------------------------------------------------- */

struct job {
    uint32_t site; /* ML_SITE_NATIVE: it never runs Python */
    void *free;
    void *kept;
};

static void *do_job(void *p)
{
    struct job *job = p;
    if (job->site != ML_SITE_NATIVE) {
        ml_heap_python(ml_heap_thread());
        ml_heap_switch(ml_heap_thread(), job->site);
    }
    drop(make(1000), false);
    job->kept = make(24);
    if (job->free != NULL)
        drop(job->free, false);
    return NULL;
}

static void run_in_a_thread(struct job *job)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, do_job, job), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void what_threads_did_stays_when_they_have_ended(void **state)
{
    enum { THREADS = 1500 }; /* more than there are slots */
    counting_begins(ML_HEAP_EXACT);
    uint32_t site = on_line(1);
    struct job job = {.site = site};
    for (int i = 0; i < THREADS; i++) {
        job.free = job.kept;
        run_in_a_thread(&job);
    }
    struct view v = view();
    assert_int_equal(v.all.live_bytes, 24);
    assert_int_equal(v.alloc, 1024 * THREADS);
    assert_int_equal(figures_of(site).freed_count, 2 * THREADS - 1);
    assert_int_equal(v.all.foreign_frees, 0);
    struct job native = {.site = ML_SITE_NATIVE};
    run_in_a_thread(&native);
    v = view();
    assert_int_equal(v.all.threads.alloc_bytes, 1024);
    assert_int_equal(v.all.live_bytes, 48);
    drop(native.kept, true);
    assert_int_equal(view().all.live_bytes, 24);
    counting_ends();
}

static pthread_barrier_t all_are_there;

/* With small stacks, since they are many. */
static void start_each(pthread_t *threads, int n, void *(*body)(void *), struct job *jobs)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 << 10);
    pthread_barrier_init(&all_are_there, NULL, (unsigned)n + 1);
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], &small, body, &jobs[i]), 0);
    pthread_attr_destroy(&small);
}

static void *stay(void *p)
{
    do_job(p);
    pthread_barrier_wait(&all_are_there);
    pthread_barrier_wait(&all_are_there);
    return NULL;
}

/* Of several tables in the book: a reader sees what each thread has not told its line yet, and the file is
 * what a process that is killed leaves. */
static void more_threads_at_once_than_one_table_has_slots(void **state)
{
    enum { THREADS = 2300 };
    static pthread_t threads[THREADS];
    static struct job jobs[THREADS];
    counting_begins(ML_HEAP_EXACT);
    uint32_t site = on_line(1);
    for (int n = 0; n < THREADS; n++)
        jobs[n] = (struct job){.site = n % 2 != 0 ? site : ML_SITE_NATIVE};
    start_each(threads, THREADS, stay, jobs);
    pthread_barrier_wait(&all_are_there);
    assert_int_equal(ml_heap_live(), 24 * THREADS);
    struct view v = view();
    assert_int_equal(v.all.live_bytes, 24 * THREADS);
    assert_int_equal(v.alloc_n, THREADS);
    assert_int_equal(v.all.threads.alloc_count, THREADS);
    struct ml_snapshot *s = NULL;
    struct ml_error e = {0};
    struct ml_heap_summary file;
    assert_int_equal(ml_snapshot_read(ml_book_path(counted_book), &s, &e), ML_OK);
    assert_true(ml_snapshot_heap(s, &file));
    assert_int_equal(file.live_bytes, 24 * THREADS);
    ml_snapshot_free(s);
    pthread_barrier_wait(&all_are_there);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    v = view();
    assert_int_equal(v.all.live_bytes, 24 * THREADS);
    assert_int_equal(v.alloc_n, THREADS);
    assert_int_equal(v.all.threads.alloc_count, THREADS);
    pthread_barrier_destroy(&all_are_there);
    counting_ends();
}

/* Those beyond the first table meet another book, and count in it. */
static void *stay_and_go_on(void *p)
{
    do_job(p);
    pthread_barrier_wait(&all_are_there);
    pthread_barrier_wait(&all_are_there);
    make(7);
    pthread_barrier_wait(&all_are_there);
    pthread_barrier_wait(&all_are_there);
    return NULL;
}

static void many_threads_go_on_in_another_book(void **state)
{
    enum { THREADS = 1500 };
    static pthread_t threads[THREADS];
    static struct job jobs[THREADS];
    counting_begins(ML_HEAP_EXACT);
    for (int n = 0; n < THREADS; n++)
        jobs[n] = (struct job){.site = ML_SITE_NATIVE};
    start_each(threads, THREADS, stay_and_go_on, jobs);
    pthread_barrier_wait(&all_are_there);
    counting_ends();
    counting_begins(ML_HEAP_EXACT);
    pthread_barrier_wait(&all_are_there);
    pthread_barrier_wait(&all_are_there);
    assert_int_equal(view().all.live_bytes, 7 * THREADS);
    assert_int_equal(view().all.threads.alloc_count, THREADS);
    pthread_barrier_wait(&all_are_there);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(view().all.live_bytes, 7 * THREADS);
    pthread_barrier_destroy(&all_are_there);
    counting_ends();
}

/* Threads hand blocks to each other: each frees what the one before made. */
static _Atomic(void *) hands[4];

static void *pass_on(void *which)
{
    size_t me = (size_t)(uintptr_t)which;
    for (int i = 0; i < 20000; i++) {
        void *p = make(8 + (size_t)i % 4000);
        p = atomic_exchange(&hands[(me + (size_t)i) % 4], p);
        if (p != NULL)
            drop(p, false);
    }
    return NULL;
}

static void blocks_may_be_freed_by_any_thread(void **state)
{
    pthread_t threads[4];
    counting_begins(ML_HEAP_EXACT);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pass_on, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        void *p = atomic_exchange(&hands[i], NULL);
        if (p != NULL)
            drop(p, false);
    }
    struct view v = view();
    assert_int_equal(v.all.live_bytes, 0);
    assert_int_equal(v.all.threads.alloc_count, 80000);
    assert_int_equal(v.all.threads.freed_count, 80000);
    assert_int_equal(v.all.foreign_frees + v.all.stale_blocks, 0);
    counting_ends();
}

/* --- books ------------------------------------------------------------------------------------------------- */

static void off_nothing_is_counted_and_another_book_begins_at_0(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    on_line(1);
    void *p = make(100);
    struct ml_book *first = counted_book;
    ml_heap_stop();
    assert_null(ml_heap_begin());
    assert_null(ml_heap_thread());
    assert_int_equal(ml_heap_site_here(), ML_SITE_NONE);
    assert_int_equal(view_of(first).all.live_bytes, 100); /* what was counted stays */
    ml_heap_stop();
    uint32_t era = ml_heap_era;
    struct ml_error e;
    assert_int_equal(ml_book_create(in_folder("second.book"), 1, &counted_book, &e), ML_OK);
    assert_int_equal(ml_book_function(counted_book, ML_STR("a.py"), ML_STR("f"), 1, COUNTED_LINES,
                                      &counted_lines),
                     ML_OK);
    assert_int_equal(ml_heap_start(counted_book, ML_HEAP_EXACT), ML_OK);
    assert_true(ml_heap_era != era);
    on_line(2);
    drop(p, true); /* of another era */
    make(7);
    struct view v = view();
    assert_int_equal(v.all.foreign_frees, 1);
    assert_int_equal(v.all.live_bytes, 7);
    assert_int_equal(view_of(first).all.live_bytes, 100);
    counting_ends();
    ml_book_retire(first, 1);
}

static void the_mode_may_change_while_blocks_live(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t site = on_line(1);
    void *p = make(3000);
    assert_int_equal(ml_heap_start(counted_book, ML_HEAP_SAMPLE), ML_OK);
    drop(p, true);
    assert_int_equal(held_by(site), 0);
    assert_int_equal(view().all.live_bytes, 0);
    assert_int_equal(view().all.mode, ML_HEAP_SAMPLE);
    void *big = address_for((size_t)1 << 30);
    made(big, (size_t)1 << 30); /* sampled for certain, and its weight is its size */
    assert_int_equal(held_by(site), 1 << 30);
    assert_int_equal(ml_heap_start(counted_book, ML_HEAP_EXACT), ML_OK);
    resized(big, NULL, 5);
    drop(big, true);
    assert_int_equal(view().all.live_bytes, 0);
    assert_int_equal(view().all.foreign_frees, 0);
    counting_ends();
}

/* The n lines of another function. */
static struct ml_line *many_lines(struct ml_book *b, uint32_t n)
{
    struct ml_line *lines;
    assert_int_equal(ml_book_function(b, ML_STR("b.py"), ML_STR("g"), 1, n, &lines), ML_OK);
    return lines;
}

static void accounts_are_as_many_as_lines(void **state)
{
    enum { LINES = 10000 };
    counting_begins(ML_HEAP_EXACT);
    struct ml_line *lines = many_lines(counted_book, LINES);
    for (uint32_t i = 0; i < LINES; i++) {
        uint32_t site = ml_heap_site(&lines[i], 0, 0);
        ml_heap_switch(ml_heap_thread(), site);
        make(i % 100 + 1);
    }
    for (uint32_t i = 0; i < LINES; i++) /* and each has its own for good */
        assert_int_equal(held_by(ml_heap_site(&lines[i], 0, 0)), i % 100 + 1);
    struct view v = view();
    assert_int_equal(v.lines, LINES);
    assert_int_equal(v.alloc, LINES / 100 * 5050);
    assert_int_equal(v.all.lost_accounts, 0);
    counting_ends();
}

static void a_line_met_again_on_its_own_path_has_one_account(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t a = ml_heap_site(&counted_lines[0], 0, 0);
    uint32_t b = ml_heap_site(&counted_lines[1], 0, a);
    uint32_t c = ml_heap_site(&counted_lines[0], 0, b);
    assert_int_equal(c, a);
    assert_int_equal(ml_heap_site(&counted_lines[1], 0, c), b);
    assert_int_not_equal(ml_heap_site(&counted_lines[1], 0, 0), b);
    counting_ends();
}

static int wait_for(pid_t pid)
{
    int status = -1;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* In a child; the number of the step that failed. */
static int fill_the_book(void)
{
    struct rlimit most = {1 << 20, 1 << 20};
    enum { LINES = 10000 };
    struct ml_line *lines;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &most);
    counting_begins(ML_HEAP_EXACT);
    if (ml_book_function(counted_book, ML_STR("b.py"), ML_STR("g"), 1, LINES, &lines) != ML_OK)
        return 1;
    int lost = 0;
    for (uint32_t i = 0; i < LINES; i++) {
        uint32_t site = ml_heap_site(&lines[i], 0, 0);
        lost += site == ML_SITE_OUTSIDE;
        ml_heap_switch(ml_heap_thread(), site);
        drop(make(8), true);
        make(3);
    }
    if (lost == 0 || lost == LINES)
        return 2;
    struct view v = view();
    if (v.all.lost_accounts != (uint64_t)lost || v.all.live_bytes != 3 * LINES)
        return 3;
    if (v.all.outside.alloc_count != 2 * (uint64_t)lost)
        return 4;
    counting_ends();
    return 0;
}

static void a_full_book_charges_outside_and_says_so(void **state)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(fill_the_book());
    assert_int_equal(wait_for(pid), 0);
}

/* No room for the tables either: then it is as it was, off. */
static int start_in_a_full_book(void)
{
    struct rlimit most = {96 << 10, 96 << 10};
    struct ml_book *b;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &most);
    if (ml_book_create(in_folder("small.book"), 1, &b, NULL) != ML_OK)
        return 1;
    if (ml_heap_start(b, ML_HEAP_EXACT) != ML_EFULL)
        return 2;
    if (ml_heap_begin() != NULL || ml_heap_live() != 0 || ml_heap_thread() != NULL)
        return 3;
    ml_book_discard(b);
    return 0;
}

static void a_book_without_room_is_refused(void **state)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(start_in_a_full_book());
    assert_int_equal(wait_for(pid), 0);
}

/* --- forks ----------------------------------------------------------------------------------------------- */

static int in_the_child(void *p, uint32_t site)
{
    if (ml_heap_begin() != NULL)
        return 1; /* the book is still the parent's */
    if (ml_book_fork_child(counted_book, NULL) != ML_OK)
        return 2;
    ml_heap_after_fork();
    struct view v = view();
    if (v.inherited != 300 || v.all.live_bytes != 300 || v.alloc != 0)
        return 3;
    make(50);
    drop(p, true);
    v = view();
    if (v.inherited != 300 || v.all.live_bytes != 250 || v.alloc != 50)
        return 4;
    if (held_by(site) != -50) /* this one knows nothing of what was inherited */
        return 5;
    return ml_heap_live() == -50 ? 0 : 6;
}

static void a_forked_child_begins_at_0_with_what_it_inherits(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t site = on_line(1);
    void *p = make(100);
    make(200);
    pid_t pid = fork();
    if (pid == 0)
        _exit(in_the_child(p, site));
    assert_int_equal(wait_for(pid), 0);
    assert_int_equal(view().all.live_bytes, 300);
    assert_int_equal(view().alloc, 300);
    drop(p, true);
    assert_int_equal(held_by(site), 200);
    counting_ends();
}

/* --- without memory ---------------------------------------------------------------------------------------- */

struct attempt {
    int n;
};

/* A thousand accounts, which is more than the table of keys begins with. */
static int many_accounts(void *context)
{
    struct attempt *at = context;
    struct ml_book *b;
    struct ml_line *lines;
    char name[32];
    snprintf(name, sizeof name, "book.%d", at->n++);
    int rc = ml_book_create(in_folder(name), 1, &b, NULL);
    if (rc != ML_OK)
        return rc;
    rc = ml_heap_start(b, ML_HEAP_EXACT);
    if (rc == ML_OK)
        rc = ml_book_function(b, ML_STR("b.py"), ML_STR("g"), 1, 40000, &lines);
    for (uint32_t i = 0; rc == ML_OK && i < 40000; i++) {
        uint32_t site = ml_heap_site(&lines[i], 0, 0);
        ml_heap_switch(ml_heap_thread(), site);
        drop(make(5), true);
        if (site == ML_SITE_OUTSIDE) { /* told, and counted there */
            assert_true(atomic_load(&ml_heap_totals->lost_accounts) == 1);
            rc = ML_ENOMEM;
        }
    }
    ml_mem_fail_after(0);
    if (ml_heap_thread() != NULL)
        assert_int_equal(view_of(b).all.live_bytes, 0);
    ml_heap_stop();
    ml_book_retire(b, 1);
    return rc;
}

static void without_memory_accounts_are_lost_and_nothing_else(void **state)
{
    struct attempt at = {0};
    assert_true(fail_each(many_accounts, &at) > 1);
    assert_true(at.n > 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_allocated_and_not_freed_is_held),
        CASE(a_realloc_is_a_free_and_an_allocation),
        CASE(what_we_do_not_see_is_told),
        CASE(a_disowned_block_was_never_there),
        CASE(random_work_obeys_the_laws),
        CASE(what_threads_did_stays_when_they_have_ended),
        CASE(more_threads_at_once_than_one_table_has_slots),
        CASE(many_threads_go_on_in_another_book),
        CASE(blocks_may_be_freed_by_any_thread),
        CASE(off_nothing_is_counted_and_another_book_begins_at_0),
        CASE(the_mode_may_change_while_blocks_live),
        CASE(accounts_are_as_many_as_lines),
        CASE(a_line_met_again_on_its_own_path_has_one_account),
        CASE(a_full_book_charges_outside_and_says_so),
        CASE(a_book_without_room_is_refused),
        CASE(a_forked_child_begins_at_0_with_what_it_inherits),
        CASE(without_memory_accounts_are_lost_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
