/* host/front_reply.c -- what a function returned, as an HTTP response (specs 3.4 and 3.5).
 *
 * SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "base/mem.h"
#include "host/cors.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FIELDS = 256 };

struct fields {
    struct ml_http_field at[MAX_FIELDS];
    size_t n;
};

static bool has_field(const struct fields *f, struct ml_str name)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->at[i].name.n == name.n && strncasecmp(f->at[i].name.p, name.p, name.n) == 0)
            return true;
    return false;
}

/* A later field of the same name takes the place of the earlier, except Set-Cookie. */
static void set_field(struct fields *f, struct ml_str name, struct ml_str value)
{
    bool cookie = name.n == 10 && strncasecmp(name.p, "Set-Cookie", 10) == 0;
    for (size_t i = 0; i < f->n && !cookie; i++) {
        if (f->at[i].name.n == name.n && strncasecmp(f->at[i].name.p, name.p, name.n) == 0) {
            f->at[i].value = value;
            return;
        }
    }
    if (f->n < MAX_FIELDS)
        f->at[f->n++] = (struct ml_http_field){name, value};
}

static struct ml_str str_of(const json_t *v)
{
    return json_is_string(v) ? (struct ml_str){json_string_value(v), json_string_length(v)}
                             : (struct ml_str){NULL, 0};
}

static void read_headers(struct fields *f, const json_t *headers)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)headers, key, v) {
        size_t i;
        json_t *one;
        if (json_is_string(v))
            set_field(f, ml_str_of(key), str_of(v));
        json_array_foreach(v, i, one)
            if (json_is_string(one))
                set_field(f, ml_str_of(key), str_of(one));
    }
}

/* cookies, host.json's customHeaders, CORS. */
static void add_common(struct ml_host *h, const struct ml_http_request *r, struct fields *f,
                       const json_t *cookies)
{
    size_t i;
    json_t *v;
    const char *key;
    json_array_foreach(cookies, i, v)
        if (json_is_string(v))
            set_field(f, ML_STR("Set-Cookie"), str_of(v));
    json_object_foreach(ml_setting(&h->settings, "extensions.http.customHeaders"), key, v)
        if (json_is_string(v) && !has_field(f, ml_str_of(key)))
            set_field(f, ml_str_of(key), str_of(v));
    struct ml_http_field cors[ML_CORS_FIELDS];
    size_t n = ml_cors_fields(h->cors, r, false, cors);
    for (i = 0; i < n; i++)
        set_field(f, cors[i].name, cors[i].value);
}

static int send_reply(struct ml_host *h, struct ml_http_request *r, struct fields *f, int status,
                      struct ml_str body, struct ml_body *chunks)
{
    struct ml_http_reply reply = {.status = status, .headers = f->at, .body = body};
    (void)h;
    if (chunks != NULL) {
        uint64_t bytes = chunks->bytes;
        int fd = ml_body_take_fd(chunks);
        if (fd >= 0) {
            reply.take_fd = true;
            reply.fd = fd;
            reply.fd_bytes = bytes;
        } else {
            (void)ml_body_view(chunks, &reply.body);
        }
    }
    reply.n_headers = f->n;
    (void)ml_http_reply(r, &reply);
    return status;
}

static int bad_value(struct ml_host *h, struct ml_http_request *r, struct ml_error *why,
                     const char *text)
{
    (void)ml_fail(why, ML_EINVALID, "%s", text);
    ml_front_fail(h, r, 500);
    return 500;
}

/* -- a str: text, unless it reads as JSON --------------------------------------------------------- */

/* JSON text again, indented by two blanks; numbers and strings stay as they were written. */
static void reindent(struct ml_buf *b, struct ml_str s)
{
    size_t depth = 0;
    bool fresh = false; /* just after an opening bracket */
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            continue;
        bool closing = c == '}' || c == ']';
        if (closing && depth > 0)
            depth--;
        if (fresh !=
            closing) { /* after an opening and before content; before a closing with content */
            ml_buf_char(b, '\n');
            ml_buf_fill(b, ' ', depth * 2);
        }
        fresh = false;
        if (c == '"') {
            size_t end = i + 1;
            while (end < s.n && s.p[end] != '"')
                end += s.p[end] == '\\' ? 2 : 1;
            ml_buf_add(b, s.p + i, (end < s.n ? end + 1 : s.n) - i);
            i = end;
            continue;
        }
        ml_buf_char(b, c);
        if (c == '{' || c == '[') {
            depth++;
            fresh = true;
        } else if (c == ',') {
            ml_buf_char(b, '\n');
            ml_buf_fill(b, ' ', depth * 2);
        } else if (c == ':') {
            ml_buf_char(b, ' ');
        }
    }
}

