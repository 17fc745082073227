/* fuzz/fuzz_book.c -- a book from a stranger: raw bytes, or a true book with bytes changed and its
 * end cut off, which gets deeper. A book that parses must be consistent.
 *
 *   input:   0 | raw bytes ...
 *            1 | cut u16 | (offset u16, byte u8) ...
 * SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "core/book.h"
#include "core/book_format.h"
#include "core/heap_format.h"
#include "core/snapshot.h"
#include "fuzz.h"

#include <stdio.h>
#include <unistd.h>

static struct ml_buf true_book;

static void *table(struct ml_book *b, uint32_t kind, uint32_t n, size_t element_bytes)
{
    void *elements;
    REQUIRE(ml_book_table(b, kind, 0, n, element_bytes, &elements) == ML_OK);
    return elements;
}

/* Accounts of lines in scopes and on paths, outside and native, each one the caller of the next. */
static void add_accounts(struct ml_book *b, struct ml_line *lines)
{
    enum { N = 8 };
    struct ml_account *a = table(b, ML_BOOK_ACCOUNTS, N, sizeof *a);
    for (uint32_t i = 0; i + 1 < N; i++) {
        a[i].site = i + 1;
        a[i].kind = i == 0 ? ML_ACCOUNT_OUTSIDE : i == 1 ? ML_ACCOUNT_NATIVE : ML_ACCOUNT_LINE;
        a[i].line = i < 2 ? 0 : ml_book_line_ref(b, &lines[i % 3]);
        a[i].scope = i % 3;
        a[i].parent = i > 2 ? i : 0;
        a[i].alloc_bytes = 100 * i;
        a[i].freed_bytes = 30 * i;
        a[i].net_bytes = a[i].own_net_bytes = 70 * i;
        a[i].alloc_variance = 5.5;
    }
}

/* A table of each kind, small enough for the input's offsets to reach all of it. */
static void add_heap(struct ml_book *b, struct ml_line *lines)
{
    struct ml_heap_totals *totals = table(b, ML_BOOK_HEAP, 1, sizeof *totals);
    totals->mode = ML_HEAP_EXACT;
    totals->moments = 2;
    totals->departed_bytes = 7;
    struct ml_heap_thread *t = table(b, ML_BOOK_THREADS, 2, sizeof *t);
    t[0].tid = 1;
    t[0].site = 4;
    t[0].net_bytes = 500;
    t[0].alloc_bytes = 20;
    t[0].alloc_count = 1;
    add_accounts(b, lines);
    struct ml_book_scope *s = table(b, ML_BOOK_SCOPES, 3, sizeof *s);
    for (uint32_t i = 0; i < 2; i++) {
        s[i].id = i + 1;
        s[i].parent = i;
        memcpy(s[i].name, "request", 7);
        memset(s[i].key, 'k', sizeof s[i].key);
    }
    struct ml_book_moment *m = table(b, ML_BOOK_TIMELINE, 3, sizeof *m);
    m[0].at_ns = 5;
    m[1].at_ns = 9;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[64];
    struct ml_book *b;
    struct ml_line *lines;
    snprintf(path, sizeof path, "/tmp/fuzz_book-%d", (int)getpid());
    REQUIRE(ml_book_create(path, 1, &b, NULL) == ML_OK);
    for (uint32_t i = 0; i < 4; i++) {
        REQUIRE(ml_book_function(b, ML_STR("app.py"), ML_STR("f"), 10 * i + 1, 3 + i, &lines) ==
                ML_OK);
        lines[1].hits = i + 1;
        lines[1].order = ml_book_next_order(b);
        lines[1].rss_net_bytes = -4096;
    }
    add_heap(b, lines);
    REQUIRE(ml_book_meta(b, ML_STR("command"), ML_STR("app.py")) == ML_OK);
    REQUIRE(ml_book_source(b, ML_STR("<cell 1>"), ML_STR("x = 1\n")) == ML_OK);
    ml_buf_str(&true_book, ml_book_bytes(b));
    REQUIRE(true_book.status == ML_OK);
    ml_book_discard(b);
    struct ml_snapshot *s; /* the seed reaches all tables */
    const struct ml_place *places;
    const struct ml_scope_row *scopes;
    const struct ml_moment *moments;
    REQUIRE(ml_snapshot_parse(ml_buf_view(&true_book), "seed", &s, NULL) == ML_OK);
    REQUIRE(ml_snapshot_places(s, &places) == 7 && ml_snapshot_scopes(s, &scopes) == 2 &&
            ml_snapshot_moments(s, &moments) == 2);
    ml_snapshot_free(s);
    return 0;
}

