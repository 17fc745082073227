/* host/front.c -- HTTP requests on their way to a function.
 *
 *   CORS preflight -> /admin -> readiness (wait up to 30 s) -> route -> key -> limits -> invoke
 *
 * SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "host/cors.h"
#include "host/endpoints.h"
#include "host/home.h"
#include "host/keys.h"
#include "host/record.h"
#include "http/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WAIT_S = 30 };
#define S_NS UINT64_C(1000000000)

/* What an http invocation needs while its inputs are written. */
struct http_input {
    struct ml_host *host;
    struct ml_http_request *r;
    const struct ml_function *fn;
    const struct ml_route_value *values;
    size_t n_values;
};

/* -- plain answers ------------------------------------------------------------------------------- */

static void reply_with_cors(struct ml_host *h, struct ml_http_request *r, int status,
                            const char *type, struct ml_str text)
{
    struct ml_http_field f[ML_CORS_FIELDS + 1];
    size_t n = ml_cors_fields(h->cors, r, false, f);
    if (type != NULL)
        f[n++] = (struct ml_http_field){ML_STR("Content-Type"), ml_str_of(type)};
    struct ml_http_reply reply = {.status = status, .headers = f, .n_headers = n, .body = text};
    (void)ml_http_reply(r, &reply);
}

void ml_front_fail(struct ml_host *h, struct ml_http_request *r, int status)
{
    reply_with_cors(h, r, status, NULL, ML_STR(""));
}

static void not_running(struct ml_host *h, struct ml_http_request *r)
{
    reply_with_cors(h, r, 503, "text/plain; charset=utf-8",
                    ML_STR("Function host is not running."));
}

/* -- the request as the function sees it (specs 3.3) ---------------------------------------------- */

static void lower(struct ml_buf *b, struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++)
        ml_buf_char(b, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]));
}

static bool same_name(struct ml_str a, struct ml_str b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* Fields of one name are joined with a comma, at the place of the first. */
static void write_headers(const struct ml_http_request *r, struct ml_buf *b)
{
    bool first = true, chunked = false;
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct ml_http_field *f = &r->headers[i];
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = same_name(r->headers[k].name, f->name);
        if (seen)
            continue;
        chunked = chunked || same_name(f->name, ML_STR("Transfer-Encoding"));
        struct ml_buf name = {0}, value = {0};
        lower(&name, f->name);
        ml_buf_str(&value, f->value);
        for (size_t k = i + 1; k < r->n_headers; k++)
            if (same_name(r->headers[k].name, f->name)) {
                ml_buf_char(&value, ',');
                ml_buf_str(&value, r->headers[k].value);
            }
        ml_buf_cstr(b, first ? "" : ",");
        ml_buf_json(b, ml_buf_view(&name));
        ml_buf_char(b, ':');
        ml_buf_json(b, ml_buf_view(&value));
        ml_buf_free(&name);
        ml_buf_free(&value);
        first = false;
    }
    if (chunked && !r->early)
        ml_buf_printf(b, "%s\"content-length\":\"%llu\"", first ? "" : ",",
                      (unsigned long long)r->body.bytes);
}

struct pair {
    struct ml_str name;
    struct ml_str value;
};

/* Duplicates joined with a comma, empty values dropped. At most 512 pairs are looked at. */
static void write_query(struct ml_http_request *r, struct ml_buf *b)
{
    enum { MAX_PAIRS = 512 };
    struct pair *pairs = ml_arena_alloc(&r->arena, MAX_PAIRS, sizeof *pairs);
    struct ml_str rest = r->query, name, value;
    size_t n = 0;
    bool first = true;
    while (pairs != NULL && n < MAX_PAIRS && ml_url_next_pair(&rest, &name, &value)) {
        pairs[n].name = ml_url_decode(&r->arena, name, true);
        pairs[n].value = ml_url_decode(&r->arena, value, true);
        if (pairs[n].name.p != NULL && pairs[n].value.n != 0)
            n++;
    }
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = ml_str_eq(pairs[k].name, pairs[i].name);
        if (seen)
            continue;
        struct ml_buf v = {0};
        ml_buf_str(&v, pairs[i].value);
        for (size_t k = i + 1; k < n; k++)
            if (ml_str_eq(pairs[k].name, pairs[i].name)) {
                ml_buf_char(&v, ',');
                ml_buf_str(&v, pairs[k].value);
            }
        ml_buf_cstr(b, first ? "" : ",");
        ml_buf_json(b, pairs[i].name);
        ml_buf_char(b, ':');
        ml_buf_json(b, ml_buf_view(&v));
        ml_buf_free(&v);
        first = false;
    }
}

