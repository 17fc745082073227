/* core/heap_sites.c -- accounts and their numbers: (line, scope, parent) -> site -> account.
 *
 * Picture:   keys: open addressing, (line, scope, parent) -> site      interpreter lock
 *            ml_heap_accounts[site] -> account in the book             any thread, one load
 * A site's number is given out again only when nothing can name it any more: its scope is folded and
 * none of its blocks is alive. SPDX-License-Identifier: MIT */
#include "core/heap_inside.h"

#include "base/mem.h"
#include "core/book_format.h"

#include <string.h>

struct key {
    uint32_t line;
    uint32_t scope;
    uint32_t parent;
    uint32_t site; /* 0: free */
};

/* What an account held just before a fork. */
struct alive {
    int64_t bytes;
    double variance; /* sample mode */
};

static struct {
    struct ml_book *book;
    struct key *keys; /* [mask + 1] owned */
    size_t mask;
    size_t n_keys;
    uint32_t *next_in_scope;  /* [ML_SITE_MOST] pages: site -> another of its scope; 0: the last */
    struct alive *at_fork;    /* [ML_SITE_MOST] pages */
    struct ml_account *chunk; /* the newest table of accounts */
    uint32_t chunk_n;
    uint32_t chunk_used;
    uint32_t next_site;
    uint32_t *free_sites;           /* [n_free_sites] owned: numbers to give out again */
    struct ml_account **free_slots; /* [n_free_slots] owned: accounts that were folded */
    size_t n_free_sites, cap_free_sites;
    size_t n_free_slots, cap_free_slots;
} sites;

static struct ml_account nobody = {.kind = ML_ACCOUNT_OUTSIDE}; /* while there is no book */
static _Atomic(struct ml_account *) before_any[ML_SITE_FIRST] = {&nobody, &nobody, &nobody};
_Atomic(struct ml_account *) *ml_heap_accounts = before_any;
bool ml_heap_paths;

#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

/* --- the keys ------------------------------------------------------------------------------------------ */

static size_t home_of(uint32_t line, uint32_t scope, uint32_t parent)
{
    uint64_t h = ((uint64_t)line << 32 | parent) * 0x9E3779B97F4A7C15u;
    h ^= (h >> 29) ^ ((uint64_t)scope * 0xBF58476D1CE4E5B9u);
    return (size_t)(h ^ h >> 32) & sites.mask;
}

static struct key *key_find(uint32_t line, uint32_t scope, uint32_t parent)
{
    if (sites.keys == NULL)
        return NULL;
    size_t i = home_of(line, scope, parent);
    for (; sites.keys[i].site != 0; i = (i + 1) & sites.mask) {
        struct key *k = &sites.keys[i];
        if (k->line == line && k->scope == scope && k->parent == parent)
            return k;
    }
    return NULL;
}

static void key_place(struct key key)
{
    size_t i = home_of(key.line, key.scope, key.parent);
    while (sites.keys[i].site != 0)
        i = (i + 1) & sites.mask;
    sites.keys[i] = key;
}

/* At most half full. */
static bool keys_grow(void)
{
    if (sites.keys != NULL && sites.n_keys * 2 < sites.mask + 1)
        return true;
    size_t n = sites.keys == NULL ? 256 : (sites.mask + 1) * 2;
    struct key *old = sites.keys;
    size_t old_n = old == NULL ? 0 : sites.mask + 1;
    struct key *keys = ml_calloc(n, sizeof *keys);
    if (keys == NULL)
        return false;
    sites.keys = keys;
    sites.mask = n - 1;
    for (size_t i = 0; i < old_n; i++)
        if (old[i].site != 0)
            key_place(old[i]);
    ml_free(old);
    return true;
}

