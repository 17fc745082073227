/* store/tail.c -- see tail.h. SPDX-License-Identifier: MIT */
#include "store/tail.h"

#include "base/mem.h"
#include "store/segment.h"

#include <stdio.h>
#include <string.h>

void ml__tail_init(struct ml__tail *t)
{
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
}

static void forget(struct ml__tail *t)
{
    for (size_t i = 0; i < t->n; i++)
        ml__tail_drop(t->blocks[i]);
    t->n = 0;
}

void ml__tail_release(struct ml__tail *t)
{
    forget(t);
    pthread_mutex_destroy(&t->lock);
}

void ml__tail_drop(struct ml__tail_block *b)
{
    if (b == NULL || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int c = 0; c < ML_N_COLUMNS; c++)
        ml__strip_drop(b->strips[c]);
    pthread_mutex_destroy(&b->lock);
    ml_free(b);
}

static struct ml__tail_block *keep(struct ml__tail_block *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

/* Rows first..last of one column, in order of seq. */
static int load_column(enum ml_store_table table, enum ml_store_col c, int64_t first, int64_t last,
                       sqlite3 *db, struct ml__strip **out, struct ml_error *e)
{
    struct ml__cells cells = {.type = ml_store_col_get(c)->type};
    sqlite3_stmt *st = NULL;
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT \"%s\" FROM %s WHERE seq BETWEEN ? AND ? ORDER BY seq",
             ml_store_col_get(c)->name.p, ml_store_table_get(table)->name.p);
    int rc = ml__db_prepare(db, sql, &st, e);
    if (rc != ML_OK)
        return rc;
    sqlite3_bind_int64(st, 1, first);
    sqlite3_bind_int64(st, 2, last);
    while ((rc = ml__db_step(db, st, e)) == SQLITE_ROW)
        ml__cells_add_result(&cells, st, 0);
    sqlite3_finalize(st);
    if (rc == SQLITE_DONE) {
        rc = ml__strip_build(&cells, out);
        if (rc != ML_OK)
            ml_fail(e, rc, "cannot load column '%s': %s", ml_store_col_get(c)->name.p,
                    ml_status_text(rc));
    }
    ml__cells_free(&cells);
    return rc;
}

static void note_times(struct ml__tail_block *b, const struct ml__strip *times)
{
    const int64_t *t = times->fixed;
    b->min_ticks = INT64_MAX;
    b->max_ticks = INT64_MIN;
    for (uint32_t i = 0; i < b->rows; i++) {
        b->min_ticks = t[i] < b->min_ticks ? t[i] : b->min_ticks;
        b->max_ticks = t[i] > b->max_ticks ? t[i] : b->max_ticks;
    }
}

static int block_load(enum ml_store_table table, int64_t first, int64_t last, sqlite3 *db,
                      struct ml__tail_block **out, struct ml_error *e)
{
    struct ml__strip *times = NULL;
    int rc = load_column(table, ML_COL_timestamp, first, last, db, &times, e);
    if (rc != ML_OK)
        return rc;
    struct ml__tail_block *b = ml_calloc(1, sizeof *b);
    if (b == NULL) {
        ml__strip_drop(times);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    pthread_mutex_init(&b->lock, NULL);
    atomic_init(&b->refs, 1);
    b->table = table;
    b->first_seq = first;
    b->last_seq = last;
    b->rows = times->rows;
    note_times(b, times);
    b->strips[ML_COL_timestamp] = times;
    *out = b;
    return ML_OK;
}

static int seq_range(enum ml_store_table table, sqlite3 *db, int64_t *first, int64_t *last,
                     struct ml_error *e)
{
    const char *name = ml_store_table_get(table)->name.p;
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT min(seq) FROM %s",
             name); /* two statements: each is one step */
    int rc = ml__db_i64(db, sql, first, e);
    snprintf(sql, sizeof sql, "SELECT max(seq) FROM %s", name);
    return rc == ML_OK ? ml__db_i64(db, sql, last, e) : rc;
}

/* The cached blocks fit rows first..last when they start there and do not go beyond. */
static bool usable(const struct ml__tail *t, int64_t first, int64_t last)
{
    return t->n != 0 && t->blocks[0]->first_seq == first && t->blocks[t->n - 1]->last_seq <= last;
}

/* Under t->lock. */
static int refresh(struct ml__tail *t, enum ml_store_table table, sqlite3 *db, int64_t first,
                   int64_t last, struct ml_error *e)
{
    if (!usable(t, first, last) || t->n == ML__TAIL_BLOCKS)
        forget(t);
    int64_t next = t->n != 0 ? t->blocks[t->n - 1]->last_seq + 1 : first;
    if (next > last)
        return ML_OK;
    int rc = block_load(table, next, last, db, &t->blocks[t->n], e);
    if (rc == ML_OK && t->blocks[t->n]->rows == 0) /* seq numbers without rows at the end */
        ml__tail_drop(t->blocks[t->n]);
    else if (rc == ML_OK)
        t->n++;
    return rc;
}

int ml__tail_blocks(struct ml__tail *t, enum ml_store_table table, sqlite3 *db,
                    struct ml__tail_block **out, size_t *n, struct ml_error *e)
{
    int64_t first = 0;
    int64_t last = 0;
    *n = 0;
    int rc = seq_range(table, db, &first, &last, e);
    if (rc != ML_OK || last == 0)
        return rc;
    pthread_mutex_lock(&t->lock);
    bool older = t->n != 0 && t->blocks[t->n - 1]->last_seq > last;
    if (!older) {
        rc = refresh(t, table, db, first, last, e);
        for (size_t i = 0; rc == ML_OK && i < t->n; i++)
            out[(*n)++] = keep(t->blocks[i]);
    }
    pthread_mutex_unlock(&t->lock);
    if (older) { /* a younger transaction filled the cache: this one loads for itself */
        rc = block_load(table, first, last, db, &out[0], e);
        *n = rc == ML_OK ? 1 : 0;
    }
    return rc;
}

int ml__tail_column(struct ml__tail_block *b, enum ml_store_col c, sqlite3 *db,
                    struct ml__strip **out, struct ml_error *e)
{
    int rc = ML_OK;
    pthread_mutex_lock(&b->lock);
    if (b->strips[c] == NULL) {
        struct ml__strip *s = NULL;
        rc = load_column(b->table, c, b->first_seq, b->last_seq, db, &s, e);
        if (rc == ML_OK && s->rows != b->rows) {
            ml__strip_drop(s);
            rc = ml_fail(e, ML_EFORMAT, "the store lost rows of '%s' during a read",
                         ml_store_table_get(b->table)->name.p);
        } else if (rc == ML_OK) {
            b->strips[c] = s;
        }
    }
    if (rc == ML_OK)
        *out = ml__strip_ref(b->strips[c]);
    pthread_mutex_unlock(&b->lock);
    return rc;
}
