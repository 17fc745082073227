/* host/blob_trigger.c -- blob triggers: containers listed, new and changed blobs run, receipts kept here.
 *
 *   scan: page after page of the list; what matches the pattern and has no receipt waits
 *   waiting -> fetched (only as the version that was listed) -> event -> receipt, or one more try at a later scan
 *
 * A scan follows the last one after half a second, doubling to 5 s while nothing is new. The next page is asked for when
 * the blobs of the last one are all under way, so that no more than a page waits in memory.
 * SPDX-License-Identifier: MIT */
#include "host/listeners.h"

#include "base/mem.h"
#include "host/binding_text.h"
#include "host/blob.h"
#include "host/event.h"
#include "host/file.h"
#include "host/queue.h"
#include "host/receipts.h"
#include "host/storage_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCAN_MIN_MS = 500, SCAN_MAX_MS = 5000, NOT_READY_MS = 200, PARALLEL = 8, MAX_TRIES = 5 };

static const char category[] = "Host.Triggers.Blobs";
static const char poison_queue[] = "webjobs-blobtrigger-poison";

struct blob {
    struct blob *prev;          /* of those under way */
    struct blob *next;          /* of those, or of those that wait */
    struct ml_blob_listener *l; /* a reference, once it is under way */
    char *name;
    char *path; /* "container/name" */
    char *etag;
    char *properties; /* JSON; malloc */
    char *metadata;
    char created[32];
    char modified[32];
    int tries;
    struct ml_body body;
    struct ml_event ev;
    struct ml_buf captures; /* members of the metadata, each after a comma */
};

struct ml_blob_listener {
    int refs; /* its owner, each blob under way, the page under way */
    struct ml_host *host;
    struct ml_app *app;
    struct ml_function *fn;
    struct ml_account *account;
    struct ml_blob_pattern *pattern;
    struct ml_receipts *receipts;
    int parallel;
    int max_tries;
    struct ml_buf marker; /* of the next page */
    bool scanning;        /* between the first page and the end of the last */
    bool listing;         /* a page is under way */
    bool found;           /* something new in this scan */
    bool stopped;
    bool told; /* a refusal of the service */
    int64_t wait_ms;
    struct blob *waiting; /* list, in order */
    struct blob **waiting_end;
    struct blob *running; /* list */
    int n_running;
    struct ml_timer *timer;
};

static void blob_free(struct blob *b)
{
    ml_free(b->name);
    ml_free(b->path);
    ml_free(b->etag);
    free(b->properties);
    free(b->metadata);
    ml_body_release(&b->body);
    ml_buf_free(&b->captures);
    ml_free(b);
}

static void listener_free(struct ml_blob_listener *l)
{
    while (l->waiting != NULL) {
        struct blob *next = l->waiting->next;
        blob_free(l->waiting);
        l->waiting = next;
    }
    ml_timer_free(l->timer);
    ml_receipts_close(l->receipts);
    ml_blob_pattern_free(l->pattern);
    ml_buf_free(&l->marker);
    ml_app_unref(l->app);
    ml_free(l);
}

static void unref(struct ml_blob_listener *l)
{
    if (--l->refs == 0)
        listener_free(l);
}

static void go_on(struct ml_blob_listener *l);

/* -- the end of a blob --------------------------------------------------------------------------- */

static void end_blob(struct blob *b)
{
    struct ml_blob_listener *l = b->l;
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        l->running = b->next;
    if (b->next != NULL)
        b->next->prev = b->prev;
    l->n_running--;
    blob_free(b);
    go_on(l);
    unref(l);
}

static void put_receipt(const struct blob *b, int tries)
{
    (void)ml_receipts_put(b->l->receipts, ml_str_of(b->name), ml_str_of(b->etag), tries);
}

static void on_poisoned(void *user, const struct ml_storage_result *r)
{
    struct blob *b = user;
    if (r->text[0] == '\0')
        put_receipt(b, ML_RECEIPT_DONE);
    else
        ml_host_log(b->l->host, category, ML_LEVEL_WARNING,
                    "The blob '%s' cannot be told to queue '%s': %s", b->path, poison_queue,
                    r->text);
    end_blob(b);
}

