/* core/cgroup.h -- where the memory files of a process's control group are, from the kernel's texts.
 *
 *   /proc/PID/cgroup        4:memory:/docker/ab    version 1: the group's path in the hierarchy
 *                           0::/user.slice         version 2
 *   /proc/self/mountinfo    ... /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
 *                           the mount's root in the hierarchy, and where it is mounted
 * In a container the path is often not below the mount's root: then it is the mount's root that counts.
 * Both versions may be there at once (hybrid); each has its own groups.
 * Threads: nothing shared. Memory: the caller's; no allocation. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_CGROUP_H
#define ML_CORE_CGROUP_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { ML_CGROUP_PATH = 1024, ML_CGROUP_V1 = 0, ML_CGROUP_V2 = 1, ML_CGROUP_VERSIONS = 2 };

/* All-zero is the start. */
struct ml_cgroup {
    char path[ML_CGROUP_PATH];  /* of the group in its hierarchy; "": not seen */
    char mount[ML_CGROUP_PATH]; /* where the hierarchy is mounted; "": nowhere */
    char below[ML_CGROUP_PATH]; /* the group's folder below it: "" or "/a/b" */
    /* private */
    size_t root_n; /* length of the mount's root, as far as it is a part of the path */
    bool inside;   /* the path is below the root */
};

/* One line of /proc/PID/cgroup, then one of mountinfo, without line ends. Lines that tell of other things, or
 * that no kernel writes, change nothing; paths too long for us are as if not there. */
void ml_cgroup_line(struct ml_cgroup both[ML_CGROUP_VERSIONS], struct ml_str line);
/* After all lines of the former. */
void ml_cgroup_mount_line(struct ml_cgroup both[ML_CGROUP_VERSIONS], struct ml_str line);

/* A file's number: "max" and what stands for it in version 1 are UINT64_MAX. False: not a number. */
bool ml_cgroup_number(struct ml_str text, uint64_t *out);
/* The number behind a word at a line's start: of memory.stat ("inactive_file 4096"), and of
 * /proc/meminfo ("MemTotal:  16 kB", the unit not looked at). False: not there. */
bool ml_cgroup_field(struct ml_str text, struct ml_str word, uint64_t *out);

#endif
