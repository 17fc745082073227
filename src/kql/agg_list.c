/* kql/agg_list.c -- aggregates that keep values: lists, sets, bags, percentiles, the best row; see agg.h.
 * SPDX-License-Identifier: MIT */
#include "kql/agg_state.h"

#include "base/err.h"
#include "kql/text.h"

#include <math.h>
#include <stdlib.h>

enum { ITEMS_MAX = 1048576 };

bool ml__list_push(struct ml_agg_cx *cx, struct list_state *s, const struct ml_val *v)
{
    if (s->n == s->cap) {
        uint32_t cap = s->cap != 0 ? s->cap * 2 : 4;
        struct ml_val *more = ml_arena_raw(cx->arena, cap, sizeof *more);
        if (more == NULL)
            return false;
        if (s->n > 0)
            memcpy(more, s->items, s->n * sizeof *more);
        s->items = more;
        s->cap = cap;
    }
    return ml_val_copy(cx->arena, v, &s->items[s->n++]);
}

bool ml__list_is_new(struct ml_agg_cx *cx, struct list_state *s, const struct ml_val *v,
                     bool *nomem)
{
    if (s->n * 2 >= s->nslots) {
        uint32_t nslots = s->nslots != 0 ? s->nslots * 2 : 8;
        uint32_t *slots = ml_arena_alloc(cx->arena, nslots, sizeof *slots);
        if (slots == NULL)
            return !(*nomem = true);
        for (uint32_t i = 0; i < s->n; i++) {
            uint64_t at = ml_val_hash(&s->items[i]) & (nslots - 1);
            while (slots[at] != 0)
                at = (at + 1) & (nslots - 1);
            slots[at] = i + 1;
        }
        s->slots = slots;
        s->nslots = nslots;
    }
    uint64_t at = ml_val_hash(v) & (s->nslots - 1);
    for (; s->slots[at] != 0; at = (at + 1) & (s->nslots - 1))
        if (ml_val_eq(&s->items[s->slots[at] - 1], v))
            return false;
    s->slots[at] = s->n + 1;
    return true;
}

static uint32_t limit_of(const struct ml_agg_cx *cx)
{
    const struct ml_agg_call *c = cx->call;
    bool count = c->agg->prefix == NULL; /* dcount's second argument is an accuracy */
    if (count || c->n < 2 || c->arg[1]->kind != ML_E_CONST || c->arg[1]->val.null)
        return ITEMS_MAX;
    int64_t k = c->arg[1]->val.i;
    return k <= 0 ? 0 : k < ITEMS_MAX ? (uint32_t)k : ITEMS_MAX;
}

int ml__agg_list(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                 const struct ml_column *a, size_t n)
{
    struct list_state *s = (struct list_state *)states;
    uint32_t limit = limit_of(cx);
    bool nulls = strcmp(cx->call->agg->name, "make_list_with_nulls") == 0;
    for (size_t i = 0; i < n; i++) {
        struct list_state *l = &s[group[i]];
        struct ml_val v = ml_column_get(a, i);
        v = ml_val_force(cx->arena, &v);
        if (v.null && a->type != ML_T_DYNAMIC && !nulls)
            continue;
        if (v.null)
            v = ml_val_null(ML_T_NONE);
        /* An array in a dynamic column is flattened by one level. */
        bool flat = v.type == ML_T_ARRAY;
        for (uint32_t k = 0; k < (flat ? v.n : 1) && l->n < limit; k++)
            if (!ml__list_push(cx, l, flat ? &v.items[k] : &v))
                return ML_ENOMEM;
    }
    return ML_OK;
}

int ml__agg_set(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                const struct ml_column *a, size_t n)
{
    struct list_state *s = (struct list_state *)states;
    uint32_t limit = limit_of(cx);
    bool count = cx->call->agg->prefix == NULL;
    for (size_t i = 0; i < n; i++) {
        struct list_state *l = &s[group[i]];
        struct ml_val v = ml_column_get(a, i);
        v = ml_val_force(cx->arena, &v);
        if (v.null && (a->type != ML_T_DYNAMIC || count))
            continue;
        if (v.null)
            v = ml_val_null(ML_T_NONE);
        bool flat = v.type == ML_T_ARRAY && !count;
        for (uint32_t k = 0; k < (flat ? v.n : 1); k++) {
            const struct ml_val *one = flat ? &v.items[k] : &v;
            bool nomem = false;
            if (!count && l->n >= limit)
                break;
            if (ml__list_is_new(cx, l, one, &nomem) && !ml__list_push(cx, l, one))
                return ML_ENOMEM;
            if (nomem)
                return ML_ENOMEM;
        }
    }
    return ML_OK;
}

