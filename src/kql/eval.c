/* kql/eval.c -- see eval.h. SPDX-License-Identifier: MIT */
#include "kql/eval.h"

#include "base/err.h"
#include "kql/exec.h"
#include "kql/text.h"

#include <stdarg.h>
#include <stdio.h>

int ml__rt_fail(struct ml_rt *rt, const struct ml_node *at, const char *code, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ml_diag_set(rt->diag, code, at != NULL ? at->pos : 0, at != NULL ? at->len : 0, "%s", text);
    return ML_EINVALID;
}

int ml__rt_nomem(struct ml_rt *rt)
{
    ml_diag_set(rt->diag, "ML201", 0, 0, "the query needs too much memory");
    ml_diag_hint(rt->diag, "filter earlier, or take fewer rows");
    return ML_ENOMEM;
}

int ml__rt_regex(struct ml_rt *rt, const struct ml_node *at, const struct ml_error *e)
{
    return e->status == ML_ENOMEM ? ml__rt_nomem(rt) : ml__rt_fail(rt, at, "ML102", "%s", e->text);
}

int ml__rt_check(struct ml_rt *rt)
{
    if (ml_diag_is_set(rt->diag))
        return ML_EINVALID;
    if (rt->cancel != NULL && atomic_load_explicit(rt->cancel, memory_order_relaxed)) {
        ml_diag_set(rt->diag, "ML205", 0, 0, "the query was cancelled");
        return ML_ECANCELLED;
    }
    if (rt->deadline_ns != 0 && ml_now_ns() > rt->deadline_ns) {
        ml_diag_set(rt->diag, "ML204", 0, 0, "the query took too long");
        return ML_ETIMEOUT;
    }
    return ML_OK;
}

bool ml__nulls_or(struct ml_arena *a, const struct ml_column *x, const struct ml_column *y,
                  size_t n, struct ml_column *out)
{
    const struct ml_column *cols[2] = {x, y};
    for (int k = 0; k < 2; k++) {
        const uint8_t *nulls = cols[k]->nulls;
        if (nulls == NULL || (cols[k]->constant && !nulls[0]))
            continue;
        if (out->nulls == NULL && (out->nulls = ml_arena_alloc(a, n, 1)) == NULL)
            return false;
        if (cols[k]->constant)
            memset(out->nulls, 1, n);
        else
            for (size_t i = 0; i < n; i++)
                out->nulls[i] |= nulls[i];
    }
    return true;
}

/* One call a row. */
static int call_rows(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *args,
                     size_t n, struct ml_column *out)
{
    struct ml_val vals[64];
    uint8_t types[64];
    struct ml_fcx f = {.rt = cx->rt,
                       .arena = cx->arena,
                       .n = e->n,
                       .types = types,
                       .type = e->type,
                       .node = e->node,
                       .name = e->fn->name};
    f.cache = &cx->rt->states[e->id].cache;
    f.drop = &cx->rt->states[e->id].drop;
    bool strict = (e->fn->flags & ML_FN_NULLS) == 0;
    for (uint32_t k = 0; k < e->n; k++)
        types[k] = e->arg[k]->type;
    if (!ml_column_init_nulls(out, cx->arena, e->type, n))
        return ml__rt_nomem(cx->rt);
    for (size_t row = 0; row < n; row++) {
        bool null = false;
        for (uint32_t k = 0; k < e->n; k++) {
            vals[k] = ml_column_get(&args[k], row);
            if (vals[k].type == ML_T_TEXT && !vals[k].null)
                vals[k] = ml_val_force(cx->arena, &vals[k]);
            null |= vals[k].null;
        }
        struct ml_val v = strict && null ? ml_val_null(e->type) : e->fn->fn(&f, vals);
        ml_column_set(out, row, &v);
    }
    return ml_diag_is_set(cx->rt->diag) ? ML_EINVALID : ML_OK;
}

