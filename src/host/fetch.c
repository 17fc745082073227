/* host/fetch.c -- see fetch.h.
 *
 * libcurl names the sockets to watch (on_socket) and the time to wait (on_timeout); libuv watches and waits, and
 * tells libcurl (curl_multi_socket_action), which calls back with data. Ends are collected after each such turn.
 * SPDX-License-Identifier: MIT */
#include "host/fetch.h"

#include "base/mem.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { HEADERS_MAX = 32 * 1024, CONNECT_MS = 10000, SILENT_S = 30 };

struct fetch {
    struct fetch *prev;
    struct fetch *next;
    CURL *curl;
    struct curl_slist *headers;
    struct ml_buf sent; /* copy of the body */
    const struct ml_body *file;
    uint64_t file_at;
    uint64_t answer_max;
    struct ml_fetch_answer answer;
    ml_fetch_done done;
    void *user;
};

struct ml_fetcher {
    struct ml_loop *loop;
    CURLM *multi;
    struct ml_timer *timer;
    struct fetch *running; /* list */
};

struct watched { /* a socket of libcurl's */
    uv_poll_t poll;
    struct ml_fetcher *fetcher;
    curl_socket_t fd;
};

/* -- one request's bytes ------------------------------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct fetch *x = user;
    size_t bytes = size * n;
    if (x->answer.body.bytes + bytes > x->answer_max ||
        ml_body_add(&x->answer.body, (struct ml_str){p, bytes}) != ML_OK)
        return 0;
    return bytes;
}

static size_t on_header(char *p, size_t size, size_t n, void *user)
{
    struct fetch *x = user;
    struct ml_buf *b = &x->answer.headers;
    size_t bytes = size * n, at = 0;
    if (bytes > 5 && memcmp(p, "HTTP/", 5) == 0) { /* of the answer after "100 Continue" */
        ml_buf_clear(b);
        return bytes;
    }
    for (; at < bytes && p[at] != ':'; at++)
        ml_buf_char(b, (char)tolower((unsigned char)p[at]));
    while (bytes > at && (p[bytes - 1] == '\r' || p[bytes - 1] == '\n'))
        bytes--;
    ml_buf_add(b, p + at, bytes - at);
    ml_buf_char(b, '\n');
    return size * n;
}

static size_t on_read(char *out, size_t size, size_t n, void *user)
{
    struct fetch *x = user;
    size_t got = 0;
    if (ml_body_read(x->file, x->file_at, out, size * n, &got) != ML_OK)
        return CURL_READFUNC_ABORT;
    x->file_at += got;
    return got;
}

struct ml_str ml_fetch_header(const struct ml_fetch_answer *a, const char *name)
{
    size_t n = strlen(name);
    const char *p = a->headers.p, *end = p != NULL ? p + a->headers.n : NULL;
    while (p != NULL && p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t line = (size_t)(nl - p);
        if (line > n && memcmp(p, name, n) == 0 && p[n] == ':') {
            const char *v = p + n + 1;
            while (v < nl && *v == ' ')
                v++;
            return (struct ml_str){v, (size_t)(nl - v)};
        }
        p = nl + 1;
    }
    return ML_STR("");
}

/* -- beginning and end --------------------------------------------------------------------------- */

static void fetch_free(struct fetch *x)
{
    if (x->curl != NULL)
        curl_easy_cleanup(x->curl);
    curl_slist_free_all(x->headers);
    ml_buf_free(&x->sent);
    ml_body_release(&x->answer.body);
    ml_buf_free(&x->answer.headers);
    ml_free(x);
}

static void detach(struct ml_fetcher *f, struct fetch *x)
{
    (void)curl_multi_remove_handle(f->multi, x->curl);
    if (x->prev != NULL)
        x->prev->next = x->next;
    else
        f->running = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
}

static void collect(struct ml_fetcher *f)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
        struct fetch *x = NULL;
        long status = 0;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = m->data.result;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        detach(f, x);
        x->answer.status = rc == CURLE_OK ? (int)status : 0;
        x->answer.problem = rc == CURLE_OK            ? NULL
                            : rc == CURLE_WRITE_ERROR ? "the answer is too long"
                                                      : curl_easy_strerror(rc);
        x->done(x->user, &x->answer);
        fetch_free(x);
    }
}

static bool is_local(const char *url)
{
    static const char *const names[] = {"://127.", "://localhost", "://[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(url, names[i]) != NULL)
            return true;
    return false;
}

static void set_body(struct fetch *x, const struct ml_fetch_order *o)
{
    bool sends = strcmp(o->method, "PUT") == 0 || strcmp(o->method, "POST") == 0;
    if (strcmp(o->method, "HEAD") == 0) {
        (void)curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
        return;
    }
    if (o->body_file != NULL) {
        (void)curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(x->curl, CURLOPT_READFUNCTION, on_read);
        (void)curl_easy_setopt(x->curl, CURLOPT_READDATA, x);
        (void)curl_easy_setopt(x->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)o->body_file->bytes);
    } else if (sends) {
        (void)curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, x->sent.p);
        (void)curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->sent.n);
    }
    (void)curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, o->method);
}

