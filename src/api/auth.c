/* api/auth.c -- see auth.h. SPDX-License-Identifier: MIT */
#include "api/auth.h"

#include <strings.h>

/* In constant time: the time must not tell how much of a guess was right. */
static bool equal(struct ml_str a, const char *token)
{
    struct ml_str b = ml_str_of(token);
    unsigned char differ = a.n != b.n;
    for (size_t i = 0; i < b.n; i++)
        differ |= (unsigned char)(b.p[i] ^ (a.n != 0 ? a.p[i % a.n] : 0));
    return differ == 0;
}

static bool strip_prefix(struct ml_str *s, struct ml_str prefix)
{
    if (s->n < prefix.n || strncasecmp(s->p, prefix.p, prefix.n) != 0)
        return false;
    *s = (struct ml_str){s->p + prefix.n, s->n - prefix.n};
    return true;
}

bool ml_auth_is_local(struct ml_str host)
{
    static const struct ml_str v6 = {"[::1]", 5};
    if (!strip_prefix(&host, ML_STR("http://")))
        strip_prefix(&host, ML_STR("https://"));
    const char *colon = host.n != 0 && host.p[0] != '[' ? memchr(host.p, ':', host.n) : NULL;
    size_t n = colon != NULL ? (size_t)(colon - host.p) : host.n;
    struct ml_str name = {host.p, n};
    if (ml_str_starts(name, v6))
        return name.n == v6.n || name.p[v6.n] == ':';
    if (name.n == 9 && strncasecmp(name.p, "localhost", 9) == 0)
        return true;
    if (!ml_str_starts(name, ML_STR("127.")))
        return false;
    for (size_t i = 0; i < name.n; i++) /* 127.evil.example is a name like any other */
        if (name.p[i] != '.' && (name.p[i] < '0' || name.p[i] > '9'))
            return false;
    return true;
}

static bool has_token(const struct ml_http_request *r, const char *token)
{
    struct ml_str given = ml_http_header(r, ML_STR("authorization"));
    if (given.p != NULL && strip_prefix(&given, ML_STR("Bearer ")) && equal(given, token))
        return true;
    given = ml_http_header(r, ML_STR("x-api-key"));
    return given.p != NULL && equal(given, token);
}

enum ml_auth ml_auth_check(const struct ml_http_request *r, const char *token)
{
    if (token != NULL)
        return has_token(r, token) ? ML_AUTH_OK : ML_AUTH_NO_TOKEN;
    struct ml_str host = ml_http_header(r, ML_STR("host"));
    struct ml_str origin = ml_http_header(r, ML_STR("origin"));
    if (host.p != NULL && !ml_auth_is_local(host))
        return ML_AUTH_FOREIGN;
    return origin.p == NULL || ml_auth_is_local(origin) ? ML_AUTH_OK : ML_AUTH_FOREIGN;
}
