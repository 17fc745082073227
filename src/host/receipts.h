/* host/receipts.h -- which blobs a function has had: a file in the project's state folder.
 *
 *   TRIES ETAG-HASH PATH\n      TRIES: failures so far, or "done"; the last line of a path counts
 *
 * Lines are appended as things happen, and the file is written anew when most of it is old. A blob that is changed
 * has another ETag, and is new. Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_RECEIPTS_H
#define ML_HOST_RECEIPTS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct ml_receipts;

enum { ML_RECEIPT_DONE = 255, ML_RECEIPT_TRIES_MAX = 250 };

/* path: NULL keeps them in memory only. A file that cannot be read is begun anew. */
int ml_receipts_open(const char *path, struct ml_receipts **out, struct ml_error *e);
void ml_receipts_close(struct ml_receipts *r); /* NULL is fine */
/* Failures of the blob as it is now (0 when it is new), or ML_RECEIPT_DONE. */
int ml_receipts_look(struct ml_receipts *r, struct ml_str blob, struct ml_str etag);
int ml_receipts_put(struct ml_receipts *r, struct ml_str blob, struct ml_str etag, int tries);
/* Between the two every blob that exists is looked up; the receipts of others are dropped. */
void ml_receipts_begin_scan(struct ml_receipts *r);
void ml_receipts_end_scan(struct ml_receipts *r);
size_t ml_receipts_count(const struct ml_receipts *r);

#endif
