/* host/bindings.c -- see bindings.h.
 *
 * One request after another, in the order of the bindings: messages keep the order in which they were set, and
 * what failed has a name. SPDX-License-Identifier: MIT */
#include "host/bindings.h"

#include "base/mem.h"
#include "host/binding_text.h"
#include "host/blob.h"
#include "host/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char category[] = "Host.Bindings";

enum { INPUTS_MAX = 32, PAYLOAD_MAX = ML_FRAME_MAX - (2 << 20) };

struct input {
    const char *name;
    bool missing; /* there is no such blob: the function gets None */
    struct ml_body body;
};

struct ml_bindings {
    struct ml_host *host;
    struct ml_app *app; /* a reference: fn and its bindings live in it */
    struct ml_function *fn;
    json_t *data; /* of expressions */
    struct input inputs[INPUTS_MAX];
    size_t n_inputs;
    size_t at;    /* the binding it is at */
    size_t item;  /* the message of a list it is at */
    json_t *list; /* messages of the output it is at; NULL: not a list */
    const struct ml_frame *frame;
    struct ml_body *chunks; /* the result's, or held */
    struct ml_body held;    /* while it is sent: the invocation may end before */
    bool waiting;           /* a request is under way */
    bool freed;             /* by its owner; it goes when the request has ended */
    ml_bindings_done done;
    void *user;
};

static const char *member(const json_t *binding, const char *name)
{
    const char *s = json_string_value(ml_json_get(binding, name));
    return s != NULL ? s : "";
}

static const json_t *binding_at(const struct ml_bindings *b)
{
    return json_array_get(json_object_get(b->fn->entry, "bindings"), b->at);
}

int ml_bindings_new(struct ml_host *h, struct ml_function *fn, const struct ml_frame *frame,
                    struct ml_bindings **out)
{
    struct ml_bindings *b = ml_calloc(1, sizeof *b);
    if (b == NULL)
        return ML_ENOMEM;
    b->data = ml_binding_data(fn, frame);
    if (b->data == NULL) {
        ml_free(b);
        return ML_ENOMEM;
    }
    b->host = h;
    b->app = ml_app_ref(h->app);
    b->fn = fn;
    *out = b;
    return ML_OK;
}

static void destroy(struct ml_bindings *b)
{
    for (size_t i = 0; i < b->n_inputs; i++)
        ml_body_release(&b->inputs[i].body);
    ml_body_release(&b->held);
    json_decref(b->list);
    json_decref(b->data);
    ml_app_unref(b->app);
    ml_free(b);
}

void ml_bindings_free(struct ml_bindings *b)
{
    if (b == NULL)
        return;
    b->freed = true;
    if (!b->waiting)
        destroy(b);
}

static void finish(struct ml_bindings *b, const char *problem)
{
    ml_bindings_done done = b->done;
    b->done = NULL;
    if (done != NULL)
        done(b->user, problem);
}

static void finish_named(struct ml_bindings *b, const char *what, const char *why)
{
    char text[700];
    (void)snprintf(text, sizeof text, "%s '%.100s': %.500s", what, member(binding_at(b), "name"),
                   why);
    finish(b, text);
}

/* The end of a request: false when nobody waits for more. */
static bool goes_on(struct ml_bindings *b)
{
    b->waiting = false;
    if (b->freed)
        destroy(b);
    else
        return true;
    return false;
}

/* A member of the binding with its settings and expressions put in. */
static int expand(const struct ml_bindings *b, const char *name, struct ml_buf *out,
                  struct ml_error *e)
{
    struct ml_buf text = {0};
    ml_buf_cstr(&text, "");
    int rc = ml_binding_settings(member(binding_at(b), name), &text, e);
    if (rc == ML_OK)
        rc = ml_binding_expand(text.p, b->data, out, e);
    ml_buf_free(&text);
    if (rc == ML_OK && out->n == 0)
        rc = ml_fail(e, ML_EINVALID, "the binding has no '%s'", name);
    return rc;
}

