/* host/insights_wire.h -- rows as the envelopes of Application Insights, connection strings, and what an answer
 * means. No network. Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_INSIGHTS_WIRE_H
#define ML_HOST_INSIGHTS_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "store/rows.h"

#include <stdbool.h>

struct ml_insights_target {
    char key[64];       /* InstrumentationKey */
    char endpoint[512]; /* without a slash at the end */
};

/* "InstrumentationKey=...;IngestionEndpoint=..." */
int ml_insights_parse(const char *connection_string, struct ml_insights_target *out,
                      struct ml_error *e);
/* One envelope as JSON, without a line end. False: rows of that table are not sent. */
bool ml_insights_envelope(struct ml_buf *b, const struct ml_insights_target *t,
                          enum ml_store_table table, struct ml_row_ref row);
/* "d.hh:mm:ss.fffffff" */
void ml_insights_duration(struct ml_buf *b, double ms);

enum ml_insights_verdict {
    ML_INSIGHTS_DONE,
    ML_INSIGHTS_RETRY,    /* the whole batch, later */
    ML_INSIGHTS_PARTIAL,  /* the items that the body names, later */
    ML_INSIGHTS_REDIRECT, /* the same again, at Location */
    ML_INSIGHTS_PAUSE,    /* over quota: drop, and send nothing for a while */
    ML_INSIGHTS_DROP
};
enum ml_insights_verdict ml_insights_verdict(long http_status); /* 0: no answer at all */

#endif
