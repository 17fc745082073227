/* core/heap.h -- heap accounting: what hooks tell of blocks, charged to the thread's current account.
 *
 * Picture:   hook -> thread slot (net, high, allocated: its own) -> at the line's end -> account
 *            hook -> ledger (address -> size, site)            -> at the free         -> owner account
 * The rule:  the outermost hook of a nest counts (bytes(2048) passes OBJ, RAW and malloc: one block).
 *              alloc:   t = begin; p = real(n); if (t) { if (p) alloc(t, p, n); end(t); }
 *              free:    t = begin; if (t) release(t, p, ...); real(p); if (t) end(t);
 *              realloc: t = begin; if (t) old = take(p); q = real(p, n);
 *                       if (t) { if (q) moved(t, p, old, q, n, ...); else if (n) put(p, old);
 *                                else retire(t, old, ...); end(t); }
 *            Enter after the call, clear before it: another thread that gets the address is never lost.
 * Threads:   every thread, with or without the interpreter lock, in signal handlers, after fork. No lock,
 *            no allocation through hooked paths, no Python, errno kept.
 * `locked`:  the hook's caller holds the main interpreter's lock (PyMem's MEM and OBJ domains, while no
 *            interpreter has another): then the owner is charged with plain stores, else with atomic adds to
 *            fields of their own.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_HEAP_H
#define ML_CORE_HEAP_H

#include "core/book.h"
#include "core/heap_format.h"
#include "core/ledger.h"
#include "core/sample_set.h"

#include <string.h>

/* --- on and off ------------------------------------------------------------------------------------ */

/* Start accounting into a book, or change the mode; hooks may be installed before or after. Needs the
 * interpreter lock. Errors: ML_EFULL, ML_ENOMEM; then it is as it was. */
int ml_heap_start(struct ml_book *b, enum ml_heap_mode mode);
/* No more counting; what was counted stays in the book. Blocks alive are forgotten. Threads may still look
 * at the book: let it go with ml_book_retire. */
void ml_heap_stop(void);
/* In a forked child, after ml_book_fork_child: figures begin at 0, live blocks become `inherited`. */
void ml_heap_after_fork(void);
/* [lock-free] */
extern _Atomic uint32_t ml_heap_mode_now;
/* Some block was entered into the ledger in this era: not so in a process that only samples. */
extern bool ml_heap_ledger_used;
/* Rises with each book: sites of another era mean nothing. */
extern uint32_t ml_heap_era;
/* The totals in the book; a dummy while off. Never NULL. */
extern struct ml_heap_totals *ml_heap_totals;

/* A moment for the timeline, if one is due. */
extern _Atomic uint64_t ml_heap_next_look; /* in ticks (base/port.h) */
void ml_heap_look_at_clock(void);
/* Called some 200 times a second while anything happens, with whatever locks the thread has: must be quick,
 * allocate nothing and call no Python. Answers what counts against the memory limit, 0: unknown. NULL:
 * nobody. */
extern uint64_t (*ml_heap_on_look)(void);

/* Heap now: the sum over all threads. Cost: a look at each slot. */
int64_t ml_heap_live(void);

/* --- accounts --------------------------------------------------------------------------------------- */

/* By site; never NULL (unknown sites: the account of outside). Any thread. */
extern _Atomic(struct ml_account *) *ml_heap_accounts;
static inline struct ml_account *ml_heap_account(uint32_t site)
{
    return __atomic_load_n((struct ml_account **)&ml_heap_accounts[site], __ATOMIC_RELAXED);
}

/* The account of (line, scope, parent), made if new; its site. With `parent`, a line that is on its
 * own path already (recursion) answers the site it has there. Needs the interpreter lock. When room ran
 * out: the line's account without scope and parent, or ML_SITE_OUTSIDE, and totals.lost_accounts. */
uint32_t ml_heap_site(struct ml_line *line, uint32_t scope, uint32_t parent);
/* Keep call paths: accounts get parents. Default: no. */
extern bool ml_heap_paths;

/* What the thread allocated since it was last asked goes to its current account. Interpreter lock. */
void ml_heap_flush(struct ml_heap_thread *t);

/* Make the site current in this thread; what was allocated so far goes to the one before. Needs the
 * interpreter lock. */