static void give_up(struct blob *b)
{
    struct ml_blob_listener *l = b->l;
    struct ml_buf json = {0}, text = {0};
    struct ml_account *a = NULL;
    struct ml_error e = {0};
    ml_host_log(l->host, category, ML_LEVEL_WARNING,
                "The blob '%s' has failed %d times. A message about it goes to queue '%s'.",
                b->path, l->max_tries, poison_queue);
    ml_buf_cstr(&json, "{\"Type\":\"BlobTrigger\",\"FunctionId\":");
    ml_buf_printf(&text, "Host.Functions.%s", l->fn->name);
    ml_buf_json(&json, ml_buf_view(&text));
    ml_buf_cstr(&json, ",\"BlobType\":\"BlockBlob\",\"ContainerName\":");
    ml_buf_json(&json, ml_str_of(ml_blob_pattern_container(l->pattern)));
    ml_buf_cstr(&json, ",\"BlobName\":");
    ml_buf_json(&json, ml_str_of(b->name));
    ml_buf_cstr(&json, ",\"ETag\":");
    ml_buf_json(&json, ml_str_of(b->etag));
    ml_buf_char(&json, '}');
    ml_buf_clear(&text);
    ml_queue_encode(l->host, ml_buf_view(&json), &text);
    int rc = ml_storage_get(l->host, l->fn->trigger, ML_STORAGE_QUEUE, &a, &e);
    if (rc == ML_OK)
        rc = json.status != ML_OK || text.status != ML_OK
                 ? ML_ENOMEM
                 : ml_queue_put(a, poison_queue, ml_buf_view(&text), on_poisoned, b);
    ml_buf_free(&json);
    ml_buf_free(&text);
    if (rc == ML_OK)
        return;
    if (rc != ML_ENOMEM) { /* the account has no queues: it is done all the same */
        ml_host_log(l->host, category, ML_LEVEL_WARNING, "%s", e.text);
        put_receipt(b, ML_RECEIPT_DONE);
    }
    end_blob(b);
}

static void on_event_done(void *user, enum ml_event_end end)
{
    struct blob *b = user;
    if (end == ML_EVENT_FAILED && ++b->tries >= b->l->max_tries) {
        give_up(b);
        return;
    }
    if (end == ML_EVENT_DONE)
        put_receipt(b, ML_RECEIPT_DONE);
    else if (end == ML_EVENT_FAILED)
        put_receipt(b, b->tries);
    end_blob(b);
}

/* -- one blob under way -------------------------------------------------------------------------- */

static void write_inputs(void *user, struct ml_buf *b, struct ml_buf *payload)
{
    struct blob *blob = user;
    struct ml_str bytes = {NULL, 0};
    ml_buf_json(b, ml_str_of(blob->l->fn->trigger_param));
    if (blob->body.bytes > ML_BODY_INLINE) {
        ml_buf_printf(b, ":{\"t\":\"bytes\",\"chunks\":true,\"n\":%llu}",
                      (unsigned long long)blob->body.bytes);
        return;
    }
    if (ml_body_view(&blob->body, &bytes) != ML_OK)
        payload->status = ML_ENOMEM;
    ml_buf_printf(b, ":{\"t\":\"bytes\",\"at\":%zu,\"n\":%zu}", payload->n, bytes.n);
    ml_buf_str(payload, bytes);
}

static void add_datum(struct ml_buf *b, const char *key, const char *type, const char *value)
{
    ml_buf_printf(b, ",\"%s\":{\"t\":\"%s\",\"v\":", key, type);
    ml_buf_json(b, ml_str_of(value));
    ml_buf_char(b, '}');
}

