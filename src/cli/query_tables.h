/* cli/query_tables.h -- the tables that `memline query` sees: of files, and of one or several stores.
 *
 *   ml_query_tables_add_file(&t, "log=app.jsonl", &e);    any number of them
 *   ml_query_tables_add_stores(&t, "apps/x/store.db", &e);   a file, a folder or a pattern; none: the project's
 *   ml_query_tables_open(&t, &e);
 *   ... t.catalog ...
 *   ml_query_tables_refresh(&t, &e);              sees what was added since
 *   ml_query_tables_close(&t);
 * SPDX-License-Identifier: MIT */
#ifndef ML_CLI_QUERY_TABLES_H
#define ML_CLI_QUERY_TABLES_H

#include "api/catalog.h"
#include "api/united.h"
#include "kql/filetable.h"

#include <stdbool.h>

enum { ML_QUERY_FILES_MAX = 64, ML_QUERY_STORES_MAX = 256 };

struct ml_query_file {
    const char *spec; /* NAME=FILE; borrowed */
    struct ml_filetable *table;
    int64_t stamp; /* of the file as it was read */
};

struct ml_query_store {
    char *path; /* owned */
    struct ml_reader *reader;
    struct ml_store_catalog *view;
};

struct ml_query_tables {
    struct ml_catalog catalog;
    const char *column; /* --store-column; NULL: none. Borrowed */
    /* private */
    struct ml_query_file files[ML_QUERY_FILES_MAX];
    size_t nfiles;
    struct ml_query_store stores[ML_QUERY_STORES_MAX];
    size_t nstores;
    struct ml_united *united;
    const struct ml_catalog *store; /* NULL: there is none */
};

/* All-zero before. */
int ml_query_tables_add_file(struct ml_query_tables *t, const char *spec, struct ml_error *e);
int ml_query_tables_add_stores(struct ml_query_tables *t, const char *pattern, struct ml_error *e);
int ml_query_tables_open(struct ml_query_tables *t, struct ml_error *e);
int ml_query_tables_refresh(struct ml_query_tables *t, struct ml_error *e);
void ml_query_tables_close(struct ml_query_tables *t);

#endif
