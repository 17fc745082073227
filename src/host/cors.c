/* host/cors.c -- see cors.h. SPDX-License-Identifier: MIT */
#include "host/cors.h"

#include "base/mem.h"

#include <string.h>

struct ml_cors {
    char *origins; /* owned; "a,b" */
    bool any;
    bool credentials;
};

int ml_cors_new(const char *origins, bool credentials, struct ml_cors **out, struct ml_error *e)
{
    bool any = strcmp(origins, "*") == 0;
    if (any && credentials)
        return ml_fail(e, ML_EINVALID,
                       "--cors-credentials needs a list of origins: it cannot go with --cors *.");
    struct ml_cors *c = ml_calloc(1, sizeof *c);
    if (c == NULL || (c->origins = ml_strdup(origins)) == NULL) {
        ml_free(c);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    c->any = any;
    c->credentials = credentials;
    *out = c;
    return ML_OK;
}

void ml_cors_free(struct ml_cors *c)
{
    if (c == NULL)
        return;
    ml_free(c->origins);
    ml_free(c);
}

static bool is_listed(const struct ml_cors *c, struct ml_str origin)
{
    for (const char *p = c->origins; *p != '\0';) {
        p += strspn(p, ", ");
        size_t n = strcspn(p, ",");
        size_t end = n;
        while (end > 0 && (p[end - 1] == ' ' || p[end - 1] == '/'))
            end--;
        if (end != 0 && end == origin.n && memcmp(p, origin.p, end) == 0)
            return true;
        p += n;
    }
    return false;
}

size_t ml_cors_fields(const struct ml_cors *c, const struct ml_http_request *r, bool preflight,
                      struct ml_http_field out[ML_CORS_FIELDS])
{
    struct ml_str origin = ml_http_header(r, ML_STR("Origin"));
    size_t n = 0;
    if (c == NULL || origin.n == 0 || (!c->any && !is_listed(c, origin)))
        return 0;
    out[n++] = (struct ml_http_field){ML_STR("Access-Control-Allow-Origin"),
                                      c->any ? ML_STR("*") : origin};
    if (!c->any)
        out[n++] = (struct ml_http_field){ML_STR("Vary"), ML_STR("Origin")};
    if (c->credentials)
        out[n++] = (struct ml_http_field){ML_STR("Access-Control-Allow-Credentials"),
                                          ML_STR("true")};
    if (preflight) {
        struct ml_str headers = ml_http_header(r, ML_STR("Access-Control-Request-Headers"));
        out[n++] = (struct ml_http_field){
            ML_STR("Access-Control-Allow-Methods"),
            ml_http_header(r, ML_STR("Access-Control-Request-Method"))};
        if (headers.n != 0)
            out[n++] = (struct ml_http_field){ML_STR("Access-Control-Allow-Headers"), headers};
    }
    return n;
}

bool ml_cors_preflight(const struct ml_cors *c, struct ml_http_request *r)
{
    if (c == NULL || !ml_str_eq(r->method, ML_STR("OPTIONS")) ||
        ml_http_header(r, ML_STR("Origin")).n == 0 ||
        ml_http_header(r, ML_STR("Access-Control-Request-Method")).n == 0)
        return false;
    struct ml_http_field f[ML_CORS_FIELDS];
    struct ml_http_reply reply = {.status = 204, .headers = f};
    reply.n_headers = ml_cors_fields(c, r, true, f);
    (void)ml_http_reply(r, &reply);
    return true;
}
