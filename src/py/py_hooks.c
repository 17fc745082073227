/* py/py_hooks.c -- see py_hooks.h.
 *
 * PyMem_SetAllocator writes five words while other threads may be reading them (the RAW domain is used
 * without the interpreter lock). So any mixture of old and new words must work: our functions take nothing
 * from their context, and the context we install is the one that was there.
 * SPDX-License-Identifier: MIT */
#include "py/py_hooks.h"

#include "py/pycompat.h"

#include "core/heap.h"

struct domain {
    PyMemAllocatorEx real;
    bool installed;
};

static struct domain domains[3]; /* by PyMemAllocatorDomain */

/* --- whose lock ------------------------------------------------------------------------------------------ */

/* Interpreters may have a lock each: then "with the interpreter lock" excludes nobody, and all frees are charged
 * atomically. That begins with the RAW block that holds an interpreter's state (some 190 KiB in 3.13, 380 in
 * 3.12), so before there is a second lock, and ends when there is but one interpreter a second later: programs
 * have other blocks of that size. Who makes an interpreter sees the word that it set itself; whoever runs in it
 * later was told by that thread; and those of the main interpreter need not know. */
enum { INTERPRETER_LEAST = 128 << 10, LOOK_AGAIN = 1 << 14 /* frees of a thread */ };

static _Atomic uint64_t many_locks; /* [lock-free] since when, ns; 0: there is one */

static ML_NOINLINE void a_lock_may_come(void)
{
    atomic_store(&many_locks, ml_now_ns());
}

static ML_NOINLINE bool still_many(void)
{
    static ML_THREAD_LOCAL uint32_t asked;
    uint64_t since = atomic_load(&many_locks);
    if (++asked % LOOK_AGAIN == 0 && ml_now_ns() - since > 1000000000u &&
        ml_only_main_interpreter())
        return !atomic_compare_exchange_strong(&many_locks, &since, 0);
    return true;
}

/* Is the caller, who has an interpreter's lock, alone? Cost: a load, a branch. */
static inline bool alone(bool locked)
{
    return ML_HAS_OWN_LOCKS
               ? locked &&
                     (ML_LIKELY(atomic_load_explicit(&many_locks, memory_order_relaxed) == 0) ||
                      !still_many())
               : locked;
}

/* --- the hooks ----------------------------------------------------------------------------------------------- */

static bool tracing_below; /* tracemalloc was on when our hooks came in: its own are behind them */

static inline struct ml_heap_thread *begin(bool locked)
{
    return locked ? ml_heap_begin_locked() : ml_heap_begin();
}

static inline void after_alloc(struct ml_heap_thread *t, void *p, size_t n, bool locked)
{
    if (ML_HAS_OWN_LOCKS && !locked && ML_UNLIKELY(n > INTERPRETER_LEAST))
        a_lock_may_come();
    if (ML_LIKELY(p != NULL))
        ml_heap_alloc(t, p, n);
    ml_heap_end(t);
}

static ML_INLINE void *do_malloc(int d, size_t n, bool locked)
{
    const PyMemAllocatorEx *real = &domains[d].real;
    struct ml_heap_thread *t = begin(locked);
    void *p = real->malloc(real->ctx, n);
    if (ML_LIKELY(t != NULL))
        after_alloc(t, p, n, locked);
    return p;
}

static ML_INLINE void *do_calloc(int d, size_t n, size_t size, bool locked)
{
    const PyMemAllocatorEx *real = &domains[d].real;
    struct ml_heap_thread *t = begin(locked);
    void *p = real->calloc(real->ctx, n, size);
    if (ML_LIKELY(t != NULL))
        after_alloc(t, p, n * size, locked); /* it did not overflow, or p is NULL */
    return p;
}

static ML_INLINE void *do_realloc(int d, void *old, size_t n, bool locked)
{
    const PyMemAllocatorEx *real = &domains[d].real;
    struct ml_heap_thread *t = begin(locked);
    if (ML_UNLIKELY(t == NULL))
        return real->realloc(real->ctx, old, n);
    struct ml_cell cell = old != NULL ? ml_heap_take(old) : (struct ml_cell){0, 0};
    void *p = real->realloc(real->ctx, old, n);
    if (ML_LIKELY(p != NULL))
        ml_heap_moved(t, old, cell, p, n, alone(locked));
    else if (old != NULL)
        ml_heap_put(old, cell);
    ml_heap_end(t);
    return p;
}