static void write_body(struct ml_http_request *r, struct ml_buf *b, struct ml_buf *payload)
{
    struct ml_str body = {NULL, 0};
    if (r->early) { /* it may still be coming in */
        ml_buf_cstr(b, "{\"t\":\"bytes\",\"chunks\":true,\"n\":-1}");
        return;
    }
    if (r->body.bytes > ML_BODY_INLINE) {
        ml_buf_printf(b, "{\"t\":\"bytes\",\"chunks\":true,\"n\":%llu}",
                      (unsigned long long)r->body.bytes);
        return;
    }
    (void)ml_body_view(&r->body, &body);
    ml_buf_printf(b, "{\"t\":\"bytes\",\"at\":%zu,\"n\":%zu}", payload->n, body.n);
    ml_buf_str(payload, body);
}

static void write_http_input(void *user, struct ml_buf *b, struct ml_buf *payload)
{
    const struct http_input *in = user;
    struct ml_http_request *r = in->r;
    struct ml_str host = ml_http_header(r, ML_STR("Host"));
    struct ml_buf url = {0};
    ml_buf_json(b, ml_str_of(in->fn->trigger_param));
    ml_buf_cstr(b, ":{\"t\":\"http\",\"method\":\"");
    for (size_t i = 0; i < r->method.n; i++) {
        char c = r->method.p[i];
        ml_buf_char(b, (char)(c >= 'a' && c <= 'z' ? c - 32 : c == '"' || c == '\\' ? '_' : c));
    }
    ml_buf_cstr(b, "\",\"url\":");
    ml_buf_cstr(&url, r->tls ? "https://" : "http://");
    ml_buf_str(&url, host);
    ml_buf_str(&url, r->target);
    ml_buf_json(b, ml_buf_view(&url));
    ml_buf_free(&url);
    ml_buf_cstr(b, ",\"headers\":{");
    write_headers(r, b);
    ml_buf_cstr(b, "},\"query\":{");
    write_query(r, b);
    ml_buf_cstr(b, "},\"params\":{");
    for (size_t i = 0; i < in->n_values; i++) {
        ml_buf_cstr(b, i > 0 ? "," : "");
        ml_buf_json(b, in->values[i].name);
        ml_buf_char(b, ':');
        ml_buf_json(b, in->values[i].value);
    }
    ml_buf_cstr(b, "},\"body\":");
    write_body(r, b, payload);
    ml_buf_char(b, '}');
}

/* -- serving ------------------------------------------------------------------------------------- */

static const char api_reason[] = "This function was programmatically called via the host APIs.";

static void tell_request(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_str agent = ml_http_header(r, ML_STR("User-Agent"));
    ml_host_log(h, "Host.Http", ML_LEVEL_INFORMATION,
                "Executing HTTP request: {\n  \"method\": \"%.*s\",\n  \"userAgent\": \"%.*s\",\n  "
                "\"uri\": \"%.*s\"\n}",
                (int)r->method.n, r->method.p, (int)agent.n, agent.n != 0 ? agent.p : "",
                (int)r->path.n, r->path.p);
}