static size_t u16(const uint8_t *p)
{
    return (size_t)(p[0] | p[1] << 8);
}

static void patch(struct ml_buf *b, const uint8_t *data, size_t n)
{
    ml_buf_str(b, ml_buf_view(&true_book));
    for (size_t i = 2; i + 3 <= n; i += 3)
        b->p[u16(data + i) % b->n] = (char)data[i + 2];
    if (n >= 2)
        b->n -= u16(data) % b->n;
}

/* Places name functions that are there, and their callers lead outwards to an end. */
static void require_consistent_heap(const struct ml_snapshot *s, size_t n_functions)
{
    const struct ml_place *p;
    const struct ml_scope_row *scopes;
    const struct ml_moment *moments;
    struct ml_heap_summary all;
    size_t n = ml_snapshot_places(s, &p);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(p[i].kind != ML_PLACE_LINE || p[i].function < n_functions);
        REQUIRE(p[i].heap.alloc_variance >= 0 && p[i].heap.held_variance >= 0);
        size_t steps = 0;
        for (size_t at = i; p[at].parent != 0; at = p[at].parent - 1)
            REQUIRE(p[at].parent <= n && ++steps <= n);
    }
    size_t n_scopes = ml_snapshot_scopes(s, &scopes);
    for (size_t i = 0; i < n_scopes; i++) {
        REQUIRE(scopes[i].id != 0 && (i == 0 || scopes[i - 1].begin_ns <= scopes[i].begin_ns));
        REQUIRE(scopes[i].name.n <= ML_SCOPE_NAME_BYTES && scopes[i].key.n <= ML_SCOPE_KEY_BYTES);
    }
    size_t n_moments = ml_snapshot_moments(s, &moments);
    for (size_t i = 1; i < n_moments; i++)
        REQUIRE(moments[i - 1].at_ns <= moments[i].at_ns);
    (void)ml_snapshot_heap(s, &all);
}

static void require_consistent(const struct ml_snapshot *s)
{
    const struct ml_function *functions;
    size_t n = ml_snapshot_functions(s, &functions);
    for (size_t i = 0; i < n; i++) {
        const struct ml_function *f = &functions[i];
        REQUIRE(f->n_rows > 0 && f->first_line <= f->last_line);
        for (size_t k = 0; k < f->n_rows; k++) {
            REQUIRE(f->rows[k].line >= f->first_line && f->rows[k].line <= f->last_line);
            REQUIRE(k == 0 || f->rows[k - 1].line < f->rows[k].line);
        }
    }
    require_consistent_heap(s, n);
    (void)ml_snapshot_meta(s, ML_STR("command"));
    (void)ml_snapshot_source(s, ML_STR("<cell 1>"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ml_buf book = {0};
    if (n > 0 && data[0] % 2 == 0)
        ml_buf_add(&book, data + 1, n - 1);
    else if (n > 0)
        patch(&book, data + 1, n - 1);

    /* An exact copy, so that the sanitizer sees a read behind the end. */
    char *exact = malloc(book.n != 0 ? book.n : 1);
    REQUIRE(exact != NULL);
    if (book.n != 0)
        memcpy(exact, book.p, book.n);
    struct ml_snapshot *s = NULL;
    struct ml_error e;
    int rc = ml_snapshot_parse((struct ml_str){exact, book.n}, "fuzz", &s, &e);
    REQUIRE((rc == ML_OK) == (s != NULL));
    if (rc == ML_OK) {
        require_consistent(s);
        struct ml_snapshot *twin = NULL;
        REQUIRE(ml_snapshot_parse((struct ml_str){exact, book.n}, "twin", &twin, &e) == ML_OK);
        REQUIRE(ml_snapshot_merge(s, twin) == ML_OK);
        require_consistent(s);
        ml_snapshot_free(twin);
    }
    ml_snapshot_free(s);
    free(exact);
    ml_buf_free(&book);
    return 0;
}
