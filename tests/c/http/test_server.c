/* tests/c/http/test_server.c -- raw bytes against a server, whole and a byte at a time.
 *
 * The handler: /echo gives the body back, /later the same 20 ms later, /headers what it was sent,
 * /stream 200 chunks, /early is handed over with its headers, /inject a header with a line break, /file a body from a descriptor.
 * SPDX-License-Identifier: MIT */
#include "http/server.h"

#include "base/mem.h"
#include "client.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct world {
    struct ml_loop *loop;
    struct ml_http_server *server;
    uint16_t port;
    int requests;
    int done;
    int hellos;
    size_t drained;
    bool gone;
    struct ml_http_request *streaming;
    struct ml_http_request *early; /* until its reply */
    uint64_t early_bytes;
    enum ml_http_body_state early_state;
    int chunks;
};

struct later {
    struct ml_http_request *r;
    struct ml_timer *timer;
};

static void echo(struct ml_http_request *r)
{
    struct ml_str body;
    assert_int_equal(ml_body_view(&r->body, &body), ML_OK);
    (void)ml_http_reply_text(r, 200, "application/octet-stream", body);
}

static void on_later(void *user)
{
    struct later *l = user;
    echo(l->r);
    ml_timer_free(l->timer);
    ml_free(l);
}

static void show_headers(struct ml_http_request *r)
{
    struct ml_buf b = {0};
    ml_buf_printf(&b, "%.*s|%.*s|%.*s|%s", (int)r->method.n, r->method.p, (int)r->path.n, r->path.p,
                  (int)r->query.n, r->query.p, r->peer);
    for (size_t i = 0; i < r->n_headers; i++)
        ml_buf_printf(&b, "|%.*s=%.*s", (int)r->headers[i].name.n, r->headers[i].name.p,
                      (int)r->headers[i].value.n, r->headers[i].value.p);
    (void)ml_http_reply_text(r, 200, NULL, ml_buf_view(&b));
    ml_buf_free(&b);
}

static void inject(struct ml_http_request *r)
{
    struct ml_http_field h[] = {
        {ML_STR("X-Bad"), ML_STR("a\r\nX-Evil: 1")},
        {ML_STR("X Bad"), ML_STR("a")},
        {ML_STR("X-Good"), ML_STR("fine")},
        {ML_STR("Content-Length"), ML_STR("77")},
        {ML_STR("X-Empty"), ML_STR("")},
    };
    struct ml_http_reply reply = {
        .status = 201, .headers = h, .n_headers = sizeof h / sizeof h[0], .body = ML_STR("ok")};
    (void)ml_http_reply(r, &reply);
}

static void from_file(struct ml_http_request *r)
{
    int fd = ml_temp_file();
    assert_int_equal(write(fd, "0123456789", 10), 10);
    struct ml_http_reply reply = {.status = 200, .take_fd = true, .fd = fd, .fd_bytes = 10};
    (void)ml_http_reply(r, &reply);
}

static void on_request(void *user, struct ml_http_request *r)
{
    struct world *w = user;
    w->requests++;
    if (ml_str_eq(r->path, ML_STR("/later"))) {
        struct later *l = ml_calloc(1, sizeof *l);
        l->r = r;
        assert_int_equal(ml_timer_new(w->loop, 20, 0, on_later, l, &l->timer), ML_OK);
    } else if (ml_str_eq(r->path, ML_STR("/headers"))) {
        show_headers(r);
    } else if (ml_str_eq(r->path, ML_STR("/inject"))) {
        inject(r);
    } else if (ml_str_eq(r->path, ML_STR("/file"))) {
        from_file(r);
    } else if (ml_str_eq(r->path, ML_STR("/stream"))) {
        struct ml_http_reply reply = {.status = 200};
        w->streaming = r;
        (void)ml_http_reply_start(r, &reply);
    } else if (ml_str_eq(r->path, ML_STR("/early"))) {
        assert_int_equal(r->body_state, ML_HTTP_BODY_COMING);
        w->early = r;
    } else if (ml_str_eq(r->path, ML_STR("/hold"))) {
        w->streaming = r;
    } else {
        echo(r);
    }
}

