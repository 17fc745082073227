/* kql/fn_dynamic.c -- bags, sets and JSON; see func.def. Arrays stand in fn_array.c. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include <stdlib.h>

static struct ml_val none(void)
{
    return ml_val_null(ML_T_NONE);
}

static bool is_array(const struct ml_val *v)
{
    return !v->null && v->type == ML_T_ARRAY;
}

static bool is_bag(const struct ml_val *v)
{
    return !v->null && v->type == ML_T_BAG;
}

struct ml_val ml__fn_parse_json(struct ml_fcx *f, const struct ml_val *a)
{
    if (a->type != ML_T_STRING || f->types[0] == ML_T_DYNAMIC)
        return *a;
    return ml_json_or_string(f->arena, a->s);
}

/* --- bags --- */

struct pairs {
    struct ml_pair *at;
    size_t n;
};

static struct ml_pair *find_pair(struct pairs *p, struct ml_str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (ml_str_eq(p->at[i].key, key))
            return &p->at[i];
    return NULL;
}

static void put_pair(struct pairs *p, struct ml_str key, const struct ml_val *v, bool replace)
{
    struct ml_pair *old = find_pair(p, key);
    if (old == NULL)
        p->at[p->n++] = (struct ml_pair){key, *v};
    else if (replace)
        old->val = *v;
}

/* bag_pack(key, value, ...); __pack_filled leaves out what is empty. */
struct ml_val ml__fn_bag_pack(struct ml_fcx *f, const struct ml_val *a)
{
    bool filled = f->name[0] == '_';
    struct pairs p = {.at = ml__f_alloc(f, f->n / 2 + 1, sizeof *p.at)};
    if (p.at == NULL)
        return none();
    for (unsigned i = 0; i + 1 < f->n; i += 2) {
        struct ml_str key = ml_val_text(f->arena, &a[i], f->types[i] == ML_T_DYNAMIC);
        bool empty = a[i + 1].null || (a[i + 1].type == ML_T_STRING && a[i + 1].s.n == 0);
        if (!filled || !empty)
            put_pair(&p, key, &a[i + 1], true);
    }
    return ml_val_bag(p.at, p.n);
}

struct ml_val ml__fn_bag_keys(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val *items = is_bag(a) ? ml__f_alloc(f, a->n, sizeof *items) : NULL;
    if (items == NULL)
        return none();
    for (uint32_t i = 0; i < a->n; i++)
        items[i] = ml_val_str(a->pairs[i].key);
    return ml_val_array(items, a->n);
}

struct ml_val ml__fn_bag_merge(struct ml_fcx *f, const struct ml_val *a)
{
    size_t total = 0;
    bool any = false;
    for (unsigned i = 0; i < f->n; i++) {
        any |= is_bag(&a[i]);
        total += is_bag(&a[i]) ? a[i].n : 0;
    }
    struct pairs p = {.at = any ? ml__f_alloc(f, total, sizeof *p.at) : NULL};
    if (p.at == NULL)
        return none();
    for (unsigned i = 0; i < f->n; i++)
        for (uint32_t k = 0; is_bag(&a[i]) && k < a[i].n; k++)
            put_pair(&p, a[i].pairs[k].key, &a[i].pairs[k].val, false);
    return ml_val_bag(p.at, p.n);
}

/* "$.a.b['c'][0]" or a plain key: the value; NULL: none. */
static const struct ml_val *at_path(const struct ml_val *v, struct ml_str path)
{
    if (path.n == 0 || path.p[0] != '$')
        return ml_val_member(v, path);
    size_t i = 1;
    while (v != NULL && i < path.n) {
        if (path.p[i] == '.') {
            size_t from = ++i;
            while (i < path.n && path.p[i] != '.' && path.p[i] != '[')
                i++;
            v = ml_val_member(v, (struct ml_str){path.p + from, i - from});
        } else if (path.p[i] == '[') {
            size_t from = ++i;
            while (i < path.n && path.p[i] != ']')
                i++;
            struct ml_str inner = {path.p + from, i - from};
            i += i < path.n;
            if (inner.n >= 2 && (inner.p[0] == '\'' || inner.p[0] == '"')) {
                v = ml_val_member(v, (struct ml_str){inner.p + 1, inner.n - 2});
            } else {
                int64_t k;
                if (!ml_long_parse(inner, &k) || v->type != ML_T_ARRAY)
                    return NULL;
                k += k < 0 ? v->n : 0;
                v = k >= 0 && k < v->n ? &v->items[k] : NULL;
            }
        } else {
            return NULL;
        }
    }
    return v;
}

