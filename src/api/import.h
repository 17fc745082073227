/* api/import.h -- files of telemetry into a store: envelopes, exported rows, answers of queries.
 *
 * A file is a stream of JSON values, one a line or not. Each is one of: an envelope (track.h); an object
 * that names its table (record.h); an array of these; a query's answer {"tables":[{columns,rows}]}.
 * What cannot be used is counted and told, and does not end the import.
 * Memory: one value and one batch of rows; a file that is one value is read whole (ML_IMPORT_MAX_BYTES).
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_IMPORT_H
#define ML_API_IMPORT_H

#include "base/err.h"
#include "store/store.h"

#include <stdint.h>
#include <stdio.h>

#define ML_IMPORT_MAX_BYTES ((size_t)1 << 30) /* of the window: a value has at least half of it */

struct ml_import {
    struct ml_store *store; /* borrowed */
    struct ml_str table;    /* for objects that name none; may be empty */
    uint64_t rows;          /* stored */
    uint64_t refused;
    uint64_t first_refused;   /* its number in the file, from 1; 0: none */
    const char *first_reason; /* static */
    /* private */
    struct ml_rows *batch;
    uint64_t values;
};

/* Rows of f until its end; committed in batches of up to a segment. Errors: those of the store, ML_EIO, ML_ELIMIT. */
int ml_import_json(struct ml_import *im, FILE *f, struct ml_error *e);

#endif
