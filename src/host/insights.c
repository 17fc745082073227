/* host/insights.c -- the sender to Application Insights: a thread of its own, with libcurl.
 *
 *   put (loop) --lock--> queue of envelopes --thread--> batches --gzip--> POST {endpoint}/v2.1/track
 *
 * A batch goes out at 500 items, 1 MiB or 5 s. What the endpoint does not take stays at the head of the queue and
 * is tried again after 1 s, 2 s ... 60 s (or Retry-After). The queue holds 10,000 items; when it overflows the oldest
 * half is moved to a file (STATE/insights.spool, at most 64 MiB), which is sent once the endpoint is
 * back; so is what is left at the end. Beyond that the oldest are dropped, with one warning.
 * Threads: the queue is under one lock, a leaf; everything else is the thread's. Warnings go to the loop with ml_loop_post.
 * SPDX-License-Identifier: MIT */
#include "host/sink.h"

#include "base/mem.h"
#include "host/file.h"
#include "host/insights_wire.h"
#include "host/wire.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum {
    QUEUE_ITEMS = 10000,
    BATCH_ITEMS = 500,
    BATCH_BYTES = 1 << 20,
    BATCH_MS = 5000,
    SPOOL_BYTES = 64 << 20,
    MAX_REDIRECTS = 10,
    PAUSE_S = 600,
    ANSWER_BYTES = 64 * 1024
};

struct item {
    struct item *next;
    size_t n;
    char text[]; /* an envelope */
};

struct insights {
    struct ml_loop *loop;
    struct ml_sink_trouble trouble;
    struct ml_insights_target target;
    char spool[PATH_MAX]; /* "": no place for it */
    pthread_t thread;
    pthread_mutex_t lock; /* leaf: guards the fields down to `closing` */
    pthread_cond_t wake;
    struct item *first;
    struct item **last;
    size_t n_items;
    size_t bytes;
    bool closing;
    struct timespec close_by;
    /* the thread's */
    CURL *curl;
    char url[600]; /* after redirects */
    unsigned failures;
    bool told;
    bool ending; /* closing, as last seen under the lock */
};

struct warning {
    struct ml_sink_trouble trouble;
    char text[400];
};

static void on_warning(void *user)
{
    struct warning *w = user;
    w->trouble.tell(w->trouble.user, w->text);
    ml_free(w);
}

/* [the thread] Once, until something worked again. */
static void warn(struct insights *s, const char *what, const char *detail)
{
    if (s->told)
        return;
    s->told = true;
    struct warning *w = ml_calloc(1, sizeof *w);
    if (w == NULL)
        return;
    w->trouble = s->trouble;
    (void)snprintf(w->text, sizeof w->text, "Application Insights (%.100s): %s%s%.200s",
                   s->target.endpoint, what, detail[0] != '\0' ? ": " : "", detail);
    if (s->ending || ml_loop_post(s->loop, on_warning, w) != ML_OK)
        ml_free(w); /* the loop is about to end */
}

