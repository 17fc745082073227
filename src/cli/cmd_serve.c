/* cli/cmd_serve.c -- `memline serve`: the store's endpoints for clients of Azure.
 * SPDX-License-Identifier: MIT */
#include "api/api.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "http/loop.h"
#include "http/server.h"
#include "store/place.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    OPT_STORE = 1,
    OPT_PORT,
    OPT_HOST,
    OPT_TOKEN,
    OPT_CERT,
    OPT_KEY,
    OPT_TIMEOUT,
    OPT_CACHE,
    OPT_DAYS,
    OPT_SIZE
};

#define DEFAULT_PORT 7075

static const struct ml_option options[] = {
    {OPT_STORE, 's', "store", "FILE", "the store; made when it does not exist"},
    {OPT_PORT, 'p', "port", "PORT", "7075 when not given; 0 for any free one"},
    {OPT_HOST, 0, "host", "ADDRESS", "127.0.0.1 when not given; another one needs --token"},
    {OPT_TOKEN, 0, "token", "TOKEN",
     "what clients must send as Bearer token or x-api-key;\n$MEMLINE_TOKEN when not given"},
    {OPT_CERT, 0, "cert", "FILE", "serve https: the certificate chain, PEM"},
    {OPT_KEY, 0, "key", "FILE", "and its private key, PEM"},
    {OPT_TIMEOUT, 0, "query-timeout", "SECONDS",
     "the longest a query may take; 240 when not given"},
    {OPT_CACHE, 0, "cache", "MIB", "memory for decoded columns; 2048 when not given"},
    {OPT_DAYS, 0, "keep-days", "DAYS", "drop rows older than that; kept when not given"},
    {OPT_SIZE, 0, "keep-size", "MIB",
     "drop the oldest rows of a larger store; 8192 when not given"},
    {0}};

static const struct ml_usage usage = {
    "serve", "[options]",
    "Answers clients of Azure from the project's store, until it is interrupted:\n"
    "  /v1/apps/ID/query, /v1/workspaces/ID/query    Application Insights, Log Analytics\n"
    "  /v1/rest/query, /v2/rest/query, /v1/rest/mgmt Kusto (Azure Data Explorer)\n"
    "  /v2/track, /v2.1/track                        takes telemetry of Application Insights "
    "SDKs\n\n"
    "The store is $MEMLINE_STORE, else .memline/store.db here or in the nearest folder above that "
    "has one.",
    options, false};

struct serve {
    struct ml_loop *loop;
    struct ml_http_server *server;
    struct ml_api *api;
    uv_signal_t on_int;
    uv_signal_t on_term;
    struct ml_api_options o;
    const char *host;
    long port;
    const char *cert;
    const char *key;
};

static void on_request(void *user, struct ml_http_request *r)
{
    struct serve *s = user;
    if (!ml_api_serve(s->api, r))
        ml_http_reply_text(r, 404, "application/json",
                           ML_STR("{\"error\":{\"code\":\"PathNotFoundError\","
                                  "\"message\":\"there is nothing at this path\"}}"));
}

static void on_signal(uv_signal_t *h, int number)
{
    struct serve *s = h->data;
    (void)number;
    ml_loop_stop(s->loop);
}

/* Whole small files (certificate, key). The caller frees. */
static int read_text(const char *path, char **out, struct ml_error *e)
{
    struct ml_buf text = {.max = 1 << 20};
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return ml_fail(e, ml_status_from_errno(errno), "cannot read '%s': %s", path,
                       strerror(errno));
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        ml_buf_add(&text, part, n);
    fclose(f);
    if (text.status != ML_OK || text.n == 0) {
        ml_buf_free(&text);
        return ml_fail(e, ML_EFORMAT, "cannot use '%s': it is empty or too large", path);
    }
    *out = text.p; /* the buffer's memory becomes the caller's */
    return ML_OK;
}

static int make_server(struct serve *s, struct ml_error *e)
{
    struct ml_http_options http = {.handler = {.user = s, .on_request = on_request}};
    char *cert = NULL;
    char *key = NULL;
    int rc = ML_OK;
    if (s->cert != NULL)
        rc = read_text(s->cert, &cert, e);
    if (rc == ML_OK && s->key != NULL)
        rc = read_text(s->key, &key, e);
    if (rc == ML_OK) {
        http.cert_pem = cert;
        http.key_pem = key;
        rc = ml_http_server_new(s->loop, &http, &s->server, e);
    }
    ml_buf_free(&(struct ml_buf){.p = cert});
    ml_buf_free(&(struct ml_buf){.p = key});
    return rc;
}

