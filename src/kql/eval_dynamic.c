/* kql/eval_dynamic.c -- d.x, d[i] and `in` over columns. SPDX-License-Identifier: MIT */
#include "kql/eval.h"

#include "base/err.h"
#include "kql/fold.h"
#include "kql/text.h"

int ml__vec_member(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                   struct ml_column *out)
{
    if (!ml_column_init(out, cx->arena, ML_T_DYNAMIC, n))
        return ml__rt_nomem(cx->rt);
    struct ml_str key = a[1].s[0];
    for (size_t i = 0; i < n; i++) {
        const struct ml_val *v = &a[0].v[a[0].constant ? 0 : i];
        const struct ml_val *m = ml_val_member(v, key);
        if (v->type == ML_T_TEXT && !v->null)
            out->v[i] = ml_json_member(cx->arena, v->s, key);
        else
            out->v[i] = m != NULL ? *m : ml_val_null(ML_T_NONE);
    }
    return ML_OK;
}

static struct ml_val element(const struct ml_val *v, const struct ml_val *index)
{
    if (v->type == ML_T_ARRAY && !index->null && ml_type_is_int(index->type)) {
        int64_t k = index->i < 0 ? index->i + v->n : index->i;
        if (k >= 0 && k < v->n)
            return v->items[k];
    }
    if (v->type == ML_T_BAG && index->type == ML_T_STRING) {
        const struct ml_val *m = ml_val_member(v, index->s);
        if (m != NULL)
            return *m;
    }
    return ml_val_null(ML_T_NONE);
}

int ml__vec_index(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                  struct ml_column *out)
{
    if (!ml_column_init(out, cx->arena, ML_T_DYNAMIC, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_val_force(cx->arena, &a[0].v[a[0].constant ? 0 : i]);
        struct ml_val index = ml_column_get(&a[1], i);
        out->v[i] = element(&v, &index);
    }
    return ML_OK;
}

/* As ==: -1 both null, 1 equal, 0 not. */
static int same(struct ml_ecx *cx, const struct ml_val *x, const struct ml_val *item, bool fold,
                bool *ok)
{
    struct ml_val y = *item;
    if (x->null || y.null)
        return x->null && y.null ? -1 : 0;
    if (y.type != x->type)
        y = ml_val_cast(cx->arena, item, true, x->type);
    if (y.null)
        return 0;
    if (fold && x->type == ML_T_STRING) {
        struct ml_needle needle;
        *ok &= ml_needle_init(&needle, cx->arena, y.s, ML_S_EQUALS, true);
        return *ok && ml_needle_in(&needle, x->s);
    }
    if (x->type == ML_T_REAL)
        return x->d == y.d;
    return ml_val_eq(x, &y);
}

int ml__vec_in(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
               struct ml_column *out)
{
    bool negate = e->fn->name[0] == '!';
    bool fold = e->fn->name[strlen(e->fn->name) - 1] == '~';
    bool ok = true;
    if (!ml_column_init_nulls(out, cx->arena, ML_T_BOOL, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        struct ml_val x = ml_column_get(&a[0], i);
        int found = 0;
        for (uint32_t k = 1; k < e->n && found != 1; k++) {
            struct ml_val v = ml_column_get(&a[k], i);
            v = ml_val_force(cx->arena, &v);
            const struct ml_val *items = v.type == ML_T_ARRAY && !v.null ? v.items : &v;
            uint32_t nitems = v.type == ML_T_ARRAY && !v.null ? v.n : 1;
            for (uint32_t j = 0; j < nitems && found != 1; j++) {
                int r = same(cx, &x, &items[j], fold, &ok);
                found = r != 0 ? r : found;
            }
        }
        out->nulls[i] = found < 0;
        out->b[i] = found >= 0 && (found == 1) != negate;
    }
    return ok ? ML_OK : ml__rt_nomem(cx->rt);
}
