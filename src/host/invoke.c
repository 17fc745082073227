/* host/invoke.c -- one invocation: from the call, over the wire, to its reply, its lines and its rows.
 *
 * A request's body above ML_BODY_INLINE follows the invoke frame in chunks, the next one when the last
 * was taken by the kernel (and, for a function that reads it as a stream, as it comes from the client and as the
 * worker gives credit); a result's body above it is collected (in a file when it is long) and then
 * sent. Bindings beside the trigger (bindings.h) are read before the frame goes out, and written before the
 * invocation ends. Streamed responses are passed on as they come, with credit given back as the client takes them.
 * SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "base/mem.h"
#include "host/bindings.h"
#include "host/id.h"
#include "host/record.h"

#include <stdio.h>
#include <string.h>

struct ml_invocation {
    struct ml_invocation *prev;
    struct ml_invocation *next;
    struct ml_host *host;
    struct ml_app *app; /* a reference */
    struct ml_slot *slot;
    pid_t worker;
    struct ml_call
        call; /* its pointers are the caller's; reason and details are static or the function's */
    struct ml_call_ids ids;
    uint64_t start_ns;
    struct ml_buf out; /* the invoke frame, while inputs are read */
    size_t out_at;
    struct ml_buf payload;
    struct ml_bindings *bound;    /* owned; NULL: none */
    const struct ml_body *chunks; /* follows the invoke frame; NULL: nothing does */
    bool has_body;                /* it does so now: */
    bool pumping;                 /* one is on its way to the worker */
    bool pumped;                  /* all are sent, or no more can be */
    uint64_t body_at;             /* sent so far */
    uint64_t credit;              /* bytes that may be sent before the worker gives more */
    json_t *result; /* owned: an R frame whose body comes in chunks, or whose outputs are written */
    struct ml_frame settled; /* the same with its payload, while outputs are written */
    struct ml_buf result_payload;
    bool is_settled; /* the worker has done its part */
    struct ml_body body;
    bool streaming; /* the reply was started */
    bool timed_out;
    char reason[160];
};

const char *ml_invocation_function(const struct ml_invocation *inv)
{
    return inv->call.fn->name;
}

const struct ml_call_ids *ml_invocation_ids(const struct ml_invocation *inv)
{
    return &inv->ids;
}

struct ml_invocation *ml_invocation_find(struct ml_host *h, const char *id)
{
    const uint64_t *v = id != NULL ? ml_map_find(&h->by_id, ml_str_of(id)) : NULL;
    return v != NULL ? (struct ml_invocation *)(uintptr_t)*v : NULL;
}

const struct ml_ended *ml_ended_find(const struct ml_host *h, const char *id)
{
    for (size_t i = 0; id != NULL && i < ML_ENDED_KEPT; i++)
        if (strcmp(h->ended[i].ids.id, id) == 0)
            return &h->ended[i];
    return NULL;
}

/* -- the end ------------------------------------------------------------------------------------- */

static void unlink_and_free(struct ml_invocation *inv)
{
    struct ml_host *h = inv->host;
    struct ml_ended *e = &h->ended[h->ended_at++ % ML_ENDED_KEPT];
    e->ids = inv->ids;
    (void)snprintf(e->function, sizeof e->function, "%s", inv->call.fn->name);
    (void)ml_map_remove(&h->by_id, ml_str_of(inv->ids.id));
    if (inv->prev != NULL)
        inv->prev->next = inv->next;
    else
        h->running = inv->next;
    if (inv->next != NULL)
        inv->next->prev = inv->prev;
    h->n_running--;
    inv->slot->running--;
    ml_bindings_free(inv->bound);
    ml_buf_free(&inv->out);
    ml_buf_free(&inv->payload);
    ml_buf_free(&inv->result_payload);
    json_decref(inv->result);
    ml_body_release(&inv->body);
    ml_app_unref(inv->app);
    ml_free(inv);
}

