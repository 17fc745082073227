/* http/server.c -- see server.h: libmicrohttpd on our loop.
 *
 * libmicrohttpd runs without threads and without a listening socket of its own. We accept, it parses
 * and sends; its epoll descriptor is one entry in libuv's. Whatever we change (a reply given, a
 * request resumed) sets `dirty`, and libmicrohttpd runs once before the loop waits again.
 *
 *   accept -> sock (one per connection: deadlines) -> conn (one per request: conn.h)
 *
 * SPDX-License-Identifier: MIT */
#include "http/server.h"

#include "base/mem.h"
#include "base/vec.h"
#include "http/conn.h"
#include "http/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum {
    HEADER_BYTES = 32 * 1024,
    TARGET_BYTES = 16 * 1024,
    POOL_BYTES = 48 * 1024, /* of libmicrohttpd, per connection: headers and the send buffer */
    SPOOL_BYTES = 1024 * 1024,
    SLOW_BYTES = 1024, /* a body that brings less than this in header_s is cut */
    SPARE_CONNS = 64,
};

/* A connection, for its deadlines. */
struct sock {
    struct sock *prev;
    struct sock *next;
    int fd;
    bool waiting;                 /* for a request: idle, or in the middle of its headers */
    uint64_t since_ms;            /* of this state, or of the last progress of a body */
    uint64_t limit_ms;            /* 0: none */
    uint64_t body_bytes;          /* seen at since_ms */
    struct ml_http_conn *request; /* the one whose body is being read; borrowed */
};

struct listener {
    struct ml_http_server *server;
    uv_poll_t poll;
    int fd;
};

struct ml_http_server {
    struct ml_loop *loop;
    struct ml_http_options o;
    char *cert_pem;
    char *key_pem;
    struct MHD_Daemon *daemon;
    ML_VEC(struct listener *) listeners;
    struct sock *socks;
    struct ml_http_conn *conns;
    struct ml_http_conn *spare; /* for reuse, with their arenas */
    size_t n_spare;
    size_t n_conns;
    size_t most_conns;   /* at once, since memory was last given back */
    size_t closing;      /* uv handles of ours still to close */
    uv_poll_t poll;      /* libmicrohttpd's epoll descriptor */
    uv_prepare_t before; /* before and after each wait of the loop: run libmicrohttpd if dirty */
    uv_check_t after;
    uv_timer_t timer; /* libmicrohttpd's own time-outs */
    uv_timer_t sweep; /* our deadlines; once a second while a connection is open */
    bool dirty;
    bool running; /* inside MHD_run */
    bool draining;
    bool paused; /* no descriptors left: accepting pauses until the next sweep */
    bool freed;
};

const struct ml_http_handler *ml__server_handler(const struct ml_http_server *s)
{
    return &s->o.handler;
}

bool ml__server_drains(const struct ml_http_server *s)
{
    return s->draining;
}

/* -- running libmicrohttpd ---------------------------------------------------------------------- */

static void on_mhd_timer(uv_timer_t *h);

static void run_mhd(struct ml_http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    bool timed = true;
    s->running = true;
    for (int i = 0; i < 16 && timed && wait_ms == 0; i++) {
        s->dirty = false;
        (void)MHD_run(s->daemon);
        timed = MHD_get_timeout(s->daemon, &wait_ms) == MHD_YES;
    }
    s->running = false;
    if (timed)
        (void)uv_timer_start(&s->timer, on_mhd_timer, wait_ms, 0);
    else
        (void)uv_timer_stop(&s->timer);
}

static void on_mhd_timer(uv_timer_t *h)
{
    run_mhd(h->data);
}

static void on_mhd_ready(uv_poll_t *h, int status, int events)
{
    (void)status;
    (void)events;
    run_mhd(h->data);
}

static void run_if_dirty(struct ml_http_server *s)
{
    if (s->dirty && !s->running)
        run_mhd(s);
}

static void on_before(uv_prepare_t *h)
{
    run_if_dirty(h->data);
}

