/* tests/c/report/made.h -- snapshots for the tests of reports, made through a book.
 * SPDX-License-Identifier: MIT */
#ifndef ML_TESTS_MADE_H
#define ML_TESTS_MADE_H

#include "core/book.h"
#include "core/snapshot.h"
#include "core/snapshot_build.h"
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

/* A snapshot with heap figures, made without a book: main:2 calls load:9, in a scope, which holds a
 * megabyte of two allocated; 100 bytes outside; one moment a second. */
static inline struct ml_snapshot *made_heap(uint64_t rate, const char *name)
{
    static const struct ml_heap outside = {.alloc_bytes = 100, .alloc_count = 1};
    static const struct ml_heap ours = {.hits = 3,
                                        .net_bytes = 1 << 20,
                                        .own_net_bytes = 1 << 20,
                                        .peak_bytes = 3 << 20,
                                        .alloc_bytes = 2 << 20,
                                        .alloc_count = 20,
                                        .freed_bytes = 1 << 20,
                                        .freed_count = 15};
    struct ml_heap estimated = ours;
    struct ml_snapshot *s = NULL;
    if (rate != 0) {
        estimated.samples = 4;
        estimated.alloc_variance = estimated.held_variance = 1e12;
        estimated.weight_bytes = 1 << 19;
    }
    struct ml_row rows[] = {{.line = 2, .hits = 1, .order = 1},
                            {.line = 9, .hits = 3, .order = 2, .heap = estimated}};
    struct ml_function functions[] = {{ML_STR("<cell>"), ml_str_of(name), 1, 3, &rows[0], 1},
                                      {ML_STR("<cell>"), ML_STR("load"), 8, 10, &rows[1], 1}};
    struct ml__account_in accounts[] = {
        {.site = 1, .place = {.kind = ML_PLACE_OUTSIDE, .heap = outside}},
        {ML_STR("<cell>"), ml_str_of(name), 1, 3, 0, {.kind = ML_PLACE_LINE, .line = 2}},
        {ML_STR("<cell>"),
         ML_STR("load"),
         8,
         4,
         3,
         {.kind = ML_PLACE_LINE, .line = 9, .scope = 7, .heap = estimated}}};
    struct ml_scope_row scope = {7, 0, ML_STR("request"), ML_STR("41"), 5, 6, 1, 2, 3, 4, 0, 0, 0};
    struct ml_heap_summary h = {.mode = rate != 0 ? 2 : 1,
                                .rate_bytes = rate,
                                .rate_most_bytes = rate,
                                .outside = outside,
                                .live_bytes = (1 << 20) + 100,
                                .peak_bytes = 3 << 20};
    assert_int_equal(ml__snapshot_new(&s), ML_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(ml__snapshot_add_function(s, &functions[i]), ML_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ml__snapshot_add_account(s, &accounts[i]), ML_OK);
    for (int i = 0; i < 3; i++) {
        struct ml_moment m = {i * 1000000000ll, 50 << 20, i << 20, 0};
        assert_int_equal(ml__snapshot_add_moment(s, &m), ML_OK);
    }
    assert_int_equal(ml__snapshot_add_scope(s, &scope), ML_OK);
    assert_int_equal(ml__snapshot_add_meta(s, ML_STR("command"), ML_STR("app.py")), ML_OK);
    ml__snapshot_set_heap(s, &h);
    assert_int_equal(ml__snapshot_sort(s), ML_OK);
    return s;
}

#endif
