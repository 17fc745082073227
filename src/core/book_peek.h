/* core/book_peek.h -- a book's header: whose is it, and was it closed?
 *
 * Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_BOOK_PEEK_H
#define ML_CORE_BOOK_PEEK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_book_brief {
    uint64_t pid;
    int64_t start_ns; /* wall clock */
    bool complete;    /* closed in order */
    uint64_t device;  /* which file it is */
    uint64_t inode;
};

/* The header of a book. Errors: as ml_snapshot_read. */
int ml_book_peek(const char *path, struct ml_book_brief *out, struct ml_error *e);

#endif
