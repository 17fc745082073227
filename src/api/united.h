/* api/united.h -- several catalogs with the same tables as one: a scan of a table goes through each of them in turn.
 *
 * Rows are kept as they are, those with the same itemId, too. With a column's name every table has that column at its end,
 * holding the name of the catalog that the row came from.
 * Threads: one query at a time. Memory: small; the members must live longer. SPDX-License-Identifier: MIT */
#ifndef ML_API_UNITED_H
#define ML_API_UNITED_H

#include "base/err.h"
#include "kql/source.h"

struct ml_united;

struct ml_united_member {
    const struct ml_catalog *catalog;
    struct ml_str name; /* borrowed */
};

/* column.n = 0: no such column. Errors: ML_ENOMEM; ML_EINVALID: a table has a column of this name. */
int ml_united_open(const struct ml_united_member *members, size_t n, struct ml_str column,
                   struct ml_united **out, struct ml_error *e);
void ml_united_close(struct ml_united *u); /* NULL is fine */
const struct ml_catalog *ml_united_catalog(const struct ml_united *u);

#endif