static void on_after(uv_check_t *h)
{
    run_if_dirty(h->data);
}

/* -- requests ----------------------------------------------------------------------------------- */

static struct ml_http_conn *conn_new(struct ml_http_server *s)
{
    struct ml_http_conn *c = s->spare;
    if (c != NULL) {
        s->spare = c->next;
        s->n_spare--;
        struct ml_arena arena = c->r.arena;
        *c = (struct ml_http_conn){.r.arena = arena};
    } else {
        c = ml_calloc(1, sizeof *c);
        if (c == NULL)
            return NULL;
    }
    c->server = s;
    c->r.conn = c;
    c->r.body.memory_max = SPOOL_BYTES;
    c->next = s->conns;
    if (s->conns != NULL)
        s->conns->prev = c;
    s->conns = c;
    if (++s->n_conns > s->most_conns)
        s->most_conns = s->n_conns;
    return c;
}

static void conn_free(struct ml_http_conn *c)
{
    struct ml_http_server *s = c->server;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    s->n_conns--;
    if (c->handed && s->o.handler.on_done != NULL)
        s->o.handler.on_done(s->o.handler.user, &c->r);
    if (c->response != NULL)
        MHD_destroy_response(c->response);
    ml_body_release(&c->r.body);
    ml_buf_free(&c->out);
    if (s->n_spare < SPARE_CONNS && !s->freed) {
        ml_arena_reset(&c->r.arena);
        c->next = s->spare;
        s->spare = c;
        s->n_spare++;
    } else {
        ml_arena_clear(&c->r.arena);
        ml_free(c);
    }
}

void ml__conn_unref(struct ml_http_conn *c)
{
    if (c->mhd == NULL && c->replied)
        conn_free(c);
}

void ml__conn_wake(struct ml_http_conn *c)
{
    if (!c->suspended || c->mhd == NULL)
        return;
    c->suspended = false;
    MHD_resume_connection(c->mhd);
    c->server->dirty = true;
}

struct ml_str ml_http_header(const struct ml_http_request *r, struct ml_str name)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        struct ml_str n = r->headers[i].name;
        if (n.n == name.n && strncasecmp(n.p, name.p, n.n) == 0)
            return r->headers[i].value;
    }
    return (struct ml_str){NULL, 0};
}

/* -- what libmicrohttpd calls ------------------------------------------------------------------- */

static struct sock *sock_of(struct MHD_Connection *m)
{
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(m,
                                                                MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i != NULL ? i->socket_context : NULL;
}

static void sock_state(struct sock *k, bool waiting, uint64_t limit_ms, struct ml_http_conn *body)
{
    if (k == NULL)
        return;
    k->waiting = waiting;
    k->since_ms = ml_now_ns() / 1000000;
    k->limit_ms = limit_ms;
    k->request = body;
    k->body_bytes = 0;
}

static void on_sweep(uv_timer_t *h);

static void on_connection(void *cls, struct MHD_Connection *m, void **ctx,
                          enum MHD_ConnectionNotificationCode what)
{
    struct ml_http_server *s = cls;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct sock *k = *ctx;
        if (k == NULL)
            return;
        if (k->prev != NULL)
            k->prev->next = k->next;
        else
            s->socks = k->next;
        if (k->next != NULL)
            k->next->prev = k->prev;
        ml_free(k);
        *ctx = NULL;
        return;
    }
    struct sock *k = ml_calloc(1, sizeof *k);
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(m,
                                                                 MHD_CONNECTION_INFO_CONNECTION_FD);
    if (k == NULL || fd == NULL) {
        ml_free(k);
        return;
    }
    k->fd = fd->connect_fd;
    sock_state(k, true, s->o.header_s * 1000U, NULL);
    k->next = s->socks;
    if (s->socks != NULL)
        s->socks->prev = k;
    s->socks = k;
    *ctx = k;
    if (!uv_is_active((uv_handle_t *)&s->sweep))
        (void)uv_timer_start(&s->sweep, on_sweep, 1000, 1000);
}

