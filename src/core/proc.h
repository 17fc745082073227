/* core/proc.h -- the memory of a process, as the kernel tells it in /proc.
 *
 *   rss   resident bytes                         /proc/PID/statm         0.7 us for this process
 *   pss   shared pages counted by their share    /proc/PID/smaps_rollup  0.5 ms and more
 *   uss   pages that nobody else maps            /proc/PID/smaps_rollup
 *   peak  highest rss so far (VmHWM)             /proc/PID/status        20 us
 *
 * Kernels from 6.2 to 6.16 keep rss in batches per processor and may be wrong by some 64 pages a
 * processor; pss and uss are always counted anew.
 * Threads: any, at once. A forked child forgets the descriptor of its parent by itself.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_PROC_H
#define ML_CORE_PROC_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum ml_mem_kind { ML_MEM_RSS, ML_MEM_PSS, ML_MEM_USS };

/* The kind called name ("rss", "pss", "uss"), or ML_ENOTFOUND. */
int ml_mem_kind_find(const char *name, enum ml_mem_kind *out);

/* Resident bytes of this process. Cost: one pread on a descriptor that stays open. errno is kept. */
int ml_proc_self_rss(uint64_t *out);

/* Memory of process pid (0: this one) in bytes. ML_ENOTFOUND: there is none, or it has ended and
 * only waits for its parent; ML_EDENIED: it is not ours to read (pss and uss only). */
int ml_proc_memory(int32_t pid, enum ml_mem_kind kind, uint64_t *out, struct ml_error *e);

/* Highest resident set since the process began its program, or since the last reset. */
int ml_proc_peak(int32_t pid, uint64_t *out, struct ml_error *e);
/* Set this process's peak back to its resident set now. ML_EDENIED or ML_EIO where the kernel will
 * not. Sampling in the same process must hear of it: callers outside core use ml_watch_peak_reset. */
int ml_proc_peak_reset(void);

/* All of fd, from its start, in pieces; take(ctx, piece, n) gets them and may answer false to stop.
 * 0, or the errno value. For /proc files that this folder reads. */
typedef bool ml__proc_take(void *ctx, const char *piece, size_t n);
int ml__proc_read(int fd, ml__proc_take *take, void *ctx);

/* Open /proc/NAME for reading: a descriptor, or minus the errno value. */
int ml__proc_open(const char *fmt, ...) ML_PRINTF(1, 2);

#endif
