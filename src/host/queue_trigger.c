/* host/queue_trigger.c -- queue triggers: messages polled, run, deleted; or shown again, or moved to QUEUE-poison.
 *
 *   poll (100 ms, doubling to maxPollingInterval while the queue is empty) -> take a batch, hidden for a lease
 *   message -> event -> done: delete | failed: show again after visibilityTimeout; at maxDequeueCount: poison, delete
 *
 * While a message runs its lease is renewed at half time, so that one whose host was killed is seen again soon.
 * A new batch is taken when no more than newBatchThreshold messages run. SPDX-License-Identifier: MIT */
#include "host/listeners.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "host/base64.h"
#include "host/binding_text.h"
#include "host/event.h"
#include "host/queue.h"
#include "host/storage_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { POLL_MIN_MS = 100, AWAY_MAX_MS = 2000, NOT_READY_MS = 200, BATCH_MAX = 32, LEASE_S = 60 };

static const char category[] = "Host.Triggers.Queues";

struct message {
    struct message *prev;
    struct message *next;
    struct ml_queue_listener *l; /* a reference */
    char *id;
    char *receipt;
    struct ml_buf text; /* decoded */
    bool binary;
    char inserted[32];
    char expires[32];
    char visible[32];
    int64_t dequeue_count;
    struct ml_event ev;
    struct ml_timer *renewal;
    bool renewing; /* the receipt is about to change */
    bool ended;
    enum ml_event_end end;
};

struct ml_queue_listener {
    int refs; /* its owner, each message, the poll under way */
    struct ml_host *host;
    struct ml_app *app;
    struct ml_function *fn;
    struct ml_account *account;
    char queue[ML_QUEUE_NAME_MAX + 1];
    char poison[ML_QUEUE_NAME_MAX + 1]; /* "": there is none */
    int batch;
    int threshold;
    int max_dequeue;
    int lease_s;
    int64_t hide_ms; /* after a failure */
    int64_t max_wait_ms;
    int64_t wait_ms;
    bool base64;
    bool polling;
    bool stopped;
    bool told; /* a refusal of the service */
    int n_running;
    struct message *messages; /* list */
    struct ml_timer *timer;
};

static void unref(struct ml_queue_listener *l)
{
    if (--l->refs != 0)
        return;
    ml_timer_free(l->timer);
    ml_app_unref(l->app);
    ml_free(l);
}

static void poll_after(struct ml_queue_listener *l, int64_t ms)
{
    if (!l->stopped)
        ml_timer_set(l->timer, (uint64_t)ms);
}

/* -- the end of a message ------------------------------------------------------------------------ */

static void message_free(struct message *m)
{
    struct ml_queue_listener *l = m->l;
    if (m->prev != NULL)
        m->prev->next = m->next;
    else
        l->messages = m->next;
    if (m->next != NULL)
        m->next->prev = m->prev;
    l->n_running--;
    ml_timer_free(m->renewal);
    ml_buf_free(&m->text);
    ml_free(m->id);
    ml_free(m->receipt);
    ml_free(m);
    if (!l->stopped && !l->polling && l->n_running <= l->threshold)
        poll_after(l, 0);
    unref(l);
}

static void on_settled(void *user, const struct ml_storage_result *r)
{
    struct message *m = user;
    if (r->status != 0 && r->text[0] != '\0') /* away: told by the storage */
        ml_host_log(m->l->host, category, ML_LEVEL_WARNING,
                    "The message %s of queue '%s' may run again: %s", m->id, m->l->queue, r->text);
    message_free(m);
}

static void show_again(struct message *m, int64_t hide_ms)
{
    struct ml_queue_listener *l = m->l;
    if (ml_queue_hide(l->account, l->queue, m->id, m->receipt, (int)((hide_ms + 999) / 1000),
                      on_settled, m) != ML_OK)
        message_free(m);
}

static void remove_message(struct message *m)
{
    struct ml_queue_listener *l = m->l;
    if (ml_queue_delete(l->account, l->queue, m->id, m->receipt, on_settled, m) != ML_OK)
        message_free(m);
}

static void on_poisoned(void *user, const struct ml_storage_result *r)
{
    struct message *m = user;
    struct ml_queue_listener *l = m->l;
    if (r->text[0] == '\0') {
        remove_message(m);
        return;
    }
    ml_host_log(l->host, category, ML_LEVEL_WARNING,
                "The message %s cannot be moved to queue '%s': %s", m->id, l->poison, r->text);
    show_again(m, l->hide_ms);
}

/* text: as the service keeps it. */
static void move_to_poison(struct message *m, struct ml_str text)
{
    struct ml_queue_listener *l = m->l;
    if (ml_queue_put(l->account, l->poison, text, on_poisoned, m) != ML_OK)
        show_again(m, l->hide_ms);
}