struct ml_val ml__fn_bag_has_key(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_bool(at_path(&a[0], a[1].s) != NULL);
}

/* A copy of v with the value at the path (keys only) set; what is missing on the way is made. */
static struct ml_val with_path(struct ml_fcx *f, const struct ml_val *v, struct ml_str path,
                               const struct ml_val *x, int depth)
{
    struct ml_str key = path;
    struct ml_str rest = {NULL, 0};
    if (depth > 64)
        return *v;
    if (path.n > 1 && path.p[0] == '$' && path.p[1] == '.') {
        size_t i = 2;
        while (i < path.n && path.p[i] != '.')
            i++;
        key = (struct ml_str){path.p + 2, i - 2};
        if (i < path.n) {
            char *p = ml__f_alloc(f, path.n - i + 1, 1);
            if (p == NULL)
                return none();
            p[0] = '$';
            memcpy(p + 1, path.p + i, path.n - i);
            rest = (struct ml_str){p, path.n - i + 1};
        }
    }
    struct pairs p = {.at = ml__f_alloc(f, (is_bag(v) ? v->n : 0) + 1, sizeof *p.at)};
    if (p.at == NULL)
        return none();
    if (is_bag(v) && v->n > 0)
        memcpy(p.at, v->pairs, v->n * sizeof *p.at);
    p.n = is_bag(v) ? v->n : 0;
    struct ml_val inner = *x;
    if (rest.n > 0) {
        const struct ml_val *old = ml_val_member(v, key);
        struct ml_val empty = ml_val_bag(NULL, 0);
        inner = with_path(f, old != NULL ? old : &empty, rest, x, depth + 1);
    }
    put_pair(&p, key, &inner, true);
    return ml_val_bag(p.at, p.n);
}

struct ml_val ml__fn_bag_set_key(struct ml_fcx *f, const struct ml_val *a)
{
    return is_bag(&a[0]) && !a[1].null ? with_path(f, &a[0], a[1].s, &a[2], 0) : none();
}

static bool without(struct ml_fcx *f, const struct ml_val *v, struct ml_str path,
                    struct ml_val *out)
{
    struct pairs p = {.at = ml__f_alloc(f, v->n, sizeof *p.at)};
    struct ml_str key = path;
    struct ml_str rest = {NULL, 0};
    if (p.at == NULL)
        return false;
    if (path.n > 1 && path.p[0] == '$' && path.p[1] == '.') {
        const char *dot = memchr(path.p + 2, '.', path.n - 2);
        size_t end = dot != NULL ? (size_t)(dot - path.p) : path.n;
        key = (struct ml_str){path.p + 2, end - 2};
        if (dot != NULL) {
            char *text = ml__f_alloc(f, path.n - end + 1, 1);
            if (text == NULL)
                return false;
            text[0] = '$';
            memcpy(text + 1, path.p + end, path.n - end);
            rest = (struct ml_str){text, path.n - end + 1};
        }
    }
    for (uint32_t i = 0; i < v->n; i++) {
        struct ml_pair one = v->pairs[i];
        if (ml_str_eq(one.key, key)) {
            if (rest.n == 0)
                continue;
            if (is_bag(&one.val) && !without(f, &one.val, rest, &one.val))
                return false;
        }
        p.at[p.n++] = one;
    }
    *out = ml_val_bag(p.at, p.n);
    return true;
}