/* {"body":..., "status"|"statusCode":..., "headers":{...}}: a response in disguise. */
static int reply_object(struct ml_host *h, struct ml_http_request *r, const json_t *doc,
                        const json_t *body)
{
    struct fields f = {.n = 0};
    const json_t *status = ml_json_get(doc, "status");
    if (status == NULL)
        status = ml_json_get(doc, "statusCode");
    int code = json_is_integer(status)  ? (int)json_integer_value(status)
               : json_is_string(status) ? atoi(json_string_value(status))
                                        : 200;
    char *dump = NULL;
    struct ml_str text = str_of(body);
    struct ml_buf pretty = {0};
    set_field(&f, ML_STR("Content-Type"), ML_STR("text/plain; charset=utf-8"));
    if (!json_is_string(body) && !json_is_null(body)) {
        dump = json_dumps(body, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
        reindent(&pretty, ml_str_of(dump != NULL ? dump : ""));
        text = ml_buf_view(&pretty);
        set_field(&f, ML_STR("Content-Type"), ML_STR("application/json; charset=utf-8"));
    }
    read_headers(&f, ml_json_get(doc, "headers"));
    add_common(h, r, &f, NULL);
    if (code < 200 || code > 599)
        code = 500;
    int sent = send_reply(h, r, &f, code, text, NULL);
    free(dump);
    ml_buf_free(&pretty);
    return sent;
}

static int reply_text(struct ml_host *h, struct ml_http_request *r, struct ml_str s)
{
    struct fields f = {.n = 0};
    struct ml_buf b = {0};
    const char *raw = getenv("MEMLINE_FUNC_RAW_STR");
    json_t *doc = raw != NULL && strcmp(raw, "1") == 0
                      ? NULL
                      : json_loadb(s.p != NULL ? s.p : "", s.n, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                                   NULL);
    const json_t *body = json_is_object(doc) ? ml_json_get(doc, "body") : NULL;
    if (body != NULL) {
        int sent = reply_object(h, r, doc, body);
        json_decref(doc);
        return sent;
    }
    set_field(&f, ML_STR("Content-Type"), ML_STR("text/plain; charset=utf-8"));
    add_common(h, r, &f, NULL);
    if (json_is_object(doc) || json_is_array(doc))
        reindent(&b, s);
    else if (json_is_string(doc))
        ml_buf_str(&b, str_of(doc));
    else if (json_is_boolean(doc))
        ml_buf_cstr(&b, json_is_true(doc) ? "True" : "False");
    else if (!json_is_null(doc))
        ml_buf_str(&b, s);
    int sent = send_reply(h, r, &f, 200, ml_buf_view(&b), NULL);
    ml_buf_free(&b);
    json_decref(doc);
    return sent;
}

/* -- a datum -------------------------------------------------------------------------------------- */

static int reply_http(struct ml_host *h, struct ml_http_request *r, const struct ml_frame *f,
                      const json_t *datum, struct ml_body *chunks, struct ml_error *why)
{
    struct fields fields = {.n = 0};
    const json_t *body = json_object_get(datum, "body");
    const char *t = ml_json_text(body, "t");
    int64_t status = ml_json_i64(datum, "status", 200);
    struct ml_str text = {NULL, 0};
    if (status < 200 || status > 599)
        return bad_value(h, r, why, "The response's status code is not between 200 and 599.");
    if (chunks == NULL && t != NULL && strcmp(t, "none") != 0 && !ml_wire_text(f, body, &text))
        return bad_value(h, r, why, "The response's body cannot be read.");
    read_headers(&fields, json_object_get(datum, "headers"));
    add_common(h, r, &fields, json_object_get(datum, "cookies"));
    return send_reply(h, r, &fields, (int)status, text, chunks);
}

int ml_front_reply(struct ml_host *h, struct ml_http_request *r, const struct ml_function *fn,
                   const struct ml_frame *f, struct ml_body *body, struct ml_error *why)
{
    const json_t *datum = json_object_get(f->json, "return");
    const char *t = ml_json_text(datum, "t");
    struct ml_str text;
    if ((t == NULL || strcmp(t, "none") == 0) && fn->http_out != NULL) {
        const json_t *out = json_object_get(json_object_get(f->json, "outputs"), fn->http_out);
        if (json_is_object(out)) {
            datum = out;
            t = ml_json_text(out, "t");
        }
    }
    if (t == NULL || strcmp(t, "none") == 0) {
        struct fields fields = {.n = 0};
        add_common(h, r, &fields, NULL);
        return send_reply(h, r, &fields, 204, ML_STR(""), NULL);
    }
    if (strcmp(t, "http") == 0)
        return reply_http(h, r, f, datum, body, why);
    if ((strcmp(t, "string") == 0 || strcmp(t, "json") == 0) && body == NULL &&
        ml_wire_text(f, datum, &text))
        return reply_text(h, r, text);
    if (strcmp(t, "string") == 0 && body != NULL && ml_body_view(body, &text) == ML_OK)
        return reply_text(h, r, text);
    return bad_value(h, r, why,
                     "The value that the function returned cannot be sent as an HTTP response.");
}

int ml_front_reply_start(struct ml_host *h, struct ml_http_request *r, const struct ml_frame *f)
{
    struct fields fields = {.n = 0};
    int64_t status = ml_json_i64(f->json, "status", 200);
    read_headers(&fields, json_object_get(f->json, "headers"));
    add_common(h, r, &fields, json_object_get(f->json, "cookies"));
    struct ml_http_reply reply = {
        .status = status >= 200 && status <= 599 ? (int)status : 500,
        .headers = fields.at,
        .n_headers = fields.n,
    };
    return ml_http_reply_start(r, &reply);
}
