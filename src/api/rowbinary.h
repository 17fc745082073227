/* api/rowbinary.h -- ClickHouse's RowBinary, read into batches.
 *
 * Bytes:     of each cell, but of a string, a byte that is 1 for NULL (then nothing follows); then the value, little-endian:
 *            bool 1 byte, int 4, long, datetime, timespan and real 8; string, guid and dynamic a length in groups of seven
 *            bits, lowest first, and that many bytes (of a guid its text, of a dynamic its JSON).
 * Memory:    strings of a batch lie in the bytes read. SPDX-License-Identifier: MIT */
#ifndef ML_API_ROWBINARY_H
#define ML_API_ROWBINARY_H

#include "base/err.h"
#include "kql/kql.h"

struct ml_rowbinary {
    struct ml_str rest; /* not read yet; borrowed */
    const struct ml_query_column *columns;
    uint32_t n; /* at least one */
};

/* The next rows, in the arena; out->n = 0: the end. ML_EFORMAT: the bytes are not such rows. */
int ml_rowbinary_next(struct ml_rowbinary *a, struct ml_arena *arena, struct ml_batch *out,
                      struct ml_error *e);

#endif
