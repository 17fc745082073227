/* core/maps: the map of mappings beside an array of pages. SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/folder.h"
#include "core/maps.h"

#include "core/counted.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { PAGE = 4096, PAGES = 200, SITES = 4 };
static const uintptr_t origin = 0x100000000;

static uint32_t sites[SITES];

static int setup(void **state)
{
    int rc = folder_setup(state);
    counting_begins(ML_HEAP_EXACT);
    ml_maps_clear();
    for (unsigned i = 0; i < SITES; i++)
        sites[i] = on_line(i);
    return rc;
}

static int teardown(void **state)
{
    ml_maps_clear();
    counting_ends();
    return folder_teardown(state);
}

/* --- the model ---------------------------------------------------------------------------------- */

struct page {
    uint32_t site; /* 0: not mapped */
    uint8_t kind;
    bool reserved;
    bool leaving;
};

static struct page model[PAGES];

static bool same(const struct page *a, const struct page *b)
{
    return a->site == b->site && a->kind == b->kind && a->reserved == b->reserved &&
           a->leaving == b->leaving;
}

static void compare_intervals(void)
{
    static struct ml_map found[PAGES + 1];
    size_t n = ml_maps_copy(found, PAGES + 1), at = 0;
    for (size_t i = 0; i < PAGES;) {
        size_t end = i;
        while (end < PAGES && same(&model[i], &model[end]))
            end++;
        if (model[i].site != 0) {
            assert_true(at < n);
            assert_int_equal(found[at].begin, origin + i * PAGE);
            assert_int_equal(found[at].end, origin + end * PAGE);
            assert_int_equal(found[at].site, model[i].site);
            assert_int_equal(found[at].kind, model[i].kind);
            assert_int_equal(found[at].reserved, model[i].reserved);
            at++;
        }
        i = end;
    }
    assert_int_equal(at, n);
}

static void compare_totals(void)
{
    int64_t kinds[ML_MAP_KINDS] = {0}, reserved = 0;
    int64_t anon[SITES] = {0}, file[SITES] = {0};
    struct ml_maps_totals t;
    for (size_t i = 0; i < PAGES; i++) {
        if (model[i].site == 0)
            continue;
        if (model[i].reserved) {
            reserved += PAGE;
            continue;
        }
        kinds[model[i].kind] += PAGE;
        for (size_t s = 0; s < SITES; s++)
            if (sites[s] == model[i].site)
                *(model[i].kind == ML_MAP_FILE ? &file[s] : &anon[s]) += PAGE;
    }
    ml_maps_totals(&t);
    for (size_t k = 0; k < ML_MAP_KINDS; k++)
        assert_int_equal(t.bytes[k], kinds[k]);
    assert_int_equal(t.reserved_bytes, reserved);
    assert_int_equal(t.lost, 0);
    for (size_t s = 0; s < SITES; s++) {
        assert_int_equal(figures_of(sites[s]).maps, anon[s]);
        assert_int_equal(figures_of(sites[s]).maps_file, file[s]);
    }
}

static void step(struct rng *r)
{
    size_t from = rng_below(r, PAGES), n = 1 + rng_below(r, rng_below(r, 4) == 0 ? PAGES : 12);
    n = n < PAGES - from ? n : PAGES - from;
    uintptr_t at = origin + from * PAGE;
    struct page p = {.site = sites[rng_below(r, SITES)],
                     .kind = (uint8_t)rng_below(r, ML_MAP_KINDS),
                     .reserved = rng_below(r, 4) == 0};
    uint64_t what = rng_below(r, 10);
    if (what < 5)
        ml_maps_set(at, n * PAGE, p.site, p.kind, p.reserved);
    else if (what < 7)
        ml_maps_leave(at, n * PAGE);
    else if (what == 7)
        ml_maps_gone(at, n * PAGE);
    else if (what == 8)
        ml_maps_stay(at, n * PAGE);
    else
        ml_maps_access(at, n * PAGE, p.site, p.reserved);
    for (size_t i = from; i < from + n; i++) {
        struct page *m = &model[i];
        if (what < 5)
            *m = p;
        else if (m->site == 0)
            continue;
        else if (what < 7)
            m->leaving = true;
        else if (what == 7 && m->leaving)
            *m = (struct page){0};
        else if (what == 8)
            m->leaving = false;
        else if (what == 9 && m->reserved != p.reserved) {
            m->reserved = p.reserved;
            m->site = p.reserved ? m->site : p.site;
        }
    }
}

static void random_operations_agree_with_an_array_of_pages(void **state)
{
    struct rng r = rng_new();
    memset(model, 0, sizeof model);
    for (int i = 0; i < 40000; i++) {
        step(&r);
        compare_intervals();
        if (i % 16 == 0)
            compare_totals();
    }
}

/* --- single cases --------------------------------------------------------------------------------- */

static void a_hole_in_the_middle_leaves_both_ends(void **state)
{
    struct ml_map m;
    ml_maps_set(origin, 9 * PAGE, sites[0], ML_MAP_ANON, false);
    assert_true(ml_maps_leave(origin + 3 * PAGE, 3 * PAGE));
    assert_int_equal(figures_of(sites[0]).maps, 9 * PAGE); /* until the system has said yes */
    ml_maps_gone(origin + 3 * PAGE, 3 * PAGE);
    assert_int_equal(figures_of(sites[0]).maps, 6 * PAGE);
    assert_false(ml_maps_find(origin + 3 * PAGE, &m));
    assert_true(ml_maps_find(origin + 6 * PAGE, &m));
    assert_int_equal(m.begin, origin + 6 * PAGE);
    assert_false(ml_maps_leave(origin + 3 * PAGE, 3 * PAGE));
}

