/* core/scope_heap.h -- what a line's start and end mean to the heap. Within scope.c only.
 *
 * At a line's start its account becomes the thread's current one; at its end the thread's net and high
 * tell what the execution did. What a profiled callee did is in its caller's net and peak, but not in its
 * own net. A frame that was pushed and has no line yet charges its caller. An execution that is paused
 * goes on with the net of its stretches before, so that its peak is the highest of their sum.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SCOPE_HEAP_H
#define ML_CORE_SCOPE_HEAP_H

#include "core/heap_scope.h"
#include "core/scope.h"

/* This thread's slot if lines are to be accounted for, else NULL. Cost in line mode: a load, a branch. */
static inline struct ml_heap_thread *heap_on(const struct ml_frame *f)
{
    if (ML_LIKELY(__atomic_load_n((uint32_t *)&ml_heap_mode_now, __ATOMIC_RELAXED) !=
                  ML_HEAP_EXACT) ||
        f->sheet->sites == NULL)
        return NULL;
    struct ml_heap_thread *h = ml_heap_mine;
    return ML_LIKELY(h != NULL && h->busy == 0) ? h : ml_heap_thread();
}

static inline bool heap_knows(const struct ml_frame *f)
{
    return f->site != 0 && f->era == ml_heap_era;
}

/* The nearest frame further out that is accounted for, or NULL. */
static inline struct ml_frame *heap_caller(const struct ml_thread *t, struct ml_frame *f)
{
    while (f > t->frames)
        if (heap_knows(--f))
            return f;
    return NULL;
}

static inline void raise_high(struct ml_frame *f, int64_t high)
{
    if (f != NULL && high > f->net_high)
        f->net_high = high;
}

/* Since f's line started, nothing was allocated or freed here, by callees neither: there is nothing to
 * close. */
static inline bool heap_still(const struct ml_frame *f, const struct ml_heap_thread *h)
{
    int64_t net = atomic_load_explicit(&h->net_bytes, memory_order_relaxed);
    return f->net_before == net && f->net_high == net && h->high_bytes == net &&
           f->callees_net == 0 && heap_knows(f);
}

/* The execution of f's line ends, or pauses. */
static inline void heap_close(const struct ml_thread *t, struct ml_frame *f,
                              struct ml_heap_thread *h)
{
    if (!heap_knows(f))
        return;
    int64_t net = atomic_load_explicit(&h->net_bytes, memory_order_relaxed);
    int64_t delta = net - f->net_before;
    struct ml_account *a = ml_heap_account(f->site);
    raise_high(f, ml_heap_mark(h));
    if (delta != 0 && !f->nested)
        add_i64(&a->net_bytes, delta);
    if (delta != f->callees_net)
        add_i64(&a->own_net_bytes, delta - f->callees_net);
    int64_t rise = f->net_carried + f->net_high - f->net_before;
    if (rise > (int64_t)atomic_load_explicit(&a->peak_bytes, memory_order_relaxed))
        atomic_store_explicit(&a->peak_bytes, (uint64_t)rise, memory_order_relaxed);
    struct ml_frame *caller = heap_caller(t, f);
    raise_high(caller, f->net_high);
    if (caller != NULL)
        caller->callees_net += delta;
    f->net_carried += delta; /* should it go on */
    f->net_before = f->net_high = net;
    f->callees_net = 0;
}

static inline uint32_t site_of(const struct ml_thread *t, struct ml_frame *f,
                               const struct ml_heap_thread *h)
{
    uint32_t parent = 0;
    if (ML_UNLIKELY(ml_heap_paths)) {
        const struct ml_frame *caller = heap_caller(t, f);
        parent = caller != NULL ? caller->site : 0;
    }
    uint32_t scope = atomic_load_explicit(&h->scope, memory_order_relaxed);
    uint32_t *cached = &f->sheet->sites[f->line - f->sheet->lines];
    uint32_t site = *cached;
    const struct ml_account *a = ml_heap_account(site);
    if (ML_LIKELY(site != 0 && a->scope == scope && a->parent == parent && a->site == site))
        return site;
    return *cached = ml_heap_site(f->line, scope, parent);
}

static inline void look_at_clock(const struct ml_thread *t)
{
    if (ML_UNLIKELY(t->rss.last_ticks >=
                    atomic_load_explicit(&ml_heap_next_look, memory_order_relaxed)))
        ml_heap_look_at_clock();
}

/* f's line starts where the line before left the heap as it was. */
static inline void heap_go_on(const struct ml_thread *t, struct ml_frame *f,
                              struct ml_heap_thread *h)
{
    f->site = site_of(t, f, h);
    ml_heap_switch(h, f->site);
    look_at_clock(t);
}

/* f's line starts, or goes on after a pause. */
static inline void heap_open(const struct ml_thread *t, struct ml_frame *f,
                             struct ml_heap_thread *h)
{
    if (f->line == NULL)
        return;
    if (f->site == 0) { /* what its caller did so far is the caller's */
        int64_t high = ml_heap_mark(h);
        raise_high(heap_caller(t, f), high);
    }
    f->era = ml_heap_era;
    f->net_before = f->net_high = atomic_load_explicit(&h->net_bytes, memory_order_relaxed);
    f->callees_net = 0;
    heap_go_on(t, f, h);
}

/* f has left the stack: its caller's line goes on, in its caller's scope. */
static inline void heap_back(const struct ml_thread *t, const struct ml_frame *f,
                             struct ml_heap_thread *h)
{
    struct ml_frame *caller = heap_caller(t, t->frames + t->n);
    uint32_t scope = t->n != 0 ? t->frames[t->n - 1].heap_scope : t->base_scope;
    if (heap_knows(f))
        ml_heap_switch(h, caller != NULL ? caller->site : ML_SITE_OUTSIDE);
    if (atomic_load_explicit(&h->scope, memory_order_relaxed) != scope)
        raise_high(caller, ml_heap_mark(h));
    ml_heap_scope_enter(h, scope);
}

#endif
