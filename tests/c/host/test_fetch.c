/* tests/c/host/test_fetch.c -- requests to a server of our own, on the same loop. SPDX-License-Identifier: MIT */
#include "host/fetch.h"

#include "../test.h"
#include "http/server.h"

struct world {
    struct ml_loop *loop;
    struct ml_http_server *server;
    struct ml_fetcher *fetcher;
    char url[64];
    int pending;
    int status;
    char problem[200];
    char etag[32];
    uint64_t bytes;
    char body[64];
};

/* "/n/BYTES" answers so many bytes; else the request is told back. */
static void on_request(void *user, struct ml_http_request *r)
{
    struct ml_buf b = {0};
    struct ml_str body;
    (void)user;
    assert_int_equal(ml_body_view(&r->body, &body), ML_OK);
    if (ml_str_starts(r->path, ML_STR("/n/")))
        ml_buf_fill(&b, 'x', strtoul(r->path.p + 3, NULL, 10));
    else
        ml_buf_printf(&b, "%.*s %zu %.*s", (int)r->method.n, r->method.p, body.n,
                      (int)ml_http_header(r, ML_STR("X-One")).n,
                      ml_http_header(r, ML_STR("X-One")).p);
    const struct ml_http_field etag = {ML_STR("ETag"), ML_STR("\"1\"")};
    const struct ml_http_reply reply = {
        .status = 201, .headers = &etag, .n_headers = 1, .body = ml_buf_view(&b)};
    assert_int_equal(ml_http_reply(r, &reply), ML_OK);
    ml_buf_free(&b);
}

static void on_answer(void *user, struct ml_fetch_answer *a)
{
    struct world *w = user;
    struct ml_str body = {NULL, 0}, etag = ml_fetch_header(a, "etag");
    w->status = a->status;
    w->bytes = a->body.bytes;
    (void)snprintf(w->problem, sizeof w->problem, "%s", a->problem != NULL ? a->problem : "");
    (void)snprintf(w->etag, sizeof w->etag, "%.*s", (int)etag.n, etag.p);
    assert_int_equal(ml_body_view(&a->body, &body), ML_OK);
    (void)snprintf(w->body, sizeof w->body, "%.*s", (int)(body.n < 60 ? body.n : 60),
                   body.n != 0 ? body.p : "");
    if (--w->pending == 0)
        ml_loop_stop(w->loop);
}

static void ask(struct world *w, const char *method, const char *path, struct ml_fetch_order o)
{
    static const char *const headers[] = {"X-One: yes", NULL};
    char url[200];
    (void)snprintf(url, sizeof url, "%s%s", w->url, path);
    o.method = method;
    o.url = url;
    o.headers = headers;
    w->pending++;
    assert_int_equal(ml_fetch(w->fetcher, &o, on_answer, w), ML_OK);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct ml_http_options o = {.handler = {.on_request = on_request}};
    uint16_t port;
    assert_int_equal(ml_loop_new(&w->loop), ML_OK);
    assert_int_equal(ml_http_server_new(w->loop, &o, &w->server, NULL), ML_OK);
    assert_int_equal(ml_http_server_listen(w->server, "127.0.0.1", 0, &port, NULL), ML_OK);
    assert_int_equal(ml_fetcher_new(w->loop, &w->fetcher), ML_OK);
    (void)snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", (unsigned)port);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    ml_fetcher_free(w->fetcher);
    ml_http_server_free(w->server);
    ml_loop_free(w->loop);
    free(w);
    return 0;
}

static void methods_headers_and_bodies_arrive(void **state)
{
    struct world *w = *state;
    ask(w, "GET", "/", (struct ml_fetch_order){0});
    ml_loop_run(w->loop);
    assert_int_equal(w->status, 201);
    assert_string_equal(w->body, "GET 0 yes");
    assert_string_equal(w->etag, "\"1\"");
    ask(w, "PUT", "/", (struct ml_fetch_order){.body = ML_STR("12345")});
    ml_loop_run(w->loop);
    assert_string_equal(w->body, "PUT 5 yes");
    ask(w, "PUT", "/", (struct ml_fetch_order){0});
    ml_loop_run(w->loop);
    assert_string_equal(w->body, "PUT 0 yes");
    ask(w, "DELETE", "/", (struct ml_fetch_order){0});
    ml_loop_run(w->loop);
    assert_string_equal(w->body, "DELETE 0 yes");
}

static void long_bodies_go_by_file(void **state)
{
    struct world *w = *state;
    struct ml_body file = {.memory_max = 1000};
    char chunk[10000];
    memset(chunk, 'y', sizeof chunk);
    for (int i = 0; i < 300; i++)
        assert_int_equal(ml_body_add(&file, (struct ml_str){chunk, sizeof chunk}), ML_OK);
    ask(w, "PUT", "/", (struct ml_fetch_order){.body_file = &file});
    ml_loop_run(w->loop);
    assert_string_equal(w->body, "PUT 3000000 yes");
    ml_body_release(&file);
    ask(w, "GET", "/n/3000000", (struct ml_fetch_order){.memory_max = 1000});
    ml_loop_run(w->loop);
    assert_int_equal(w->bytes, 3000000);
}

static void an_answer_that_is_too_long_fails(void **state)
{
    struct world *w = *state;
    ask(w, "GET", "/n/5000", (struct ml_fetch_order){.answer_max = 4999});
    ml_loop_run(w->loop);
    assert_int_equal(w->status, 0);
    assert_string_equal(w->problem, "the answer is too long");
    ask(w, "GET", "/n/5000", (struct ml_fetch_order){.answer_max = 5000});
    ml_loop_run(w->loop);
    assert_int_equal(w->status, 201);
}

static void nobody_there_is_a_problem(void **state)
{
    struct world *w = *state;
    (void)snprintf(w->url, sizeof w->url, "http://127.0.0.1:1");
    ask(w, "GET", "/", (struct ml_fetch_order){0});
    ml_loop_run(w->loop);
    assert_int_equal(w->status, 0);
    assert_true(w->problem[0] != '\0');
}

static void many_at_once_and_some_given_up(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 50; i++)
        ask(w, "GET", "/", (struct ml_fetch_order){0});
    ml_loop_run(w->loop);
    assert_int_equal(w->pending, 0);
    ask(w, "GET", "/n/100000", (struct ml_fetch_order){0});
    ask(w, "GET", "/n/100000", (struct ml_fetch_order){0});
    ml_fetcher_free(w->fetcher); /* while they run */
    w->fetcher = NULL;
    assert_int_equal(w->pending, 0);
    assert_int_equal(w->status, 0);
    assert_string_equal(w->problem, "given up at the end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(methods_headers_and_bodies_arrive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_bodies_go_by_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_is_too_long_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_there_is_a_problem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_at_once_and_some_given_up, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