bool ml_http_gone(const struct ml_http_request *r)
{
    const struct ml_http_conn *c = r->conn;
    if (c->mhd == NULL)
        return true;
    struct sock *k = sock_of(c->mhd);
    struct pollfd p = {.fd = k != NULL ? k->fd : -1, .events = POLLRDHUP};
    return k != NULL && poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Tells the handler of an early request, if it still wants to know. */
static void body_changed(struct ml_http_conn *c, enum ml_http_body_state state)
{
    struct ml_http_server *s = c->server;
    c->r.body_state = state;
    if (c->r.early && !c->replied)
        s->o.handler.on_body(s->o.handler.user, &c->r);
}

/* The request line was read; uri is the whole target. What we return becomes *con_cls. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *m)
{
    struct ml_http_server *s = cls;
    struct ml_http_conn *c = conn_new(s);
    if (c == NULL)
        return NULL;
    c->mhd = m;
    c->r.tls = s->o.cert_pem != NULL;
    c->r.target = ml_arena_copy(&c->r.arena, ml_str_of(uri));
    return c;
}

static void on_completed(void *cls, struct MHD_Connection *m, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    struct ml_http_server *s = cls;
    struct ml_http_conn *c = *con_cls;
    (void)why;
    *con_cls = NULL;
    if (c == NULL)
        return;
    c->suspended = false;
    sock_state(sock_of(m), true, s->o.idle_s * 1000U, NULL);
    if (!c->handed)
        c->replied = true; /* nobody else knows it */
    if (c->r.early && c->r.body_state == ML_HTTP_BODY_COMING)
        body_changed(c, ML_HTTP_BODY_BROKEN);
    if (c->streaming && !c->replied && s->o.handler.on_drain != NULL)
        s->o.handler.on_drain(s->o.handler.user, &c->r, 0, true);
    c->mhd = NULL; /* only now: the handler may have ended its reply just above */
    ml__conn_unref(c);
}

/* Keep the target as sent: paths are decoded by whoever routes them. */
static size_t no_unescape(void *cls, struct MHD_Connection *m, char *s)
{
    (void)cls;
    (void)m;
    return strlen(s);
}

struct header_copy {
    struct ml_http_conn *c;
    size_t at;
    size_t bytes;
    bool failed;
};

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_n, const char *value, size_t value_n)
{
    (void)kind;
    struct header_copy *h = cls;
    struct ml_http_request *r = &h->c->r;
    if (h->at == r->n_headers)
        return MHD_NO;
    struct ml_http_field *f = &r->headers[h->at++];
    f->name = ml_arena_copy(&r->arena, (struct ml_str){name, name_n});
    f->value = ml_arena_copy(&r->arena, (struct ml_str){value, value != NULL ? value_n : 0});
    h->failed = h->failed || f->name.p == NULL || f->value.p == NULL;
    h->bytes += name_n + value_n + 4;
    return MHD_YES;
}

