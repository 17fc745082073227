/* store/store.c -- appending and sealing. SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "base/buf.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/retention.h"
#include "store/segment.h"

#include <stdio.h>
#include <string.h>

/* A batch this long goes into segments at once: it would be sealed in a moment anyway. */
#define DIRECT_ROWS (ML__SEGMENT_ROWS / 2)

struct ml_store {
    sqlite3 *db;                       /* owned */
    sqlite3_stmt *insert[ML_N_TABLES]; /* owned; made at first use */
    uint32_t tail_rows[ML_N_TABLES];   /* about: other writers are not seen */
    size_t tail_bytes[ML_N_TABLES];
};

int ml_store_open(const char *path, struct ml_store **out, struct ml_error *e)
{
    struct ml_store *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot open store '%s': out of memory", path);
    int rc = ml__db_open(path, true, &s->db, e);
    if (rc != ML_OK)
        goto out;
    for (int t = 0; rc == ML_OK && t < ML_N_TABLES; t++) {
        struct ml_store_stats stats;
        rc = ml_store_stats(s, (enum ml_store_table)t, &stats, e);
        if (rc == ML_OK)
            s->tail_rows[t] = (uint32_t)(stats.rows - stats.sealed_rows);
    }
    if (rc != ML_OK)
        goto out;
    *out = s;
    s = NULL;
out:
    ml_store_close(s);
    return rc;
}

void ml_store_close(struct ml_store *s)
{
    if (s == NULL)
        return;
    for (int t = 0; t < ML_N_TABLES; t++)
        sqlite3_finalize(s->insert[t]);
    ml__db_close(s->db);
    ml_free(s);
}

/* -- The tail -- */

static int make_insert(struct ml_store *s, enum ml_store_table t, struct ml_error *e)
{
    const struct ml_store_table_info *table = ml_store_table_get(t);
    struct ml_buf sql = {0};
    ml_buf_printf(&sql, "INSERT INTO %s(", table->name.p);
    for (size_t i = 0; i < table->n_columns; i++)
        ml_buf_printf(&sql, "%s\"%s\"", i != 0 ? "," : "",
                      ml_store_col_get(table->columns[i])->name.p);
    ml_buf_cstr(&sql, ")VALUES(?");
    for (size_t i = 1; i < table->n_columns; i++)
        ml_buf_cstr(&sql, ",?");
    ml_buf_cstr(&sql, ")");
    int rc = sql.status;
    if (rc == ML_OK)
        rc = ml__db_prepare(s->db, sql.p, &s->insert[t], e);
    else
        ml_fail(e, rc, "out of memory");
    ml_buf_free(&sql);
    return rc;
}

static void bind_cell(sqlite3_stmt *st, int at, enum ml_store_type type, const struct ml_cell *cell)
{
    switch (type) {
    case ML_STORE_DYNAMIC:
        if (cell->s.n == 0) {
            sqlite3_bind_null(st, at);
            break;
        } /* fall through */
    case ML_STORE_STRING:
        sqlite3_bind_text(st, at, cell->s.p, (int)cell->s.n, SQLITE_STATIC);
        break;
    case ML_STORE_REAL:
        sqlite3_bind_double(st, at, cell->f);
        break;
    default:
        sqlite3_bind_int64(st, at, cell->i);
        break;
    }
}

static int insert_row(struct ml_store *s, enum ml_store_table t, struct ml_row_ref row,
                      struct ml_error *e)
{
    const struct ml_store_table_info *table = ml_store_table_get(t);
    sqlite3_stmt *st = s->insert[t];
    for (size_t i = 0; i < table->n_columns; i++) {
        if (ml_store_col_get(table->columns[i])->type == ML_STORE_STRING)
            sqlite3_bind_text(st, (int)i + 1, "", 0, SQLITE_STATIC);
        else
            sqlite3_bind_null(st, (int)i + 1);
    }
    struct ml_cell cell;
    while (ml_row_next(&row, &cell)) {
        int at = ml_store_table_index(t, cell.column);
        bind_cell(st, at + 1, ml_store_col_get(cell.column)->type, &cell);
    }
    int rc = ml__db_step(s->db, st, e);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? ML_OK : rc;
}

/* -- Sealing -- */

static int load_tail(struct ml_store *s, struct ml__segment *g, int64_t *last_seq,
                     struct ml_error *e)
{
    sqlite3_stmt *st = NULL;
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY seq",
             ml_store_table_get(g->table)->name.p);
    int rc = ml__db_prepare(s->db, sql, &st, e);
    if (rc != ML_OK)
        return rc;
    while (!ml__segment_full(g) && (rc = ml__db_step(s->db, st, e)) == SQLITE_ROW) {
        *last_seq = sqlite3_column_int64(st, 0);
        ml__segment_add_result(g, st, 1);
    }
    sqlite3_finalize(st);
    return rc < 0 ? rc : ML_OK;
}

