/* core/book_heap.c -- see book_heap.h. SPDX-License-Identifier: MIT */
#include "core/book_heap.h"

#include "core/book_format.h"

#include <stdlib.h>
#include <string.h>

/* A copy of an element whose writer may be at work: each field is read at some moment, which is all
 * that anybody may ask of figures that go on. */
#define COPY(type, name, from) \
    type name;                 \
    memcpy((void *)&name, from, sizeof name)
#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)

static void heap_of(const struct ml_account *a, struct ml_heap *h)
{
    *h = (struct ml_heap){
        .hits = GET(a->hits),
        .net_bytes = GET(a->net_bytes),
        .own_net_bytes = GET(a->own_net_bytes),
        .peak_bytes = GET(a->peak_bytes),
        .rss_net_bytes = GET(a->rss_net_bytes),
        .alloc_bytes = GET(a->alloc_bytes) + GET(a->alloc_any_bytes),
        .alloc_count = GET(a->alloc_count) + GET(a->alloc_any_count),
        .freed_bytes = GET(a->freed_bytes) + GET(a->freed_any_bytes),
        .freed_count = GET(a->freed_count) + GET(a->freed_any_count),
        .inherited_bytes = GET(a->inherited_bytes),
        .map_bytes = GET(a->map_bytes),
        .map_file_bytes = GET(a->map_file_bytes),
        .realloc_count = GET(a->realloc_count),
        .samples = GET(a->samples),
        .alloc_variance = GET(a->alloc_variance),
        .held_variance = GET(a->alloc_variance) - GET(a->freed_variance),
        .weight_bytes = GET(a->weight_bytes),
    };
    if (!(h->held_variance > 0)) /* rounding; or a damaged book's NaN */
        h->held_variance = 0;
    if (!(h->alloc_variance > 0))
        h->alloc_variance = 0;
}

static int read_account(struct ml__heap_tables *h, const char *at)
{
    COPY(struct ml_account, a, at);
    if (GET(a.kind) == ML_ACCOUNT_UNUSED || GET(a.site) == ML_SITE_NONE)
        return ML_OK;
    struct ml__read_account new = {.line = GET(a.line),
                                   .scope = GET(a.scope),
                                   .parent = GET(a.parent),
                                   .kind = GET(a.kind),
                                   .site = GET(a.site)};
    heap_of(&a, &new.heap);
    return ml_vec_push(&h->accounts, new);
}

static int read_thread(struct ml__heap_tables *h, const char *at)
{
    COPY(struct ml_heap_thread, t, at);
    if (GET(t.tid) == 0)
        return ML_OK;
    h->summary.live_bytes = (int64_t)((uint64_t)h->summary.live_bytes + (uint64_t)GET(t.net_bytes));
    if (GET(t.alloc_count) == 0)
        return ML_OK;
    struct ml__pending new = {GET(t.site), GET(t.alloc_bytes), GET(t.alloc_count)};
    return ml_vec_push(&h->pending, new);
}

static int read_scope(struct ml__heap_tables *h, const char *at)
{
    COPY(struct ml_book_scope, s, at);
    if (GET(s.id) == 0)
        return ML_OK;
    const char *name = at + offsetof(struct ml_book_scope, name);
    const char *key = at + offsetof(struct ml_book_scope, key);
    struct ml_scope_row new = {
        .id = GET(s.id),
        .parent = s.parent,
        .name = {name, strnlen(name, ML_SCOPE_NAME_BYTES)},
        .key = {key, strnlen(key, ML_SCOPE_KEY_BYTES)},
        .begin_ns = s.begin_ns,
        .end_ns = GET(s.end_ns),
        .net_bytes = GET(s.net_bytes),
        .peak_bytes = GET(s.peak_bytes),
        .alloc_bytes = GET(s.alloc_bytes),
        .held_bytes = GET(s.held_bytes),
        .alloc_variance = GET(s.alloc_variance),
        .held_variance = GET(s.held_variance),
        .weight_bytes = GET(s.weight_bytes),
    };
    return ml_vec_push(&h->scopes, new);
}

static int read_moment(struct ml__heap_tables *h, const char *at)
{
    COPY(struct ml_book_moment, m, at);
    struct ml_moment new = {m.at_ns, m.rss_bytes, m.heap_bytes, m.limit_use_bytes};
    return m.at_ns != 0 ? ml_vec_push(&h->moments, new) : ML_OK;
}

