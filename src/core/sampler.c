/* core/sampler.c -- see sampler.h. SPDX-License-Identifier: MIT */
#include "core/sampler.h"

#include "core/heap_inside.h"

#include <math.h>
#include <sched.h>
#include <string.h>

enum { TAKEN = 1 };

/* A live sampled block. */
struct sample {
    uintptr_t address; /* 0: the record is free; TAKEN: its block is being freed */
    uint64_t size;
    uint64_t weight_bytes;
    uint64_t weight_count;
    double variance;
    uint64_t rate;
    uint32_t site;
    uint32_t next_free;
};

static struct {
    struct sample *all; /* [ML_SAMPLES_MOST] pages */
    uint32_t fresh;     /* records from here on were never used */
    uint32_t free;      /* index + 1 of a free record; 0: none */
    uint32_t live;
    _Atomic uint32_t lock;
    _Atomic uint64_t rate;
    uint64_t rate_most; /* since samples were last forgotten */
    bool adaptive;
    uint64_t seed;
    _Atomic uint64_t streams; /* given to threads */
    uint64_t forks;           /* seeds given to children */
    /* the controller's window */
    uint64_t window_ticks;
    uint32_t in_window;
} sampler = {.rate = ML_SAMPLE_RATE, .adaptive = true};

uint32_t (*ml_sampler_leaf)(struct ml_heap_thread *t);

#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

void ml_sampler_set(uint64_t rate_bytes, uint64_t seed)
{
    sampler.adaptive = rate_bytes == 0;
    SET(sampler.rate, rate_bytes != 0 ? rate_bytes : ML_SAMPLE_RATE);
    sampler.seed = seed;
    sampler.forks = 0;
    sampler.window_ticks = 0;
    sampler.in_window = 0;
    SET(sampler.streams, 0);
}

/* Held for a few hundred ns. The holder is busy, so a signal handler of its own thread passes by. */
static void lock(void)
{
    while (atomic_exchange_explicit(&sampler.lock, 1, memory_order_acquire) != 0)
        sched_yield();
}

static void unlock(void)
{
    atomic_store_explicit(&sampler.lock, 0, memory_order_release);
}

static void set_rate(uint64_t bytes)
{
    SET(sampler.rate, bytes);
    if (bytes > sampler.rate_most)
        sampler.rate_most = bytes;
    SET(ml_heap_totals->rate_bytes, bytes);
    SET(ml_heap_totals->rate_most_bytes, sampler.rate_most);
}

void ml__sample_tell_rate(void)
{
    set_rate(GET(sampler.rate));
}

void ml__sample_begin(void)
{
    if (sampler.all == NULL && ml_sample_set_make())
        sampler.all = ml_pages(ML_SAMPLES_MOST * sizeof *sampler.all);
}

void ml__sample_clear(void)
{
    lock();
    ml_sample_set_clear();
    sampler.fresh = sampler.free = sampler.live = 0;
    sampler.rate_most = 0;
    unlock();
}

/* --- chance ------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static ML_THREAD_LOCAL bool locked_for_fork;

/* The child finds the records whole, and a number of its own: nobody else samples or forks meanwhile. A signal
 * handler that forks amid a hook of its own thread cannot wait for itself. */
void ml__sample_before_fork(void)
{
    const struct ml_heap_thread *t = ml_heap_mine;
    if (t != NULL && (t->busy == 1 || t->busy == ML_HEAP_IN_PYTHON))
        return;
    lock();
    locked_for_fork = true;
    sampler.forks++;
}

void ml__sample_in_parent(void)
{
    if (locked_for_fork)
        unlock();
    locked_for_fork = false;
}

/* A fixed seed goes on in each child as another one, the same in each run; chance needs nothing. */
void ml__sample_in_child(void)
{
    uint64_t state = sampler.seed ^ sampler.forks << 48;
    SET(sampler.lock, 0);
    locked_for_fork = false;
    if (sampler.seed != 0)
        sampler.seed = mix(&state) | 1;
    sampler.forks = 0;
    SET(sampler.streams, 0);
}

/* A stream of its own for each thread. */
static void seed_thread(struct ml_heap_thread *t)
{
    uint64_t state;
    if (sampler.seed != 0)
        state = sampler.seed + (atomic_fetch_add(&sampler.streams, 1) << 32);
    else
        ml_random(&state, sizeof state);
    t->random[0] = mix(&state);
    t->random[1] = mix(&state) | 1;
}

