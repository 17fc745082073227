/* core/sampler: the statistics of specs/profiling.md 4.4, with a fixed seed: each assertion would fail by
 * chance once in some ten thousand seeds, and this one does not. MEMLINE_SEED gives another, with bounds
 * that fail once in a million. 5 stands in tests/c/report/test_interval.c, 12 in tests/py/heap. Blocks are
 * addresses only: the sampler never looks into one. SPDX-License-Identifier: MIT */
#include "core/sampler.h"

#include "folder.h"
#include "test.h"

#include "counted.h"

#include <math.h>
#include <pthread.h>
#include <sys/wait.h>

#define BASE ((uintptr_t)0x300000000000)

static uint64_t seed = 20261127;
static double sigmas = 4;
static uintptr_t next_address;

static void sampling_begins(uint64_t rate)
{
    next_address = BASE;
    ml_sampler_set(rate, seed);
    counting_begins(ML_HEAP_SAMPLE);
}

/* What was really allocated on a site, and the variance of its estimate. */
struct truth {
    double bytes;
    double variance;
    double n;
};

static double chance(double size, double rate)
{
    return 1 - exp(-size / rate);
}

static void add_truth(struct truth *t, double size, double rate)
{
    double p = chance(size, rate);
    t->bytes += size;
    t->variance += size * size * (1 - p) / p;
    t->n++;
}

static void *make(size_t n)
{
    void *p = (void *)next_address;
    next_address += n < 64 ? 64 : (n + 63) & ~(size_t)63;
    return told_of(p, n);
}

static void drop(void *p)
{
    told_freed(p, true);
}

static void *grow(void *p, size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    struct ml_cell old = ml_heap_take(p);
    ml_heap_moved(t, p, old, p, n, true);
    ml_heap_end(t);
    return p;
}

static void pass(size_t n)
{
    drop(make(n));
}

static uint64_t samples_of(uint32_t site)
{
    return atomic_load(&ml_heap_account(site)->samples);
}

static void expect_near(double got, double wanted, double variance)
{
    double off = fabs(got - wanted);
    if (off > sigmas * sqrt(variance) + 1e-6 * wanted)
        fail_msg("%.6g, not %.6g: %.2f standard deviations away", got, wanted,
                 off / sqrt(variance));
}

static void expect_truth(uint32_t site, const struct truth *t)
{
    expect_near((double)figures_of(site).alloc_bytes, t->bytes, t->variance);
}

/* 1: each block is drawn by itself, with p(S): so many samples in all, and their spread over batches. */
static void the_number_of_samples_is_binomial(void **state)
{
    enum { BATCHES = 200 };
    static const struct {
        size_t size;
        int n; /* in a batch */
    } cases[] = {{64, 4000}, {16384, 200}, {65536, 200}, {262144, 1000}, {0, 4000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t rate = cases[i].size == 0 ? 1024 : 65536;
        double p = chance(cases[i].size == 0 ? 1 : (double)cases[i].size, (double)rate);
        double spread = cases[i].n * p * (1 - p);
        double squares = 0;
        sampling_begins(rate);
        uint32_t site = on_line(1);
        for (int batch = 0; batch < BATCHES; batch++) {
            uint64_t before = samples_of(site);
            for (int k = 0; k < cases[i].n; k++)
                pass(cases[i].size);
            double off = (double)(samples_of(site) - before) - cases[i].n * p;
            squares += off * off / spread;
        }
        expect_near((double)samples_of(site), BATCHES * cases[i].n * p, BATCHES * spread);
        expect_near(squares, BATCHES, BATCHES * (2 + (1 - 6 * p * (1 - p)) / spread));
        if (cases[i].size == 0)
            assert_int_equal(figures_of(site).alloc_bytes, 0);
        counting_ends();
    }
}

static int compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;
    return (a > b) - (a < b);
}

