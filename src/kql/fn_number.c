/* kql/fn_number.c -- mathematics; see func.def. SPDX-License-Identifier: MIT */
#include "kql/decimal.h"
#include "kql/fn.h"
#include "kql/text.h"

#include <math.h>
#include <stdio.h>

static double as_real(const struct ml_val *v)
{
    return v->type == ML_T_REAL      ? v->d
           : v->type == ML_T_DECIMAL ? ml_dec_real(v->dec)
                                     : (double)v->i;
}

struct ml_val ml__fn_abs(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val v = *a;
    if (v.type == ML_T_REAL)
        v.d = fabs(v.d);
    else if (v.type == ML_T_DECIMAL)
        v.dec = ml_dec_real(v.dec) < 0 ? ml_dec_neg(v.dec) : v.dec;
    else if (ml_type_is_int(v.type) || v.type == ML_T_TIMESPAN)
        v.i = v.i < 0 ? (int64_t)(0 - (uint64_t)v.i) : v.i;
    else
        return ml__f_error(f, "abs does not take a %s", ml_type_name(v.type));
    return v;
}

struct ml_val ml__fn_round(struct ml_fcx *f, const struct ml_val *a)
{
    double x = as_real(a);
    int64_t digits = f->n > 1 ? a[1].i : 0;
    if (!isfinite(x) || digits > 15)
        return ml_val_real(x);
    if (digits < -300)
        return ml_val_real(0);
    double scale = pow(10, (double)(digits < 0 ? -digits : digits));
    double y = digits < 0 ? x / scale : x * scale;
    double r = round(y); /* halves go away from 0 */
    return ml_val_real(digits < 0 ? r * scale : r / scale);
}

struct ml_val ml__fn_ceiling(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_real(ceil(as_real(a)));
}

static double exp10_of(double x)
{
    return pow(10, x);
}

static double cot_of(double x)
{
    return 1 / tan(x);
}

static double degrees_of(double x)
{
    return x * (180 / M_PI);
}

static double radians_of(double x)
{
    return x * (M_PI / 180);
}

struct ml_val ml__fn_real(struct ml_fcx *f, const struct ml_val *a)
{
    static const struct {
        const char *name;
        double (*of)(double);
    } table[] = {
        {"sqrt", sqrt},
        {"exp", exp},
        {"exp2", exp2},
        {"exp10", exp10_of},
        {"log", log},
        {"log2", log2},
        {"log10", log10},
        {"sin", sin},
        {"cos", cos},
        {"tan", tan},
        {"cot", cot_of},
        {"asin", asin},
        {"acos", acos},
        {"atan", atan},
        {"degrees", degrees_of},
        {"radians", radians_of},
        {"gamma", tgamma},
        {"loggamma", lgamma},
        {"erf", erf},
        {"erfc", erfc},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, f->name) == 0)
            return table[i].name[0] == 'l' && a->d < 0 ? ml_val_null(ML_T_REAL) /* logarithms */
                                                       : ml_val_real(table[i].of(a->d));
    return ml_val_null(ML_T_REAL);
}

struct ml_val ml__fn_atan2(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_real(atan2(a[0].d, a[1].d));
}

struct ml_val ml__fn_pow(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_real(pow(a[0].d, a[1].d));
}

struct ml_val ml__fn_sign(struct ml_fcx *f, const struct ml_val *a)
{
    double d = as_real(a);
    return isnan(d) ? ml_val_real(d) : ml_val_real((d > 0) - (d < 0));
}

struct ml_val ml__fn_pi(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_real(M_PI);
}

struct ml_val ml__fn_isnan(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(a->type == ML_T_REAL && isnan(a->d));
}

struct ml_val ml__fn_isinf(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(a->type == ML_T_REAL && isinf(a->d));
}

struct ml_val ml__fn_isfinite(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(a->type != ML_T_REAL || isfinite(a->d));
}

struct ml_val ml__fn_binary(struct ml_fcx *f, const struct ml_val *a)
{
    uint64_t x = (uint64_t)a[0].i;
    uint64_t y = (uint64_t)a[1].i;
    if (strcmp(f->name, "binary_and") == 0)
        x &= y;
    else if (strcmp(f->name, "binary_or") == 0)
        x |= y;
    else if (strcmp(f->name, "binary_xor") == 0)
        x ^= y;
    else if (a[1].i < 0)
        return ml_val_null(ML_T_LONG);
    else if (strcmp(f->name, "binary_shift_left") == 0)
        x <<= y % 64;
    else
        x = (uint64_t)(a[0].i >> (y % 64));
    return ml_val_long((int64_t)x);
}

struct ml_val ml__fn_binary_not(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long(~a->i);
}

struct ml_val ml__fn_count_ones(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long(__builtin_popcountll((uint64_t)a->i));
}

struct ml_val ml__fn_tohex(struct ml_fcx *f, const struct ml_val *a)
{
    char text[80];
    int64_t width = f->n > 1 ? a[1].i : 0;
    if (width < 0 || width > 64)
        width = 0;
    uint64_t v = f->types[0] == ML_T_INT ? (uint32_t)a->i : (uint64_t)a->i;
    if (!ml_type_is_int(a->type))
        return ml__f_error(f, "tohex does not take a %s", ml_type_name(a->type));
    int n = snprintf(text, sizeof text, "%0*llx", (int)(width > 0 ? width : 1),
                     (unsigned long long)v);
    return ml__f_string(f, text, (size_t)n);
}

struct ml_val ml__fn_format_bytes(struct ml_fcx *f, const struct ml_val *a)
{
    static const char *const units[] = {"Bytes", "KB", "MB", "GB", "TB", "PB", "EB"};
    double x = as_real(a);
    int64_t digits = f->n > 1 ? a[1].i : 0;
    size_t u = 0;
    char text[64];
    if (f->n > 2)
        for (size_t i = 0; i < 7; i++)
            if (ml_str_eq(a[2].s, ml_str_of(units[i])))
                u = i;
    if (f->n <= 2)
        while (u < 6 && fabs(x) >= pow(1024, (double)(u + 1)))
            u++;
    x /= pow(1024, (double)u);
    digits = digits < 0 ? 0 : digits > 15 ? 15 : digits;
    int n = snprintf(text, sizeof text, "%.*f", (int)digits, x);
    while (digits > 0 && n > 0 && text[n - 1] == '0')
        n--;
    if (n > 0 && text[n - 1] == '.')
        n--;
    n += snprintf(text + n, sizeof text - (size_t)n, " %s", units[u]);
    return ml__f_string(f, text, (size_t)n);
}