static uint64_t next_random(struct ml_heap_thread *t) /* xoroshiro128+ */
{
    if ((t->random[0] | t->random[1]) == 0)
        seed_thread(t);
    uint64_t a = t->random[0];
    uint64_t b = t->random[1];
    uint64_t sum = a + b;
    b ^= a;
    t->random[0] = (a << 24 | a >> 40) ^ b ^ (b << 16);
    t->random[1] = b << 37 | b >> 27;
    return sum;
}

/* In (0, 1]. */
static double uniform(struct ml_heap_thread *t)
{
    return (double)((next_random(t) >> 11) + 1) * 0x1p-53;
}

static void draw(struct ml_heap_thread *t)
{
    t->sample_rate = GET(sampler.rate);
    t->sample_left = (int64_t)ceil(-log(uniform(t)) * (double)t->sample_rate);
}

static double inclusion(uint64_t size, uint64_t rate)
{
    return -expm1(-(double)(size != 0 ? size : 1) / (double)rate);
}

/* --- figures --------------------------------------------------------------------------------------------- */

static void add_double(_Atomic double *to, double x)
{
    double old = atomic_load(to);
    while (!atomic_compare_exchange_weak(to, &old, old + x))
        ;
}

/* Whole bytes and blocks, rounded up or down by chance: unbiased. */
static void set_weight(struct sample *s, struct ml_heap_thread *t, uint64_t rate)
{
    double p = inclusion(s->size, rate);
    double size = (double)s->size;
    double up = 1 - uniform(t);
    s->rate = rate;
    s->weight_bytes = (uint64_t)(size / p + up);
    s->weight_count = (uint64_t)(1 / p + up);
    s->variance = size * size * (1 - p) / (p * p);
}

/* Add the sample to what its account allocated, or take it away. */
static void charge(const struct sample *s, int sign)
{
    struct ml_account *a = ml_heap_account(s->site);
    uint64_t factor = (uint64_t)(int64_t)sign; /* wraps as intended */
    atomic_fetch_add(&a->alloc_any_bytes, s->weight_bytes * factor);
    atomic_fetch_add(&a->alloc_any_count, s->weight_count * factor);
    atomic_fetch_add(&a->samples, factor);
    add_double(&a->alloc_variance, sign * s->variance);
    uint64_t most = atomic_load(&a->weight_bytes);
    while (sign > 0 && most < s->weight_bytes &&
           !atomic_compare_exchange_weak(&a->weight_bytes, &most, s->weight_bytes))
        ;
}

/* --- records ---------------------------------------------------------------------------------------------- */

static uint32_t record_new(void)
{
    if (sampler.free != 0) {
        uint32_t i = sampler.free - 1;
        sampler.free = sampler.all[i].next_free;
        return i;
    }
    return sampler.fresh++;
}

static void record_free(uint32_t i)
{
    struct sample *s = &sampler.all[i];
    s->address = 0;
    s->next_free = sampler.free;
    sampler.free = i + 1;
    sampler.live--;
}

/* The sample is none any more: we shall not see its block freed, or it was thinned out. */
static void give_up(struct ml_heap_thread *t, struct sample *s)
{
    charge(s, -1);
    ml__heap_net(t, -(int64_t)s->weight_bytes);
    record_free((uint32_t)(s - sampler.all));
    atomic_fetch_add(&ml_heap_totals->dropped_samples, 1);
}

/* R doubles; of the live samples each stays with the probability that makes it one of the new rate. */
static void thin(struct ml_heap_thread *t)
{
    uint64_t rate = GET(sampler.rate) * 2;
    set_rate(rate);
    for (uint32_t i = 0; i < sampler.fresh; i++) {
        struct sample *s = &sampler.all[i];
        if (s->address <= TAKEN || s->rate >= rate)
            continue;
        bool keep = uniform(t) <= inclusion(s->size, rate) / inclusion(s->size, s->rate);
        if (!keep) {
            ml_sample_set_remove(s->address);
            give_up(t, s);
            continue;
        }
        int64_t before = (int64_t)s->weight_bytes;
        charge(s, -1);
        set_weight(s, t, rate);
        charge(s, 1);
        ml__heap_net(t, (int64_t)s->weight_bytes - before);
    }
}

/* Blocks much larger than R all stay: then R doubles again, until there is room. */
static void make_room(struct ml_heap_thread *t)
{
    while (sampler.live >= ML_SAMPLES_MOST - 1)
        thin(t);
}

