/* api/job.h -- one query on its way: asked on the loop's thread, run on the pool, answered on the loop's thread.
 *
 * Bounds: a place among the api's queries (else 429), a deadline, memory, rows and bytes of the answer. When the
 * client closes its connection the query is cancelled within a quarter of a second.
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_JOB_H
#define ML_API_JOB_H

#include "api/ask.h"
#include "api/private.h"
#include "api/shape.h"
#include "kql/diag.h"

#include <stdatomic.h>

struct ml__job {
    struct ml_api *api;
    struct ml_http_request *request; /* alive until it is answered */
    struct ml__job *next;
    struct ml__job *prev;
    struct ml_ask ask;
    enum ml_shape_kind kind;
    bool kusto_fault; /* which envelope errors come in */
    struct ml_shape_frame frame;
    char activity[37];
    atomic_bool cancel;
    /* The answer: */
    struct ml_buf out;
    struct ml_diag diag;   /* set: the query is wrong or hit a limit */
    struct ml_error error; /* status not ML_OK: the store or the memory failed */
};

/* NULL: already answered (429, or out of memory). The caller fills ask, kind and frame and starts it. */
struct ml__job *ml__job_new(struct ml_api *a, struct ml_http_request *r);
void ml__job_start(struct ml__job *j);
/* Answer with an error of the request itself, and free. */
void ml__job_refuse(struct ml__job *j, int status, const char *code, const char *text);

/* engine.c: run it; fills out, or diag, or error. On the pool. */
void ml__engine_run(struct ml__job *j);

#endif
