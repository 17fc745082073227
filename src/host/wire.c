/* host/wire.c -- see wire.h. SPDX-License-Identifier: MIT */
#include "host/wire.h"

#include <string.h>

static uint32_t get_u32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static void put_u32(char *p, uint32_t v)
{
    p[0] = (char)(v >> 24);
    p[1] = (char)(v >> 16);
    p[2] = (char)(v >> 8);
    p[3] = (char)v;
}

void ml_frame_release(struct ml_frame *f)
{
    json_decref(f->json);
    *f = (struct ml_frame){0};
}

char *ml_wire_space(struct ml_wire_reader *r, size_t n)
{
    if (r->at == r->in.n) {
        ml_buf_clear(&r->in);
        r->at = 0;
    } else if (r->at > 256 * 1024) { /* move what is left, now and then */
        memmove(r->in.p, r->in.p + r->at, r->in.n - r->at);
        r->in.n -= r->at;
        r->at = 0;
    }
    return ml_buf_reserve(&r->in, n);
}

void ml_wire_filled(struct ml_wire_reader *r, size_t n)
{
    r->in.n += n;
}

int ml_wire_next(struct ml_wire_reader *r, struct ml_frame *out, struct ml_error *e)
{
    const char *p = r->in.p + r->at;
    size_t have = r->in.n - r->at;
    if (have < 4)
        return ML_ETRUNCATED;
    uint32_t length = get_u32(p);
    if (length < 5 || length > ML_FRAME_MAX)
        return ml_fail(e, ML_EFORMAT, "a frame of %u bytes is not possible", length);
    if (have >= ML_FRAME_HEAD && get_u32(p + 5) > length - 5)
        return ml_fail(e, ML_EFORMAT, "a frame's JSON is longer than the frame");
    if (have < 4 + (size_t)length)
        return ML_ETRUNCATED;
    uint32_t json_n = get_u32(p + 5);
    json_error_t je;
    json_t *json = json_loadb(p + ML_FRAME_HEAD, json_n, JSON_ALLOW_NUL, &je);
    if (!json_is_object(json)) {
        json_decref(json);
        return ml_fail(e, ML_EFORMAT, "the JSON of a '%c' frame cannot be read: %s",
                       p[4] >= ' ' && p[4] < 127 ? p[4] : '?',
                       json == NULL ? je.text : "no object");
    }
    *out = (struct ml_frame){
        .type = p[4], .json = json, .payload = {p + ML_FRAME_HEAD + json_n, length - 5 - json_n}};
    r->at += 4 + (size_t)length;
    return ML_OK;
}

void ml_wire_reader_release(struct ml_wire_reader *r)
{
    ml_buf_free(&r->in);
    r->at = 0;
}

size_t ml_wire_begin(struct ml_buf *b, char type)
{
    size_t start = b->n;
    ml_buf_fill(b, '\0', ML_FRAME_HEAD);
    if (b->status == ML_OK)
        b->p[start + 4] = type;
    return start;
}

void ml_wire_end_json(struct ml_buf *b, size_t start)
{
    if (b->status == ML_OK)
        put_u32(b->p + start + 5, (uint32_t)(b->n - start - ML_FRAME_HEAD));
}

void ml_wire_end(struct ml_buf *b, size_t start)
{
    if (b->status != ML_OK)
        return;
    size_t length = b->n - start - 4;
    if (length > ML_FRAME_MAX)
        b->status = ML_ELIMIT;
    else
        put_u32(b->p + start, (uint32_t)length);
}

void ml_wire_frame(struct ml_buf *b, char type, const char *json)
{
    size_t start = ml_wire_begin(b, type);
    ml_buf_cstr(b, json);
    ml_wire_end_json(b, start);
    ml_wire_end(b, start);
}

bool ml_wire_slice(const struct ml_frame *f, const json_t *datum, struct ml_str *out)
{
    const json_t *at = json_object_get(datum, "at"), *n = json_object_get(datum, "n");
    if (!json_is_integer(at) || !json_is_integer(n))
        return false;
    json_int_t a = json_integer_value(at), len = json_integer_value(n);
    if (a < 0 || len < 0 || (uint64_t)a > f->payload.n ||
        (uint64_t)len > f->payload.n - (uint64_t)a)
        return false;
    *out = (struct ml_str){f->payload.p + a, (size_t)len};
    return true;
}

bool ml_wire_text(const struct ml_frame *f, const json_t *datum, struct ml_str *out)
{
    const json_t *v = json_object_get(datum, "v");
    if (json_is_string(v)) {
        *out = (struct ml_str){json_string_value(v), json_string_length(v)};
        return true;
    }
    return ml_wire_slice(f, datum, out);
}

const char *ml_json_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

struct ml_str ml_json_str(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    return json_is_string(v) ? (struct ml_str){json_string_value(v), json_string_length(v)}
                             : (struct ml_str){NULL, 0};
}

int64_t ml_json_i64(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *v = json_object_get(object, name);
    if (json_is_integer(v))
        return json_integer_value(v);
    return json_is_real(v) ? (int64_t)json_real_value(v) : fallback;
}