/* 2: Kolmogorov and Smirnov's distance between the gaps and the exponential distribution. */
static void gaps_are_exponential(void **state)
{
    enum { GAPS = 4000, RATE = 512 };
    static double gaps[GAPS];
    sampling_begins(RATE);
    uint32_t site = on_line(1);
    for (size_t i = 0; i < GAPS; i++) {
        uint64_t before = samples_of(site);
        for (gaps[i] = 0; samples_of(site) == before; gaps[i]++)
            pass(1);
    }
    counting_ends();
    qsort(gaps, GAPS, sizeof *gaps, compare_doubles);
    double distance = 0;
    for (size_t i = 0; i < GAPS; i++) {
        double below = chance(gaps[i] - 0.5, RATE); /* whole bytes stand for what is between */
        distance = fmax(distance, fabs(below - (double)i / GAPS));
        distance = fmax(distance, fabs(below - (double)(i + 1) / GAPS));
    }
    assert_true(distance < (sigmas > 4 ? 2.7 : 2.23) / sqrt(GAPS) + 0.5 / RATE);
}

/* 3 */
static void one_sample_tells_nothing_of_the_next(void **state)
{
    enum { N = 40000, RATE = 65536 };
    size_t size = 45426; /* p = 1/2 */
    sampling_begins(RATE);
    uint32_t site = on_line(1);
    double sum = 0, both = 0, last = 0;
    for (int i = 0; i < N; i++) {
        uint64_t before = samples_of(site);
        pass(size);
        double hit = samples_of(site) != before ? 0.5 : -0.5;
        sum += hit;
        both += hit * last;
        last = hit;
    }
    counting_ends();
    assert_true(fabs(sum) < sigmas * 0.5 * sqrt(N));
    assert_true(fabs(both) < sigmas * 0.25 * sqrt(N));
}

/* 4: streams that other estimators get wrong (3.4). */
static void no_line_is_favoured(void **state)
{
    enum { RATE = 512 << 10 };
    struct truth t[6] = {{0}};
    struct rng r = {seed};
    uint32_t site[6];
    sampling_begins(RATE);
    for (unsigned i = 0; i < 6; i++)
        site[i] = on_line(i + 1);
    struct ml_heap_thread *mine = ml_heap_thread();
#define ON(i, size)                             \
    do {                                        \
        ml_heap_switch(mine, site[i]);          \
        pass(size);                             \
        add_truth(&t[i], (double)(size), RATE); \
    } while (0)
    for (int run = 0; run < 1000; run++) {
        ON(0, 4 * RATE);
        for (int i = 0; i < RATE / 2 / 2048; i++)
            ON(1, 2048);
        for (int i = 0; i < 20; i++) {
            static const size_t sizes[] = {64, 1024, 102400};
            size_t k = rng_below(&r, 3);
            ON(2 + (k == 2), sizes[k]);
        }
        for (int i = 0; i < 64; i++) { /* strictly in turn */
            ON(4, 8192);
            ON(5, 8192);
        }
    }
    for (unsigned i = 0; i < 6; i++)
        expect_truth(site[i], &t[i]);
    counting_ends();
}

/* A block is sampled at the rate that was in force when the countdown was drawn. */
static void pass_at_any_rate(struct truth *t, size_t size)
{
    add_truth(t, (double)size, (double)ml_heap_thread()->sample_rate);
    pass(size);
}

/* 6: whoever sets the rate knows all of the past, and does his worst: much coarser because a line was just
 * sampled, finer because another was, and again in the middle of a gap. */
static void a_rate_that_follows_the_past_favours_no_line(void **state)
{
    enum { ROUNDS = 3000, SLOW = 50, BURST = 400, SIZE = 4096 };
    struct truth t[2] = {{0}};
    uint32_t site[2];
    sampling_begins(64 << 10);
    pass(1); /* draws the first countdown */
    for (unsigned i = 0; i < 2; i++)
        site[i] = on_line(i + 1);
    for (int round = 0; round < ROUNDS; round++)
        for (int k = 0; k < SLOW + BURST; k++) {
            unsigned burst = k >= SLOW;
            uint64_t before = samples_of(site[burst]);
            ml_heap_switch(ml_heap_thread(), site[burst]);
            pass_at_any_rate(&t[burst], SIZE);
            if (samples_of(site[burst]) != before)
                ml_sampler_set(burst ? 16 << 10 : 512 << 10, seed);
            else if (k == 0 || k == SLOW + BURST / 2)
                ml_sampler_set(burst ? 1 << 20 : 32 << 10, seed);
        }
    for (unsigned i = 0; i < 2; i++)
        expect_truth(site[i], &t[i]);
    counting_ends();
}

