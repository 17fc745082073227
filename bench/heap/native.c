/* What counting costs a native allocation: ns for each pair of malloc and free.
 *
 *   bench_heap_native [ROUNDS]   out: no hooks; off: hooks, not counting; exact; sample (64 KiB)
 * The four ways take turns in every round; the least processor time of all rounds is told, and the ratio to
 * `out`. hot: one block at a time. scattered: a million alive, freed in random order. threads: hot in two,
 * the time of both.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/mem.h"
#include "core/heap.h"
#include "core/native.h"
#include "core/sampler.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HOT = 2000000, SCATTERED = 1000000, CASES = 3, WAYS = 4 };

static const char *const cases[CASES] = {"hot", "scattered", "threads"};
static const char *const ways[WAYS] = {"out", "off", "exact", "sample"};

static void (*loop_hot)(size_t n, size_t bytes);
static int (*loop_scattered)(void **blocks, const uint32_t *order, size_t n, size_t bytes);
static void *blocks[SCATTERED];
static uint32_t order[SCATTERED];

static void check(int rc, const struct ml_error *e)
{
    if (rc == ML_OK)
        return;
    fprintf(stderr, "bench_heap_native: %s\n", e->text);
    exit(1);
}

static void shuffle(void)
{
    uint64_t x = 88172645463325252u;
    for (uint32_t i = 0; i < SCATTERED; i++)
        order[i] = i;
    for (uint32_t i = SCATTERED - 1; i > 0; i--) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint32_t j = (uint32_t)(x % (i + 1)), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

static void *hot(void *unused)
{
    loop_hot(HOT, 64);
    return NULL;
}

/* Of all threads: a machine that does other things as well does not matter so much. */
static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double run(int which)
{
    pthread_t other;
    double t0 = cpu_ns();
    size_t n = HOT;
    if (which == 1) {
        n = SCATTERED;
        if (loop_scattered(blocks, order, n, 32) != 0)
            exit(1);
    } else if (which == 2) {
        if (pthread_create(&other, NULL, hot, NULL) != 0)
            exit(1);
        hot(NULL);
        pthread_join(other, NULL);
    } else {
        hot(NULL);
    }
    return (cpu_ns() - t0) / (double)n;
}

/* Accounting stays in its book all along, so that its tables are as warm as they will be. */
static void go(int way)
{
    struct ml_error e;
    if (way == 0)
        ml_native_uninstall();
    else
        check(ml_native_install(&e), &e);
    atomic_store(&ml_heap_mode_now, way == 2   ? ML_HEAP_EXACT
                                    : way == 3 ? ML_HEAP_SAMPLE
                                               : ML_HEAP_OFF);
}

int main(int argc, char **argv)
{
    struct ml_error e;
    struct ml_book *book;
    struct ml_native_report r;
    double best[CASES][WAYS];
    char path[64];
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    void *h = dlopen(LOOPS, RTLD_LAZY);
    if (h == NULL) {
        fprintf(stderr, "bench_heap_native: %s\n", dlerror());
        return 1;
    }
    *(void **)&loop_hot = dlsym(h, "loop_hot");
    *(void **)&loop_scattered = dlsym(h, "loop_scattered");
    snprintf(path, sizeof path, "/tmp/bench-heap-%d.book", (int)getpid());
    check(ml_book_create(path, 1, &book, &e), &e);
    ml_sampler_set(64 << 10, 1);
    check(ml_heap_start(book, ML_HEAP_EXACT), &e);
    shuffle();
    for (int round = 0; round < rounds; round++)
        for (int way = 0; way < WAYS; way++) {
            go(way);
            for (int which = 0; which < CASES; which++) {
                ml_mem_trim(); /* the allocator's lists begin the same each time */
                double ns = run(which);
                if (round == 0 || ns < best[which][way])
                    best[which][way] = ns;
            }
        }
    go(1);
    ml_native_report(&r);
    printf("%s, %u slots in %u objects, %d rounds; ns a pair (ratio)\n", r.provider, r.elf.slots,
           r.elf.patched, rounds);
    for (int which = 0; which < CASES; which++) {
        printf("%-10s", cases[which]);
        for (int way = 0; way < WAYS; way++)
            printf("  %s %6.1f (%.2f)", ways[way], best[which][way],
                   best[which][way] / best[which][0]);
        printf("\n");
    }
    ml_heap_stop();
    ml_book_retire(book, 1);
    return 0;
}