static int set_options(struct fetch *x, const struct ml_fetch_order *o)
{
    for (size_t i = 0; o->headers != NULL && o->headers[i] != NULL; i++) {
        struct curl_slist *more = curl_slist_append(x->headers, o->headers[i]);
        if (more == NULL)
            return ML_ENOMEM;
        x->headers = more;
    }
    (void)curl_easy_setopt(x->curl, CURLOPT_URL, o->url);
    (void)curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
    (void)curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(x->curl, CURLOPT_PRIVATE, x);
    (void)curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
    (void)curl_easy_setopt(x->curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(x->curl, CURLOPT_HEADERDATA, x);
    (void)curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
    if (is_local(o->url)) /* a proxy cannot know this machine's ports */
        (void)curl_easy_setopt(x->curl, CURLOPT_NOPROXY, "*");
    set_body(x, o);
    return ML_OK;
}

int ml_fetch(struct ml_fetcher *f, const struct ml_fetch_order *o, ml_fetch_done done, void *user)
{
    struct fetch *x = ml_calloc(1, sizeof *x);
    if (x == NULL)
        return ML_ENOMEM;
    x->done = done;
    x->user = user;
    x->file = o->body_file;
    x->answer_max = o->answer_max != 0 ? o->answer_max : UINT64_C(16) << 20;
    x->answer.body.memory_max = o->memory_max != 0 ? o->memory_max : 1 << 20;
    x->answer.headers.max = HEADERS_MAX;
    x->curl = curl_easy_init();
    ml_buf_cstr(&x->sent, "");
    ml_buf_str(&x->sent, o->body);
    int rc = x->curl != NULL ? x->sent.status : ML_ENOMEM;
    if (rc == ML_OK)
        rc = set_options(x, o);
    if (rc == ML_OK && curl_multi_add_handle(f->multi, x->curl) != CURLM_OK)
        rc = ML_ENOMEM;
    if (rc != ML_OK) {
        fetch_free(x);
        return rc;
    }
    x->next = f->running;
    if (f->running != NULL)
        f->running->prev = x;
    f->running = x;
    return ML_OK;
}

/* -- libcurl over libuv -------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct watched *w = h->data;
    struct ml_fetcher *f = w->fetcher;
    int flags = 0, left;
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if ((events & UV_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    (void)curl_multi_socket_action(f->multi, w->fd, flags, &left);
    collect(f);
}

static void on_timer(void *user)
{
    struct ml_fetcher *f = user;
    int left;
    (void)curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &left);
    collect(f);
}

static int on_timeout(CURLM *multi, long ms, void *user)
{
    struct ml_fetcher *f = user;
    (void)multi;
    if (ms < 0)
        ml_timer_stop(f->timer);
    else
        ml_timer_set(f->timer, (uint64_t)ms); /* 0 too: never from within libcurl */
    return 0;
}

static void on_closed(uv_handle_t *h)
{
    ml_free(h->data);
}

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct ml_fetcher *f = user;
    struct watched *w = socket_user;
    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            (void)uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
            (void)curl_multi_assign(f->multi, fd, NULL);
        }
        return 0;
    }
    if (w == NULL) {
        w = ml_calloc(1, sizeof *w);
        if (w == NULL || uv_poll_init_socket(ml_loop_uv(f->loop), &w->poll, fd) != 0) {
            ml_free(w);
            return -1;
        }
        w->poll.data = w;
        w->fetcher = f;
        w->fd = fd;
        (void)curl_multi_assign(f->multi, fd, w);
    }
    int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                 ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    return uv_poll_start(&w->poll, events, on_poll) == 0 ? 0 : -1;
}

int ml_fetcher_new(struct ml_loop *l, struct ml_fetcher **out)
{
    struct ml_fetcher *f = ml_calloc(1, sizeof *f);
    if (f == NULL)
        return ML_ENOMEM;
    f->loop = l;
    f->multi = curl_multi_init();
    if (f->multi == NULL || ml_timer_new(l, 0, 0, on_timer, f, &f->timer) != ML_OK) {
        if (f->multi != NULL)
            (void)curl_multi_cleanup(f->multi);
        ml_free(f);
        return ML_ENOMEM;
    }
    ml_timer_stop(f->timer);
    (void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    (void)curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    (void)curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    (void)curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, 16L);
    *out = f;
    return ML_OK;
}

void ml_fetcher_free(struct ml_fetcher *f)
{
    if (f == NULL)
        return;
    while (f->running != NULL) { /* a done may begin another */
        struct fetch *x = f->running;
        detach(f, x);
        x->answer.status = 0;
        x->answer.problem = "given up at the end";
        x->done(x->user, &x->answer);
        fetch_free(x);
    }
    (void)curl_multi_cleanup(f->multi);
    ml_timer_free(f->timer);
    ml_free(f);
}