/* The response, where one waits. Answers its status (0: none), and turns *ok off when the value cannot be sent. */
static int respond(struct ml_invocation *inv, bool *ok, const struct ml_frame *f,
                   struct ml_error *why)
{
    struct ml_host *h = inv->host;
    struct ml_http_request *r = inv->call.http;
    if (r == NULL || !inv->call.reply)
        return 0;
    if (inv->streaming) {
        ml_http_reply_end(r, *ok);
        return 200;
    }
    r->user = NULL; /* no more news of its bodies */
    if (*ok) {
        int status = ml_front_reply(h, r, inv->call.fn, f, inv->body.bytes != 0 ? &inv->body : NULL,
                                    why);
        *ok = why->status == ML_OK;
        return status;
    }
    int status = r->early && r->body_state == ML_HTTP_BODY_TOO_LARGE ? 413 : 500;
    ml_front_fail(h, r, status);
    return status;
}

static void end(struct ml_invocation *inv, bool ok, const struct ml_frame *f, const char *problem)
{
    struct ml_host *h = inv->host;
    struct ml_error why = {0};
    struct ml_outcome out = {
        .duration_ns = ml_now_ns() - inv->start_ns,
        .worker = inv->worker,
        .frame = f,
        .problem = problem,
    };
    struct ml_call call = inv->call;
    struct ml_http_request *r = call.http;
    /* the request may be gone once the reply was given: what the rows need of it comes first */
    ml_record_keep_request(&out, r, inv->host);
    out.status = respond(inv, &ok, f, &why);
    if (why.status != ML_OK)
        out.problem = why.text;
    out.ok = ok;
    ml_record_executed(h, call.fn, &inv->ids, inv->call.reason, &out);
    ml_record_drop_request(&out);
    struct ml_app *app = ml_app_ref(
        inv->app); /* fn outlives the callback, and so does the result */
    struct ml_frame last = {'R', f != NULL ? json_incref(f->json) : NULL, {NULL, 0}};
    unlink_and_free(inv);
    if (call.on_end != NULL)
        call.on_end(call.user, ok, last.json != NULL ? &last : NULL);
    json_decref(last.json);
    if (r != NULL)
        ml_front_ended(h);
    ml_app_unref(app);
    if (h->reloading)
        ml_host_reload_step(h);
    if (h->state == ML_HOST_STOPPING && h->n_running == 0)
        ml_host_stop(h, h->exit_status, 0);
}

void ml_invocations_fail(struct ml_host *h, const struct ml_slot *s, const char *why)
{
    for (;;) { /* from the head each time: an end may change the list */
        struct ml_invocation *inv = h->running;
        while (inv != NULL && s != NULL && (inv->slot != s || inv->is_settled))
            inv = inv->next;
        if (inv == NULL)
            return;
        end(inv, false, NULL, why);
    }
}

static void pump(struct ml_invocation *inv);

/* -- frames of the worker ------------------------------------------------------------------------ */

static bool body_in_chunks(const json_t *result)
{
    const json_t *ret = json_object_get(result, "return");
    const char *name;
    json_t *datum;
    json_object_foreach(json_object_get(result, "outputs"), name, datum)
        if (json_is_true(json_object_get(datum, "chunks")))
            return true;
    return json_is_true(json_object_get(json_object_get(ret, "body"), "chunks")) ||
           json_is_true(json_object_get(ret, "chunks"));
}

static void on_written(void *user, const char *problem)
{
    struct ml_invocation *inv = user;
    if (problem != NULL)
        end(inv, false, NULL, problem);
    else
        end(inv, true, &inv->settled, NULL);
}

/* The function has returned: write what it set, then end. */
static void settle(struct ml_invocation *inv)
{
    inv->settled = (struct ml_frame){'R', inv->result, ml_buf_view(&inv->result_payload)};
    inv->is_settled = true;
    if (inv->bound != NULL)
        ml_bindings_write(inv->bound, &inv->settled, &inv->body, on_written, inv);
    else
        end(inv, true, &inv->settled, NULL);
}

