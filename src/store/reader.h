/* store/reader.h -- reading a store by columns; what src/kql builds its table source on.
 *
 *   ml_reader_open(path, cache_bytes, &r, &e);          once per process and file
 *   ml_read_begin(r, &rd, &e);                          a query: one consistent view of all tables
 *   ml_read_open(rd, ML_TABLE_traces, from, to, &s, &e);
 *   while (ml_read_next(s, &b, &e) == ML_OK && b != NULL) {
 *       ml_read_column(b, ML_COL_message, &col, &e);   decoded now, or found in the cache
 *       ... b->rows rows; col's arrays start at the block's first row ...
 *       ml_read_block_free(b);
 *   }
 *   ml_read_close(s); ml_read_end(rd);
 *
 * Speed: a scan first drops segments by the min/max of timestamp, then cuts the first and last
 * segment by binary search (rows of a segment are sorted by time). A column is fetched when it is
 * asked for, so a filter that leaves nothing of a block costs the filter's column only. Decoded
 * columns stay in a cache shared by all queries of the process; a warm scan copies nothing.
 * Invariant: a read sees the batches committed before ml_read_begin, whole; sealing, retention and
 *            other writers do not disturb it, and it does not hold them up.
 * Threads:   reader: any thread. One read may have several scans, used by several threads;
 *            one scan or one block by one thread at a time.
 * Memory:    col's arrays belong to the cache and live until ml_read_block_free of that block.
 * SPDX-License-Identifier: MIT */
#ifndef ML_STORE_READER_H
#define ML_STORE_READER_H

#include "base/err.h"
#include "store/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ML_SEGMENT_ROWS 65536 /* most rows of a block */

struct ml_reader;    /* a file, its connections and its cache */
struct ml_read;      /* one consistent view */
struct ml_read_scan; /* one pass over one table */

/* A column of a block, borrowed; the shapes are those of kql/source.h, so that the engine takes the
 * pointers as they are.
 *   fixed: INT, LONG, DATETIME int64_t | REAL double | BOOL uint8_t, one element a row
 *   STRING, DYNAMIC: text. Row r is bytes[offsets[k] .. offsets[k + 1]) with k = r, or k = codes[r]
 *   where codes is set (then offsets has n_entries + 1 elements; a constant column has one entry).
 *   A null dynamic is empty text. */
struct ml_colview {
    enum ml_store_type type;
    uint32_t rows;
    const void *fixed;
    const uint8_t *nulls; /* one byte a row, 1: null; NULL: none is. Only for fixed types */
    const uint32_t *offsets;
    const char *bytes;
    const uint32_t *codes; /* NULL: no dictionary */
    const uint32_t
        *heads; /* without a dictionary: the first four bytes of each text, zeros behind */
    uint32_t n_entries;
};

struct ml_read_block {
    uint32_t rows;     /* at least 1 */
    int64_t min_ticks; /* of timestamp, over these rows */
    int64_t max_ticks;
    bool exact; /* every row lies in the scan's time range; else the caller must look */
    /* private */
    void *inner;
};

/* The file must exist. cache_bytes 0: ML_READER_CACHE_BYTES.
 * Errors: ML_ENOTFOUND, ML_EFORMAT, ML_ENEWER, ML_EIO, ML_EBUSY. */
#define ML_READER_CACHE_BYTES (UINT64_C(2) << 30)
int ml_reader_open(const char *path, uint64_t cache_bytes, struct ml_reader **out,
                   struct ml_error *e);
/* All reads must have ended. NULL is fine. */
void ml_reader_close(struct ml_reader *r);

int ml_read_begin(struct ml_reader *r, struct ml_read **out, struct ml_error *e);
void ml_read_end(struct ml_read *rd); /* all scans and blocks freed before; NULL is fine */

/* Rows with from <= timestamp <= to (ticks); 0 and ML_STORE_TICKS_MAX for all. */
int ml_read_open(struct ml_read *rd, enum ml_store_table t, int64_t from, int64_t to,
                 struct ml_read_scan **out, struct ml_error *e);
/* Before the first next: the newest blocks first. Rows within a block keep their order. */
void ml_read_newest_first(struct ml_read_scan *s);
/* *out is NULL at the end, else the caller's. Blocks come oldest segment first, the tail last. */
int ml_read_next(struct ml_read_scan *s, struct ml_read_block **out, struct ml_error *e);
void ml_read_close(struct ml_read_scan *s); /* blocks may outlive it; NULL is fine */

/* The table must have the column. May fetch and decode: ~1 ms per megabyte. */
int ml_read_column(struct ml_read_block *b, enum ml_store_col c, struct ml_colview *out,
                   struct ml_error *e);
/* The same for column i of a view over the block's table. */
int ml_read_view_column(struct ml_read_block *b, const struct ml_store_view_info *v, size_t i,
                        struct ml_colview *out, struct ml_error *e);
void ml_read_block_free(struct ml_read_block *b); /* NULL is fine */

/* How much work reads did so far: proves pruning, shown by --explain. */
struct ml_reader_stats {
    uint64_t blocks_pruned; /* segments that a time range ruled out */
    uint64_t blocks_read;
    uint64_t columns_decoded;
    uint64_t columns_cached; /* asked for and found decoded */
    uint64_t cache_bytes;
};
void ml_reader_stats(struct ml_reader *r, struct ml_reader_stats *out);

#endif