static int read_totals(struct ml__heap_tables *h, const char *at)
{
    COPY(struct ml_heap_totals, t, at);
    struct ml_heap_summary *s = &h->summary;
    h->any = true;
    h->n_moments = GET(t.moments);
    s->mode = (int)GET(t.mode);
    s->live_bytes = (int64_t)((uint64_t)s->live_bytes + (uint64_t)GET(t.departed_bytes));
    s->peak_bytes = GET(t.peak_bytes);
    s->rate_bytes = GET(t.rate_bytes);
    s->rate_most_bytes = GET(t.rate_most_bytes);
    if (s->rate_most_bytes < s->rate_bytes)
        s->rate_most_bytes = s->rate_bytes;
    s->foreign_frees = GET(t.foreign_frees);
    s->stale_blocks = GET(t.stale_blocks);
    s->stale_bytes = GET(t.stale_bytes);
    s->ledger_bytes = GET(t.ledger_bytes);
    s->lost_accounts = GET(t.lost_accounts);
    s->limit_bytes = GET(t.limit_bytes);
    s->limit_percent = GET(t.limit_percent);
    s->native = GET(t.native) != 0;
    return ML_OK;
}

static const struct {
    uint32_t kind;
    size_t bytes;
    int (*read)(struct ml__heap_tables *h, const char *at);
} tables[] = {
    {ML_BOOK_ACCOUNTS, sizeof(struct ml_account), read_account},
    {ML_BOOK_THREADS, sizeof(struct ml_heap_thread), read_thread},
    {ML_BOOK_SCOPES, sizeof(struct ml_book_scope), read_scope},
    {ML_BOOK_TIMELINE, sizeof(struct ml_book_moment), read_moment},
    {ML_BOOK_HEAP, sizeof(struct ml_heap_totals), read_totals},
};

/* A record of n bytes at `at`; elements that do not fit are not there. Other kinds are not ours. */
int ml__heap_table(struct ml__heap_tables *h, const char *bytes, size_t at, size_t n)
{
    struct ml_book_table head;
    if (n < sizeof head)
        return ML_OK;
    memcpy(&head, bytes + at, sizeof head);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i].kind != head.kind)
            continue;
        size_t from = ml_book_elements(at);
        for (size_t j = 0; j < head.count && from + tables[i].bytes <= at + n; j++) {
            int rc = tables[i].read(h, bytes + from);
            if (rc != ML_OK)
                return rc;
            from += tables[i].bytes;
        }
    }
    return ML_OK;
}

/* --- sums by line ------------------------------------------------------------------------------------- */

static int compare_lines(const void *x, const void *y)
{
    const struct ml__read_account *a = x;
    const struct ml__read_account *b = y;
    int c = (a->line > b->line) - (a->line < b->line);
    return c != 0 ? c : (a->site > b->site) - (a->site < b->site);
}

/* Threads' pending figures go to the accounts they are for. */
static void add_pending(struct ml__heap_tables *h)
{
    for (size_t i = 0; i < h->pending.n; i++)
        for (size_t j = 0; j < h->accounts.n; j++)
            if (h->accounts.at[j].site == h->pending.at[i].site) {
                h->accounts.at[j].heap.alloc_bytes += h->pending.at[i].bytes;
                h->accounts.at[j].heap.alloc_count += h->pending.at[i].count;
                break;
            }
}

int ml__heap_tables_sort(struct ml__heap_tables *h)
{
    add_pending(h);
    if (h->accounts.n > 1)
        qsort(h->accounts.at, h->accounts.n, sizeof *h->accounts.at, compare_lines);
    for (size_t i = 0; i < h->accounts.n; i++) {
        const struct ml__read_account *a = &h->accounts.at[i];
        if (a->kind == ML_ACCOUNT_OUTSIDE) {
            ml_heap_add(&h->summary.outside, &a->heap);
        } else if (a->kind == ML_ACCOUNT_NATIVE) {
            ml_heap_add(&h->summary.threads, &a->heap);
        } else if (h->lines.n > 0 && h->lines.at[h->lines.n - 1].line == a->line) {
            ml_heap_add(&h->lines.at[h->lines.n - 1].heap, &a->heap);
        } else {
            struct ml__line_heap new = {a->line, a->heap};
            if (ml_vec_push(&h->lines, new) != ML_OK)
                return ML_ENOMEM;
        }
        h->summary.live_bytes = (int64_t)((uint64_t)h->summary.live_bytes +
                                          a->heap.inherited_bytes);
    }
    return ML_OK;
}