static void on_result(struct ml_invocation *inv, const struct ml_frame *f)
{
    bool ok = json_is_true(json_object_get(f->json, "ok"));
    bool wanted = (inv->call.reply && !inv->streaming) || inv->bound != NULL;
    bool chunked = body_in_chunks(f->json) && wanted;
    if (!ok || (inv->bound == NULL && !chunked)) {
        end(inv, ok, f, NULL);
        return;
    }
    ml_buf_str(&inv->result_payload, f->payload);
    inv->result = json_incref(f->json);
    inv->body.memory_max = ML_BODY_INLINE;
    if (inv->result_payload.status != ML_OK)
        end(inv, false, NULL, "out of memory");
    else if (!chunked)
        settle(inv);
}

static void on_chunk(struct ml_invocation *inv, const struct ml_frame *f)
{
    bool last = json_is_true(json_object_get(f->json, "last"));
    const char *error = ml_json_text(f->json, "error");
    if (inv->streaming && inv->result == NULL) {
        (void)ml_http_reply_write(inv->call.http, f->payload);
        return; /* the end comes with R */
    }
    if (inv->result == NULL || inv->is_settled)
        return;
    int rc = error == NULL ? ml_body_add(&inv->body, f->payload) : ML_EIO;
    if (rc != ML_OK) {
        char text[200];
        (void)snprintf(text, sizeof text, "The response's body could not be kept: %.120s",
                       error != NULL ? error : ml_status_text(rc));
        end(inv, false, NULL, text);
    } else if (last) {
        settle(inv);
    }
}

static void on_answer(struct ml_invocation *inv, const struct ml_frame *f)
{
    if (inv->call.http == NULL || !inv->call.reply || inv->streaming)
        return;
    inv->streaming = ml_front_reply_start(inv->host, inv->call.http, f) == ML_OK;
}

static void on_credit(struct ml_invocation *inv, const struct ml_frame *f)
{
    int64_t n = ml_json_i64(f->json, "n", 0);
    if (n <= 0 || !inv->has_body || inv->credit > ML_STREAM_WINDOW)
        return;
    inv->credit += (uint64_t)n;
    pump(inv);
}

void ml_invocation_frame(struct ml_host *h, const struct ml_frame *f)
{
    struct ml_invocation *inv = ml_invocation_find(h, ml_json_text(f->json, "id"));
    if (inv == NULL)
        return; /* it failed before (timeout): the rest is of no use */
    if (f->type == 'R')
        on_result(inv, f);
    else if (f->type == 'A')
        on_answer(inv, f);
    else if (f->type == 'B')
        on_chunk(inv, f);
    else
        on_credit(inv, f);
}

void ml_invocation_drained(struct ml_invocation *inv, size_t n, bool gone)
{
    struct ml_buf b = {0};
    char json[96];
    if (gone)
        (void)snprintf(json, sizeof json, "{\"id\":\"%s\"}", inv->ids.id);
    else
        (void)snprintf(json, sizeof json, "{\"id\":\"%s\",\"n\":%zu}", inv->ids.id, n);
    ml_wire_frame(&b, gone ? 'c' : 'k', json);
    if (inv->slot->worker != NULL)
        (void)ml_worker_send(inv->slot->worker, &b, NULL, NULL);
    ml_buf_free(&b);
}

/* -- the request's body on its way to the worker ---------------------------------------------------- */

struct sent { /* a chunk under way; the invocation may end meanwhile */
    struct ml_host *host;
    char id[37];
};

static void on_sent(void *user)
{
    struct sent *p = user;
    struct ml_invocation *inv = ml_invocation_find(p->host, p->id);
    ml_free(p);
    if (inv == NULL)
        return;
    inv->pumping = false;
    pump(inv);
}