static inline void ml_heap_switch(struct ml_heap_thread *t, uint32_t site)
{
    if (atomic_load_explicit(&t->alloc_count, memory_order_relaxed) != 0)
        ml_heap_flush(t);
    atomic_store_explicit(&t->site, site, memory_order_relaxed);
}

/* The highest net since the last mark; the next begins here. */
static inline int64_t ml_heap_mark(struct ml_heap_thread *t)
{
    int64_t high = t->high_bytes;
    if (high > t->scope_high)
        t->scope_high = high;
    t->high_bytes = atomic_load_explicit(&t->net_bytes, memory_order_relaxed);
    return high;
}

/* --- this thread ------------------------------------------------------------------------------------ */

extern ML_THREAD_LOCAL struct ml_heap_thread *ml_heap_mine;

/* `busy` of a slot in a book that accounting has left: the thread needs another, if it is on. */
#define ML_HEAP_RETIRED 0xFFFFFFFFu
/* `busy` within a hook that the interpreter itself called, under its lock; 1 in all others. */
#define ML_HEAP_IN_PYTHON 2u
/* `busy` and `python` of a thread that runs Python and is in no hook. */
#define ML_HEAP_READY ((uint64_t)1 << 32)
static_assert(offsetof(struct ml_heap_thread, python) ==
                  offsetof(struct ml_heap_thread, busy) + sizeof(uint32_t),
              "little-endian: `python` is the upper half");

/* This thread's slot, made at first use; NULL while accounting is off. */
struct ml_heap_thread *ml_heap_thread(void);
/* Slow half of begin: the thread has no slot, its slot is retired, or it is inside a hook; or accounting is
 * off. */
struct ml_heap_thread *ml_heap_begin_new(void);
/* The thread runs Python code: what it allocates from now on is no native thread's. Needs the lock of any
 * interpreter. */
void ml_heap_python(struct ml_heap_thread *t);

/* Enter a hook: the slot, now busy; NULL: pass through (off, or inside another hook).
 * Cost: two loads, two branches, a store. */
static inline struct ml_heap_thread *ml_heap_begin(void)
{
    struct ml_heap_thread *t = ml_heap_mine;
    if (ML_UNLIKELY(t == NULL || t->busy != 0))
        return ml_heap_begin_new();
    t->busy = 1;
    return t;
}

/* Slow half of the next: the thread may be new to Python. */
struct ml_heap_thread *ml_heap_begin_python(void);

/* Nothing is under way in the thread, and it ran Python before. */
static inline bool ml_heap_ready(const struct ml_heap_thread *t)
{
    uint64_t both;
    memcpy(&both, &t->busy, sizeof both);
    return both == ML_HEAP_READY;
}

/* The same in a hook that the interpreter calls under its lock. */
static inline struct ml_heap_thread *ml_heap_begin_locked(void)
{
    struct ml_heap_thread *t = ml_heap_mine;
    if (ML_UNLIKELY(t == NULL || !ml_heap_ready(t)))
        return ml_heap_begin_python();
    t->busy = ML_HEAP_IN_PYTHON;
    return t;
}

static inline void ml_heap_end(struct ml_heap_thread *t)
{
    t->busy = 0;
}

/* --- blocks: between begin and end ------------------------------------------------------------------- */

/* Slow halves. `due`: the countdown has run out: time to look at the clock (exact), or to sample; true: the
 * block needs nothing more. */
bool ml_heap_due(struct ml_heap_thread *t, void *p, size_t n);
void ml_heap_alloc_odd(struct ml_heap_thread *t, void *p, size_t n);
void ml_heap_retire_odd(struct ml_heap_thread *t, struct ml_cell old);

static inline void ml__relaxed_add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* n bytes more (or fewer) for this thread. */
static inline void ml__heap_net(struct ml_heap_thread *t, int64_t n)
{
    int64_t net = atomic_load_explicit(&t->net_bytes, memory_order_relaxed) + n;
    atomic_store_explicit(&t->net_bytes, net, memory_order_relaxed);
    if (net > t->high_bytes)
        t->high_bytes = net;
}

/* n bytes fewer, n >= 0: that raises no highest. */
static inline void ml__heap_less(struct ml_heap_thread *t, int64_t n)
{
    atomic_store_explicit(&t->net_bytes,
                          atomic_load_explicit(&t->net_bytes, memory_order_relaxed) - n,
                          memory_order_relaxed);
}