/* Another thread got the address between the unmapping and our edit. */
static void what_came_meanwhile_stays(void **state)
{
    ml_maps_set(origin, 4 * PAGE, sites[0], ML_MAP_ANON, false);
    ml_maps_leave(origin, 4 * PAGE);
    ml_maps_set(origin + PAGE, PAGE, sites[1], ML_MAP_FILE, false);
    ml_maps_gone(origin, 4 * PAGE);
    assert_int_equal(figures_of(sites[0]).maps, 0);
    assert_int_equal(figures_of(sites[1]).maps_file, PAGE);
}

static void many_owners_go_at_once(void **state)
{
    enum { MANY = 1000 };
    struct ml_maps_totals t;
    for (size_t i = 0; i < MANY; i++)
        ml_maps_set(origin + i * PAGE, PAGE, sites[i % 2], ML_MAP_ANON, false);
    ml_maps_leave(origin, MANY * PAGE);
    ml_maps_gone(origin, MANY * PAGE);
    ml_maps_totals(&t);
    assert_int_equal(t.intervals, 0);
    assert_int_equal(figures_of(sites[0]).maps, 0);
    assert_int_equal(figures_of(sites[1]).maps, 0);
}

static void beyond_its_room_it_counts_what_it_lost(void **state)
{
    struct ml_maps_totals t;
    for (size_t i = 0; i < ML_MAPS_MOST; i++)
        ml_maps_set(origin + 4 * i * PAGE, 3 * PAGE, sites[0], ML_MAP_ANON, false);
    ml_maps_set(origin - PAGE, PAGE, sites[1], ML_MAP_ANON, false);
    ml_maps_totals(&t);
    assert_int_equal(t.intervals, ML_MAPS_MOST);
    assert_int_equal(t.lost, 1);
    assert_int_equal(figures_of(sites[1]).maps, 0);
    /* A hole needs one more interval: what is behind it is forgotten, and no longer charged. */
    ml_maps_leave(origin + PAGE, PAGE);
    ml_maps_gone(origin + PAGE, PAGE);
    ml_maps_totals(&t);
    assert_true(t.lost >= 2);
    assert_int_equal(figures_of(sites[0]).maps, t.bytes[ML_MAP_ANON]);
}

/* --- threads, signals, fork ------------------------------------------------------------------------- */

static _Atomic bool over;

static void *churn(void *arg)
{
    uintptr_t base = origin + (uintptr_t)arg * 64 * PAGE;
    for (int i = 0; i < 5000; i++) {
        size_t n = (1 + (size_t)i % 7) * PAGE;
        ml_maps_set(base, n, sites[i % SITES], ML_MAP_ANON, i % 5 == 0);
        ml_maps_leave(base, n);
        ml_maps_gone(base, n);
    }
    return NULL;
}

static void threads_of_their_own_addresses_do_not_meet(void **state)
{
    pthread_t threads[4];
    struct ml_maps_totals t;
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)i), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ml_maps_totals(&t);
    assert_int_equal(t.intervals, 0);
    assert_int_equal(t.bytes[ML_MAP_ANON], 0);
    for (size_t s = 0; s < SITES; s++)
        assert_int_equal(figures_of(sites[s]).maps, 0);
}

static void handler(int signal)
{
    ml_maps_set(origin + 1000 * PAGE, PAGE, sites[1], ML_MAP_ANON, false);
}

static void *knock(void *arg)
{
    while (!atomic_load(&over))
        pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

/* It would hang if a handler waited for the lock of its own thread. */
static void handlers_that_map_memory_do_not_hang(void **state)
{
    pthread_t me = pthread_self(), other;
    signal(SIGUSR1, handler);
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&other, NULL, knock, &me), 0);
    churn((void *)0);
    atomic_store(&over, true);
    pthread_join(other, NULL);
    signal(SIGUSR1, SIG_DFL);
    ml_maps_leave(origin, 2000 * PAGE);
    ml_maps_gone(origin, 2000 * PAGE);
    assert_int_equal(figures_of(sites[1]).maps, 0);
}

static void *churn_until_over(void *arg)
{
    while (!atomic_load(&over))
        churn(arg);
    return NULL;
}

/* The lock may be another thread's at the moment of the fork. */
static void a_child_can_use_the_map(void **state)
{
    pthread_t other;
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&other, NULL, churn_until_over, (void *)1), 0);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct ml_map none;
            if (ml_maps_copy(&none, 1) != 0)
                _exit(1);
            ml_maps_set(origin, PAGE, sites[0], ML_MAP_ANON, false);
            _exit(0);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    atomic_store(&over, true);
    pthread_join(other, NULL);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(random_operations_agree_with_an_array_of_pages),
        CASE(a_hole_in_the_middle_leaves_both_ends),
        CASE(what_came_meanwhile_stays),
        CASE(many_owners_go_at_once),
        CASE(beyond_its_room_it_counts_what_it_lost),
        CASE(threads_of_their_own_addresses_do_not_meet),
        CASE(handlers_that_map_memory_do_not_hang),
        CASE(a_child_can_use_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