/* 6, with the clock: a burst makes samples rarer, a slow stretch makes them denser, the sum stays true. */
static void the_rate_follows_the_program(void **state)
{
    enum { SIZE = 16 << 10, ENOUGH = 1000000 };
    struct truth t = {0};
    sampling_begins(0);
    pass(1);
    uint32_t site = on_line(1);
    for (int round = 0; round < 2; round++) {
        uint64_t rate = 0;
        for (int i = 0; i < ENOUGH && rate < 1 << 20; i++) {
            pass_at_any_rate(&t, SIZE);
            rate = atomic_load(&ml_heap_totals->rate_bytes);
        }
        assert_true(rate == 1 << 20);
        assert_true(atomic_load(&ml_heap_totals->rate_most_bytes) >= rate);
        for (int ms = 0; ms < 5000 && rate > 1 << 18; ms += 10) {
            for (int i = 0; i < (2 << 20) / SIZE; i++) /* first 200, then 400 samples a second */
                pass_at_any_rate(&t, SIZE);
            usleep(10000);
            rate = atomic_load(&ml_heap_totals->rate_bytes);
        }
        assert_true(rate <= 1 << 18);
    }
    expect_truth(site, &t);
    counting_ends();
}

/* 7 */
static void *short_thread(void *site)
{
    ml_heap_switch(ml_heap_thread(), (uint32_t)(uintptr_t)site);
    pass(100 << 10);
    return NULL;
}

static void threads_that_live_briefly_are_not_missed(void **state)
{
    enum { THREADS = 1000, RATE = 512 << 10 };
    struct truth truth = {0};
    sampling_begins(RATE);
    uint32_t site = on_line(1);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, short_thread, (void *)(uintptr_t)site), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        add_truth(&truth, 100 << 10, RATE);
    }
    expect_truth(site, &truth);
    counting_ends();
}

/* 8: what is alive is estimated after frees and reallocs, and the heap is the sum of what lines hold. */
static void what_is_alive_is_known_after_frees_and_reallocs(void **state)
{
    enum { BLOCKS = 10000, RATE = 64 << 10 };
    static struct {
        void *p;
        size_t size;
    } all[BLOCKS];
    struct rng r = {seed};
    sampling_begins(RATE);
    int64_t before = ml_heap_live();
    uint32_t site = on_line(1);
    for (int i = 0; i < 200000; i++) {
        size_t k = rng_below(&r, BLOCKS);
        size_t size = 1 + (size_t)rng_below(&r, 16000);
        if (all[k].p == NULL)
            all[k].p = make(size);
        else if (rng_below(&r, 2) == 0)
            grow(all[k].p, size);
        else
            drop(all[k].p), all[k].p = NULL;
        all[k].size = size;
    }
    struct truth alive = {0};
    for (size_t k = 0; k < BLOCKS; k++)
        if (all[k].p != NULL)
            add_truth(&alive, (double)all[k].size, RATE);
    assert_true(alive.n > BLOCKS / 4);
    expect_near((double)held_by(site), alive.bytes, alive.variance);
    assert_true(ml_heap_live() - before == held_by(site));
    for (size_t k = 0; k < BLOCKS; k++)
        if (all[k].p != NULL)
            drop(all[k].p);
    assert_int_equal(held_by(site), 0);
    assert_true(ml_heap_live() == before);
    memset(all, 0, sizeof all);
    counting_ends();
}

/* 9: at the cap the rate doubles: no more than the cap is kept, and the estimate stays true. */
static void at_the_cap_samples_are_thinned_without_a_bias(void **state)
{
    enum { BLOCKS = 60000, RATE = 16 << 10 };
    struct truth truth = {0};
    struct rng r = {seed};
    sampling_begins(RATE);
    uint32_t site = on_line(1);
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = 1024 + (size_t)rng_below(&r, 32768);
        make(size);
        add_truth(&truth, (double)size, 4 * RATE); /* no coarser than this */
        assert_true(samples_of(site) < ML_SAMPLES_MOST);
    }
    assert_true(atomic_load(&ml_heap_totals->rate_bytes) == 4 * RATE);
    assert_true(atomic_load(&ml_heap_totals->dropped_samples) > 1000);
    expect_truth(site, &truth);
    counting_ends();
}

