/* kql/decimal.c -- see decimal.h. SPDX-License-Identifier: MIT */
#include "kql/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef unsigned __int128 u128;

enum { DIGITS = 34, SCALE_MAX = 250 };

struct num {
    bool neg;
    int scale; /* may be out of range until pack */
    u128 c;
};

static u128 pow10_of(int n)
{
    u128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static struct num unpack(struct ml_dec d)
{
    return (struct num){.neg = (d.hi >> 55 & 1) != 0,
                        .scale = (int)(d.hi >> 56),
                        .c = ((u128)(d.hi & ((1ULL << 55) - 1)) << 64) | d.lo};
}

/* Round to 34 digits and to a scale that can be stored. */
static bool pack(struct num n, struct ml_dec *out)
{
    u128 most = pow10_of(DIGITS);
    while ((n.c >= most || n.scale > SCALE_MAX) && n.scale > 0) {
        n.c = (n.c + 5) / 10;
        n.scale--;
    }
    while (n.scale < 0 && n.c < most / 10) {
        n.c *= 10;
        n.scale++;
    }
    if (n.scale < 0 || n.c >= most)
        return false;
    while (n.scale > 0 && n.c % 10 == 0) {
        n.c /= 10;
        n.scale--;
    }
    if (n.c == 0)
        n.neg = false;
    out->lo = (uint64_t)n.c;
    out->hi = (uint64_t)(n.c >> 64) | (uint64_t)n.neg << 55 | (uint64_t)n.scale << 56;
    return true;
}

struct ml_dec ml_dec_from_i64(int64_t i)
{
    struct ml_dec d = {0};
    pack((struct num){.neg = i < 0, .c = i < 0 ? -(u128)(__int128)i : (u128)i}, &d);
    return d;
}

bool ml_dec_parse(struct ml_str s, struct ml_dec *out)
{
    struct num n = {0};
    size_t i = 0;
    bool point = false;
    bool digits = false;
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
        n.neg = s.p[i++] == '-';
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        digits = true;
        if (n.c < pow10_of(DIGITS)) {
            n.c = n.c * 10 + (unsigned)(c - '0');
            n.scale += point;
        } else {
            n.scale -= !point;
        }
        if (n.scale > 10000 || n.scale < -10000)
            return false;
    }
    if (!digits)
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        char text[8] = "";
        size_t k = s.n - i - 1;
        if (k == 0 || k >= sizeof text)
            return false;
        memcpy(text, s.p + i + 1, k);
        char *end;
        long e = strtol(text, &end, 10);
        if (*end != '\0' || end == text || e > 9999 || e < -9999)
            return false;
        n.scale -= (int)e;
        i = s.n;
    }
    return i == s.n && pack(n, out);
}

bool ml_dec_from_real(double d, struct ml_dec *out)
{
    char text[40];
    if (!isfinite(d))
        return false;
    int n = snprintf(text, sizeof text, "%.17g", d);
    for (int digits = 1; digits < 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
        n = snprintf(text, sizeof text, "%.17g", d);
    }
    return ml_dec_parse((struct ml_str){text, (size_t)n}, out);
}

void ml_dec_print(struct ml_dec d, struct ml_buf *out)
{
    struct num n = unpack(d);
    char text[300];
    size_t at = sizeof text;
    int digits = 0;
    do {
        if (digits == n.scale && digits > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + (int)(n.c % 10));
        n.c /= 10;
        digits++;
    } while (n.c != 0 || digits <= n.scale);
    if (n.neg)
        text[--at] = '-';
    ml_buf_add(out, text + at, sizeof text - at);
}

double ml_dec_real(struct ml_dec d)
{
    struct ml_buf b = {0};
    ml_dec_print(d, &b);
    double r = b.p != NULL ? strtod(b.p, NULL) : NAN;
    ml_buf_free(&b);
    return r;
}

bool ml_dec_i64(struct ml_dec d, int64_t *out)
{
    struct num n = unpack(d);
    u128 whole = n.scale >= DIGITS + 4 ? 0 : n.c / pow10_of(n.scale);
    if (whole > (u128)INT64_MAX + (n.neg ? 1 : 0))
        return false;
    *out = n.neg ? (int64_t)(0 - (uint64_t)whole) : (int64_t)whole;
    return true;
}

