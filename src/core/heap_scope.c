/* core/heap_scope.c -- see heap_scope.h. An id is generation * ML_SCOPES_KEPT + slot, so that it is found
 * without a search. Each opening is a generation: ids rise until 2^21 scopes were opened, then come round.
 * SPDX-License-Identifier: MIT */
#include "core/heap_scope.h"

#include "core/book_format.h"
#include "core/heap_inside.h"

#include <string.h>

enum { CHUNK = 128, CHUNKS = ML_SCOPES_KEPT / CHUNK };

static struct {
    struct ml_book *book;
    struct ml_book_scope *chunks[CHUNKS]; /* in the book */
    uint32_t n;                           /* slots used at least once */
    uint32_t heads[ML_SCOPES_KEPT];       /* slot -> first of its sites */
    uint32_t closed[ML_SCOPES_KEPT];      /* a ring: slots of closed scopes, oldest first */
    uint32_t closed_from, n_closed;
    uint32_t generation;
} scopes;

#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

static struct ml_book_scope *slot_of(uint32_t slot)
{
    return &scopes.chunks[slot / CHUNK][slot % CHUNK];
}

static struct ml_book_scope *find(uint32_t id)
{
    uint32_t slot = id % ML_SCOPES_KEPT;
    if (id == 0 || scopes.book == NULL || slot >= scopes.n)
        return NULL;
    struct ml_book_scope *s = slot_of(slot);
    return GET(s->id) == id ? s : NULL;
}

uint32_t *ml__scope_head(uint32_t id)
{
    return find(id) != NULL ? &scopes.heads[id % ML_SCOPES_KEPT] : NULL;
}

void ml__scopes_begin(struct ml_book *b)
{
    uint32_t generation = scopes.generation;
    memset((void *)&scopes, 0, sizeof scopes);
    scopes.book = b;
    scopes.generation = generation + 1;
}

void ml__scopes_after_fork(void)
{
    for (uint32_t i = 0; i < scopes.n; i++) {
        struct ml_book_scope *s = slot_of(i);
        SET(s->net_bytes, 0);
        SET(s->peak_bytes, 0);
        SET(s->alloc_bytes, 0);
        SET(s->held_bytes, 0);
        SET(s->alloc_variance, 0);
        SET(s->held_variance, 0);
        SET(s->weight_bytes, 0);
    }
}

/* --- slots ---------------------------------------------------------------------------------------------- */

static bool slot_fresh(uint32_t *slot)
{
    if (scopes.n == ML_SCOPES_KEPT)
        return false;
    if (scopes.n % CHUNK == 0) {
        void *elements;
        if (ml_book_table(scopes.book, ML_BOOK_SCOPES, 0, CHUNK, sizeof(struct ml_book_scope),
                          &elements) != ML_OK)
            return false;
        scopes.chunks[scopes.n / CHUNK] = elements;
    }
    *slot = scopes.n++;
    return true;
}

/* The slot of the scope that was closed longest ago; its accounts are folded. */
static bool slot_again(uint32_t *slot)
{
    if (scopes.n_closed == 0)
        return false;
    *slot = scopes.closed[scopes.closed_from];
    scopes.closed_from = (scopes.closed_from + 1) % ML_SCOPES_KEPT;
    scopes.n_closed--;
    ml__sites_fold(GET(slot_of(*slot)->id));
    return true;
}

static void put_text(char *to, size_t n, struct ml_str text)
{
    memset(to, 0, n);
    memcpy(to, text.p, text.n < n ? text.n : n);
}

uint32_t ml_heap_scope_open(struct ml_str name, struct ml_str key, uint32_t parent)
{
    uint32_t slot;
    if (GET(ml_heap_mode_now) == ML_HEAP_OFF || scopes.book == NULL)
        return 0;
    if (!slot_fresh(&slot) && !slot_again(&slot))
        return 0;
    uint32_t id;
    do { /* it comes round: 0 is none */
        id = scopes.generation++ * ML_SCOPES_KEPT + slot;
    } while (id == 0);
    struct ml_book_scope *s = slot_of(slot);
    SET(s->id, 0);
    s->parent = parent;
    put_text(s->name, sizeof s->name, name);
    put_text(s->key, sizeof s->key, key);
    s->begin_ns = ml_wall_ns();
    SET(s->end_ns, 0);
    SET(s->net_bytes, 0);
    SET(s->peak_bytes, 0);
    SET(s->alloc_bytes, 0);
    SET(s->held_bytes, 0);
    SET(s->alloc_variance, 0);
    SET(s->held_variance, 0);
    SET(s->weight_bytes, 0);
    scopes.heads[slot] = 0;
    atomic_store_explicit(&s->id, id, memory_order_release);
    return id;
}