static int blob_path(const struct ml_bindings *b, struct ml_buf *path, struct ml_error *e)
{
    int rc = expand(b, "path", path, e);
    if (rc == ML_OK && (path->n >= ML_BLOB_PATH_MAX || strcspn(path->p, "/") > 63 ||
                        strchr(path->p, '/') == NULL || path->p[0] == '/'))
        rc = ml_fail(e, ML_EINVALID, "'%.200s' is not a path like container/blob", path->p);
    return rc;
}

/* -- before -------------------------------------------------------------------------------------- */

static void read_next(struct ml_bindings *b);

static void on_read(void *user, const struct ml_storage_result *r)
{
    struct ml_bindings *b = user;
    if (!goes_on(b))
        return;
    struct input *in = &b->inputs[b->n_inputs - 1];
    if (r->status == 404) {
        in->missing = true;
    } else if (r->text[0] != '\0') {
        finish_named(b, "The blob cannot be read for the input", r->text);
        return;
    } else {
        in->body = r->answer->body; /* moved */
        r->answer->body = (struct ml_body){0};
    }
    b->at++;
    read_next(b);
}

static int read_blob(struct ml_bindings *b, struct ml_error *e)
{
    struct ml_buf path = {0};
    struct ml_account *a = NULL;
    int rc = b->n_inputs < INPUTS_MAX
                 ? ml_storage_get(b->host, binding_at(b), ML_STORAGE_BLOB, &a, e)
                 : ml_fail(e, ML_ELIMIT, "a function has at most %d of them", INPUTS_MAX);
    if (rc == ML_OK)
        rc = blob_path(b, &path, e);
    if (rc == ML_OK) {
        b->inputs[b->n_inputs++] = (struct input){.name = member(binding_at(b), "name")};
        b->waiting = true;
        rc = ml_blob_get(a, path.p, NULL, on_read, b);
        if (rc != ML_OK) {
            b->waiting = false;
            (void)ml_fail(e, rc, "out of memory");
        }
    }
    ml_buf_free(&path);
    return rc;
}

static void read_next(struct ml_bindings *b)
{
    for (const json_t *binding; (binding = binding_at(b)) != NULL; b->at++) {
        struct ml_error e = {0};
        if (ml_binding_role(binding) == ML_ROLE_OTHER_IN) {
            char why[200];
            (void)snprintf(why, sizeof why, "bindings of type '%.100s' are not read here",
                           member(binding, "type"));
            finish_named(b, "There is no value for the input", why);
            return;
        }
        if (ml_binding_role(binding) != ML_ROLE_BLOB_IN)
            continue;
        if (read_blob(b, &e) != ML_OK)
            finish_named(b, "There is no value for the input", e.text);
        return; /* goes on in on_read */
    }
    finish(b, NULL);
}

void ml_bindings_read(struct ml_bindings *b, ml_bindings_done done, void *user)
{
    b->done = done;
    b->user = user;
    b->at = 0;
    read_next(b);
}

static struct input *longest(struct ml_bindings *b)
{
    struct input *best = NULL;
    for (size_t i = 0; i < b->n_inputs; i++)
        if (best == NULL || b->inputs[i].body.bytes > best->body.bytes)
            best = &b->inputs[i];
    return best != NULL && best->body.bytes > ML_BODY_INLINE ? best : NULL;
}

int ml_bindings_write_inputs(struct ml_bindings *b, bool first, bool may_chunk, struct ml_buf *json,
                             struct ml_buf *payload, const struct ml_body **body)
{
    const struct input *chunked = may_chunk ? longest(b) : NULL;
    for (size_t i = 0; i < b->n_inputs; i++) {
        struct input *in = &b->inputs[i];
        struct ml_str bytes;
        ml_buf_cstr(json, first ? "" : ",");
        first = false;
        ml_buf_json(json, ml_str_of(in->name));
        if (in->missing) {
            ml_buf_cstr(json, ":{\"t\":\"none\"}");
        } else if (in == chunked) {
            ml_buf_printf(json, ":{\"t\":\"bytes\",\"chunks\":true,\"n\":%llu}",
                          (unsigned long long)in->body.bytes);
            *body = &in->body;
        } else {
            if (in->body.bytes + payload->n > PAYLOAD_MAX)
                return ML_ELIMIT;
            int rc = ml_body_view(&in->body, &bytes);
            if (rc != ML_OK)
                return rc;
            ml_buf_printf(json, ":{\"t\":\"bytes\",\"at\":%zu,\"n\":%zu}", payload->n, bytes.n);
            ml_buf_str(payload, bytes);
        }
    }
    return ML_OK;
}

