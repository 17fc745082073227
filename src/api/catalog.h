/* api/catalog.h -- the store's tables and views as sources of the query engine: one consistent view a catalog.
 *
 *   ml_store_catalog_open(reader, &c, &e);
 *   ... run queries over ml_store_catalog_get(c) ...
 *   ml_store_catalog_close(c);
 *
 * Speed: a scan hands on the reader's decoded columns without copying.
 * Threads: one query at a time. Memory: small; blocks are the reader's. SPDX-License-Identifier: MIT */
#ifndef ML_API_CATALOG_H
#define ML_API_CATALOG_H

#include "base/err.h"
#include "kql/source.h"
#include "store/reader.h"

struct ml_store_catalog;

/* The reader must live longer. */
int ml_store_catalog_open(struct ml_reader *r, struct ml_store_catalog **out, struct ml_error *e);
void ml_store_catalog_close(struct ml_store_catalog *c); /* NULL is fine */
const struct ml_catalog *ml_store_catalog_get(const struct ml_store_catalog *c);
/* What the engine takes a column of the store for. */
enum ml_type ml_store_catalog_type(enum ml_store_type t);

#endif
