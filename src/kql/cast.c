/* kql/cast.c -- conversions between types; see text.h. A failed conversion is null, never an error.
 * SPDX-License-Identifier: MIT */
#include "kql/text.h"

#include "base/mem.h"
#include "kql/decimal.h"
#include "kql/ticks.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

static struct ml_str trim(struct ml_str s)
{
    while (s.n > 0 && (*s.p == ' ' || (*s.p >= '\t' && *s.p <= '\r'))) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || (s.p[s.n - 1] >= '\t' && s.p[s.n - 1] <= '\r')))
        s.n--;
    return s;
}

static bool hex_parse(struct ml_str s, int64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 16)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        uint64_t d = c >= '0' && c <= '9'   ? (uint64_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint64_t)(c - 'A' + 10)
                                            : 16;
        if (d == 16)
            return false;
        v = v << 4 | d;
    }
    *out = (int64_t)v;
    return true;
}

bool ml_long_parse(struct ml_str s, int64_t *out)
{
    size_t i = 0;
    bool minus = false;
    uint64_t v = 0;
    if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X'))
        return hex_parse((struct ml_str){s.p + 2, s.n - 2}, out);
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        minus = s.p[i++] == '-';
    if (i == s.n)
        return false;
    for (; i < s.n; i++) {
        unsigned d = (unsigned)(s.p[i] - '0');
        if (d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    if (v > (uint64_t)INT64_MAX + minus)
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool ml_real_parse(struct ml_str s, double *out)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"NaN", NAN},           {"nan", NAN},
                 {"inf", INFINITY},      {"Inf", INFINITY},
                 {"Infinity", INFINITY}, {"+Infinity", INFINITY},
                 {"+inf", INFINITY},     {"-inf", -INFINITY},
                 {"-Inf", -INFINITY},    {"-Infinity", -INFINITY}};
    char text[64];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (ml_str_eq(s, ml_str_of(words[i].text))) {
            *out = words[i].value;
            return true;
        }
    bool digit = false;
    if (s.n == 0 || s.n >= 400)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        digit |= s.p[i] >= '0' && s.p[i] <= '9';
        if (memchr("0123456789+-.eE", s.p[i], 15) == NULL)
            return false;
    }
    if (!digit)
        return false;
    char *big = s.n < sizeof text ? text : ml_calloc(s.n + 1, 1);
    if (big == NULL)
        return false;
    memcpy(big, s.p, s.n);
    big[s.n] = '\0';
    char *end;
    *out = strtod(big, &end);
    bool ok = *end == '\0' && end != big;
    if (big != text)
        ml_free(big);
    return ok;
}

bool ml_guid_parse(struct ml_str s, uint8_t out[16])
{
    char hex[32];
    size_t n = 0;
    s = trim(s);
    if (s.n >= 2 &&
        ((s.p[0] == '{' && s.p[s.n - 1] == '}') || (s.p[0] == '(' && s.p[s.n - 1] == ')')))
        s = (struct ml_str){s.p + 1, s.n - 2};
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '-' && i > 0)
            continue; /* wherever they stand */
        if (n == 32)
            return false;
        hex[n++] = s.p[i];
    }
    if (n != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        int64_t byte;
        if (!hex_parse((struct ml_str){hex + 2 * i, 2}, &byte))
            return false;
        out[i] = (uint8_t)byte;
    }
    return true;
}

/* Toward 0, clamped at the ends; NaN is null. */
static bool real_to_long(double d, int64_t low, int64_t high, int64_t *out)
{
    if (isnan(d) || isinf(d))
        return false;
    *out = d <= (double)low ? low : d >= (double)high ? high : (int64_t)d;
    return true;
}

static bool to_long(const struct ml_val *v, enum ml_type to, int64_t *out)
{
    bool small = to == ML_T_INT;
    switch ((enum ml_type)v->type) {
    case ML_T_BOOL:
        *out = v->i;
        return true;
    case ML_T_INT:
    case ML_T_LONG:
    case ML_T_DATETIME:
    case ML_T_TIMESPAN:
        *out = small ? (int32_t)(uint32_t)(uint64_t)v->i : v->i; /* wraps, as intended */
        return true;
    case ML_T_REAL:
        return real_to_long(v->d, small ? INT32_MIN : INT64_MIN, small ? INT32_MAX : INT64_MAX,
                            out);
    case ML_T_DECIMAL:
        return ml_dec_i64(v->dec, out) && (!small || *out == (int32_t)*out);
    case ML_T_STRING: {
        struct ml_str s = trim(v->s);
        if (!ml_long_parse(s, out))
            return false;
        if (small && s.n > 2 && (s.p[1] == 'x' || s.p[1] == 'X') && (uint64_t)*out <= UINT32_MAX)
            *out = (int32_t)(uint32_t)*out;
        return !small || *out == (int32_t)*out;
    }
    default:
        return false;
    }
}

