/* store/db.h -- a connection to the store's SQLite file; the folder's one door to SQLite.
 *
 * WAL: readers see the last commit and never wait; one writer at a time.
 * synchronous=FULL: a commit waits until the log is on the disk, so what was acknowledged survives
 * SIGKILL and also a power cut. NORMAL would survive SIGKILL only. The price is one flush (0.3 ms
 * on the machine this was written on) per commit, and the writer's thread joins waiting batches
 * into one commit, so the flush is shared.
 * Threads: a connection has one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_STORE_DB_H
#define ML_STORE_DB_H

#include "base/err.h"
#include "store/schema.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define ML__DB_APPLICATION 0x6D6C7374 /* "mlst" in the file's header */
#define ML__DB_VERSION 1
#define ML__DB_VERSION_TEXT "1"

/* Creates the file only when `writer`; checks that it is a store and brings its version up. */
int ml__db_open(const char *path, bool writer, sqlite3 **out, struct ml_error *e);
void ml__db_close(sqlite3 *db);

int ml__db_exec(sqlite3 *db, const char *sql, struct ml_error *e);
int ml__db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct ml_error *e);
/* The first cell of the first row; 0 when there is none. */
int ml__db_i64(sqlite3 *db, const char *sql, int64_t *out, struct ml_error *e);
/* SQLITE_ROW, SQLITE_DONE or, after filling e, an ML_E code. */
int ml__db_step(sqlite3 *db, sqlite3_stmt *st, struct ml_error *e);
/* Status and text of the connection's last failure. */
int ml__db_fail(sqlite3 *db, struct ml_error *e);

/* migrate.c: version 0 (an empty file) up to ML__DB_VERSION, in one transaction. */
int ml__db_migrate(sqlite3 *db, int64_t version, struct ml_error *e);

#endif