static int call(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_batch *in,
                struct ml_column *out)
{
    struct ml_column few[8];
    struct ml_column *args = few;
    if (e->n > 8 && (args = ml_arena_raw(cx->arena, e->n, sizeof *args)) == NULL)
        return ml__rt_nomem(cx->rt);
    bool constant = (e->fn->flags & (ML_FN_VOLATILE | ML_FN_WINDOW)) == 0;
    for (uint32_t k = 0; k < e->n; k++) {
        int rc = ml__eval(cx, e->arg[k], in, &args[k]);
        if (rc != ML_OK)
            return rc;
        constant &= args[k].constant;
    }
    size_t n = constant ? 1 : in->n;
    int rc = e->fn->vec != NULL ? e->fn->vec(cx, e, args, n, out) : call_rows(cx, e, args, n, out);
    if (constant)
        out->constant = true;
    return rc;
}

static int scalar(struct ml_ecx *cx, const struct ml_expr *e, struct ml_column *out)
{
    struct ml_estate *s = &cx->rt->states[e->id];
    if (!s->known) {
        int rc = e->kind == ML_E_SCALAR ? ml__run_scalar(cx->rt, e->plan, &s->val)
                                        : ml__run_list(cx->rt, e->plan, &s->val);
        if (rc != ML_OK)
            return rc;
        s->known = true;
    }
    return ml_column_init_constant(out, cx->arena, e->type, &s->val) ? ML_OK : ml__rt_nomem(cx->rt);
}

int ml__eval(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_batch *in,
             struct ml_column *out)
{
    switch ((enum ml_expr_kind)e->kind) {
    case ML_E_CONST:
        return ml_column_init_constant(out, cx->arena, e->type, &e->val) ? ML_OK
                                                                         : ml__rt_nomem(cx->rt);
    case ML_E_COLUMN:
        *out = in->cols[e->column];
        return ML_OK;
    case ML_E_CALL:
        return call(cx, e, in, out);
    default:
        return scalar(cx, e, out);
    }
}

int ml__unread(struct ml_ecx *cx, enum ml_type t, struct ml_column *out)
{
    const struct ml_val null = ml_val_null(t);
    return ml_column_init_constant(out, cx->arena, t, &null) ? ML_OK : ml__rt_nomem(cx->rt);
}

int ml__eval_constant(struct ml_rt *rt, const struct ml_expr *e, struct ml_val *out)
{
    struct ml_ecx cx = {.rt = rt, .arena = rt->arena};
    struct ml_batch one = {.n = 1};
    struct ml_column c;
    int rc = ml__eval(&cx, e, &one, &c);
    if (rc == ML_OK) {
        *out = ml_column_get(&c, 0);
        if (out->null) /* a typed null, also for dynamic */
            *out = ml_val_null(e->type);
    }
    return rc;
}

int ml__eval_filter(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_batch *in,
                    uint32_t **rows, size_t *n)
{
    struct ml_column c;
    int rc = ml__eval(cx, e, in, &c);
    if (rc != ML_OK)
        return rc;
    uint32_t *keep = ml_arena_raw(cx->arena, in->n, sizeof *keep);
    if (keep == NULL)
        return ml__rt_nomem(cx->rt);
    size_t kept = 0;
    if (c.constant) {
        bool yes = c.b[0] && (c.nulls == NULL || !c.nulls[0]);
        for (size_t i = 0; yes && i < in->n; i++)
            keep[kept++] = (uint32_t)i;
    } else if (c.nulls == NULL) {
        for (size_t i = 0; i < in->n; i++) { /* branch-free: filters are hard to predict */
            keep[kept] = (uint32_t)i;
            kept += c.b[i];
        }
    } else {
        for (size_t i = 0; i < in->n; i++) {
            keep[kept] = (uint32_t)i;
            kept += c.b[i] & (c.nulls[i] ^ 1);
        }
    }
    *rows = keep;
    *n = kept;
    return ML_OK;
}