/* --- stretches ---------------------------------------------------------------------------------------------- */

/* What the thread did since the stretch began goes to its scope; a new stretch begins. */
static void settle(struct ml_heap_thread *t)
{
    int64_t net = GET(t->net_bytes);
    int64_t high = t->high_bytes > t->scope_high ? t->high_bytes : t->scope_high;
    struct ml_book_scope *s = find(GET(t->scope));
    if (s != NULL) {
        int64_t before = GET(s->net_bytes);
        int64_t peak = before + (high - t->scope_from);
        if (peak > GET(s->peak_bytes))
            SET(s->peak_bytes, peak);
        SET(s->net_bytes, before + (net - t->scope_from));
    }
    t->scope_from = t->scope_high = net;
}

uint32_t ml_heap_scope_enter(struct ml_heap_thread *t, uint32_t id)
{
    uint32_t before = GET(t->scope);
    if (before == id)
        return before;
    settle(t);
    SET(t->scope, find(id) != NULL ? id : 0);
    return before;
}

static struct ml_account sum_now(struct ml_heap_thread *t, uint32_t id)
{
    struct ml_account sum;
    if (t != NULL) {
        if (GET(t->scope) == id)
            settle(t);
        ml_heap_switch(t, GET(t->site)); /* nothing pending */
    }
    ml__sites_of_scope(id, &sum);
    return sum;
}

static struct ml_scope_figures figures_of(const struct ml_book_scope *s,
                                          const struct ml_account *sum)
{
    return (struct ml_scope_figures){.net_bytes = GET(s->net_bytes),
                                     .peak_bytes = GET(s->peak_bytes),
                                     .alloc_bytes = ml__account_alloc(sum),
                                     .held_bytes = ml__account_live(sum)};
}

void ml_heap_scope_read(struct ml_heap_thread *t, uint32_t id, struct ml_scope_figures *out)
{
    const struct ml_book_scope *s = find(id);
    *out = (struct ml_scope_figures){0};
    if (s == NULL)
        return;
    struct ml_account sum = sum_now(t, id);
    *out = figures_of(s, &sum);
}

void ml_heap_scope_close(struct ml_heap_thread *t, uint32_t id, struct ml_scope_figures *out)
{
    struct ml_book_scope *s = find(id);
    *out = (struct ml_scope_figures){0};
    if (s == NULL)
        return;
    struct ml_account sum = sum_now(t, id);
    *out = figures_of(s, &sum);
    if (GET(s->end_ns) != 0)
        return;
    SET(s->alloc_bytes, out->alloc_bytes);
    SET(s->held_bytes, out->held_bytes);
    SET(s->alloc_variance, GET(sum.alloc_variance));
    SET(s->held_variance, GET(sum.alloc_variance) - GET(sum.freed_variance));
    SET(s->weight_bytes, GET(sum.weight_bytes));
    SET(s->end_ns, ml_wall_ns());
    scopes.closed[(scopes.closed_from + scopes.n_closed++) % ML_SCOPES_KEPT] = id % ML_SCOPES_KEPT;
}

bool ml_heap_scope_line(struct ml_book *b, uint32_t id, struct ml_scope_line *at)
{
    const uint32_t *head = ml__scope_head(id);
    if (b == NULL || b != scopes.book || head == NULL)
        return false;
    at->site = at->site == 0 ? *head : ml__site_next(at->site);
    if (at->site == 0)
        return false;
    at->account = ml_heap_account(at->site);
    at->line = ml_book_line_at(b, GET(at->account->line));
    at->alloc_bytes = ml__account_alloc(at->account);
    at->held_bytes = ml__account_live(at->account);
    return true;
}
