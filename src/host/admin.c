/* host/admin.c -- /admin: ping, status, functions, a run by hand, restart, drain (specs 3.6).
 *
 * SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "base/mem.h"
#include "host/keys.h"
#include "host/timer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char content_type[] = "application/json; charset=utf-8";

static void reply_json(struct ml_http_request *r, int status, struct ml_buf *b)
{
    (void)ml_http_reply_text(r, b->status == ML_OK ? status : 500, content_type, ml_buf_view(b));
    ml_buf_free(b);
}

static void reply_empty(struct ml_http_request *r, int status)
{
    (void)ml_http_reply_text(r, status, NULL, ML_STR(""));
}

/* -- the host ------------------------------------------------------------------------------------ */

static const char *state_name(const struct ml_host *h)
{
    switch (h->state) {
    case ML_HOST_RUNNING:
        return "Running";
    case ML_HOST_ERROR:
        return "Error";
    case ML_HOST_STOPPING:
        return "Stopping";
    default:
        return "Starting";
    }
}

static void serve_status(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_buf b = {0};
    ml_buf_printf(&b,
                  "{\"id\":\"%s\",\"state\":\"%s\",\"version\":\"4.1052.0.0\",\"versionDetails\":"
                  "\"memline %s\",\"processUptime\":%llu,\"functionAppContentEditingState\":"
                  "\"NotAllowed\"",
                  h->instance_id, state_name(h), ML_VERSION,
                  (unsigned long long)((ml_now_ns() - h->start_ns) / 1000000));
    if (h->app_error != NULL) {
        ml_buf_cstr(&b, ",\"errors\":[");
        ml_buf_json(&b, ml_str_of(h->app_error));
        ml_buf_char(&b, ']');
    }
    ml_buf_char(&b, '}');
    reply_json(r, 200, &b);
}

static void serve_processes(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_buf b = {0};
    ml_buf_printf(&b, "{\"host\":{\"pid\":%d},\"workers\":[", (int)getpid());
    bool first = true;
    for (int i = 0; i < h->n_slots; i++) {
        if (h->slots[i].worker == NULL)
            continue;
        ml_buf_printf(&b, "%s{\"pid\":%d,\"running\":%zu}", first ? "" : ",",
                      (int)ml_worker_pid(h->slots[i].worker), h->slots[i].running);
        first = false;
    }
    ml_buf_cstr(&b, "]}");
    reply_json(r, 200, &b);
}

/* -- functions ----------------------------------------------------------------------------------- */

static void write_json(struct ml_buf *b, const json_t *v)
{
    char *s = v != NULL ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    ml_buf_cstr(b, s != NULL ? s : "null");
    free(s);
}

static void write_function(const struct ml_host *h, const struct ml_function *f, struct ml_buf *b)
{
    const char *script = ml_json_text(f->entry, "script_file");
    ml_buf_cstr(b, "{\"name\":");
    ml_buf_json(b, ml_str_of(f->name));
    ml_buf_printf(
        b, ",\"script_href\":\"%s/admin/vfs/%s\",\"config_href\":\"%s/admin/vfs/%s/function.json\"",
        h->base_url, script != NULL ? script : "", h->base_url, f->name);
    ml_buf_printf(b, ",\"href\":\"%s/admin/functions/%s\",\"invoke_url_template\":", h->base_url,
                  f->name);
    if (f->route != NULL) {
        struct ml_buf url = {0};
        ml_buf_printf(&url, "%s/%s", h->base_url, ml_route_text(f->route));
        ml_buf_json(b, ml_buf_view(&url));
        ml_buf_free(&url);
    } else {
        ml_buf_cstr(b, "null");
    }
    ml_buf_cstr(b, ",\"language\":\"python\",\"config\":{\"bindings\":");
    write_json(b, json_object_get(f->entry, "bindings"));
    ml_buf_cstr(b, ",\"scriptFile\":");
    write_json(b, json_object_get(f->entry, "script_file"));
    ml_buf_cstr(b, ",\"entryPoint\":");
    write_json(b, json_object_get(f->entry, "entry_point"));
    ml_buf_printf(b,
                  "},\"files\":null,\"test_data\":null,\"isDisabled\":%s,\"isDirect\":true,"
                  "\"isProxy\":false}",
                  f->disabled ? "true" : "false");
}

static void serve_list(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_buf b = {0};
    ml_buf_char(&b, '[');
    for (size_t i = 0; h->app != NULL && i < h->app->n; i++) {
        ml_buf_cstr(&b, i > 0 ? "," : "");
        write_function(h, &h->app->functions[i], &b);
    }
    ml_buf_char(&b, ']');
    reply_json(r, 200, &b);
}

static void serve_function_status(struct ml_http_request *r, const struct ml_function *f)
{
    struct ml_buf b = {0};
    ml_buf_char(&b, '{');
    if (f->error != NULL) {
        ml_buf_cstr(&b, "\"errors\":[");
        ml_buf_json(&b, ml_str_of(f->error));
        ml_buf_char(&b, ']');
    }
    ml_buf_char(&b, '}');
    reply_json(r, 200, &b);
}

/* -- a run by hand ------------------------------------------------------------------------------- */

struct manual {
    const struct ml_host *host;
    const struct ml_function *fn;
    struct ml_str input;
};