static int read_headers(struct ml_http_conn *c, struct MHD_Connection *m, const char *method,
                        size_t *bytes)
{
    struct ml_http_request *r = &c->r;
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(
        m, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (peer != NULL && peer->client_addr != NULL)
        ml_peer_text(peer->client_addr, r->peer, sizeof r->peer);
    int n = MHD_get_connection_values_n(m, MHD_HEADER_KIND, NULL, NULL);
    r->n_headers = n > 0 ? (size_t)n : 0;
    r->headers = ml_arena_alloc(&r->arena, r->n_headers, sizeof *r->headers);
    r->method = ml_arena_copy(&r->arena, ml_str_of(method));
    struct header_copy h = {.c = c};
    if (r->headers == NULL || r->method.p == NULL || r->target.p == NULL)
        return ML_ENOMEM;
    (void)MHD_get_connection_values_n(m, MHD_HEADER_KIND, copy_header, &h);
    *bytes = h.bytes;
    return h.failed ? ML_ENOMEM : ML_OK;
}

/* "http://host/p?q", "/p?q" or "*" into path and query. False: none of these. */
static bool split_target(struct ml_http_request *r)
{
    struct ml_str t = r->target;
    if (t.n > 7 && strncasecmp(t.p, "http", 4) == 0) {
        const char *slashes = memmem(t.p, t.n, "://", 3);
        if (slashes == NULL)
            return false;
        const char *slash = memchr(slashes + 3, '/', t.n - (size_t)(slashes + 3 - t.p));
        t = slash != NULL ? (struct ml_str){slash, t.n - (size_t)(slash - t.p)} : ML_STR("/");
        r->target = t;
    }
    if (t.n == 0 || (t.p[0] != '/' && !ml_str_eq(t, ML_STR("*"))))
        return false;
    const char *mark = memchr(t.p, '?', t.n);
    size_t n = mark != NULL ? (size_t)(mark - t.p) : t.n;
    r->path = (struct ml_str){t.p, n};
    r->query = mark != NULL ? (struct ml_str){mark + 1, t.n - n - 1}
                            : (struct ml_str){t.p + t.n, 0};
    return true;
}

static enum MHD_Result send_now(struct ml_http_conn *c)
{
    if (c->cut || c->response == NULL)
        return MHD_NO;
    c->phase = ML__SENDING;
    return MHD_queue_response(c->mhd, (unsigned)c->status, c->response);
}

/* An answer of the layer itself, before the handler saw the request. */
static enum MHD_Result refuse(struct ml_http_conn *c, int status)
{
    c->discard = true; /* close afterwards */
    (void)ml_http_reply_text(&c->r, status, NULL, ML_STR(""));
    return send_now(c);
}

/* The length the client announced; 0 when it announced none. */
static uint64_t announced(const struct ml_http_request *r)
{
    struct ml_str v = ml_http_header(r, ML_STR("Content-Length"));
    return v.p != NULL ? strtoull(v.p, NULL, 10) : 0;
}

/* One way to tell where the body ends. A proxy in front of us and libmicrohttpd might choose differently
 * among two, and then disagree about where the next request begins. */
static bool length_is_clear(const struct ml_http_request *r)
{
    struct ml_str length = {NULL, 0}, coding = {NULL, 0};
    for (size_t i = 0; i < r->n_headers; i++) {
        struct ml_str n = r->headers[i].name, v = r->headers[i].value;
        if (n.n == 14 && strncasecmp(n.p, "Content-Length", 14) == 0) {
            if (length.p != NULL && !ml_str_eq(length, v))
                return false;
            length = v;
        } else if (n.n == 17 && strncasecmp(n.p, "Transfer-Encoding", 17) == 0) {
            if (coding.p != NULL || v.n != 7 || strncasecmp(v.p, "chunked", 7) != 0)
                return false;
            coding = v;
        }
    }
    return length.p == NULL || coding.p == NULL;
}

static enum MHD_Result begin(struct ml_http_conn *c, const char *method)
{
    struct ml_http_server *s = c->server;
    size_t bytes = 0;
    if (read_headers(c, c->mhd, method, &bytes) != ML_OK)
        return MHD_NO;
    c->phase = ML__BODY;
    sock_state(sock_of(c->mhd), false, s->o.header_s * 1000U, c);
    if (c->r.target.n > TARGET_BYTES)
        return refuse(c, 414);
    if (bytes > HEADER_BYTES)
        return refuse(c, 431);
    if (!split_target(&c->r) || !length_is_clear(&c->r))
        return refuse(c, 400);
    uint64_t length = announced(&c->r);
    if (length > s->o.max_body_bytes) {
        /* A client in the middle of sending reads our answer only if we read it off. */
        if (length > 2 * s->o.max_body_bytes || ml_http_header(&c->r, ML_STR("Expect")).p != NULL)
            return refuse(c, 413);
        c->discard = true;
        c->status = 413;
    }
    if (!c->discard && s->o.handler.on_headers != NULL) {
        c->handed = true;
        s->o.handler.on_headers(s->o.handler.user, &c->r);
        if (c->response != NULL || c->cut)
            return send_now(c);
        c->handed = c->r.early;
    }
    if (!c->r.early)
        return MHD_YES;
    s->o.handler.on_request(s->o.handler.user, &c->r);
    return c->cut || (c->response != NULL && !c->streaming) ? send_now(c) : MHD_YES;
}

static enum MHD_Result take_body(struct ml_http_conn *c, struct ml_str chunk)
{
    uint64_t max = c->server->o.max_body_bytes;
    if (c->discard) {
        c->r.body.bytes += chunk.n; /* counted only */
        return c->r.body.bytes > 2 * max ? MHD_NO : MHD_YES;
    }
    int refused = 0;
    if (c->r.early && c->replied && !c->streaming)
        return MHD_YES; /* nobody wants it */
    if (c->r.body.bytes + chunk.n > max)
        refused = 413;
    else if (ml_body_add(&c->r.body, chunk) != ML_OK)
        refused = 500;
    if (refused != 0) {
        ml_body_release(&c->r.body);
        c->r.body.bytes = chunk.n;
        c->discard = true;
        c->status = c->r.early ? c->status : refused; /* an early one's handler answers */
        body_changed(c, refused == 413 ? ML_HTTP_BODY_TOO_LARGE : ML_HTTP_BODY_BROKEN);
    } else if (c->r.early) {
        body_changed(c, ML_HTTP_BODY_COMING);
    }
    return MHD_YES;
}

static enum MHD_Result hand_over(struct ml_http_conn *c)
{
    struct ml_http_server *s = c->server;
    sock_state(sock_of(c->mhd), false, 0, NULL);
    if (c->discard && !c->r.early)
        return refuse(c, c->status);
    c->phase = ML__HANDLER;
    c->handed = true;
    if (c->r.early && c->r.body_state == ML_HTTP_BODY_COMING)
        body_changed(c, ML_HTTP_BODY_WHOLE);
    else if (!c->r.early)
        s->o.handler.on_request(s->o.handler.user, &c->r);
    if (c->response != NULL || c->cut)
        return send_now(c);
    MHD_suspend_connection(c->mhd);
    c->suspended = true;
    return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *m, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_n, void **con_cls)
{
    (void)cls;
    (void)m;
    (void)url;
    (void)version;
    struct ml_http_conn *c = *con_cls;
    if (c == NULL)
        return MHD_NO;
    if (c->phase == ML__HEADERS)
        return begin(c, method);
    if (c->phase == ML__BODY && *data_n != 0) {
        struct ml_str chunk = {data, *data_n};
        *data_n = 0;
        return take_body(c, chunk);
    }
    if (c->phase == ML__BODY)
        return hand_over(c);
    return send_now(c); /* resumed */
}

/* -- accepting ---------------------------------------------------------------------------------- */

static void listener_pause(struct ml_http_server *s, bool pause);

/* The first byte of a TLS handshake on a plain port. With TCP_DEFER_ACCEPT it is already there. */
static bool is_tls_hello(int fd)
{
    unsigned char b[3];
    return recv(fd, b, sizeof b, MSG_PEEK | MSG_DONTWAIT) == 3 && b[0] == 0x16 && b[1] == 3;
}

static void on_acceptable(uv_poll_t *h, int status, int events)
{
    (void)status;
    (void)events;
    struct listener *l = h->data;
    struct ml_http_server *s = l->server;
    for (int i = 0; i < 64; i++) {
        struct sockaddr_storage sa;
        socklen_t n = sizeof sa;
        int fd = accept4(l->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                listener_pause(s, true);
            break;
        }
        if (s->o.cert_pem == NULL && is_tls_hello(fd)) {
            (void)close(fd);
            if (s->o.handler.on_tls_hello != NULL)
                s->o.handler.on_tls_hello(s->o.handler.user);
            continue;
        }
        (void)MHD_add_connection(s->daemon, fd, (struct sockaddr *)&sa,
                                 n); /* closes fd on failure */
        s->dirty = true;
    }
}

static void listener_pause(struct ml_http_server *s, bool pause)
{
    s->paused = pause;
    for (size_t i = 0; i < s->listeners.n; i++) {
        if (pause)
            (void)uv_poll_stop(&s->listeners.at[i]->poll);
        else
            (void)uv_poll_start(&s->listeners.at[i]->poll, UV_READABLE, on_acceptable);
    }
    if (pause && !uv_is_active((uv_handle_t *)&s->sweep))
        (void)uv_timer_start(&s->sweep, on_sweep, 1000, 1000);
}

/* The client closed, and nothing of what it sent is left to read. */
static bool peer_left(int fd)
{
    char b;
    return recv(fd, &b, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void free_spare(struct ml_http_server *s)
{
    while (s->spare != NULL) {
        struct ml_http_conn *next = s->spare->next;
        ml_arena_clear(&s->spare->r.arena);
        ml_free(s->spare);
        s->spare = next;
    }
    s->n_spare = 0;
}

/* Deadlines of connections. libmicrohttpd sees a shut-down socket as a client that left; it does not
 * see an end of file that arrived together with the last bytes (it waits for edges), so we look. */
static void on_sweep(uv_timer_t *h)
{
    struct ml_http_server *s = h->data;
    uint64_t now = ml_now_ns() / 1000000;
    if (s->paused && !s->draining)
        listener_pause(s, false);
    for (struct sock *k = s->socks; k != NULL; k = k->next) {
        struct ml_http_conn *c = k->request;
        if (k->limit_ms == 0)
            continue;
        if (peer_left(k->fd)) {
            (void)shutdown(k->fd, SHUT_RDWR);
            k->limit_ms = 0;
            continue;
        }
        if (now - k->since_ms < k->limit_ms)
            continue;
        if (c != NULL && c->r.body.bytes - k->body_bytes >= SLOW_BYTES) {
            k->body_bytes = c->r.body.bytes;
            k->since_ms = now;
            continue;
        }
        (void)shutdown(k->fd, SHUT_RDWR);
        k->limit_ms = 0;
    }
    if (s->n_conns == 0 && s->most_conns > SPARE_CONNS) {
        free_spare(s);
        ml_mem_trim();
        s->most_conns = 0;
    }
    if (s->socks == NULL && !s->paused)
        (void)uv_timer_stop(&s->sweep);
}

int ml_http_server_listen(struct ml_http_server *s, const char *address, uint16_t port,
                          uint16_t *bound, struct ml_error *e)
{
    int fd;
    uint16_t got;
    int rc = ml_listen(address, port, &fd, &got, e);
    if (rc != ML_OK)
        return rc;
    int seconds = 1;
    if (s->o.cert_pem == NULL)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    struct listener *l = ml_calloc(1, sizeof *l);
    if (l == NULL || ml_vec_push(&s->listeners, l) != ML_OK) {
        ml_free(l);
        (void)close(fd);
        return ml_fail(e, ML_ENOMEM, "cannot listen on %s port %u: out of memory", address, port);
    }
    l->server = s;
    l->fd = fd;
    (void)uv_poll_init(ml_loop_uv(s->loop), &l->poll, fd);
    l->poll.data = l;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
    if (bound != NULL)
        *bound = got;
    return ML_OK;
}

/* -- life --------------------------------------------------------------------------------------- */

static int start_daemon(struct ml_http_server *s, struct ml_error *e)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert_pem},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, s->key_pem},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    if (s->cert_pem != NULL)
        flags |= MHD_USE_TLS;
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        s, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT, s->o.max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, s->o.idle_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, s->cert_pem != NULL ? tls : none, MHD_OPTION_END);
    if (s->daemon == NULL)
        return ml_fail(e, ML_EINVALID, "cannot start the HTTP server%s",
                       s->cert_pem != NULL ? ": certificate or key not usable" : "");
    return ML_OK;
}