/* -- afterwards ---------------------------------------------------------------------------------- */

static void write_next(struct ml_bindings *b);

static void on_written(void *user, const struct ml_storage_result *r)
{
    struct ml_bindings *b = user;
    if (!goes_on(b))
        return;
    if (r->text[0] != '\0') {
        finish_named(b, "Nothing could be written for the output", r->text);
        return;
    }
    b->item++;
    if (b->list == NULL || b->item >= json_array_size(b->list)) {
        json_decref(b->list);
        b->list = NULL;
        b->item = 0;
        b->at++;
    }
    write_next(b);
}

/* The datum that the function set, or NULL. */
static const json_t *value_of(const struct ml_bindings *b, const json_t *binding)
{
    const char *name = member(binding, "name");
    const json_t *v = strcmp(name, "$return") == 0
                          ? json_object_get(b->frame->json, "return")
                          : json_object_get(json_object_get(b->frame->json, "outputs"), name);
    const char *type = ml_json_text(v, "t");
    return type != NULL && strcmp(type, "none") != 0 ? v : NULL;
}

static bool bytes_of(const struct ml_bindings *b, const json_t *datum, struct ml_str *out,
                     bool *chunked)
{
    *chunked = json_is_true(json_object_get(datum, "chunks"));
    if (*chunked)
        return b->chunks != NULL && ml_body_view(b->chunks, out) == ML_OK;
    return ml_wire_text(b->frame, datum, out);
}

/* The text of a message that is not a plain text. The library writes a QueueMessage as {"id":...,"body":...}: its body. */
static char *dump_message(const json_t *v)
{
    const json_t *body = json_object_get(v, "body");
    if (json_is_string(body) && json_object_size(v) == 2 && json_object_get(v, "id") != NULL)
        v = body;
    return json_is_string(v) ? strdup(json_string_value(v))
                             : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
}

static int put_message(struct ml_bindings *b, struct ml_str text, struct ml_error *e)
{
    struct ml_buf queue = {0}, encoded = {0};
    struct ml_account *a = NULL;
    int rc = ml_storage_get(b->host, binding_at(b), ML_STORAGE_QUEUE, &a, e);
    if (rc == ML_OK)
        rc = expand(b, "queueName", &queue, e);
    if (rc == ML_OK && queue.n > ML_QUEUE_NAME_MAX)
        rc = ml_fail(e, ML_EINVALID, "the queue's name '%.80s' is too long", queue.p);
    ml_queue_encode(b->host, text, &encoded);
    if (rc == ML_OK) {
        for (char *p = queue.p; *p != '\0'; p++) /* as the original does */
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + 32);
        b->waiting = true;
        rc = encoded.status == ML_OK
                 ? ml_queue_put(a, queue.p, ml_buf_view(&encoded), on_written, b)
                 : encoded.status;
        if (rc != ML_OK) {
            b->waiting = false;
            (void)ml_fail(e, rc, "out of memory");
        }
    }
    ml_buf_free(&queue);
    ml_buf_free(&encoded);
    return rc;
}