/* One "b" frame with n bytes of the body, or with the reason why there are no more. */
static void send_chunk(struct ml_invocation *inv, size_t n, bool last, const char *error)
{
    struct ml_buf b = {0};
    struct sent *sent = ml_calloc(1, sizeof *sent);
    size_t at = ml_wire_begin(&b, 'b'), got = 0;
    ml_buf_printf(&b, "{\"id\":\"%s\",\"last\":%s", inv->ids.id, last ? "true" : "false");
    size_t open = b.n;
    ml_buf_char(&b, '}');
    ml_wire_end_json(&b, at);
    char *p = error == NULL && n != 0 ? ml_buf_reserve(&b, n) : NULL;
    if (p != NULL && (ml_body_read(inv->chunks, inv->body_at, p, n, &got) != ML_OK || got != n))
        error = "it cannot be read back";
    if (error != NULL) {
        b.n = open;
        ml_buf_printf(&b, ",\"error\":\"%s\"}", error);
        ml_wire_end_json(&b, at);
    } else {
        b.n += got;
        inv->body_at += got;
        inv->credit -= got;
    }
    ml_wire_end(&b, at);
    inv->pumped = last || error != NULL;
    inv->pumping = sent != NULL;
    if (sent != NULL) {
        sent->host = inv->host;
        (void)snprintf(sent->id, sizeof sent->id, "%s", inv->ids.id);
    }
    if (sent == NULL || ml_worker_send(inv->slot->worker, &b, on_sent, sent) != ML_OK) {
        inv->pumped = true; /* the worker's end tells the rest */
        ml_free(sent);
        ml_buf_free(&b);
    }
}

/* Sends what is there, one chunk at a time; goes on when that was taken, more came, or credit. */
static void pump(struct ml_invocation *inv)
{
    const struct ml_http_request *r = inv->call.http;
    bool early = r != NULL && inv->chunks == &r->body && r->early;
    if (inv->pumping || inv->pumped || inv->slot->worker == NULL)
        return;
    if (early && r->body_state == ML_HTTP_BODY_TOO_LARGE) {
        send_chunk(inv, 0, false, "it is too large");
        return;
    }
    if (early && r->body_state == ML_HTTP_BODY_BROKEN) {
        send_chunk(inv, 0, false, "the client has gone, or it cannot be kept");
        return;
    }
    uint64_t n = inv->chunks->bytes - inv->body_at;
    bool whole = !early || r->body_state == ML_HTTP_BODY_WHOLE;
    bool all = n <= ML_BODY_CHUNK && n <= inv->credit;
    if (!all)
        n = inv->credit < ML_BODY_CHUNK ? inv->credit : ML_BODY_CHUNK;
    if (n != 0 || (whole && all))
        send_chunk(inv, (size_t)n, whole && all, NULL);
}

void ml_invocation_body(struct ml_invocation *inv)
{
    if (inv->has_body)
        pump(inv);
}

/* -- starting ------------------------------------------------------------------------------------ */

static void write_trace(struct ml_buf *b, const struct ml_call_ids *ids)
{
    ml_buf_printf(b, ",\"trace\":{\"parent\":\"00-%s-%s-01\",\"state\":", ids->trace_id,
                  ids->span_id);
    ml_buf_json(b, ml_str_of(ids->state));
    ml_buf_cstr(b, ",\"attributes\":{}}");
}