struct ml_val ml__agg_list_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct list_state *s = (struct list_state *)state;
    return ml_val_array(s->items, s->n);
}

struct ml_val ml__agg_size_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return ml_val_long(((struct list_state *)state)->n);
}

/* The first value of a key wins. Each item is a pair of key and value. */
int ml__agg_bag(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                const struct ml_column *a, size_t n)
{
    struct list_state *s = (struct list_state *)states;
    uint32_t limit = 2 * limit_of(cx);
    for (size_t i = 0; i < n; i++) {
        struct list_state *l = &s[group[i]];
        struct ml_val v = ml_column_get(a, i);
        v = ml_val_force(cx->arena, &v);
        if (v.null || v.type != ML_T_BAG)
            continue;
        for (uint32_t k = 0; k < v.n && l->n < limit; k++) {
            uint32_t at = 0;
            while (at < l->n && !ml_str_eq(l->items[at].s, v.pairs[k].key))
                at += 2;
            struct ml_val key = ml_val_str(v.pairs[k].key);
            if (at >= l->n &&
                (!ml__list_push(cx, l, &key) || !ml__list_push(cx, l, &v.pairs[k].val)))
                return ML_ENOMEM;
        }
    }
    return ML_OK;
}

struct ml_val ml__agg_bag_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct list_state *s = (struct list_state *)state;
    uint32_t n = s->n / 2;
    struct ml_pair *pairs = ml_arena_raw(cx->arena, n, sizeof *pairs);
    if (pairs == NULL) {
        ml__rt_nomem(cx->rt);
        return ml_val_null(ML_T_NONE);
    }
    for (uint32_t i = 0; i < n; i++)
        pairs[i] = (struct ml_pair){s->items[2 * i].s, s->items[2 * i + 1]};
    return ml_val_bag(pairs, n);
}

/* --- percentiles: nearest rank over all values --- */

int ml__agg_sample(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                   const struct ml_column *a, size_t n)
{
    struct list_state *s = (struct list_state *)states;
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(a, i);
        if (!v.null && !ml__list_push(cx, &s[group[i]], &v))
            return ML_ENOMEM;
    }
    return ML_OK;
}

static int by_value(const void *x, const void *y)
{
    return ml_val_cmp(x, y);
}

static struct ml_val number_of(struct ml_agg_cx *cx, const struct ml_val *v)
{
    return ml_val_cast(cx->arena, v, true, ML_T_REAL);
}

static struct ml_val percentile(struct ml_agg_cx *cx, struct list_state *s, const struct ml_val *p)
{
    struct ml_val want = number_of(cx, p);
    if (s->n == 0 || want.null)
        return ml_val_null(cx->call->arg[0]->type);
    if (!s->sorted)
        qsort(s->items, s->n, sizeof *s->items, by_value);
    s->sorted = true;
    double rank = ceil(want.d / 100 * s->n);
    uint32_t k = rank < 1 ? 1 : rank > s->n ? s->n : (uint32_t)rank;
    return s->items[k - 1];
}

struct ml_val ml__agg_percentile_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return percentile(cx, (struct list_state *)state, &cx->call->arg[1 + column]->val);
}

typedef struct ml_val one_percentile(struct ml_agg_cx *cx, struct list_state *s,
                                     const struct ml_val *p);

/* All percentiles asked for as an array; they may be given as one array, too. */
static struct ml_val all_percentiles(struct ml_agg_cx *cx, struct list_state *s, uint32_t first,
                                     one_percentile *of)
{
    const struct ml_agg_call *c = cx->call;
    const struct ml_val *given = &c->arg[first]->val;
    bool array = c->n == first + 1 && given->type == ML_T_ARRAY;
    uint32_t n = array ? given->n : c->n - first;
    struct ml_val *items = ml_arena_raw(cx->arena, n, sizeof *items);
    if (items == NULL) {
        ml__rt_nomem(cx->rt);
        return ml_val_null(ML_T_NONE);
    }
    for (uint32_t i = 0; i < n; i++)
        items[i] = of(cx, s, array ? &given->items[i] : &c->arg[first + i]->val);
    return ml_val_array(items, n);
}