/* Both to one scale, as far as 38 digits allow; digits that do not fit are rounded away. */
static void align_scales(struct num *a, struct num *b)
{
    struct num *low = a->scale < b->scale ? a : b;
    struct num *high = low == a ? b : a;
    u128 room = pow10_of(36);
    while (low->scale < high->scale && low->c < room) {
        low->c *= 10;
        low->scale++;
    }
    while (high->scale > low->scale) {
        high->c = (high->c + 5) / 10;
        high->scale--;
    }
}

int ml_dec_cmp(struct ml_dec x, struct ml_dec y)
{
    struct num a = unpack(x);
    struct num b = unpack(y);
    if (a.neg != b.neg)
        return a.neg ? -1 : 1;
    align_scales(&a, &b);
    int c = (a.c > b.c) - (a.c < b.c);
    return a.neg ? -c : c;
}

struct ml_dec ml_dec_neg(struct ml_dec a)
{
    struct num n = unpack(a);
    if (n.c != 0)
        a.hi ^= 1ULL << 55;
    return a;
}

bool ml_dec_add(struct ml_dec x, struct ml_dec y, struct ml_dec *out)
{
    struct num a = unpack(x);
    struct num b = unpack(y);
    align_scales(&a, &b);
    if (a.neg == b.neg)
        a.c += b.c;
    else if (a.c >= b.c)
        a.c -= b.c;
    else
        a = (struct num){.neg = b.neg, .scale = a.scale, .c = b.c - a.c};
    return pack(a, out);
}

/* x /= 10 over four limbs, lowest first; answers the remainder. */
static unsigned div10(uint64_t x[4])
{
    u128 r = 0;
    for (int i = 3; i >= 0; i--) {
        r = r << 64 | x[i];
        x[i] = (uint64_t)(r / 10);
        r %= 10;
    }
    return (unsigned)r;
}

bool ml_dec_mul(struct ml_dec x, struct ml_dec y, struct ml_dec *out)
{
    struct num a = unpack(x);
    struct num b = unpack(y);
    uint64_t p[4] = {0};
    uint64_t l[2] = {(uint64_t)a.c, (uint64_t)(a.c >> 64)};
    uint64_t r[2] = {(uint64_t)b.c, (uint64_t)(b.c >> 64)};
    for (int i = 0; i < 2; i++) {
        u128 carry = 0;
        for (int j = 0; j < 2; j++) {
            carry += (u128)l[i] * r[j] + p[i + j];
            p[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        p[i + 2] += (uint64_t)carry;
    }
    int scale = a.scale + b.scale;
    unsigned last = 0;
    while (p[3] != 0 || p[2] != 0 || p[1] >> 48 != 0) {
        last = div10(p);
        scale--;
    }
    u128 c = ((u128)p[1] << 64 | p[0]) + (last >= 5);
    return pack((struct num){.neg = a.neg != b.neg, .scale = scale, .c = c}, out);
}

bool ml_dec_div(struct ml_dec x, struct ml_dec y, struct ml_dec *out)
{
    struct num a = unpack(x);
    struct num b = unpack(y);
    if (b.c == 0)
        return false;
    struct num q = {.neg = a.neg != b.neg, .scale = a.scale - b.scale, .c = a.c / b.c};
    u128 rest = a.c % b.c;
    u128 most = pow10_of(DIGITS);
    while (rest != 0 && q.c < most && q.scale < SCALE_MAX) {
        rest *= 10;
        q.c = q.c * 10 + rest / b.c;
        rest %= b.c;
        q.scale++;
    }
    return pack(q, out);
}

bool ml_dec_bin(struct ml_dec a, struct ml_dec size, struct ml_dec *out)
{
    struct ml_dec q;
    if (ml_dec_cmp(size, ml_dec_from_i64(0)) <= 0 || !ml_dec_div(a, size, &q))
        return false;
    struct num n = unpack(q);
    u128 unit = n.scale > 37 ? 0 : pow10_of(n.scale);
    u128 whole = unit == 0 ? 0 : n.c / unit;
    bool exact = unit != 0 && n.c % unit == 0;
    n = (struct num){.neg = n.neg, .c = whole + (n.neg && !exact)};
    return pack(n, &q) && ml_dec_mul(q, size, out);
}
