/* kql/table.c -- see table.h. SPDX-License-Identifier: MIT */
#include "kql/table.h"

#include "base/map.h"
#include "base/mem.h"

#include <math.h>

bool ml__groups_init(struct ml_groups *g, const struct ml_schema *keys, size_t max_bytes)
{
    *g = (struct ml_groups){.cap = 64};
    g->slots = ml_calloc(g->cap, sizeof *g->slots);
    return g->slots != NULL && ml__rows_init(&g->keys, keys, max_bytes);
}

void ml__groups_free(struct ml_groups *g)
{
    ml__rows_free(&g->keys);
    ml_free(g->slots);
    ml_free(g->hashes);
    *g = (struct ml_groups){0};
}

static uint64_t mix(uint64_t h)
{
    h *= 0x9e3779b97f4a7c15ULL;
    return h ^ h >> 32;
}

/* Adds a column's hashes to those of the columns before it. */
static void hash_column(const struct ml_column *c, size_t n, uint64_t *h)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = c->constant ? 0 : i;
        uint64_t v;
        if (c->nulls != NULL && c->nulls[k]) {
            v = 0x5bd1e995;
        } else if (ml_type_is_i64(c->type)) {
            v = mix((uint64_t)c->i[k] + 1);
        } else if (c->type == ML_T_STRING) {
            v = ml_hash(c->s[k]);
        } else {
            struct ml_val x = ml_column_get(c, k);
            v = ml_val_hash(&x);
        }
        h[i] = mix(h[i] ^ v);
    }
}

static bool cell_eq(const struct ml_column *a, size_t i, const struct ml_column *b, size_t k)
{
    if (a->constant)
        i = 0;
    bool an = a->nulls != NULL && a->nulls[i];
    bool bn = b->nulls != NULL && b->nulls[k];
    if (an || bn)
        return an && bn;
    if (ml_type_is_i64(a->type))
        return a->i[i] == b->i[k];
    if (a->type == ML_T_STRING)
        return ml_str_eq(a->s[i], b->s[k]);
    if (a->type == ML_T_REAL)
        return a->d[i] == b->d[k] || (isnan(a->d[i]) && isnan(b->d[k]));
    struct ml_val x = ml_column_get(a, i);
    struct ml_val y = ml_column_get(b, k);
    return ml_val_eq(&x, &y);
}

static bool same_key(const struct ml_groups *g, const struct ml_column *keys, size_t row,
                     size_t group)
{
    for (size_t c = 0; c < g->keys.all.ncols; c++)
        if (!cell_eq(&keys[c], row, &g->keys.all.cols[c], group))
            return false;
    return true;
}

static bool rehash(struct ml_groups *g)
{
    size_t cap = g->cap * 2;
    uint32_t *slots = ml_calloc(cap, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < g->keys.all.n; i++) {
        size_t at = g->hashes[i] & (cap - 1);
        while (slots[at] != 0)
            at = (at + 1) & (cap - 1);
        slots[at] = (uint32_t)i + 1;
    }
    ml_free(g->slots);
    g->slots = slots;
    g->cap = cap;
    return true;
}

static bool add_group(struct ml_groups *g, const struct ml_column *keys, size_t row, uint64_t hash)
{
    size_t n = g->keys.all.n;
    struct ml_column one[32];
    if (n == g->hashes_cap) {
        size_t cap = n != 0 ? 2 * n : 64;
        uint64_t *more = ml_realloc(g->hashes, cap, sizeof *more);
        if (more == NULL)
            return false;
        g->hashes = more;
        g->hashes_cap = cap;
    }
    g->hashes[n] = hash;
    struct ml_column *cols = one;
    if (g->keys.all.ncols > 32 && (cols = ml_calloc(g->keys.all.ncols, sizeof *cols)) == NULL)
        return false;
    for (size_t c = 0; c < g->keys.all.ncols; c++)
        cols[c] = ml_column_slice(&keys[c], row);
    struct ml_batch b = {.n = 1, .ncols = g->keys.all.ncols, .cols = cols};
    bool ok = ml__rows_add(&g->keys, &b, true);
    if (cols != one)
        ml_free(cols);
    return ok;
}

bool ml__groups_find(struct ml_groups *g, struct ml_arena *tmp, const struct ml_column *keys,
                     size_t n, bool add, uint32_t *group)
{
    uint64_t *h = ml_arena_alloc(tmp, n, sizeof *h);
    if (h == NULL)
        return false;
    for (size_t c = 0; c < g->keys.all.ncols; c++)
        hash_column(&keys[c], n, h);
    for (size_t i = 0; i < n; i++) {
        size_t at = h[i] & (g->cap - 1);
        while (g->slots[at] != 0 &&
               (g->hashes[g->slots[at] - 1] != h[i] || !same_key(g, keys, i, g->slots[at] - 1)))
            at = (at + 1) & (g->cap - 1);
        if (g->slots[at] != 0) {
            group[i] = g->slots[at] - 1;
            continue;
        }
        group[i] = UINT32_MAX;
        if (!add)
            continue;
        group[i] = (uint32_t)g->keys.all.n;
        if (!add_group(g, keys, i, h[i]))
            return false;
        g->slots[at] = group[i] + 1;
        if (g->keys.all.n * 4 > g->cap * 3 && !rehash(g))
            return false;
    }
    return true;
}
