/* kql/source.h -- where rows come from: the read interface between the engine and its tables.
 *
 *   catalog --find("traces")--> source --open(ask)--> scan --next--> block --column(i)--> chunk
 *
 * A scan yields blocks of at most ML_BLOCK_ROWS rows; a block's columns are asked for one at a time, so that a filter reads its own
 * columns first and the others only where rows are left (late materialization).
 * Invariant: what a scan sees does not change between open and close (a snapshot).
 * Threads:   a source may be used by several queries at once; a scan by one thread at a time.
 * Memory:    a chunk belongs to the scan and ends with the next `next` or with `close`.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_SOURCE_H
#define ML_KQL_SOURCE_H

#include "base/err.h"
#include "kql/type.h"

#define ML_BLOCK_ROWS 65536

struct ml_source_column {
    struct ml_str name;
    enum ml_type type; /* BOOL .. DYNAMIC */
};

/* What a query needs; everything here may be ignored but the columns: the engine filters again. */
struct ml_scan_ask {
    const uint32_t *columns; /* the only ones that will be asked for, rising */
    size_t ncolumns;
    int64_t from_ticks;     /* time column >= from; INT64_MIN: open */
    int64_t to_ticks;       /* time column <= to; INT64_MAX: open */
    uint32_t prefix_column; /* string column that must start with prefix, byte for byte */
    struct ml_str prefix;   /* n = 0: none */
    uint64_t limit_rows;    /* this many rows are enough; 0: all (only given without a filter) */
    bool newest_first;      /* blocks with the youngest times first */
};

/* One column of one block. fixed points at n elements:
 *   bool uint8_t · int, long, datetime, timespan int64_t · real double · decimal struct ml_dec ·
 *   guid 16 bytes.
 * string, and dynamic as JSON text: row r is bytes[offsets[k] .. offsets[k+1]) with k = r, or
 * k = codes[r] where the block has a dictionary. An empty dynamic text is null. */
struct ml_chunk {
    const void *fixed;
    const uint8_t *nulls; /* one byte a row, 1: null; NULL: no nulls */
    const uint32_t *offsets;
    const char *bytes;
    const uint32_t *codes; /* NULL: no dictionary */
    uint32_t ndict;        /* entries of the dictionary */
    const uint32_t
        *heads; /* first four bytes of each text (zeros behind, little-endian), to look at
                              before its bytes; NULL: not known */
};

struct ml_scan;

struct ml_source {
    struct ml_str name;
    const struct ml_source_column *columns;
    uint32_t ncolumns;
    int32_t time_column; /* index of the datetime that ranges are about; -1: none */
    const struct ml_source_ops *ops;
    void *self; /* the implementation's own */
};

struct ml_source_ops {
    int (*open)(const struct ml_source *s, const struct ml_scan_ask *ask, struct ml_scan **out,
                struct ml_error *e);
    /* Rows of the next block that may hold something; *rows = 0: the end. */
    int (*next)(struct ml_scan *scan, size_t *rows, struct ml_error *e);
    int (*column)(struct ml_scan *scan, uint32_t column, struct ml_chunk *out, struct ml_error *e);
    void (*close)(struct ml_scan *scan); /* NULL is fine */
    /* Bounds of the time column in the current block. NULL: not known. */
    void (*range)(struct ml_scan *scan, int64_t *min, int64_t *max);
};

/* Tables by name. A catalog lives longer than the queries that use it. */
struct ml_catalog {
    /* NULL: no such table. */
    const struct ml_source *(*find)(const struct ml_catalog *c, struct ml_str name);
    /* The i-th table, for wildcards and `search`; NULL after the last. */
    const struct ml_source *(*at)(const struct ml_catalog *c, size_t i);
    const char *missing; /* a hint for who names a table that is not there; NULL: none */
    void *self;
};

#endif
