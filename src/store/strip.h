/* store/strip.h -- one column of one block, decoded; and its encoded form in the file.
 *
 * Invariant: a strip does not change once it is built; it lives until its last reference goes.
 * Threads:   references may be taken and dropped from any thread.
 * Memory:    one allocation. The byte format of the encoded form stands at the top of strip.c.
 * SPDX-License-Identifier: MIT */
#ifndef ML_STORE_STRIP_H
#define ML_STORE_STRIP_H

#include "base/buf.h"
#include "base/err.h"
#include "store/schema.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ml__strip {
    enum ml_store_type type;
    uint32_t rows;
    uint32_t n_entries; /* of the dictionary */
    atomic_int refs;
    size_t bytes; /* of the allocation */
    /* Into the allocation; shapes as in struct ml_colview. */
    void *fixed;
    uint8_t *nulls;
    uint32_t *offsets;
    char *text;
    uint32_t *codes;
    uint32_t *heads; /* plain text: the first four bytes of each row, zeros behind them */
};

/* What a column is built from, row by row, and read back in another order. */
struct ml__cells {
    enum ml_store_type type;
    struct ml_buf values;  /* int64_t or double a row; text: the bytes */
    struct ml_buf offsets; /* text: uint32_t where each row ends */
    struct ml_buf nulls;   /* a byte a row; empty: none is null */
    uint32_t rows;
};

void ml__cells_text(struct ml__cells *c, struct ml_str s);
void ml__cells_i64(struct ml__cells *c, int64_t v);
void ml__cells_f64(struct ml__cells *c, double v);
/* A null, or an empty string. */
void ml__cells_none(struct ml__cells *c);
int ml__cells_status(const struct ml__cells *c); /* ML_OK, or what went wrong while adding */
void ml__cells_free(struct ml__cells *c);

/* The cells as a strip, in their own order. *out is the caller's (one reference). */
int ml__strip_build(const struct ml__cells *c, struct ml__strip **out);
/* The cells as bytes for the file, row i being cell order[i] (NULL: i). */
int ml__strip_encode(const struct ml__cells *c, const uint32_t *order, struct ml_buf *out);
/* Every byte is checked: the file may be damaged or hostile. Errors: ML_EFORMAT, ML_ENOMEM. */
int ml__strip_decode(struct ml_str bytes, enum ml_store_type type, uint32_t rows,
                     struct ml__strip **out);

struct ml__strip *ml__strip_ref(struct ml__strip *s);
void ml__strip_drop(struct ml__strip *s); /* NULL is fine */

#endif
