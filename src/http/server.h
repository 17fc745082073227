/* http/server.h -- an HTTP/1.1 server on the loop: requests in, replies out.
 *
 * One handler serves every request of a server; routing belongs to the folders above.
 *
 *   listen -> headers -> [on_headers] -> whole body -> on_request -> ml_http_reply -> on_done
 *                        [r->early]   -> on_request, on_body*     -> ml_http_reply -> on_done
 *
 * The reply may be given inside on_request or at any later time; meanwhile the connection waits
 * at no cost. Every request gets exactly one reply: ml_http_reply, or _start + _write + _end.
 * A reply to an early request is sent once the body was read off; what a client sends into the void is not kept.
 * A client that goes away does not end the request: replies to it are accepted and dropped.
 *
 * Limits: header section 32 KiB (431), body max_body_bytes (413), 30 s for the headers, a body
 *         that brings less than 1 KiB in 30 s, idle connections 120 s. Broken input: 400.
 * Memory: a request's arena lives until on_done; slices in it point there. Bodies above 1 MiB lie
 *         in an unlinked temporary file.
 * Threads: the loop's thread only. SPDX-License-Identifier: MIT */
#ifndef ML_HTTP_SERVER_H
#define ML_HTTP_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/body.h"
#include "http/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_http_server;
struct ml_http_conn;

struct ml_http_field {
    struct ml_str name;
    struct ml_str value;
};

enum ml_http_body_state {
    ML_HTTP_BODY_COMING,
    ML_HTTP_BODY_WHOLE,
    ML_HTTP_BODY_BROKEN,   /* the client left, or the bytes cannot be kept */
    ML_HTTP_BODY_TOO_LARGE /* what was kept of it is gone */
};

struct ml_http_request {
    struct ml_arena arena;         /* for the handler too */
    struct ml_str method;          /* as sent: "GET" */
    struct ml_str target;          /* "/a%20b?x=1", as sent; at most 16 KiB */
    struct ml_str path;            /* "/a%20b" */
    struct ml_str query;           /* "x=1", without the question mark */
    struct ml_http_field *headers; /* in order of arrival */
    size_t n_headers;
    struct ml_body body; /* complete when on_request is called, unless: */
    bool early;          /* set by on_headers: call on_request now, and on_body as the body comes */
    enum ml_http_body_state body_state;
    bool tls;
    char peer[64]; /* address of the client, no port */
    void *user;    /* the handler's */
    /* private */
    struct ml_http_conn *conn;
};

struct ml_http_handler {
    void *user; /* first argument of each */
    void (*on_request)(void *user, struct ml_http_request *r);
    /* Optional: the headers are there, the body is not. A reply given here (it must be whole) ends
     * the matter: on_request is not called. */
    void (*on_headers)(void *user, struct ml_http_request *r);
    /* For early requests, until the reply is given: the body is longer now, or its state changed. */
    void (*on_body)(void *user, struct ml_http_request *r);
    /* Optional: the client has taken n more bytes of a streamed reply (or is gone: gone is true). */
    void (*on_drain)(void *user, struct ml_http_request *r, size_t n, bool gone);
    /* Optional: the reply was given, and was sent or had nobody to go to; r is freed after this. */
    void (*on_done)(void *user, struct ml_http_request *r);
    /* Optional: somebody spoke TLS to a plain port. */
    void (*on_tls_hello)(void *user);
};

struct ml_http_options {
    struct ml_http_handler handler;
    uint64_t max_body_bytes;  /* 0: 100 MiB */
    unsigned max_connections; /* 0: 4096; beyond it connections are closed at once */
    unsigned header_s;        /* time for a header section; 0: 30 */
    unsigned idle_s;          /* 0: 120 */
    const char *cert_pem;     /* both: serve TLS. Copied. */
    const char *key_pem;
};

int ml_http_server_new(struct ml_loop *l, const struct ml_http_options *o,
                       struct ml_http_server **out, struct ml_error *e);
/* Listen on an IP address; port 0: any free one. The bound port in *bound (may be NULL). ML_EBUSY when the
 * port is taken. May be called several times. */
int ml_http_server_listen(struct ml_http_server *s, const char *address, uint16_t port,
                          uint16_t *bound, struct ml_error *e);
/* Accept nothing new; requests that run go on, their connections close after the reply. */
void ml_http_server_drain(struct ml_http_server *s);
/* Requests that have not ended. */
size_t ml_http_server_active(const struct ml_http_server *s);
/* Cuts what is open; on_done is called for every request that runs. NULL is fine. */
void ml_http_server_free(struct ml_http_server *s);

/* The client closed its side of the connection while its request waits for a reply: long work for it may stop.
 * One system call; false where it cannot be told. */
bool ml_http_gone(const struct ml_http_request *r);

/* The first header of that name (any case); .p is NULL when there is none. */
struct ml_str ml_http_header(const struct ml_http_request *r, struct ml_str name);

struct ml_http_reply {
    int status;
    const struct ml_http_field *headers; /* copied; Content-Length, Transfer-Encoding, Connection
                                          * and Keep-Alive are ours and left out */
    size_t n_headers;
    struct ml_str body; /* copied, unless: */
    bool take_body;     /* body.p came from base/mem and becomes the server's, also on failure */
    bool
        take_fd; /* the body is fd's fd_bytes from its start; becomes the server's, also on failure */
    int fd;
    uint64_t fd_bytes;
};

/* A header that cannot be sent (line breaks, no name) is left out. ML_ENOMEM: the connection is closed. */
int ml_http_reply(struct ml_http_request *r, const struct ml_http_reply *reply);
/* Status, one short header and a text, for the common case. type may be NULL. */
int ml_http_reply_text(struct ml_http_request *r, int status, const char *type, struct ml_str text);

/* A streamed reply, chunked. What the client has not taken yet is kept in memory: watch on_drain. */
int ml_http_reply_start(struct ml_http_request *r, const struct ml_http_reply *reply);
int ml_http_reply_write(struct ml_http_request *r, struct ml_str chunk);
/* ok false: the connection is cut, so that the client sees that the body is not complete. r may be
 * freed in here. */
void ml_http_reply_end(struct ml_http_request *r, bool ok);

#endif