static int delete_tail(struct ml_store *s, enum ml_store_table t, int64_t last_seq,
                       struct ml_error *e)
{
    char sql[96];
    snprintf(sql, sizeof sql, "DELETE FROM %s WHERE seq<=%lld", ml_store_table_get(t)->name.p,
             (long long)last_seq);
    return ml__db_exec(s->db, sql, e);
}

/* The oldest rows of the tail become one segment; in the caller's transaction. */
static int seal_one(struct ml_store *s, enum ml_store_table t, uint32_t *rows, struct ml_error *e)
{
    struct ml__segment g;
    int64_t last_seq = 0;
    int rc = ml__segment_init(&g, t);
    if (rc != ML_OK)
        return ml_fail(e, rc, "out of memory");
    rc = load_tail(s, &g, &last_seq, e);
    if (rc == ML_OK)
        rc = ml__segment_write(&g, s->db, e);
    if (rc == ML_OK && g.rows != 0)
        rc = delete_tail(s, t, last_seq, e);
    *rows = g.rows;
    ml__segment_release(&g);
    return rc;
}

static void note_tail(struct ml_store *s, enum ml_store_table t, uint32_t sealed)
{
    s->tail_rows[t] -= sealed < s->tail_rows[t] ? sealed : s->tail_rows[t];
    if (s->tail_rows[t] < ML__SEGMENT_ROWS)
        s->tail_bytes[t] = 0;
}

/* A transaction of its own: the append before it is already acknowledged by then. */
static int seal_table(struct ml_store *s, enum ml_store_table t, bool all, struct ml_error *e)
{
    uint32_t sealed;
    do {
        sealed = 0;
        int rc = ml__db_exec(s->db, "BEGIN IMMEDIATE", e);
        if (rc == ML_OK)
            rc = seal_one(s, t, &sealed, e);
        if (rc == ML_OK)
            rc = ml__db_exec(s->db, "COMMIT", e);
        if (rc != ML_OK) {
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
            return rc;
        }
        note_tail(s, t, sealed);
    } while (all && sealed != 0);
    ml_mem_trim(); /* a segment in the making takes tens of MiB, once in 65,536 rows */
    return ML_OK;
}

static int seal_long_tails(struct ml_store *s, struct ml_error *e)
{
    int rc = ML_OK;
    for (int t = 0; rc == ML_OK && t < ML_N_TABLES; t++)
        if (s->tail_rows[t] >= ML__SEGMENT_ROWS || s->tail_bytes[t] >= ML__SEGMENT_BYTES)
            rc = seal_table(s, (enum ml_store_table)t, false, e);
    return rc;
}

int ml_store_seal(struct ml_store *s, struct ml_error *e)
{
    int rc = ML_OK;
    for (int t = 0; rc == ML_OK && t < ML_N_TABLES; t++)
        rc = seal_table(s, (enum ml_store_table)t, true, e);
    return rc;
}

/* -- Appending -- */

struct append {
    uint32_t n[ML_N_TABLES];           /* rows in the batch */
    struct ml__segment g[ML_N_TABLES]; /* cells set: rows of this table go straight to segments */
    uint32_t tail[ML_N_TABLES];        /* rows put into the tail */
    size_t tail_bytes[ML_N_TABLES];
};

static int append_row(struct ml_store *s, struct append *a, enum ml_store_table t,
                      struct ml_row_ref row, struct ml_error *e)
{
    int rc = ML_OK;
    struct ml__segment *g = &a->g[t];
    if (g->cells != NULL) {
        ml__segment_add_row(g, row);
        if (ml__segment_full(g)) {
            rc = ml__segment_write(g, s->db, e);
            ml__segment_clear(g);
        }
        return rc;
    }
    if (s->insert[t] == NULL)
        rc = make_insert(s, t, e);
    if (rc == ML_OK)
        rc = insert_row(s, t, row, e);
    a->tail[t]++;
    a->tail_bytes[t] += (size_t)(row.end - row.p);
    return rc;
}

static int append_all(struct ml_store *s, struct append *a, const struct ml_rows *const *batches,
                      size_t n, struct ml_error *e)
{
    int rc = ML_OK;
    for (size_t b = 0; b < n; b++) {
        size_t at = 0;
        enum ml_store_table t;
        struct ml_row_ref row;
        while (rc == ML_OK && ml_rows_next(batches[b], &at, &t, &row))
            rc = append_row(s, a, t, row, e);
    }
    for (int i = 0; rc == ML_OK && i < ML_N_TABLES; i++)
        if (a->g[i].cells != NULL)
            rc = ml__segment_write(&a->g[i], s->db, e);
    return rc;
}

