/* core/snapshot.h -- an immutable, sorted copy of a book, live or saved. Reports see only this.
 *
 * Threads: a snapshot never changes after it is built; merge builds before anyone reads.
 * Memory:  owns every byte it points to. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SNAPSHOT_H
#define ML_CORE_SNAPSHOT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* One source line that ran at least once. */
struct ml_row {
    uint32_t line; /* 1-based */
    uint64_t hits;
    int64_t rss_net_bytes;
    uint64_t rss_max_bytes;
    uint64_t order; /* rank of first hit */
};

/* A function's rows stand together, by line. */
struct ml_function {
    struct ml_str file; /* as the code object names it */
    struct ml_str name; /* qualified where the interpreter knows it */
    uint32_t first_line;
    uint32_t last_line;
    const struct ml_row *rows; /* [n_rows], by line */
    size_t n_rows;
};

struct ml_snapshot;

/* Read a saved or living book. Errors: ML_ENOTFOUND, ML_EIO, ML_EFORMAT, ML_ENEWER (another
 * version), ML_ETRUNCATED (half-written header; a book cut inside its records is read up to the cut
 * and ml_snapshot_truncated tells), ML_ENOMEM. Every byte is checked: the file may be hostile. */
int ml_snapshot_read(const char *path, struct ml_snapshot **out, struct ml_error *e);
int ml_snapshot_parse(struct ml_str bytes, const char *name, struct ml_snapshot **out,
                      struct ml_error *e);
/* Add another run's figures: same file, function and lines are summed (maxima kept). Facts, process
 * and start stay those of `into`. 0 or ML_ENOMEM, then `into` is as it was. */
int ml_snapshot_merge(struct ml_snapshot *into, const struct ml_snapshot *from);
void ml_snapshot_free(struct ml_snapshot *s);

/* Functions with at least one row, by file, first line, name. */
size_t ml_snapshot_functions(const struct ml_snapshot *s, const struct ml_function **out);
/* A fact of the run; an empty slice if unknown. */
struct ml_str ml_snapshot_meta(const struct ml_snapshot *s, struct ml_str key);
/* Saved source text of a file; .p is NULL if none was saved. */
struct ml_str ml_snapshot_source(const struct ml_snapshot *s, struct ml_str file);
/* The i-th fact by key, from 0; false at the end. */
bool ml_snapshot_meta_at(const struct ml_snapshot *s, size_t i, struct ml_str *key,
                         struct ml_str *value);
size_t ml_snapshot_books(const struct ml_snapshot *s);   /* runs merged in it, at least 1 */
bool ml_snapshot_truncated(const struct ml_snapshot *s); /* cut inside its records */
bool ml_snapshot_complete(const struct ml_snapshot *s);  /* the writer ended in order */
uint64_t ml_snapshot_lost(const struct ml_snapshot *s);  /* functions the book had no room for */
uint64_t ml_snapshot_pid(const struct ml_snapshot *s);
int64_t ml_snapshot_start_ns(const struct ml_snapshot *s); /* wall clock, ns since 1970 */

#endif
