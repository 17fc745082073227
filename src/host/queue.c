/* host/queue.c -- see queue.h. SPDX-License-Identifier: MIT */
#include "host/queue.h"

#include "base/mem.h"
#include "host/base64.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool ml_queue_is_base64(const struct ml_host *h)
{
    return strcasecmp(ml_setting_text(&h->settings, "extensions.queues.messageEncoding", "base64"),
                      "none") != 0;
}

void ml_queue_encode(const struct ml_host *h, struct ml_str text, struct ml_buf *b)
{
    if (ml_queue_is_base64(h))
        ml_base64_encode(b, text);
    else
        ml_buf_str(b, text);
}

/* "/QUEUE", "/QUEUE/messages" or "/QUEUE/messages/ID". */
static void path_of(struct ml_buf *b, const char *queue, bool messages, const char *id)
{
    ml_buf_char(b, '/');
    ml_url_encode(b, ml_str_of(queue));
    if (messages)
        ml_buf_cstr(b, "/messages");
    if (id != NULL) {
        ml_buf_char(b, '/');
        ml_url_encode(b, ml_str_of(id));
    }
}

static int send_order(struct ml_storage_order *o, const char *queue, bool messages, const char *id,
                      ml_storage_done done, void *user)
{
    struct ml_buf path = {0};
    path_of(&path, queue, messages, id);
    o->rq.service = ML_STORAGE_QUEUE;
    o->rq.path = path.p;
    int rc = path.status == ML_OK ? ml_storage_send(o, done, user) : path.status;
    ml_buf_free(&path);
    return rc;
}

int ml_queue_take(struct ml_account *a, const char *queue, int n, int lease_s, ml_storage_done done,
                  void *user)
{
    char count[16], lease[16];
    (void)snprintf(count, sizeof count, "%d", n);
    (void)snprintf(lease, sizeof lease, "%d", lease_s);
    struct ml_storage_order o = {
        .account = a,
        .rq = {.method = "GET",
               .query = {{"numofmessages", count}, {"visibilitytimeout", lease}},
               .n_query = 2},
    };
    return send_order(&o, queue, true, NULL, done, user);
}

int ml_queue_hide(struct ml_account *a, const char *queue, const char *id, const char *receipt,
                  int hide_s, ml_storage_done done, void *user)
{
    char hide[16];
    (void)snprintf(hide, sizeof hide, "%d", hide_s);
    struct ml_storage_order o = {
        .account = a,
        .rq = {.method = "PUT",
               .query = {{"popreceipt", receipt}, {"visibilitytimeout", hide}},
               .n_query = 2},
        .matters = true,
    };
    return send_order(&o, queue, true, id, done, user);
}

int ml_queue_delete(struct ml_account *a, const char *queue, const char *id, const char *receipt,
                    ml_storage_done done, void *user)
{
    struct ml_storage_order o = {
        .account = a,
        .rq = {.method = "DELETE", .query = {{"popreceipt", receipt}}, .n_query = 1},
        .matters = true,
    };
    return send_order(&o, queue, true, id, done, user);
}

/* -- putting ------------------------------------------------------------------------------------- */

struct put {
    struct ml_account *account;
    char queue[ML_QUEUE_NAME_MAX + 1];
    struct ml_buf body;
    bool made; /* the queue was made already */
    ml_storage_done done;
    void *user;
};

static void put_end(struct put *p, const struct ml_storage_result *r)
{
    p->done(p->user, r);
    ml_buf_free(&p->body);
    ml_free(p);
}

static void put_fail(struct put *p)
{
    const struct ml_storage_result r = {.code = "OutOfMemory", .text = "out of memory"};
    put_end(p, &r);
}

static void on_put(void *user, const struct ml_storage_result *r);

static int put_send(struct put *p)
{
    struct ml_storage_order o = {
        .account = p->account,
        .rq = {.method = "POST", .headers = {{"content-type", "application/xml"}}, .n_headers = 1},
        .body = ml_buf_view(&p->body),
        .matters = true,
    };
    return send_order(&o, p->queue, true, NULL, on_put, p);
}

static void on_made(void *user, const struct ml_storage_result *r)
{
    struct put *p = user;
    if (r->text[0] != '\0' && r->status != 409) /* somebody else made it */
        put_end(p, r);
    else if (put_send(p) != ML_OK)
        put_fail(p);
}

static void on_put(void *user, const struct ml_storage_result *r)
{
    struct put *p = user;
    if (r->status != 404 || p->made) {
        put_end(p, r);
        return;
    }
    p->made = true;
    struct ml_storage_order o = {.account = p->account, .rq = {.method = "PUT"}, .matters = true};
    if (send_order(&o, p->queue, false, NULL, on_made, p) != ML_OK)
        put_fail(p);
}

static void add_escaped(struct ml_buf *b, struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '&' || c == '<' || c == '>')
            ml_buf_cstr(b, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
        else if (c == '\r') /* a reader would take it for a line end */
            ml_buf_cstr(b, "&#13;");
        else
            ml_buf_char(b, c);
    }
}

int ml_queue_put(struct ml_account *a, const char *queue, struct ml_str text, ml_storage_done done,
                 void *user)
{
    struct put *p = ml_calloc(1, sizeof *p);
    if (p == NULL)
        return ML_ENOMEM;
    p->account = a;
    (void)snprintf(p->queue, sizeof p->queue, "%s", queue);
    p->done = done;
    p->user = user;
    ml_buf_cstr(&p->body, "<QueueMessage><MessageText>");
    add_escaped(&p->body, text);
    ml_buf_cstr(&p->body, "</MessageText></QueueMessage>");
    int rc = p->body.status == ML_OK ? put_send(p) : p->body.status;
    if (rc != ML_OK) {
        ml_buf_free(&p->body);
        ml_free(p);
    }
    return rc;
}
