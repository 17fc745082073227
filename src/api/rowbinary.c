/* api/rowbinary.c -- see rowbinary.h. SPDX-License-Identifier: MIT */
#include "api/rowbinary.h"

#include "kql/text.h"

#include <string.h>

static bool take(struct ml_rowbinary *a, void *out, size_t n)
{
    if (a->rest.n < n)
        return false;
    memcpy(out, a->rest.p, n);
    a->rest = (struct ml_str){a->rest.p + n, a->rest.n - n};
    return true;
}

static bool take_text(struct ml_rowbinary *a, struct ml_str *out)
{
    uint64_t n = 0;
    unsigned char c = 0x80;
    for (unsigned shift = 0; (c & 0x80) != 0; shift += 7) {
        if (shift > 56 || !take(a, &c, 1))
            return false;
        n |= (uint64_t)(c & 0x7F) << shift;
    }
    if (a->rest.n < n)
        return false;
    *out = (struct ml_str){a->rest.p, (size_t)n};
    a->rest = (struct ml_str){a->rest.p + n, a->rest.n - (size_t)n};
    return true;
}

static bool take_number(struct ml_rowbinary *a, enum ml_type t, struct ml_val *v)
{
    uint8_t b = 0;
    int32_t i = 0;
    if (t == ML_T_BOOL) {
        bool ok = take(a, &b, sizeof b);
        v->i = b;
        return ok;
    }
    if (t == ML_T_INT) {
        bool ok = take(a, &i, sizeof i);
        v->i = i;
        return ok;
    }
    return t == ML_T_REAL ? take(a, &v->d, sizeof v->d) : take(a, &v->i, sizeof v->i);
}

static bool take_cell(struct ml_rowbinary *a, struct ml_arena *arena, enum ml_type t,
                      struct ml_val *v)
{
    uint8_t null = 0;
    struct ml_str s;
    *v = (struct ml_val){.type = (uint8_t)t};
    if (t == ML_T_STRING)
        return take_text(a, &v->s);
    if (!take(a, &null, 1) || null > 1)
        return false;
    if (null) {
        *v = ml_val_null(t == ML_T_DYNAMIC ? ML_T_NONE : t);
        return true;
    }
    if (t == ML_T_GUID)
        return take_text(a, &s) && ml_guid_parse(s, v->guid);
    if (t != ML_T_DYNAMIC)
        return take_number(a, t, v);
    if (!take_text(a, &s))
        return false;
    *v = ml_json_or_string(arena, s);
    return true;
}

int ml_rowbinary_next(struct ml_rowbinary *a, struct ml_arena *arena, struct ml_batch *out,
                      struct ml_error *e)
{
    size_t row = 0;
    out->ncols = a->n;
    out->cols = ml_arena_alloc(arena, a->n, sizeof *out->cols);
    bool ok = out->cols != NULL;
    for (uint32_t i = 0; ok && i < a->n; i++)
        ok = ml_column_init_nulls(&out->cols[i], arena, a->columns[i].type, ML_BATCH_ROWS);
    if (!ok)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    for (; row < ML_BATCH_ROWS && a->rest.n > 0; row++)
        for (uint32_t i = 0; i < a->n; i++) {
            struct ml_val v;
            if (!take_cell(a, arena, a->columns[i].type, &v))
                return ml_fail(e, ML_EFORMAT, "the answer of ClickHouse ends within a row");
            ml_column_set(&out->cols[i], row, &v);
        }
    out->n = row;
    return ML_OK;
}
