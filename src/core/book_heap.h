/* core/book_heap.h -- the heap's tables of a book, on their way into a snapshot. Within src/core only.
 *
 *   ml__heap_table for each record; sort; ml__heap_of_line and ml__heap_accounts per function; finish.
 * Every byte may be hostile. Failures are ML_ENOMEM. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_BOOK_HEAP_H
#define ML_CORE_BOOK_HEAP_H

#include "base/vec.h"
#include "core/heap_format.h"
#include "core/snapshot_build.h"

struct ml__read_account {
    uint32_t line, scope, parent, kind, site;
    struct ml_heap heap;
};

struct ml__line_heap {
    uint32_t line;
    struct ml_heap heap;
};

struct ml__pending {
    uint32_t site;
    uint64_t bytes, count;
};

/* All-zero is empty. */
struct ml__heap_tables {
    ML_VEC(struct ml__read_account) accounts; /* sorted by line */
    ML_VEC(struct ml__line_heap) lines;       /* their sums, by line */
    ML_VEC(struct ml__pending) pending;       /* what threads had not told yet */
    ML_VEC(struct ml_scope_row) scopes;       /* texts point into the book */
    ML_VEC(struct ml_moment) moments;
    struct ml_heap_summary summary;
    uint32_t n_moments; /* in use, as the totals say */
    bool any;
};

int ml__heap_table(struct ml__heap_tables *h, const char *bytes, size_t at, size_t n);
int ml__heap_tables_sort(struct ml__heap_tables *h);
/* NULL: none. */
const struct ml_heap *ml__heap_of_line(const struct ml__heap_tables *h, uint32_t line);
/* Hand the accounts of a function's lines (first, first + 1, ...) to the snapshot. */
int ml__heap_accounts(const struct ml__heap_tables *h, const struct ml_function *f, uint32_t first,
                      uint32_t n_lines, struct ml_snapshot *s);
int ml__heap_finish(struct ml__heap_tables *h, struct ml_snapshot *s);
void ml__heap_tables_release(struct ml__heap_tables *h);

#endif