struct ml_val ml__agg_percentiles_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return all_percentiles(cx, (struct list_state *)state, 1, percentile);
}

/* Weighted: items alternate value, weight. */
int ml__agg_weighted(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                     const struct ml_column *a, size_t n)
{
    struct list_state *s = (struct list_state *)states;
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(&a[0], i);
        struct ml_val w = ml_column_get(&a[1], i);
        if (v.null || w.null || w.i <= 0)
            continue;
        if (!ml__list_push(cx, &s[group[i]], &v) || !ml__list_push(cx, &s[group[i]], &w))
            return ML_ENOMEM;
    }
    return ML_OK;
}

static struct ml_val percentilew(struct ml_agg_cx *cx, struct list_state *s, const struct ml_val *p)
{
    struct ml_val want = number_of(cx, p);
    double total = 0;
    double sum = 0;
    if (s->n == 0 || want.null)
        return ml_val_null(cx->call->arg[0]->type);
    if (!s->sorted)
        qsort(s->items, s->n / 2, 2 * sizeof *s->items, by_value);
    s->sorted = true;
    for (uint32_t i = 1; i < s->n; i += 2)
        total += (double)s->items[i].i;
    for (uint32_t i = 0; i < s->n; i += 2) {
        sum += (double)s->items[i + 1].i;
        if (sum >= want.d / 100 * total)
            return s->items[i];
    }
    return s->items[s->n - 2];
}

struct ml_val ml__agg_percentilew_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return percentilew(cx, (struct list_state *)state, &cx->call->arg[2 + column]->val);
}

struct ml_val ml__agg_percentilesw_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return all_percentiles(cx, (struct list_state *)state, 2, percentilew);
}

/* --- the row with the best value --- */

static int keep_row(struct ml_agg_cx *cx, struct row_state *s, const struct ml_column *a,
                    size_t row)
{
    if (s->cells == NULL)
        s->cells = ml_arena_raw(cx->arena, cx->call->n, sizeof *s->cells);
    s->any = true;
    for (uint32_t k = 0; s->cells != NULL && k < cx->call->n; k++) {
        struct ml_val v = ml_column_get(&a[k], row);
        if (!ml_val_copy(cx->arena, &v, &s->cells[k]))
            return ML_ENOMEM;
    }
    return s->cells != NULL ? ML_OK : ML_ENOMEM;
}

static int best_row(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                    const struct ml_column *a, size_t n, int sign)
{
    struct row_state *s = (struct row_state *)states;
    for (size_t i = 0; i < n; i++) {
        struct row_state *r = &s[group[i]];
        struct ml_val v = ml_column_get(&a[0], i);
        bool take = !r->any;
        if (r->any && !v.null) {
            const struct ml_val *best = &r->cells[0];
            bool nan = v.type == ML_T_REAL && isnan(v.d);
            bool was_nan = !best->null && best->type == ML_T_REAL && isnan(best->d);
            take = best->null || (!was_nan && (nan || sign * ml_val_cmp(&v, best) > 0));
        }
        if (take && keep_row(cx, r, a, i) != ML_OK)
            return ML_ENOMEM;
    }
    return ML_OK;
}

int ml__agg_arg_max(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                    const struct ml_column *a, size_t n)
{
    return best_row(cx, states, group, a, n, 1);
}

int ml__agg_arg_min(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                    const struct ml_column *a, size_t n)
{
    return best_row(cx, states, group, a, n, -1);
}

int ml__agg_any(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                const struct ml_column *a, size_t n)
{
    struct row_state *s = (struct row_state *)states;
    for (size_t i = 0; i < n; i++)
        if (!s[group[i]].any && keep_row(cx, &s[group[i]], a, i) != ML_OK)
            return ML_ENOMEM;
    return ML_OK;
}

struct ml_val ml__agg_row_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct row_state *s = (struct row_state *)state;
    return s->any ? s->cells[column] : ml_val_null(cx->call->arg[column]->type);
}
