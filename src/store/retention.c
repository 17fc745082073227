/* store/retention.c -- see retention.h. SPDX-License-Identifier: MIT */
#include "store/retention.h"

#include <stdio.h>

int ml__db_bytes(sqlite3 *db, uint64_t *out, struct ml_error *e)
{
    int64_t pages = 0;
    int64_t unused = 0;
    int64_t page_bytes = 0;
    int rc = ml__db_i64(db, "PRAGMA page_count", &pages, e);
    if (rc == ML_OK)
        rc = ml__db_i64(db, "PRAGMA freelist_count", &unused, e);
    if (rc == ML_OK)
        rc = ml__db_i64(db, "PRAGMA page_size", &page_bytes, e);
    if (rc == ML_OK)
        *out = (uint64_t)(pages - unused) * (uint64_t)page_bytes;
    return rc;
}

static int drop_segment(sqlite3 *db, int64_t id, struct ml_error *e)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "DELETE FROM chunk WHERE id>=%lld AND id<%lld; DELETE FROM segment WHERE id=%lld",
             (long long)id * 256, (long long)(id + 1) * 256, (long long)id);
    return ml__db_exec(db, sql, e);
}

/* Drop the oldest segment that ends before `before`; *rows = 0: there is none. */
static int drop_oldest(sqlite3 *db, int64_t before, uint64_t *rows, struct ml_error *e)
{
    sqlite3_stmt *st = NULL;
    int64_t id = 0;
    *rows = 0;
    int rc = ml__db_prepare(
        db, "SELECT id,rows FROM segment WHERE max_ticks<? ORDER BY max_ticks LIMIT 1", &st, e);
    if (rc != ML_OK)
        return rc;
    sqlite3_bind_int64(st, 1, before);
    rc = ml__db_step(db, st, e);
    if (rc == SQLITE_ROW) {
        id = sqlite3_column_int64(st, 0);
        *rows = (uint64_t)sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    if (rc < 0)
        return rc;
    return *rows != 0 ? drop_segment(db, id, e) : ML_OK;
}

/* Tail rows at the front that are older than `before`. */
static int drop_tail(sqlite3 *db, enum ml_store_table t, int64_t before, uint64_t *dropped,
                     struct ml_error *e)
{
    const char *name = ml_store_table_get(t)->name.p;
    char sql[256];
    snprintf(sql, sizeof sql,
             "DELETE FROM %s WHERE seq < coalesce((SELECT min(seq) FROM %s WHERE timestamp>=%lld),"
             " 9223372036854775807)",
             name, name, (long long)before);
    int rc = ml__db_exec(db, sql, e);
    if (rc == ML_OK)
        *dropped += (uint64_t)sqlite3_changes64(db);
    return rc;
}

static int retain_by_age(sqlite3 *db, int64_t before, uint64_t *dropped, struct ml_error *e)
{
    uint64_t rows;
    int rc;
    do {
        rc = drop_oldest(db, before, &rows, e);
        *dropped += rows;
    } while (rc == ML_OK && rows != 0);
    for (int t = 0; rc == ML_OK && t < ML_N_TABLES; t++)
        rc = drop_tail(db, (enum ml_store_table)t, before, dropped, e);
    return rc;
}

static int retain_by_size(sqlite3 *db, uint64_t max_bytes, uint64_t *dropped, struct ml_error *e)
{
    uint64_t rows = 1;
    uint64_t bytes = 0;
    int rc = ml__db_bytes(db, &bytes, e);
    while (rc == ML_OK && bytes > max_bytes && rows != 0) {
        rc = drop_oldest(db, INT64_MAX, &rows, e);
        *dropped += rows;
        if (rc == ML_OK)
            rc = ml__db_bytes(db, &bytes, e);
    }
    return rc;
}

int ml__retain(sqlite3 *db, const struct ml_retention *policy, int64_t now, uint64_t *dropped,
               struct ml_error *e)
{
    int rc = ml__db_exec(db, "BEGIN IMMEDIATE", e);
    if (rc != ML_OK)
        return rc;
    if (policy->max_age_ticks > 0)
        rc = retain_by_age(db, now - policy->max_age_ticks, dropped, e);
    if (rc == ML_OK && policy->max_bytes > 0)
        rc = retain_by_size(db, policy->max_bytes, dropped, e);
    if (rc == ML_OK)
        rc = ml__db_exec(db, "COMMIT", e);
    if (rc != ML_OK)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    else if (*dropped != 0)
        rc = ml__db_exec(db, "PRAGMA incremental_vacuum", e); /* free pages go back to the disk */
    return rc;
}
