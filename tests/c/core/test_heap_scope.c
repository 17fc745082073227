/* core/heap_scope: stretches and peaks, and that thousands of scopes stay bounded and add up to the lines.
 * SPDX-License-Identifier: MIT */
#include "core/heap_scope.h"

#include "core/sampler.h"
#include "core/snapshot.h"
#include "folder.h"
#include "test.h"

#include "counted.h"

#include <pthread.h>

static uintptr_t next_address = 0x300000000000;

static void *make(size_t n)
{
    void *p = (void *)next_address;
    next_address += (n + 31) & ~(size_t)15;
    return told_of(p, n);
}

static void drop(void *p)
{
    static bool locked; /* by turns */
    told_freed(p, locked = !locked);
}

static uint32_t open_scope(void)
{
    return ml_heap_scope_open(ML_STR("request"), ML_STR("41"), 0);
}

/* This thread runs the n-th line in the scope from now on, as scope_heap.h does it. */
static uint32_t run_line(unsigned n, uint32_t scope)
{
    struct ml_heap_thread *t = ml_heap_thread();
    ml_heap_mark(t);
    ml_heap_scope_enter(t, scope);
    uint32_t site = ml_heap_site(&counted_lines[n], scope, 0);
    ml_heap_switch(t, site);
    return site;
}

static void leave(void)
{
    struct ml_heap_thread *t = ml_heap_thread();
    ml_heap_switch(t, ML_SITE_OUTSIDE);
    ml_heap_mark(t);
    ml_heap_scope_enter(t, 0);
}

static struct ml_scope_figures figures_in(uint32_t id)
{
    struct ml_scope_figures f;
    ml_heap_scope_read(ml_heap_thread(), id, &f);
    return f;
}

static void expect(struct ml_scope_figures f, int64_t net, int64_t peak, uint64_t alloc,
                   int64_t held)
{
    assert_int_equal(f.net_bytes, net);
    assert_int_equal(f.peak_bytes, peak);
    assert_int_equal(f.alloc_bytes, alloc);
    assert_int_equal(f.held_bytes, held);
}

static void close_scope(uint32_t id)
{
    struct ml_scope_figures f;
    ml_heap_scope_close(ml_heap_thread(), id, &f);
}

/* --- one scope ------------------------------------------------------------------------------------------ */

static void a_scope_is_what_happened_in_its_stretches(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t a = open_scope();
    uint32_t b = open_scope();
    void *before = make(5000);
    run_line(1, a);
    void *p = make(1000);
    drop(make(400)); /* 1400 above the beginning */
    run_line(1, b);  /* another task on the same loop */
    drop(make(9000));
    void *q = make(70);
    run_line(2, a);
    drop(make(300)); /* 1300: no new peak */
    make(50);
    expect(figures_in(a), 1050, 1400, 1750, 1050);
    drop(before); /* not its own, but it was in it */
    expect(figures_in(a), -3950, 1400, 1750, 1050);
    leave();
    drop(p); /* its own, but not in it */
    drop(q);
    expect(figures_in(a), -3950, 1400, 1750, 50);
    expect(figures_in(b), 70, 9000, 9070, 0);
    close_scope(a);
    close_scope(b);
    counting_ends();
}

static void a_peak_grows_over_the_stretches(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t a = open_scope();
    for (int i = 1; i <= 5; i++) {
        run_line(1, a);
        make(100);
        drop(make(10));
        leave();
        drop(make(100000));
        assert_int_equal(figures_in(a).peak_bytes, 100 * i + 10);
    }
    close_scope(a);
    counting_ends();
}

/* A line's end marks the thread's high (scope_heap.h); the scope's must not be lost by it. */
static void a_mark_within_does_not_hide_the_peak(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t a = open_scope();
    run_line(1, a);
    drop(make(7000));
    ml_heap_mark(ml_heap_thread());
    drop(make(10));
    ml_heap_mark(ml_heap_thread());
    leave();
    assert_int_equal(figures_in(a).peak_bytes, 7000);
    counting_ends();
}

