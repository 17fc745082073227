/* core/rss.c -- see rss.h.
 *
 * Source: perf_event_open(2). In the ring data_head rises by one record for each
 * event when the sampling period is 1. A read-only mapping makes the ring overwrite itself, so the
 * kernel never stops counting. Faults that happen inside system calls (read() into fresh memory)
 * must be counted too, hence exclude_kernel = 0: where the kernel forbids that
 * (perf_event_paranoid > 1 without CAP_PERFMON) the time gate serves alone.
 * SPDX-License-Identifier: MIT */
#include "core/rss.h"

#include "core/proc.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void (*ml_rss_on_read)(void);

int64_t ml_rss_read(struct ml_rss *r)
{
    uint64_t faults = *r->faults; /* before: a fault during the read is looked at again */
    uint64_t bytes;
    if (ml_proc_self_rss(&bytes) == ML_OK)
        r->bytes = (int64_t)bytes;
    r->seen_faults = faults;
    r->last_ticks = ml_ticks();
    if (ML_UNLIKELY(ml_rss_on_read != NULL))
        ml_rss_on_read();
    return r->bytes;
}

/* --- the time bounds ------------------------------------------------------------------------- */

enum { TRIALS = 16 };

/* Least ticks that the kernel needs for a fault and for an unmapping, here and now. */
static void measure_kernel(uint64_t *fault, uint64_t *unmap)
{
    size_t page = ml_page_bytes();
    *fault = *unmap = UINT64_MAX;
    for (int i = 0; i < TRIALS; i++) {
        volatile char *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                                0);
        if (p == MAP_FAILED)
            continue;
        uint64_t t0 = ml_ticks();
        p[0] = 1;
        uint64_t t1 = ml_ticks();
        munmap((void *)p, page);
        uint64_t t2 = ml_ticks();
        *fault = t1 - t0 < *fault ? t1 - t0 : *fault;
        *unmap = t2 - t1 < *unmap ? t2 - t1 : *unmap;
    }
}

/* Ticks below which nothing can have happened. Half of what was measured, and never more than a
 * microsecond: a machine that was slow while we measured must not make us blind later. */
static uint64_t bound(uint64_t measured, uint64_t per_us)
{
    uint64_t half = measured / 2;
    return measured == UINT64_MAX ? 0 : half < per_us ? half : per_us;
}

static void bounds(uint64_t *quiet, uint64_t *faultless)
{
    /* [lock-free] measured once; 0 means not yet. Two threads may both measure. */
    static _Atomic uint64_t known_quiet, known_faultless;
    if (atomic_load(&known_faultless) == 0) {
        uint64_t fault, unmap;
        uint64_t per_us = ml_ticks_per_us();
        measure_kernel(&fault, &unmap);
        atomic_store(&known_quiet, bound(fault < unmap ? fault : unmap, per_us));
        atomic_store(&known_faultless, bound(unmap, per_us) + 1);
    }
    *quiet = atomic_load(&known_quiet);
    *faultless = atomic_load(&known_faultless) - 1;
}

/* --- the fault ring -------------------------------------------------------------------------- */

static const uint64_t no_faults = 0;

static void *ring_open(void)
{
    struct perf_event_attr a;
    memset(&a, 0, sizeof a);
    a.size = sizeof a;
    a.type = PERF_TYPE_SOFTWARE;
    a.config = PERF_COUNT_SW_PAGE_FAULTS;
    a.sample_period = 1;
    a.watermark = 1;
    a.wakeup_watermark = UINT32_MAX; /* nobody waits for it */
    int fd = (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *ring = mmap(NULL, 2 * ml_page_bytes(), PROT_READ, MAP_SHARED, fd, 0);
    close(fd); /* the mapping keeps the event */
    return ring != MAP_FAILED ? ring : NULL;
}

static void ring_close(struct ml_rss *r)
{
    if (r->ring != NULL)
        munmap(r->ring, 2 * ml_page_bytes());
    r->ring = NULL;
    r->faults = &no_faults;
    r->faultless_ticks = 0;
}

void ml_rss_init(struct ml_rss *r, enum ml_rss_gate gate)
{
    int saved = errno;
    *r = (struct ml_rss){.faults = &no_faults};
    if (gate != ML_RSS_PLAIN)
        bounds(&r->quiet_ticks, &r->faultless_ticks);
    if (gate == ML_RSS_FAULTS)
        r->ring = ring_open();
    if (r->ring != NULL)
        r->faults = (const volatile uint64_t *)&((struct perf_event_mmap_page *)r->ring)->data_head;
    else
        r->faultless_ticks = 0;
    errno = saved;
    ml_rss_read(r);
}

void ml_rss_release(struct ml_rss *r)
{
    ring_close(r);
}

enum ml_rss_gate ml_rss_gate_of(const struct ml_rss *r)
{
    if (r->ring != NULL)
        return ML_RSS_FAULTS;
    return r->quiet_ticks != 0 ? ML_RSS_TIME : ML_RSS_PLAIN;
}

void ml_rss_after_fork(struct ml_rss *r)
{
    r->ring = NULL; /* the kernel does not copy a perf mapping into a child: nothing to unmap */
    ring_close(r);
    r->last_ticks = 0; /* the next look reads */
}
