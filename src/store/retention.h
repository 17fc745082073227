/* store/retention.h -- dropping the oldest rows, by age and by the file's size.
 * SPDX-License-Identifier: MIT */
#ifndef ML_STORE_RETENTION_H
#define ML_STORE_RETENTION_H

#include "store/db.h"
#include "store/store.h"

/* Whole segments go when their newest row is too old; tail rows go from the front only (readers
 * rely on it), so a row may outlive its age until the segment around it is old.
 * When the file is too large, the oldest segments go; tails are short and stay. */
int ml__retain(sqlite3 *db, const struct ml_retention *policy, int64_t now, uint64_t *dropped,
               struct ml_error *e);
/* Bytes in use: pages of the file that are not free. */
int ml__db_bytes(sqlite3 *db, uint64_t *out, struct ml_error *e);

#endif
