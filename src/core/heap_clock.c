/* core/heap_clock.c -- the timeline: memory over time, noted at moments when something happens anyway.
 *
 * Profiled code passes a line, or has allocated another MiB: if enough time went by, a moment is noted.
 * No thread and no signal of our own. When the table is full, of each two moments the higher stays and
 * the time between moments doubles. SPDX-License-Identifier: MIT */
#include "core/heap_inside.h"

#include "core/book_format.h"
#include "core/proc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOMENTS = 2048 };

static struct {
    struct ml_book_moment *moments; /* [MOMENTS] in the book */
    uint64_t step_ticks;            /* between moments */
    uint64_t due_ticks;             /* the next moment */
    uint64_t peak_rss_bytes;        /* highest of a moment so far */
    uint64_t look_ticks;            /* between looks; no more than step_ticks */
    _Atomic uint32_t taken;         /* somebody is noting a moment; others pass */
    int statm;                      /* /proc/self/statm; -1: not open */
    pid_t pid;
} the_clock = {.statm = -1};

/* [lock-free] ticks before which nothing is due. */
_Atomic uint64_t ml_heap_next_look;
uint64_t (*ml_heap_on_look)(void);

#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

static void first_look(void)
{
    uint64_t per_us = ml_ticks_per_us();
    the_clock.step_ticks = (per_us != 0 ? per_us : 1000) * 10000; /* 10 ms */
    the_clock.look_ticks = the_clock.step_ticks / 2;
    the_clock.due_ticks = 0;
    the_clock.peak_rss_bytes = 0;
    SET(ml_heap_next_look, 0);
}

int ml__clock_begin(struct ml_book *b)
{
    void *elements;
    int rc = ml_book_table(b, ML_BOOK_TIMELINE, 0, MOMENTS, sizeof(struct ml_book_moment),
                           &elements);
    if (rc != ML_OK)
        return rc;
    the_clock.moments = elements;
    first_look();
    return ML_OK;
}

void ml__clock_after_fork(void)
{
    memset(the_clock.moments, 0, MOMENTS * sizeof *the_clock.moments);
    SET(the_clock.taken, 0);
    first_look();
}

static uint64_t resident(void)
{
    char text[128];
    if (the_clock.statm < 0 || the_clock.pid != getpid()) {
        int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        the_clock.statm = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 200) : -1;
        if (fd >= 0)
            close(fd);
        the_clock.pid = getpid();
    }
    ssize_t n = the_clock.statm >= 0 ? pread(the_clock.statm, text, sizeof text - 1, 0) : 0;
    if (n <= 0) {
        the_clock.statm = -1; /* the program closed it */
        return 0;
    }
    text[n] = 0;
    const char *second = strchr(text, ' ');
    return second != NULL ? strtoull(second, NULL, 10) * ml_page_bytes() : 0;
}

static void thin(void)
{
    struct ml_book_moment *m = the_clock.moments;
    for (uint32_t i = 0; i < MOMENTS / 2; i++)
        m[i] = m[2 * i + (m[2 * i + 1].rss_bytes > m[2 * i].rss_bytes)];
    SET(ml_heap_totals->moments, MOMENTS / 2);
    the_clock.step_ticks *= 2;
}

/* Of estimates the highest is the one that errs most, and more so the longer the run: by samples, the heap at the
 * moment when resident memory, which is exact, was highest. */
static void note_peak(const struct ml_book_moment *now)
{
    bool rss_is_highest = now->rss_bytes > the_clock.peak_rss_bytes;
    if (rss_is_highest)
        the_clock.peak_rss_bytes = now->rss_bytes;
    if (GET(ml_heap_mode_now) == ML_HEAP_SAMPLE ? rss_is_highest
                                                : now->heap_bytes > GET(ml_heap_totals->peak_bytes))
        SET(ml_heap_totals->peak_bytes, now->heap_bytes);
}

static void note(uint64_t limit_use_bytes)
{
    struct ml_book_moment now = {.at_ns = ml_wall_ns(),
                                 .rss_bytes = resident(),
                                 .heap_bytes = ml_heap_live(),
                                 .limit_use_bytes = limit_use_bytes};
    note_peak(&now);
    SET(ml_heap_totals->ledger_bytes, ml_ledger_mapped());
    if (GET(ml_heap_totals->moments) == MOMENTS)
        thin();
    uint32_t n = GET(ml_heap_totals->moments);
    the_clock.moments[n] = now;
    atomic_store_explicit(&ml_heap_totals->moments, n + 1, memory_order_release);
}

ML_NOINLINE void ml_heap_look_at_clock(void)
{
    uint64_t ticks = ml_ticks();
    if (ticks < GET(ml_heap_next_look) || GET(ml_heap_mode_now) == ML_HEAP_OFF ||
        atomic_exchange(&the_clock.taken, 1) != 0)
        return;
    struct ml_heap_thread *t = ml_heap_mine;
    uint32_t busy = t != NULL ? t->busy : 0;
    if (t != NULL)
        t->busy = 1;
    uint64_t use = ml_heap_on_look != NULL ? ml_heap_on_look() : 0;
    if (ticks >= the_clock.due_ticks) {
        note(use);
        the_clock.due_ticks = ticks + the_clock.step_ticks;
    }
    SET(ml_heap_next_look,
        ml_heap_on_look != NULL ? ticks + the_clock.look_ticks : the_clock.due_ticks);
    if (t != NULL)
        t->busy = busy;
    atomic_store(&the_clock.taken, 0);
}
