/* report/source.h -- the text of source lines: from the file on disk, else from the book.
 *
 * Memory:  files are read once and kept, at most 16 MiB each and 256 MiB together; beyond that, and
 *          where nothing can be read, lines are empty.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_SOURCE_H
#define ML_REPORT_SOURCE_H

#include "core/snapshot.h"

struct ml_sources;

/* s must live as long. 0 or ML_ENOMEM. */
int ml_sources_new(const struct ml_snapshot *s, struct ml_sources **out);
void ml_sources_free(struct ml_sources *all);
/* Line from 1, UTF-8, without its line end; .n is 0 if unknown. Good until free. */
struct ml_str ml_sources_line(struct ml_sources *all, struct ml_str file, uint32_t line);
/* How many lines it has; 0 if there is no text of it. */
uint32_t ml_sources_count(struct ml_sources *all, struct ml_str file);
/* Is there any text of it? */
bool ml_sources_have(struct ml_sources *all, struct ml_str file);
/* The file on disk was written to after the run began, so that its lines may not be those that ran. */
bool ml_sources_changed(struct ml_sources *all, struct ml_str file);

#endif
