/* core/bookshelf.h -- the folder in which books lie when nobody names a place for them.
 *
 * $MEMLINE_BOOKS, else $XDG_STATE_HOME/memline, else $HOME/.local/state/memline; books end in ".book",
 * those of forked children in ".book.PID". Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_BOOKSHELF_H
#define ML_CORE_BOOKSHELF_H

#include "base/err.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdint.h>

/* The folder's path; it need not exist. Errors: ML_ENOTFOUND (no home folder), ML_ELIMIT. */
int ml_bookshelf_path(char *out, size_t out_bytes, struct ml_error *e);

/* Path of the book there that was written to last, or whose child was; of equal ones the first by name.
 * Errors: those of ml_bookshelf_path, ML_ENOTFOUND (no folder, or no book in it). */
int ml_bookshelf_newest(char *out, size_t out_bytes, struct ml_error *e);

/* Path of the book there that process pid wrote; of several, as process ids come again, the one that was
 * begun last. Errors: as ml_bookshelf_newest. */
int ml_bookshelf_of(int32_t pid, char *out, size_t out_bytes);

/* All-zero is a valid empty list. */
struct ml_paths {
    ML_VEC(char *) all; /* owned texts */
};

/* Adds the books of processes forked from the writer of book `path` (PATH.PID), by name; none is fine.
 * 0 or ML_ENOMEM. */
int ml_bookshelf_children(const char *path, struct ml_paths *out);
void ml_paths_free(struct ml_paths *p);

#endif
