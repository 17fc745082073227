/* host/endpoints.c -- see endpoints.h. SPDX-License-Identifier: MIT */
#include "host/endpoints.h"

#include "base/mem.h"
#include "host/keys.h"
#include "host/record.h"
#include "host/say.h"
#include "store/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ml_endpoints {
    const struct ml_func_endpoints *lent;
    struct ml_http_server *server; /* of --ingest-port; NULL: none */
    bool opened;
    bool target; /* the worker's environment points here */
};

/* -- opening, at the first use ------------------------------------------------------------------- */

static bool open_lent(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_endpoints *p = h->endpoints;
    char path[PATH_MAX];
    struct ml_error e = {0};
    if (p->opened)
        return true;
    int rc = ml_store_place(h->settings.root, path, sizeof path, &e);
    if (rc == ML_OK)
        rc = p->lent->open(p->lent->user, h->loop, path, ml_records_writer(h), &e);
    p->opened = rc == ML_OK;
    if (!p->opened)
        (void)ml_http_reply_text(r, 503, "text/plain; charset=utf-8", ml_str_of(e.text));
    return p->opened;
}

/* A version-4 GUID that is the same at every start of a project: clients refuse other shapes. */
static void project_key(const char *root, char out[37])
{
    struct ml_buf twice = {0};
    uint64_t a = ml_hash(ml_str_of(root));
    ml_buf_printf(&twice, "%s%s", root, root);
    uint64_t b = ml_hash(ml_buf_view(&twice));
    ml_buf_free(&twice);
    (void)snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                   (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
                   (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

static bool is_set(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && v[0] != '\0';
}

static void point_worker_here(struct ml_host *h, unsigned port)
{
    char key[37], text[300];
    if (is_set("APPLICATIONINSIGHTS_CONNECTION_STRING") ||
        is_set("APPINSIGHTS_INSTRUMENTATIONKEY")) {
        ml_say("Telemetry is taken at http://127.0.0.1:%u/ (the connection string of this app is "
               "its own and stays).",
               port);
        return;
    }
    project_key(h->settings.root, key);
    (void)snprintf(text, sizeof text,
                   "InstrumentationKey=%s;IngestionEndpoint=http://127.0.0.1:%u/;"
                   "LiveEndpoint=http://127.0.0.1:%u/",
                   key, port, port);
    (void)setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", text, 1);
    (void)setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true", 0);
    h->endpoints->target = true;
    ml_say("APPLICATIONINSIGHTS_CONNECTION_STRING=%s", text);
}

/* -- the listener -------------------------------------------------------------------------------- */

/* Live metrics: nobody is looking at them. */
static bool serve_live(struct ml_http_request *r)
{
    static const struct ml_http_field field = {{"x-ms-qps-subscribed", 19}, {"false", 5}};
    if (!ml_str_starts(r->path, ML_STR("/QuickPulseService.svc/")))
        return false;
    (void)ml_http_reply(r,
                        &(struct ml_http_reply){.status = 200, .headers = &field, .n_headers = 1});
    return true;
}

static void on_request(void *user, struct ml_http_request *r)
{
    struct ml_host *h = user;
    if (serve_live(r) || !open_lent(h, r) || h->endpoints->lent->serve(h->endpoints->lent->user, r))
        return;
    (void)ml_http_reply_text(r, 404, NULL, ML_STR(""));
}

static int listen_for_telemetry(struct ml_host *h)
{
    struct ml_http_options o = {.handler = {.user = h, .on_request = on_request}};
    struct ml_error e = {0};
    uint16_t bound = 0;
    char *end;
    long port = strtol(h->o->ingest_port, &end, 10);
    if (h->o->ingest_port[0] == '\0' || *end != '\0' || port < 0 || port > 65535)
        return ml_say_failure(
            "Invalid --ingest-port value '%s'. Expected a number from 0 to 65535.",
            h->o->ingest_port);
    int rc = ml_http_server_new(h->loop, &o, &h->endpoints->server, &e);
    if (rc == ML_OK)
        rc = ml_http_server_listen(h->endpoints->server, "127.0.0.1", (uint16_t)port, &bound, &e);
    if (rc == ML_EBUSY)
        return ml_say_failure("Port %ld is unavailable. Close the process using that port, or "
                              "specify another port using --ingest-port.",
                              port);
    if (rc != ML_OK)
        return ml_say_failure("%s", e.text);
    point_worker_here(h, bound);
    return 0;
}

int ml_endpoints_open(struct ml_host *h)
{
    if (h->o->endpoints == NULL)
        return h->o->ingest_port == NULL
                   ? 0
                   : ml_say_failure("This memline was built without its query endpoints, which "
                                    "--ingest-port needs.");
    h->endpoints = ml_calloc(1, sizeof *h->endpoints);
    if (h->endpoints == NULL)
        return ml_say_failure("cannot start: out of memory");
    h->endpoints->lent = h->o->endpoints;
    return h->o->ingest_port != NULL ? listen_for_telemetry(h) : 0;
}

void ml_endpoints_close(struct ml_host *h)
{
    struct ml_endpoints *p = h->endpoints;
    if (p == NULL)
        return;
    if (p->server != NULL)
        ml_http_server_drain(p->server);
    if (p->opened)
        p->lent->close(p->lent->user);
    ml_http_server_free(p->server);
    ml_free(p);
    h->endpoints = NULL;
}

bool ml_endpoints_are_target(const struct ml_host *h)
{
    return h->endpoints != NULL && h->endpoints->target;
}

/* -- on the host's own port ---------------------------------------------------------------------- */

static bool is_this_machine(const struct ml_http_request *r)
{
    return strncmp(r->peer, "127.", 4) == 0 || strcmp(r->peer, "::1") == 0 ||
           strncmp(r->peer, "::ffff:127.", 11) == 0;
}

bool ml_endpoints_is_path(const struct ml_host *h, const struct ml_http_request *r)
{
    return h->endpoints != NULL && h->endpoints->lent->is_path(r->path);
}

bool ml_endpoints_serve(struct ml_host *h, struct ml_http_request *r)
{
    struct ml_endpoints *p = h->endpoints;
    if (!ml_endpoints_is_path(h, r) || !is_this_machine(r))
        return false;
    if (h->keys != NULL && !ml_keys_allow(h->keys, r, true)) {
        (void)ml_http_reply_text(r, 401, NULL, ML_STR(""));
        return true;
    }
    return !open_lent(h, r) || p->lent->serve(p->lent->user, r);
}