/* Long runs of one table go straight to segments. */
static int plan_append(struct append *a, const struct ml_rows *const *batches, size_t n)
{
    for (size_t b = 0; b < n; b++) {
        size_t at = 0;
        enum ml_store_table t;
        struct ml_row_ref row;
        while (ml_rows_next(batches[b], &at, &t, &row))
            a->n[t]++;
    }
    int rc = ML_OK;
    for (int i = 0; rc == ML_OK && i < ML_N_TABLES; i++)
        if (a->n[i] >= DIRECT_ROWS)
            rc = ml__segment_init(&a->g[i], (enum ml_store_table)i);
    return rc;
}

int ml_store_append(struct ml_store *s, const struct ml_rows *rows, struct ml_error *e)
{
    return ml_store_append_many(s, &rows, 1, e);
}

int ml_store_append_many(struct ml_store *s, const struct ml_rows *const *batches, size_t n,
                         struct ml_error *e)
{
    struct append a = {0};
    int rc = plan_append(&a, batches, n);
    if (rc != ML_OK)
        ml_fail(e, rc, "out of memory");
    if (rc == ML_OK)
        rc = ml__db_exec(s->db, "BEGIN IMMEDIATE", e);
    if (rc == ML_OK) {
        rc = append_all(s, &a, batches, n, e);
        if (rc == ML_OK)
            rc = ml__db_exec(s->db, "COMMIT", e);
        if (rc != ML_OK)
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    for (int t = 0; t < ML_N_TABLES; t++) {
        ml__segment_release(&a.g[t]);
        s->tail_rows[t] += rc == ML_OK ? a.tail[t] : 0;
        s->tail_bytes[t] += rc == ML_OK ? a.tail_bytes[t] : 0;
    }
    if (rc == ML_OK)
        seal_long_tails(s, NULL); /* the rows are safe; a failed seal is tried again next time */
    return rc;
}

void ml_store_relax(struct ml_store *s)
{
    sqlite3_db_release_memory(s->db);
    ml_mem_trim();
}

/* -- Facts -- */

static int tail_stats(struct ml_store *s, enum ml_store_table t, struct ml_store_stats *out,
                      struct ml_error *e)
{
    sqlite3_stmt *st = NULL;
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*),min(timestamp),max(timestamp) FROM %s",
             ml_store_table_get(t)->name.p);
    int rc = ml__db_prepare(s->db, sql, &st, e);
    if (rc == ML_OK)
        rc = ml__db_step(s->db, st, e);
    if (rc == SQLITE_ROW && sqlite3_column_int64(st, 0) > 0) {
        int64_t min = sqlite3_column_int64(st, 1);
        int64_t max = sqlite3_column_int64(st, 2);
        out->min_ticks = out->rows == 0 || min < out->min_ticks ? min : out->min_ticks;
        out->max_ticks = out->rows == 0 || max > out->max_ticks ? max : out->max_ticks;
        out->rows += (uint64_t)sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return rc < 0 ? rc : ML_OK;
}

int ml_store_stats(struct ml_store *s, enum ml_store_table t, struct ml_store_stats *out,
                   struct ml_error *e)
{
    struct ml_store_stats stats = {0};
    sqlite3_stmt *st = NULL;
    int rc = ml__db_prepare(s->db,
                            "SELECT count(*),sum(rows),min(min_ticks),max(max_ticks)"
                            " FROM segment WHERE tbl=?",
                            &st, e);
    if (rc != ML_OK)
        return rc;
    sqlite3_bind_int(st, 1, (int)t);
    rc = ml__db_step(s->db, st, e);
    if (rc == SQLITE_ROW) {
        stats.segments = (uint64_t)sqlite3_column_int64(st, 0);
        stats.rows = stats.sealed_rows = (uint64_t)sqlite3_column_int64(st, 1);
        stats.min_ticks = sqlite3_column_int64(st, 2);
        stats.max_ticks = sqlite3_column_int64(st, 3);
    }
    sqlite3_finalize(st);
    if (rc < 0)
        return rc;
    rc = tail_stats(s, t, &stats, e);
    if (rc == ML_OK)
        *out = stats;
    return rc;
}

int ml_store_bytes(struct ml_store *s, uint64_t *out, struct ml_error *e)
{
    return ml__db_bytes(s->db, out, e);
}

int ml_store_retain(struct ml_store *s, const struct ml_retention *policy, int64_t now,
                    uint64_t *dropped_rows, struct ml_error *e)
{
    uint64_t dropped = 0;
    int rc = ml__retain(s->db, policy, now, &dropped, e);
    if (rc == ML_OK && dropped_rows != NULL)
        *dropped_rows = dropped;
    return rc;
}
