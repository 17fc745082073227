/* api/api.c -- opening, routing, closing. SPDX-License-Identifier: MIT */
#include "api/api.h"

#include "api/auth.h"
#include "api/private.h"
#include "base/mem.h"
#include "store/place.h"

#include <stdio.h>

/* -- Replies -- */

static void reply(struct ml_http_request *r, int status, struct ml_buf *body,
                  const struct ml_http_field *headers, size_t n)
{
    if (body->status != ML_OK) {
        ml_buf_free(body);
        ml_http_reply_text(r, 500, "application/json",
                           ML_STR("{\"error\":{\"code\":\"InternalServerError\","
                                  "\"message\":\"the answer needs more memory than allowed\"}}"));
        return;
    }
    ml_http_reply(r, &(struct ml_http_reply){.status = status,
                                             .headers = headers,
                                             .n_headers = n,
                                             .body = ml_buf_view(body),
                                             .take_body = body->p != NULL});
    *body = (struct ml_buf){0};
}

static const struct ml_http_field json_type = {{"Content-Type", 12},
                                               {"application/json; charset=utf-8", 31}};

void ml__reply_json(struct ml_http_request *r, int status, struct ml_buf *body)
{
    reply(r, status, body, &json_type, 1);
}

void ml__reply_kusto(struct ml_http_request *r, int status, struct ml_buf *body,
                     const char *activity)
{
    struct ml_str id = ml_http_header(r, ML_STR("x-ms-client-request-id"));
    struct ml_http_field headers[] = {
        json_type,
        {ML_STR("x-ms-activity-id"), ml_str_of(activity)},
        {ML_STR("x-ms-client-request-id"), id},
    };
    reply(r, status, body, headers, id.n != 0 ? 3 : 2);
}

