/* host/event.c -- see event.h. SPDX-License-Identifier: MIT */
#include "host/event.h"

#include <stdio.h>

enum { BUSY_MS = 100 };

static void run(struct ml_event *ev);

static void finish(struct ml_event *ev, enum ml_event_end end)
{
    ml_timer_free(ev->timer);
    ev->timer = NULL;
    ev->done(ev->user, end);
}

static void on_timer(void *user)
{
    struct ml_event *ev = user;
    ml_timer_free(ev->timer);
    ev->timer = NULL;
    run(ev);
}

static void run_after(struct ml_event *ev, uint64_t ms)
{
    if (ml_timer_new(ev->host->loop, ms, 0, on_timer, ev, &ev->timer) != ML_OK)
        finish(ev, ML_EVENT_ABANDONED);
}

static void on_end(void *user, bool ok, const struct ml_frame *result)
{
    struct ml_event *ev = user;
    ev->running = false;
    if (ok || ev->stopped || !ml_retry_again(&ev->retry, ev->tries)) {
        finish(ev, ok ? ML_EVENT_DONE : ML_EVENT_FAILED);
        return;
    }
    const json_t *err = result != NULL ? json_object_get(result->json, "error") : NULL;
    const char *message = ml_json_text(err, "message"),
               *id = result != NULL ? ml_json_text(result->json, "id") : NULL;
    (void)snprintf(ev->exception, sizeof ev->exception, "%.500s",
                   message != NULL ? message : "failed");
    (void)snprintf(ev->retry_id, sizeof ev->retry_id, "%.36s", id != NULL ? id : "");
    run_after(ev, ml_retry_delay_ms(&ev->retry, ev->tries++));
}

static void write_inputs(void *user, struct ml_buf *json, struct ml_buf *payload)
{
    const struct ml_event *ev = user;
    ev->write_inputs(ev->user, json, payload);
}

static void write_metadata(void *user, struct ml_buf *json)
{
    const struct ml_event *ev = user;
    ev->write_metadata(ev->user, json);
}

static void run(struct ml_event *ev)
{
    struct ml_call call = {
        .fn = ev->fn,
        .reason = ev->reason,
        .details = ev->details[0] != '\0' ? ev->details : NULL,
        .write_inputs = write_inputs,
        .write_metadata = write_metadata,
        .on_end = on_end,
        .user = ev,
        .body = ev->body,
        .retry_id = ev->retry_id[0] != '\0' ? ev->retry_id : NULL,
        .retry_count = ev->tries,
        .retry_max = ev->retry.kind == ML_RETRY_NONE ? ML_NO_RETRY : ev->retry.max,
        .retry_exception = ev->tries > 0 ? ev->exception : NULL,
    };
    if (ev->stopped || ev->host->app != ev->app) {
        finish(ev, ML_EVENT_ABANDONED);
        return;
    }
    ev->running = true;
    int rc = ml_invoke(ev->host, &call);
    if (rc == ML_OK)
        return; /* it may have ended already */
    ev->running = false;
    run_after(ev, BUSY_MS);
}

void ml_event_start(struct ml_event *ev)
{
    ml_retry_read(json_object_get(ev->fn->entry, "retry"), ml_setting(&ev->host->settings, "retry"),
                  &ev->retry);
    run(ev);
}

void ml_event_stop(struct ml_event *ev)
{
    ev->stopped = true;
    if (ev->timer != NULL)
        finish(ev, ML_EVENT_ABANDONED);
}
