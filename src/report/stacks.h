/* report/stacks.h -- the heap's figures by call path, for formats that other tools draw.
 *
 * A path's frames are lines, from the one that allocated out to its callers. Where no paths were
 * kept, a line is a path of its own, under its function.
 * Exclusive figures: those of all paths add up to the heap's. Within src/report only.
 * SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_STACKS_H
#define ML_REPORT_STACKS_H

#include "base/err.h"
#include "core/snapshot.h"

struct ml_frame {
    struct ml_str file; /* empty for what is outside of lines */
    struct ml_str name;
    uint32_t first_line; /* of the function */
    uint32_t line;       /* 0: the function as such */
};

/* Deeper callers are left out. */
enum { ML_STACK_MOST = 512 };

struct ml_stack {
    const struct ml_frame *frames; /* [n] innermost first */
    size_t n;
    const struct ml_heap *heap;
    const struct ml_scope_row *scope; /* NULL: none */
};

/* Calls `each` for every path with memory allocated, inherited or mapped; stops at its first failure and
 * answers it. ML_EINVALID when the book has no heap figures: "cannot make `what`: ...". */
int ml__stacks(const struct ml_snapshot *s, const char *what,
               int (*each)(void *arg, const struct ml_stack *stack), void *arg, struct ml_error *e);

/* NULL: none of that id. */
const struct ml_scope_row *ml__scope_find(const struct ml_snapshot *s, uint32_t id);

#endif
