/* core/maps.c -- see maps.h. SPDX-License-Identifier: MIT */
#include "core/maps.h"

#include "base/port.h"
#include "core/heap.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

enum {
    BATCH = 16, /* intervals that one hold of the lock takes out; their charges wait on the stack */
};

/* All but `dropped` under the lock. */
static struct {
    struct ml_map *list; /* mapped at first use */
    size_t n;
    struct ml_maps_totals totals;
} maps;
static _Atomic uint64_t dropped;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- lock ---------------------------------------------------------------------------------------- */

static void take(sigset_t *old)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, old);
    pthread_mutex_lock(&lock);
}

static void give(const sigset_t *old)
{
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

static sigset_t forking_signals; /* of the thread that forks, under the lock */

static void before_fork(void)
{
    sigset_t old;
    take(&old);
    forking_signals = old;
}

static void in_parent(void)
{
    sigset_t old = forking_signals;
    give(&old);
}

static void forget(void)
{
    maps.n = 0;
    maps.totals = (struct ml_maps_totals){.intervals = 0};
    atomic_store_explicit(&dropped, 0, memory_order_relaxed);
}

/* The child's accounts begin at 0 (ml_heap_after_fork): what it unmaps of its parent's must not count. */
static void in_child(void)
{
    forget();
    in_parent();
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, in_parent, in_child);
}

/* --- charges: collected under the lock, made after it ------------------------------------------------ */

struct charges {
    struct {
        uint32_t site;
        bool file;
        int64_t bytes;
    } list[BATCH + 4]; /* and what a split costs when there is no room */
    size_t n;
};

/* The interval is counted from now on (sign 1), or no longer (-1). */
static void count(struct charges *c, const struct ml_map *m, int sign)
{
    int64_t bytes = (int64_t)(m->end - m->begin) * sign;
    if (m->reserved) {
        maps.totals.reserved_bytes += bytes;
        return;
    }
    maps.totals.bytes[m->kind] += bytes;
    c->list[c->n].site = m->site;
    c->list[c->n].file = m->kind == ML_MAP_FILE;
    c->list[c->n++].bytes = bytes;
}

static void charge(const struct charges *c)
{
    for (size_t i = 0; i < c->n; i++)
        ml_heap_mapped(c->list[i].site, c->list[i].bytes, c->list[i].file);
}

/* --- the sorted list ----------------------------------------------------------------------------------- */

