/* kql/fn_url.c -- URLs, paths, base64; see func.def. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include "base/utf8.h"

#include <stdio.h>

enum { TEXT_MAX = 64 * 1024 * 1024 };

static bool plain(char c, const char *also)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(also, c) != NULL);
}

static struct ml_val encode(struct ml_fcx *f, struct ml_str s, const char *also, bool plus)
{
    struct ml_buf b = {.max = TEXT_MAX};
    for (size_t i = 0; i < s.n; i++) {
        if (plain(s.p[i], also))
            ml_buf_char(&b, s.p[i]);
        else if (plus && s.p[i] == ' ')
            ml_buf_char(&b, '+');
        else
            ml_buf_printf(&b, "%%%02x", (unsigned char)s.p[i]);
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_url_encode_component(struct ml_fcx *f, const struct ml_val *a)
{
    return encode(f, a->s, "-_.~!*'()", false);
}

struct ml_val ml__fn_url_encode(struct ml_fcx *f, const struct ml_val *a)
{
    return encode(f, a->s, "-_.!*()", true);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(struct ml_buf *b, struct ml_str s, bool plus)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            ml_buf_char(b, (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2])));
            i += 2;
        } else {
            ml_buf_char(b, plus && s.p[i] == '+' ? ' ' : s.p[i]);
        }
    }
}

struct ml_val ml__fn_url_decode(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    decode(&b, a->s, true);
    return ml__f_text(f, &b);
}

/* Before the first `c`, the rest behind it; no `c`: all is before, nothing behind. */
static struct ml_str cut(struct ml_str *s, char c)
{
    const char *at = s->p != NULL ? memchr(s->p, c, s->n) : NULL;
    struct ml_str head = *s;
    if (at == NULL) {
        *s = (struct ml_str){NULL, 0};
        return head;
    }
    head.n = (size_t)(at - s->p);
    *s = (struct ml_str){at + 1, s->n - head.n - 1};
    return head;
}

static struct ml_val query_bag(struct ml_fcx *f, struct ml_str query, bool decoded)
{
    size_t max = 1;
    for (size_t i = 0; i < query.n; i++)
        max += query.p[i] == '&';
    struct ml_pair *pairs = ml__f_alloc(f, max, sizeof *pairs);
    size_t n = 0;
    while (pairs != NULL && query.n > 0) {
        struct ml_str one = cut(&query, '&');
        struct ml_str key = cut(&one, '=');
        if (key.n == 0)
            continue;
        struct ml_val value = ml_val_str(one);
        if (decoded) {
            struct ml_buf b = {.max = TEXT_MAX};
            decode(&b, one, false);
            value = ml__f_text(f, &b);
        }
        pairs[n++] = (struct ml_pair){key, value};
    }
    return ml_val_bag(pairs, n);
}

static struct ml_val bag_of(struct ml_fcx *f, const struct ml_pair *pairs, size_t n)
{
    struct ml_pair *kept = ml__f_alloc(f, n, sizeof *kept);
    if (kept != NULL)
        memcpy(kept, pairs, n * sizeof *kept);
    return ml_val_bag(kept, kept != NULL ? n : 0);
}

struct ml_val ml__fn_parse_urlquery(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a->s;
    if (s.n > 0 && s.p[0] == '?')
        s = (struct ml_str){s.p + 1, s.n - 1};
    struct ml_pair p[] = {{ML_STR("Query Parameters"), query_bag(f, s, false)}};
    return bag_of(f, p, 1);
}

struct ml_val ml__fn_parse_url(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a->s;
    struct ml_str scheme = {NULL, 0};
    struct ml_str authority = {NULL, 0};
    struct ml_str user = {NULL, 0};
    struct ml_str password = {NULL, 0};
    struct ml_str port = {NULL, 0};
    const char *mark = s.p != NULL ? memmem(s.p, s.n, "://", 3) : NULL;
    if (mark != NULL) {
        scheme = (struct ml_str){s.p, (size_t)(mark - s.p)};
        s = (struct ml_str){mark + 3, s.n - scheme.n - 3};
        size_t n = 0;
        while (n < s.n && s.p[n] != '/' && s.p[n] != '?' && s.p[n] != '#')
            n++;
        authority = (struct ml_str){s.p, n};
        s = (struct ml_str){s.p + n, s.n - n};
    }
    if (authority.n > 0 && memchr(authority.p, '@', authority.n) != NULL) {
        struct ml_str who = cut(&authority, '@');
        user = cut(&who, ':');
        password = who;
    }
    struct ml_str host = authority;
    if (authority.n > 0 && authority.p[0] != '[') {
        host = cut(&authority, ':');
        port = authority;
    }
    struct ml_str fragment = s;
    struct ml_str rest = cut(&fragment, '#');
    struct ml_str path = cut(&rest, '?');
    struct ml_pair p[] = {{ML_STR("Scheme"), ml_val_str(scheme)},
                          {ML_STR("Host"), ml_val_str(host)},
                          {ML_STR("Port"), ml_val_str(port)},
                          {ML_STR("Path"), ml_val_str(path)},
                          {ML_STR("Username"), ml_val_str(user)},
                          {ML_STR("Password"), ml_val_str(password)},
                          {ML_STR("Query Parameters"), query_bag(f, rest, true)},
                          {ML_STR("Fragment"), ml_val_str(fragment)}};
    return bag_of(f, p, sizeof p / sizeof p[0]);
}

