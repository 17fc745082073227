/* store/tail.h -- the unsealed rows of a table as blocks of columns, kept between queries.
 *
 * A tail only grows at its end and shrinks at its front (sealing, retention), so a block of rows
 * first_seq..last_seq stays true as long as its first row is still there. A query loads the rows
 * that are new since the last one; when that left many small blocks, they are loaded as one.
 * Threads: any; a lock guards the list, each block has a lock for its columns.
 * SPDX-License-Identifier: MIT */
#ifndef ML_STORE_TAIL_H
#define ML_STORE_TAIL_H

#include "store/db.h"
#include "store/strip.h"

#include <pthread.h>
#include <stdatomic.h>

struct ml__tail_block {
    enum ml_store_table table;
    int64_t first_seq;
    int64_t last_seq;
    int64_t min_ticks;
    int64_t max_ticks;
    uint32_t rows;
    atomic_int refs;
    pthread_mutex_t lock;                   /* guards strips */
    struct ml__strip *strips[ML_N_COLUMNS]; /* NULL: not loaded yet */
};

#define ML__TAIL_BLOCKS 12 /* most blocks of a table; then they are loaded anew as one */

struct ml__tail {
    pthread_mutex_t lock; /* guards the list */
    size_t n;
    struct ml__tail_block *blocks[ML__TAIL_BLOCKS]; /* by seq, one reference each */
};

void ml__tail_init(struct ml__tail *t);
void ml__tail_release(struct ml__tail *t);

/* The blocks that make up the tail in the transaction that db is in: *n of them in out
 * [ML__TAIL_BLOCKS], one reference each for the caller. */
int ml__tail_blocks(struct ml__tail *t, enum ml_store_table table, sqlite3 *db,
                    struct ml__tail_block **out, size_t *n, struct ml_error *e);
/* A column of the block, loaded through db when needed; the transaction must be the one that
 * ml__tail_blocks saw. A reference for the caller. */
int ml__tail_column(struct ml__tail_block *b, enum ml_store_col c, sqlite3 *db,
                    struct ml__strip **out, struct ml_error *e);
void ml__tail_drop(struct ml__tail_block *b); /* NULL is fine */

#endif
