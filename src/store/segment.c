/* store/segment.c -- see segment.h. SPDX-License-Identifier: MIT */
#include "store/segment.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int ml__segment_init(struct ml__segment *g, enum ml_store_table t)
{
    const struct ml_store_table_info *table = ml_store_table_get(t);
    *g = (struct ml__segment){.table = t};
    g->cells = ml_calloc(table->n_columns, sizeof *g->cells);
    if (g->cells == NULL)
        return ML_ENOMEM;
    for (size_t i = 0; i < table->n_columns; i++)
        g->cells[i].type = ml_store_col_get(table->columns[i])->type;
    return ML_OK;
}

void ml__segment_release(struct ml__segment *g)
{
    for (size_t i = 0; g->cells != NULL && i < ml_store_table_get(g->table)->n_columns; i++)
        ml__cells_free(&g->cells[i]);
    ml_free(g->cells);
    g->cells = NULL;
}

void ml__segment_clear(struct ml__segment *g)
{
    for (size_t i = 0; i < ml_store_table_get(g->table)->n_columns; i++) {
        struct ml__cells *c = &g->cells[i];
        ml_buf_clear(&c->values);
        ml_buf_clear(&c->offsets);
        ml_buf_clear(&c->nulls);
        c->rows = 0;
    }
    g->rows = 0;
    g->bytes = 0;
}

static void add_cell(struct ml__cells *c, const struct ml_cell *cell)
{
    switch (c->type) {
    case ML_STORE_STRING:
    case ML_STORE_DYNAMIC:
        ml__cells_text(c, cell->s);
        break;
    case ML_STORE_REAL:
        ml__cells_f64(c, cell->f);
        break;
    default:
        ml__cells_i64(c, cell->i);
        break;
    }
}

void ml__segment_add_row(struct ml__segment *g, struct ml_row_ref row)
{
    const struct ml_store_table_info *table = ml_store_table_get(g->table);
    struct ml_cell cells[ML_N_COLUMNS];
    bool set[ML_N_COLUMNS] = {false};
    struct ml_cell cell;
    while (ml_row_next(&row, &cell)) {
        cells[cell.column] = cell;
        set[cell.column] = true;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        enum ml_store_col c = table->columns[i];
        if (set[c]) {
            add_cell(&g->cells[i], &cells[c]);
            g->bytes += g->cells[i].offsets.n != 0 ? cells[c].s.n + 4 : 8;
        } else {
            ml__cells_none(&g->cells[i]);
        }
    }
    g->rows++;
}

void ml__cells_add_result(struct ml__cells *c, sqlite3_stmt *st, int column)
{
    if (sqlite3_column_type(st, column) == SQLITE_NULL) {
        ml__cells_none(c);
        return;
    }
    switch (c->type) {
    case ML_STORE_STRING:
    case ML_STORE_DYNAMIC: {
        const char *p = (const char *)sqlite3_column_text(st, column);
        if (p == NULL)
            c->values.status = ML_ENOMEM;
        ml__cells_text(c, (struct ml_str){p, (size_t)sqlite3_column_bytes(st, column)});
        break;
    }
    case ML_STORE_REAL:
        ml__cells_f64(c, sqlite3_column_double(st, column));
        break;
    default:
        ml__cells_i64(c, sqlite3_column_int64(st, column));
        break;
    }
}

void ml__segment_add_result(struct ml__segment *g, sqlite3_stmt *st, int first)
{
    size_t n = ml_store_table_get(g->table)->n_columns;
    for (size_t i = 0; i < n; i++) {
        size_t before = g->cells[i].values.n;
        ml__cells_add_result(&g->cells[i], st, first + (int)i);
        g->bytes += g->cells[i].values.n - before;
    }
    g->rows++;
}

bool ml__segment_full(const struct ml__segment *g)
{
    return g->rows >= ML__SEGMENT_ROWS || g->bytes >= ML__SEGMENT_BYTES;
}

/* Earlier first; among equals the one that came first. */
static int by_time(const void *a, const void *b, void *times)
{
    const int64_t *t = times;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    if (t[x] != t[y])
        return t[x] < t[y] ? -1 : 1;
    return (x > y) - (x < y);
}

/* *order stays NULL when the rows are sorted already, as logs mostly are. */
static int sort_by_time(const struct ml__segment *g, uint32_t **order)
{
    int64_t *times = (void *)g->cells[0].values.p; /* every table begins with timestamp */
    bool sorted = true;
    for (uint32_t i = 1; sorted && i < g->rows; i++)
        sorted = times[i - 1] <= times[i];
    if (sorted)
        return ML_OK;
    uint32_t *ids = ml_realloc(NULL, g->rows, sizeof *ids);
    if (ids == NULL)
        return ML_ENOMEM;
    for (uint32_t i = 0; i < g->rows; i++)
        ids[i] = i;
    qsort_r(ids, g->rows, sizeof *ids, by_time, times);
    *order = ids;
    return ML_OK;
}