/* 9: blocks so large that all are samples, also at twice the rate: still none is lost. */
static void at_the_cap_large_blocks_are_not_lost(void **state)
{
    enum { SIZE = 1 << 20, RATE = 16 << 10 };
    sampling_begins(RATE);
    uint32_t site = on_line(1);
    struct truth truth = {0};
    for (int i = 0; i < ML_SAMPLES_MOST - 1; i++) {
        make(SIZE);
        truth.bytes += SIZE;
    }
    assert_int_equal(samples_of(site), ML_SAMPLES_MOST - 1);
    make(SIZE);
    uint64_t dropped = atomic_load(&ml_heap_totals->dropped_samples);
    assert_in_range(dropped, 1, ML_SAMPLES_MOST / 2);
    assert_int_equal(samples_of(site) + dropped, ML_SAMPLES_MOST);
    double rate = (double)atomic_load(&ml_heap_totals->rate_bytes);
    for (int i = 0; i < ML_SAMPLES_MOST; i++)
        add_truth(&truth, SIZE, rate);
    truth.bytes = (double)SIZE * ML_SAMPLES_MOST;
    expect_truth(site, &truth);
    counting_ends();
}

static void moment_passes(void)
{
    usleep(11000);
    ml_heap_look_at_clock();
}

/* 3.6: the highest of many estimates would be too high by half here. */
static void the_peak_is_of_the_moment_of_highest_rss(void **state)
{
    enum { BLOCKS = 5120, SIZE = 2048, RATE = 512 << 10, MORE = 8 << 20 };
    static void *all[BLOCKS];
    sampling_begins(RATE);
    on_line(1);
    for (int i = 0; i < BLOCKS; i++)
        all[i] = make(SIZE);
    char *real = mmap(NULL, MORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(real != MAP_FAILED);
    memset(real, 1, MORE);
    moment_passes();
    int64_t then = ml_heap_live();
    munmap(real, MORE);
    int64_t highest = then;
    for (int turn = 0; turn < 50; turn++) {
        for (int i = 0; i < BLOCKS; i++) {
            drop(all[i]);
            all[i] = make(SIZE);
        }
        moment_passes();
        if (ml_heap_live() > highest)
            highest = ml_heap_live();
    }
    assert_int_equal(atomic_load(&ml_heap_totals->peak_bytes), then);
    assert_true(highest > then * 5 / 4); /* or this shows nothing */
    counting_ends();
}

/* 11: the variance that is told is the variance there is. */
static void the_variance_told_is_the_true_one(void **state)
{
    enum { RUNS = 40000, BLOCKS = 8, RATE = 64 << 10, SIZE = 48 << 10 };
    sampling_begins(RATE);
    uint32_t site = on_line(1);
    double told = 0, squares = 0;
    struct truth truth = {0};
    for (int run = 0; run < RUNS; run++) {
        uint64_t before = figures_of(site).alloc_bytes;
        for (int i = 0; i < BLOCKS; i++) {
            pass(SIZE);
            add_truth(&truth, SIZE, RATE);
        }
        double off = (double)(figures_of(site).alloc_bytes - before) - BLOCKS * SIZE;
        squares += off * off;
    }
    expect_truth(site, &truth); /* to a part in two hundred */
    told = atomic_load(&ml_heap_account(site)->alloc_variance);
    assert_true(fabs(told / squares - 1) < 0.05);
    assert_true(fabs(atomic_load(&ml_heap_account(site)->freed_variance) / told - 1) < 1e-9);
    counting_ends();
}

/* --- 10: streams ---------------------------------------------------------------------------------------- */

/* The generator's state after a thread's first countdown, and that countdown. */
struct stream {
    uint64_t state[2];
    int64_t left;
};

static struct stream stream_here(void)
{
    make(1);
    const struct ml_heap_thread *t = ml_heap_thread();
    return (struct stream){{t->random[0], t->random[1]}, t->sample_left};
}

static void *tell_stream(void *to)
{
    *(struct stream *)to = stream_here();
    return NULL;
}

static struct stream stream_of_a_child(void)
{
    int ends[2];
    struct stream got = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        ml_book_fork_child(counted_book, NULL);
        ml_heap_after_fork();
        struct stream mine = stream_here();
        _exit(write(ends[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &got, sizeof got), sizeof got);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return got;
}

enum { STREAMS = 8 };

static void gather_streams(uint64_t with_seed, struct stream all[STREAMS])
{
    next_address = BASE;
    ml_sampler_set(1 << 20, with_seed);
    counting_begins(ML_HEAP_SAMPLE);
    all[0] = stream_here();
    all[1] = stream_of_a_child();
    for (int i = 2; i < 6; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, tell_stream, &all[i]), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    all[6] = stream_of_a_child();
    all[7] = stream_of_a_child();
    counting_ends();
}

static void threads_and_children_have_chances_of_their_own(void **state)
{
    struct stream all[3][STREAMS];
    gather_streams(0, all[0]);
    gather_streams(seed, all[1]);
    gather_streams(seed, all[2]);
    assert_memory_equal(all[1], all[2], sizeof all[1]);
    const struct stream *of_two = all[0];
    for (int i = 0; i < 2 * STREAMS; i++)
        for (int k = 0; k < i; k++) {
            assert_true(of_two[i].state[0] != of_two[k].state[0]);
            assert_true(of_two[i].left != of_two[k].left);
        }
}

/* What a child inherits is as uncertain in it as it was before. */
static void a_child_knows_how_sure_its_heritage_is(void **state)
{
    enum { SIZE = 20 << 10, BLOCKS = 300 };
    sampling_begins(64 << 10);
    uint32_t site = on_line(1);
    void *all[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        all[i] = make(SIZE);
    for (int i = 0; i < BLOCKS / 2; i++)
        drop(all[i]);
    struct ml_account *a = ml_heap_account(site);
    double told = atomic_load(&a->alloc_variance) - atomic_load(&a->freed_variance);
    uint64_t weight = atomic_load(&a->weight_bytes);
    pid_t pid = fork();
    if (pid == 0) {
        ml_book_fork_child(counted_book, NULL);
        ml_heap_after_fork();
        double held = atomic_load(&a->alloc_variance) - atomic_load(&a->freed_variance);
        bool good = atomic_load(&a->alloc_variance) == 0 && fabs(held / told - 1) < 1e-9 &&
                    atomic_load(&a->weight_bytes) == weight;
        for (int i = BLOCKS / 2; i < BLOCKS; i++)
            drop(all[i]);
        held = atomic_load(&a->alloc_variance) - atomic_load(&a->freed_variance);
        _exit(good && fabs(held) < 1e-6 * told ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(told > 0 && weight > 0);
    counting_ends();
}

static void *sample_without_end(void *over)
{
    for (uintptr_t at = BASE << 1; !atomic_load((_Atomic bool *)over); at += 64) {
        struct ml_heap_thread *t = ml_heap_begin();
        if (t == NULL)
            continue;
        ml_heap_alloc(t, (void *)at, 48);
        if (at % 128 == 0)
            ml_heap_release(t, (void *)at, true);
        ml_heap_end(t);
    }
    return NULL;
}

/* While another thread samples and thins as fast as it can, a child is made: its sampler works. */
static void a_fork_amid_samples_leaves_them_whole(void **state)
{
    static _Atomic bool over;
    pthread_t thread;
    sampling_begins(64);
    uint32_t site = on_line(1);
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&thread, NULL, sample_without_end, (void *)&over), 0);
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(20);
            ml_book_fork_child(counted_book, NULL);
            ml_heap_after_fork();
            for (int k = 0; k < 100; k++)
                make(1 << 20);
            _exit(samples_of(site) > 50 ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    atomic_store(&over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    counting_ends();
}

static void a_seed_makes_a_run_that_can_be_repeated(void **state)
{
    uint64_t samples[2];
    for (int run = 0; run < 2; run++) {
        sampling_begins(4096);
        uint32_t site = on_line(1);
        for (size_t i = 0; i < 20000; i++)
            pass(i % 3000);
        samples[run] = samples_of(site);
        assert_true(samples[run] != 0);
        samples[run] ^= figures_of(site).alloc_bytes << 20;
        counting_ends();
    }
    assert_true(samples[0] == samples[1]);
}

/* A realloc fails after another sample took the last place of its bucket. */
static void what_cannot_be_put_back_is_given_up(void **state)
{
    void *full[ML_SAMPLE_SLOTS + 1];
    sampling_begins(1); /* every block is a sample, of its own size */
    uint32_t site = on_line(1);
    uint64_t bucket = ml_sample_hash(BASE) >> 50;
    uintptr_t a = BASE;
    for (size_t i = 0; i <= ML_SAMPLE_SLOTS; a += 64)
        if (ml_sample_hash(a) >> 50 == bucket)
            full[i++] = (void *)a;
    struct ml_heap_thread *t = ml_heap_thread();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ML_SAMPLE_SLOTS; i++)
            ml_heap_alloc(t, full[i], 1000);
        struct ml_cell old = ml_heap_take(full[0]);
        assert_true(old.cell != 0);
        ml_heap_alloc(t, full[ML_SAMPLE_SLOTS], 1000);
        assert_int_equal(held_by(site), 1000 * (ML_SAMPLE_SLOTS + 1));
        ml_heap_put(full[0], old);
        assert_int_equal(held_by(site), 1000 * ML_SAMPLE_SLOTS);
        assert_int_equal(ml_heap_live(), 1000 * ML_SAMPLE_SLOTS);
        assert_int_equal(atomic_load(&ml_heap_totals->dropped_samples), round + 1);
        for (size_t i = 0; i <= ML_SAMPLE_SLOTS; i++)
            drop(full[i]); /* the first is nobody's any more */
        assert_int_equal(held_by(site), 0);
        assert_int_equal(ml_heap_live(), 0);
    }
    counting_ends();
}

/* A thread may be about to free a sample while another ends the book and begins the next. */
static void a_sample_of_another_book_is_no_one_s(void **state)
{
    sampling_begins(1);
    on_line(1);
    void *p = make(1000);
    struct ml_cell old = ml_heap_take(p);
    counting_ends();
    sampling_begins(1);
    uint32_t site = on_line(1);
    void *q = make(500);
    ml_heap_retire(ml_heap_thread(), old, true);
    assert_int_equal(held_by(site), 500);
    assert_int_equal(ml_heap_live(), 500);
    drop(q);
    assert_int_equal(ml_heap_live(), 0);
    counting_ends();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const char *given = getenv("MEMLINE_SEED");
    if (given != NULL) {
        seed = strtoull(given, NULL, 0);
        sigmas = 5;
    }
    const struct CMUnitTest tests[] = {
        CASE(the_number_of_samples_is_binomial),
        CASE(gaps_are_exponential),
        CASE(one_sample_tells_nothing_of_the_next),
        CASE(no_line_is_favoured),
        CASE(a_rate_that_follows_the_past_favours_no_line),
        CASE(the_rate_follows_the_program),
        CASE(threads_that_live_briefly_are_not_missed),
        CASE(what_is_alive_is_known_after_frees_and_reallocs),
        CASE(at_the_cap_samples_are_thinned_without_a_bias),
        CASE(at_the_cap_large_blocks_are_not_lost),
        CASE(the_peak_is_of_the_moment_of_highest_rss),
        CASE(the_variance_told_is_the_true_one),
        CASE(threads_and_children_have_chances_of_their_own),
        CASE(a_child_knows_how_sure_its_heritage_is),
        CASE(a_fork_amid_samples_leaves_them_whole),
        CASE(a_seed_makes_a_run_that_can_be_repeated),
        CASE(what_cannot_be_put_back_is_given_up),
        CASE(a_sample_of_another_book_is_no_one_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
