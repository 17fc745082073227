/* http/url.c -- see url.h. SPDX-License-Identifier: MIT */
#include "http/url.h"

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

struct ml_str ml_url_decode(struct ml_arena *a, struct ml_str s, bool plus)
{
    char *out = ml_arena_alloc(a, s.n + 1, 1);
    if (out == NULL)
        return (struct ml_str){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            out[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return (struct ml_str){out, n};
}

bool ml_url_next_pair(struct ml_str *rest, struct ml_str *name, struct ml_str *value)
{
    while (rest->n != 0) {
        const char *end = memchr(rest->p, '&', rest->n);
        size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
        struct ml_str pair = {rest->p, n};
        rest->p += n + (end != NULL);
        rest->n -= n + (end != NULL);
        if (pair.n == 0)
            continue;
        const char *eq = memchr(pair.p, '=', pair.n);
        size_t key = eq != NULL ? (size_t)(eq - pair.p) : pair.n;
        *name = (struct ml_str){pair.p, key};
        *value = eq != NULL ? (struct ml_str){eq + 1, pair.n - key - 1}
                            : (struct ml_str){pair.p + pair.n, 0};
        return true;
    }
    return false;
}

struct ml_str ml_url_query_find(struct ml_arena *a, struct ml_str query, struct ml_str name)
{
    struct ml_str n, v;
    while (ml_url_next_pair(&query, &n, &v)) {
        struct ml_str decoded = ml_url_decode(a, n, true);
        if (decoded.p != NULL && ml_str_eq(decoded, name))
            return ml_url_decode(a, v, true);
    }
    return (struct ml_str){NULL, 0};
}

void ml_url_encode(struct ml_buf *b, struct ml_str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            ml_buf_char(b, (char)c);
        } else {
            char e[3] = {'%', digits[c >> 4], digits[c & 15]};
            ml_buf_add(b, e, sizeof e);
        }
    }
}