/* A block of n bytes was allocated at p.
 * Hot: every allocation of the program passes here. Cost: about twenty instructions, no call. */
static inline void ml_heap_alloc(struct ml_heap_thread *t, void *p, size_t n)
{
    t->sample_left -= (int64_t)(n + (n == 0));
    if (ML_UNLIKELY(t->sample_left <= 0) && ml_heap_due(t, p, n))
        return;
    if (__atomic_load_n((uint32_t *)&ml_heap_mode_now, __ATOMIC_RELAXED) != ML_HEAP_EXACT)
        return;
    uint32_t *c = ml_ledger_find((uintptr_t)p);
    if (ML_UNLIKELY(c == NULL || n > ML_CELL_SMALL_MOST || ml_cell_get(c) != 0)) {
        ml_heap_alloc_odd(t, p, n);
        return;
    }
    uint32_t site = atomic_load_explicit(&t->site, memory_order_relaxed);
    ml_cell_set(c, site << ML_CELL_SITE_SHIFT | ((uint32_t)n + 1));
    ml__heap_net(t, (int64_t)n);
    ml__relaxed_add(&t->alloc_bytes, n);
    ml__relaxed_add(&t->alloc_count, 1);
}

/* Take p's entry out of the ledger. Empty: we never saw it allocated. Nothing is charged yet. */
static inline struct ml_cell ml_heap_take(void *p)
{
    struct ml_cell old = {0, 0};
    if (ML_LIKELY(ml_heap_ledger_used))
        old = ml_ledger_take((uintptr_t)p);
    if (old.cell == 0 && ml_sample_maybe((uintptr_t)p))
        old = ml_sample_take((uintptr_t)p);
    return old;
}

/* Put back what was taken: the call failed, and the block lives. */
void ml_heap_put(void *p, struct ml_cell old);

/* The block whose entry was taken at p is gone: charge its owner. */
static inline void ml_heap_retire(struct ml_heap_thread *t, struct ml_cell old, bool locked)
{
    if (ML_UNLIKELY(old.cell == 0 || ml_cell_field(old.cell) == ML_CELL_SAMPLED)) {
        ml_heap_retire_odd(t, old);
        return;
    }
    struct ml_account *a = ml_heap_account(ml_cell_site(old.cell));
    ml__heap_less(t, (int64_t)old.size);
    if (locked) {
        ml__relaxed_add(&a->freed_bytes, old.size);
        ml__relaxed_add(&a->freed_count, 1);
    } else {
        atomic_fetch_add_explicit(&a->freed_any_bytes, old.size, memory_order_relaxed);
        atomic_fetch_add_explicit(&a->freed_any_count, 1, memory_order_relaxed);
    }
}

/* Nothing was ever noted of p: its free needs no more. Cost: two loads, a multiplication, two branches. */
static inline bool ml_heap_unknown(const void *p)
{
    return !ml_heap_ledger_used && !ml_sample_maybe((uintptr_t)p);
}

/* p is about to be freed. */
static inline void ml_heap_release(struct ml_heap_thread *t, void *p, bool locked)
{
    struct ml_cell old = p != NULL ? ml_heap_take(p) : (struct ml_cell){0, 0};
    if (old.cell != 0)
        ml_heap_retire(t, old, locked);
    else if (p != NULL && ML_LIKELY(ml_heap_ledger_used)) /* not in a process that only samples */
        ml_heap_retire_odd(t, old);
}

/* A realloc of `p` (whose cell `old` was taken) answered q with n bytes: a free and an allocation. */
static inline void ml_heap_moved(struct ml_heap_thread *t, void *p, struct ml_cell old, void *q,
                                 size_t n, bool locked)
{
    if (p != NULL) {
        ml_heap_retire(t, old, locked);
        t->reallocs++;
    }
    ml_heap_alloc(t, q, n);
}

/* The block at p is not the program's (the interpreter made it to tell us of an event): undo its
 * allocation by this thread. Only right after it was made. */
void ml_heap_disown(struct ml_heap_thread *t, void *p);

/* --- mappings: any thread, outside of begin and end or inside --------------------------------------------- */

/* Bytes mapped (n > 0) or unmapped (n < 0) that this site's account answers for. Atomic. */
void ml_heap_mapped(uint32_t site, int64_t n, bool file);
/* The site of the calling thread; ML_SITE_NONE while off. */
uint32_t ml_heap_site_here(void);

#endif
