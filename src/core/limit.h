/* core/limit.h -- how much memory a process may use before it is killed or refused, and how much is used.
 *
 * Every limit that can strike is read: the control group's and those of all groups above it (version 1 and 2,
 * docs/limits.md), the process's address space (RLIMIT_AS), and last the machine's memory.
 *
 *   kind        limit                               use
 *   cgroup v2   memory.max, memory.high             memory.current - passing cache
 *   cgroup v1   memory.limit_in_bytes               memory.usage_in_bytes - passing cache
 *   addresses   RLIMIT_AS                           size of the address space
 *   machine     MemTotal                            MemTotal - MemAvailable
 * A group's use is that of all its processes, as is its limit. Passing cache is no use: file pages
 * that wait to be reclaimed (inactive_file) or to be written (dirty, writeback).
 * Threads: nothing shared. Memory: the caller's; nothing is allocated, no descriptor is kept.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_LIMIT_H
#define ML_CORE_LIMIT_H

#include "core/cgroup.h"

#include <stddef.h>

enum ml_limit_kind {
    ML_LIMIT_CGROUP1,
    ML_LIMIT_CGROUP2,
    ML_LIMIT_ADDRESSES,
    ML_LIMIT_MACHINE, /* of last resort */
};

struct ml_limit {
    enum ml_limit_kind kind;
    uint64_t bytes;
    size_t below_n; /* of a group: the first so many bytes of its struct ml_cgroup.below */
};

enum { ML_LIMITS_MOST = 16, ML_LIMIT_WHERE = 2 * ML_CGROUP_PATH };

struct ml_limits {
    struct ml_limit all[ML_LIMITS_MOST]; /* lowest first */
    size_t n;
    /* private */
    const char *root; /* borrowed */
    int32_t pid;
    struct ml_cgroup groups[ML_CGROUP_VERSIONS];
};

/* The limits of process pid (0: this one). root: "" but in tests, where it is a folder that holds a file system
 * of theirs (ROOT/proc/self/cgroup, ...); it must live as long. What cannot be read sets no limit. Cost: some
 * 100 us. */
void ml_limits_read(struct ml_limits *l, const char *root, int32_t pid);

/* Bytes in use of it. False: it cannot be told (now). Cost: some 20 us. */
bool ml_limit_use(const struct ml_limits *l, const struct ml_limit *limit, uint64_t *out);

/* The one whose used part is largest; NULL: none, or nothing can be told. The machine's counts only once
 * this process has a tenth of it: a machine that others fill is not this program's doing. */
const struct ml_limit *ml_limits_tightest(const struct ml_limits *l, uint64_t *use);

/* "cgroup v2", "cgroup v1", "address space", "machine". */
const char *ml_limit_kind_name(enum ml_limit_kind kind);
/* The group's folder; else "". */
void ml_limit_where(const struct ml_limits *l, const struct ml_limit *limit,
                    char out[ML_LIMIT_WHERE]);

#endif
