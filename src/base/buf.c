/* base/buf.c -- see buf.h. SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>

/* Room for n more bytes and the terminating zero. */
static int make_room(struct ml_buf *b, size_t n)
{
    if (b->status != ML_OK)
        return b->status;
    size_t need;
    if (__builtin_add_overflow(b->n, n, &need) || need == SIZE_MAX)
        return b->status = ML_ENOMEM;
    if (b->max != 0 && need > b->max)
        return b->status = ML_ELIMIT;
    if (need < b->cap)
        return ML_OK;
    size_t cap = b->cap < 128 ? 256 : b->cap * 2;
    if (cap <= need)
        cap = need + 1;
    char *p = ml_realloc(b->p, cap, 1);
    if (p == NULL)
        return b->status = ML_ENOMEM;
    b->p = p;
    b->cap = cap;
    return ML_OK;
}

char *ml_buf_reserve(struct ml_buf *b, size_t n)
{
    return make_room(b, n) == ML_OK ? b->p + b->n : NULL;
}

void ml_buf_add(struct ml_buf *b, const void *bytes, size_t n)
{
    if (make_room(b, n) != ML_OK)
        return;
    if (n != 0)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void ml_buf_str(struct ml_buf *b, struct ml_str s)
{
    ml_buf_add(b, s.p, s.n);
}

void ml_buf_cstr(struct ml_buf *b, const char *s)
{
    ml_buf_add(b, s, strlen(s));
}

void ml_buf_char(struct ml_buf *b, char c)
{
    ml_buf_add(b, &c, 1);
}

void ml_buf_fill(struct ml_buf *b, char c, size_t n)
{
    if (make_room(b, n) != ML_OK)
        return;
    memset(b->p + b->n, c, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void ml_buf_vprintf(struct ml_buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n >= 0 && make_room(b, (size_t)n) == ML_OK) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void ml_buf_printf(struct ml_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ml_buf_vprintf(b, fmt, args);
    va_end(args);
}

void ml_buf_u64(struct ml_buf *b, uint64_t v)
{
    char digits[20];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    ml_buf_add(b, digits + i, sizeof digits - i);
}

void ml_buf_i64(struct ml_buf *b, int64_t v)
{
    if (v < 0)
        ml_buf_char(b, '-');
    ml_buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* Appends the escape of a byte below 0x20, a quote or a backslash. */
static void json_escape(struct ml_buf *b, unsigned char c)
{
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (c >= 0x20 || letters[c] != 0) {
        ml_buf_char(b, '\\');
        ml_buf_char(b, c >= 0x20 ? (char)c : letters[c]);
    } else {
        ml_buf_printf(b, "\\u%04x", c);
    }
}

typedef unsigned char block __attribute__((vector_size(16)));
typedef long long pair __attribute__((vector_size(16)));

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Is every byte one that stands for itself? Sixteen at a time. */
static bool all_plain(struct ml_str s)
{
    size_t i = 0;
    for (; i + 16 <= s.n; i += 16) {
        block c;
        memcpy(&c, s.p + i, sizeof c);
        pair care = (pair)((block)(c < 0x20) | (block)(c >= 0x80) | (block)(c == '"') |
                           (block)(c == '\\'));
        if ((care[0] | care[1]) != 0)
            return false;
    }
    while (i < s.n && is_plain((unsigned char)s.p[i]))
        i++;
    return i == s.n;
}

static void quote(struct ml_buf *b, struct ml_str s)
{
    char *p = s.n < SIZE_MAX - 2 ? ml_buf_reserve(b, s.n + 2) : NULL;
    if (p == NULL)
        return;
    p[0] = '"';
    if (s.n != 0)
        memcpy(p + 1, s.p, s.n);
    memcpy(p + s.n + 1, "\"", 2); /* and the zero behind */
    b->n += s.n + 2;
}

void ml_buf_json(struct ml_buf *b, struct ml_str s)
{
    if (all_plain(s)) {
        quote(b, s);
        return;
    }
    size_t start = 0; /* bytes before it are written */
    size_t i = 0;
    ml_buf_char(b, '"');
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_plain(c)) {
            i++;
            continue;
        }
        uint32_t point;
        size_t n = c < 0x80 ? 0 : ml_utf8_next((struct ml_str){s.p + i, s.n - i}, &point);
        if (n != 0) {
            i += n;
            continue;
        }
        ml_buf_add(b, s.p + start, i - start);
        if (c < 0x80)
            json_escape(b, c);
        else
            ml_buf_cstr(b, "\xEF\xBF\xBD");
        start = ++i;
    }
    ml_buf_add(b, s.p + start, s.n - start);
    ml_buf_char(b, '"');
}

void ml_buf_clear(struct ml_buf *b)
{
    b->n = 0;
    b->status = ML_OK;
    if (b->p != NULL)
        b->p[0] = '\0';
}

void ml_buf_free(struct ml_buf *b)
{
    ml_free(b->p);
    *b = (struct ml_buf){.max = b->max};
}
