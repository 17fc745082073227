/* kql/eval_text.c -- has, contains, startswith, =~ and matches regex over string columns.
 *
 * The needle is prepared once a batch where it is constant, as it nearly always is.
 * SPDX-License-Identifier: MIT */
#include "kql/eval.h"

#include "base/err.h"
#include "kql/regex.h"

enum ml_search ml__search_of(const char *name, bool *fold)
{
    *fold = strstr(name, "_cs") == NULL;
    switch (name[0]) {
    case '=':
        return ML_S_EQUALS;
    case 'c':
        return ML_S_CONTAINS;
    case 's':
        return ML_S_STARTS;
    case 'e':
        return ML_S_ENDS;
    default:
        return strncmp(name, "hasprefix", 9) == 0   ? ML_S_HASPREFIX
               : strncmp(name, "hassuffix", 9) == 0 ? ML_S_HASSUFFIX
                                                    : ML_S_HAS;
    }
}

int ml__vec_text(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                 struct ml_column *out)
{
    bool fold;
    enum ml_search kind = ml__search_of(e->fn->name, &fold);
    struct ml_needle needle;
    if (!ml_column_init(out, cx->arena, ML_T_BOOL, n))
        return ml__rt_nomem(cx->rt);
    if (a[1].constant && !ml_needle_init(&needle, cx->arena, a[1].s[0], kind, fold))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        if (!a[1].constant && !ml_needle_init(&needle, cx->arena, a[1].s[i], kind, fold))
            return ml__rt_nomem(cx->rt);
        out->b[i] = ml_needle_in(&needle, a[0].s[a[0].constant ? 0 : i]);
    }
    return ML_OK;
}

/* Is any (or every) one of the texts, which may be arrays of texts, a term of s? */
static int has_list(struct ml_ecx *cx, const struct ml_column *a, uint32_t count, size_t row,
                    bool every, bool *out)
{
    struct ml_str s = a[0].s[a[0].constant ? 0 : row];
    struct ml_needle needle;
    bool found = every;
    for (uint32_t k = 1; k < count; k++) {
        struct ml_val v = ml_column_get(&a[k], row);
        const struct ml_val *items = v.type == ML_T_ARRAY ? v.items : &v;
        uint32_t nitems = v.type == ML_T_ARRAY ? v.n : 1;
        for (uint32_t j = 0; j < nitems; j++) {
            if (items[j].type != ML_T_STRING)
                continue;
            if (!ml_needle_init(&needle, cx->arena, items[j].s, ML_S_HAS, true))
                return ml__rt_nomem(cx->rt);
            bool hit = ml_needle_in(&needle, s);
            found = every ? found && hit : found || hit;
        }
    }
    *out = found;
    return ML_OK;
}

int ml__vec_has_list(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a,
                     size_t n, struct ml_column *out)
{
    bool every = strcmp(e->fn->name, "has_all") == 0;
    if (!ml_column_init(out, cx->arena, ML_T_BOOL, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        bool yes = false;
        int rc = has_list(cx, a, e->n, i, every, &yes);
        if (rc != ML_OK)
            return rc;
        out->b[i] = yes;
    }
    return ML_OK;
}

static void drop_regex(void *cache)
{
    ml_regex_free(cache);
}

int ml__vec_regex(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                  struct ml_column *out)
{
    struct ml_estate *s = &cx->rt->states[e->id];
    struct ml_error err;
    if (!a[1].constant)
        return ml__rt_fail(cx->rt, e->arg[1]->node, "KS129",
                           "a regular expression must be constant");
    if (s->cache == NULL) {
        struct ml_regex *r;
        if (ml_regex_new(a[1].s[0], 0, &r, &err) != ML_OK)
            return ml__rt_regex(cx->rt, e->arg[1]->node, &err);
        s->cache = r;
        s->drop = drop_regex;
    }
    if (!ml_column_init(out, cx->arena, ML_T_BOOL, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        int rc = ml_regex_find(s->cache, a[0].s[a[0].constant ? 0 : i], 0);
        if (rc < 0)
            return ml__rt_fail(cx->rt, e->node, "ML206", "a regular expression took too long");
        out->b[i] = rc == 1;
    }
    return ML_OK;
}
