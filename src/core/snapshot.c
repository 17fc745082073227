/* core/snapshot.c -- see snapshot.h; book_read.c fills one from a book.
 *
 * Everything is added first and sorted once: n functions cost n log n, whatever order and repetition
 * a hostile book has. SPDX-License-Identifier: MIT */
#include "core/snapshot.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/vec.h"
#include "core/snapshot_build.h"

#include <stdlib.h>

struct pair {
    struct ml_str key;
    struct ml_str value;
    size_t rank; /* order of adding */
};

struct pairs {
    ML_VEC(struct pair) all; /* by key once sorted */
};

struct ml_snapshot {
    struct ml_arena arena; /* texts and rows */
    ML_VEC(struct ml_function) functions;
    struct pairs metas;
    struct pairs sources;
    struct ml__run run;
    size_t books;
    uint64_t last_order;
    bool has_heap;
    struct ml_heap_summary heap;
    ML_VEC(struct ml__account_in) accounts; /* until sort */
    ML_VEC(struct ml_place) places;
    ML_VEC(struct ml_scope_row) scopes;
    ML_VEC(struct ml_moment) moments;
};

int ml__snapshot_new(struct ml_snapshot **out)
{
    struct ml_snapshot *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ML_ENOMEM;
    s->books = 1;
    *out = s;
    return ML_OK;
}

void ml_snapshot_free(struct ml_snapshot *s)
{
    if (s == NULL)
        return;
    ml_arena_clear(&s->arena);
    ml_vec_free(&s->functions);
    ml_vec_free(&s->metas.all);
    ml_vec_free(&s->sources.all);
    ml_vec_free(&s->accounts);
    ml_vec_free(&s->places);
    ml_vec_free(&s->scopes);
    ml_vec_free(&s->moments);
    ml_free(s);
}

void ml__snapshot_set_run(struct ml_snapshot *s, const struct ml__run *run)
{
    s->run = *run;
}

/* --- facts and sources: pairs sorted by key ------------------------------------------------- */

static int add_pair(struct ml_snapshot *s, struct pairs *p, struct ml_str key, struct ml_str value)
{
    struct pair new = {ml_arena_copy(&s->arena, key), ml_arena_copy(&s->arena, value), p->all.n};
    if (new.key.p == NULL || new.value.p == NULL)
        return ML_ENOMEM;
    return ml_vec_push(&p->all, new);
}

int ml__snapshot_add_meta(struct ml_snapshot *s, struct ml_str key, struct ml_str value)
{
    return add_pair(s, &s->metas, key, value);
}

int ml__snapshot_add_source(struct ml_snapshot *s, struct ml_str file, struct ml_str text)
{
    return add_pair(s, &s->sources, file, text);
}

static int compare_pairs(const void *x, const void *y)
{
    const struct pair *a = x;
    const struct pair *b = y;
    int c = ml_str_cmp(a->key, b->key);
    return c != 0 ? c : (a->rank > b->rank) - (a->rank < b->rank);
}

/* By key; of equal keys the last added stays. */
static void sort_pairs(struct pairs *p)
{
    struct pair *at = p->all.at;
    size_t kept = 0;
    if (p->all.n > 1)
        qsort(at, p->all.n, sizeof *at, compare_pairs);
    for (size_t i = 0; i < p->all.n; i++) {
        if (kept > 0 && ml_str_eq(at[kept - 1].key, at[i].key))
            kept--;
        at[kept++] = at[i];
    }
    p->all.n = kept;
}

