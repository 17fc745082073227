/* http/conn.h -- private to the folder: what server.c and reply.c share. SPDX-License-Identifier: MIT */
#ifndef ML_HTTP_CONN_H
#define ML_HTTP_CONN_H

#include "http/server.h"

#include <microhttpd.h>

enum ml__phase {
    ML__HEADERS, /* the request line was seen */
    ML__BODY,    /* the body comes in; of an early request, the handler has it too */
    ML__HANDLER, /* on_request was called: the reply may come at any time */
    ML__SENDING, /* the reply was handed to libmicrohttpd */
};

/* One request. Two owners: libmicrohttpd until its completed callback (mhd turns NULL), and the handler
 * until the reply is given whole (replied). Freed when both have let go. */
struct ml_http_conn {
    struct ml_http_request r; /* first: the public face */
    struct ml_http_server *server;
    struct ml_http_conn *prev;
    struct ml_http_conn *next;
    struct MHD_Connection *mhd;    /* borrowed; NULL once it let go */
    struct MHD_Response *response; /* owned; waits to be queued, or was */
    int status;
    enum ml__phase phase;
    bool suspended;
    bool handed;  /* on_request (or on_headers) saw it: on_done is due */
    bool replied; /* the handler has nothing more to give */
    bool discard; /* the body is too large or cannot be kept: read it off, then answer */
    bool cut;     /* close the connection without another word */
    /* A streamed reply: */
    bool streaming;
    struct ml_buf out; /* given, not yet taken by the client */
    size_t out_at;     /* taken so far of out */
};

/* Let a suspended request go on: its response is there, or more of its stream. */
void ml__conn_wake(struct ml_http_conn *c);
/* Frees c if both owners have let go. */
void ml__conn_unref(struct ml_http_conn *c);
const struct ml_http_handler *ml__server_handler(const struct ml_http_server *s);
bool ml__server_drains(const struct ml_http_server *s);

#endif