static void write_metadata(void *user, struct ml_buf *b)
{
    const struct blob *blob = user;
    const struct ml_blob_listener *l = blob->l;
    struct ml_buf uri = {0};
    ml_buf_printf(&uri, "%s/%s", l->account->a.endpoint[ML_STORAGE_BLOB], blob->path);
    ml_buf_cstr(b, "\"BlobTrigger\":{\"t\":\"string\",\"v\":");
    ml_buf_json(b, ml_str_of(blob->path));
    ml_buf_char(b, '}');
    add_datum(b, "Uri", "string", uri.status == ML_OK ? uri.p : "");
    add_datum(b, "Properties", "json", blob->properties);
    add_datum(b, "Metadata", "json", blob->metadata);
    ml_buf_str(b, ml_buf_view(&blob->captures));
    ml_buf_free(&uri);
}

static void add_capture(void *user, const char *name, struct ml_str value)
{
    struct ml_buf *b = user;
    ml_buf_char(b, ',');
    ml_buf_json(b, ml_str_of(name));
    ml_buf_cstr(b, ":{\"t\":\"string\",\"v\":");
    ml_buf_json(b, value);
    ml_buf_char(b, '}');
}

static void start_event(struct blob *b)
{
    struct ml_blob_listener *l = b->l;
    b->ev = (struct ml_event){
        .host = l->host,
        .app = l->app,
        .fn = l->fn,
        .user = b,
        .write_inputs = write_inputs,
        .write_metadata = write_metadata,
        .done = on_event_done,
        .body = &b->body,
    };
    (void)snprintf(b->ev.reason, sizeof b->ev.reason,
                   "New blob detected(LogsAndContainerScan): %.500s", b->path);
    (void)snprintf(b->ev.details, sizeof b->ev.details,
                   "Trigger Details: BlobCreated: %s, BlobLastModified: %s", b->created,
                   b->modified);
    ml_event_start(&b->ev);
}

static void on_fetched(void *user, const struct ml_storage_result *r)
{
    struct blob *b = user;
    struct ml_blob_listener *l = b->l;
    if (r->text[0] != '\0' || l->stopped) {
        /* 404, 412: it is gone, or another now, and the next scan sees that */
        if (r->status != 0 && r->status != 404 && r->status != 412 && r->text[0] != '\0')
            ml_host_log(l->host, category, ML_LEVEL_WARNING, "The blob '%s' cannot be read: %s",
                        b->path, r->text);
        end_blob(b);
        return;
    }
    b->body = r->answer->body; /* moved */
    r->answer->body = (struct ml_body){0};
    start_event(b);
}

/* The first of those that wait. */
static void begin_blob(struct ml_blob_listener *l)
{
    struct blob *b = l->waiting;
    l->waiting = b->next;
    if (l->waiting == NULL)
        l->waiting_end = &l->waiting;
    b->next = l->running;
    if (l->running != NULL)
        l->running->prev = b;
    l->running = b;
    b->l = l;
    l->refs++;
    l->n_running++;
    if (ml_blob_get(l->account, b->path, b->etag, on_fetched, b) != ML_OK)
        end_blob(b);
}

/* -- scanning ------------------------------------------------------------------------------------ */

static bool is_under_way(const struct ml_blob_listener *l, struct ml_str name)
{
    for (const struct blob *b = l->running; b != NULL; b = b->next)
        if (ml_str_eq(ml_str_of(b->name), name))
            return true;
    return false;
}

static struct blob *blob_new(const struct ml_blob_listener *l, const struct ml_blob_item *item)
{
    struct blob *b = ml_calloc(1, sizeof *b);
    struct ml_buf path = {.max = ML_BLOB_PATH_MAX - 1};
    if (b == NULL)
        return NULL;
    ml_buf_printf(&path, "%s/", ml_blob_pattern_container(l->pattern));
    ml_buf_str(&path, item->name);
    b->name = ml_strndup(item->name.p, item->name.n);
    b->path = path.status == ML_OK ? ml_strdup(path.p) : NULL;
    b->etag = ml_strndup(item->etag.n != 0 ? item->etag.p : "", item->etag.n);
    b->properties = json_dumps(item->properties, JSON_COMPACT);
    b->metadata = json_dumps(item->metadata, JSON_COMPACT);
    ml_buf_free(&path);
    (void)ml_storage_iso_date(item->created, b->created);
    (void)ml_storage_iso_date(item->modified, b->modified);
    (void)ml_blob_pattern_match(l->pattern, item->name, add_capture, &b->captures);
    if (b->name == NULL || b->path == NULL || b->etag == NULL || b->properties == NULL ||
        b->metadata == NULL || b->captures.status != ML_OK) {
        blob_free(b);
        return NULL;
    }
    return b;
}

