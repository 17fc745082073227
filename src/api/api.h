/* api/api.h -- the endpoints that clients of Azure talk to, over one store.
 *
 *   POST /v2/track, /v2.1/track                    ingestion: Application Insights envelopes
 *   GET, POST /v1/apps/ID/query                    Application Insights queries; /metadata, /query/schema
 *   GET, POST /v1/workspaces/ID/query              Log Analytics queries; /metadata
 *   GET, POST /v1/rest/query, POST /v2/rest/query  Kusto queries
 *   POST /v1/rest/mgmt                             Kusto management commands that show things
 *   GET /v1/rest/auth/metadata, /v1/rest/ping
 *
 * It owns no socket: `memline serve` and `memline func start` hand it the requests of their servers.
 * Who may ask: with a token, whoever sends it (Authorization: Bearer, or x-api-key);
 * without one, requests whose Host and Origin are this machine's own names, so that a page in the user's
 * browser cannot reach the store through a name that points to 127.0.0.1.
 * Bounds: a query's time, memory, rows and bytes; queries at a time; it is cancelled when its client goes.
 * Threads: the loop's thread; queries and unpacking run on the loop's pool.
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_API_H
#define ML_API_API_H

#include "base/err.h"
#include "http/loop.h"
#include "http/server.h"
#include "store/writer.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_api;

struct ml_api_options {
    const char *store;        /* path; made when it does not exist */
    struct ml_writer *writer; /* borrowed: the host's; NULL: the api opens one */
    struct ml_retention keep; /* for the writer it opens; all-zero: ML_RETENTION_DEFAULT */
    const char *token;        /* NULL: none */
    const char *app_id;       /* shown as appId; NULL: "memline" */
    uint64_t cache_bytes;     /* of decoded columns; 0: the reader's default */
    unsigned query_s;         /* longest query; 0: 240 */
    uint64_t query_bytes;     /* memory of one query stage; 0: 1 GiB */
    uint64_t result_bytes;    /* of a reply; 0: 64 MiB */
    uint64_t result_rows;     /* 0: 500,000 */
    unsigned queries;         /* at a time; beyond it 429; 0: 8 */
};

/* Opens store, reader and (unless given) writer. Options are copied. */
int ml_api_new(struct ml_loop *l, const struct ml_api_options *o, struct ml_api **out,
               struct ml_error *e);
/* Cancels what runs, and runs the loop until all of it was answered; what is asked meanwhile gets 503. Then frees.
 * Free the server afterwards: it owns the requests. NULL is fine. */
void ml_api_free(struct ml_api *a);

/* The path may be one of ours; ml_api_serve knows. */
bool ml_api_is_path(struct ml_str path);
/* True when the path is ours: the request gets its reply now or later. */
bool ml_api_serve(struct ml_api *a, struct ml_http_request *r);

struct ml_writer *ml_api_writer(struct ml_api *a);

#endif
