/* kql/val.c -- see val.h. SPDX-License-Identifier: MIT */
#include "kql/val.h"

#include "base/map.h"
#include "kql/decimal.h"

#include <math.h>

static int cmp_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int cmp_real(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (int)isnan(b) - (int)isnan(a);
    return (a > b) - (a < b);
}

static double real_of(const struct ml_val *v)
{
    if (v->type == ML_T_REAL)
        return v->d;
    return v->type == ML_T_DECIMAL ? ml_dec_real(v->dec) : (double)v->i;
}

static int cmp_items(const struct ml_val *a, const struct ml_val *b)
{
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        int c = ml_val_cmp(&a->items[i], &b->items[i]);
        if (c != 0)
            return c;
    }
    return cmp_i64(a->n, b->n);
}

/* Bags have no order of their keys: equal when each has the other's members. */
static int cmp_pairs(const struct ml_val *a, const struct ml_val *b)
{
    if (a->n != b->n)
        return cmp_i64(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        const struct ml_val *other = ml_val_member(b, a->pairs[i].key);
        int c = other != NULL ? ml_val_cmp(&a->pairs[i].val, other) : 1;
        if (c != 0)
            return c;
    }
    return 0;
}

int ml_val_cmp(const struct ml_val *a, const struct ml_val *b)
{
    if (a->null || b->null)
        return (int)b->null - (int)a->null;
    if (a->type != b->type) {
        if (ml_type_is_int(a->type) && ml_type_is_int(b->type))
            return cmp_i64(a->i, b->i);
        if (ml_type_is_number(a->type) && ml_type_is_number(b->type))
            return cmp_real(real_of(a), real_of(b));
        return (int)a->type - (int)b->type;
    }
    switch ((enum ml_type)a->type) {
    case ML_T_REAL:
        return cmp_real(a->d, b->d);
    case ML_T_DECIMAL:
        return ml_dec_cmp(a->dec, b->dec);
    case ML_T_GUID:
        return memcmp(a->guid, b->guid, 16);
    case ML_T_STRING:
    case ML_T_TEXT:
        return ml_str_cmp(a->s, b->s);
    case ML_T_ARRAY:
        return cmp_items(a, b);
    case ML_T_BAG:
        return cmp_pairs(a, b);
    default:
        return cmp_i64(a->i, b->i);
    }
}

bool ml_val_eq(const struct ml_val *a, const struct ml_val *b)
{
    return ml_val_cmp(a, b) == 0;
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    return h ^ h >> 32;
}

uint64_t ml_val_hash(const struct ml_val *v)
{
    if (v->null)
        return 0x9e3779b97f4a7c15ULL;
    uint64_t h = 0;
    switch ((enum ml_type)v->type) {
    case ML_T_REAL:
    case ML_T_DECIMAL: {
        double d = real_of(v);
        if (isnan(d))
            return 0x7ff8000000000000ULL;
        if (d >= -9e18 && d <= 9e18 && d == floor(d))
            return mix((uint64_t)(int64_t)d);
        memcpy(&h, &d, sizeof h);
        return mix(h);
    }
    case ML_T_GUID:
        return ml_hash((struct ml_str){(const char *)v->guid, 16});
    case ML_T_STRING:
    case ML_T_TEXT:
        return ml_hash(v->s);
    case ML_T_ARRAY:
        for (uint32_t i = 0; i < v->n; i++)
            h = mix(h + 0x9e3779b97f4a7c15ULL) ^ ml_val_hash(&v->items[i]);
        return h;
    case ML_T_BAG:
        for (uint32_t i = 0; i < v->n; i++)
            h += mix(ml_hash(v->pairs[i].key) ^ ml_val_hash(&v->pairs[i].val));
        return h;
    default:
        return mix((uint64_t)v->i);
    }
}

bool ml_val_copy(struct ml_arena *a, const struct ml_val *v, struct ml_val *out)
{
    *out = *v;
    if (v->null)
        return true;
    if (v->type == ML_T_STRING || v->type == ML_T_TEXT) {
        if (v->s.n == 0)
            return true;
        out->s = ml_arena_copy(a, v->s);
        return out->s.p != NULL;
    }
    if (v->type == ML_T_ARRAY && v->n != 0) {
        struct ml_val *items = ml_arena_raw(a, v->n, sizeof *items);
        for (uint32_t i = 0; items != NULL && i < v->n; i++)
            if (!ml_val_copy(a, &v->items[i], &items[i]))
                return false;
        out->items = items;
        return items != NULL;
    }
    if (v->type == ML_T_BAG && v->n != 0) {
        struct ml_pair *pairs = ml_arena_raw(a, v->n, sizeof *pairs);
        for (uint32_t i = 0; pairs != NULL && i < v->n; i++) {
            pairs[i].key = ml_arena_copy(a, v->pairs[i].key);
            if (pairs[i].key.p == NULL || !ml_val_copy(a, &v->pairs[i].val, &pairs[i].val))
                return false;
        }
        out->pairs = pairs;
        return pairs != NULL;
    }
    return true;
}

const struct ml_val *ml_val_member(const struct ml_val *bag, struct ml_str key)
{
    if (bag->type != ML_T_BAG)
        return NULL;
    for (uint32_t i = 0; i < bag->n; i++)
        if (ml_str_eq(bag->pairs[i].key, key))
            return &bag->pairs[i].val;
    return NULL;
}