static int watch_daemon(struct ml_http_server *s, struct ml_error *e)
{
    struct uv_loop_s *uv = ml_loop_uv(s->loop);
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (i == NULL || uv_poll_init(uv, &s->poll, i->epoll_fd) != 0)
        return ml_fail(e, ML_EIO, "cannot watch the HTTP server");
    (void)uv_poll_start(&s->poll, UV_READABLE, on_mhd_ready);
    (void)uv_prepare_init(uv, &s->before);
    (void)uv_prepare_start(&s->before, on_before);
    (void)uv_check_init(uv, &s->after);
    (void)uv_check_start(&s->after, on_after);
    (void)uv_timer_init(uv, &s->timer);
    (void)uv_timer_init(uv, &s->sweep);
    s->poll.data = s->before.data = s->after.data = s->timer.data = s->sweep.data = s;
    return ML_OK;
}

static void free_memory(struct ml_http_server *s)
{
    free_spare(s);
    ml_vec_free(&s->listeners);
    ml_free(s->cert_pem);
    ml_free(s->key_pem);
    ml_free(s);
}

int ml_http_server_new(struct ml_loop *l, const struct ml_http_options *o,
                       struct ml_http_server **out, struct ml_error *e)
{
    struct ml_http_server *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot start the HTTP server: out of memory");
    s->loop = l;
    s->o = *o;
    s->o.max_body_bytes = o->max_body_bytes != 0 ? o->max_body_bytes : 100U * 1024 * 1024;
    s->o.max_connections = o->max_connections != 0 ? o->max_connections : 4096;
    s->o.header_s = o->header_s != 0 ? o->header_s : 30;
    s->o.idle_s = o->idle_s != 0 ? o->idle_s : 120;
    if (o->cert_pem != NULL && o->key_pem != NULL) {
        s->cert_pem = ml_strdup(o->cert_pem);
        s->key_pem = ml_strdup(o->key_pem);
    }
    s->o.cert_pem = s->cert_pem; /* ours from now on */
    s->o.key_pem = s->key_pem;
    int rc = start_daemon(s, e);
    if (rc == ML_OK)
        rc = watch_daemon(s, e);
    if (rc != ML_OK) {
        if (s->daemon != NULL)
            MHD_stop_daemon(s->daemon);
        free_memory(s);
        return rc;
    }
    *out = s;
    return ML_OK;
}