static void nested_scopes_each_have_their_own(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t outer = open_scope();
    run_line(1, outer);
    make(10);
    uint32_t inner = ml_heap_scope_open(ML_STR("task"), ML_STR("t"), outer);
    run_line(1, inner);
    make(20);
    struct ml_scope_figures f;
    assert_int_equal(ml_heap_scope_enter(ml_heap_thread(), outer), inner);
    ml_heap_scope_close(ml_heap_thread(), inner, &f);
    expect(f, 20, 20, 20, 20);
    run_line(2, outer);
    make(40);
    expect(figures_in(outer), 50, 50, 50, 50);
    leave();
    close_scope(outer);
    close_scope(outer); /* once is enough */
    const struct ml_scope_row *rows;
    struct ml_snapshot *s;
    struct ml_error e;
    assert_int_equal(ml_snapshot_parse(ml_book_bytes(counted_book), "t", &s, &e), ML_OK);
    assert_int_equal(ml_snapshot_scopes(s, &rows), 2);
    assert_int_equal(rows[0].id, outer);
    assert_int_equal(rows[1].parent, outer);
    assert_true(ml_str_eq(rows[1].name, ML_STR("task")));
    assert_true(rows[0].end_ns != 0 && rows[0].alloc_bytes == 50);
    ml_snapshot_free(s);
    counting_ends();
}

static void its_lines_can_be_walked(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    uint32_t a = open_scope();
    for (unsigned i = 0; i < 20; i++) {
        run_line(i, a);
        make(i + 1);
        drop(make(100));
    }
    leave();
    struct ml_scope_line at = {0};
    unsigned n = 0;
    bool seen[20] = {0};
    for (; ml_heap_scope_line(counted_book, a, &at); n++) {
        size_t i = (size_t)(at.line - counted_lines);
        assert_true(i < 20 && !seen[i]);
        seen[i] = true;
        assert_int_equal(at.held_bytes, i + 1);
        assert_int_equal(at.alloc_bytes, i + 101);
    }
    assert_int_equal(n, 20);
    counting_ends();
}

static void names_that_are_too_long_are_cut_and_ids_that_are_none_are_nothing(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    char text[300];
    memset(text, 'x', sizeof text);
    struct ml_str name = {text, sizeof text};
    uint32_t id = ml_heap_scope_open(name, name, 0);
    assert_int_not_equal(id, 0);
    const struct ml_scope_row *rows;
    struct ml_snapshot *s;
    struct ml_error e;
    assert_int_equal(ml_snapshot_parse(ml_book_bytes(counted_book), "t", &s, &e), ML_OK);
    assert_int_equal(ml_snapshot_scopes(s, &rows), 1);
    assert_int_equal(rows[0].name.n, ML_SCOPE_NAME_BYTES);
    assert_int_equal(rows[0].key.n, ML_SCOPE_KEY_BYTES);
    ml_snapshot_free(s);
    uint32_t none[] = {0, id + 1, id + ML_SCOPES_KEPT, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        expect(figures_in(none[i]), 0, 0, 0, 0);
        close_scope(none[i]);
        ml_heap_scope_enter(ml_heap_thread(), none[i]);
        assert_int_equal(ml_heap_thread()->scope, 0);
        make(10);
    }
    counting_ends();
    assert_int_equal(open_scope(), 0); /* off */
}

/* --- thousands ------------------------------------------------------------------------------------------ */

struct sums {
    uint64_t scoped;
    uint64_t folded;
    uint64_t lines;
    int64_t held;
    int64_t live;
};

static int compare_ids(const void *x, const void *y)
{
    const uint32_t *a = x;
    const uint32_t *b = y;
    return (*a > *b) - (*a < *b);
}