static struct timespec after_ms(unsigned ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static bool is_past(const struct timespec *t)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

/* -- the queue ----------------------------------------------------------------------------------- */

static void push(struct insights *s, struct item *i)
{
    *s->last = i;
    s->last = &i->next;
    s->n_items++;
    s->bytes += i->n;
}

static struct item *pop(struct insights *s)
{
    struct item *i = s->first;
    if (i == NULL)
        return NULL;
    s->first = i->next;
    if (s->first == NULL)
        s->last = &s->first;
    s->n_items--;
    s->bytes -= i->n;
    i->next = NULL;
    return i;
}

static void push_front(struct insights *s, struct item *i)
{
    i->next = s->first;
    if (s->first == NULL)
        s->last = &i->next;
    s->first = i;
    s->n_items++;
    s->bytes += i->n;
}

static struct item *item_new(struct ml_str text)
{
    struct item *i = ml_realloc(NULL, 1, sizeof *i + text.n);
    if (i == NULL)
        return NULL;
    i->next = NULL;
    i->n = text.n;
    memcpy(i->text, text.p, text.n);
    return i;
}

static void insights_put(void *self, const struct ml_rows *rows)
{
    struct insights *s = self;
    struct ml_buf b = {0};
    size_t at = 0;
    enum ml_store_table table;
    struct ml_row_ref row;
    (void)pthread_mutex_lock(&s->lock);
    while (ml_rows_next(rows, &at, &table, &row)) {
        ml_buf_clear(&b);
        if (!ml_insights_envelope(&b, &s->target, table, row) || b.status != ML_OK)
            continue;
        struct item *i = item_new(ml_buf_view(&b));
        if (i == NULL)
            continue;
        if (s->n_items >= 2 * QUEUE_ITEMS) /* the thread cannot even spool */
            ml_free(pop(s));
        push(s, i);
    }
    if (s->n_items >= BATCH_ITEMS || s->bytes >= BATCH_BYTES)
        (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    ml_buf_free(&b);
}

/* -- the spool file: envelopes, one a line -------------------------------------------------------- */

/* [lock held] Moves the oldest n items to the file. */
static void spool_items(struct insights *s, size_t n)
{
    struct stat st;
    bool dropped = false;
    FILE *f = s->spool[0] != '\0' && (stat(s->spool, &st) != 0 || st.st_size < SPOOL_BYTES)
                  ? fopen(s->spool, "ae")
                  : NULL;
    if (f == NULL)
        dropped = n != 0;
    while (n-- > 0 && s->first != NULL) {
        struct item *i = pop(s);
        if (f != NULL && (fwrite(i->text, 1, i->n, f) != i->n || fputc('\n', f) == EOF))
            dropped = true;
        ml_free(i);
    }
    if (f != NULL && fclose(f) != 0)
        dropped = true;
    if (dropped)
        warn(s, "away, and there is no more room for what waits: the oldest records are dropped",
             "");
}

/* The file's envelopes go to the head of the queue, at most QUEUE_ITEMS of them; the rest stays. */
static void unspool(struct insights *s)
{
    struct ml_buf b = {0};
    if (s->spool[0] == '\0' || !ml_is_file(s->spool) ||
        ml_file_read(s->spool, (size_t)SPOOL_BYTES * 2, &b, NULL) != ML_OK) {
        ml_buf_free(&b);
        return;
    }
    (void)unlink(s->spool);
    (void)pthread_mutex_lock(&s->lock);
    struct item *tail = s->first, **old_last = s->last;
    size_t n = s->n_items, bytes = s->bytes;
    s->first = NULL;
    s->last = &s->first;
    const char *p = b.p, *end = b.n != 0 ? b.p + b.n : b.p;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (nl == NULL)
            break; /* a half line: the writer was killed */
        struct item *i = s->n_items < QUEUE_ITEMS ? item_new((struct ml_str){p, (size_t)(nl - p)})
                                                  : NULL;
        if (i == NULL)
            break;
        push(s, i);
        p = nl + 1;
    }
    if (tail != NULL) {
        *s->last = tail;
        s->last = old_last;
    }
    s->n_items += n;
    s->bytes += bytes;
    (void)pthread_mutex_unlock(&s->lock);
    if (p < end)
        (void)ml_file_write(s->spool, (struct ml_str){p, (size_t)(end - p)}, 0600, NULL);
    ml_buf_free(&b);
}

/* -- sending ------------------------------------------------------------------------------------- */

struct batch {
    struct item *items[BATCH_ITEMS];
    size_t n;
};

struct answer {
    long status; /* 0: none */
    struct ml_buf body;
    long retry_after_s; /* 0: not said */
    char location[600];
};

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct answer *a = user;
    if (a->body.n + size * n <= ANSWER_BYTES)
        ml_buf_add(&a->body, p, size * n);
    return size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *user)
{
    struct answer *a = user;
    char line[700];
    (void)snprintf(line, sizeof line, "%.*s", (int)(size * n), p);
    line[strcspn(line, "\r\n")] = '\0';
    if (strncasecmp(line, "Retry-After:", 12) == 0) {
        a->retry_after_s = strtol(line + 12, NULL, 10);
        time_t when = a->retry_after_s <= 0 ? curl_getdate(line + 12, NULL) : -1;
        if (when > 0)
            a->retry_after_s = (long)(when - time(NULL));
    } else if (strncasecmp(line, "Location:", 9) == 0) {
        const char *v = line + 9 + strspn(line + 9, " ");
        (void)snprintf(a->location, sizeof a->location, "%.590s", v);
    }
    return size * n;
}