static const struct pair *find_pair(const struct pairs *p, struct ml_str key)
{
    size_t low = 0;
    size_t high = p->all.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = ml_str_cmp(p->all.at[middle].key, key);
        if (c == 0)
            return &p->all.at[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- functions and their rows ----------------------------------------------------------------- */

/* The usual case is many functions of one file, one after another: they share its name. */
static struct ml_str copy_file(struct ml_snapshot *s, struct ml_str file)
{
    size_t n = s->functions.n;
    bool same = n > 0 && ml_str_eq(s->functions.at[n - 1].file, file);
    return same ? s->functions.at[n - 1].file : ml_arena_copy(&s->arena, file);
}

int ml__snapshot_add_function(struct ml_snapshot *s, const struct ml_function *f)
{
    struct ml_row *rows = ml_arena_raw(&s->arena, f->n_rows, sizeof *rows);
    struct ml_function new = *f;
    new.file = copy_file(s, f->file);
    new.name = ml_arena_copy(&s->arena, f->name);
    new.rows = rows;
    if (new.file.p == NULL || new.name.p == NULL || rows == NULL)
        return ML_ENOMEM;
    memcpy(rows, f->rows, f->n_rows * sizeof *rows);
    return ml_vec_push(&s->functions, new);
}

static int compare_functions(const void *x, const void *y)
{
    const struct ml_function *a = x;
    const struct ml_function *b = y;
    int c = ml_str_cmp(a->file, b->file);
    if (c == 0)
        c = (a->first_line > b->first_line) - (a->first_line < b->first_line);
    return c != 0 ? c : ml_str_cmp(a->name, b->name);
}

static int compare_rows(const void *x, const void *y)
{
    const struct ml_row *a = x;
    const struct ml_row *b = y;
    return (a->line > b->line) - (a->line < b->line);
}

static void add_row(struct ml_row *into, const struct ml_row *r)
{
    into->hits += r->hits;
    /* Unsigned: damaged figures may wrap round, which must not be undefined. */
    into->rss_net_bytes = (int64_t)((uint64_t)into->rss_net_bytes + (uint64_t)r->rss_net_bytes);
    if (r->rss_max_bytes > into->rss_max_bytes)
        into->rss_max_bytes = r->rss_max_bytes;
    ml_heap_add(&into->heap, &r->heap);
    if (r->order != 0 && (into->order == 0 || r->order < into->order))
        into->order = r->order;
}

/* Sorts n rows by line and sums those of one line; answers how many are left. */
static size_t sum_rows(struct ml_row *rows, size_t n)
{
    size_t kept = 0;
    qsort(rows, n, sizeof *rows, compare_rows);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && rows[kept - 1].line == rows[i].line)
            add_row(&rows[kept - 1], &rows[i]);
        else
            rows[kept++] = rows[i];
    }
    return kept;
}

/* One function out of n that are the same. The first holds the result. */
static int sum_functions(struct ml_snapshot *s, struct ml_function *same, size_t n)
{
    size_t total = 0;
    if (n == 1)
        return ML_OK;
    for (size_t i = 0; i < n; i++) {
        total += same[i].n_rows;
        if (same[i].last_line > same[0].last_line)
            same[0].last_line = same[i].last_line;
    }
    struct ml_row *rows = ml_arena_raw(&s->arena, total, sizeof *rows);
    if (rows == NULL)
        return ML_ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < n; at += same[i++].n_rows)
        memcpy(rows + at, same[i].rows, same[i].n_rows * sizeof *rows);
    same[0].rows = rows;
    same[0].n_rows = sum_rows(rows, total);
    return ML_OK;
}

static int sort_functions(struct ml_snapshot *s)
{
    struct ml_function *at = s->functions.at;
    size_t n = s->functions.n;
    size_t kept = 0;
    if (n > 1)
        qsort(at, n, sizeof *at, compare_functions);
    for (size_t i = 0, next; i < n; i = next) {
        next = i + 1;
        while (next < n && compare_functions(&at[i], &at[next]) == 0)
            next++;
        int rc = sum_functions(s, &at[i], next - i);
        if (rc != ML_OK)
            return rc;
        at[kept++] = at[i];
    }
    s->functions.n = kept;
    return ML_OK;
}

/* --- the heap -------------------------------------------------------------------------------------- */

static int64_t wrapped(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b); /* damaged figures may wrap round */
}

void ml_heap_add(struct ml_heap *to, const struct ml_heap *from)
{
    to->hits += from->hits;
    to->net_bytes = wrapped(to->net_bytes, from->net_bytes);
    to->own_net_bytes = wrapped(to->own_net_bytes, from->own_net_bytes);
    if (from->peak_bytes > to->peak_bytes)
        to->peak_bytes = from->peak_bytes;
    to->rss_net_bytes = wrapped(to->rss_net_bytes, from->rss_net_bytes);
    to->alloc_bytes += from->alloc_bytes;
    to->alloc_count += from->alloc_count;
    to->freed_bytes += from->freed_bytes;
    to->freed_count += from->freed_count;
    to->inherited_bytes += from->inherited_bytes;
    to->map_bytes = wrapped(to->map_bytes, from->map_bytes);
    to->map_file_bytes = wrapped(to->map_file_bytes, from->map_file_bytes);
    to->realloc_count += from->realloc_count;
    to->samples += from->samples;
    to->alloc_variance += from->alloc_variance;
    to->held_variance += from->held_variance;
    if (from->weight_bytes > to->weight_bytes)
        to->weight_bytes = from->weight_bytes;
}

