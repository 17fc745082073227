/* kql/fn_ipv4.c -- IPv4 addresses and ranges; see func.def. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

struct range {
    uint32_t address;
    int bits; /* of the mask */
};

static uint32_t mask_of(int bits)
{
    return bits <= 0 ? 0 : bits >= 32 ? UINT32_MAX : UINT32_MAX << (32 - bits);
}

/* One to four numbers with points between; the rest of the text in *rest. */
static bool address(struct ml_str s, uint32_t *out, struct ml_str *rest)
{
    uint32_t v = 0;
    size_t i = 0;
    for (int k = 0; k < 4; k++) {
        uint32_t part = 0;
        size_t start = i;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i - start < 3)
            part = part * 10 + (uint32_t)(s.p[i++] - '0');
        if (i == start || part > 255)
            return false;
        v = v << 8 | part;
        if (k < 3) {
            if (i >= s.n || s.p[i] != '.')
                return false;
            i++;
        }
    }
    *out = v;
    *rest = (struct ml_str){s.p + i, s.n - i};
    return true;
}

/* "a.b.c.d" or "a.b.c.d/n" */
static bool parse(struct ml_str s, struct range *r)
{
    struct ml_str rest;
    int64_t bits = 32;
    if (!address(s, &r->address, &rest))
        return false;
    if (rest.n > 0 &&
        (rest.p[0] != '/' || !ml_long_parse((struct ml_str){rest.p + 1, rest.n - 1}, &bits) ||
         bits < 0 || bits > 32))
        return false;
    r->bits = (int)bits;
    return true;
}

struct ml_val ml__fn_parse_ipv4(struct ml_fcx *f, const struct ml_val *a)
{
    struct range r;
    return parse(a->s, &r) ? ml_val_long(r.address & mask_of(r.bits)) : ml_val_null(ML_T_LONG);
}

struct ml_val ml__fn_parse_ipv4_mask(struct ml_fcx *f, const struct ml_val *a)
{
    struct range r;
    if (!parse(a[0].s, &r) || a[1].i < 0 || a[1].i > 32)
        return ml_val_null(ML_T_LONG);
    int bits = (int)a[1].i < r.bits ? (int)a[1].i : r.bits;
    return ml_val_long(r.address & mask_of(bits));
}

