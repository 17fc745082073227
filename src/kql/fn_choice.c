/* kql/fn_choice.c -- null tests, choices, types; see func.def. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include "base/err.h"

#include <math.h>

struct ml_val ml__fn_gettype(struct ml_fcx *f, const struct ml_val *a)
{
    if (a->null)
        return ml_val_str(ML_STR("null"));
    if (f->types[0] == ML_T_DYNAMIC && a->type == ML_T_REAL)
        return ml_val_str(ML_STR("double"));
    return ml_val_str(ml_str_of(ml_type_name(a->type)));
}

struct ml_val ml__fn_isnull(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(a->null);
}

struct ml_val ml__fn_isnotnull(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(!a->null);
}

static bool empty(const struct ml_val *a)
{
    return a->null || (a->type == ML_T_STRING && a->s.n == 0);
}

struct ml_val ml__fn_isempty(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(empty(a));
}

struct ml_val ml__fn_isnotempty(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(!empty(a));
}

struct ml_val ml__fn_coalesce(struct ml_fcx *f, const struct ml_val *a)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->type == ML_T_STRING ? !empty(&a[i]) : !a[i].null)
            return a[i];
    return ml_val_null(f->type);
}

struct ml_val ml__fn_iff(struct ml_fcx *f, const struct ml_val *a)
{
    return !a[0].null && a[0].i != 0 ? a[1] : a[2];
}

struct ml_val ml__fn_case(struct ml_fcx *f, const struct ml_val *a)
{
    for (unsigned i = 0; i + 1 < f->n; i += 2)
        if (!a[i].null && a[i].type == ML_T_BOOL && a[i].i != 0)
            return a[i + 1];
    return f->n % 2 == 1 ? a[f->n - 1] : ml_val_null(f->type);
}

/* The largest (or smallest) that is not null; a NaN wins. */
static struct ml_val extreme(struct ml_fcx *f, const struct ml_val *a, int sign)
{
    struct ml_val best = ml_val_null(f->type);
    bool any = false;
    for (unsigned i = 0; i < f->n; i++) {
        if (a[i].null)
            continue;
        if (a[i].type == ML_T_REAL && isnan(a[i].d))
            return a[i];
        if (!any || sign * ml_val_cmp(&a[i], &best) > 0)
            best = a[i];
        any = true;
    }
    return best;
}

struct ml_val ml__fn_max_of(struct ml_fcx *f, const struct ml_val *a)
{
    return extreme(f, a, 1);
}

struct ml_val ml__fn_min_of(struct ml_fcx *f, const struct ml_val *a)
{
    return extreme(f, a, -1);
}

struct ml_val ml__fn_assert(struct ml_fcx *f, const struct ml_val *a)
{
    if (a[0].null || a[0].i == 0)
        return ml__f_error(f, "assertion failed: %.*s", (int)a[1].s.n, a[1].s.p);
    return ml_val_bool(true);
}

static uint64_t next_random(struct ml_rt *rt)
{
    uint64_t z = rt->random += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

struct ml_val ml__fn_rand(struct ml_fcx *f, const struct ml_val *a)
{
    double d = (double)(next_random(f->rt) >> 11) * 0x1p-53;
    if (f->n == 1 && !a->null && a->i > 0)
        return ml_val_real(floor(d * (double)a->i));
    return ml_val_real(d);
}

struct ml_val ml__fn_new_guid(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val v = {.type = ML_T_GUID};
    uint64_t x = next_random(f->rt);
    uint64_t y = next_random(f->rt);
    memcpy(v.guid, &x, 8);
    memcpy(v.guid + 8, &y, 8);
    v.guid[6] = (uint8_t)((v.guid[6] & 0x0F) | 0x40);
    v.guid[8] = (uint8_t)((v.guid[8] & 0x3F) | 0x80);
    return v;
}
