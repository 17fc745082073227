/* api/private.h -- what the files of this folder share. SPDX-License-Identifier: MIT */
#ifndef ML_API_PRIVATE_H
#define ML_API_PRIVATE_H

#include "api/api.h"
#include "store/reader.h"

#include <stdatomic.h>

struct ml__job;

struct ml_api {
    struct ml_loop *loop;     /* borrowed */
    struct ml_api_options o;  /* strings owned */
    struct ml_writer *writer; /* owned when own_writer */
    bool own_writer;
    struct ml_reader *reader; /* owned */
    struct ml__job *jobs;     /* running queries, for cancelling */
    struct ml_timer *watch;   /* owned; runs while there are queries: looks for clients that left */
    unsigned active;          /* jobs of any kind on the pool */
    unsigned queries;
    bool closing;
};

/* A reply with a JSON body: buf's memory moves to the server. */
void ml__reply_json(struct ml_http_request *r, int status, struct ml_buf *body);
/* The same with the headers that Kusto's clients look for. */
void ml__reply_kusto(struct ml_http_request *r, int status, struct ml_buf *body,
                     const char *activity);
/* {"error":{"code","message"}}, as all of these services have it. */
void ml__reply_error(struct ml_http_request *r, int status, const char *code, const char *fmt, ...)
    ML_PRINTF(4, 5);

/* A job begins and ends on the loop's thread. */
void ml__job_begin(struct ml_api *a);
void ml__job_end(struct ml_api *a);
/* Queries that run come to an end soon. */
void ml__jobs_cancel(struct ml_api *a);

/* ingest.c, insights.c, kusto.c: the request is theirs to answer. */
void ml__serve_track(struct ml_api *a, struct ml_http_request *r);
void ml__serve_kusto_v1(struct ml_api *a, struct ml_http_request *r);
void ml__serve_kusto_v2(struct ml_api *a, struct ml_http_request *r);
void ml__serve_kusto_mgmt(struct ml_api *a, struct ml_http_request *r);
void ml__serve_auth_metadata(struct ml_api *a, struct ml_http_request *r);
void ml__serve_ping(struct ml_api *a, struct ml_http_request *r);
/* rest: the path after the id. False: it is no path of theirs. */
bool ml__serve_insights(struct ml_api *a, struct ml_http_request *r, struct ml_str rest,
                        bool workspace);

#endif