/* The frame up to the inputs that come with the call; "inputs" is still open. */
static void write_invoke(struct ml_invocation *inv)
{
    const struct ml_call *c = &inv->call;
    struct ml_buf *b = &inv->out;
    inv->out_at = ml_wire_begin(b, 'v');
    ml_buf_printf(b, "{\"id\":\"%s\",\"function\":", inv->ids.id);
    ml_buf_json(b, ml_str_of(c->fn->id));
    ml_buf_cstr(b, ",\"name\":");
    ml_buf_json(b, ml_str_of(c->fn->name));
    write_trace(b, &inv->ids);
    if (c->retry_max != ML_NO_RETRY) {
        ml_buf_printf(b, ",\"retry\":{\"count\":%d,\"max\":%d,\"exception\":", c->retry_count,
                      c->retry_max);
        if (c->retry_exception != NULL)
            ml_buf_json(b, ml_str_of(c->retry_exception));
        else
            ml_buf_cstr(b, "null");
        ml_buf_char(b, '}');
    } else {
        ml_buf_cstr(b, ",\"retry\":null");
    }
    ml_buf_printf(b, ",\"stream\":%s", c->fn->stream && c->http != NULL ? "true" : "false");
    ml_buf_cstr(b, ",\"metadata\":{");
    if (c->write_metadata != NULL)
        c->write_metadata(c->user, b);
    ml_buf_cstr(b, "},\"inputs\":{");
    if (c->write_inputs != NULL)
        c->write_inputs(c->user, b, &inv->payload);
}

/* Closes the frame and sends it, and what follows it. The invocation may have ended afterwards. */
static void send_invoke(struct ml_invocation *inv)
{
    struct ml_buf *b = &inv->out;
    ml_buf_cstr(b, "}}");
    ml_wire_end_json(b, inv->out_at);
    ml_buf_str(b, ml_buf_view(&inv->payload));
    ml_wire_end(b, inv->out_at);
    if (inv->payload.status != ML_OK)
        b->status = inv->payload.status;
    ml_buf_free(&inv->payload);
    if (inv->slot->worker == NULL || ml_worker_send(inv->slot->worker, b, NULL, NULL) != ML_OK) {
        end(inv, false, NULL, "The invocation could not be sent to the worker.");
        return;
    }
    if (inv->chunks == NULL)
        return;
    inv->has_body = true;
    inv->credit = inv->call.fn->stream && inv->call.http != NULL ? ML_STREAM_WINDOW : UINT64_MAX;
    pump(inv);
}

static void on_inputs(void *user, const char *problem)
{
    struct ml_invocation *inv = user;
    if (problem == NULL) {
        bool first = inv->out.n != 0 && inv->out.p[inv->out.n - 1] == '{';
        int rc = ml_bindings_write_inputs(inv->bound, first, inv->chunks == NULL, &inv->out,
                                          &inv->payload, &inv->chunks);
        if (rc != ML_OK)
            problem = rc == ML_ELIMIT ? "The inputs of one invocation are too long together."
                                      : ml_status_text(rc);
    }
    if (problem != NULL)
        end(inv, false, NULL, problem);
    else
        send_invoke(inv);
}

/* The members "metadata" and "inputs" as the frame has them so far. */
static json_t *frame_data(const struct ml_invocation *inv)
{
    struct ml_buf b = {0};
    const char *from = inv->out.status == ML_OK
                           ? memmem(inv->out.p, inv->out.n, ",\"metadata\":{", 13)
                           : NULL;
    if (from == NULL)
        return NULL;
    ml_buf_char(&b, '{');
    ml_buf_add(&b, from + 1, inv->out.n - (size_t)(from + 1 - inv->out.p));
    ml_buf_cstr(&b, "}}");
    json_t *doc = b.status == ML_OK ? json_loadb(b.p, b.n, 0, NULL) : NULL;
    ml_buf_free(&b);
    return doc;
}

/* Bindings beside the trigger: the frame waits until they are read. */
static void begin_bound(struct ml_invocation *inv)
{
    struct ml_frame data = {'v', frame_data(inv), ml_buf_view(&inv->payload)};
    int rc = data.json != NULL ? ml_bindings_new(inv->host, inv->call.fn, &data, &inv->bound)
                               : ML_ENOMEM;
    json_decref(data.json);
    if (rc == ML_OK)
        ml_bindings_read(inv->bound, on_inputs, inv);
    else
        end(inv, false, NULL, "The invocation's inputs could not be prepared.");
}

