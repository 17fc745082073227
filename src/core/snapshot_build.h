/* core/snapshot_build.h -- how a reader of some format fills a snapshot. Within src/core only.
 *
 *   new; add, in any order and with repetitions; sort; then hand it out.
 * Memory: texts and rows are copied. Every failure is ML_ENOMEM; free the snapshot then.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SNAPSHOT_BUILD_H
#define ML_CORE_SNAPSHOT_BUILD_H

#include "core/snapshot.h"

struct ml__run {
    uint64_t pid;
    int64_t start_ns;
    uint64_t lost;
    bool complete;
    bool truncated;
};

int ml__snapshot_new(struct ml_snapshot **out);
void ml__snapshot_set_run(struct ml_snapshot *s, const struct ml__run *run);
/* Of one key, the one added last counts. */
int ml__snapshot_add_meta(struct ml_snapshot *s, struct ml_str key, struct ml_str value);
int ml__snapshot_add_source(struct ml_snapshot *s, struct ml_str file, struct ml_str text);
/* Its rows stand by line. Functions of the same file, first line and name are summed by sort. */
int ml__snapshot_add_function(struct ml_snapshot *s, const struct ml_function *f);
int ml__snapshot_sort(struct ml_snapshot *s);

#endif
