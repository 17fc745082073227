/* core/book.h -- the account book: a mapped file that always holds the whole profile.
 *
 * Picture:   header (one page) | record | record | ... | free space up to the file's end
 * Invariant: bytes below header.used_bytes are complete records; only line figures in them change.
 * Threads:   the interpreter lock, but for ml_book_table_now; readers in any process at any moment.
 * Memory:    a shared file mapping; grows by posix_fallocate, so that a full disk is an answer
 *            (ML_EFULL) and never a SIGBUS. The byte format stands at the top of book.c.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_BOOK_H
#define ML_CORE_BOOK_H

#include "base/err.h"
#include "base/str.h"
#include "core/line.h"

struct ml_book;

/* Create the file (an existing one is replaced only when `replace`), map it, write the header.
 * On success *out is the caller's. Errors: ML_EIO, ML_EFULL, ML_EBUSY (exists), ML_ENOMEM. */
int ml_book_create(const char *path, int replace, struct ml_book **out, struct ml_error *e);
/* Mark complete, trim the file to its used bytes, unmap. NULL is fine. */
void ml_book_close(struct ml_book *b);
/* Also remove the file. */
void ml_book_discard(struct ml_book *b);
/* As close, or as discard, for a process that goes on and cannot tell which frames still hold a line:
 * the lines handed out become private memory that stays for ever. */
void ml_book_retire(struct ml_book *b, int discard);

const char *ml_book_path(const struct ml_book *b);

/* A fact about the run ("command", "python", "mode"); later ones of a key replace earlier ones. */
int ml_book_meta(struct ml_book *b, struct ml_str key, struct ml_str value);
/* The text of a source that cannot be read from disk later (notebook cell, exec, zip). */
int ml_book_source(struct ml_book *b, struct ml_str file, struct ml_str text);
/* A function with lines first_line .. first_line + n_lines - 1. *lines points into the mapping and
 * stays valid until close; all figures 0. Errors: ML_EFULL (counted in header.lost), ML_ELIMIT. */
int ml_book_function(struct ml_book *b, struct ml_str file, struct ml_str name, uint32_t first_line,
                     uint32_t n_lines, struct ml_line **lines);
/* A table of `count` elements (heap_format.h), all zero, at a multiple of 64; *elements points into
 * the mapping and stays valid until close. Errors: ML_EFULL, ML_ELIMIT. */
int ml_book_table(struct ml_book *b, uint32_t kind, uint32_t first, uint32_t count,
                  size_t element_bytes, void **elements);
/* The same without the interpreter lock, from any thread, in a signal handler too. Errors: those, and ML_EBUSY:
 * another thread is adding a record, or the book is another process's. */
int ml_book_table_now(struct ml_book *b, uint32_t kind, uint32_t first, uint32_t count,
                      size_t element_bytes, void **elements);
/* How the book's tables name a line: its offset / 32. 0: the line is not in this book. */
uint32_t ml_book_line_ref(const struct ml_book *b, const struct ml_line *line);
/* The line of that name; NULL for 0. */
struct ml_line *ml_book_line_at(const struct ml_book *b, uint32_t ref);
/* Next rank for ml_line.order. */
uint64_t ml_book_next_order(struct ml_book *b);

/* All published bytes, for ml_snapshot_parse on a live book. */
struct ml_str ml_book_bytes(const struct ml_book *b);

/* In a forked child: go on in a file of its own, `path`.PID, with the same functions, all figures 0,
 * mapped at the same addresses, so that every pointer handed out stays good. The parent's file is
 * left alone. On failure the child's figures go to private memory and the error is returned. */
int ml_book_fork_child(struct ml_book *b, struct ml_error *e);

#endif