static void key_remove(struct key *k)
{
    size_t hole = (size_t)(k - sites.keys);
    sites.n_keys--;
    for (size_t i = (hole + 1) & sites.mask; sites.keys[i].site != 0; i = (i + 1) & sites.mask) {
        const struct key *at = &sites.keys[i];
        size_t home = home_of(at->line, at->scope, at->parent);
        if (((i - home) & sites.mask) < ((i - hole) & sites.mask))
            continue; /* it stands between its home and the hole */
        sites.keys[hole] = *at;
        hole = i;
    }
    sites.keys[hole].site = 0;
}

/* --- accounts ---------------------------------------------------------------------------------------- */

enum { CHUNK_LEAST = 64, CHUNK_MOST = 4096 };

static struct ml_account *slot_new(void)
{
    if (sites.n_free_slots != 0)
        return sites.free_slots[--sites.n_free_slots];
    if (sites.chunk_used == sites.chunk_n) {
        uint32_t n = sites.chunk_n < CHUNK_MOST / 2 ? sites.chunk_n * 2 : CHUNK_MOST;
        n = n < CHUNK_LEAST ? CHUNK_LEAST : n;
        void *elements;
        if (ml_book_table(sites.book, ML_BOOK_ACCOUNTS, 0, n, sizeof(struct ml_account),
                          &elements) != ML_OK)
            return NULL;
        sites.chunk = elements;
        sites.chunk_n = n;
        sites.chunk_used = 0;
    }
    return &sites.chunk[sites.chunk_used++];
}

static uint32_t number_new(void)
{
    if (sites.n_free_sites != 0)
        return sites.free_sites[--sites.n_free_sites];
    return sites.next_site < ML_SITE_MOST ? sites.next_site++ : 0;
}

static struct ml_account *account_new(uint32_t site, enum ml_account_kind kind)
{
    struct ml_account *a = slot_new();
    if (a == NULL)
        return NULL;
    memset((void *)a, 0, sizeof *a);
    SET(a->site, site);
    SET(a->kind, kind);
    atomic_store_explicit(&ml_heap_accounts[site], a, memory_order_release);
    return a;
}

/* The site of a line that stands on this path already, or 0. */
static uint32_t on_path(uint32_t line, uint32_t parent)
{
    for (unsigned depth = 0; parent >= ML_SITE_FIRST && depth < 256; depth++) {
        const struct ml_account *a = ml_heap_account(parent);
        if (GET(a->line) == line)
            return parent;
        parent = GET(a->parent);
    }
    return 0;
}

/* First use of a scope's account: remember that it is the scope's. */
static void link_to_scope(uint32_t site, uint32_t scope)
{
    uint32_t *head = ml__scope_head(scope);
    if (head == NULL)
        return;
    sites.next_in_scope[site] = *head;
    *head = site;
}

static ML_NOINLINE uint32_t site_new(uint32_t line, uint32_t scope, uint32_t parent)
{
    if (!keys_grow())
        return 0;
    uint32_t site = parent != 0 ? on_path(line, parent) : 0;
    if (site == 0) {
        site = number_new();
        struct ml_account *a = site != 0 ? account_new(site, ML_ACCOUNT_LINE) : NULL;
        if (a == NULL)
            return 0;
        SET(a->scope, scope);
        SET(a->parent, parent);
        SET(a->line, line);
        if (scope != 0)
            link_to_scope(site, scope);
    }
    key_place((struct key){line, scope, parent, site});
    sites.n_keys++;
    return site;
}

uint32_t ml_heap_site(struct ml_line *line, uint32_t scope, uint32_t parent)
{
    uint32_t ref = sites.book != NULL ? ml_book_line_ref(sites.book, line) : 0;
    if (ref == 0)
        return ML_SITE_OUTSIDE;
    const struct key *k = key_find(ref, scope, parent);
    if (ML_LIKELY(k != NULL))
        return k->site;
    uint32_t site = site_new(ref, scope, parent);
    if (ML_LIKELY(site != 0))
        return site;
    ml__relaxed_add(&ml_heap_totals->lost_accounts, 1);
    return scope != 0 || parent != 0 ? ml_heap_site(line, 0, 0) : ML_SITE_OUTSIDE;
}

