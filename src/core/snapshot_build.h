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
/* An account as a book has it: its function by name, its caller by number. */
struct ml__account_in {
    struct ml_str file; /* only for ML_PLACE_LINE, with name and first_line */
    struct ml_str name;
    uint32_t first_line;
    uint32_t site; /* not 0; of equal ones one counts */
    uint32_t parent_site;
    struct ml_place place; /* function and parent are found by sort */
};
int ml__snapshot_add_account(struct ml_snapshot *s, const struct ml__account_in *a);
int ml__snapshot_add_scope(struct ml_snapshot *s, const struct ml_scope_row *row);
int ml__snapshot_add_moment(struct ml_snapshot *s, const struct ml_moment *m);
void ml__snapshot_set_heap(struct ml_snapshot *s, const struct ml_heap_summary *h);
int ml__snapshot_sort(struct ml_snapshot *s);

#endif