int ml__snapshot_add_account(struct ml_snapshot *s, const struct ml__account_in *a)
{
    struct ml__account_in new = *a;
    new.file = ml_arena_copy(&s->arena, a->file);
    new.name = ml_arena_copy(&s->arena, a->name);
    if (new.file.p == NULL || new.name.p == NULL)
        return ML_ENOMEM;
    return ml_vec_push(&s->accounts, new);
}

int ml__snapshot_add_scope(struct ml_snapshot *s, const struct ml_scope_row *row)
{
    struct ml_scope_row new = *row;
    new.name = ml_arena_copy(&s->arena, row->name);
    new.key = ml_arena_copy(&s->arena, row->key);
    if (new.name.p == NULL || new.key.p == NULL)
        return ML_ENOMEM;
    return ml_vec_push(&s->scopes, new);
}

int ml__snapshot_add_moment(struct ml_snapshot *s, const struct ml_moment *m)
{
    return ml_vec_push(&s->moments, *m);
}

void ml__snapshot_set_heap(struct ml_snapshot *s, const struct ml_heap_summary *h)
{
    s->has_heap = true;
    s->heap = *h;
}

static int compare_accounts(const void *x, const void *y)
{
    const struct ml__account_in *a = x;
    const struct ml__account_in *b = y;
    return (a->site > b->site) - (a->site < b->site);
}

static int compare_scopes(const void *x, const void *y)
{
    const struct ml_scope_row *a = x;
    const struct ml_scope_row *b = y;
    int c = (a->begin_ns > b->begin_ns) - (a->begin_ns < b->begin_ns);
    return c != 0 ? c : (a->id > b->id) - (a->id < b->id);
}

static int compare_moments(const void *x, const void *y)
{
    const struct ml_moment *a = x;
    const struct ml_moment *b = y;
    return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

/* Index of the account's function; false if it has no rows (then it is not there). */
static bool find_function(const struct ml_snapshot *s, const struct ml__account_in *a,
                          uint32_t *out)
{
    const struct ml_function wanted = {
        .file = a->file, .name = a->name, .first_line = a->first_line};
    const struct ml_function *f = s->functions.n == 0
                                      ? NULL
                                      : bsearch(&wanted, s->functions.at, s->functions.n,
                                                sizeof wanted, compare_functions);
    if (f != NULL)
        *out = (uint32_t)(f - s->functions.at);
    return f != NULL;
}

static uint32_t find_site(const struct ml_snapshot *s, uint32_t site)
{
    const struct ml__account_in wanted = {.site = site};
    const struct ml__account_in *a = site == 0 || s->accounts.n == 0
                                         ? NULL
                                         : bsearch(&wanted, s->accounts.at, s->accounts.n,
                                                   sizeof wanted, compare_accounts);
    return a != NULL ? (uint32_t)(a - s->accounts.at) + 1 : 0;
}

/* Cuts circles, which only a damaged book has: a chain is followed at most n steps in all. */
static int cut_circles(struct ml_snapshot *s)
{
    uint32_t *seen = ml_calloc(s->places.n + 1, sizeof *seen); /* the walk that came by */
    if (seen == NULL)
        return ML_ENOMEM;
    for (uint32_t i = 0; i < s->places.n; i++)
        for (uint32_t at = i + 1; at != 0 && (seen[at] == 0 || seen[at] == i + 1);) {
            uint32_t *next = &s->places.at[at - 1].parent;
            seen[at] = i + 1;
            if (*next != 0 && seen[*next] == i + 1)
                *next = 0;
            at = *next;
        }
    ml_free(seen);
    return ML_OK;
}

/* Accounts become places, once functions stand in their order. */
static int sort_places(struct ml_snapshot *s)
{
    size_t n = s->accounts.n;
    if (n > 1)
        qsort(s->accounts.at, n, sizeof *s->accounts.at, compare_accounts);
    for (size_t i = 0; i < n; i++) {
        const struct ml__account_in *a = &s->accounts.at[i];
        struct ml_place p = a->place;
        p.parent = find_site(s, a->parent_site);
        if (p.kind == ML_PLACE_LINE && !find_function(s, a, &p.function))
            p.kind = ML_PLACE_OUTSIDE;
        if (ml_vec_push(&s->places, p) != ML_OK)
            return ML_ENOMEM;
    }
    if (s->scopes.n > 1)
        qsort(s->scopes.at, s->scopes.n, sizeof *s->scopes.at, compare_scopes);
    if (s->moments.n > 1)
        qsort(s->moments.at, s->moments.n, sizeof *s->moments.at, compare_moments);
    int rc = cut_circles(s);
    ml_vec_free(&s->accounts);
    return rc;
}

static uint64_t highest_order(const struct ml_snapshot *s)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < s->functions.n; i++)
        for (size_t j = 0; j < s->functions.at[i].n_rows; j++)
            if (s->functions.at[i].rows[j].order > highest)
                highest = s->functions.at[i].rows[j].order;
    return highest;
}

