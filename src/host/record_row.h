/* host/record_row.h -- rows of telemetry while they are written: what record.c and record_call.c share.
 *
 *   begin_row (or begin_trace, which also tells whether it is wanted) -> columns -> begin_dims -> dim* -> end_row
 *
 * Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_RECORD_ROW_H
#define ML_HOST_RECORD_ROW_H

#include "host/record.h"
#include "host/sink.h"

enum { ML__MESSAGE_MAX = 32768, ML__MAX_SINKS = 3 };

struct ml_records {
    struct ml_rows *rows; /* owned; collected since the last flush */
    struct ml_sink sinks[ML__MAX_SINKS];
    size_t n_sinks;
    struct ml_writer *writer; /* of one of the sinks, borrowed; NULL: none */
    struct ml_timer *timer;
    bool timer_set;
    int64_t last_ticks; /* strictly rising, so that rows keep their order */
    char role[128];
    char instance[128];
    char ikey[64];
    char pid[16];
    struct ml_buf dims; /* reused */
};

/* s, or the most of it that fits without half a character. */
struct ml_str ml__cut(struct ml_str s, size_t max);
/* logging.logLevel of host.json decides, not the console's --verbose. */
bool ml__is_kept(const struct ml_host *h, const char *category, enum ml_level level);
/* The time of a row: strictly rising where two are close, so that rows keep their order. 0: now. */
int64_t ml__ticks_of(struct ml_records *r, double unix_s);

/* ids NULL: outside of any invocation; function and parent are then not looked at. */
void ml__begin_row(struct ml_records *r, enum ml_store_table t, int64_t ticks, const char *function,
                   const struct ml_call_ids *ids, const char *parent);
void ml__put_text(struct ml_records *r, enum ml_store_col c, const char *s);
void ml__begin_dims(struct ml_host *h, const char *category, enum ml_level level,
                    const struct ml_call_ids *ids);
void ml__dim(struct ml_records *r, const char *key, struct ml_str value);
void ml__dim_text(struct ml_records *r, const char *key, const char *value);
void ml__end_row(struct ml_records *r);

/* A traces row up to its dimensions; false: not kept. */
bool ml__begin_trace(struct ml_host *h, const char *category, enum ml_level level,
                     struct ml_str message, const char *function, const struct ml_call_ids *ids,
                     double unix_s);

/* The rows of the frame's lines; nothing if it has none. */
void ml__line_rows(struct ml_host *h, const char *function, const struct ml_call_ids *ids,
                   const struct ml_outcome *o);

#endif