static void on_item(void *user, const struct ml_blob_item *item)
{
    struct ml_blob_listener *l = user;
    if (!ml_blob_pattern_match(l->pattern, item->name, NULL, NULL))
        return;
    int tries = ml_receipts_look(l->receipts, item->name, item->etag);
    if (tries == ML_RECEIPT_DONE || is_under_way(l, item->name))
        return;
    struct blob *b = blob_new(l, item);
    if (b == NULL)
        return; /* the next scan sees it again */
    b->tries = tries;
    l->found = true;
    *l->waiting_end = b;
    l->waiting_end = &b->next;
}

static void end_scan(struct ml_blob_listener *l)
{
    l->scanning = false;
    ml_receipts_end_scan(l->receipts);
    l->wait_ms = l->found ? SCAN_MIN_MS : l->wait_ms;
    ml_timer_set(l->timer, (uint64_t)l->wait_ms);
    l->wait_ms = l->wait_ms * 2 < SCAN_MAX_MS ? l->wait_ms * 2 : SCAN_MAX_MS;
}

/* The scan did not come to its end: nothing is known of the blobs that were not listed. */
static void break_scan(struct ml_blob_listener *l, const char *why)
{
    if (why != NULL && !l->told)
        ml_host_log(l->host, category, ML_LEVEL_WARNING,
                    "The container '%s' of the function '%s' cannot be listed: %s",
                    ml_blob_pattern_container(l->pattern), l->fn->name, why);
    l->told = why != NULL;
    l->scanning = false;
    ml_timer_set(l->timer, (uint64_t)l->wait_ms);
    l->wait_ms = l->wait_ms * 2 < SCAN_MAX_MS ? l->wait_ms * 2 : SCAN_MAX_MS;
}

static void on_page(void *user, const struct ml_storage_result *r)
{
    struct ml_blob_listener *l = user;
    struct ml_error e = {0};
    struct ml_str xml;
    l->listing = false;
    ml_buf_clear(&l->marker);
    ml_buf_cstr(&l->marker, "");
    if (l->stopped) {
        unref(l);
        return;
    }
    if (r->status == 0) {
        break_scan(l, NULL); /* away: told by the storage */
    } else if (r->text[0] != '\0' && r->status != 404) {
        break_scan(l, r->text);
    } else if (r->status == 200 && (ml_body_view(&r->answer->body, &xml) != ML_OK ||
                                    ml_blob_list_read(xml, on_item, l, &l->marker, &e) != ML_OK)) {
        break_scan(l, e.text);
    } else {
        l->told = false;
        go_on(l);
    }
    unref(l);
}

static void list_page(struct ml_blob_listener *l)
{
    struct ml_str prefix = ml_blob_pattern_prefix(l->pattern);
    l->listing = true;
    l->refs++;
    if (ml_blob_list(l->account, ml_blob_pattern_container(l->pattern),
                     prefix.n != 0 ? prefix.p : "", l->marker.n != 0 ? l->marker.p : "", on_page,
                     l) != ML_OK) {
        l->listing = false;
        l->refs--;
        break_scan(l, "out of memory");
    }
}

/* A step: begin what waits, as far as there is room; then the next page; then the end. */
static void go_on(struct ml_blob_listener *l)
{
    if (l->stopped)
        return;
    while (l->waiting != NULL && l->n_running < l->parallel)
        begin_blob(l);
    if (!l->scanning || l->listing || l->waiting != NULL)
        return;
    if (l->marker.n != 0)
        list_page(l);
    else
        end_scan(l);
}

static void on_timer(void *user)
{
    struct ml_blob_listener *l = user;
    if (l->stopped || l->scanning)
        return;
    if (!ml_host_is_ready(l->host) || l->host->draining) {
        ml_timer_set(l->timer, NOT_READY_MS);
        return;
    }
    l->scanning = true;
    l->found = false;
    ml_receipts_begin_scan(l->receipts);
    ml_buf_clear(&l->marker);
    list_page(l);
}