static void give_up(struct message *m)
{
    struct ml_queue_listener *l = m->l;
    struct ml_buf text = {0};
    if (l->poison[0] == '\0') {
        ml_host_log(l->host, category, ML_LEVEL_WARNING,
                    "Message has reached MaxDequeueCount of %d. There is no poison queue of a "
                    "poison queue; the message is deleted.",
                    l->max_dequeue);
        remove_message(m);
        return;
    }
    ml_host_log(l->host, category, ML_LEVEL_WARNING,
                "Message has reached MaxDequeueCount of %d. Moving message to queue '%s'.",
                l->max_dequeue, l->poison);
    ml_queue_encode(l->host, ml_buf_view(&m->text), &text);
    if (text.status == ML_OK)
        move_to_poison(m, ml_buf_view(&text));
    else
        show_again(m, l->hide_ms);
    ml_buf_free(&text);
}

static void settle(struct message *m)
{
    ml_timer_free(m->renewal);
    m->renewal = NULL;
    if (m->end == ML_EVENT_DONE)
        remove_message(m);
    else if (m->end == ML_EVENT_ABANDONED)
        show_again(m, 0);
    else if (m->dequeue_count >= m->l->max_dequeue)
        give_up(m);
    else
        show_again(m, m->l->hide_ms);
}

static void on_event_done(void *user, enum ml_event_end end)
{
    struct message *m = user;
    m->ended = true;
    m->end = end;
    if (!m->renewing)
        settle(m);
}

/* -- while it runs ------------------------------------------------------------------------------- */

static void on_renewed(void *user, const struct ml_storage_result *r)
{
    struct message *m = user;
    m->renewing = false;
    if (r->text[0] == '\0') {
        struct ml_str receipt = ml_fetch_header(r->answer, "x-ms-popreceipt");
        char *copy = receipt.n != 0 ? ml_strndup(receipt.p, receipt.n) : NULL;
        if (copy != NULL) {
            ml_free(m->receipt);
            m->receipt = copy;
        }
    }
    if (m->ended)
        settle(m);
}

static void on_renewal(void *user)
{
    struct message *m = user;
    struct ml_queue_listener *l = m->l;
    if (m->renewing || m->ended)
        return;
    m->renewing = ml_queue_hide(l->account, l->queue, m->id, m->receipt, l->lease_s, on_renewed,
                                m) == ML_OK;
}

static void write_inputs(void *user, struct ml_buf *b, struct ml_buf *payload)
{
    const struct message *m = user;
    ml_buf_json(b, ml_str_of(m->l->fn->trigger_param));
    if (m->binary) {
        ml_buf_printf(b, ":{\"t\":\"bytes\",\"at\":%zu,\"n\":%zu}", payload->n, m->text.n);
        ml_buf_str(payload, ml_buf_view(&m->text));
        return;
    }
    ml_buf_cstr(b, ":{\"t\":\"string\",\"v\":");
    ml_buf_json(b, ml_buf_view(&m->text));
    ml_buf_char(b, '}');
}

static void add_string(struct ml_buf *b, const char *key, struct ml_str value)
{
    ml_buf_printf(b, ",\"%s\":{\"t\":\"string\",\"v\":", key);
    ml_buf_json(b, value);
    ml_buf_char(b, '}');
}

static void write_metadata(void *user, struct ml_buf *b)
{
    const struct message *m = user;
    ml_buf_printf(b, "\"DequeueCount\":{\"t\":\"int\",\"v\":%lld}", (long long)m->dequeue_count);
    add_string(b, "Id", ml_str_of(m->id));
    add_string(b, "ExpirationTime", ml_str_of(m->expires));
    add_string(b, "InsertionTime", ml_str_of(m->inserted));
    add_string(b, "NextVisibleTime", ml_str_of(m->visible));
    add_string(b, "PopReceipt", ml_str_of(m->receipt));
    if (!m->binary)
        add_string(b, "QueueTrigger", ml_buf_view(&m->text));
}

/* -- taking -------------------------------------------------------------------------------------- */

static void start_event(struct message *m)
{
    struct ml_queue_listener *l = m->l;
    m->ev = (struct ml_event){
        .host = l->host,
        .app = l->app,
        .fn = l->fn,
        .user = m,
        .write_inputs = write_inputs,
        .write_metadata = write_metadata,
        .done = on_event_done,
    };
    (void)snprintf(m->ev.reason, sizeof m->ev.reason, "New queue message detected on '%s'.",
                   l->queue);
    (void)snprintf(m->ev.details, sizeof m->ev.details,
                   "Trigger Details: MessageId: %s, DequeueCount: %lld, InsertionTime: %s", m->id,
                   (long long)m->dequeue_count, m->inserted);
    uint64_t half_ms = (uint64_t)l->lease_s * 500;
    (void)ml_timer_new(l->host->loop, half_ms, half_ms, on_renewal, m, &m->renewal);
    ml_event_start(&m->ev);
}

