/* store/migrate.c -- the file's tables, and the way from each version to the next.
 *
 *   traces, requests, ... tail tables: the newest rows, one SQLite column per column of the schema,
 *                         and seq, which only rises (also over deletions: AUTOINCREMENT)
 *   segment               a block of sealed rows of one table, sorted by timestamp
 *   chunk                 one encoded column of a segment: id = segment.id * 256 + column number
 *   fact                  names and values about the file itself
 *
 * To change the schema: raise ML__DB_VERSION and add a step; a step never changes once released.
 * SPDX-License-Identifier: MIT */
#include "store/db.h"

#include "base/buf.h"

static const char *sql_type(enum ml_store_type t)
{
    switch (t) {
    case ML_STORE_REAL:
        return " REAL";
    case ML_STORE_STRING:
        return " TEXT NOT NULL DEFAULT ''";
    case ML_STORE_DYNAMIC:
        return " TEXT";
    default:
        return " INTEGER";
    }
}

static int create_tail(sqlite3 *db, enum ml_store_table t, struct ml_error *e)
{
    const struct ml_store_table_info *table = ml_store_table_get(t);
    struct ml_buf sql = {0};
    ml_buf_printf(&sql, "CREATE TABLE %s(seq INTEGER PRIMARY KEY AUTOINCREMENT", table->name.p);
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct ml_store_col_info *column = ml_store_col_get(table->columns[i]);
        ml_buf_printf(&sql, ",\"%s\"%s", column->name.p, sql_type(column->type));
    }
    ml_buf_cstr(&sql, ")");
    int rc = sql.status == ML_OK ? ml__db_exec(db, sql.p, e)
                                 : ml_fail(e, sql.status, "out of memory");
    ml_buf_free(&sql);
    return rc;
}

static int to_version_1(sqlite3 *db, struct ml_error *e)
{
    int rc = ml__db_exec(db,
                         "PRAGMA application_id=1835823988;"
                         "CREATE TABLE segment(id INTEGER PRIMARY KEY AUTOINCREMENT,"
                         " tbl INTEGER NOT NULL, rows INTEGER NOT NULL,"
                         " min_ticks INTEGER NOT NULL, max_ticks INTEGER NOT NULL,"
                         " bytes INTEGER NOT NULL);"
                         "CREATE INDEX segment_time ON segment(tbl, max_ticks);"
                         "CREATE TABLE chunk(id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
                         "CREATE TABLE fact(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
                         e);
    for (int t = 0; rc == ML_OK && t < ML_N_TABLES; t++)
        rc = create_tail(db, (enum ml_store_table)t, e);
    return rc;
}

static int (*const steps[ML__DB_VERSION])(sqlite3 *, struct ml_error *) = {to_version_1};

int ml__db_migrate(sqlite3 *db, int64_t version, struct ml_error *e)
{
    int rc = ml__db_exec(db, "BEGIN IMMEDIATE", e);
    if (rc != ML_OK)
        return rc;
    /* Another process may have been faster while this one waited for the lock. */
    rc = ml__db_i64(db, "PRAGMA user_version", &version, e);
    for (; rc == ML_OK && version < ML__DB_VERSION; version++)
        rc = steps[version](db, e);
    if (rc == ML_OK)
        rc = ml__db_exec(db, "PRAGMA user_version=" ML__DB_VERSION_TEXT "; COMMIT", e);
    if (rc != ML_OK)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
