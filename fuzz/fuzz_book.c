/* fuzz/fuzz_book.c -- a book from a stranger: raw bytes, or a true book with bytes changed and its
 * end cut off, which gets deeper. A book that parses must be consistent.
 *
 *   input:   0 | raw bytes ...
 *            1 | cut u16 | (offset u16, byte u8) ...
 * SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "core/book.h"
#include "core/snapshot.h"
#include "fuzz.h"

#include <stdio.h>
#include <unistd.h>

static struct ml_buf true_book;

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
    REQUIRE(ml_book_meta(b, ML_STR("command"), ML_STR("app.py")) == ML_OK);
    REQUIRE(ml_book_source(b, ML_STR("<cell 1>"), ML_STR("x = 1\n")) == ML_OK);
    ml_buf_str(&true_book, ml_book_bytes(b));
    REQUIRE(true_book.status == ML_OK);
    ml_book_discard(b);
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
