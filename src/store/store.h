/* store/store.h -- the log store: one SQLite file per project, the durable truth of every query.
 *
 * Picture:   rows arrive --commit--> tail: SQLite tables with the exact columns, newest rows
 *                        --seal----> segments: 65,536 rows each, one compressed chunk per column
 *            A row lives in exactly one of the two; moving is one transaction. Segments make a scan
 *            columnar (a query reads the columns and the days it names, nothing else); the tail
 *            makes a small append cheap and readable with any SQLite tool.
 * Invariant: what ml_store_append answered ML_OK for is in the file, also after SIGKILL; readers
 *            see whole batches only.
 * Threads:   a store is one connection, one owner at a time. Several processes may have the file
 *            open; writers take turns (they wait up to 10 s), readers never wait and never block.
 * Bounds:    the tail of a table is at most 2 segments long; the file is kept below the retention's
 *            max_bytes. Formats: docs/store.md, chunk.c.
 * SPDX-License-Identifier: MIT */
#ifndef ML_STORE_STORE_H
#define ML_STORE_STORE_H

#include "base/err.h"
#include "store/rows.h"
#include "store/schema.h"

#include <stdint.h>

struct ml_store;

/* What to keep. A zero means no such limit. */
struct ml_retention {
    int64_t max_age_ticks;
    uint64_t max_bytes; /* of the file */
};

/* By size only: whoever imports last year's export wants to query it. */
#define ML_RETENTION_DEFAULT ((struct ml_retention){.max_bytes = UINT64_C(8) << 30})

struct ml_store_stats {
    uint64_t rows;        /* of one table, or of all */
    uint64_t sealed_rows; /* of these, in segments */
    uint64_t segments;
    int64_t min_ticks; /* of timestamp; 0 when there are no rows */
    int64_t max_ticks;
};

/* Open for writing; the file and its tables are made when missing, older ones are migrated.
 * Errors: ML_EIO, ML_EFORMAT (not a memline store), ML_ENEWER, ML_EBUSY, ML_EFULL. */
int ml_store_open(const char *path, struct ml_store **out, struct ml_error *e);
void ml_store_close(struct ml_store *s); /* NULL is fine */

/* One transaction: all rows or none, on disk when this returns ML_OK. Seals when a tail is long
 * enough. */
int ml_store_append(struct ml_store *s, const struct ml_rows *rows, struct ml_error *e);
/* The same for n batches at once. */
int ml_store_append_many(struct ml_store *s, const struct ml_rows *const *batches, size_t n,
                         struct ml_error *e);
/* Turn the whole tail into segments, also short ones: before copying or exporting the file. */
int ml_store_seal(struct ml_store *s, struct ml_error *e);
/* Drop what the policy does not keep, oldest first, and give the space back. now: ticks. */
int ml_store_retain(struct ml_store *s, const struct ml_retention *policy, int64_t now,
                    uint64_t *dropped_rows, struct ml_error *e);

/* Give back memory that is kept for the next append. */
void ml_store_relax(struct ml_store *s);

int ml_store_stats(struct ml_store *s, enum ml_store_table t, struct ml_store_stats *out,
                   struct ml_error *e);
/* Bytes of the file without the write-ahead log. */
int ml_store_bytes(struct ml_store *s, uint64_t *out, struct ml_error *e);

#endif
