/* api/ingest.c -- /v2/track: unpack, parse and store on the pool, answer after the commit.
 * SPDX-License-Identifier: MIT */
#include "api/gunzip.h"
#include "api/private.h"
#include "api/track.h"
#include "base/mem.h"

#include <strings.h>

struct ingest {
    struct ml_api *api;
    struct ml_http_request *request;
    struct ml_str body; /* as sent */
    bool packed;
    struct ml_track_result result;
    int rc;
    struct ml_error error;
};

static int store_body(struct ingest *j, struct ml_str text)
{
    struct ml_rows *rows = NULL;
    int rc = ml_rows_new(&rows);
    if (rc == ML_OK)
        rc = ml_track_parse(text, rows, &j->result);
    if (rc == ML_OK && ml_rows_count(rows) != 0)
        rc = ml_writer_append(j->api->writer, rows, &j->error);
    ml_rows_free(rows);
    return rc;
}

/* On the pool. */
static void work(void *user)
{
    struct ingest *j = user;
    struct ml_buf unpacked = {.max = ML_TRACK_MAX_BYTES};
    struct ml_str text = j->body;
    if (j->packed) {
        j->rc = ml_gunzip(j->body, &unpacked);
        text = ml_buf_view(&unpacked);
    } else if (text.n > ML_TRACK_MAX_BYTES) {
        j->rc = ML_ELIMIT;
    }
    if (j->rc == ML_OK)
        j->rc = store_body(j, text);
    ml_buf_free(&unpacked);
}

static void answer(struct ingest *j)
{
    struct ml_buf body = {0};
    switch (j->rc) {
    case ML_OK: {
        int status = ml_track_answer(&j->result, &body);
        ml__reply_json(j->request, status, &body);
        break;
    }
    case ML_ELIMIT:
        ml__reply_error(j->request, 413, "PayloadTooLarge",
                        "more than 32 MiB of telemetry in one request");
        break;
    case ML_EFORMAT:
    case ML_ETRUNCATED:
        ml__reply_error(j->request, 400, "BadRequest", "the body is not gzip, as its header says");
        break;
    default: /* clients try again after 503 */
        ml__reply_error(j->request, 503, "ServiceUnavailable", "cannot store the telemetry: %s",
                        j->error.text[0] != '\0' ? j->error.text : ml_status_text(j->rc));
        break;
    }
}

static void done(void *user)
{
    struct ingest *j = user;
    struct ml_api *api = j->api;
    answer(j);
    ml_free(j);
    ml__job_end(api);
}

void ml__serve_track(struct ml_api *a, struct ml_http_request *r)
{
    struct ml_str encoding = ml_http_header(r, ML_STR("content-encoding"));
    if (!ml_str_eq(r->method, ML_STR("POST"))) {
        ml__reply_error(r, 405, "MethodNotAllowed", "telemetry is sent with POST");
        return;
    }
    struct ingest *j = ml_calloc(1, sizeof *j);
    if (j == NULL || ml_body_view(&r->body, &j->body) != ML_OK) {
        ml_free(j);
        ml__reply_error(r, 503, "ServiceUnavailable", "out of memory");
        return;
    }
    j->api = a;
    j->request = r;
    j->packed = encoding.n != 0 && strncasecmp(encoding.p, "identity", encoding.n) != 0;
    ml__job_begin(a);
    if (ml_loop_work(a->loop, work, done, j) != ML_OK) {
        j->rc = ML_ENOMEM;
        done(j);
    }
}
