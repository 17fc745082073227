/* cli/import_book.h -- a profiler's book as rows of the table `lines`. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_IMPORT_BOOK_H
#define ML_CLI_IMPORT_BOOK_H

#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* True when the file begins as books do. */
bool ml_import_is_book(const char *path);
/* All rows of the book in one transaction; *rows tells how many. The time of a row is the run's start. */
int ml_import_book(struct ml_store *s, const char *path, uint64_t *rows, struct ml_error *e);

#endif
