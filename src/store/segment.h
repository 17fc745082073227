/* store/segment.h -- building one sealed block: rows in, sorted and encoded columns out.
 *
 * Bounds:  ML_SEGMENT_ROWS rows or SEGMENT_MAX_BYTES of cells, whichever comes first.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_STORE_SEGMENT_H
#define ML_STORE_SEGMENT_H

#include "store/db.h"
#include "store/rows.h"
#include "store/strip.h"

#include <stdbool.h>

#define ML__SEGMENT_ROWS 65536
#define ML__SEGMENT_BYTES ((size_t)96 << 20)

struct ml__segment {
    enum ml_store_table table;
    uint32_t rows;
    size_t bytes;            /* of all cells */
    struct ml__cells *cells; /* [n_columns of the table], owned */
};

int ml__segment_init(struct ml__segment *g, enum ml_store_table t);
void ml__segment_release(struct ml__segment *g);
void ml__segment_clear(struct ml__segment *g);

/* A row of a batch. */
void ml__segment_add_row(struct ml__segment *g, struct ml_row_ref row);
/* A row of a tail table: column `first` of the statement is the table's first. */
void ml__segment_add_result(struct ml__segment *g, sqlite3_stmt *st, int first);
bool ml__segment_full(const struct ml__segment *g);

/* Insert the segment and its chunks; in the caller's transaction. Empty: nothing. */
int ml__segment_write(struct ml__segment *g, sqlite3 *db, struct ml_error *e);

/* Append one result cell to a column; used for tail columns too. */
void ml__cells_add_result(struct ml__cells *c, sqlite3_stmt *st, int column);

#endif