/* The first interval that ends after `at`. */
static size_t first_after(uintptr_t at)
{
    size_t low = 0, high = maps.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (maps.list[middle].end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void drop(size_t i, size_t n)
{
    if (n != 0)
        memmove(&maps.list[i], &maps.list[i + n], (maps.n - i - n) * sizeof maps.list[0]);
    maps.n -= n;
}

static bool put(size_t i, struct ml_map m)
{
    if (maps.list == NULL) {
        void *p = mmap(NULL, ML_MAPS_MOST * sizeof maps.list[0], PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        maps.list = p != MAP_FAILED ? p : NULL;
    }
    if (maps.list == NULL || maps.n == ML_MAPS_MOST) {
        maps.totals.lost++;
        return false;
    }
    memmove(&maps.list[i + 1], &maps.list[i], (maps.n - i) * sizeof maps.list[0]);
    maps.list[i] = m;
    maps.n++;
    return true;
}

static bool alike(const struct ml_map *a, const struct ml_map *b)
{
    return a->end == b->begin && a->site == b->site && a->kind == b->kind &&
           a->reserved == b->reserved && a->leaving == b->leaving;
}

/* Join the neighbours of intervals from .. to (both included). */
static void join(size_t from, size_t to)
{
    size_t i = from > 0 ? from - 1 : 0;
    while (i + 1 < maps.n && i <= to) {
        if (!alike(&maps.list[i], &maps.list[i + 1])) {
            i++;
            continue;
        }
        maps.list[i].end = maps.list[i + 1].end;
        drop(i + 1, 1);
        to = to > 0 ? to - 1 : 0;
    }
}

/* No interval reaches over `at` any more. Without room for one more, what is behind is forgotten. */
static void split(struct charges *c, uintptr_t at)
{
    size_t i = first_after(at);
    if (i == maps.n || maps.list[i].begin >= at)
        return;
    struct ml_map right = maps.list[i];
    right.begin = at;
    maps.list[i].end = at;
    if (!put(i + 1, right))
        count(c, &right, -1);
}

/* --- edits ---------------------------------------------------------------------------------------------- */

/* Take out what is in the range (`marked`: only what is leaving), at most BATCH intervals at a time;
 * whether that was all. */
static bool remove_some(struct charges *c, uintptr_t begin, uintptr_t end, bool marked)
{
    split(c, begin);
    split(c, end);
    size_t from = first_after(begin), i = from, kept = from, room = BATCH;
    for (; i < maps.n && maps.list[i].begin < end && room > 0; i++) {
        if (marked && !maps.list[i].leaving) {
            maps.list[kept++] = maps.list[i];
            continue;
        }
        count(c, &maps.list[i], -1);
        room--;
    }
    bool all = i == maps.n || maps.list[i].begin >= end;
    drop(kept, i - kept);
    join(from, kept);
    return all;
}

void ml_maps_gone(uintptr_t at, size_t n)
{
    bool all;
    do {
        struct charges c = {.n = 0};
        sigset_t old;
        take(&old);
        all = remove_some(&c, at, at + n, true);
        give(&old);
        charge(&c);
    } while (!all);
}

void ml_maps_set(uintptr_t at, size_t n, uint32_t site, enum ml_map_kind kind, bool reserved)
{
    struct ml_map m = {
        .begin = at, .end = at + n, .site = site, .kind = (uint8_t)kind, .reserved = reserved};
    bool all;
    do {
        struct charges c = {.n = 0};
        sigset_t old;
        take(&old);
        all = remove_some(&c, m.begin, m.end, false);
        if (all) {
            size_t i = first_after(m.begin);
            if (put(i, m)) {
                count(&c, &m, 1);
                join(i, i);
            }
        }
        give(&old);
        charge(&c);
    } while (!all);
}

/* Mark or unmark what is in the range; whether there is anything. Nothing changes owner. */
static bool mark(uintptr_t begin, uintptr_t end, bool leaving)
{
    struct charges c = {.n = 0};
    sigset_t old;
    take(&old);
    split(&c, begin);
    split(&c, end);
    size_t from = first_after(begin), i = from;
    for (; i < maps.n && maps.list[i].begin < end; i++)
        maps.list[i].leaving = leaving;
    bool any = i != from;
    join(from, i);
    give(&old);
    charge(&c);
    return any;
}

bool ml_maps_leave(uintptr_t at, size_t n)
{
    return mark(at, at + n, true);
}

void ml_maps_stay(uintptr_t at, size_t n)
{
    (void)mark(at, at + n, false);
}

/* Change at most BATCH intervals that begin at or after *from; *from: where to go on. */
static bool access_some(struct charges *c, uintptr_t *from, uintptr_t end, uint32_t site, bool none)
{
    split(c, *from);
    split(c, end);
    size_t first = first_after(*from), i = first, room = BATCH / 2;
    for (; i < maps.n && maps.list[i].begin < end && room > 0; i++) {
        struct ml_map *m = &maps.list[i];
        *from = m->end;
        if (m->reserved == none)
            continue;
        count(c, m, -1);
        m->reserved = none;
        if (!none)
            m->site = site;
        count(c, m, 1);
        room--;
    }
    bool all = i == maps.n || maps.list[i].begin >= end;
    join(first, i);
    return all;
}

void ml_maps_access(uintptr_t at, size_t n, uint32_t site, bool none)
{
    uintptr_t from = at;
    bool all;
    do {
        struct charges c = {.n = 0};
        sigset_t old;
        take(&old);
        all = access_some(&c, &from, at + n, site, none);
        give(&old);
        charge(&c);
    } while (!all);
}

void ml_maps_dropped(size_t n)
{
    atomic_fetch_add_explicit(&dropped, n, memory_order_relaxed);
}

/* --- looks --------------------------------------------------------------------------------------------- */

bool ml_maps_find(uintptr_t at, struct ml_map *out)
{
    sigset_t old;
    take(&old);
    size_t i = first_after(at);
    bool found = i < maps.n && maps.list[i].begin <= at;
    if (found)
        *out = maps.list[i];
    give(&old);
    return found;
}

size_t ml_maps_copy(struct ml_map *out, size_t max)
{
    sigset_t old;
    take(&old);
    size_t n = maps.n;
    if (maps.n != 0)
        memcpy(out, maps.list, (n < max ? n : max) * sizeof out[0]);
    give(&old);
    return n;
}

void ml_maps_totals(struct ml_maps_totals *out)
{
    sigset_t old;
    take(&old);
    *out = maps.totals;
    out->intervals = maps.n;
    give(&old);
    out->dropped_bytes = atomic_load_explicit(&dropped, memory_order_relaxed);
}

void ml_maps_clear(void)
{
    sigset_t old;
    take(&old);
    forget();
    give(&old);
}