struct ml_val ml__fn_bag_remove_keys(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val out = a[0];
    if (!is_bag(&a[0]) || !is_array(&a[1]))
        return none();
    for (uint32_t i = 0; i < a[1].n; i++)
        if (!without(f, &out, ml_val_text(f->arena, &a[1].items[i], true), &out))
            return none();
    return out;
}

struct ml_val ml__fn_bag_zip(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]))
        return none();
    uint32_t values = is_array(&a[1]) ? a[1].n : 0;
    struct pairs p = {.at = ml__f_alloc(f, a[0].n, sizeof *p.at)};
    struct ml_val null = none();
    for (uint32_t i = 0; p.at != NULL && i < a[0].n; i++)
        if (a[0].items[i].type == ML_T_STRING)
            put_pair(&p, a[0].items[i].s, i < values ? &a[1].items[i] : &null, true);
    return ml_val_bag(p.at, p.n);
}

/* --- sets --- */

static bool holds(const struct ml_val *items, size_t n, const struct ml_val *v)
{
    for (size_t i = 0; i < n; i++)
        if (ml_val_eq(&items[i], v))
            return true;
    return false;
}

struct ml_val ml__fn_set_union(struct ml_fcx *f, const struct ml_val *a)
{
    size_t total = 0;
    size_t n = 0;
    for (unsigned i = 0; i < f->n; i++) {
        if (!is_array(&a[i]))
            return none();
        total += a[i].n;
    }
    struct ml_val *items = ml__f_alloc(f, total, sizeof *items);
    for (unsigned i = 0; items != NULL && i < f->n; i++)
        for (uint32_t k = 0; k < a[i].n; k++)
            if (!holds(items, n, &a[i].items[k]))
                items[n++] = a[i].items[k];
    return ml_val_array(items, n);
}

static struct ml_val chosen(struct ml_fcx *f, const struct ml_val *a, bool in_others)
{
    for (unsigned i = 0; i < f->n; i++)
        if (!is_array(&a[i]))
            return none();
    struct ml_val *items = ml__f_alloc(f, a[0].n, sizeof *items);
    size_t n = 0;
    for (uint32_t k = 0; items != NULL && k < a[0].n; k++) {
        bool ok = !holds(items, n, &a[0].items[k]);
        for (unsigned i = 1; ok && i < f->n; i++)
            ok = holds(a[i].items, a[i].n, &a[0].items[k]) == in_others;
        if (ok)
            items[n++] = a[0].items[k];
    }
    return ml_val_array(items, n);
}

struct ml_val ml__fn_set_intersect(struct ml_fcx *f, const struct ml_val *a)
{
    return chosen(f, a, true);
}

struct ml_val ml__fn_set_difference(struct ml_fcx *f, const struct ml_val *a)
{
    return chosen(f, a, false);
}

struct ml_val ml__fn_set_has_element(struct ml_fcx *f, const struct ml_val *a)
{
    return is_array(&a[0]) ? ml_val_bool(holds(a[0].items, a[0].n, &a[1])) : ml_val_null(ML_T_BOOL);
}

static size_t distinct(const struct ml_val *v)
{
    size_t n = 0;
    for (uint32_t i = 0; i < v->n; i++)
        n += !holds(v->items, i, &v->items[i]);
    return n;
}

static size_t shared(const struct ml_val *x, const struct ml_val *y)
{
    size_t n = 0;
    for (uint32_t i = 0; i < x->n; i++)
        n += !holds(x->items, i, &x->items[i]) && holds(y->items, y->n, &x->items[i]);
    return n;
}

struct ml_val ml__fn_set_equals(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]) || !is_array(&a[1]))
        return ml_val_null(ML_T_BOOL);
    size_t both = shared(&a[0], &a[1]);
    return ml_val_bool(both == distinct(&a[0]) && both == distinct(&a[1]));
}

