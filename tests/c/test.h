/* tests/c/test.h -- cmocka with the headers it wants, and three helpers that every test may use.
 *
 *   guarded bytes   input that ends at a protected page: a read one byte too far crashes
 *   fail_each       runs a case with the 1st, 2nd, ... request for memory failing, until it succeeds
 *   rng             random numbers from a seed that the log shows and MEMLINE_SEED sets
 *
 * SPDX-License-Identifier: MIT */
#ifndef ML_TESTS_TEST_H
#define ML_TESTS_TEST_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct guarded {
    struct ml_str str; /* the bytes; the next one is out of bounds for the processor too */
    char *map;
    size_t map_bytes;
};

static inline struct guarded guarded_new(const void *bytes, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t data = (n + page - 1) / page * page;
    struct guarded g = {.map_bytes = data + page};
    g.map = mmap(NULL, g.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.map != MAP_FAILED);
    assert_int_equal(mprotect(g.map + data, page, PROT_NONE), 0);
    if (n != 0)
        memcpy(g.map + data - n, bytes, n);
    g.str = (struct ml_str){g.map + data - n, n};
    return g;
}

static inline void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_bytes);
}

/* Calls attempt(arg) with ever later requests failing, until it answers ML_OK. Before that it must
 * answer ML_ENOMEM and leave nothing behind (the leak check of the sanitizers sees to that).
 * Answers how many requests the successful run may make at most; a case that never asks answers 1. */
static inline long fail_each(int (*attempt)(void *arg), void *arg)
{
    for (long n = 1; n < 100000; n++) {
        ml_mem_fail_after(n);
        int rc = attempt(arg);
        ml_mem_fail_after(0);
        if (rc == ML_OK)
            return n;
        assert_int_equal(rc, ML_ENOMEM);
    }
    fail_msg("still failing with 100000 requests granted");
    return 0;
}

struct rng {
    uint64_t state;
};

static inline struct rng rng_new(void)
{
    const char *given = getenv("MEMLINE_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;
    printf("# MEMLINE_SEED=%llu\n", (unsigned long long)seed);
    return (struct rng){seed != 0 ? seed : 1};
}

/* 0 .. below-1; below is not 0. xorshift64*, good enough for tests. */
static inline uint64_t rng_below(struct rng *r, uint64_t below)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (r->state * 2685821657736338717u >> 11) % below;
}

#endif