void ml__reply_error(struct ml_http_request *r, int status, const char *code, const char *fmt, ...)
{
    struct ml_buf body = {0};
    char text[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ml_buf_printf(&body, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    ml_buf_json(&body, ml_str_of(text));
    ml_buf_cstr(&body, "}}");
    ml__reply_json(r, status, &body);
}

/* -- Life -- */

static void set_defaults(struct ml_api_options *o)
{
    o->app_id = o->app_id != NULL ? o->app_id : "memline";
    if (o->keep.max_age_ticks == 0 && o->keep.max_bytes == 0)
        o->keep = ML_RETENTION_DEFAULT;
    o->query_s = o->query_s != 0 ? o->query_s : 240;
    o->query_bytes = o->query_bytes != 0 ? o->query_bytes : UINT64_C(1) << 30;
    o->result_bytes = o->result_bytes != 0 ? o->result_bytes : UINT64_C(64) << 20;
    o->result_rows = o->result_rows != 0 ? o->result_rows : 500000;
    o->queries = o->queries != 0 ? o->queries : 8;
}

static void release(struct ml_api *a)
{
    if (a->own_writer)
        ml_writer_close(a->writer);
    ml_reader_close(a->reader);
    ml_free((char *)(uintptr_t)a->o.store);
    ml_free((char *)(uintptr_t)a->o.token);
    ml_free((char *)(uintptr_t)a->o.app_id);
    ml_free(a);
}

static int open_store(struct ml_api *a, struct ml_error *e)
{
    int rc = ML_OK;
    if (a->writer == NULL) {
        rc = ml_store_make_place(a->o.store, e);
        if (rc == ML_OK)
            rc = ml_writer_open(a->o.store, &a->o.keep, &a->writer, e);
        a->own_writer = rc == ML_OK;
    }
    if (rc == ML_OK)
        rc = ml_reader_open(a->o.store, a->o.cache_bytes, &a->reader, e);
    return rc;
}

int ml_api_new(struct ml_loop *l, const struct ml_api_options *o, struct ml_api **out,
               struct ml_error *e)
{
    struct ml_api *a = ml_calloc(1, sizeof *a);
    if (a == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    a->loop = l;
    a->writer = o->writer;
    a->o = *o;
    set_defaults(&a->o);
    a->o.app_id = ml_strdup(a->o.app_id);
    a->o.store = ml_strdup(o->store);
    a->o.token = o->token != NULL ? ml_strdup(o->token) : NULL;
    int rc = ML_OK;
    if (a->o.app_id == NULL || a->o.store == NULL || (o->token != NULL && a->o.token == NULL))
        rc = ml_fail(e, ML_ENOMEM, "out of memory");
    if (rc == ML_OK)
        rc = open_store(a, e);
    if (rc != ML_OK) {
        release(a);
        return rc;
    }
    *out = a;
    return ML_OK;
}

void ml__job_begin(struct ml_api *a)
{
    a->active++;
}

void ml__job_end(struct ml_api *a)
{
    a->active--;
}

void ml_api_free(struct ml_api *a)
{
    if (a == NULL)
        return;
    a->closing = true;
    ml__jobs_cancel(a);
    while (a->active != 0)
        ml_loop_step(a->loop);
    release(a);
}

struct ml_writer *ml_api_writer(struct ml_api *a)
{
    return a->writer;
}

/* -- Routing -- */

static bool allowed(struct ml_api *a, struct ml_http_request *r)
{
    if (a->closing) {
        ml__reply_error(r, 503, "ServiceUnavailable", "the server ends");
        return false;
    }
    switch (ml_auth_check(r, a->o.token)) {
    case ML_AUTH_NO_TOKEN:
        ml__reply_error(
            r, 401, "AuthenticationFailed",
            "the token is missing or wrong: send it as 'Authorization: Bearer TOKEN' or "
            "'x-api-key: TOKEN'");
        return false;
    case ML_AUTH_FOREIGN:
        ml__reply_error(
            r, 403, "Forbidden",
            "without a token, only requests to this machine by its own name are answered");
        return false;
    default:
        return true;
    }
}

/* Clients write a slash more or less ("/v2.1//track", "/v2/track/"). */
static bool is_path(struct ml_str path, const char *name)
{
    size_t i = 0;
    for (; *name != '\0'; name++) {
        if (i >= path.n || path.p[i] != *name)
            return false;
        i++;
        while (*name == '/' && i < path.n && path.p[i] == '/')
            i++;
    }
    while (i < path.n && path.p[i] == '/')
        i++;
    return i == path.n;
}

static const struct {
    const char *path;
    void (*serve)(struct ml_api *a, struct ml_http_request *r);
} routes[] = {
    {"/v2/track", ml__serve_track},          {"/v2.1/track", ml__serve_track},
    {"/v1/rest/query", ml__serve_kusto_v1},  {"/v2/rest/query", ml__serve_kusto_v2},
    {"/v1/rest/mgmt", ml__serve_kusto_mgmt}, {"/v1/rest/auth/metadata", ml__serve_auth_metadata},
    {"/v1/rest/ping", ml__serve_ping},
};

/* Both begin with the id of an application or workspace, which may be any: there is one store. */
static bool after_id(struct ml_str path, struct ml_str prefix, struct ml_str *rest)
{
    if (!ml_str_starts(path, prefix))
        return false;
    path = (struct ml_str){path.p + prefix.n, path.n - prefix.n};
    const char *slash = path.n != 0 ? memchr(path.p, '/', path.n) : NULL;
    if (slash == NULL || slash == path.p)
        return false;
    *rest = (struct ml_str){slash, (size_t)(path.p + path.n - slash)};
    return true;
}

static bool serve_insights(struct ml_api *a, struct ml_http_request *r)
{
    struct ml_str rest;
    bool app = after_id(r->path, ML_STR("/v1/apps/"), &rest);
    if (!app && !after_id(r->path, ML_STR("/v1/workspaces/"), &rest))
        return false;
    if (allowed(a, r) && !ml__serve_insights(a, r, rest, !app))
        ml__reply_error(r, 404, "PathNotFoundError", "there is no such path below an application");
    return true;
}

bool ml_api_is_path(struct ml_str path)
{
    return ml_str_starts(path, ML_STR("/v1/")) || ml_str_starts(path, ML_STR("/v2/")) ||
           ml_str_starts(path, ML_STR("/v2.1/"));
}

bool ml_api_serve(struct ml_api *a, struct ml_http_request *r)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (is_path(r->path, routes[i].path)) {
            if (allowed(a, r))
                routes[i].serve(a, r);
            return true;
        }
    return serve_insights(a, r);
}