int ml__snapshot_sort(struct ml_snapshot *s)
{
    sort_pairs(&s->metas);
    sort_pairs(&s->sources);
    int rc = sort_functions(s);
    if (rc == ML_OK)
        s->last_order = highest_order(s);
    return rc == ML_OK && s->accounts.n + s->scopes.n + s->moments.n != 0 ? sort_places(s) : rc;
}

/* --- merging ----------------------------------------------------------------------------------- */

/* Ranks of first hits go on behind those of the run before. */
static void shift_orders(struct ml_row *rows, size_t n, uint64_t offset)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].order != 0)
            rows[i].order += offset;
}

static int add_functions(struct ml_snapshot *into, const struct ml_snapshot *from, uint64_t offset)
{
    for (size_t i = 0; i < from->functions.n; i++) {
        int rc = ml__snapshot_add_function(into, &from->functions.at[i]);
        if (rc != ML_OK)
            return rc;
        struct ml_function *new = &into->functions.at[into->functions.n - 1];
        shift_orders((struct ml_row *)new->rows, new->n_rows, offset); /* our own copy */
    }
    return ML_OK;
}

static int add_pairs(struct ml_snapshot *into, struct pairs *p, const struct pairs *from)
{
    for (size_t i = 0; i < from->all.n; i++) {
        int rc = add_pair(into, p, from->all.at[i].key, from->all.at[i].value);
        if (rc != ML_OK)
            return rc;
    }
    return ML_OK;
}

/* Places go on as accounts, numbered behind those added before. Scopes are of the first book alone: the
 * others' numbers mean something else. */
static int add_places(struct ml_snapshot *into, const struct ml_snapshot *from, bool scopes)
{
    uint32_t before = (uint32_t)into->accounts.n;
    for (size_t i = 0; i < from->places.n; i++) {
        struct ml__account_in a = {.place = from->places.at[i], .site = before + (uint32_t)i + 1};
        a.parent_site = a.place.parent != 0 ? before + a.place.parent : 0;
        a.place.scope = scopes ? a.place.scope : 0;
        if (a.place.kind == ML_PLACE_LINE) {
            const struct ml_function *f = &from->functions.at[a.place.function];
            a.file = f->file;
            a.name = f->name;
            a.first_line = f->first_line;
        }
        if (ml__snapshot_add_account(into, &a) != ML_OK)
            return ML_ENOMEM;
    }
    return ML_OK;
}

static int add_history(struct ml_snapshot *into, const struct ml_snapshot *from)
{
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < from->scopes.n; i++)
        rc = ml__snapshot_add_scope(into, &from->scopes.at[i]);
    for (size_t i = 0; rc == ML_OK && i < from->moments.n; i++)
        rc = ml__snapshot_add_moment(into, &from->moments.at[i]);
    return rc;
}

static void add_summary(struct ml_snapshot *into, const struct ml_snapshot *from)
{
    struct ml_heap_summary *to = &into->heap;
    if (!into->has_heap) {
        into->has_heap = from->has_heap;
        *to = from->heap;
        return;
    }
    to->live_bytes = wrapped(to->live_bytes, from->heap.live_bytes);
    to->peak_bytes = wrapped(to->peak_bytes,
                             from->heap.peak_bytes); /* at most: not at one moment */
    to->foreign_frees += from->heap.foreign_frees;
    to->stale_blocks += from->heap.stale_blocks;
    to->stale_bytes += from->heap.stale_bytes;
    to->ledger_bytes += from->heap.ledger_bytes;
    to->lost_accounts += from->heap.lost_accounts;
    if (from->heap.rate_most_bytes > to->rate_most_bytes)
        to->rate_most_bytes = from->heap.rate_most_bytes;
    ml_heap_add(&to->outside, &from->heap.outside);
    ml_heap_add(&to->threads, &from->heap.threads);
}