static struct sums sums_now(void)
{
    struct sums sums = {0};
    struct ml_snapshot *s;
    struct ml_error e;
    const struct ml_place *p;
    const struct ml_function *f;
    const struct ml_scope_row *rows;
    struct ml_heap_summary all;
    assert_int_equal(ml_snapshot_parse(ml_book_bytes(counted_book), "t", &s, &e), ML_OK);
    size_t n_rows = ml_snapshot_scopes(s, &rows);
    size_t n = ml_snapshot_places(s, &p);
    assert_true(n_rows <= ML_SCOPES_KEPT);
    uint32_t ids[ML_SCOPES_KEPT];
    for (size_t i = 0; i < n_rows; i++)
        ids[i] = rows[i].id;
    qsort(ids, n_rows, sizeof *ids, compare_ids);
    for (size_t i = 0; i < n; i++) {
        if (p[i].kind == ML_PLACE_LINE)
            *(p[i].scope != 0 ? &sums.scoped : &sums.folded) += p[i].heap.alloc_bytes;
        sums.held += ml_heap_held(&p[i].heap);
        assert_true(p[i].scope == 0 ||
                    bsearch(&p[i].scope, ids, n_rows, sizeof *ids, compare_ids) != NULL);
    }
    n = ml_snapshot_functions(s, &f);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < f[i].n_rows; k++)
            sums.lines += f[i].rows[k].heap.alloc_bytes;
    assert_true(ml_snapshot_heap(s, &all));
    assert_int_equal(all.lost_accounts, 0);
    sums.live = all.live_bytes;
    ml_snapshot_free(s);
    assert_true(sums.scoped + sums.folded == sums.lines);
    assert_true(sums.held == sums.live);
    return sums;
}

static void thousands_are_folded_into_their_lines(void **state)
{
    enum { SCOPES = 3 * ML_SCOPES_KEPT, LINES = 3 };
    static void *kept[SCOPES];
    counting_begins(ML_HEAP_EXACT);
    uint64_t allocated = 0;
    int64_t live = 0;
    size_t book_bytes = 0;
    for (size_t i = 0; i < SCOPES; i++) {
        uint32_t id = open_scope();
        assert_int_not_equal(id, 0);
        for (unsigned k = 0; k < LINES; k++) {
            run_line(k, id);
            drop(make(i % 50 + 1));
            allocated += i % 50 + 1;
        }
        if (i % 3 == 0) { /* it leaves something behind */
            kept[i] = make(i % 7 + 1);
            allocated += i % 7 + 1;
            live += (int64_t)(i % 7 + 1);
        }
        leave();
        close_scope(id);
        if (i == ML_SCOPES_KEPT + 10)
            book_bytes = ml_book_bytes(counted_book).n;
        if (i % 1000 == 0)
            assert_true(sums_now().lines == allocated);
    }
    assert_int_equal(ml_book_bytes(counted_book).n, book_bytes); /* nothing new since */
    struct sums sums = sums_now();
    assert_true(sums.lines == allocated && sums.folded > 0 && sums.scoped > 0);
    assert_true(sums.live == live);
    for (size_t i = 0; i < SCOPES; i++) /* also those whose scope is long folded */
        if (kept[i] != NULL)
            drop(kept[i]);
    memset(kept, 0, sizeof kept);
    sums = sums_now();
    assert_int_equal(sums.live, 0);
    assert_int_equal(sums.held, 0);
    counting_ends();
}

static void open_ones_are_never_folded(void **state)
{
    static uint32_t ids[ML_SCOPES_KEPT];
    counting_begins(ML_HEAP_EXACT);
    for (size_t i = 0; i < ML_SCOPES_KEPT; i++) {
        ids[i] = open_scope();
        assert_int_not_equal(ids[i], 0);
    }
    assert_int_equal(open_scope(), 0);
    close_scope(ids[77]);
    uint32_t again = open_scope();
    assert_int_not_equal(again, 0);
    assert_int_not_equal(again, ids[77]);
    assert_int_equal(open_scope(), 0);
    run_line(1, ids[0]);
    make(10);
    assert_int_equal(figures_in(ids[0]).alloc_bytes, 10);
    expect(figures_in(ids[77]), 0, 0, 0, 0);
    counting_ends();
}