struct ml_val ml__fn_parse_path(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a->s;
    struct ml_str scheme = {NULL, 0};
    struct ml_str root = {NULL, 0};
    struct ml_str stream = {NULL, 0};
    const char *mark = s.n > 0 ? memmem(s.p, s.n, "://", 3) : NULL;
    if (mark != NULL) {
        scheme = (struct ml_str){s.p, (size_t)(mark - s.p)};
        s = (struct ml_str){mark + 3, s.n - scheme.n - 3};
    }
    if (mark == NULL && s.n > 1 && s.p[1] == ':') {
        root = (struct ml_str){s.p, 2};
        const char *colon = memchr(s.p + 2, ':', s.n - 2);
        if (colon != NULL) {
            stream = (struct ml_str){colon + 1, s.n - (size_t)(colon - s.p) - 1};
            s.n = (size_t)(colon - s.p);
        }
    }
    size_t last = s.n;
    while (last > 0 && s.p[last - 1] != '/' && s.p[last - 1] != '\\')
        last--;
    struct ml_str directory = {s.p, last > 0 ? last - 1 : 0};
    struct ml_str file = {s.p + last, s.n - last};
    struct ml_str up = directory;
    size_t cut_at = up.n;
    while (cut_at > 0 && up.p[cut_at - 1] != '/' && up.p[cut_at - 1] != '\\')
        cut_at--;
    struct ml_str name = {up.p + cut_at, up.n - cut_at};
    struct ml_str extension = {NULL, 0};
    for (size_t i = file.n; i-- > 0;)
        if (file.p[i] == '.') {
            extension = (struct ml_str){file.p + i + 1, file.n - i - 1};
            break;
        }
    struct ml_pair p[] = {{ML_STR("Scheme"), ml_val_str(scheme)},
                          {ML_STR("RootPath"), ml_val_str(root)},
                          {ML_STR("DirectoryPath"), ml_val_str(directory)},
                          {ML_STR("DirectoryName"), ml_val_str(name)},
                          {ML_STR("Filename"), ml_val_str(file)},
                          {ML_STR("Extension"), ml_val_str(extension)},
                          {ML_STR("AlternateDataStreamName"), ml_val_str(stream)}};
    return bag_of(f, p, sizeof p / sizeof p[0]);
}

/* --- base64 --- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct ml_val base64(struct ml_fcx *f, const unsigned char *p, size_t n)
{
    struct ml_buf b = {.max = TEXT_MAX};
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < n ? p[i + 2] : 0);
        ml_buf_char(&b, letters[v >> 18 & 63]);
        ml_buf_char(&b, letters[v >> 12 & 63]);
        ml_buf_char(&b, i + 1 < n ? letters[v >> 6 & 63] : '=');
        ml_buf_char(&b, i + 2 < n ? letters[v & 63] : '=');
    }
    return ml__f_text(f, &b);
}

/* False: not base64. */
static bool unbase64(struct ml_str s, struct ml_buf *out)
{
    uint32_t v = 0;
    int bits = 0;
    if (s.n % 4 != 0)
        return false;
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        const char *k = s.p[i] != '\0' ? strchr(letters, s.p[i]) : NULL;
        if (k == NULL)
            return false;
        v = v << 6 | (uint32_t)(k - letters);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            ml_buf_char(out, (char)(v >> bits & 0xFF));
        }
    }
    return out->status == 0;
}

struct ml_val ml__fn_base64_encode(struct ml_fcx *f, const struct ml_val *a)
{
    return base64(f, (const unsigned char *)a->s.p, a->s.n);
}

struct ml_val ml__fn_base64_decode(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    bool ok = unbase64(a->s, &b);
    struct ml_str s = ml_buf_view(&b);
    for (size_t i = 0; ok && i < s.n;) {
        uint32_t c;
        size_t k = ml_utf8_next((struct ml_str){s.p + i, s.n - i}, &c);
        ok = k != 0;
        i += k;
    }
    if (!ok)
        ml_buf_clear(&b);
    return ml__f_text(f, &b);
}

/* In a GUID's bytes the first three fields are little-endian. */
static void swap_guid(const uint8_t in[16], uint8_t out[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int i = 0; i < 16; i++)
        out[i] = in[order[i]];
}

struct ml_val ml__fn_base64_encode_guid(struct ml_fcx *f, const struct ml_val *a)
{
    uint8_t bytes[16];
    swap_guid(a->guid, bytes);
    return base64(f, bytes, 16);
}

struct ml_val ml__fn_base64_decode_guid(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    struct ml_val v = ml_val_null(ML_T_GUID);
    if (unbase64(a->s, &b) && b.n == 16) {
        uint8_t bytes[16];
        memcpy(bytes, b.p, 16);
        v.null = 0;
        swap_guid(bytes, v.guid);
    }
    ml_buf_free(&b);
    return v;
}

struct ml_val ml__fn_base64_decode_array(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    struct ml_val v = ml_val_null(ML_T_NONE);
    struct ml_val *items = unbase64(a->s, &b) ? ml__f_alloc(f, b.n, sizeof *items) : NULL;
    if (items != NULL) {
        for (size_t i = 0; i < b.n; i++)
            items[i] = ml_val_long((unsigned char)b.p[i]);
        v = ml_val_array(items, b.n);
    }
    ml_buf_free(&b);
    return v;
}

struct ml_val ml__fn_base64_encode_array(struct ml_fcx *f, const struct ml_val *a)
{
    unsigned char *p = a->type == ML_T_ARRAY ? ml__f_alloc(f, a->n, 1) : NULL;
    for (uint32_t i = 0; p != NULL && i < a->n; i++) {
        if (!ml_type_is_int(a->items[i].type) || a->items[i].i < 0 || a->items[i].i > 255)
            return ml_val_str(ML_STR(""));
        p[i] = (unsigned char)a->items[i].i;
    }
    return p != NULL ? base64(f, p, a->n) : ml_val_str(ML_STR(""));
}
