/* store/db.c -- opening SQLite the way the store needs it. SPDX-License-Identifier: MIT */
#include "store/db.h"

#include "base/mem.h"

#include <stdio.h>
#include <sys/stat.h>

#define BUSY_MS 10000
#define MAX_ROW_BYTES (256 << 20) /* a chunk, or a tail row */

static int status_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_NOMEM:
        return ML_ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ML_EBUSY;
    case SQLITE_FULL:
        return ML_EFULL;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return ML_EFORMAT;
    case SQLITE_TOOBIG:
        return ML_ELIMIT;
    case SQLITE_INTERRUPT:
        return ML_ECANCELLED;
    default:
        return ML_EIO;
    }
}

int ml__db_fail(sqlite3 *db, struct ml_error *e)
{
    int code = db != NULL ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    const char *path = db != NULL ? sqlite3_db_filename(db, "main") : "";
    return ml_fail(e, status_of(code), "store '%s': %s", path,
                   db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

int ml__db_exec(sqlite3 *db, const char *sql, struct ml_error *e)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ML_OK : ml__db_fail(db, e);
}

int ml__db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct ml_error *e)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK)
        return ML_OK;
    return ml__db_fail(db, e);
}

int ml__db_step(sqlite3 *db, sqlite3_stmt *st, struct ml_error *e)
{
    int rc = sqlite3_step(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? rc : ml__db_fail(db, e);
}

int ml__db_i64(sqlite3 *db, const char *sql, int64_t *out, struct ml_error *e)
{
    sqlite3_stmt *st = NULL;
    int rc = ml__db_prepare(db, sql, &st, e);
    if (rc == ML_OK)
        rc = ml__db_step(db, st, e);
    if (rc >= 0) {
        *out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        rc = ML_OK;
    }
    sqlite3_finalize(st);
    return rc;
}

/* The file may come from somebody else: nothing in its schema gets to run code. */
static int harden(sqlite3 *db, struct ml_error *e)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    return ml__db_exec(db, "PRAGMA cell_size_check=1", e);
}

static int check_version(sqlite3 *db, const char *path, bool writer, struct ml_error *e)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t objects = 0;
    int rc = ml__db_i64(db, "PRAGMA application_id", &application, e);
    if (rc == ML_OK)
        rc = ml__db_i64(db, "PRAGMA user_version", &version, e);
    if (rc == ML_OK)
        rc = ml__db_i64(db, "SELECT count(*) FROM sqlite_schema", &objects, e);
    if (rc != ML_OK)
        return rc;
    bool empty = application == 0 && version == 0 && objects == 0;
    if (application != ML__DB_APPLICATION && !(writer && empty)) {
        rc = ml_fail(e, ML_EFORMAT, "cannot open store '%s': %s", path,
                     empty ? "the file is empty" : "another program's SQLite file");
        ml_hint(e, "check the path; memline writes its stores to .memline/store.db");
        return rc;
    }
    if (version > ML__DB_VERSION)
        return ml_fail(e, ML_ENEWER,
                       "cannot open store '%s': it has version %lld, this memline knows %d", path,
                       (long long)version, ML__DB_VERSION);
    if (version == ML__DB_VERSION)
        return ML_OK;
    if (!writer) {
        rc = ml_fail(e, ML_ENEWER, "cannot read store '%s': it has the older version %lld", path,
                     (long long)version);
        ml_hint(e, "open it once for writing: memline serve, or memline import");
        return rc;
    }
    return ml__db_migrate(db, version, e);
}

/* Settings of the connection; auto_vacuum and page_size take effect in a new file only. 8 KiB pages:
 * chunks are read in long runs, small appends still write little. */
static int set_up(sqlite3 *db, bool writer, struct ml_error *e)
{
    sqlite3_busy_timeout(db, BUSY_MS);
    int rc = harden(db, e);
    if (rc == ML_OK && writer)
        rc = ml__db_exec(db,
                         "PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL;"
                         "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                         "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-1024;"
                         "PRAGMA temp_store=MEMORY",
                         e);
    else if (rc == ML_OK)
        rc = ml__db_exec(db, "PRAGMA query_only=1; PRAGMA cache_size=-8192", e);
    return rc;
}

int ml__db_open(const char *path, bool writer, sqlite3 **out, struct ml_error *e)
{
    struct stat st;
    sqlite3 *db = NULL;
    if (!writer && stat(path, &st) != 0) {
        int rc = ml_fail(e, ML_ENOTFOUND, "cannot open store '%s': no such file", path);
        ml_hint(e, "memline import FILE makes one, and so does memline func start");
        return rc;
    }
    /* A reader, too, opens for writing: WAL needs its shared-memory file. query_only guards it. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_CREATE : 0);
    int rc = ML_OK;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        rc = ml_fail(e, status_of(db != NULL ? sqlite3_errcode(db) : SQLITE_NOMEM),
                     "cannot open store '%s': %s", path,
                     db != NULL ? sqlite3_errmsg(db) : "out of memory");
        goto out;
    }
    rc = set_up(db, writer, e);
    if (rc == ML_OK)
        rc = check_version(db, path, writer, e);
    if (rc != ML_OK)
        goto out;
    *out = db;
    db = NULL;
out:
    ml__db_close(db);
    return rc;
}

void ml__db_close(sqlite3 *db)
{
    sqlite3_close_v2(db);
}
