/* core/proc_tree.h -- the descendants of a process and their memory.
 *
 * Found through /proc/PID/task/TID/children, at about 15 us a descendant; on kernels built without
 * that file, by looking at every process there is. Processes come and go meanwhile: those that
 * vanish, and those that we may not read, are left out.
 * Threads: any; a list has one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_PROC_TREE_H
#define ML_CORE_PROC_TREE_H

#include "core/proc.h"

#include <stddef.h>
#include <stdint.h>

struct ml_proc_member {
    int32_t pid;
    uint64_t bytes;
};

/* All-zero is a valid empty list; kept from one look to the next it saves the allocation. */
struct ml_proc_list {
    struct ml_proc_member *at; /* owned; by ascending pid */
    size_t n;
    size_t cap;
};

/* All living descendants of pid (0: this process) with their memory; what the list held is
 * forgotten. A process that does not exist has none. 0, ML_ENOMEM, or ML_ELIMIT beyond a million. */
int ml_proc_tree(int32_t pid, enum ml_mem_kind kind, struct ml_proc_list *out);
/* The sum of its bytes. */
uint64_t ml_proc_list_sum(const struct ml_proc_list *l);
void ml_proc_list_free(struct ml_proc_list *l);

/* The two ways of finding them, pids only; for ml_proc_tree and the tests. */
int ml__proc_tree_walk(int32_t pid, struct ml_proc_list *out);
int ml__proc_tree_scan(int32_t pid, struct ml_proc_list *out);

#endif