static void write_manual(void *user, struct ml_buf *b, struct ml_buf *payload)
{
    const struct manual *m = user;
    ml_buf_json(b, ml_str_of(m->fn->trigger_param));
    if (m->fn->kind == ML_TRIGGER_HTTP) {
        struct ml_buf url = {0};
        ml_buf_printf(&url, "%s/%s", m->host->base_url,
                      m->fn->route != NULL ? ml_route_text(m->fn->route) : m->fn->name);
        ml_buf_cstr(b, ":{\"t\":\"http\",\"method\":\"POST\",\"url\":");
        ml_buf_json(b, ml_buf_view(&url));
        ml_buf_printf(
            b,
            ",\"headers\":{\"content-type\":\"application/json\",\"content-length\":\"%zu\"},"
            "\"query\":{},\"params\":{},\"body\":{\"t\":\"bytes\",\"at\":0,\"n\":%zu}}",
            m->input.n, m->input.n);
        ml_buf_str(payload, m->input);
        ml_buf_free(&url);
        return;
    }
    if (m->fn->kind == ML_TRIGGER_TIMER) {
        const struct ml_timer_info info = {0};
        struct ml_buf json = {0};
        ml_timer_payload(&json, &info);
        ml_buf_cstr(b, ":{\"t\":\"json\",\"v\":");
        ml_buf_json(b, ml_buf_view(&json));
        ml_buf_free(&json);
    } else {
        ml_buf_cstr(b, ":{\"t\":\"string\",\"v\":");
        ml_buf_json(b, m->input);
    }
    ml_buf_char(b, '}');
}

static void serve_run(struct ml_host *h, struct ml_http_request *r, struct ml_function *f)
{
    struct ml_str body;
    (void)ml_body_view(&r->body, &body);
    json_t *doc = json_loadb(body.n != 0 ? body.p : "", body.n, 0, NULL);
    const json_t *input = json_object_get(doc, "input");
    if (!json_is_object(doc) || (input != NULL && !json_is_string(input) && !json_is_null(input))) {
        json_decref(doc);
        reply_empty(r, 400);
        return;
    }
    struct manual m = {h, f, ml_str_of(json_is_string(input) ? json_string_value(input) : "")};
    struct ml_call call = {
        .fn = f,
        .reason = "This function was programmatically called via the host APIs.",
        .write_inputs = write_manual,
        .user = &m,
        .retry_max = ML_NO_RETRY,
    };
    int rc = f->error == NULL ? ml_invoke(h, &call) : ML_EINVALID;
    json_decref(doc);
    reply_empty(r, rc == ML_OK ? 202 : rc == ML_EBUSY ? 503 : 500);
}

static void serve_functions(struct ml_host *h, struct ml_http_request *r, struct ml_str rest)
{
    char name[140];
    bool status = ml_str_ends(rest, ML_STR("/status"));
    size_t n = rest.n - (status ? 7 : 0);
    if (n == 0 && !status) {
        serve_list(h, r);
        return;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(n < 139 ? n : 139), rest.p);
    struct ml_function *f = ml_app_find(h->app, name);
    if (f == NULL) {
        reply_empty(r, 404);
    } else if (status) {
        serve_function_status(r, f);
    } else if (ml_str_eq(r->method, ML_STR("POST"))) {
        serve_run(h, r, f);
    } else {
        struct ml_buf b = {0};
        write_function(h, f, &b);
        reply_json(r, 200, &b);
    }
}

/* -- which --------------------------------------------------------------------------------------- */

static void warm_up(struct ml_host *h, struct ml_http_request *r)
{
    for (size_t i = 0; h->app != NULL && i < h->app->n; i++) {
        struct ml_function *f = &h->app->functions[i];
        if (f->kind != ML_TRIGGER_WARMUP || f->error != NULL || f->disabled)
            continue;
        struct manual m = {h, f, ML_STR("{}")};
        struct ml_call call = {.fn = f,
                               .reason = "Warmup",
                               .write_inputs = write_manual,
                               .user = &m,
                               .retry_max = ML_NO_RETRY};
        (void)ml_invoke(h, &call);
        break;
    }
    reply_empty(r, 200);
}

/* "/admin" as one segment, in any case; the rest without its slash. */
static bool below(struct ml_str path, const char *prefix, struct ml_str *rest)
{
    size_t n = strlen(prefix);
    if (path.n < n || strncasecmp(path.p, prefix, n) != 0 || (path.n > n && path.p[n] != '/'))
        return false;
    *rest = (struct ml_str){path.p + n, path.n - n};
    while (rest->n != 0 && rest->p[0] == '/') {
        rest->p++;
        rest->n--;
    }
    while (rest->n != 0 && rest->p[rest->n - 1] == '/')
        rest->n--;
    return true;
}

static bool is(struct ml_str s, const char *text)
{
    return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

bool ml_admin_serve(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_str rest, name;
    bool post = ml_str_eq(r->method, ML_STR("POST"));
    if (!below(r->path, "/admin", &rest))
        return false;
    if (h->keys != NULL && !is(rest, "host/ping") && !ml_keys_allow(h->keys, r, true))
        reply_empty(r, 401);
    else if (is(rest, "host/ping"))
        reply_empty(r, 200);
    else if (is(rest, "host/status"))
        serve_status(h, r);
    else if (is(rest, "host/processes"))
        serve_processes(h, r);
    else if (is(rest, "host/restart") && post) {
        reply_empty(r, 200);
        ml_host_reload(h);
    } else if ((is(rest, "host/drain") || is(rest, "host/resume")) && post) {
        h->draining = is(rest, "host/drain");
        reply_empty(r, h->draining ? 202 : 200);
    } else if (is(rest, "warmup"))
        warm_up(h, r);
    else if (below(rest, "functions", &name))
        serve_functions(h, r, name);
    else
        reply_empty(r, 404);
    return true;
}