/* Numbers come round after two million; 0 still means none. */
static void no_scope_is_ever_number_0(void **state)
{
    counting_begins(ML_HEAP_EXACT);
    for (size_t i = 0; i < (1u << 21) + 3 * ML_SCOPES_KEPT; i++) {
        uint32_t id = open_scope();
        assert_int_not_equal(id, 0);
        close_scope(id);
    }
    counting_ends();
}

/* --- without memory ---------------------------------------------------------------------------------------- */

static int open_many(void *context)
{
    int *n = context;
    struct ml_book *b;
    char name[32];
    snprintf(name, sizeof name, "book.%d", (*n)++);
    int rc = ml_book_create(in_folder(name), 1, &b, NULL);
    if (rc != ML_OK)
        return rc;
    rc = ml_heap_start(b, ML_HEAP_EXACT);
    for (int i = 0; rc == ML_OK && i < 300; i++)
        rc = open_scope() != 0 ? ML_OK : ML_ENOMEM;
    ml_heap_stop();
    ml_book_retire(b, 1);
    return rc;
}

static void without_memory_there_is_no_scope(void **state)
{
    int n = 0;
    assert_true(fail_each(open_many, &n) >= 1);
}

static const struct ml_scope_row *row_of(struct ml_snapshot **s, uint32_t id)
{
    const struct ml_scope_row *rows;
    struct ml_error e;
    assert_int_equal(ml_snapshot_read(in_folder("test.book"), s, &e), ML_OK);
    size_t n = ml_snapshot_scopes(*s, &rows);
    for (size_t i = 0; i < n; i++)
        if (rows[i].id == id)
            return &rows[i];
    fail_msg("no such scope");
    return NULL;
}

/* By samples, what a scope allocated and left has the variance of its accounts when it ended. */
static void a_scope_tells_how_sure_its_estimates_are(void **state)
{
    enum { BLOCKS = 400, SIZE = 20 << 10 };
    void *all[BLOCKS];
    ml_sampler_set(64 << 10, 20261127);
    counting_begins(ML_HEAP_SAMPLE);
    uint32_t id = open_scope();
    double alloc = 0, held = 0;
    uint64_t most = 0;
    for (unsigned line = 1; line <= 2; line++) {
        struct ml_account *a = ml_heap_account(run_line(line, id));
        for (int i = 0; i < BLOCKS; i++)
            all[i] = make(SIZE);
        for (int i = 0; i < BLOCKS; i += 2)
            drop(all[i]);
        alloc += atomic_load(&a->alloc_variance);
        held += atomic_load(&a->alloc_variance) - atomic_load(&a->freed_variance);
        most = atomic_load(&a->weight_bytes) > most ? atomic_load(&a->weight_bytes) : most;
    }
    leave();
    struct ml_scope_figures f;
    ml_heap_scope_close(ml_heap_thread(), id, &f);
    for (int i = 1; i < BLOCKS; i += 2)
        drop(all[i]); /* afterwards: not the scope's any more */
    struct ml_snapshot *s;
    const struct ml_scope_row *row = row_of(&s, id);
    assert_true(held > 0 && alloc > held);
    assert_true(row->alloc_variance == alloc && row->held_variance == held);
    assert_true(row->weight_bytes == most && most > SIZE);
    assert_true(row->held_bytes == f.held_bytes && row->alloc_bytes == f.alloc_bytes);
    struct ml_heap h = ml_scope_heap(row);
    assert_true(ml_heap_held(&h) == row->held_bytes);
    ml_snapshot_free(s);
    counting_ends();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_scope_is_what_happened_in_its_stretches),
        CASE(a_peak_grows_over_the_stretches),
        CASE(a_mark_within_does_not_hide_the_peak),
        CASE(nested_scopes_each_have_their_own),
        CASE(its_lines_can_be_walked),
        CASE(names_that_are_too_long_are_cut_and_ids_that_are_none_are_nothing),
        CASE(thousands_are_folded_into_their_lines),
        CASE(open_ones_are_never_folded),
        CASE(no_scope_is_ever_number_0),
        CASE(without_memory_there_is_no_scope),
        CASE(a_scope_tells_how_sure_its_estimates_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