static ML_INLINE void do_free(int d, void *p, bool locked)
{
    const PyMemAllocatorEx *real = &domains[d].real;
    struct ml_heap_thread *t = begin(locked);
    if (ML_LIKELY(t != NULL))
        ml_heap_release(t, p, alone(locked));
    real->free(real->ctx, p);
    if (ML_LIKELY(t != NULL))
        ml_heap_end(t);
}

/* What sample mode does for nearly every free needs no registers of its caller's: the rest is one jump away. */
#define DOMAIN(name, d, locked)                                              \
    static ML_APART void name##_free_known(void *p)                          \
    {                                                                        \
        do_free(d, p, locked);                                               \
    }                                                                        \
    static void *name##_malloc(void *unused, size_t n)                       \
    {                                                                        \
        return do_malloc(d, n, locked);                                      \
    }                                                                        \
    static void *name##_calloc(void *unused, size_t n, size_t size)          \
    {                                                                        \
        return do_calloc(d, n, size, locked);                                \
    }                                                                        \
    static void *name##_realloc(void *unused, void *p, size_t n)             \
    {                                                                        \
        return do_realloc(d, p, n, locked);                                  \
    }                                                                        \
    static void name##_free(void *unused, void *p)                           \
    {                                                                        \
        if (ml_heap_unknown(p))                                              \
            domains[d].real.free(domains[d].real.ctx, p);                    \
        else                                                                 \
            name##_free_known(p);                                            \
    }                                                                        \
    static const PyMemAllocatorEx name##_hooks = {.malloc = name##_malloc,   \
                                                  .calloc = name##_calloc,   \
                                                  .realloc = name##_realloc, \
                                                  .free = name##_free};

DOMAIN(raw, PYMEM_DOMAIN_RAW, false)
DOMAIN(mem, PYMEM_DOMAIN_MEM, true)
DOMAIN(obj, PYMEM_DOMAIN_OBJ, true)

static const PyMemAllocatorEx *const hooks[3] = {[PYMEM_DOMAIN_RAW] = &raw_hooks,
                                                 [PYMEM_DOMAIN_MEM] = &mem_hooks,
                                                 [PYMEM_DOMAIN_OBJ] = &obj_hooks};

static bool on_top(PyMemAllocatorDomain d)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(d, &now);
    return now.malloc == hooks[d]->malloc;
}

/* To forget a block that it never knew changes nothing, and answers -2 while it is off. */
static bool tracemalloc_is_on(void)
{
    return PyTraceMalloc_Untrack(0, 1) != -2;
}

void ml_hooks_install(void)
{
    if (ML_HAS_OWN_LOCKS && !ml_only_main_interpreter())
        a_lock_may_come(); /* it is there */
    if (!domains[PYMEM_DOMAIN_OBJ].installed)
        tracing_below = tracemalloc_is_on();
    for (int d = 0; d < 3; d++) {
        if (domains[d].installed) /* perhaps behind another tool's: then still in the chain */
            continue;
        PyMem_GetAllocator((PyMemAllocatorDomain)d, &domains[d].real);
        PyMemAllocatorEx ours = *hooks[d];
        ours.ctx = domains[d].real.ctx;
        PyMem_SetAllocator((PyMemAllocatorDomain)d, &ours);
        domains[d].installed = true;
    }
}

void ml_hooks_remove(void)
{
    for (int d = 0; d < 3; d++) {
        if (!domains[d].installed || !on_top((PyMemAllocatorDomain)d))
            continue;
        PyMem_SetAllocator((PyMemAllocatorDomain)d, &domains[d].real);
        domains[d].installed = false;
    }
}

bool ml_hooks_on_top(void)
{
    return on_top(PYMEM_DOMAIN_RAW) && on_top(PYMEM_DOMAIN_MEM) && on_top(PYMEM_DOMAIN_OBJ);
}

bool ml_hooks_alone(void)
{
    return !tracing_below && ml_hooks_on_top();
}