static struct ml_val format(struct ml_fcx *f, const struct ml_val *a, bool with_mask)
{
    struct range r = {.bits = 32};
    int64_t bits = f->n > 1 ? a[1].i : 32;
    struct ml_buf b = {0};
    if (bits < 0 || bits > 32)
        return ml_val_str(ML_STR(""));
    if (a->type == ML_T_STRING) {
        if (!parse(a->s, &r))
            return ml_val_str(ML_STR(""));
    } else if (ml_type_is_int(a->type) && a->i >= 0 && a->i <= UINT32_MAX) {
        r.address = (uint32_t)a->i;
    } else {
        return ml_val_str(ML_STR(""));
    }
    int used = (int)bits < r.bits ? (int)bits : r.bits;
    uint32_t v = r.address & mask_of(used);
    ml_buf_printf(&b, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
    if (with_mask)
        ml_buf_printf(&b, "/%d", used);
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_format_ipv4(struct ml_fcx *f, const struct ml_val *a)
{
    return format(f, a, false);
}

struct ml_val ml__fn_format_ipv4_mask(struct ml_fcx *f, const struct ml_val *a)
{
    return format(f, a, true);
}

/* -1, 0, 1 under the shortest of the masks; 2: not addresses. */
static int compare(const struct ml_val *a, unsigned n)
{
    struct range x;
    struct range y;
    int64_t bits = n > 2 ? a[2].i : 32;
    if (!parse(a[0].s, &x) || !parse(a[1].s, &y) || bits < 0 || bits > 32)
        return 2;
    int used = x.bits < y.bits ? x.bits : y.bits;
    used = (int)bits < used ? (int)bits : used;
    uint32_t l = x.address & mask_of(used);
    uint32_t r = y.address & mask_of(used);
    return (l > r) - (l < r);
}

struct ml_val ml__fn_ipv4_compare(struct ml_fcx *f, const struct ml_val *a)
{
    int c = compare(a, f->n);
    return c == 2 ? ml_val_null(ML_T_LONG) : ml_val_long(c);
}

struct ml_val ml__fn_ipv4_is_match(struct ml_fcx *f, const struct ml_val *a)
{
    int c = compare(a, f->n);
    return c == 2 ? ml_val_null(ML_T_BOOL) : ml_val_bool(c == 0);
}

static bool in_range(uint32_t address_, const struct range *r)
{
    return ((address_ ^ r->address) & mask_of(r->bits)) == 0;
}

struct ml_val ml__fn_ipv4_is_in_range(struct ml_fcx *f, const struct ml_val *a)
{
    struct range x;
    struct range r;
    if (!parse(a[0].s, &x) || !parse(a[1].s, &r))
        return ml_val_null(ML_T_BOOL);
    return ml_val_bool(in_range(x.address, &r));
}

struct ml_val ml__fn_ipv4_is_in_any_range(struct ml_fcx *f, const struct ml_val *a)
{
    struct range x;
    struct range r;
    if (!parse(a[0].s, &x))
        return ml_val_null(ML_T_BOOL);
    for (unsigned i = 1; i < f->n; i++) {
        const struct ml_val *items = a[i].type == ML_T_ARRAY ? a[i].items : &a[i];
        uint32_t n = a[i].type == ML_T_ARRAY ? a[i].n : 1;
        for (uint32_t k = 0; k < n; k++)
            if (items[k].type == ML_T_STRING && parse(items[k].s, &r) && in_range(x.address, &r))
                return ml_val_bool(true);
    }
    return ml_val_bool(false);
}

struct ml_val ml__fn_ipv4_is_private(struct ml_fcx *f, const struct ml_val *a)
{
    static const struct range private_ranges[] = {
        {0x0A000000, 8}, {0xAC100000, 12}, {0xC0A80000, 16}};
    struct range x;
    if (!parse(a->s, &x))
        return ml_val_null(ML_T_BOOL);
    for (int i = 0; i < 3; i++)
        if (in_range(x.address, &private_ranges[i]))
            return ml_val_bool(true);
    return ml_val_bool(false);
}

struct ml_val ml__fn_ipv4_suffix(struct ml_fcx *f, const struct ml_val *a)
{
    struct range x;
    return parse(a->s, &x) ? ml_val_long(x.bits) : ml_val_null(ML_T_LONG);
}

/* The ranges that make up first..last, each as large as it may be. */
struct ml_val ml__fn_ipv4_range_to_cidrs(struct ml_fcx *f, const struct ml_val *a)
{
    struct range first;
    struct range last;
    if (!parse(a[0].s, &first) || !parse(a[1].s, &last) || first.bits != 32 || last.bits != 32 ||
        first.address > last.address)
        return ml_val_null(ML_T_NONE);
    struct ml_val *items = ml__f_alloc(f, 64, sizeof *items);
    uint32_t n = 0;
    for (uint64_t at = first.address; items != NULL && at <= last.address;) {
        int bits = 32;
        while (bits > 0 && (at & ~(uint64_t)mask_of(bits - 1)) == 0 &&
               at + ((uint64_t)1 << (33 - bits)) - 1 <= last.address)
            bits--;
        struct ml_buf b = {0};
        ml_buf_printf(&b, "%u.%u.%u.%u/%d", (unsigned)(at >> 24), (unsigned)(at >> 16 & 255),
                      (unsigned)(at >> 8 & 255), (unsigned)(at & 255), bits);
        items[n++] = ml__f_text(f, &b);
        at += (uint64_t)1 << (32 - bits);
    }
    return ml_val_array(items, n);
}

static bool alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Is `what` (an address, or the beginning of one that ends in a point) in the text, as a term? */
static bool holds(struct ml_str s, struct ml_str what, bool prefix)
{
    for (size_t at = 0; at < s.n; at++) {
        uint32_t v;
        struct ml_str rest;
        struct ml_str here = {s.p + at, s.n - at};
        if ((at > 0 && (alnum(s.p[at - 1]) || s.p[at - 1] == '.')) || !address(here, &v, &rest))
            continue;
        if (rest.n > 0 &&
            (alnum(rest.p[0]) || (rest.p[0] == '.' && rest.n > 1 && alnum(rest.p[1]))))
            continue;
        struct ml_str found = {here.p, here.n - rest.n};
        if (prefix ? ml_str_starts(found, what) : ml_str_eq(found, what))
            return true;
    }
    return false;
}

static struct ml_val any(struct ml_fcx *f, const struct ml_val *a, bool prefix)
{
    for (unsigned i = 1; i < f->n; i++) {
        const struct ml_val *items = a[i].type == ML_T_ARRAY ? a[i].items : &a[i];
        uint32_t n = a[i].type == ML_T_ARRAY ? a[i].n : 1;
        for (uint32_t k = 0; k < n; k++) {
            uint32_t v;
            struct ml_str rest;
            struct ml_str what = items[k].s;
            if (items[k].type != ML_T_STRING)
                continue;
            bool whole = address(what, &v, &rest) && rest.n == 0;
            if (!whole && !(prefix && what.n > 0 && what.p[what.n - 1] == '.'))
                continue;
            if (holds(a[0].s, what, prefix))
                return ml_val_bool(true);
        }
    }
    return ml_val_bool(false);
}

struct ml_val ml__fn_has_ipv4(struct ml_fcx *f, const struct ml_val *a)
{
    return any(f, a, false);
}

struct ml_val ml__fn_has_ipv4_prefix(struct ml_fcx *f, const struct ml_val *a)
{
    return any(f, a, true);
}