/* -- settings ------------------------------------------------------------------------------------ */

static int read_pattern(struct ml_blob_listener *l, struct ml_error *e)
{
    const char *given = json_string_value(ml_json_get(l->fn->trigger, "path"));
    struct ml_buf b = {0};
    ml_buf_cstr(&b, "");
    int rc = ml_binding_settings(given != NULL ? given : "", &b, e);
    if (rc == ML_OK)
        rc = ml_blob_pattern_new(b.p, &l->pattern, e);
    ml_buf_free(&b);
    return rc;
}

static int read_limits(struct ml_blob_listener *l, struct ml_error *e)
{
    const struct ml_settings *s = &l->host->settings;
    int64_t parallel = ml_setting_int(s, "extensions.blobs.maxDegreeOfParallelism",
                                      PARALLEL * sysconf(_SC_NPROCESSORS_ONLN));
    int64_t tries = ml_setting_int(s, "extensions.blobs.poisonBlobThreshold", MAX_TRIES);
    if (parallel < 1 || tries < 1 || tries > ML_RECEIPT_TRIES_MAX)
        return ml_fail(e, ML_EINVALID,
                       "host.json 'extensions.blobs': 'maxDegreeOfParallelism' must be 1 or more, "
                       "'poisonBlobThreshold' 1 to %d.",
                       ML_RECEIPT_TRIES_MAX);
    l->parallel = parallel < 1000 ? (int)parallel : 1000;
    l->max_tries = (int)tries;
    l->wait_ms = SCAN_MIN_MS;
    return ML_OK;
}

/* STATE/blobs/FUNCTION-ACCOUNT-CONTAINER: another account or container has its own receipts. */
static int open_receipts(struct ml_blob_listener *l, struct ml_error *e)
{
    char dir[PATH_MAX], path[PATH_MAX], name[300];
    struct ml_error why = {0};
    (void)snprintf(name, sizeof name, "%.120s-%.64s-%.64s", l->fn->name, l->account->a.name,
                   ml_blob_pattern_container(l->pattern));
    bool kept = l->host->state_dir[0] != '\0' &&
                ml_path_join(dir, sizeof dir, l->host->state_dir, "blobs") == ML_OK &&
                ml_make_dirs(dir, 0700, &why) == ML_OK &&
                ml_path_join(path, sizeof path, dir, name) == ML_OK;
    if (!kept)
        ml_host_log(l->host, category, ML_LEVEL_WARNING,
                    "Which blobs '%s' has had cannot be kept: every start runs all of them. %s",
                    l->fn->name, why.text);
    return ml_receipts_open(kept ? path : NULL, &l->receipts, e);
}

int ml_blob_listener_new(struct ml_host *h, struct ml_function *fn, struct ml_blob_listener **out,
                         struct ml_error *e)
{
    struct ml_blob_listener *l = ml_calloc(1, sizeof *l);
    if (l == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    l->refs = 1;
    l->host = h;
    l->fn = fn;
    l->waiting_end = &l->waiting;
    int rc = ml_storage_get(h, fn->trigger, ML_STORAGE_BLOB, &l->account, e);
    if (rc == ML_OK)
        rc = read_pattern(l, e);
    if (rc == ML_OK)
        rc = read_limits(l, e);
    if (rc == ML_OK && out != NULL)
        rc = open_receipts(l, e);
    if (rc == ML_OK && out != NULL)
        rc = ml_timer_new(h->loop, 0, 0, on_timer, l, &l->timer);
    if (rc != ML_OK || out == NULL) {
        listener_free(l);
        return rc;
    }
    l->app = ml_app_ref(h->app);
    *out = l;
    return ML_OK;
}

void ml_blob_listener_stop(struct ml_blob_listener *l)
{
    l->stopped = true;
    ml_timer_stop(l->timer);
    for (struct blob *b = l->running, *next; b != NULL; b = next) {
        next = b->next;
        ml_event_stop(&b->ev);
    }
    unref(l);
}