static struct message *message_new(struct ml_queue_listener *l, const struct ml_queue_message *q)
{
    struct message *m = ml_calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->id = ml_strndup(q->id.p, q->id.n);
    m->receipt = ml_strndup(q->receipt.p, q->receipt.n);
    if (m->id == NULL || m->receipt == NULL) {
        ml_free(m->id);
        ml_free(m->receipt);
        ml_free(m);
        return NULL;
    }
    (void)ml_storage_iso_date(q->inserted, m->inserted);
    (void)ml_storage_iso_date(q->expires, m->expires);
    (void)ml_storage_iso_date(q->next_visible, m->visible);
    m->dequeue_count = q->dequeue_count;
    m->l = l;
    l->refs++;
    l->n_running++;
    m->next = l->messages;
    if (l->messages != NULL)
        l->messages->prev = m;
    l->messages = m;
    return m;
}

static bool wants_bytes(const struct ml_function *fn)
{
    const char *type = json_string_value(ml_json_get(fn->trigger, "dataType"));
    return type != NULL && strcasecmp(type, "binary") == 0;
}

static bool is_text(struct ml_str s)
{
    uint32_t point;
    for (size_t n = 0; s.n != 0; s.p += n, s.n -= n)
        if ((n = ml_utf8_next(s, &point)) == 0)
            return false;
    return true;
}

struct batch {
    struct ml_queue_listener *l;
    int n;
};

static void on_message(void *user, const struct ml_queue_message *q)
{
    struct batch *batch = user;
    struct ml_queue_listener *l = batch->l;
    struct message *m = message_new(l, q);
    batch->n++;
    if (m == NULL)
        return; /* it comes again */
    bool decoded = true;
    ml_buf_cstr(&m->text, "");
    if (l->base64)
        decoded = ml_base64_decode(&m->text, q->text);
    else
        ml_buf_str(&m->text, q->text);
    m->binary = wants_bytes(l->fn) || !is_text(ml_buf_view(&m->text));
    if (!decoded && l->poison[0] != '\0') {
        ml_host_log(l->host, category, ML_LEVEL_WARNING,
                    "Message decoding has failed! Check MessageEncoding settings. Moving message "
                    "%s to queue '%s'.",
                    m->id, l->poison);
        move_to_poison(m, q->text);
    } else if (m->dequeue_count > l->max_dequeue) { /* its host was killed each time */
        give_up(m);
    } else {
        start_event(m);
    }
}

static void on_answer(struct ml_queue_listener *l, const struct ml_storage_result *r)
{
    struct batch batch = {l, 0};
    struct ml_str xml;
    struct ml_error e = {0};
    bool refused = r->status != 0 && r->status != 404 && r->text[0] != '\0';
    if (r->status == 200 && (ml_body_view(&r->answer->body, &xml) != ML_OK ||
                             ml_queue_messages_read(xml, on_message, &batch, &e) != ML_OK))
        refused = true;
    if (refused && !l->told)
        ml_host_log(l->host, category, ML_LEVEL_WARNING,
                    "The queue '%s' of the function '%s' cannot be polled: %s", l->queue,
                    l->fn->name, r->text[0] != '\0' ? r->text : e.text);
    l->told = refused;
    if (batch.n != 0) {
        l->wait_ms = POLL_MIN_MS;
        if (l->n_running <= l->threshold)
            poll_after(l, 0);
        return; /* else the end of a message polls */
    }
    int64_t most = r->status == 0 && l->max_wait_ms > AWAY_MAX_MS ? AWAY_MAX_MS : l->max_wait_ms;
    l->wait_ms = l->wait_ms > most ? most : l->wait_ms;
    poll_after(l, l->wait_ms);
    l->wait_ms = l->wait_ms * 2 < most ? l->wait_ms * 2 : most;
}

static void on_taken(void *user, const struct ml_storage_result *r)
{
    struct ml_queue_listener *l = user;
    l->polling = false;
    if (!l->stopped) /* else: what was taken comes again when its lease ends */
        on_answer(l, r);
    unref(l);
}

static void on_timer(void *user)
{
    struct ml_queue_listener *l = user;
    if (l->stopped || l->polling || l->n_running > l->threshold)
        return;
    if (!ml_host_is_ready(l->host) || l->host->draining) {
        poll_after(l, NOT_READY_MS);
        return;
    }
    l->polling = true;
    l->refs++;
    if (ml_queue_take(l->account, l->queue, l->batch, l->lease_s, on_taken, l) != ML_OK) {
        l->polling = false;
        l->refs--;
        poll_after(l, AWAY_MAX_MS);
    }
}

/* -- settings ------------------------------------------------------------------------------------ */

