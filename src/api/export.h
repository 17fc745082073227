/* api/export.h -- a table of the store as bytes for somebody else, block by block.
 *
 *   JSONL      one object a row: "$table" and the columns that hold something; memline import reads it back
 *   ROWBINARY  ClickHouse's: every column in order; times as ticks (Int64), numbers Nullable, texts String
 *
 * Memory: one block. SPDX-License-Identifier: MIT */
#ifndef ML_API_EXPORT_H
#define ML_API_EXPORT_H

#include "base/buf.h"
#include "store/reader.h"

enum ml_export_format { ML_EXPORT_JSONL, ML_EXPORT_ROWBINARY };

/* Called with the bytes of each block's rows. */
typedef int (*ml_export_write)(void *user, struct ml_str bytes, struct ml_error *e);

/* *rows is raised by the rows written. */
int ml_export_table(struct ml_read *rd, enum ml_store_table t, enum ml_export_format format,
                    ml_export_write write, void *user, uint64_t *rows, struct ml_error *e);

#endif