static int start(struct serve *s, struct ml_error *e)
{
    uint16_t bound = 0;
    int rc = ml_loop_new(&s->loop);
    if (rc != ML_OK)
        return ml_fail(e, rc, "out of memory");
    rc = ml_api_new(s->loop, &s->o, &s->api, e);
    if (rc == ML_OK)
        rc = make_server(s, e);
    if (rc == ML_OK)
        rc = ml_http_server_listen(s->server, s->host, (uint16_t)s->port, &bound, e);
    if (rc != ML_OK)
        return rc;
    uv_loop_t *uv = ml_loop_uv(s->loop);
    uv_signal_init(uv, &s->on_int);
    uv_signal_init(uv, &s->on_term);
    s->on_int.data = s->on_term.data = s;
    uv_signal_start(&s->on_int, on_signal, SIGINT);
    uv_signal_start(&s->on_term, on_signal, SIGTERM);
    bool v6 = strchr(s->host, ':') != NULL;
    printf("memline: serving %s at %s://%s%s%s:%u\n", s->o.store,
           s->cert != NULL ? "https" : "http", v6 ? "[" : "", s->host, v6 ? "]" : "",
           (unsigned)bound);
    fflush(stdout);
    return ML_OK;
}

static void stop(struct serve *s)
{
    if (s->loop == NULL)
        return;
    if (s->server != NULL)
        ml_http_server_drain(s->server);
    ml_api_free(s->api);
    ml_http_server_free(s->server);
    if (s->on_int.data != NULL) {
        uv_close((uv_handle_t *)&s->on_int, NULL);
        uv_close((uv_handle_t *)&s->on_term, NULL);
    }
    ml_loop_free(s->loop);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool number(const char *text, long max, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && *out >= 0 && *out <= max;
}

static int take(struct serve *s, int id, const struct ml_args *a)
{
    long n = 0;
    switch (id) {
    case OPT_STORE:
        s->o.store = a->value;
        return ML_EXIT_OK;
    case OPT_HOST:
        s->host = strcmp(a->value, "localhost") == 0 ? "127.0.0.1" : a->value;
        return ML_EXIT_OK;
    case OPT_TOKEN:
        s->o.token = a->value;
        return ML_EXIT_OK;
    case OPT_CERT:
        s->cert = a->value;
        return ML_EXIT_OK;
    case OPT_KEY:
        s->key = a->value;
        return ML_EXIT_OK;
    case OPT_PORT:
        if (!number(a->value, 65535, &s->port))
            return ml_args_fail(a, "'%s' is not a port", a->value);
        return ML_EXIT_OK;
    case OPT_TIMEOUT:
        if (!number(a->value, 86400, &n) || n == 0)
            return ml_args_fail(a, "'%s' is not a number of seconds", a->value);
        s->o.query_s = (unsigned)n;
        return ML_EXIT_OK;
    case OPT_CACHE:
        if (!number(a->value, 1 << 20, &n) || n == 0)
            return ml_args_fail(a, "'%s' is not a number of MiB", a->value);
        s->o.cache_bytes = (uint64_t)n << 20;
        return ML_EXIT_OK;
    case OPT_DAYS:
        if (!number(a->value, 100000, &n) || n == 0)
            return ml_args_fail(a, "'%s' is not a number of days", a->value);
        s->o.keep.max_age_ticks = n * ML_STORE_TICKS_PER_DAY;
        return ML_EXIT_OK;
    case OPT_SIZE:
        if (!number(a->value, 1 << 30, &n) || n == 0)
            return ml_args_fail(a, "'%s' is not a number of MiB", a->value);
        s->o.keep.max_bytes = (uint64_t)n << 20;
        return ML_EXIT_OK;
    default:
        return ml_args_fail(a, "'%s' is one word too many", a->value);
    }
}

int ml_cmd_serve(int argc, char **argv)
{
    struct serve s = {.host = "127.0.0.1", .port = DEFAULT_PORT, .o.keep = ML_RETENTION_DEFAULT};
    struct ml_error e = {0};
    struct ml_args a;
    char place[PATH_MAX];
    s.o.token = getenv("MEMLINE_TOKEN");
    ml_args_init(&a, &usage, argc, argv);
    for (int id; (id = ml_args_next(&a)) != ML_ARG_END;) {
        if (id == ML_ARG_HELP || id == ML_ARG_BAD)
            return ml_args_stop(&a, id);
        int exit = take(&s, id, &a);
        if (exit != ML_EXIT_OK)
            return exit;
    }
    if ((s.cert == NULL) != (s.key == NULL))
        return ml_args_fail(&a, "--cert and --key go together");
    if (s.o.token != NULL && *s.o.token == '\0')
        s.o.token = NULL;
    if (!is_loopback(s.host) && s.o.token == NULL)
        return ml_args_fail(&a, "--host %s opens the store to other machines: give a --token",
                            s.host);
    int rc = ML_OK;
    if (s.o.store == NULL) {
        rc = ml_store_place(".", place, sizeof place, &e);
        s.o.store = place;
    }
    if (rc == ML_OK)
        rc = start(&s, &e);
    if (rc == ML_OK)
        ml_loop_run(s.loop);
    stop(&s);
    if (rc != ML_OK)
        ml_error_print(&e);
    return rc == ML_OK ? ML_EXIT_OK : ML_EXIT_FAILED;
}