static void read_traceparent(struct ml_call_ids *ids, const struct ml_http_request *r)
{
    struct ml_str v = r != NULL ? ml_http_header(r, ML_STR("traceparent"))
                                : (struct ml_str){NULL, 0};
    ml_hex_new(ids->trace_id, 32);
    ml_hex_new(ids->span_id, 16);
    if (v.n < 55 || v.p[2] != '-' || v.p[35] != '-' || v.p[52] != '-')
        return;
    for (size_t i = 3; i < 52; i++)
        if (i != 35 && strchr("0123456789abcdef", v.p[i]) == NULL)
            return;
    memcpy(ids->trace_id, v.p + 3, 32);
    memcpy(ids->parent_span, v.p + 36, 16);
    struct ml_str state = ml_http_header(r, ML_STR("tracestate"));
    if (state.n < sizeof ids->state)
        (void)snprintf(ids->state, sizeof ids->state, "%.*s", (int)state.n,
                       state.n != 0 ? state.p : "");
}

int ml_invoke(struct ml_host *h, const struct ml_call *call)
{
    struct ml_slot *s = ml_host_pick(h);
    if (s == NULL)
        return ML_EBUSY;
    struct ml_invocation *inv = ml_calloc(1, sizeof *inv);
    if (inv == NULL)
        return ML_ENOMEM;
    inv->host = h;
    inv->slot = s;
    inv->worker = ml_worker_pid(s->worker);
    inv->call = *call;
    (void)snprintf(inv->reason, sizeof inv->reason, "%s", call->reason);
    inv->call.reason = inv->reason;
    inv->start_ns = ml_now_ns();
    read_traceparent(&inv->ids, call->http);
    if (call->retry_id != NULL)
        (void)snprintf(inv->ids.id, sizeof inv->ids.id, "%s", call->retry_id);
    else
        ml_uuid_new(inv->ids.id);
    if (ml_map_put(&h->by_id, ml_str_of(inv->ids.id), (uint64_t)(uintptr_t)inv) != ML_OK) {
        ml_free(inv);
        return ML_ENOMEM;
    }
    inv->app = ml_app_ref(h->app);
    inv->next = h->running;
    if (h->running != NULL)
        h->running->prev = inv;
    h->running = inv;
    h->n_running++;
    s->running++;
    ml_record_executing(h, call->fn, &inv->ids, inv->reason, call->details);
    struct ml_http_request *r = call->http;
    if (r != NULL && call->reply && call->fn->stream)
        r->user = inv; /* until the reply is given: news of its bodies */
    const struct ml_body *body = r != NULL ? &r->body : call->body;
    if (body != NULL && (body->bytes > ML_BODY_INLINE || (r != NULL && r->early)))
        inv->chunks = body;
    write_invoke(inv);
    if (call->fn->bound)
        begin_bound(inv);
    else
        send_invoke(inv);
    return ML_OK;
}

/* -- time-outs ----------------------------------------------------------------------------------- */

void ml_invocations_tick(struct ml_host *h, uint64_t now)
{
    if (h->timeout_ms < 0)
        return;
    for (struct ml_invocation *inv = h->running; inv != NULL; inv = inv->next) {
        uint64_t age_ms = (now - inv->start_ns) / 1000000;
        if (now < inv->start_ns || age_ms < (uint64_t)h->timeout_ms || inv->timed_out ||
            inv->is_settled)
            continue;
        long long t = h->timeout_ms / 1000;
        ml_host_log(
            h, "Host.Executor", ML_LEVEL_ERROR,
            "Timeout value of %02lld:%02lld:%02lld exceeded by function 'Functions.%s' (Id: "
            "'%s'). Initiating cancellation.",
            t / 3600, t / 60 % 60, t % 60, inv->call.fn->name, inv->ids.id);
        inv->timed_out = true;
        ml_slot_replace(inv->slot); /* its end fails all its invocations */
    }
}
