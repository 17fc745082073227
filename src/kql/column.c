/* kql/column.c -- see column.h. SPDX-License-Identifier: MIT */
#include "kql/column.h"

size_t ml_type_width(enum ml_type t)
{
    switch (t) {
    case ML_T_BOOL:
        return 1;
    case ML_T_DECIMAL:
    case ML_T_GUID:
    case ML_T_STRING:
        return 16;
    case ML_T_DYNAMIC:
        return sizeof(struct ml_val);
    default:
        return 8;
    }
}

bool ml_column_init(struct ml_column *c, struct ml_arena *a, enum ml_type t, size_t n)
{
    *c = (struct ml_column){.type = (uint8_t)t, .data = ml_arena_raw(a, n, ml_type_width(t))};
    return c->data != NULL;
}

bool ml_column_init_nulls(struct ml_column *c, struct ml_arena *a, enum ml_type t, size_t n)
{
    if (!ml_column_init(c, a, t, n))
        return false;
    if (t != ML_T_STRING && t != ML_T_DYNAMIC)
        c->nulls = ml_arena_alloc(a, n, 1);
    return c->nulls != NULL || t == ML_T_STRING || t == ML_T_DYNAMIC;
}

bool ml_column_init_constant(struct ml_column *c, struct ml_arena *a, enum ml_type t,
                             const struct ml_val *v)
{
    bool ok = v->null ? ml_column_init_nulls(c, a, t, 1) : ml_column_init(c, a, t, 1);
    if (ok)
        ml_column_set(c, 0, v);
    c->constant = true;
    return ok;
}

void ml_column_set(struct ml_column *c, size_t row, const struct ml_val *v)
{
    if (c->nulls != NULL)
        c->nulls[row] = v->null;
    switch ((enum ml_type)c->type) {
    case ML_T_BOOL:
        c->b[row] = !v->null && v->i != 0;
        break;
    case ML_T_REAL:
        c->d[row] = v->null ? 0 : v->d;
        break;
    case ML_T_DECIMAL:
        c->dec[row] = v->dec;
        break;
    case ML_T_GUID:
        memcpy(c->guid[row], v->guid, 16);
        break;
    case ML_T_STRING:
        c->s[row] = v->type == ML_T_STRING ? v->s : (struct ml_str){NULL, 0};
        break;
    case ML_T_DYNAMIC:
        c->v[row] = *v;
        break;
    default:
        c->i[row] = v->null ? 0 : v->i;
    }
}

struct ml_val ml_column_get(const struct ml_column *c, size_t row)
{
    if (c->constant)
        row = 0;
    if (c->type == ML_T_DYNAMIC)
        return c->v[row];
    struct ml_val v = {.type = c->type};
    if (c->nulls != NULL && c->nulls[row]) {
        v.null = 1;
        return v;
    }
    switch ((enum ml_type)c->type) {
    case ML_T_BOOL:
        v.i = c->b[row];
        break;
    case ML_T_REAL:
        v.d = c->d[row];
        break;
    case ML_T_DECIMAL:
        v.dec = c->dec[row];
        break;
    case ML_T_GUID:
        memcpy(v.guid, c->guid[row], 16);
        break;
    case ML_T_STRING:
        v.s = c->s[row];
        break;
    default:
        v.i = c->i[row];
    }
    return v;
}

bool ml_column_is_null(const struct ml_column *c, size_t row)
{
    if (c->constant)
        row = 0;
    if (c->type == ML_T_DYNAMIC)
        return c->v[row].null;
    return c->nulls != NULL && c->nulls[row];
}

/* With rows that are UINT32_MAX: the unmatched side of a join. */
static bool gather_missing(const struct ml_column *c, struct ml_arena *a, const uint32_t *rows,
                           size_t n, struct ml_column *out)
{
    const struct ml_val null = ml_val_null(c->type);
    if (!ml_column_init_nulls(out, a, c->type, n))
        return false;
    for (size_t k = 0; k < n; k++) {
        struct ml_val v = rows[k] != UINT32_MAX ? ml_column_get(c, rows[k]) : null;
        ml_column_set(out, k, &v);
    }
    return true;
}

bool ml_column_gather(const struct ml_column *c, struct ml_arena *a, const uint32_t *rows, size_t n,
                      struct ml_column *out)
{
    bool missing = false;
    for (size_t k = 0; k < n; k++)
        missing |= rows[k] == UINT32_MAX;
    if (missing)
        return gather_missing(c, a, rows, n, out);
    if (c->constant) {
        *out = *c;
        return true;
    }
    if (!ml_column_init(out, a, c->type, n))
        return false;
    switch (ml_type_width(c->type)) {
    case 1:
        for (size_t k = 0; k < n; k++)
            out->b[k] = c->b[rows[k]];
        break;
    case 8:
        for (size_t k = 0; k < n; k++)
            out->i[k] = c->i[rows[k]];
        break;
    case 16:
        for (size_t k = 0; k < n; k++)
            out->s[k] = c->s[rows[k]];
        break;
    default:
        for (size_t k = 0; k < n; k++)
            out->v[k] = c->v[rows[k]];
    }
    if (c->nulls == NULL)
        return true;
    out->nulls = ml_arena_raw(a, n, 1);
    for (size_t k = 0; out->nulls != NULL && k < n; k++)
        out->nulls[k] = c->nulls[rows[k]];
    return out->nulls != NULL;
}

struct ml_column ml_column_slice(const struct ml_column *c, size_t from)
{
    struct ml_column out = *c;
    if (c->constant)
        return out;
    out.data = (char *)c->data + from * ml_type_width(c->type);
    if (c->nulls != NULL)
        out.nulls = c->nulls + from;
    return out;
}

bool ml_column_flatten(struct ml_column *c, struct ml_arena *a, size_t n)
{
    if (!c->constant)
        return true;
    const struct ml_column one = *c;
    struct ml_val v = ml_column_get(&one, 0);
    bool ok = v.null ? ml_column_init_nulls(c, a, one.type, n) : ml_column_init(c, a, one.type, n);
    for (size_t k = 0; ok && k < n; k++)
        ml_column_set(c, k, &v);
    return ok;
}