static int compress_batch(const struct batch *k, struct ml_buf *out)
{
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return ML_ENOMEM;
    for (size_t i = 0; i < 2 * k->n + 1; i++) { /* item, line end, ..., finish */
        static char nl[] = "\n";
        bool text = i % 2 == 0 && i / 2 < k->n;
        z.next_in = (unsigned char *)(text ? k->items[i / 2]->text : nl);
        z.avail_in = i == 2 * k->n ? 0 : text ? (uInt)k->items[i / 2]->n : 1;
        int flush = i == 2 * k->n ? Z_FINISH : Z_NO_FLUSH;
        do {
            unsigned char *p = (unsigned char *)ml_buf_reserve(out, 16384);
            if (p == NULL) {
                (void)deflateEnd(&z);
                return ML_ENOMEM;
            }
            z.next_out = p;
            z.avail_out = 16384;
            (void)deflate(&z, flush);
            out->n += 16384 - z.avail_out;
        } while (z.avail_out == 0);
    }
    (void)deflateEnd(&z);
    return ML_OK;
}

static void post(struct insights *s, const struct ml_buf *body, struct answer *a)
{
    struct curl_slist *h = curl_slist_append(NULL, "Content-Type: application/x-json-stream");
    h = curl_slist_append(h, "Content-Encoding: gzip");
    h = curl_slist_append(h, "Expect:");
    curl_easy_reset(s->curl);
    (void)curl_easy_setopt(s->curl, CURLOPT_URL, s->url);
    (void)curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, h);
    (void)curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body->p);
    (void)curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->n);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, a);
    (void)curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, a);
    (void)curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, s->ending ? 1000L : 10000L);
    (void)curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, s->ending ? 2000L : 30000L);
    (void)curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    CURLcode rc = curl_easy_perform(s->curl);
    a->status = 0;
    if (rc == CURLE_OK)
        (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &a->status);
    else
        ml_buf_cstr(&a->body, curl_easy_strerror(rc));
    curl_slist_free_all(h);
}

/* 206: keep the items that errors[] names with a status worth another try. */
static void keep_named(struct insights *s, struct batch *k, const struct answer *a)
{
    json_t *doc = json_loadb(a->body.n != 0 ? a->body.p : "", a->body.n, 0, NULL);
    size_t i;
    json_t *e;
    (void)pthread_mutex_lock(&s->lock);
    json_array_foreach(json_object_get(doc, "errors"), i, e) {
        int64_t index = ml_json_i64(e, "index", -1);
        long status = (long)ml_json_i64(e, "statusCode", 400);
        if (index < 0 || (size_t)index >= k->n || k->items[index] == NULL ||
            ml_insights_verdict(status) != ML_INSIGHTS_RETRY || status == 0)
            continue;
        push_front(s, k->items[index]);
        k->items[index] = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    json_decref(doc);
}

static void take_batch(struct insights *s, struct batch *k)
{
    size_t bytes = 0;
    k->n = 0;
    (void)pthread_mutex_lock(&s->lock);
    while (k->n < BATCH_ITEMS && s->first != NULL &&
           (k->n == 0 || bytes + s->first->n <= BATCH_BYTES)) {
        k->items[k->n] = pop(s);
        bytes += k->items[k->n++]->n;
    }
    (void)pthread_mutex_unlock(&s->lock);
}

static void give_back(struct insights *s, struct batch *k)
{
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = k->n; i-- > 0;)
        if (k->items[i] != NULL)
            push_front(s, k->items[i]);
    if (s->n_items > QUEUE_ITEMS)
        spool_items(s, s->n_items - QUEUE_ITEMS / 2);
    (void)pthread_mutex_unlock(&s->lock);
    k->n = 0;
}

static unsigned backoff_ms(const struct insights *s, const struct answer *a)
{
    if (a->retry_after_s > 0)
        return (unsigned)(a->retry_after_s < 3600 ? a->retry_after_s : 3600) * 1000;
    unsigned shift = s->failures < 6 ? s->failures : 6;
    unsigned ms = 1000U << shift;
    return ms < 60000 ? ms : 60000;
}