/* --- sums ------------------------------------------------------------------------------------------------ */

uint64_t ml__account_alloc(const struct ml_account *a)
{
    return GET(a->alloc_bytes) + GET(a->alloc_any_bytes);
}

int64_t ml__account_live(const struct ml_account *a)
{
    return (int64_t)(ml__account_alloc(a) + GET(a->inherited_bytes) - GET(a->freed_bytes) -
                     GET(a->freed_any_bytes));
}

#define ADD(field) SET(to->field, GET(to->field) + GET(from->field))
#define ADD_ANY(field) atomic_fetch_add_explicit(&to->field, GET(from->field), memory_order_relaxed)
#define RAISE(field)                       \
    if (GET(from->field) > GET(to->field)) \
    SET(to->field, GET(from->field))

void ml__account_add(struct ml_account *to, const struct ml_account *from)
{
    ADD(hits);
    ADD(net_bytes);
    ADD(own_net_bytes);
    RAISE(peak_bytes);
    ADD(rss_net_bytes);
    ADD(alloc_bytes);
    ADD(alloc_count);
    ADD(freed_bytes);
    ADD(freed_count);
    ADD_ANY(freed_any_bytes);
    ADD_ANY(freed_any_count);
    ADD(inherited_bytes);
    ADD_ANY(map_bytes);
    ADD_ANY(map_file_bytes);
    ADD(samples);
    ADD(alloc_variance);
    ADD(freed_variance);
    RAISE(weight_bytes);
    ADD(realloc_count);
    ADD_ANY(alloc_any_bytes);
    ADD_ANY(alloc_any_count);
}

uint32_t ml__site_next(uint32_t site)
{
    return sites.next_in_scope[site];
}

void ml__sites_of_scope(uint32_t scope, struct ml_account *sum)
{
    const uint32_t *head = ml__scope_head(scope);
    memset((void *)sum, 0, sizeof *sum);
    for (uint32_t site = head != NULL ? *head : 0; site != 0; site = sites.next_in_scope[site])
        ml__account_add(sum, ml_heap_account(site));
}

/* --- folding ---------------------------------------------------------------------------------------------- */

static bool push_u32(uint32_t **at, size_t *n, size_t *cap, uint32_t value)
{
    if (*n == *cap) {
        size_t more = *cap == 0 ? 64 : *cap * 2;
        uint32_t *p = ml_realloc(*at, more, sizeof *p);
        if (p == NULL)
            return false;
        *at = p;
        *cap = more;
    }
    (*at)[(*n)++] = value;
    return true;
}

static bool push_slot(struct ml_account *a)
{
    if (sites.n_free_slots == sites.cap_free_slots) {
        size_t more = sites.cap_free_slots == 0 ? 64 : sites.cap_free_slots * 2;
        struct ml_account **p = ml_realloc(sites.free_slots, more, sizeof *p);
        if (p == NULL)
            return false;
        sites.free_slots = p;
        sites.cap_free_slots = more;
    }
    sites.free_slots[sites.n_free_slots++] = a;
    return true;
}

/* The account that takes the figures of `a`: its line's without scope. NULL without memory. */
static struct ml_account *fold_target(const struct ml_account *a)
{
    uint32_t line = GET(a->line);
    const struct key *k = key_find(line, 0, 0);
    uint32_t site = k != NULL ? k->site : site_new(line, 0, 0);
    return site != 0 ? ml_heap_account(site) : NULL;
}

static void fold_one(uint32_t site)
{
    struct ml_account *a = ml_heap_account(site);
    struct ml_account *to = fold_target(a);
    struct key *k = key_find(GET(a->line), GET(a->scope), GET(a->parent));
    if (to == NULL)
        return;
    if (k != NULL && k->site == site)
        key_remove(k);
    bool alive = ml__account_live(a) != 0 || GET(a->map_bytes) != 0 || GET(a->map_file_bytes) != 0;
    atomic_store_explicit(&ml_heap_accounts[site], to, memory_order_release);
    ml__account_add(to, a);
    SET(a->kind, ML_ACCOUNT_UNUSED);
    push_slot(a);
    if (!alive)
        push_u32(&sites.free_sites, &sites.n_free_sites, &sites.cap_free_sites, site);
}

