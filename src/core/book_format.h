/* core/book_format.h -- the bytes of an account book, as book.c writes and snapshot.c reads them.
 *
 *   0                 4096                                    used_bytes     end of file
 *   | header (a page) | record | record | ... | record        | zeros        |
 *
 *   record:    | kind u32 | bytes u32 | body ... | zeros up to a multiple of 32 |
 *   META       body: | key_bytes u32  | value_bytes u32 | key  | value |    a fact about the run
 *   SOURCE     body: | file_bytes u32 | text_bytes u32  | file | text  |    text of a source file
 *   FUNCTION   body: | first_line u32 | n_lines u32 | file_bytes u32 | name_bytes u32 |
 *                    | file | name | zeros up to a multiple of 32 | struct ml_line [n_lines] |
 *
 * Integers are in the machine's byte order (`order_mark` tells). `bytes` is a record's whole length.
 * Texts have no terminating zero and are UTF-8 where their origin was; readers expect any byte.
 * A later META or SOURCE of the same key replaces the earlier one. Readers skip unknown kinds.
 *
 * Records never change once used_bytes (stored with release order) has passed them, except the
 * figures in struct ml_line. Multiples of 32 keep each struct ml_line within one cache line.
 * A change that old readers would misread raises ML_BOOK_VERSION. docs/book-format.md tells the same.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_BOOK_FORMAT_H
#define ML_CORE_BOOK_FORMAT_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ML_BOOK_MAGIC "MEMLBOOK"
#define ML_BOOK_VERSION 2u
#define ML_BOOK_ORDER_MARK 0x01020304u

enum {
    ML_BOOK_HEADER_BYTES = 4096,
    ML_BOOK_ALIGN = 32,
    ML_BOOK_MAX_RECORD = 1 << 28,
    ML_BOOK_MAX_BYTES = 1 << 30, /* readers refuse more; writers stop earlier */
};

enum ml_book_kind {
    ML_BOOK_META = 1,
    ML_BOOK_SOURCE = 2,
    ML_BOOK_FUNCTION = 3,
    /* tables of the heap: heap_format.h */
    ML_BOOK_ACCOUNTS = 4,
    ML_BOOK_THREADS = 5,
    ML_BOOK_SCOPES = 6,
    ML_BOOK_TIMELINE = 7,
    ML_BOOK_HEAP = 8,
};

struct ml_book_header {
    char magic[8];               /* ML_BOOK_MAGIC, no terminating zero */
    uint32_t version;            /* ML_BOOK_VERSION */
    uint32_t order_mark;         /* ML_BOOK_ORDER_MARK */
    uint32_t header_bytes;       /* ML_BOOK_HEADER_BYTES: offset of the first record */
    uint32_t line_bytes;         /* sizeof(struct ml_line) */
    uint64_t pid;                /* of the writer */
    int64_t start_ns;            /* wall clock at creation, ns since 1970 */
    _Atomic uint64_t used_bytes; /* header and complete records; stored with release order */
    _Atomic uint64_t order;      /* ranks given out for ml_line.order */
    _Atomic uint64_t lost;       /* functions there was no room for */
    _Atomic uint32_t complete;   /* 1: the writer ended in order */
    uint32_t reserved;
};
static_assert(sizeof(struct ml_book_header) == 72, "stored layout");

/* META and SOURCE: the first text is the key or the file. */
struct ml_book_pair {
    uint32_t kind;
    uint32_t bytes;
    uint32_t first_bytes;
    uint32_t second_bytes;
};
static_assert(sizeof(struct ml_book_pair) == 16, "stored layout");

struct ml_book_function {
    uint32_t kind;
    uint32_t bytes;
    uint32_t first_line;
    uint32_t n_lines;
    uint32_t file_bytes;
    uint32_t name_bytes;
};
static_assert(sizeof(struct ml_book_function) == 24, "stored layout");

/* n rounded up to the alignment of records. n is at most SIZE_MAX - 31. */
static inline size_t ml_book_align(size_t n)
{
    return (n + (ML_BOOK_ALIGN - 1)) & ~(size_t)(ML_BOOK_ALIGN - 1);
}

#endif
