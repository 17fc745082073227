/* store/rows.h -- rows on their way into the store: a batch that the caller fills.
 *
 *   struct ml_rows *rows = NULL;
 *   int rc = ml_rows_new(&rows);
 *   ml_rows_begin(rows, ML_TABLE_traces);
 *   ml_rows_i64(rows, ML_COL_timestamp, ticks);
 *   ml_rows_str(rows, ML_COL_message, text);
 *   rc = ml_rows_end(rows);                    the row counts from here on
 *   rc = ml_writer_submit(writer, rows, NULL, NULL);
 *
 * Errors stick to the row: after a failed set, ml_rows_end drops that row and tells. Rows of
 * several tables may share a batch; their order within a table is kept.
 * What is not set is empty or null, except: timestamp (now), itemId (a new GUID), itemType, and
 * itemCount (1).
 * Memory:  the bytes of all rows, at most ML_ROWS_MAX_BYTES. Cells are copied.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_STORE_ROWS_H
#define ML_STORE_ROWS_H

#include "base/err.h"
#include "base/str.h"
#include "store/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ML_ROWS_MAX_BYTES (UINT32_C(256) << 20)
#define ML_CELL_MAX_BYTES (UINT32_C(4) << 20) /* one string or dynamic cell */

struct ml_rows;

int ml_rows_new(struct ml_rows **out); /* *out is the caller's */
/* The same rows once more; a row begun is left out. ML_ENOMEM, or 0. */
int ml_rows_copy(const struct ml_rows *from, struct ml_rows **out);
void ml_rows_free(struct ml_rows *r); /* NULL is fine */
void ml_rows_clear(struct ml_rows *r);

void ml_rows_begin(struct ml_rows *r, enum ml_store_table t);
/* A column that the table does not have is left out without an error: telemetry comes with fields
 * of every kind. Bytes that are not UTF-8 become U+FFFD. */
void ml_rows_str(struct ml_rows *r, enum ml_store_col c, struct ml_str s);
/* INT (wraps to 32 bits), LONG, DATETIME; a DATETIME outside 0..ML_STORE_TICKS_MAX is left out. */
void ml_rows_i64(struct ml_rows *r, enum ml_store_col c, int64_t v);
void ml_rows_f64(struct ml_rows *r, enum ml_store_col c, double v);
/* ML_OK, ML_ENOMEM or ML_ELIMIT (cell or batch too large); on failure the row is gone, the ones
 * before it stay. */
int ml_rows_end(struct ml_rows *r);
/* Forget the row begun. */
void ml_rows_cancel(struct ml_rows *r);

size_t ml_rows_count(const struct ml_rows *r);
size_t ml_rows_bytes(const struct ml_rows *r);

/* A cell as read back; which member counts follows from the column's type. */
struct ml_cell {
    enum ml_store_col column;
    struct ml_str s; /* STRING, DYNAMIC; borrowed from the batch */
    int64_t i;       /* INT, LONG, DATETIME */
    double f;        /* REAL */
};

/* Walk the rows: *at starts at 0; false at the end. Then the cells that were set in that row;
 * a column set twice comes twice, the later one counts. */
struct ml_row_ref {
    /* private */
    const unsigned char *p;
    const unsigned char *end;
};
bool ml_rows_next(const struct ml_rows *r, size_t *at, enum ml_store_table *t,
                  struct ml_row_ref *row);
bool ml_row_next(struct ml_row_ref *row, struct ml_cell *cell);

/* Ticks of this moment, from the wall clock. */
int64_t ml_ticks_now(void);
/* A new random GUID as 36 characters and a zero. */
void ml_guid_new(char out[37]);

#endif
