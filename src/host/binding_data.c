/* host/binding_data.c -- the data of {expressions}, read from the invoke frame itself; see bindings.h.
 *
 *   metadata            {DequeueCount}, {BlobTrigger}, {name} of a blob's path
 *   an HTTP request     its route's parameters, query, headers, body: {id}, {query.a}, {headers.x-a}, {member}
 *   a message           {queueTrigger}, and {member} where the message is a JSON object
 * SPDX-License-Identifier: MIT */
#include "host/bindings.h"

#include <string.h>

static void merge(json_t *data, const json_t *from)
{
    const char *key;
    json_t *v;
    if (!json_is_object(from))
        return;
    json_object_foreach((json_t *)(uintptr_t)from, key, v)
        if (ml_json_get(data, key) == NULL) /* the first to say it wins */
            (void)json_object_set(data, key, v);
}

static void merge_text(json_t *data, struct ml_str text)
{
    json_t *doc = text.n != 0 && text.n <= ML_BODY_INLINE ? json_loadb(text.p, text.n, 0, NULL)
                                                          : NULL;
    merge(data, doc);
    json_decref(doc);
}

static void add_metadata(json_t *data, const struct ml_frame *f)
{
    const char *key;
    json_t *datum;
    json_object_foreach(json_object_get(f->json, "metadata"), key, datum) {
        const json_t *v = json_object_get(datum, "v");
        const char *type = ml_json_text(datum, "t");
        if (type != NULL && strcmp(type, "json") == 0 && json_is_string(v))
            (void)json_object_set_new(data, key,
                                      json_loads(json_string_value(v), JSON_DECODE_ANY, NULL));
        else if (v != NULL)
            (void)json_object_set(data, key, (json_t *)(uintptr_t)v);
    }
}

static void add_http(json_t *data, const struct ml_frame *f, const json_t *request)
{
    struct ml_str body = {NULL, 0};
    const json_t *query = json_object_get(request, "query"),
                 *headers = json_object_get(request, "headers");
    merge(data, json_object_get(request, "params"));
    merge(data, query);
    (void)json_object_set(data, "Query", (json_t *)(uintptr_t)query);
    (void)json_object_set(data, "Headers", (json_t *)(uintptr_t)headers);
    if (ml_wire_slice(f, json_object_get(request, "body"), &body))
        merge_text(data, body);
}

json_t *ml_binding_data(const struct ml_function *fn, const struct ml_frame *f)
{
    json_t *data = json_object(), *sys = json_object();
    struct ml_str text = {NULL, 0};
    const json_t *datum = json_object_get(json_object_get(f->json, "inputs"), fn->trigger_param);
    const char *type = ml_json_text(datum, "t");
    if (data == NULL || sys == NULL) {
        json_decref(sys);
        return data;
    }
    (void)json_object_set_new(sys, "methodname", json_string(fn->name));
    (void)json_object_set_new(data, "sys", sys);
    add_metadata(data, f);
    if (type != NULL && strcmp(type, "http") == 0) {
        add_http(data, f, datum);
    } else if (fn->kind != ML_TRIGGER_BLOB && datum != NULL && ml_wire_text(f, datum, &text)) {
        (void)json_object_set_new(data, fn->trigger_type, json_stringn(text.p, text.n));
        merge_text(data, text);
    }
    return data;
}
