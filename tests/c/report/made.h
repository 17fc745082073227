/* tests/c/report/made.h -- snapshots for the tests of reports, made through a book.
 * SPDX-License-Identifier: MIT */
#ifndef ML_TESTS_MADE_H
#define ML_TESTS_MADE_H

#include "core/book.h"
#include "core/snapshot.h"
#include "test.h"

#include <unistd.h>

struct made_line {
    uint32_t line;
    uint64_t hits;
    int64_t net;
    uint64_t max;
};

static inline struct ml_book *made_start(void)
{
    struct ml_book *b = NULL;
    char path[64];
    snprintf(path, sizeof path, "/tmp/memline-made-%ld.book", (long)getpid());
    assert_int_equal(ml_book_create(path, 1, &b, NULL), ML_OK);
    return b;
}

/* Lines end with line 0. */
static inline void made_function(struct ml_book *b, const char *file, const char *name,
                                 uint32_t first, uint32_t n, const struct made_line *rows)
{
    struct ml_line *lines;
    assert_int_equal(ml_book_function(b, ml_str_of(file), ml_str_of(name), first, n, &lines),
                     ML_OK);
    for (; rows->line != 0; rows++) {
        struct ml_line *l = &lines[rows->line - first];
        atomic_store(&l->hits, rows->hits);
        atomic_store(&l->rss_net_bytes, rows->net);
        atomic_store(&l->rss_max_bytes, rows->max);
        atomic_store(&l->order, ml_book_next_order(b));
    }
}

/* The book's snapshot; the book is gone. */
static inline struct ml_snapshot *made_end(struct ml_book *b)
{
    struct ml_snapshot *s = NULL;
    assert_int_equal(ml_snapshot_parse(ml_book_bytes(b), "made", &s, NULL), ML_OK);
    ml_book_discard(b);
    return s;
}

#endif