static bool valid_name(const char *s)
{
    size_t n = strlen(s);
    if (n < 3 || n > ML_QUEUE_NAME_MAX || s[0] == '-' || s[n - 1] == '-' || strstr(s, "--") != NULL)
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static int read_name(struct ml_queue_listener *l, struct ml_error *e)
{
    const char *given = json_string_value(ml_json_get(l->fn->trigger, "queueName"));
    struct ml_buf b = {0};
    int rc = ml_binding_settings(given != NULL ? given : "", &b, e);
    if (rc == ML_OK) {
        ml_buf_cstr(&b, "");
        for (char *p = b.p; *p != '\0'; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + 32);
        if (!valid_name(b.p))
            rc = ml_fail(e, ML_EINVALID,
                         "'%.100s' is not a valid queue name: 3 to 63 letters, digits and single "
                         "dashes.",
                         b.p);
        else
            (void)snprintf(l->queue, sizeof l->queue, "%s", b.p);
    }
    ml_buf_free(&b);
    size_t n = strlen(l->queue);
    bool is_poison = n >= 7 && strcmp(l->queue + n - 7, "-poison") == 0;
    if (rc == ML_OK && !is_poison && n + 7 <= ML_QUEUE_NAME_MAX)
        (void)snprintf(l->poison, sizeof l->poison, "%.56s-poison", l->queue);
    return rc;
}

static int64_t span(const struct ml_settings *s, const char *path, int64_t fallback)
{
    int64_t ms;
    const json_t *v = ml_setting(s, path);
    if (json_is_string(v) && ml_settings_timespan(json_string_value(v), &ms))
        return ms;
    return json_is_integer(v) ? json_integer_value(v) : fallback;
}

static int read_limits(struct ml_queue_listener *l, struct ml_error *e)
{
    const struct ml_settings *s = &l->host->settings;
    int64_t batch = ml_setting_int(s, "extensions.queues.batchSize", 16);
    int64_t threshold = ml_setting_int(s, "extensions.queues.newBatchThreshold", batch / 2);
    int64_t dequeue = ml_setting_int(s, "extensions.queues.maxDequeueCount", 5);
    int64_t lease_ms = span(s, "memline.queueLease", LEASE_S * 1000);
    l->hide_ms = span(s, "extensions.queues.visibilityTimeout", 0);
    l->max_wait_ms = span(s, "extensions.queues.maxPollingInterval", 60000);
    if (batch < 1 || batch > BATCH_MAX)
        return ml_fail(e, ML_EINVALID, "host.json 'extensions.queues.batchSize' must be 1 to 32.");
    if (threshold < 0 || threshold > 10000 || dequeue < 1 || dequeue > 1000000)
        return ml_fail(e, ML_EINVALID,
                       "host.json 'extensions.queues': 'newBatchThreshold' must be 0 or more, "
                       "'maxDequeueCount' 1 or more.");
    if (l->max_wait_ms < POLL_MIN_MS || lease_ms < 1000 || lease_ms > 7 * 86400000LL ||
        l->hide_ms < 0 || l->hide_ms > 7 * 86400000LL)
        return ml_fail(e, ML_EINVALID,
                       "host.json 'extensions.queues': 'maxPollingInterval' must be 00:00:00.1 or "
                       "more, 'visibilityTimeout' at most 7 days.");
    l->batch = (int)batch;
    l->threshold = (int)threshold;
    l->max_dequeue = (int)dequeue;
    l->lease_s = (int)(lease_ms / 1000);
    l->base64 = ml_queue_is_base64(l->host);
    l->wait_ms = POLL_MIN_MS;
    return ML_OK;
}

int ml_queue_listener_new(struct ml_host *h, struct ml_function *fn, struct ml_queue_listener **out,
                          struct ml_error *e)
{
    struct ml_queue_listener *l = ml_calloc(1, sizeof *l);
    if (l == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    l->refs = 1;
    l->host = h;
    l->fn = fn;
    int rc = ml_storage_get(h, fn->trigger, ML_STORAGE_QUEUE, &l->account, e);
    if (rc == ML_OK)
        rc = read_name(l, e);
    if (rc == ML_OK)
        rc = read_limits(l, e);
    if (rc == ML_OK && out != NULL)
        rc = ml_timer_new(h->loop, 0, 0, on_timer, l, &l->timer);
    if (rc != ML_OK || out == NULL) {
        ml_free(l);
        return rc;
    }
    l->app = ml_app_ref(h->app);
    *out = l;
    return ML_OK;
}

void ml_queue_listener_stop(struct ml_queue_listener *l)
{
    l->stopped = true;
    ml_timer_stop(l->timer);
    for (struct message *m = l->messages, *next; m != NULL; m = next) {
        next = m->next;
        ml_event_stop(&m->ev); /* may begin its end, which comes from the loop */
    }
    unref(l);
}
