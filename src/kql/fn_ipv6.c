/* kql/fn_ipv6.c -- IPv6 addresses and ranges, among which IPv4 ones stand as ::ffff:a.b.c.d; see func.def.
 * SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

struct range6 {
    uint8_t bytes[16];
    int bits;   /* of the mask */
    bool mixed; /* an IPv4 spelling at the end of an IPv6 one */
};

/* Decimal, at most `max`; moves *i. */
static bool decimal(struct ml_str s, size_t *i, int max, int *out)
{
    size_t start = *i;
    int v = 0;
    while (*i < s.n && s.p[*i] >= '0' && s.p[*i] <= '9' && *i - start < 4)
        v = v * 10 + (s.p[(*i)++] - '0');
    *out = v;
    return *i > start && v <= max;
}

/* "a.b.c.d", the whole of s. */
static bool quad(struct ml_str s, uint8_t *out)
{
    size_t i = 0;
    for (int k = 0; k < 4; k++) {
        int part;
        if (k > 0 && (i >= s.n || s.p[i++] != '.'))
            return false;
        if (!decimal(s, &i, 255, &part))
            return false;
        out[k] = (uint8_t)part;
    }
    return i == s.n;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    int lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Groups of four hex digits, once "::" for a run of zeros, perhaps an IPv4 address at the end. */
static bool groups(struct ml_str s, uint8_t out[16], bool *dotted)
{
    uint8_t b[16] = {0};
    int n = 0;    /* bytes so far */
    int gap = -1; /* where "::" stands */
    size_t i = 0;
    *dotted = false;
    if (s.n >= 2 && s.p[0] == ':' && s.p[1] == ':') {
        gap = 0;
        i = 2;
    }
    while (i < s.n) {
        size_t end = i;
        while (end < s.n && s.p[end] != ':')
            end++;
        struct ml_str part = {s.p + i, end - i};
        if (memchr(part.p, '.', part.n) != NULL) {
            if (n > 12 || end != s.n || !quad(part, b + n))
                return false;
            n += 4;
            *dotted = true;
            break;
        }
        unsigned v = 0;
        if (part.n == 0 || part.n > 4 || n > 14)
            return false;
        for (size_t k = 0; k < part.n; k++) {
            int d = hex_digit(part.p[k]);
            if (d < 0)
                return false;
            v = v << 4 | (unsigned)d;
        }
        b[n++] = (uint8_t)(v >> 8);
        b[n++] = (uint8_t)v;
        if (end == s.n)
            break;
        i = end + 1;
        if (i == s.n)
            return false; /* ends in one colon */
        if (s.p[i] == ':') {
            if (gap >= 0)
                return false;
            gap = n;
            i++;
        }
    }
    if (gap < 0 ? n != 16 : n > 14)
        return false;
    memset(out, 0, 16);
    memcpy(out, b, (size_t)(gap < 0 ? n : gap));
    if (gap >= 0)
        memcpy(out + 16 - (n - gap), b + gap, (size_t)(n - gap));
    return true;
}

/* An address with an optional /bits; those of an IPv4 spelling count its 32 bits. */
static bool parse(struct ml_str s, struct range6 *r)
{
    const char *slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;
    struct ml_str address = {s.p, slash != NULL ? (size_t)(slash - s.p) : s.n};
    bool dotted = true;
    memset(r->bytes, 0, 10);
    r->bytes[10] = r->bytes[11] = 0xFF;
    r->mixed = false;
    if (!quad(address, r->bytes + 12)) {
        if (!groups(address, r->bytes, &dotted))
            return false;
        r->mixed = dotted;
    }
    r->bits = 128;
    if (slash == NULL)
        return true;
    size_t i = address.n + 1;
    int bits;
    if (!decimal(s, &i, dotted ? 32 : 128, &bits) || i != s.n)
        return false;
    r->bits = dotted ? 96 + bits : bits;
    return true;
}

static uint8_t mask_byte(int bits, int k)
{
    int left = bits - 8 * k;
    return (uint8_t)(left >= 8 ? 0xFF : left <= 0 ? 0 : 0xFF << (8 - left));
}

static int compare_masked(const struct range6 *x, const struct range6 *y, int bits)
{
    for (int k = 0; k < 16; k++) {
        int l = x->bytes[k] & mask_byte(bits, k);
        int r = y->bytes[k] & mask_byte(bits, k);
        if (l != r)
            return l < r ? -1 : 1;
    }
    return 0;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* All 32 hex digits, with the mask applied; '' for what is no address. */
struct ml_val ml__fn_parse_ipv6(struct ml_fcx *f, const struct ml_val *a)
{
    struct range6 r;
    int64_t wanted = f->n > 1 ? a[1].i : 128;
    if (!parse(a[0].s, &r) || wanted < 0 || wanted > 128)
        return ml_val_str(ML_STR(""));
    int bits = least((int)wanted, r.bits);
    struct ml_buf b = {0};
    for (int k = 0; k < 16; k += 2)
        ml_buf_printf(&b, "%s%02x%02x", k > 0 ? ":" : "", r.bytes[k] & mask_byte(bits, k),
                      r.bytes[k + 1] & mask_byte(bits, k + 1));
    return ml__f_text(f, &b);
}

/* -1, 0, 1 under the shortest of the masks; 2: not addresses, or the query has failed. */
static int compare(struct ml_fcx *f, const struct ml_val *a)
{
    struct range6 x;
    struct range6 y;
    int64_t bits = f->n > 2 ? a[2].i : 128;
    if (!parse(a[0].s, &x) || !parse(a[1].s, &y) || bits < 0 || bits > 128)
        return 2;
    if (x.mixed || y.mixed) { /* the real engine's answers are not those of the addresses */
        ml__f_error(f, "%s: IPv4 inside of IPv6 text ('::1.2.3.4') is not supported", f->name);
        return 2;
    }
    return compare_masked(&x, &y, least((int)bits, least(x.bits, y.bits)));
}

struct ml_val ml__fn_ipv6_compare(struct ml_fcx *f, const struct ml_val *a)
{
    int c = compare(f, a);
    return c == 2 ? ml_val_null(ML_T_LONG) : ml_val_long(c);
}

struct ml_val ml__fn_ipv6_is_match(struct ml_fcx *f, const struct ml_val *a)
{
    int c = compare(f, a);
    return c == 2 ? ml_val_null(ML_T_BOOL) : ml_val_bool(c == 0);
}

struct ml_val ml__fn_ipv6_is_in_range(struct ml_fcx *f, const struct ml_val *a)
{
    struct range6 x;
    struct range6 r;
    if (!parse(a[0].s, &x) || !parse(a[1].s, &r))
        return ml_val_null(ML_T_BOOL);
    return ml_val_bool(compare_masked(&x, &r, r.bits) == 0);
}

struct ml_val ml__fn_ipv6_is_in_any_range(struct ml_fcx *f, const struct ml_val *a)
{
    struct range6 x;
    struct range6 r;
    if (!parse(a[0].s, &x))
        return ml_val_null(ML_T_BOOL);
    for (unsigned i = 1; i < f->n; i++) {
        const struct ml_val *items = a[i].type == ML_T_ARRAY ? a[i].items : &a[i];
        uint32_t n = a[i].type == ML_T_ARRAY ? a[i].n : 1;
        for (uint32_t k = 0; k < n; k++)
            if (items[k].type == ML_T_STRING && parse(items[k].s, &r) &&
                compare_masked(&x, &r, r.bits) == 0)
                return ml_val_bool(true);
    }
    return ml_val_bool(false);
}