void ml__sites_fold(uint32_t scope)
{
    uint32_t *head = ml__scope_head(scope);
    uint32_t site = head != NULL ? *head : 0;
    if (head != NULL)
        *head = 0;
    while (site != 0) {
        uint32_t next = sites.next_in_scope[site];
        fold_one(site);
        site = next;
    }
}

/* --- forks ---------------------------------------------------------------------------------------------- */

static bool each_own(uint32_t site, struct ml_account **a)
{
    *a = ml_heap_account(site);
    return *a != NULL && GET((*a)->site) == site;
}

/* What the thread has not told its account yet is alive too. */
static void add_pending(struct ml_heap_thread *t, void *context)
{
    uint32_t site = GET(ml_heap_account(GET(t->site))->site); /* another's, if it was folded */
    sites.at_fork[site].bytes += (int64_t)GET(t->alloc_bytes);
}

void ml__sites_before_fork(void)
{
    struct ml_account *a;
    if (sites.book == NULL)
        return;
    for (uint32_t site = 1; site < sites.next_site; site++)
        if (each_own(site, &a))
            sites.at_fork[site] = (struct alive){ml__account_live(a),
                                                 GET(a->alloc_variance) - GET(a->freed_variance)};
    ml__each_thread(add_pending, NULL);
}

void ml__sites_after_fork(void)
{
    struct ml_account *a;
    for (uint32_t site = 1; sites.book != NULL && site < sites.next_site; site++) {
        if (!each_own(site, &a))
            continue;
        struct ml_account fresh = {.site = site,
                                   .line = GET(a->line),
                                   .scope = GET(a->scope),
                                   .parent = GET(a->parent),
                                   .kind = GET(a->kind)};
        const struct alive *alive = &sites.at_fork[site];
        fresh.inherited_bytes = alive->bytes > 0 ? (uint64_t)alive->bytes : 0;
        fresh.freed_variance = -alive->variance;
        fresh.weight_bytes = GET(a->weight_bytes);
        memcpy((void *)a, &fresh, sizeof fresh);
    }
}

/* --- beginning ------------------------------------------------------------------------------------------ */

static void *pages_once(void *p, size_t n)
{
    return p != NULL ? p : ml_pages(n);
}

int ml__sites_begin(struct ml_book *b)
{
    static _Atomic(struct ml_account *) *all;
    all = pages_once((void *)all, ML_SITE_MOST * sizeof *all);
    sites.next_in_scope = pages_once(sites.next_in_scope, ML_SITE_MOST * sizeof(uint32_t));
    sites.at_fork = pages_once(sites.at_fork, ML_SITE_MOST * sizeof(struct alive));
    if (all == NULL || sites.next_in_scope == NULL || sites.at_fork == NULL)
        return ML_ENOMEM;
    sites.book = b;
    sites.chunk_n = sites.chunk_used = 0;
    sites.n_free_sites = sites.n_free_slots = 0;
    sites.n_keys = 0;
    if (sites.keys != NULL)
        memset(sites.keys, 0, (sites.mask + 1) * sizeof *sites.keys);
    sites.next_site = ML_SITE_FIRST;
    all[ML_SITE_NONE] = &nobody;
    if (ml_heap_accounts != all) {
        all[ML_SITE_OUTSIDE] = all[ML_SITE_NATIVE] = &nobody;
        ml_heap_accounts = all;
    }
    if (account_new(ML_SITE_OUTSIDE, ML_ACCOUNT_OUTSIDE) == NULL ||
        account_new(ML_SITE_NATIVE, ML_ACCOUNT_NATIVE) == NULL)
        return ML_EFULL;
    return ML_OK;
}
