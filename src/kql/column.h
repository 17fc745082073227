/* kql/column.h -- a run of values of one type, and a batch of such columns.
 *
 * Picture:   data = n elements of the type's width; nulls = n bytes, or NULL where nothing is null.
 *            A constant column has one element that stands for every row.
 * Invariant: read-only once filled. Memory: an arena's, or the scanned block's.
 * Nulls are bytes and not bits: kernels then need no shifts, and most columns have none at all.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_COLUMN_H
#define ML_KQL_COLUMN_H

#include "kql/val.h"

#define ML_BATCH_ROWS 4096 /* fits the second-level cache with a dozen columns */

struct ml_column {
    uint8_t type; /* enum ml_type, BOOL .. DYNAMIC */
    bool constant;
    uint8_t *nulls; /* not used by STRING and DYNAMIC (there the value says it) */
    union {
        void *data;
        uint8_t *b; /* BOOL */
        int64_t *i; /* INT, LONG, DATETIME, TIMESPAN */
        double *d;  /* REAL */
        struct ml_dec *dec;
        uint8_t (*guid)[16];
        struct ml_str *s;
        struct ml_val *v; /* DYNAMIC */
    };
};

struct ml_batch {
    size_t n; /* rows */
    size_t ncols;
    struct ml_column *cols;
};

/* Bytes of an element. */
size_t ml_type_width(enum ml_type t);

/* Room for n values (not filled); false: out of memory. nulls stays NULL. */
bool ml_column_init(struct ml_column *c, struct ml_arena *a, enum ml_type t, size_t n);
/* Also an array of n nulls bytes, all 0. */
bool ml_column_init_nulls(struct ml_column *c, struct ml_arena *a, enum ml_type t, size_t n);
/* One value for every row. */
bool ml_column_init_constant(struct ml_column *c, struct ml_arena *a, enum ml_type t,
                             const struct ml_val *v);

/* The cell. Needs a column with nulls where v may be null. */
void ml_column_set(struct ml_column *c, size_t row, const struct ml_val *v);
struct ml_val ml_column_get(const struct ml_column *c, size_t row);
bool ml_column_is_null(const struct ml_column *c, size_t row);

/* out = the n rows that rows[] names, in that order; NULL row ids are UINT32_MAX: null or ''. */
bool ml_column_gather(const struct ml_column *c, struct ml_arena *a, const uint32_t *rows, size_t n,
                      struct ml_column *out);
/* n rows from `from` on, sharing the data. */
struct ml_column ml_column_slice(const struct ml_column *c, size_t from);
/* Element by element where it was constant. */
bool ml_column_flatten(struct ml_column *c, struct ml_arena *a, size_t n);

#endif