static void on_headers(void *user, struct ml_http_request *r)
{
    (void)user;
    if (ml_str_eq(r->path, ML_STR("/refused")))
        (void)ml_http_reply_text(r, 403, NULL, ML_STR("no"));
    r->early = ml_str_eq(r->path, ML_STR("/early"));
}

static void on_body(void *user, struct ml_http_request *r)
{
    struct world *w = user;
    assert_ptr_equal(r, w->early);
    w->early_bytes = r->body.bytes;
    w->early_state = r->body_state;
}

static void on_drain(void *user, struct ml_http_request *r, size_t n, bool gone)
{
    struct world *w = user;
    (void)r;
    w->drained += n;
    w->gone = w->gone || gone;
}

static void on_done(void *user, struct ml_http_request *r)
{
    struct world *w = user;
    (void)r;
    w->done++;
}

static void on_tls_hello(void *user)
{
    struct world *w = user;
    w->hellos++;
}

static void world_open(struct world *w, uint64_t max_body)
{
    struct ml_http_options o = {
        .handler = {.user = w,
                    .on_request = on_request,
                    .on_headers = on_headers,
                    .on_body = on_body,
                    .on_drain = on_drain,
                    .on_done = on_done,
                    .on_tls_hello = on_tls_hello},
        .max_body_bytes = max_body,
        .header_s = 1,
        .idle_s = 2,
    };
    struct ml_error e;
    *w = (struct world){0};
    assert_int_equal(ml_loop_new(&w->loop), ML_OK);
    assert_int_equal(ml_http_server_new(w->loop, &o, &w->server, &e), ML_OK);
    assert_int_equal(ml_http_server_listen(w->server, "127.0.0.1", 0, &w->port, &e), ML_OK);
}

static void world_close(struct world *w)
{
    ml_http_server_free(w->server);
    ml_loop_free(w->loop);
}