/* Keep the number of samples in a second near what a second may cost. */
static void control(void)
{
    enum { WINDOW = 128, FEW = 500, MANY = 2000 }; /* samples, and per second */
    if (!sampler.adaptive)
        return;
    if (sampler.window_ticks == 0)
        sampler.window_ticks = ml_ticks();
    if (++sampler.in_window < WINDOW)
        return;
    uint64_t now = ml_ticks();
    uint64_t per_us = ml_ticks_per_us();
    double seconds = (double)(now - sampler.window_ticks) / (per_us != 0 ? (double)per_us : 1e3) /
                     1e6;
    double rate = WINDOW / (seconds > 1e-9 ? seconds : 1e-9);
    uint64_t bytes = GET(sampler.rate);
    if (rate > MANY && bytes < ML_SAMPLE_RATE_MOST)
        bytes *= 2;
    else if (rate < FEW && bytes > ML_SAMPLE_RATE_LEAST && sampler.live < ML_SAMPLES_MOST / 2)
        bytes /= 2;
    set_rate(bytes);
    sampler.window_ticks = now;
    sampler.in_window = 0;
}

/* A bucket of the set is full where there are far too many samples: as with the whole. */
static void enter(struct ml_heap_thread *t, uintptr_t p, size_t n, uint32_t site)
{
    make_room(t);
    uint32_t i = record_new();
    struct sample *s = &sampler.all[i];
    *s = (struct sample){.address = p, .size = n, .site = site};
    set_weight(s, t, t->sample_rate);
    sampler.live++;
    charge(s, 1);
    ml__heap_net(t, (int64_t)s->weight_bytes);
    if (!ml_sample_set_add(p, (uint16_t)i))
        give_up(t, s);
}

static void take(struct ml_heap_thread *t, void *p, size_t n)
{
    if (sampler.all == NULL)
        return;
    uint32_t site = ml_sampler_leaf != NULL ? ml_sampler_leaf(t) : 0;
    if (site == 0)
        site = GET(t->site);
    struct ml_cell old = ml_heap_take(p);
    if (old.cell != 0) /* freed where we do not see it */
        ml_heap_retire(t, old, false);
    lock();
    enter(t, (uintptr_t)p, n, site);
    control();
    unlock();
}

bool ml__sample_due(struct ml_heap_thread *t, void *p, size_t n)
{
    if (t->sample_rate == 0) { /* the first countdown of this thread, or of this mode */
        draw(t);
        t->sample_left -= (int64_t)(n + (n == 0));
        if (t->sample_left > 0)
            return true;
    }
    take(t, p, n);
    draw(
        t); /* what the block was larger than the countdown is forgotten: the process has no memory */
    ml_heap_look_at_clock();
    return true;
}

struct ml_cell ml_sample_take(uintptr_t a)
{
    lock();
    int i = ml_sample_set_remove(a);
    if (i >= 0)
        sampler.all[i].address = TAKEN;
    unlock();
    if (i < 0)
        return (struct ml_cell){0, 0};
    return (struct ml_cell){(uint32_t)i << ML_CELL_SITE_SHIFT | ML_CELL_SAMPLED, 0};
}

/* The record that was taken, or NULL: sampling began anew meanwhile. */
static struct sample *taken(uint32_t cell)
{
    uint32_t i = ml_cell_site(cell);
    return i < sampler.fresh && sampler.all[i].address == TAKEN ? &sampler.all[i] : NULL;
}

void ml__sample_put(struct ml_heap_thread *t, uintptr_t a, uint32_t cell)
{
    lock();
    struct sample *s = taken(cell);
    if (s != NULL) {
        s->address = a;
        if (!ml_sample_set_add(a, (uint16_t)ml_cell_site(cell)))
            give_up(t, s);
    }
    unlock();
}

void ml__sample_retire(struct ml_heap_thread *t, uint32_t cell)
{
    lock();
    struct sample *s = taken(cell);
    if (s != NULL) {
        struct ml_account *a = ml_heap_account(s->site);
        atomic_fetch_add(&a->freed_any_bytes, s->weight_bytes);
        atomic_fetch_add(&a->freed_any_count, s->weight_count);
        add_double(&a->freed_variance, s->variance);
        ml__heap_net(t, -(int64_t)s->weight_bytes);
        record_free(ml_cell_site(cell));
    }
    unlock();
}
