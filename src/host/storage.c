/* host/storage.c -- see storage.h. SPDX-License-Identifier: MIT */
#include "host/storage.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char category[] = "Host.Storage";

struct ml_storage {
    struct ml_host *host;
    struct ml_fetcher *fetcher;
    ML_VEC(struct ml_account *) accounts;
    size_t n_matter;
};

static int open_storage(struct ml_host *h)
{
    if (h->storage != NULL)
        return ML_OK;
    struct ml_storage *s = ml_calloc(1, sizeof *s);
    if (s == NULL || ml_fetcher_new(h->loop, &s->fetcher) != ML_OK) {
        ml_free(s);
        return ML_ENOMEM;
    }
    s->host = h;
    h->storage = s;
    return ML_OK;
}

static void account_free(struct ml_account *a)
{
    if (a == NULL)
        return;
    ml_free(a->connection);
    ml_free(a->text);
    ml_free(a);
}

void ml_storage_free(struct ml_storage *s)
{
    if (s == NULL)
        return;
    ml_fetcher_free(s->fetcher);
    for (size_t i = 0; i < s->accounts.n; i++)
        account_free(s->accounts.at[i]);
    ml_vec_free(&s->accounts);
    ml_free(s);
}

bool ml_storage_is_busy(const struct ml_storage *s)
{
    return s != NULL && s->n_matter != 0;
}

/* -- accounts ------------------------------------------------------------------------------------ */

static struct ml_account *find(const struct ml_storage *s, const char *connection, const char *text)
{
    for (size_t i = 0; i < s->accounts.n; i++) {
        struct ml_account *a = s->accounts.at[i];
        if (strcmp(a->connection, connection) == 0 && strcmp(a->text, text) == 0)
            return a;
    }
    return NULL;
}

