/* core/watch.h -- samples a process's memory from a thread of its own.
 *
 * The thread needs no interpreter lock, blocks all signals, and looks at fixed moments; a look that
 * comes too late is left out, not made up for. Its first look is done when start returns, so what
 * the thread itself takes is part of the base line; its last one is done when stop returns.
 *
 * Peaks: the kernel keeps a high-water mark of the resident set. Where kind is rss, the watch reads
 * it at each look, and a new high between two looks becomes a sample (in the middle of the two): the
 * highest sample is the process's true peak, however short it was. Watching this process sets the
 * mark back at the start. Peaks of children are seen by looks only.
 *
 * Memory: 16 bytes a sample. At a million samples the watch keeps the higher of each two and
 * doubles its interval.
 * Fork: the thread is the parent's; in a child the watch has stopped, its samples remain.
 * Threads: start, stop and free by one thread at a time; the rest says so itself.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_WATCH_H
#define ML_CORE_WATCH_H

#include "core/proc.h"
#include "core/series.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ml_watch;

#define ML_WATCH_LEAST_NS 100000u /* a shorter interval is raised to this */

struct ml_watch_options {
    int32_t pid; /* 0: this process */
    enum ml_mem_kind kind;
    uint64_t interval_ns;
    bool children;   /* a sample is the sum of the process and all its descendants */
    bool each_child; /* records: also one for each descendant */
    bool records; /* write "MEM mib time" and "CHLD pid mib time" lines to fd, at most 1 s late */
    int fd;       /* borrowed until stop */
};

int ml_watch_new(const struct ml_watch_options *o,
                 struct ml_watch **out); /* *out is the caller's */
/* Stops it first. NULL is fine. */
void ml_watch_free(struct ml_watch *w);

/* Once in a watch's life (then ML_EBUSY). Fails as ml_proc_memory does when the first look does. */
int ml_watch_start(struct ml_watch *w, struct ml_error *e);
/* Idempotent, also before start. Waits at most 1 s for a reader of fd that does not read. */
void ml_watch_stop(struct ml_watch *w);

/* After stop: at least three samples (at start, one before the end, at the end), unless the process
 * ended before; in the order of time. Borrowed. */
const struct ml_series *ml_watch_series(const struct ml_watch *w);

/* At any time, from any thread: the process watched has ended. */
bool ml_watch_ended(const struct ml_watch *w);
/* At any time: records that could not be written, and samples that found no memory. */
uint64_t ml_watch_lost(const struct ml_watch *w);

/* Set this process's high-water mark back, after telling the running watches of it.
 * As ml_proc_peak_reset. Any thread. */
int ml_watch_peak_reset(void);

#endif
