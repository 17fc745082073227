/* core/rss.h -- this process's resident set, read so seldom that a line can afford it.
 *
 * The figure comes from /proc/self/statm (about 1.2 us). Between two looks of one thread it can only
 * have changed, through that thread, by a page fault or by giving pages back to the kernel. Both take
 * the kernel some time, so two gates tell "surely unchanged" without a system call:
 *   faults  a perf event with a mapped ring counts this thread's page faults: no new one, and less
 *           time than any unmapping takes: unchanged
 *   time    less time than any fault or unmapping takes: unchanged
 * The two times are measured on this machine at first use, and halved. `plain` always reads.
 * What other threads do to the process is seen at the next read.
 * Threads: one struct ml_rss per thread.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_RSS_H
#define ML_CORE_RSS_H

#include "base/port.h"

#include <stdint.h>

enum ml_rss_gate {
    ML_RSS_FAULTS, /* the best there is: falls back to TIME where perf events are not allowed */
    ML_RSS_TIME,
    ML_RSS_PLAIN,
};

struct ml_rss {
    int64_t bytes; /* as last read */
    /* private */
    uint64_t last_ticks;
    uint64_t quiet_ticks;            /* less time since the last look: unchanged, fault or not */
    uint64_t faultless_ticks;        /* less time and no fault: unchanged */
    const volatile uint64_t *faults; /* rises with each page fault; never NULL */
    uint64_t seen_faults;
    void *ring; /* the perf mapping; owned; NULL without */
};

/* Fill r and read once. Never fails: what is not to be had is done without. */
void ml_rss_init(struct ml_rss *r, enum ml_rss_gate gate);
void ml_rss_release(struct ml_rss *r);
/* The gate in use, after fallbacks. */
enum ml_rss_gate ml_rss_gate_of(const struct ml_rss *r);
/* In a forked child, before anything else: the ring is the parent's; the time gate serves on. */
void ml_rss_after_fork(struct ml_rss *r);

/* Reads without looking at the gates. */
int64_t ml_rss_read(struct ml_rss *r);
/* Called after each reading, wherever that is: must be quick and call no Python. NULL: nobody. */
extern void (*ml_rss_on_read)(void);

/* Resident bytes now.
 * Hot: every line of profiled code passes here. Cost: one counter read, two loads, two compares. */
static inline int64_t ml_rss_look(struct ml_rss *r)
{
    uint64_t now = ml_ticks();
    uint64_t spent = now - r->last_ticks;
    uint64_t faults = *r->faults;
    if (ML_LIKELY(spent < r->quiet_ticks) ||
        (faults == r->seen_faults && spent < r->faultless_ticks)) {
        r->last_ticks = now;
        return r->bytes;
    }
    return ml_rss_read(r);
}

#endif