/* One batch. Answers how long to wait before the next, in ms. */
static unsigned send_batch(struct insights *s)
{
    struct batch k;
    struct ml_buf body = {0};
    struct answer a = {0};
    unsigned wait = 0;
    take_batch(s, &k);
    if (k.n == 0)
        return 0;
    enum ml_insights_verdict v = ML_INSIGHTS_RETRY;
    if (compress_batch(&k, &body) == ML_OK) {
        for (int i = 0; i <= MAX_REDIRECTS; i++) {
            ml_buf_clear(&a.body);
            a.location[0] = '\0';
            post(s, &body, &a);
            v = ml_insights_verdict(a.status);
            if (v != ML_INSIGHTS_REDIRECT || a.location[0] == '\0')
                break;
            (void)snprintf(s->url, sizeof s->url, "%s", a.location);
        }
    }
    ml_buf_cstr(&a.body, "");
    switch (v) {
    case ML_INSIGHTS_DONE:
    case ML_INSIGHTS_PARTIAL:
        if (v == ML_INSIGHTS_PARTIAL) {
            keep_named(s, &k, &a);
            wait = 1000;
        }
        if (s->failures != 0)
            unspool(s);
        s->failures = 0;
        s->told = false;
        break;
    case ML_INSIGHTS_RETRY:
        wait = backoff_ms(s, &a);
        s->failures++;
        if (s->failures == 3)
            warn(s, "does not take records; they are kept and tried again",
                 a.body.p != NULL ? a.body.p : "");
        give_back(s, &k);
        break;
    case ML_INSIGHTS_PAUSE:
        warn(s, "over its quota: records are dropped for a while", "");
        wait = PAUSE_S * 1000;
        break;
    default:
        warn(s, "refused records, which are dropped", a.body.p != NULL ? a.body.p : "");
    }
    for (size_t i = 0; i < k.n; i++)
        ml_free(k.items[i]);
    ml_buf_free(&body);
    ml_buf_free(&a.body);
    return wait;
}

static void *run(void *user)
{
    struct insights *s = user;
    struct timespec due = after_ms(BATCH_MS), not_before = after_ms(0);
    unspool(s);
    for (;;) {
        (void)pthread_mutex_lock(&s->lock);
        while (!s->closing &&
               !(is_past(&not_before) && (s->n_items >= BATCH_ITEMS || s->bytes >= BATCH_BYTES ||
                                          (s->n_items != 0 && is_past(&due))))) {
            struct timespec until = is_past(&not_before) ? due : not_before;
            if (is_past(&until))
                until = after_ms(BATCH_MS);
            (void)pthread_cond_timedwait(&s->wake, &s->lock, &until);
        }
        s->ending = s->closing;
        bool end = s->closing && (s->n_items == 0 || s->failures != 0 || is_past(&s->close_by));
        if (end && s->n_items != 0)
            spool_items(s, s->n_items); /* the next start sends them */
        (void)pthread_mutex_unlock(&s->lock);
        if (end)
            return NULL;
        unsigned wait = send_batch(s);
        not_before = after_ms(wait);
        due = after_ms(BATCH_MS);
    }
}

static void insights_free(struct insights *s)
{
    struct item *i;
    while ((i = pop(s)) != NULL)
        ml_free(i);
    if (s->curl != NULL)
        curl_easy_cleanup(s->curl);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    ml_free(s);
}

static void insights_close(void *self, unsigned wait_ms)
{
    struct insights *s = self;
    (void)pthread_mutex_lock(&s->lock);
    s->closing = true;
    s->close_by = after_ms(wait_ms);
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    insights_free(s);
}

int ml_insights_open(struct ml_loop *l, const char *connection_string, const char *dir,
                     const struct ml_sink_trouble *t, struct ml_sink *out, struct ml_error *e)
{
    struct insights *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot send telemetry: out of memory");
    s->loop = l;
    s->trouble = *t;
    s->last = &s->first;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    if (dir[0] == '\0' || ml_path_join(s->spool, sizeof s->spool, dir, "insights.spool") != ML_OK)
        s->spool[0] = '\0';
    int rc = ml_insights_parse(connection_string, &s->target, e);
    (void)snprintf(s->url, sizeof s->url, "%s/v2.1/track", s->target.endpoint);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    if (rc == ML_OK && (s->curl = curl_easy_init()) == NULL)
        rc = ml_fail(e, ML_ENOMEM, "cannot send telemetry: out of memory");
    if (rc == ML_OK && pthread_create(&s->thread, NULL, run, s) != 0)
        rc = ml_fail(e, ML_ENOMEM, "cannot send telemetry: no thread");
    if (rc != ML_OK) {
        insights_free(s);
        return rc;
    }
    *out = (struct ml_sink){.self = s, .put = insights_put, .close = insights_close};
    return ML_OK;
}
