/* host/record.h -- what happened, told twice: as lines on the console, and as rows of traces, requests and
 * exceptions with the exact columns of Application Insights (specs/functions-host.md, 6), and of invocations,
 * our own table of the memory of each.
 *
 * Rows are collected for a fifth of a second and then handed to every sink (sink.h). Without records
 * (telemetry off) only the console is told. Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_RECORD_H
#define ML_HOST_RECORD_H

#include "host/host.h"

/* How an invocation ended. */
struct ml_outcome {
    bool ok;
    int status; /* of the HTTP response; 0: none */
    uint64_t duration_ns;
    pid_t worker;                 /* the process it ran in */
    const struct ml_frame *frame; /* the worker's result; NULL: there is none */
    const char *problem; /* the host's own reason for a failure; NULL: the frame tells it */
    /* private: copies of what the rows need of an HTTP request */
    char *url;
    char method[16];
    char *path;
    char peer[64];
};

int ml_records_open(struct ml_host *h, struct ml_error *e);
/* The store's writer, borrowed; NULL: records do not go to the store. */
struct ml_writer *ml_records_writer(const struct ml_host *h);
/* Hands over what is collected and waits for the sinks, at most wait_ms. */
void ml_records_close(struct ml_host *h, unsigned wait_ms);

void ml_record_keep_request(struct ml_outcome *o, const struct ml_http_request *r,
                            const struct ml_host *h);
void ml_record_drop_request(struct ml_outcome *o);

void ml_record_executing(struct ml_host *h, const struct ml_function *fn,
                         const struct ml_call_ids *ids, const char *reason, const char *details);
void ml_record_executed(struct ml_host *h, const struct ml_function *fn,
                        const struct ml_call_ids *ids, const char *reason,
                        const struct ml_outcome *o);
/* A log frame of a worker. */
void ml_record_worker_log(struct ml_host *h, const struct ml_frame *f, pid_t pid);
/* A line that a worker printed. */
void ml_record_console_line(struct ml_host *h, enum ml_level level, struct ml_str line, pid_t pid);

#endif
