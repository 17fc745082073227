/* host/sink.h -- where rows of telemetry go: the narrow interface between the host and its records' keepers.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ML_HOST_SINK_H
#define ML_HOST_SINK_H

#include "base/buf.h"
#include "base/err.h"
#include "http/loop.h"
#include "store/rows.h"

struct ml_sink {
    void *self;
    /* Takes a copy of what it wants; never blocks on a network, a full disk or a slow reader. */
    void (*put)(void *self, const struct ml_rows *rows);
    /* Waits for what was put, at most wait_ms, and frees self. */
    void (*close)(void *self, unsigned wait_ms);
};

/* Told once per kind of trouble: one warning, never a failed request. */
struct ml_sink_trouble {
    void (*tell)(void *user, const char *text);
    void *user;
};

/* JSON lines in DIR/records.jsonl, one object a row: {"table":"traces","timestamp":"...",...}; at 16 MiB it becomes
 * records.1.jsonl and so on, of which 4 are kept. */
int ml_spool_open(const char *dir, const struct ml_sink_trouble *t, struct ml_sink *out,
                  struct ml_error *e);
/* The store of the project (src/store). */
int ml_store_sink_open(struct ml_loop *l, const char *path, const struct ml_sink_trouble *t,
                       struct ml_sink *out, struct ml_error *e);
struct ml_writer *ml_store_sink_writer(const struct ml_sink *s); /* borrowed */
/* Application Insights: POST {endpoint}/v2.1/track. Spools in dir while the endpoint is away. */
int ml_insights_open(struct ml_loop *l, const char *connection_string, const char *dir,
                     const struct ml_sink_trouble *t, struct ml_sink *out, struct ml_error *e);

/* A row as one JSON object (no line end). */
void ml_row_json(struct ml_buf *b, enum ml_store_table table, struct ml_row_ref row);
/* "2026-11-22T07:36:01.1234567Z" */
void ml_ticks_text(struct ml_buf *b, int64_t ticks);

#endif
