/* core/native: blocks that one thread gets while others free and move theirs (K20 of the profiling
 * reference). One arena and no cache per thread, so that addresses pass from thread to thread at once:
 * meson.build sets GLIBC_TUNABLES. MEMLINE_RUNS=20 for more runs. SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/folder.h"
#include "core/native.h"
#include "core/native/family.h"

#include "core/counted.h"

#include <dlfcn.h>
#include <pthread.h>

enum { KEPT = 200000, BYTES = 100, MOVERS = 3 };

static void *(*get)(size_t n);
static void *(*grow)(void *p, size_t n);
static void (*give)(void *p);

static _Atomic bool over;
static uint32_t keeper_site, mover_site;
static void *kept[KEPT];

static void *keep(void *arg)
{
    ml_heap_switch(ml_heap_thread(), keeper_site);
    for (size_t i = 0; i < KEPT; i++)
        kept[i] = get(BYTES);
    atomic_store(&over, true);
    return NULL;
}

static void *move(void *arg)
{
    ml_heap_switch(ml_heap_thread(), mover_site);
    while (!atomic_load_explicit(&over, memory_order_relaxed))
        give(grow(get(BYTES), 4096));
    return NULL;
}

static void run(unsigned line)
{
    pthread_t threads[MOVERS + 1];
    keeper_site = on_line(2 * line % COUNTED_LINES);
    mover_site = on_line((2 * line + 1) % COUNTED_LINES);
    struct figures k0 = figures_of(keeper_site);
    int64_t m0 = held_by(mover_site);
    atomic_store(&over, false);
    for (size_t i = 0; i < MOVERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, move, NULL), 0);
    assert_int_equal(pthread_create(&threads[MOVERS], NULL, keep, NULL), 0);
    for (size_t i = 0; i <= MOVERS; i++)
        pthread_join(threads[i], NULL);
    struct figures k1 = figures_of(keeper_site);
    assert_int_equal(k1.alloc_count - k0.alloc_count, KEPT);
    assert_int_equal(k1.alloc_bytes - k0.alloc_bytes, KEPT * BYTES);
    assert_int_equal(k1.freed_count - k0.freed_count, 0);
    assert_int_equal(held_by(mover_site), m0);
    for (size_t i = 0; i < KEPT; i++)
        give(kept[i]);
    k1 = figures_of(keeper_site);
    assert_int_equal(k1.freed_count - k0.freed_count, KEPT);
    assert_int_equal(atomic_load(&ml_heap_totals->stale_blocks), 0);
}

static void no_block_is_lost_to_a_thread_that_frees(void **state)
{
    struct ml_error e;
    const char *runs = getenv("MEMLINE_RUNS");
    void *h = dlopen(NATIVE_FOLDER "/family_now.so", RTLD_LAZY);
    if (h == NULL)
        fail_msg("%s", dlerror());
    get = ((const struct family_maker *)dlsym(h, "family_makers"))[0].make;
    *(void **)&grow = dlsym(h, "family_realloc");
    *(void **)&give = dlsym(h, "family_free");
    counting_begins(ML_HEAP_EXACT);
    assert_int_equal(ml_native_install(&e), ML_OK);
    for (int i = 0; i < (runs != NULL ? atoi(runs) : 3); i++)
        run((unsigned)i);
    ml_native_uninstall();
    counting_ends();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_block_is_lost_to_a_thread_that_frees, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
