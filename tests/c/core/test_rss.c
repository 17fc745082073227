/* core/rss: the gates tell what reading every time tells. SPDX-License-Identifier: MIT */
#include "core/rss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

/* The thread sanitizer keeps several bytes of its own for each one of ours: no figure holds. */
#ifdef __SANITIZE_THREAD__
#define FIGURES_ONLY() skip()
#else
#define FIGURES_ONLY() (void)0
#endif

static const enum ml_rss_gate gates[] = {ML_RSS_FAULTS, ML_RSS_TIME, ML_RSS_PLAIN};

static char *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    madvise(p, bytes, MADV_NOHUGEPAGE);
    return p;
}

static int64_t look(struct ml_rss *r, enum ml_rss_gate gate)
{
    return gate == ML_RSS_PLAIN ? ml_rss_read(r) : ml_rss_look(r);
}

/* Touch, free and drop 8 MiB; each step is seen at the next look. */
static void sees_each_change(enum ml_rss_gate gate)
{
    struct ml_rss r;
    ml_rss_init(&r, gate);
    int64_t before = look(&r, gate);
    char *p = map(8 * MIB);
    assert_in_range(look(&r, gate) - before + (int64_t)MIB, 0, 2 * MIB);
    memset(p, 1, 8 * MIB);
    int64_t touched = look(&r, gate);
    assert_in_range(touched - before, 7 * MIB, 9 * MIB);
    madvise(p, 4 * MIB, MADV_DONTNEED);
    int64_t dropped = look(&r, gate);
    assert_in_range(touched - dropped, 3 * MIB, 5 * MIB);
    munmap(p, 8 * MIB);
    assert_in_range(dropped - look(&r, gate), 3 * MIB, 5 * MIB);
    ml_rss_release(&r);
}

static void every_gate_sees_faults_drops_and_unmapping(void **state)
{
    FIGURES_ONLY();
    for (size_t i = 0; i < 3; i++)
        sees_each_change(gates[i]);
}

static void faults_inside_system_calls_count(void **state)
{
    FIGURES_ONLY();
    FILE *zero = fopen("/dev/zero", "r");
    assert_non_null(zero);
    for (size_t i = 0; i < 3; i++) {
        struct ml_rss r;
        ml_rss_init(&r, gates[i]);
        char *p = map(4 * MIB);
        int64_t before = look(&r, gates[i]);
        assert_int_equal(read(fileno(zero), p, 4 * MIB), 4 * MIB);
        assert_in_range(look(&r, gates[i]) - before, 3 * MIB, 5 * MIB);
        munmap(p, 4 * MIB);
        ml_rss_release(&r);
    }
    fclose(zero);
}

/* Single pages, the smallest change there is: none may be missed, whichever gate stands before it. */
static void no_single_page_is_missed(void **state)
{
    FIGURES_ONLY();
    size_t page = ml_page_bytes();
    enum { PAGES = 2000 };
    for (size_t i = 0; i < 2; i++) {
        struct ml_rss r;
        ml_rss_init(&r, gates[i]);
        char *p = map(PAGES * page);
        int64_t before = ml_rss_read(&r);
        int64_t sum = 0, last = before;
        for (size_t n = 0; n < PAGES; n++) {
            p[n * page] = 1;
            int64_t now = ml_rss_look(&r);
            sum += now > last;
            last = now;
        }
        /* Sanitizers touch pages of their own; older kernels tell in batches, and any kernel takes
         * back what it finds idle. */
        assert_in_range(last - before, PAGES * 9 / 10 * page, PAGES * 2 * page);
        assert_in_range(sum, PAGES * 9 / 10, PAGES);
        munmap(p, PAGES * page);
        ml_rss_release(&r);
    }
}

static void quiet_code_costs_no_system_call(void **state)
{
    struct ml_rss r;
    ml_rss_init(&r, ML_RSS_FAULTS);
    if (ml_rss_gate_of(&r) == ML_RSS_PLAIN)
        skip(); /* a processor without a steady counter */
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        uint64_t t0 = ml_ticks();
        for (int k = 0; k < 10; k++)
            ml_rss_look(&r);
        uint64_t spent = ml_ticks() - t0;
        best = spent < best ? spent : best;
    }
    assert_true(best / 10 * 1000 / ml_ticks_per_us() <
                200); /* ns; a pread takes twice that and more */
    ml_rss_release(&r);
}

static void a_forked_child_reads_its_own_memory(void **state)
{
    FIGURES_ONLY();
    struct ml_rss r;
    ml_rss_init(&r, ML_RSS_FAULTS);
    char *p = map(32 * MIB);
    pid_t pid = fork();
    if (pid == 0) {
        ml_rss_after_fork(&r);
        int64_t before = ml_rss_look(&r);
        memset(p, 1, 32 * MIB);
        int64_t grown = ml_rss_look(&r) - before;
        _exit(grown > (int64_t)(30 * MIB) && grown < (int64_t)(34 * MIB) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    munmap(p, 32 * MIB);
    ml_rss_release(&r);
}

static void plain_stays_plain(void **state)
{
    FIGURES_ONLY();
    struct ml_rss r;
    ml_rss_init(&r, ML_RSS_PLAIN);
    assert_int_equal(ml_rss_gate_of(&r), ML_RSS_PLAIN);
    char *p = map(MIB);
    int64_t before = ml_rss_look(&r);
    memset(p, 1, MIB);
    assert_true(ml_rss_look(&r) - before >= (int64_t)(MIB / 2));
    munmap(p, MIB);
    ml_rss_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_gate_sees_faults_drops_and_unmapping),
        cmocka_unit_test(faults_inside_system_calls_count),
        cmocka_unit_test(no_single_page_is_missed),
        cmocka_unit_test(quiet_code_costs_no_system_call),
        cmocka_unit_test(a_forked_child_reads_its_own_memory),
        cmocka_unit_test(plain_stays_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