static int compare_line_heaps(const void *x, const void *y)
{
    const struct ml__line_heap *a = x;
    const struct ml__line_heap *b = y;
    return (a->line > b->line) - (a->line < b->line);
}

const struct ml_heap *ml__heap_of_line(const struct ml__heap_tables *h, uint32_t line)
{
    const struct ml__line_heap wanted = {.line = line};
    const struct ml__line_heap *found = h->lines.n == 0
                                            ? NULL
                                            : bsearch(&wanted, h->lines.at, h->lines.n,
                                                      sizeof wanted, compare_line_heaps);
    return found != NULL ? &found->heap : NULL;
}

/* --- into the snapshot ----------------------------------------------------------------------------------- */

/* Index of the first account whose line is not below. */
static size_t first_from(const struct ml__heap_tables *h, uint32_t line)
{
    size_t low = 0;
    size_t high = h->accounts.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->accounts.at[middle].line < line)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int hand_over(struct ml_snapshot *s, const struct ml__read_account *a,
                     struct ml__account_in *in)
{
    in->site = a->site;
    in->parent_site = a->parent;
    in->place.scope = a->scope;
    in->place.heap = a->heap;
    return ml__snapshot_add_account(s, in);
}

int ml__heap_accounts(const struct ml__heap_tables *h, const struct ml_function *f, uint32_t first,
                      uint32_t n_lines, struct ml_snapshot *s)
{
    int rc = ML_OK;
    for (size_t i = first_from(h, first); rc == ML_OK && i < h->accounts.n; i++) {
        const struct ml__read_account *a = &h->accounts.at[i];
        if (a->line - first >= n_lines)
            break;
        if (a->kind != ML_ACCOUNT_LINE)
            continue;
        struct ml__account_in in = {.file = f->file, .name = f->name, .first_line = f->first_line};
        in.place.kind = ML_PLACE_LINE;
        in.place.line = f->first_line + (a->line - first);
        rc = hand_over(s, a, &in);
    }
    return rc;
}

/* The law: what all lines changed, and what was changed outside of them, is the heap's change. */
static void conserve(struct ml__heap_tables *h)
{
    uint64_t own = 0;
    for (size_t i = 0; i < h->lines.n; i++)
        own += (uint64_t)h->lines.at[i].heap.own_net_bytes + h->lines.at[i].heap.inherited_bytes;
    own += h->summary.outside.inherited_bytes + h->summary.threads.inherited_bytes;
    h->summary.outside.own_net_bytes = (int64_t)((uint64_t)h->summary.live_bytes - own);
    h->summary.outside.net_bytes = h->summary.outside.own_net_bytes;
}

int ml__heap_finish(struct ml__heap_tables *h, struct ml_snapshot *s)
{
    int rc = ML_OK;
    if (!h->any)
        return ML_OK;
    conserve(h);
    for (size_t i = 0; rc == ML_OK && i < h->accounts.n; i++) {
        const struct ml__read_account *a = &h->accounts.at[i];
        struct ml__account_in in = {0};
        in.place.kind = a->kind == ML_ACCOUNT_NATIVE ? ML_PLACE_NATIVE : ML_PLACE_OUTSIDE;
        if (a->kind == ML_ACCOUNT_OUTSIDE || a->kind == ML_ACCOUNT_NATIVE)
            rc = hand_over(s, a, &in);
    }
    for (size_t i = 0; rc == ML_OK && i < h->scopes.n; i++)
        rc = ml__snapshot_add_scope(s, &h->scopes.at[i]);
    for (size_t i = 0; rc == ML_OK && i < h->moments.n && i < h->n_moments; i++)
        rc = ml__snapshot_add_moment(s, &h->moments.at[i]);
    if (rc == ML_OK)
        ml__snapshot_set_heap(s, &h->summary);
    return rc;
}

void ml__heap_tables_release(struct ml__heap_tables *h)
{
    ml_vec_free(&h->accounts);
    ml_vec_free(&h->lines);
    ml_vec_free(&h->pending);
    ml_vec_free(&h->scopes);
    ml_vec_free(&h->moments);
}
