/* core/ledger against a model: an array of what was entered, and nothing else may be found.
 * SPDX-License-Identifier: MIT */
#include "core/ledger.h"

#include "test.h"

#include <pthread.h>

enum { BLOCKS = 4096, OPERATIONS = 100000, THREADS = 4 };

#define BASE ((uintptr_t)0x200000000000)

/* A place for blocks up to `room` bytes, right behind the one before. */
struct place {
    uintptr_t at;
    uint64_t room;
    uint64_t size;
    uint32_t site;
    bool taken;
};

static const uint64_t edges[] = {0,          1,          16,         17,         2043,
                                 2044,       2045,       4096,       (1u << 20), UINT32_MAX,
                                 1ull << 32, 5ull << 30, (1u << 16), 2046,       2047};
enum { EDGES = sizeof edges / sizeof edges[0] };

static uint64_t room_of(uint64_t size)
{
    return size <= 16 ? 16 : (size + 15) & ~(uint64_t)15;
}

/* Places that touch each other; those for 4 GiB and more are rare. */
static void lay_out(struct place *all, size_t n, uintptr_t from, struct rng *r)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t size = rng_below(r, 4) != 0 ? rng_below(r, 6000) : edges[rng_below(r, EDGES)];
        if (size > 1u << 20 && rng_below(r, 16) != 0)
            size &= 255;
        all[i] = (struct place){.at = from, .room = room_of(size)};
        from += all[i].room;
    }
}

static void enter(struct place *p, struct rng *r)
{
    p->size = rng_below(r, 3) == 0 ? p->room : rng_below(r, p->room + 1);
    p->site = (uint32_t)rng_below(r, 1u << 20);
    assert_true(ml_ledger_enter(p->at, p->size, p->site));
    p->taken = true;
}

static void take(struct place *p)
{
    struct ml_cell got = ml_ledger_take(p->at);
    assert_int_equal(got.cell != 0, p->taken);
    if (p->taken) {
        assert_int_equal(ml_cell_site(got.cell), p->site);
        assert_true(got.size == p->size);
    }
    p->taken = false;
    assert_int_equal(ml_ledger_take(p->at).cell, 0);
}

static void expect_nothing_left(struct place *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        take(&all[i]);
        for (uint64_t k = 0; k < all[i].room && k < 64; k += 16) {
            const uint32_t *c = ml_ledger_find(all[i].at + k);
            assert_true(c == NULL || ml_cell_get(c) == 0);
        }
    }
}

static void it_knows_what_was_entered_and_nothing_else(void **state)
{
    static struct place all[BLOCKS];
    struct rng r = rng_new();
    for (int round = 0; round < 4; round++) {
        lay_out(all, BLOCKS, BASE + rng_below(&r, 1 << 20) * 16, &r);
        for (int i = 0; i < OPERATIONS / 4; i++) {
            struct place *p = &all[rng_below(&r, BLOCKS)];
            if (p->taken)
                take(p);
            else
                enter(p, &r);
        }
        expect_nothing_left(all, BLOCKS);
    }
}

static void every_size_comes_back(void **state)
{
    for (size_t i = 0; i < EDGES; i++) {
        struct place p = {BASE, room_of(edges[i]), edges[i], (1u << 20) - 1, true};
        struct place next = {BASE + p.room, 16, 5, 7, true};
        assert_true(ml_ledger_enter(p.at, p.size, p.site));
        assert_true(ml_ledger_enter(next.at, next.size, next.site));
        take(&next);
        take(&p);
    }
}

/* A large block that begins in the last cell of a MiB has its size in the next one. */
static void large_blocks_lie_over_the_edge_of_a_region(void **state)
{
    for (uintptr_t back = 16; back <= 48; back += 16) {
        struct place p = {BASE + (64u << 20) - back, 4096, 4096, 9, true};
        assert_true(ml_ledger_enter(p.at, p.size, p.site));
        take(&p);
    }
}

static void addresses_beyond_47_bits_are_refused(void **state)
{
    uintptr_t end = (uintptr_t)1 << 47;
    assert_false(ml_ledger_enter(end, 5, 3));
    assert_false(ml_ledger_enter(end - 16, 5000, 3));
    assert_int_equal(ml_ledger_take(end - 16).cell, 0);
    assert_int_equal(ml_ledger_take(UINTPTR_MAX).cell, 0);
    assert_true(ml_ledger_enter(end - 16, 5, 3));
    assert_int_equal(ml_ledger_take(end - 16).size, 5);
}

static void cleared_it_knows_nothing(void **state)
{
    for (uintptr_t i = 0; i < 1000; i++)
        assert_true(ml_ledger_enter(BASE + i * 8192, i * 5, 3));
    assert_true(ml_ledger_resident() > 0);
    assert_true(ml_ledger_resident() <= ml_ledger_mapped());
    ml_ledger_clear();
    for (uintptr_t i = 0; i < 1000; i++)
        assert_int_equal(ml_ledger_take(BASE + i * 8192).cell, 0);
    assert_true(ml_ledger_enter(BASE, 77, 4));
    assert_int_equal(ml_ledger_take(BASE).size, 77);
}

/* --- threads ---------------------------------------------------------------------------------------- */

static struct place shared[BLOCKS];

/* Every fourth place is this thread's: its neighbours in the same table are the others'. */
static void *work(void *first)
{
    size_t mine = (size_t)(uintptr_t)first;
    struct rng r = {0x9E3779B97F4A7C15u + mine};
    for (int i = 0; i < OPERATIONS; i++) {
        struct place *p = &shared[mine + THREADS * rng_below(&r, BLOCKS / THREADS)];
        if (p->taken) {
            struct ml_cell got = ml_ledger_take(p->at);
            if (got.size != p->size || ml_cell_site(got.cell) != p->site)
                return p;
            p->taken = false;
        } else {
            p->size = rng_below(&r, p->room + 1);
            p->site = (uint32_t)rng_below(&r, 1u << 20);
            p->taken = ml_ledger_enter(p->at, p->size, p->site);
        }
    }
    return NULL;
}

static void threads_on_blocks_of_their_own_do_not_meet(void **state)
{
    pthread_t threads[THREADS];
    struct rng r = rng_new();
    lay_out(shared, BLOCKS, BASE + ((uintptr_t)1 << 40), &r); /* no table there yet */
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    expect_nothing_left(shared, BLOCKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_knows_what_was_entered_and_nothing_else),
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(large_blocks_lie_over_the_edge_of_a_region),
        cmocka_unit_test(addresses_beyond_47_bits_are_refused),
        cmocka_unit_test(cleared_it_knows_nothing),
        cmocka_unit_test(threads_on_blocks_of_their_own_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