/* Built aside, and put in place only when nothing can fail any more. Of `from` first, so that facts
 * of `into`, added later, count. */
int ml_snapshot_merge(struct ml_snapshot *into, const struct ml_snapshot *from)
{
    struct ml_snapshot *all = NULL;
    int rc = ml__snapshot_new(&all);
    if (rc == ML_OK)
        rc = add_pairs(all, &all->metas, &from->metas);
    if (rc == ML_OK)
        rc = add_pairs(all, &all->metas, &into->metas);
    if (rc == ML_OK)
        rc = add_pairs(all, &all->sources, &from->sources);
    if (rc == ML_OK)
        rc = add_pairs(all, &all->sources, &into->sources);
    if (rc == ML_OK)
        rc = add_functions(all, into, 0);
    if (rc == ML_OK)
        rc = add_functions(all, from, into->last_order);
    if (rc == ML_OK)
        rc = add_places(all, into, true);
    if (rc == ML_OK)
        rc = add_places(all, from, false);
    if (rc == ML_OK)
        rc = add_history(all, into);
    if (rc == ML_OK)
        rc = ml__snapshot_sort(all);
    if (rc != ML_OK)
        goto out;
    all->run = into->run;
    all->run.complete = into->run.complete && from->run.complete;
    all->run.truncated = into->run.truncated || from->run.truncated;
    all->run.lost += from->run.lost;
    all->books = into->books + from->books;
    all->has_heap = into->has_heap;
    all->heap = into->heap;
    add_summary(all, from);
    struct ml_snapshot old = *into;
    *into = *all;
    *all = old;
out:
    ml_snapshot_free(all);
    return rc;
}

/* --- looking at it ------------------------------------------------------------------------------ */

size_t ml_snapshot_functions(const struct ml_snapshot *s, const struct ml_function **out)
{
    *out = s->functions.at;
    return s->functions.n;
}

struct ml_str ml_snapshot_meta(const struct ml_snapshot *s, struct ml_str key)
{
    const struct pair *p = find_pair(&s->metas, key);
    return p != NULL ? p->value : (struct ml_str){NULL, 0};
}

bool ml_snapshot_meta_at(const struct ml_snapshot *s, size_t i, struct ml_str *key,
                         struct ml_str *value)
{
    if (i >= s->metas.all.n)
        return false;
    *key = s->metas.all.at[i].key;
    *value = s->metas.all.at[i].value;
    return true;
}

struct ml_str ml_snapshot_source(const struct ml_snapshot *s, struct ml_str file)
{
    const struct pair *p = find_pair(&s->sources, file);
    return p != NULL ? p->value : (struct ml_str){NULL, 0};
}

bool ml_snapshot_heap(const struct ml_snapshot *s, struct ml_heap_summary *out)
{
    *out = s->heap;
    return s->has_heap;
}

size_t ml_snapshot_places(const struct ml_snapshot *s, const struct ml_place **out)
{
    *out = s->places.at;
    return s->places.n;
}

size_t ml_snapshot_scopes(const struct ml_snapshot *s, const struct ml_scope_row **out)
{
    *out = s->scopes.at;
    return s->scopes.n;
}

size_t ml_snapshot_moments(const struct ml_snapshot *s, const struct ml_moment **out)
{
    *out = s->moments.at;
    return s->moments.n;
}

size_t ml_snapshot_books(const struct ml_snapshot *s)
{
    return s->books;
}

bool ml_snapshot_truncated(const struct ml_snapshot *s)
{
    return s->run.truncated;
}

bool ml_snapshot_complete(const struct ml_snapshot *s)
{
    return s->run.complete;
}

uint64_t ml_snapshot_lost(const struct ml_snapshot *s)
{
    return s->run.lost;
}

uint64_t ml_snapshot_pid(const struct ml_snapshot *s)
{
    return s->run.pid;
}

int64_t ml_snapshot_start_ns(const struct ml_snapshot *s)
{
    return s->run.start_ns;
}