static void run_function(struct ml_host *h, struct ml_http_request *r, struct ml_function *fn,
                         const struct ml_route_value *values, size_t n_values)
{
    struct http_input in = {h, r, fn, values, n_values};
    struct ml_call call = {
        .fn = fn,
        .reason = api_reason,
        .http = r,
        .reply = true,
        .write_inputs = write_http_input,
        .user = &in,
        .retry_max = ML_NO_RETRY,
    };
    if (ml_console_shows(&h->console, "Host.Http", ML_LEVEL_INFORMATION))
        tell_request(h, r);
    h->http_running++;
    r->user = NULL;
    int rc = ml_invoke(h, &call);
    if (rc == ML_OK)
        return;
    h->http_running--;
    if (rc == ML_EBUSY)
        not_running(h, r);
    else
        ml_front_fail(h, r, 500);
}

static struct ml_function *find_route(struct ml_host *h, struct ml_http_request *r,
                                      struct ml_str method, struct ml_route_value **values,
                                      size_t *n, struct ml_function **missed)
{
    *missed = NULL;
    for (size_t i = 0; h->app != NULL && i < h->app->n_routes; i++) {
        struct ml_function *f = h->app->routes[i];
        if (ml_route_match(f->route, r->path, &r->arena, values, n) != ML_OK)
            continue;
        if (ml_function_takes(f, method))
            return f;
        if (*missed == NULL)
            *missed = f;
    }
    return NULL;
}

static void no_route(struct ml_host *h, struct ml_http_request *r, struct ml_function *missed)
{
    if (missed == NULL) {
        if (ml_str_eq(r->path, ML_STR("/")))
            ml_home_serve(h, r);
        else
            reply_with_cors(h, r, 404, NULL, ML_STR(""));
        return;
    }
    struct ml_buf b = {0};
    ml_function_methods(missed, true, &b);
    ml_host_log(h, "Host.Http", ML_LEVEL_WARNING,
                "%.*s %.*s: the function '%s' serves this path, but only for %s.", (int)r->method.n,
                r->method.p, (int)r->path.n, r->path.p, missed->name, b.n != 0 ? b.p : "");
    struct ml_http_field f[ML_CORS_FIELDS + 1];
    size_t n = ml_cors_fields(h->cors, r, false, f);
    if (h->o->strict_http)
        f[n++] = (struct ml_http_field){ML_STR("Allow"), ml_buf_view(&b)};
    struct ml_http_reply reply = {
        .status = h->o->strict_http ? 405 : 404, .headers = f, .n_headers = n};
    (void)ml_http_reply(r, &reply);
    ml_buf_free(&b);
}

static void serve_function(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_route_value *values = NULL;
    struct ml_function *missed;
    size_t n = 0;
    struct ml_function *fn = find_route(h, r, r->method, &values, &n, &missed);
    if (fn == NULL && h->o->strict_http && ml_str_eq(r->method, ML_STR("HEAD")))
        fn = find_route(h, r, ML_STR("GET"), &values, &n, &missed);
    if (fn == NULL) {
        no_route(h, r, missed);
    } else if (h->keys != NULL && fn->auth != ML_AUTH_ANONYMOUS &&
               !ml_keys_allow(h->keys, r, fn->auth == ML_AUTH_ADMIN)) {
        reply_with_cors(h, r, 401, NULL, ML_STR(""));
    } else if (r->early && !fn->stream) { /* it was another one when the headers came */
        not_running(h, r);
    } else if (fn->error != NULL) { /* it could not be loaded */
        ml_host_log(h, "Host.Executor", ML_LEVEL_ERROR, "The function '%s' cannot run: %s",
                    fn->name, fn->error);
        ml_front_fail(h, r, 500);
    } else {
        run_function(h, r, fn, values, n);
    }
}

static bool wait_for_worker(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_waiting w = {r, ml_now_ns()};
    if (ml_vec_push(&h->waiting, w) != ML_OK)
        ml_front_fail(h, r, 503);
    return true;
}

