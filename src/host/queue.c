/* host/queue.c -- see queue.h. SPDX-License-Identifier: MIT */
#include "host/queue.h"

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
    struct ml_buf messages = {0}, made = {0}, body = {0};
    path_of(&messages, queue, true, NULL);
    path_of(&made, queue, false, NULL);
    ml_buf_cstr(&body, "<QueueMessage><MessageText>");
    add_escaped(&body, text);
    ml_buf_cstr(&body, "</MessageText></QueueMessage>");
    const struct ml_storage_order put = {
        .account = a,
        .rq = {.service = ML_STORAGE_QUEUE,
               .method = "POST",
               .path = messages.p,
               .headers = {{"content-type", "application/xml"}},
               .n_headers = 1},
        .body = ml_buf_view(&body),
        .matters = true,
    };
    const struct ml_storage_order make = {
        .account = a,
        .rq = {.service = ML_STORAGE_QUEUE, .method = "PUT", .path = made.p},
        .matters = true,
    };
    int rc = messages.status != ML_OK ? messages.status : made.status;
    if (rc == ML_OK)
        rc = body.status;
    if (rc == ML_OK)
        rc = ml_storage_put(&put, &make, done, user);
    ml_buf_free(&messages);
    ml_buf_free(&made);
    ml_buf_free(&body);
    return rc;
}
