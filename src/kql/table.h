/* kql/table.h -- hash tables from the cells of key columns to dense numbers: groups, join keys.
 *
 * Keys are compared by value: null equals null, NaN equals NaN, 1 equals 1 whatever batch it came from. Whole numbers
 * that lie close together within a batch are not hashed row by row, nor is a row that repeats the one before it. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_TABLE_H
#define ML_KQL_TABLE_H

#include "kql/exec.h"

struct ml_groups {
    struct ml_rowset keys; /* one row a group, in order of first appearance */
    uint64_t *slots;       /* owned: see table.c; 0: free */
    uint64_t *hashes;      /* owned: of each group */
    size_t cap;            /* slots, a power of two */
    size_t hashes_cap;
};

bool ml__groups_init(struct ml_groups *g, const struct ml_schema *keys, size_t max_bytes);
void ml__groups_free(struct ml_groups *g);
static inline size_t ml__groups_n(const struct ml_groups *g)
{
    return g->keys.all.n;
}
/* The group of every row; new ones are added (`add`) or answered as UINT32_MAX. False: out of memory. */
bool ml__groups_find(struct ml_groups *g, struct ml_arena *tmp, const struct ml_column *keys,
                     size_t n, bool add, uint32_t *group);

#endif