static void serve(struct ml_host *h, struct ml_http_request *r)
{
    if (h->state == ML_HOST_ERROR || h->state == ML_HOST_STOPPING || h->draining)
        not_running(h, r);
    else if (!ml_host_is_ready(h))
        (void)wait_for_worker(h, r);
    else if (h->max_outstanding >= 0 &&
             (int64_t)(h->http_running + h->queued.n) >= h->max_outstanding)
        ml_front_fail(h, r, 429);
    else if (h->max_concurrent >= 0 && (int64_t)h->http_running >= h->max_concurrent) {
        if (ml_vec_push(&h->queued, ((struct ml_waiting){r, 0})) != ML_OK)
            ml_front_fail(h, r, 503);
    } else {
        serve_function(h, r);
    }
}

void ml_front_release(struct ml_host *h)
{
    struct ml_waiting *at = h->waiting.at;
    size_t n = h->waiting.n;
    h->waiting.at = NULL; /* serving may make requests wait again */
    h->waiting.n = h->waiting.cap = 0;
    for (size_t i = 0; i < n; i++)
        serve(h, at[i].r);
    ml_free(at);
}

void ml_front_tick(struct ml_host *h, uint64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->waiting.n; i++) {
        struct ml_waiting w = h->waiting.at[i];
        if (now > w.since_ns && now - w.since_ns > WAIT_S * S_NS)
            not_running(h, w.r);
        else
            h->waiting.at[kept++] = w;
    }
    h->waiting.n = kept;
}

void ml_front_ended(struct ml_host *h)
{
    h->http_running--;
    while (h->queued.n != 0 &&
           (h->max_concurrent < 0 || (int64_t)h->http_running < h->max_concurrent)) {
        struct ml_http_request *r = h->queued.at[0].r;
        h->queued.n--;
        memmove(h->queued.at, h->queued.at + 1, h->queued.n * sizeof *h->queued.at);
        serve(h, r);
    }
}

/* -- what the server calls ----------------------------------------------------------------------- */

static void on_request(void *user, struct ml_http_request *r)
{
    struct ml_host *h = user;
    if (ml_cors_preflight(h->cors, r) || ml_admin_serve(h, r))
        return;
    struct ml_route_value *values = NULL;
    struct ml_function *missed;
    size_t n = 0;
    if (ml_endpoints_is_path(h, r) && /* a function's route goes first */
        find_route(h, r, r->method, &values, &n, &missed) == NULL && ml_endpoints_serve(h, r))
        return;
    serve(h, r);
}

/* A function that reads its body as a stream gets it as it comes. */
static void on_headers(void *user, struct ml_http_request *r)
{
    struct ml_host *h = user;
    struct ml_route_value *values = NULL;
    struct ml_function *missed;
    size_t n = 0;
    if (h->app == NULL || !h->app->streams ||
        (ml_http_header(r, ML_STR("Content-Length")).p == NULL &&
         ml_http_header(r, ML_STR("Transfer-Encoding")).p == NULL))
        return;
    const struct ml_function *fn = find_route(h, r, r->method, &values, &n, &missed);
    r->early = fn != NULL && fn->stream;
}

static void on_body(void *user, struct ml_http_request *r)
{
    (void)user;
    if (r->user != NULL)
        ml_invocation_body(r->user);
}

static void on_drain(void *user, struct ml_http_request *r, size_t n, bool gone)
{
    (void)user;
    if (r->user != NULL)
        ml_invocation_drained(r->user, n, gone);
}

static void on_tls_hello(void *user)
{
    struct ml_host *h = user;
    ml_host_log(h, "Host.Http", ML_LEVEL_WARNING,
                "A client spoke https to this port, which serves http: use http://localhost:%u, or "
                "start with --useHttps.",
                (unsigned)h->port);
}

void ml_front_handler(struct ml_host *h, struct ml_http_handler *out)
{
    *out = (struct ml_http_handler){.user = h,
                                    .on_request = on_request,
                                    .on_headers = on_headers,
                                    .on_body = on_body,
                                    .on_drain = on_drain,
                                    .on_tls_hello = on_tls_hello};
}
