/* http/reply.c -- the replies of server.h: whole, from a file, streamed.
 *
 * SPDX-License-Identifier: MIT */
#include "http/conn.h"
#include "http/server.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                   "Keep-Alive"};

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcasecmp(ours[i], name) == 0)
            return true;
    return false;
}

/* A token of RFC 9110; libmicrohttpd lets more through than a peer would take. */
static bool name_is_valid(struct ml_str s)
{
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 127 || strchr("()<>@,;:\\\"/[]?={}", c) != NULL)
            return false;
    }
    return true;
}

static bool value_is_valid(struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c == 127)
            return false;
    }
    return true;
}

static int add_header(struct ml_http_conn *c, struct MHD_Response *resp, struct ml_http_field f)
{
    if (!name_is_valid(f.name) || !value_is_valid(f.value))
        return ML_OK;
    struct ml_str name = ml_arena_copy(&c->r.arena, f.name);
    struct ml_str value = ml_arena_copy(&c->r.arena, f.value);
    if (name.p == NULL || value.p == NULL)
        return ML_ENOMEM;
    if (value.n == 0) /* libmicrohttpd refuses empty values; a blank is the same to a peer */
        value = ML_STR(" ");
    if (!is_ours(name.p))
        (void)MHD_add_response_header(resp, name.p, value.p);
    return ML_OK;
}

static void free_owned(void *p)
{
    ml_free(p);
}

static struct MHD_Response *response_of(const struct ml_http_reply *reply)
{
    void *p = (void *)(uintptr_t)reply->body.p;
    if (reply->take_fd)
        return MHD_create_response_from_fd64(reply->fd_bytes, reply->fd);
    if (reply->take_body)
        return MHD_create_response_from_buffer_with_free_callback(reply->body.n, p, free_owned);
    return MHD_create_response_from_buffer(reply->body.n, p, MHD_RESPMEM_MUST_COPY);
}

static void drop_body(const struct ml_http_reply *reply)
{
    if (reply->take_fd)
        (void)close(reply->fd);
    else if (reply->take_body)
        ml_free((void *)(uintptr_t)reply->body.p);
}

/* Finish resp with the reply's headers and give it to c. */
static int attach(struct ml_http_conn *c, struct MHD_Response *resp,
                  const struct ml_http_reply *reply)
{
    int rc = resp != NULL ? ML_OK : ML_ENOMEM;
    for (size_t i = 0; rc == ML_OK && i < reply->n_headers; i++)
        rc = add_header(c, resp, reply->headers[i]);
    if (rc == ML_OK && (ml__server_drains(c->server) || c->discard))
        (void)MHD_add_response_header(resp, "Connection", "close");
    if (rc != ML_OK) {
        if (resp != NULL)
            MHD_destroy_response(resp);
        c->cut = true;
        return rc;
    }
    c->response = resp;
    c->status = reply->status;
    return ML_OK;
}

int ml_http_reply(struct ml_http_request *r, const struct ml_http_reply *reply)
{
    struct ml_http_conn *c = r->conn;
    int rc = ML_OK;
    if (c->mhd == NULL) {
        drop_body(reply);
    } else {
        struct MHD_Response *resp = response_of(reply);
        if (resp == NULL)
            drop_body(reply);
        rc = attach(c, resp, reply);
    }
    c->replied = true;
    ml__conn_wake(c);
    ml__conn_unref(c);
    return rc;
}

int ml_http_reply_text(struct ml_http_request *r, int status, const char *type, struct ml_str text)
{
    struct ml_http_field f = {ML_STR("Content-Type"), ml_str_of(type)};
    struct ml_http_reply reply = {
        .status = status, .headers = &f, .n_headers = type != NULL, .body = text};
    return ml_http_reply(r, &reply);
}

/* libmicrohttpd wants up to max bytes of the stream. */
static ssize_t stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    (void)pos;
    struct ml_http_conn *c = cls;
    if (c->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = c->out.n - c->out_at;
    if (left == 0 && c->replied)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (left == 0) {
        MHD_suspend_connection(c->mhd);
        c->suspended = true;
        return 0;
    }
    size_t n = left < max ? left : max;
    memcpy(buf, c->out.p + c->out_at, n);
    c->out_at += n;
    if (c->out_at == c->out.n) {
        ml_buf_clear(&c->out);
        c->out_at = 0;
    }
    const struct ml_http_handler *h = ml__server_handler(c->server);
    if (!c->replied && h->on_drain != NULL)
        h->on_drain(h->user, &c->r, n, false);
    return (ssize_t)n;
}

int ml_http_reply_start(struct ml_http_request *r, const struct ml_http_reply *reply)
{
    enum { BLOCK = 32 * 1024 };
    struct ml_http_conn *c = r->conn;
    c->streaming = true;
    if (c->mhd == NULL)
        return ML_OK;
    struct MHD_Response *resp = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK,
                                                                  stream_read, c, NULL);
    int rc = attach(c, resp, reply);
    ml__conn_wake(c);
    return rc;
}

int ml_http_reply_write(struct ml_http_request *r, struct ml_str chunk)
{
    struct ml_http_conn *c = r->conn;
    if (c->mhd == NULL || chunk.n == 0)
        return ML_OK;
    if (c->out_at > 64 * 1024) { /* give the taken part back before growing */
        memmove(c->out.p, c->out.p + c->out_at, c->out.n - c->out_at);
        c->out.n -= c->out_at;
        c->out_at = 0;
    }
    ml_buf_str(&c->out, chunk);
    if (c->out.status != ML_OK)
        c->cut = true;
    ml__conn_wake(c);
    return c->out.status;
}

void ml_http_reply_end(struct ml_http_request *r, bool ok)
{
    struct ml_http_conn *c = r->conn;
    c->cut = c->cut || !ok;
    c->replied = true;
    ml__conn_wake(c);
    ml__conn_unref(c);
}