static void listener_closed(uv_handle_t *h)
{
    ml_free(h->data);
}

void ml_http_server_drain(struct ml_http_server *s)
{
    s->draining = true;
    for (size_t i = 0; i < s->listeners.n; i++) {
        uv_close((uv_handle_t *)&s->listeners.at[i]->poll, listener_closed);
        (void)close(s->listeners.at[i]->fd); /* at once: connecting is refused from here on */
    }
    s->listeners.n = 0;
}

size_t ml_http_server_active(const struct ml_http_server *s)
{
    return s->n_conns;
}

static void handle_closed(uv_handle_t *h)
{
    struct ml_http_server *s = h->data;
    if (--s->closing == 0)
        free_memory(s);
}

void ml_http_server_free(struct ml_http_server *s)
{
    if (s == NULL)
        return;
    ml_http_server_drain(s);
    for (struct ml_http_conn *c = s->conns; c != NULL; c = c->next) {
        c->cut = true; /* libmicrohttpd stops only when nothing is suspended */
        ml__conn_wake(c);
    }
    (void)MHD_run(s->daemon);
    MHD_stop_daemon(s->daemon);
    s->freed = true;
    while (s->conns != NULL)
        conn_free(s->conns); /* their handlers never answered */
    uv_handle_t *handles[] = {(uv_handle_t *)&s->poll, (uv_handle_t *)&s->before,
                              (uv_handle_t *)&s->after, (uv_handle_t *)&s->timer,
                              (uv_handle_t *)&s->sweep};
    s->closing = sizeof handles / sizeof handles[0];
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        uv_close(handles[i], handle_closed);
}