static int add(struct ml_storage *s, const char *connection, const char *text,
               struct ml_account **out, struct ml_error *e)
{
    struct ml_error why = {0};
    struct ml_account *a = ml_calloc(1, sizeof *a);
    if (a == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    a->storage = s;
    a->connection = ml_strdup(connection);
    a->text = ml_strdup(text);
    int rc = a->connection != NULL && a->text != NULL ? ML_OK : ML_ENOMEM;
    if (rc == ML_OK)
        rc = ml_storage_account_parse(text, &a->a, &why);
    if (rc == ML_OK)
        rc = ml_vec_push(&s->accounts, a);
    if (rc != ML_OK) {
        account_free(a);
        return ml_fail(e, rc, "The connection string '%.200s' cannot be used: %s.", connection,
                       why.text[0] != '\0' ? why.text : ml_status_text(rc));
    }
    *out = a;
    return ML_OK;
}

int ml_storage_get(struct ml_host *h, const json_t *binding, enum ml_storage_service service,
                   struct ml_account **out, struct ml_error *e)
{
    const json_t *v = ml_json_get(binding, "connection");
    const char *given = json_is_string(v) ? json_string_value(v) : "", *text = NULL;
    const char *name = given[0] != '\0' ? ml_setting_resolve(given) : "AzureWebJobsStorage";
    if (name == NULL)
        name = given;
    int rc = ml_storage_setting(name, &text, e);
    if (rc == ML_OK && open_storage(h) != ML_OK)
        rc = ml_fail(e, ML_ENOMEM,
                     "Requests to a storage account cannot be made: libcurl.so.4 "
                     "cannot be loaded, or there is no memory.");
    if (rc != ML_OK)
        return rc;
    struct ml_account *a = find(h->storage, name, text);
    if (a == NULL)
        rc = add(h->storage, name, text, &a, e);
    if (rc == ML_OK && a != NULL && a->a.endpoint[service][0] == '\0')
        rc = ml_fail(e, ML_EINVALID, "The connection string '%.200s' names no %s endpoint.", name,
                     service == ML_STORAGE_BLOB ? "blob" : "queue");
    if (rc == ML_OK)
        *out = a;
    return rc;
}

/* -- requests ------------------------------------------------------------------------------------ */

struct sent {
    struct ml_account *account;
    enum ml_storage_service service;
    bool matters;
    ml_storage_done done;
    void *user;
};

static void tell_change(struct ml_account *a, enum ml_storage_service service,
                        const struct ml_fetch_answer *answer)
{
    struct ml_host *h = a->storage->host;
    bool away = answer->status == 0;
    if (away == a->away || h->state == ML_HOST_STOPPING)
        return;
    a->away = away;
    if (away) {
        ml_host_log(h, category, ML_LEVEL_WARNING,
                    "The storage of connection '%s' does not answer at '%s': %s. What needs it "
                    "waits and goes on when it is there. To have it on this machine, start "
                    "Azurite: npx azurite",
                    a->connection, a->a.endpoint[service],
                    answer->problem != NULL ? answer->problem : "no answer");
        return;
    }
    char text[800];
    (void)snprintf(text, sizeof text, "The storage of connection '%.200s' answers at '%s' again.",
                   a->connection, a->a.endpoint[service]);
    if (!ml_console_shows(&h->console, category, ML_LEVEL_INFORMATION))
        ml_console_always(&h->console, text); /* who saw the warning wants to know */
    ml_host_log(h, category, ML_LEVEL_INFORMATION, "%s", text);
}

static void on_answer(void *user, struct ml_fetch_answer *answer)
{
    struct sent *s = user;
    struct ml_account *a = s->account;
    struct ml_storage_result r = {.status = answer->status, .answer = answer};
    struct ml_str code = ml_fetch_header(answer, "x-ms-error-code");
    tell_change(a, s->service, answer);
    if (answer->status == 0) {
        (void)snprintf(r.text, sizeof r.text, "the storage at '%.200s' does not answer: %.100s",
                       a->a.endpoint[s->service],
                       answer->problem != NULL ? answer->problem : "no answer");
    } else if (answer->status >= 300) {
        (void)snprintf(r.code, sizeof r.code, "%.*s", (int)(code.n < 60 ? code.n : 60), code.p);
        (void)snprintf(r.text, sizeof r.text, "the storage at '%.200s' refused it: %d %s",
                       a->a.endpoint[s->service], answer->status, r.code);
    }
    a->storage->n_matter -= s->matters;
    s->done(s->user, &r);
    ml_free(s);
}

/* "Name: value" for each header, and the signature. */
static int make_headers(const struct ml_storage_request *rq, struct ml_buf *b, size_t at[16],
                        size_t *n)
{
    char date[40];
    ml_storage_date(date, (int64_t)time(NULL));
    at[(*n)++] = b->n;
    ml_buf_printf(b, "x-ms-date: %s%c", date, 0);
    at[(*n)++] = b->n;
    ml_buf_printf(b, "x-ms-version: " ML_STORAGE_VERSION "%c", 0);
    bool typed = false;
    for (size_t i = 0; i < rq->n_headers; i++) {
        at[(*n)++] = b->n;
        ml_buf_printf(b, "%s: %s%c", rq->headers[i].name, rq->headers[i].value, 0);
        typed = typed || strcmp(rq->headers[i].name, "content-type") == 0;
    }
    at[(*n)++] = b->n;
    ml_buf_printf(b, "Expect:%c", 0); /* none of libcurl's own */
    if (!typed) {
        at[(*n)++] = b->n;
        ml_buf_printf(b, "Content-Type:%c", 0);
    }
    if (rq->account->key_n == 0)
        return b->status;
    at[(*n)++] = b->n;
    ml_buf_cstr(b, "Authorization: ");
    return ml_storage_authorize(rq, date, b);
}

int ml_storage_send(const struct ml_storage_order *o, ml_storage_done done, void *user)
{
    struct ml_storage *st = o->account->storage;
    struct ml_storage_request rq = o->rq;
    struct ml_buf url = {0}, text = {0};
    size_t at[16], n = 0;
    const char *headers[17] = {NULL};
    struct sent *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ML_ENOMEM;
    *s = (struct sent){o->account, o->rq.service, o->matters, done, user};
    rq.account = &o->account->a;
    rq.length = o->body_file != NULL ? o->body_file->bytes : o->body.n;
    ml_storage_url(&rq, &url);
    int rc = make_headers(&rq, &text, at, &n);
    if (rc == ML_OK)
        rc = url.status;
    for (size_t i = 0; rc == ML_OK && i < n; i++)
        headers[i] = text.p + at[i];
    const struct ml_fetch_order order = {
        .method = rq.method,
        .url = url.p,
        .headers = headers,
        .body = o->body,
        .body_file = o->body_file,
        .answer_max = o->answer_max,
    };
    if (rc == ML_OK)
        rc = ml_fetch(st->fetcher, &order, on_answer, s);
    if (rc == ML_OK)
        st->n_matter += o->matters;
    else
        ml_free(s);
    ml_buf_free(&url);
    ml_buf_free(&text);
    return rc;
}

/* -- putting into what may not exist yet ------------------------------------------------------------ */

struct put {
    struct ml_storage_order order, make;
    char *path, *make_path; /* owned, as is body */
    struct ml_buf body;
    bool made; /* or asked to be */
    ml_storage_done done;
    void *user;
};

static void put_free(struct put *p)
{
    ml_free(p->path);
    ml_free(p->make_path);
    ml_buf_free(&p->body);
    ml_free(p);
}

static void put_end(struct put *p, const struct ml_storage_result *r)
{
    p->done(p->user, r);
    put_free(p);
}

static void on_put(void *user, const struct ml_storage_result *r);

/* One request more; a failure to send it is the put's end. */
static void put_go_on(struct put *p, const struct ml_storage_order *o, ml_storage_done next)
{
    const struct ml_storage_result failed = {.code = "OutOfMemory", .text = "out of memory"};
    if (ml_storage_send(o, next, p) != ML_OK)
        put_end(p, &failed);
}

static void on_made(void *user, const struct ml_storage_result *r)
{
    struct put *p = user;
    if (r->text[0] != '\0' && r->status != 409) /* somebody else made it */
        put_end(p, r);
    else
        put_go_on(p, &p->order, on_put);
}

static void on_put(void *user, const struct ml_storage_result *r)
{
    struct put *p = user;
    if (r->status != 404 || p->made) {
        put_end(p, r);
        return;
    }
    p->made = true;
    put_go_on(p, &p->make, on_made);
}

int ml_storage_put(const struct ml_storage_order *o, const struct ml_storage_order *make,
                   ml_storage_done done, void *user)
{
    struct put *p = ml_calloc(1, sizeof *p);
    if (p == NULL)
        return ML_ENOMEM;
    *p = (struct put){.order = *o, .make = *make, .done = done, .user = user};
    p->order.rq.path = p->path = ml_strdup(o->rq.path);
    p->make.rq.path = p->make_path = ml_strdup(make->rq.path);
    ml_buf_str(&p->body, o->body);
    p->order.body = ml_buf_view(&p->body);
    int rc = p->path != NULL && p->make_path != NULL ? p->body.status : ML_ENOMEM;
    if (rc == ML_OK)
        rc = ml_storage_send(&p->order, on_put, p);
    if (rc != ML_OK)
        put_free(p);
    return rc;
}
