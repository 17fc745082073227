/* core/book_find.h -- from a process to its book, and from a book to its process.
 *
 * Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_BOOK_FIND_H
#define ML_CORE_BOOK_FIND_H

#include "core/book_peek.h"

#include <stddef.h>

/* The book that process pid has mapped; or, when it has ended, the newest one in the folder of books that it
 * wrote. Errors: ML_ENOTFOUND, ML_EDENIED (it is somebody else's), ML_ELIMIT. */
int ml_book_of(int32_t pid, char *out, size_t out_bytes, struct ml_error *e);

/* Does process pid have the book mapped? 1: yes, 0: no or no such process, -1: not ours to see. */
int ml_book_mapped(int32_t pid, const char *path, const struct ml_book_brief *b);

/* When process pid began, in the kernel's ticks; 0: there is none, or it has ended and waits for its parent. A
 * process id with another beginning is another process. */
uint64_t ml_process_began(int32_t pid);

#endif
