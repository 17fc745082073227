/* store/writer.h -- the thread that appends for everybody else in the process.
 *
 * Submitters hand over batches and go on; the thread joins what is waiting into one transaction
 * (so that one flush to the disk pays for many batches), then calls back.
 * Invariant: done() is called exactly once per submitted batch; with ML_OK only after the commit.
 * Bounds:    ML_WRITER_QUEUE_BYTES of waiting rows; beyond that submit answers ML_EBUSY and the
 *            batch stays the caller's, who waits, drops or refuses.
 * Threads:   submit, append and flush from any thread; done() runs on the writer's thread and may
 *            not call the writer's blocking functions. SPDX-License-Identifier: MIT */
#ifndef ML_STORE_WRITER_H
#define ML_STORE_WRITER_H

#include "base/err.h"
#include "store/rows.h"
#include "store/store.h"

#include <stdint.h>

#define ML_WRITER_QUEUE_BYTES (UINT32_C(64) << 20)

struct ml_writer;

typedef void (*ml_writer_done)(void *user, int status, const struct ml_error *e);

/* Opens (makes) the store at path; policy NULL: ML_RETENTION_DEFAULT, applied at start and hourly. */
int ml_writer_open(const char *path, const struct ml_retention *policy, struct ml_writer **out,
                   struct ml_error *e);
/* Writes what is waiting, ends the thread. NULL is fine. */
void ml_writer_close(struct ml_writer *w);

/* Takes ownership of rows on ML_OK only. done may be NULL. Errors: ML_EBUSY (queue full). */
int ml_writer_submit(struct ml_writer *w, struct ml_rows *rows, ml_writer_done done, void *user);
/* Submit and wait for the commit; rows stay the caller's. */
int ml_writer_append(struct ml_writer *w, const struct ml_rows *rows, struct ml_error *e);
/* Wait until everything submitted before is committed or failed. */
void ml_writer_flush(struct ml_writer *w);

struct ml_writer_stats {
    uint64_t rows;    /* committed */
    uint64_t batches; /* submitted batches among them */
    uint64_t commits;
    uint64_t failed_rows;
    size_t waiting_bytes;
};
void ml_writer_stats(struct ml_writer *w, struct ml_writer_stats *out);

#endif
