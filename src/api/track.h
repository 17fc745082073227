/* api/track.h -- Application Insights envelopes become rows of the store.
 *
 * Taken: a JSON array, a single object, or objects one after the other (lines), whatever the content
 * type says. Fields we do not know are left out, not refused.
 * Bounds: ML_TRACK_MAX_BYTES of text, ML_TRACK_ERRORS errors told.
 * Threads: none shared. SPDX-License-Identifier: MIT */
#ifndef ML_API_TRACK_H
#define ML_API_TRACK_H

#include "base/buf.h"
#include "base/str.h"
#include "store/rows.h"

#include <stddef.h>

#define ML_TRACK_MAX_BYTES ((size_t)32 << 20) /* of a body, unpacked */
#define ML_TRACK_ERRORS 100

struct ml_track_error {
    size_t index;        /* of the item, from 0 */
    const char *message; /* static */
};

struct ml_track_result {
    size_t received;
    size_t accepted;
    struct ml_track_error errors[ML_TRACK_ERRORS];
    size_t n_errors; /* told; more may have failed */
};

/* Appends a row (metrics: several) per usable item. Answers ML_OK also when items were bad: the result tells.
 * Errors: ML_ENOMEM, ML_ELIMIT (the batch is full: rows so far are good, but the whole should be refused). */
int ml_track_parse(struct ml_str body, struct ml_rows *rows, struct ml_track_result *result);
/* The answer clients expect; returns the HTTP status: 200, 206 (some bad) or 400 (none usable). */
int ml_track_answer(const struct ml_track_result *result, struct ml_buf *out);

/* One envelope; the reason it was refused in *why (static), NULL when it became a row. For import. */
struct json_t;
int ml_track_envelope(const struct json_t *envelope, struct ml_rows *rows, const char **why);
/* True if the object looks like an envelope: it has data.baseType. */
bool ml_track_is_envelope(const struct json_t *object);

#endif
