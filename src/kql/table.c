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

/* Eight bytes at a time. */
static uint64_t hash_text(struct ml_str s)
{
    uint64_t h = s.n + 1;
    uint64_t v = 0;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        memcpy(&v, s.p + i, 8);
        h = mix(h ^ v);
    }
    v = 0;
    if (i < s.n)
        memcpy(&v, s.p + i, s.n - i);
    return mix(h ^ v);
}

static uint64_t hash_cell(const struct ml_column *c, size_t i)
{
    if (c->constant)
        i = 0;
    if (c->nulls != NULL && c->nulls[i])
        return 0x5bd1e995;
    if (ml_type_is_i64(c->type))
        return mix((uint64_t)c->i[i] + 1);
    if (c->type == ML_T_STRING)
        return hash_text(c->s[i]);
    struct ml_val x = ml_column_get(c, i);
    return ml_val_hash(&x);
}

static uint64_t hash_row(const struct ml_column *keys, size_t ncols, size_t row)
{
    uint64_t h = 0;
    for (size_t c = 0; c < ncols; c++)
        h = mix(h ^ hash_cell(&keys[c], row));
    return h;
}

static bool cell_eq(const struct ml_column *a, size_t i, const struct ml_column *b, size_t k)
{
    if (a->constant)
        i = 0;
    if (b->constant)
        k = 0;
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

/* A slot has the group's number + 1 below, and the upper half of its hash above: other groups are told by that, without a
 * look at their keys. */
static uint64_t slot_of(uint64_t hash, size_t group)
{
    return (hash >> 32 << 32) | (uint32_t)(group + 1);
}

static bool rehash(struct ml_groups *g)
{
    size_t cap = g->cap * 4;
    uint64_t *slots = ml_calloc(cap, sizeof *slots);
    if (slots == NULL)
        return false;
    ml_mem_large(slots, cap * sizeof *slots);
    for (size_t i = 0; i < g->keys.all.n; i++) {
        size_t at = g->hashes[i] & (cap - 1);
        while (slots[at] != 0)
            at = (at + 1) & (cap - 1);
        slots[at] = slot_of(g->hashes[i], i);
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
    if (n == UINT32_MAX - 2)
        return false;
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

/* The group of one row. */
static bool find_row(struct ml_groups *g, const struct ml_column *keys, size_t row, bool add,
                     uint32_t *group)
{
    uint64_t h = hash_row(keys, g->keys.all.ncols, row);
    size_t at = h & (g->cap - 1);
    for (; g->slots[at] != 0; at = (at + 1) & (g->cap - 1)) {
        uint32_t found = (uint32_t)g->slots[at] - 1;
        if (g->slots[at] >> 32 == h >> 32 && same_key(g, keys, row, found)) {
            *group = found;
            return true;
        }
    }
    *group = UINT32_MAX;
    if (!add)
        return true;
    *group = (uint32_t)g->keys.all.n;
    if (!add_group(g, keys, row, h))
        return false;
    g->slots[at] = slot_of(h, *group);
    return g->keys.all.n * 2 <= g->cap || rehash(g);
}

/* --- whole numbers that lie close together: their group is looked up in an array --- */

enum { DIRECT_COLUMNS = 8, DIRECT_MAX = 8192 };

struct span {
    int64_t min;
    uint32_t width; /* of the column's values, with one more in front for null */
};

static bool find_span(const struct ml_column *c, size_t n, struct span *out)
{
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;
    if (!ml_type_is_i64(c->type))
        return false;
    n = c->constant ? 1 : n;
    if (c->nulls == NULL)
        for (size_t i = 0; i < n; i++) {
            min = c->i[i] < min ? c->i[i] : min;
            max = c->i[i] > max ? c->i[i] : max;
        }
    else
        for (size_t i = 0; i < n; i++) {
            min = !c->nulls[i] && c->i[i] < min ? c->i[i] : min;
            max = !c->nulls[i] && c->i[i] > max ? c->i[i] : max;
        }
    uint64_t range = max >= min ? (uint64_t)max - (uint64_t)min : 0;
    *out = (struct span){min, (uint32_t)range + 1 + (c->nulls != NULL)};
    return range < DIRECT_MAX;
}

/* Where each row stands in the array of all combinations; *total of them. NULL: too many, or out of memory. */
static uint32_t *place_rows(const struct ml_groups *g, struct ml_arena *tmp,
                            const struct ml_column *keys, size_t n, size_t *total)
{
    struct span spans[DIRECT_COLUMNS];
    size_t ncols = g->keys.all.ncols;
    *total = 1;
    if (ncols > DIRECT_COLUMNS)
        return NULL;
    for (size_t c = 0; c < ncols; c++) {
        if (!find_span(&keys[c], n, &spans[c]))
            return NULL;
        *total *= spans[c].width;
        if (*total > DIRECT_MAX || *total > n)
            return NULL;
    }
    uint32_t *place = ml_arena_alloc(tmp, n, sizeof *place);
    for (size_t c = 0; c < ncols && place != NULL; c++) {
        const struct ml_column *k = &keys[c];
        uint32_t width = spans[c].width;
        uint64_t min = (uint64_t)spans[c].min;
        if (width == 1)
            continue;
        if (k->nulls == NULL)
            for (size_t i = 0; i < n; i++)
                place[i] = place[i] * width + (uint32_t)((uint64_t)k->i[k->constant ? 0 : i] - min);
        else
            for (size_t i = 0; i < n; i++) {
                size_t r = k->constant ? 0 : i;
                place[i] = place[i] * width +
                           (k->nulls[r] ? 0 : 1 + (uint32_t)((uint64_t)k->i[r] - min));
            }
    }
    return place;
}

static bool find_direct(struct ml_groups *g, const struct ml_column *keys, size_t n, bool add,
                        const uint32_t *place, uint32_t *known, uint32_t *group)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t k = known[place[i]];
        if (k == 0) {
            uint32_t found;
            if (!find_row(g, keys, i, add, &found))
                return false;
            known[place[i]] = k = found + 2; /* none: UINT32_MAX + 2 = 1 */
        }
        group[i] = k - 2;
    }
    return true;
}

static bool same_as_last(const struct ml_column *keys, size_t ncols, size_t row)
{
    for (size_t c = 0; c < ncols; c++)
        if (!keys[c].constant && !cell_eq(&keys[c], row, &keys[c], row - 1))
            return false;
    return true;
}

bool ml__groups_find(struct ml_groups *g, struct ml_arena *tmp, const struct ml_column *keys,
                     size_t n, bool add, uint32_t *group)
{
    size_t total;
    uint32_t *place = place_rows(g, tmp, keys, n, &total);
    uint32_t *known = place != NULL ? ml_arena_alloc(tmp, total, sizeof *known) : NULL;
    if (known != NULL)
        return find_direct(g, keys, n, add, place, known, group);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 &&
            same_as_last(keys, g->keys.all.ncols, i)) /* records of a request stand together */
            group[i] = group[i - 1];
        else if (!find_row(g, keys, i, add, &group[i]))
            return false;
    }
    return true;
}