/* Nothing but nulls or empty strings: such a column gets no chunk. */
static bool all_none(const struct ml__cells *c)
{
    if (c->type == ML_STORE_STRING || c->type == ML_STORE_DYNAMIC)
        return c->values.n == 0;
    return c->nulls.n == c->rows && memchr(c->nulls.p, 0, c->nulls.n) == NULL;
}

static int write_chunk(sqlite3 *db, sqlite3_stmt *st, int64_t id, const struct ml__cells *c,
                       const uint32_t *order, size_t *bytes, struct ml_error *e)
{
    struct ml_buf chunk = {0};
    int rc = ml__strip_encode(c, order, &chunk);
    if (rc != ML_OK) {
        ml_fail(e, rc, "cannot encode a column of the store: %s", ml_status_text(rc));
    } else {
        sqlite3_reset(st);
        sqlite3_bind_int64(st, 1, id);
        sqlite3_bind_blob64(st, 2, chunk.p, chunk.n, SQLITE_STATIC);
        rc = ml__db_step(db, st, e);
        rc = rc == SQLITE_DONE ? ML_OK : rc;
        *bytes += chunk.n;
    }
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    ml_buf_free(&chunk);
    return rc;
}

static int write_head(struct ml__segment *g, sqlite3 *db, const uint32_t *order, int64_t *id,
                      struct ml_error *e)
{
    const int64_t *times = (void *)g->cells[0].values.p;
    uint32_t last = g->rows - 1;
    sqlite3_stmt *st = NULL;
    int rc = ml__db_prepare(
        db, "INSERT INTO segment(tbl,rows,min_ticks,max_ticks,bytes) VALUES(?,?,?,?,0)", &st, e);
    if (rc == ML_OK) {
        sqlite3_bind_int(st, 1, (int)g->table);
        sqlite3_bind_int64(st, 2, g->rows);
        sqlite3_bind_int64(st, 3, times[order != NULL ? order[0] : 0]);
        sqlite3_bind_int64(st, 4, times[order != NULL ? order[last] : last]);
        rc = ml__db_step(db, st, e);
        rc = rc == SQLITE_DONE ? ML_OK : rc;
        *id = sqlite3_last_insert_rowid(db);
    }
    sqlite3_finalize(st);
    return rc;
}

static int write_size(sqlite3 *db, int64_t id, size_t bytes, struct ml_error *e)
{
    sqlite3_stmt *st = NULL;
    int rc = ml__db_prepare(db, "UPDATE segment SET bytes=? WHERE id=?", &st, e);
    if (rc == ML_OK) {
        sqlite3_bind_int64(st, 1, (int64_t)bytes);
        sqlite3_bind_int64(st, 2, id);
        rc = ml__db_step(db, st, e);
        rc = rc == SQLITE_DONE ? ML_OK : rc;
    }
    sqlite3_finalize(st);
    return rc;
}

int ml__segment_write(struct ml__segment *g, sqlite3 *db, struct ml_error *e)
{
    const struct ml_store_table_info *table = ml_store_table_get(g->table);
    sqlite3_stmt *st = NULL;
    uint32_t *order = NULL;
    int64_t id = 0;
    size_t bytes = 0;
    if (g->rows == 0)
        return ML_OK;
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < table->n_columns; i++)
        rc = ml__cells_status(&g->cells[i]);
    if (rc == ML_OK)
        rc = sort_by_time(g, &order);
    if (rc != ML_OK) {
        ml_fail(e, rc, "cannot seal a segment of '%s': %s", table->name.p, ml_status_text(rc));
        goto out;
    }
    rc = write_head(g, db, order, &id, e);
    if (rc == ML_OK)
        rc = ml__db_prepare(db, "INSERT INTO chunk(id,data) VALUES(?,?)", &st, e);
    for (size_t i = 0; rc == ML_OK && i < table->n_columns; i++)
        if (!all_none(&g->cells[i]))
            rc = write_chunk(db, st, id * 256 + (int64_t)table->columns[i], &g->cells[i], order,
                             &bytes, e);
    if (rc == ML_OK)
        rc = write_size(db, id, bytes, e);
out:
    sqlite3_finalize(st);
    ml_free(order);
    return rc;
}