/* Sends the message it is at; *none: the list is empty. */
static int write_queue(struct ml_bindings *b, const json_t *datum, bool *none, struct ml_error *e)
{
    struct ml_str text;
    bool chunked;
    const char *type = ml_json_text(datum, "t");
    *none = false;
    if (strcmp(type, "int") == 0 || strcmp(type, "double") == 0) {
        char *s = json_dumps(json_object_get(datum, "v"), JSON_ENCODE_ANY);
        int rc = s != NULL ? put_message(b, ml_str_of(s), e) : ML_ENOMEM;
        free(s);
        return rc;
    }
    if (b->list == NULL && !bytes_of(b, datum, &text, &chunked))
        return ml_fail(e, ML_EFORMAT, "the value that the worker sent cannot be read");
    if (b->list == NULL && strcmp(type, "json") != 0)
        return put_message(b, text, e);
    if (b->list == NULL) {
        json_t *doc = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
        if (doc == NULL)
            return put_message(b, text, e);
        b->list = json_is_array(doc) ? doc : json_pack("[o]", doc);
        b->item = 0;
    }
    if (json_array_size(b->list) == 0) {
        *none = true;
        json_decref(b->list);
        b->list = NULL;
        return ML_OK;
    }
    char *s = dump_message(json_array_get(b->list, b->item));
    int rc = s != NULL ? put_message(b, ml_str_of(s), e) : ml_fail(e, ML_ENOMEM, "out of memory");
    free(s);
    return rc;
}

static int write_blob(struct ml_bindings *b, const json_t *datum, struct ml_error *e)
{
    struct ml_buf path = {0};
    struct ml_account *a = NULL;
    struct ml_str bytes = {NULL, 0};
    bool chunked = false;
    int rc = ml_storage_get(b->host, binding_at(b), ML_STORAGE_BLOB, &a, e);
    if (rc == ML_OK)
        rc = blob_path(b, &path, e);
    if (rc == ML_OK && !bytes_of(b, datum, &bytes, &chunked))
        rc = ml_fail(e, ML_EFORMAT, "the value that the worker sent cannot be written to a blob");
    if (rc == ML_OK) {
        if (chunked && b->chunks != &b->held) {
            b->held = *b->chunks;
            *b->chunks = (struct ml_body){0};
            b->chunks = &b->held;
        }
        b->waiting = true;
        rc = ml_blob_put(a, path.p, chunked ? (struct ml_str){NULL, 0} : bytes,
                         chunked ? b->chunks : NULL, on_written, b);
        if (rc != ML_OK) {
            b->waiting = false;
            (void)ml_fail(e, rc, "out of memory");
        }
    }
    ml_buf_free(&path);
    return rc;
}

static void tell_dropped(struct ml_bindings *b, const json_t *binding, const json_t *datum)
{
    struct ml_str text = {NULL, 0};
    bool chunked;
    (void)bytes_of(b, datum, &text, &chunked);
    ml_host_log(b->host, category, ML_LEVEL_WARNING,
                "The output '%s' of the function '%s' is dropped: bindings of type '%s' are not "
                "written here. It begins: %.*s",
                member(binding, "name"), b->fn->name, member(binding, "type"),
                (int)(text.n < 200 ? text.n : 200), text.n != 0 ? text.p : "");
}

static void write_next(struct ml_bindings *b)
{
    for (const json_t *binding; (binding = binding_at(b)) != NULL; b->at++) {
        enum ml_role role = ml_binding_role(binding);
        const json_t *datum = value_of(b, binding);
        struct ml_error e = {0};
        bool none = false;
        int rc;
        if (datum == NULL)
            continue;
        if (role == ML_ROLE_OTHER_OUT)
            tell_dropped(b, binding, datum);
        if (role == ML_ROLE_QUEUE_OUT)
            rc = write_queue(b, datum, &none, &e);
        else if (role == ML_ROLE_BLOB_OUT)
            rc = write_blob(b, datum, &e);
        else
            continue;
        if (rc != ML_OK)
            finish_named(b, "Nothing could be written for the output", e.text);
        if (!none)
            return; /* goes on in on_written */
    }
    finish(b, NULL);
}

void ml_bindings_write(struct ml_bindings *b, const struct ml_frame *f, struct ml_body *chunks,
                       ml_bindings_done done, void *user)
{
    b->frame = f;
    b->chunks = chunks;
    b->done = done;
    b->user = user;
    b->at = b->item = 0;
    write_next(b);
}