static bool to_real(const struct ml_val *v, double *out)
{
    switch ((enum ml_type)v->type) {
    case ML_T_REAL:
        *out = v->d;
        return true;
    case ML_T_DECIMAL:
        *out = ml_dec_real(v->dec);
        return true;
    case ML_T_STRING:
        return ml_real_parse(trim(v->s), out);
    case ML_T_BOOL:
    case ML_T_INT:
    case ML_T_LONG:
    case ML_T_DATETIME:
    case ML_T_TIMESPAN:
        *out = (double)v->i;
        return true;
    default:
        return false;
    }
}

static bool to_bool(const struct ml_val *v, int64_t *out)
{
    switch ((enum ml_type)v->type) {
    case ML_T_REAL:
        *out = v->d != 0;
        return true;
    case ML_T_DECIMAL:
        *out = ml_dec_real(v->dec) != 0;
        return true;
    case ML_T_STRING:
        if (v->s.n == 4 && strncasecmp(v->s.p, "true", 4) == 0)
            return *out = 1, true;
        if (v->s.n == 5 && strncasecmp(v->s.p, "false", 5) == 0)
            return *out = 0, true;
        if (!ml_long_parse(v->s, out))
            return false;
        *out = *out != 0;
        return true;
    case ML_T_BOOL:
    case ML_T_INT:
    case ML_T_LONG:
        *out = v->i != 0;
        return true;
    default:
        return false;
    }
}

static bool to_decimal(const struct ml_val *v, struct ml_dec *out)
{
    switch ((enum ml_type)v->type) {
    case ML_T_DECIMAL:
        *out = v->dec;
        return true;
    case ML_T_REAL:
        return ml_dec_from_real(v->d, out);
    case ML_T_STRING:
        return ml_dec_parse(trim(v->s), out);
    case ML_T_BOOL:
    case ML_T_INT:
    case ML_T_LONG:
        *out = ml_dec_from_i64(v->i);
        return true;
    default:
        return false;
    }
}

static bool to_datetime(const struct ml_val *v, int64_t *out)
{
    if (v->type == ML_T_STRING)
        return ml_datetime_parse(v->s, out);
    if (v->type != ML_T_DATETIME && !ml_type_is_int(v->type))
        return false;
    *out = v->i;
    return v->i >= 0 && v->i <= ML_TICKS_MAX;
}

static bool to_timespan(const struct ml_val *v, int64_t *out)
{
    if (v->type == ML_T_STRING)
        return ml_timespan_parse(v->s, out);
    if (v->type != ML_T_TIMESPAN && !ml_type_is_int(v->type))
        return false;
    *out = v->i;
    return true;
}

static bool to_guid(const struct ml_val *v, uint8_t out[16])
{
    if (v->type == ML_T_STRING)
        return ml_guid_parse(v->s, out);
    if (v->type != ML_T_GUID)
        return false;
    memcpy(out, v->guid, 16);
    return true;
}

struct ml_val ml_val_cast(struct ml_arena *a, const struct ml_val *from, bool inside,
                          enum ml_type to)
{
    struct ml_val v = ml_val_force(a, from);
    struct ml_val out = {.type = (uint8_t)to};
    bool ok = false;
    if (to == ML_T_STRING) {
        out.s = ml_val_text(a, &v, inside);
        return out;
    }
    if (to == ML_T_DYNAMIC)
        return v;
    if (v.null)
        return ml_val_null(to);
    switch (to) {
    case ML_T_BOOL:
        ok = to_bool(&v, &out.i);
        break;
    case ML_T_INT:
    case ML_T_LONG:
        ok = to_long(&v, to, &out.i);
        break;
    case ML_T_REAL:
        ok = to_real(&v, &out.d);
        break;
    case ML_T_DECIMAL:
        ok = to_decimal(&v, &out.dec);
        break;
    case ML_T_DATETIME:
        ok = to_datetime(&v, &out.i);
        break;
    case ML_T_TIMESPAN:
        ok = to_timespan(&v, &out.i);
        break;
    case ML_T_GUID:
        ok = to_guid(&v, out.guid);
        break;
    default:
        break;
    }
    return ok ? out : ml_val_null(to);
}