struct ml_val ml__fn_jaccard(struct ml_fcx *f, const struct ml_val *a)
{
    if (!is_array(&a[0]) || !is_array(&a[1]))
        return ml_val_null(ML_T_REAL);
    double both = (double)shared(&a[0], &a[1]);
    double all = (double)distinct(&a[0]) + (double)distinct(&a[1]) - both;
    return ml_val_real(both / all);
}

/* --- JSON --- */

static int by_key(const void *x, const void *y)
{
    const struct ml_pair *a = x;
    const struct ml_pair *b = y;
    return ml_str_cmp(a->key, b->key);
}

static struct ml_val sorted(struct ml_fcx *f, const struct ml_val *v, int depth)
{
    struct ml_val out = *v;
    if (v->null || depth > 128 || (v->type != ML_T_BAG && v->type != ML_T_ARRAY) || v->n == 0)
        return out;
    if (v->type == ML_T_ARRAY) {
        struct ml_val *items = ml__f_alloc(f, v->n, sizeof *items);
        for (uint32_t i = 0; items != NULL && i < v->n; i++)
            items[i] = sorted(f, &v->items[i], depth + 1);
        out.items = items;
        out.n = items != NULL ? v->n : 0;
        return out;
    }
    struct ml_pair *pairs = ml__f_alloc(f, v->n, sizeof *pairs);
    for (uint32_t i = 0; pairs != NULL && i < v->n; i++)
        pairs[i] = (struct ml_pair){v->pairs[i].key, sorted(f, &v->pairs[i].val, depth + 1)};
    if (pairs != NULL)
        qsort(pairs, v->n, sizeof *pairs, by_key);
    out.pairs = pairs;
    out.n = pairs != NULL ? v->n : 0;
    return out;
}

struct ml_val ml__fn_dynamic_to_json(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {0};
    struct ml_val v = sorted(f, a, 0);
    if (!a->null)
        ml_val_json(&v, &b);
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_extract_json(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_val v;
    if (!ml_json_parse(f->arena, a[1].s, &v))
        return ml_val_str(ML_STR(""));
    const struct ml_val *found = at_path(&v, a[0].s);
    return ml_val_str(found != NULL ? ml_val_text(f->arena, found, true) : ML_STR(""));
}

/* Every path inside: ['a'], ['a']['b'], ['c'][0] */
static void paths(struct ml_fcx *f, const struct ml_val *v, struct ml_buf *prefix, int depth,
                  struct ml_val *items, size_t *n, size_t max)
{
    bool bag = is_bag(v);
    if (depth > 64 || (!bag && !is_array(v)))
        return;
    for (uint32_t i = 0; i < v->n && *n < max; i++) {
        size_t keep = prefix->n;
        if (bag)
            ml_buf_printf(prefix, "['%.*s']", (int)v->pairs[i].key.n, v->pairs[i].key.p);
        else
            ml_buf_printf(prefix, "[%u]", i);
        items[(*n)++] = ml__f_string(f, prefix->p, prefix->n);
        paths(f, bag ? &v->pairs[i].val : &v->items[i], prefix, depth + 1, items, n, max);
        prefix->n = keep;
    }
}

static size_t count_inside(const struct ml_val *v, int depth)
{
    size_t n = 0;
    if (depth > 64 || v->null || (v->type != ML_T_BAG && v->type != ML_T_ARRAY))
        return 0;
    for (uint32_t i = 0; i < v->n; i++)
        n += 1 + count_inside(v->type == ML_T_BAG ? &v->pairs[i].val : &v->items[i], depth + 1);
    return n;
}

struct ml_val ml__fn_treepath(struct ml_fcx *f, const struct ml_val *a)
{
    size_t max = count_inside(a, 0);
    struct ml_val *items = ml__f_alloc(f, max, sizeof *items);
    struct ml_buf b = {0};
    size_t n = 0;
    if (items == NULL || (a->type != ML_T_BAG && a->type != ML_T_ARRAY))
        return none();
    paths(f, a, &b, 0, items, &n, max);
    ml_buf_free(&b);
    return ml_val_array(items, n);
}
