/* tests/c/core/counted.h -- heap accounting into a book of a test's own, and its figures.
 * Include after test.h and folder.h. SPDX-License-Identifier: MIT */
#ifndef ML_TESTS_COUNTED_H
#define ML_TESTS_COUNTED_H

#include "core/book.h"
#include "core/heap.h"

static struct ml_book *counted_book;
static struct ml_line *counted_lines;
enum { COUNTED_LINES = 64 };

static inline void counting_begins(enum ml_heap_mode mode)
{
    struct ml_error e;
    assert_int_equal(ml_book_create(in_folder("test.book"), 1, &counted_book, &e), ML_OK);
    assert_int_equal(ml_book_function(counted_book, ML_STR("a.py"), ML_STR("f"), 1, COUNTED_LINES,
                                      &counted_lines),
                     ML_OK);
    assert_int_equal(ml_heap_start(counted_book, mode), ML_OK);
}

static inline void counting_ends(void)
{
    ml_heap_stop();
    ml_book_retire(counted_book, 1);
    counted_book = NULL;
}

/* This thread runs the n-th line of the book from now on; its site. */
static inline uint32_t on_line(unsigned n)
{
    uint32_t site = ml_heap_site(&counted_lines[n], 0, 0);
    ml_heap_switch(ml_heap_thread(), site);
    return site;
}

/* What a hook tells of a block: nothing but its address is used. */
static inline void *told_of(void *p, size_t n)
{
    struct ml_heap_thread *t = ml_heap_begin();
    ml_heap_alloc(t, p, n);
    ml_heap_end(t);
    return p;
}

static inline void told_freed(void *p, bool locked)
{
    struct ml_heap_thread *t = ml_heap_begin();
    ml_heap_release(t, p, locked);
    ml_heap_end(t);
}

struct figures {
    uint64_t alloc_bytes;
    uint64_t alloc_count;
    uint64_t freed_bytes;
    uint64_t freed_count;
    uint64_t reallocs;
    int64_t maps;
    int64_t maps_file;
};

static inline struct figures figures_of(uint32_t site)
{
    struct ml_account *a = ml_heap_account(site);
    ml_heap_flush(ml_heap_thread());
    return (struct figures){
        .alloc_bytes = atomic_load(&a->alloc_bytes) + atomic_load(&a->alloc_any_bytes),
        .alloc_count = atomic_load(&a->alloc_count) + atomic_load(&a->alloc_any_count),
        .freed_bytes = atomic_load(&a->freed_bytes) + atomic_load(&a->freed_any_bytes),
        .freed_count = atomic_load(&a->freed_count) + atomic_load(&a->freed_any_count),
        .reallocs = atomic_load(&a->realloc_count),
        .maps = atomic_load(&a->map_bytes),
        .maps_file = atomic_load(&a->map_file_bytes),
    };
}

static inline int64_t held_by(uint32_t site)
{
    struct figures f = figures_of(site);
    return (int64_t)(f.alloc_bytes - f.freed_bytes);
}

#endif