/* Each case: what is sent, and texts that must be in the answer, in order. */
static const struct {
    const char *send;
    const char *expect[4];
} cases[] = {
    {"GET /headers?a=%201&b HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nX-E:\r\n\r\n",
     {"HTTP/1.1 200 OK", "GET|/headers|a=%201&b|127.0.0.1", "|Host=x|X-A=1|x-a=2|X-E="}},
    {"GET /a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 200", "Content-Length: 0"}},
    {"GET http://other/headers HTTP/1.1\r\nHost: x\r\n\r\n", {"GET|/headers||"}},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 200"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
     {"HTTP/1.1 200", "Content-Length: 5", "\r\n\r\nhello"}},
    {"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
     {"HTTP/1.1 200", "\r\n\r\nhello"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n",
     {"HTTP/1.1 200", "Content-Length: 7", "\r\n\r\nabcdefg"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
     {"HTTP/1.1 400"}},
    {"HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 200", "Content-Length: 10"}},
    {"GET /file HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 200", "\r\n\r\n0123456789"}},
    {"GET /inject HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 201", "X-Good: fine", "ok"}},
    {"GET /refused HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 403", "no"}},
    {"GET / HTTP/1.1\r\n\r\n", {"HTTP/1.1 400"}},
    {"GET noslash HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 400"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n",
     {"HTTP/1.1 413", "Connection: close"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
     {"HTTP/1.1 400", "Connection: close"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
     {"HTTP/1.1 200", "\r\n\r\na"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     {"HTTP/1.1 400", "Connection: close"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     {"HTTP/1.1 400", "Connection: close"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", {"HTTP/1.1 400"}},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
     {"HTTP/1.1 413"}},
};

static void answers_raw_requests(void **state)
{
    static const size_t steps[] = {0, 1, 7};
    struct world w;
    (void)state;
    world_open(&w, 2048);
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            int fd = client_connect(w.port);
            assert_true(fd >= 0);
            struct ml_buf got = {0};
            bool closed;
            (void)client_send(w.loop, fd, cases[i].send, strlen(cases[i].send), steps[k]);
            bool head = strncmp(cases[i].send, "HEAD", 4) == 0;
            client_read(w.loop, fd, &got, head ? 200 : 3000, &closed);
            const char *at = got.n != 0 ? got.p : "";
            for (size_t j = 0; j < 4 && cases[i].expect[j] != NULL; j++) {
                const char *found = strstr(at, cases[i].expect[j]);
                if (found == NULL)
                    fail_msg("case %zu, step %zu: no '%s' in:\n%s", i, steps[k], cases[i].expect[j],
                             got.n != 0 ? got.p : "(nothing)");
                at = found;
            }
            assert_null(strstr(got.p, "X-Evil"));
            assert_null(strstr(got.p, "77"));
            ml_buf_free(&got);
            (void)close(fd);
        }
    world_close(&w);
    assert_int_equal(w.done >= w.requests, 1);
}

static void body_over_the_limit_is_413(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 2000000);
    static const char *const heads[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2500000\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2625A0\r\n",
    };
    char *body = ml_calloc(2500000, 1);
    for (size_t i = 0; i < 2; i++) {
        int fd = client_connect(w.port);
        struct ml_buf got = {0};
        bool closed;
        assert_true(client_send(w.loop, fd, heads[i], strlen(heads[i]), 0));
        assert_true(client_send(w.loop, fd, body, 2500000, 0));
        if (i == 1)
            assert_true(client_send(w.loop, fd, "\r\n0\r\n\r\n", 7, 0));
        client_read(w.loop, fd, &got, 3000, &closed);
        assert_non_null(got.p);
        assert_non_null(strstr(got.p, "HTTP/1.1 413"));
        ml_buf_free(&got);
        (void)close(fd);
    }
    assert_int_equal(w.requests, 0);
    ml_free(body);
    world_close(&w);
}

static void large_body_comes_back_unchanged(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    size_t n = 5000000;
    struct ml_buf req = {0}, got = {0};
    ml_buf_printf(&req, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
    for (size_t i = 0; i < n; i++)
        ml_buf_char(&req, (char)(i * 2654435761U >> 13));
    int fd = client_connect(w.port);
    bool closed;
    assert_true(client_send(w.loop, fd, req.p, req.n, 0));
    client_read(w.loop, fd, &got, 10000, &closed);
    const char *end = memmem(got.p, got.n, "\r\n\r\n", 4);
    assert_non_null(end);
    assert_int_equal(got.n - (size_t)(end + 4 - got.p), n);
    assert_memory_equal(end + 4, req.p + req.n - n, n);
    ml_buf_free(&req);
    ml_buf_free(&got);
    (void)close(fd);
    world_close(&w);
}

static void keep_alive_and_pipelining(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    struct ml_buf req = {0}, got = {0};
    for (int i = 0; i < 50; i++)
        ml_buf_cstr(&req, i % 2 != 0 ? "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
                                     : "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                       "4\r\n\r\n<42>");
    int fd = client_connect(w.port);
    assert_true(client_send(w.loop, fd, req.p, req.n, 0));
    uint64_t end = ml_now_ns() + 10000000000ULL;
    while (w.done < 50 && ml_now_ns() < end) {
        turn(w.loop);
        char *p = ml_buf_reserve(&got, 4096);
        ssize_t r = recv(fd, p, 4095, MSG_DONTWAIT);
        got.n += r > 0 ? (size_t)r : 0;
        usleep(100);
    }
    assert_int_equal(w.done, 50);
    ml_buf_free(&req);
    ml_buf_free(&got);
    (void)close(fd);
    world_close(&w);
}

static void stream_arrives_whole_and_drains(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    int fd = client_connect(w.port);
    const char *req = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_true(client_send(w.loop, fd, req, strlen(req), 0));
    for (int i = 0; i < 200; i++) {
        char chunk[1000];
        memset(chunk, 'a' + i % 26, sizeof chunk);
        while (w.streaming == NULL)
            turn(w.loop);
        assert_int_equal(ml_http_reply_write(w.streaming, (struct ml_str){chunk, 1000}), ML_OK);
        if (i % 3 == 0)
            turn(w.loop);
    }
    ml_http_reply_end(w.streaming, true);
    struct ml_buf got = {0};
    bool closed;
    client_read(w.loop, fd, &got, 3000, &closed);
    assert_true(client_complete(&got));
    size_t letters = 0;
    const char *body = strstr(got.p, "\r\n\r\n");
    for (const char *p = body; p < got.p + got.n; p++)
        letters += *p >= 'a' && *p <= 'z' && (p[1] >= 'a' || p[1] == '\r' || p[-1] >= 'a');
    assert_in_range(letters, 199000, 201000); /* chunk sizes hold a few hex letters */
    assert_true(w.drained > 0);
    assert_int_equal(w.done, 1);
    ml_buf_free(&got);
    (void)close(fd);
    world_close(&w);
}

static void a_client_that_leaves_is_noticed_by_a_stream(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    int fd = client_connect(w.port);
    const char *req = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_true(client_send(w.loop, fd, req, strlen(req), 0));
    while (w.streaming == NULL)
        turn(w.loop);
    (void)close(fd);
    for (int i = 0; i < 200 && !w.gone; i++) {
        (void)ml_http_reply_write(w.streaming, ML_STR("more"));
        turn(w.loop);
        usleep(500);
    }
    assert_true(w.gone);
    assert_int_equal(w.done, 0); /* the handler still holds it */
    (void)ml_http_reply_write(w.streaming, ML_STR("to nobody"));
    ml_http_reply_end(w.streaming, true);
    assert_int_equal(w.done, 1);
    world_close(&w);
}

static void cut_stream_has_no_last_chunk(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    int fd = client_connect(w.port);
    const char *req = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_true(client_send(w.loop, fd, req, strlen(req), 0));
    while (w.streaming == NULL)
        turn(w.loop);
    (void)ml_http_reply_write(w.streaming, ML_STR("half"));
    ml_http_reply_end(w.streaming, false);
    struct ml_buf got = {0};
    bool closed;
    client_read(w.loop, fd, &got, 2000, &closed);
    assert_true(closed);
    assert_false(client_complete(&got) && strstr(got.p, "0\r\n\r\n") != NULL);
    ml_buf_free(&got);
    (void)close(fd);
    world_close(&w);
}

/* Turns the loop until n bytes of the early request's body are there, or its state is this. */
static void wait_early(struct world *w, uint64_t n, enum ml_http_body_state state)
{
    uint64_t end = ml_now_ns() + 10000000000ULL;
    while ((w->early == NULL || w->early_bytes < n || w->early_state != state) && ml_now_ns() < end)
        turn(w->loop);
    assert_non_null(w->early);
    assert_int_equal(w->early_state, state);
}

static void an_early_request_sees_its_body_come(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    int fd = client_connect(w.port);
    const char *head = "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nabc";
    assert_true(client_send(w.loop, fd, head, strlen(head), 0));
    wait_early(&w, 3, ML_HTTP_BODY_COMING);
    assert_true(client_send(w.loop, fd, "defg", 4, 0));
    wait_early(&w, 7, ML_HTTP_BODY_WHOLE);
    echo(w.early);
    struct ml_buf got = {0};
    bool closed;
    client_read(w.loop, fd, &got, 3000, &closed);
    assert_non_null(strstr(got.p, "\r\n\r\nabcdefg"));
    assert_int_equal(w.requests, 1);
    ml_buf_free(&got);
    (void)close(fd);
    world_close(&w);
}

/* The reply is there before the body: it is sent when that was read off, and the connection lives on. */
static void an_early_reply_waits_for_the_body(void **state)
{
    static const char rest[] = "1000\r\n", next[] = "GET /headers HTTP/1.1\r\nHost: x\r\n\r\n";
    (void)state;
    struct world w;
    char block[4096 + 2];
    world_open(&w, 0);
    int fd = client_connect(w.port);
    const char *head =
        "POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
    assert_true(client_send(w.loop, fd, head, strlen(head), 0));
    wait_early(&w, 1, ML_HTTP_BODY_COMING);
    (void)ml_http_reply_text(w.early, 200, NULL, ML_STR("soon"));
    w.early = NULL; /* on_body is not called again */
    memset(block, 'x', sizeof block);
    memcpy(block + 4096, "\r\n", 2);
    for (int i = 0; i < 100; i++) {
        assert_true(client_send(w.loop, fd, rest, strlen(rest), 0));
        assert_true(client_send(w.loop, fd, block, sizeof block, 0));
    }
    assert_true(client_send(w.loop, fd, "0\r\n\r\n", 5, 0));
    struct ml_buf got = {0};
    bool closed;
    client_read(w.loop, fd, &got, 3000, &closed);
    assert_non_null(strstr(got.p, "\r\n\r\nsoon"));
    ml_buf_clear(&got);
    assert_true(client_send(w.loop, fd, next, strlen(next), 0));
    client_read(w.loop, fd, &got, 3000, &closed);
    assert_non_null(strstr(got.p, "GET|/headers"));
    ml_buf_free(&got);
    (void)close(fd);
    world_close(&w);
}

static void an_early_request_learns_that_its_body_ends_badly(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 2048);
    int fd = client_connect(w.port);
    const char *head = "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc";
    assert_true(client_send(w.loop, fd, head, strlen(head), 0));
    wait_early(&w, 3, ML_HTTP_BODY_COMING);
    (void)close(fd);
    wait_early(&w, 3, ML_HTTP_BODY_BROKEN);
    assert_int_equal(w.done, 0); /* the handler still holds it */
    (void)ml_http_reply_text(w.early, 500, NULL, ML_STR(""));
    assert_int_equal(w.done, 1);

    w.early = NULL;
    w.early_bytes = 0;
    char block[4096];
    memset(block, 'x', sizeof block);
    fd = client_connect(w.port);
    head = "POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n";
    assert_true(client_send(w.loop, fd, head, strlen(head), 0));
    assert_true(client_send(w.loop, fd, block, sizeof block, 0));
    wait_early(&w, 0, ML_HTTP_BODY_TOO_LARGE);
    (void)ml_http_reply_text(w.early, 413, NULL, ML_STR("too much"));
    assert_true(client_send(w.loop, fd, "\r\n0\r\n\r\n", 7, 0));
    struct ml_buf got = {0};
    bool closed;
    client_read(w.loop, fd, &got, 3000, &closed);
    assert_non_null(strstr(got.p, "HTTP/1.1 413"));
    ml_buf_free(&got);
    (void)close(fd);
    world_close(&w);
}

static void slow_clients_are_cut(void **state)
{
    static const char *const starts[] = {
        "G", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx"};
    struct world w;
    (void)state;
    world_open(&w, 0);
    int fd[3];
    bool closed[3] = {false};
    for (int i = 0; i < 3; i++) {
        fd[i] = client_connect(w.port);
        assert_true(client_send(w.loop, fd[i], starts[i], strlen(starts[i]), 0));
    }
    uint64_t start = ml_now_ns();
    while (ml_now_ns() - start < 6000000000ULL && !(closed[0] && closed[1] && closed[2])) {
        turn(w.loop);
        for (int i = 0; i < 3; i++) {
            char b[512];
            if (!closed[i]) {
                (void)send(fd[i], "x", 1, MSG_NOSIGNAL); /* a byte now and then */
                closed[i] = recv(fd[i], b, sizeof b, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
            }
        }
        usleep(100000);
    }
    assert_true(closed[0] && closed[1] && closed[2]);
    assert_int_equal(w.requests, 0);
    for (int i = 0; i < 3; i++)
        (void)close(fd[i]);
    world_close(&w);
}

static void oversized_headers_are_431(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    static const size_t sizes[] = {33000, 60000, 300000};
    for (size_t i = 0; i < 3; i++) {
        struct ml_buf req = {0}, got = {0};
        bool closed;
        ml_buf_cstr(&req, "GET /headers HTTP/1.1\r\nHost: x\r\nX-Big: ");
        ml_buf_fill(&req, 'x', sizes[i]);
        ml_buf_cstr(&req, "\r\n\r\n");
        int fd = client_connect(w.port);
        (void)client_send(w.loop, fd, req.p, req.n, 4096);
        client_read(w.loop, fd, &got, 2000, &closed);
        if (got.n != 0) /* the largest may be reset before it is read */
            assert_non_null(strstr(got.p, "HTTP/1.1 431"));
        assert_true(got.n != 0 || sizes[i] > 100000);
        ml_buf_free(&req);
        ml_buf_free(&got);
        (void)close(fd);
    }
    assert_int_equal(w.requests, 0);
    world_close(&w);
}

static void tls_on_a_plain_port_is_told(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 0);
    int fd = client_connect(w.port);
    assert_true(client_send(w.loop, fd, "\x16\x03\x01\x02\x00\x01", 6, 0));
    for (int i = 0; i < 500 && w.hellos == 0; i++) {
        turn(w.loop);
        usleep(1000);
    }
    assert_int_equal(w.hellos, 1);
    (void)close(fd);
    world_close(&w);
}

static void busy_port_and_bad_address_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    struct ml_error e;
    world_open(&w, 0);
    assert_int_equal(ml_http_server_listen(w.server, "127.0.0.1", w.port, NULL, &e), ML_EBUSY);
    assert_int_equal(ml_http_server_listen(w.server, "localhost", 0, NULL, &e), ML_EINVALID);
    world_close(&w);
}

static int open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

static void closing_with_work_in_hand_leaks_nothing(void **state)
{
    (void)state;
    int before = open_descriptors();
    struct world w;
    world_open(&w, 0);
    int fd[20];
    for (int i = 0; i < 20; i++) {
        const char *req = i % 2 != 0 ? "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
                                     : "POST / HTTP/1.1\r\nHo";
        fd[i] = client_connect(w.port);
        assert_true(client_send(w.loop, fd[i], req, strlen(req), 0));
    }
    for (int i = 0; i < 200 && w.requests < 10; i++)
        turn(w.loop);
    assert_int_equal(w.requests, 10);
    ml_http_server_drain(w.server);
    assert_int_equal(client_connect(w.port), -1);
    world_close(&w);
    assert_int_equal(w.done, 10);
    for (int i = 0; i < 20; i++)
        (void)close(fd[i]);
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_raw_requests),
        cmocka_unit_test(body_over_the_limit_is_413),
        cmocka_unit_test(large_body_comes_back_unchanged),
        cmocka_unit_test(keep_alive_and_pipelining),
        cmocka_unit_test(stream_arrives_whole_and_drains),
        cmocka_unit_test(a_client_that_leaves_is_noticed_by_a_stream),
        cmocka_unit_test(cut_stream_has_no_last_chunk),
        cmocka_unit_test(an_early_request_sees_its_body_come),
        cmocka_unit_test(an_early_reply_waits_for_the_body),
        cmocka_unit_test(an_early_request_learns_that_its_body_ends_badly),
        cmocka_unit_test(slow_clients_are_cut),
        cmocka_unit_test(oversized_headers_are_431),
        cmocka_unit_test(tls_on_a_plain_port_is_told),
        cmocka_unit_test(busy_port_and_bad_address_are_told_apart),
        cmocka_unit_test(closing_with_work_in_hand_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
