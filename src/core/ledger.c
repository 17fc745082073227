/* core/ledger.c -- see ledger.h. SPDX-License-Identifier: MIT */
#include "core/ledger.h"

#include <stdatomic.h>
#include <sys/mman.h>

_Atomic(struct ml_ledger_middle *) ml_ledger_root[ML_LEDGER_ROOT];
static _Atomic size_t mapped_bytes;

enum { REGION_BYTES = ML_LEDGER_CELLS * (int)sizeof(uint32_t) };

static void *map(size_t n)
{
    void *p = ml_pages(n);
    if (p != NULL)
        atomic_fetch_add_explicit(&mapped_bytes, n, memory_order_relaxed);
    return p;
}

static void unmap(void *p, size_t n)
{
    ml_pages_free(p, n);
    atomic_fetch_sub_explicit(&mapped_bytes, n, memory_order_relaxed);
}

static struct ml_ledger_middle *middle_of(uintptr_t a)
{
    _Atomic(struct ml_ledger_middle *) *at = &ml_ledger_root[a >> 33];
    struct ml_ledger_middle *m = atomic_load_explicit(at, memory_order_acquire);
    if (m != NULL)
        return m;
    struct ml_ledger_middle *made = map(sizeof *made);
    if (made == NULL || atomic_compare_exchange_strong(at, &m, made))
        return made;
    unmap(made, sizeof *made);
    return m; /* another thread was first */
}

ML_NOINLINE uint32_t *ml_ledger_make(uintptr_t a)
{
    struct ml_ledger_middle *m = a >> 47 == 0 ? middle_of(a) : NULL;
    if (m == NULL)
        return NULL;
    _Atomic(uint32_t *) *at = &m->regions[(a >> 20) & (ML_LEDGER_MIDDLE - 1)];
    uint32_t *c = atomic_load_explicit(at, memory_order_acquire);
    if (c != NULL)
        return c;
    uint32_t *made = map(REGION_BYTES);
    if (made == NULL || atomic_compare_exchange_strong(at, &c, made))
        return made;
    unmap(made, REGION_BYTES);
    return c;
}

ML_NOINLINE uint64_t ml_ledger_take_large(uintptr_t a)
{
    uint32_t *low = ml_ledger_find(a + 16);
    uint32_t *high = ml_ledger_find(a + 32);
    if (low == NULL || high == NULL)
        return 0;
    uint64_t size = (uint64_t)ml_cell_get(high) << 32 | ml_cell_get(low);
    ml_cell_set(low, 0);
    ml_cell_set(high, 0);
    return size;
}

ML_NOINLINE bool ml_ledger_enter(uintptr_t a, uint64_t size, uint32_t site)
{
    uint32_t *c = ml_ledger_cell(a);
    uint32_t field = (uint32_t)size + 1;
    if (size > ML_CELL_SMALL_MOST) { /* then it lies over the next cells too */
        uint32_t *low = ml_ledger_cell(a + 16);
        uint32_t *high = ml_ledger_cell(a + 32);
        if (low == NULL || high == NULL)
            return false;
        ml_cell_set(low, (uint32_t)size);
        ml_cell_set(high, (uint32_t)(size >> 32));
        field = ML_CELL_LARGE;
    }
    if (c != NULL)
        ml_cell_set(c, site << ML_CELL_SITE_SHIFT | field);
    return c != NULL;
}

/* Calls f for each region there is. */
static size_t each_region(size_t (*f)(void *region))
{
    size_t sum = 0;
    for (size_t i = 0; i < ML_LEDGER_ROOT; i++) {
        struct ml_ledger_middle *m = atomic_load(&ml_ledger_root[i]);
        for (size_t j = 0; m != NULL && j < ML_LEDGER_MIDDLE; j++) {
            uint32_t *c = atomic_load(&m->regions[j]);
            if (c != NULL)
                sum += f(c);
        }
    }
    return sum;
}

/* The pages are dropped and read as zeros again; the addresses stay. */
static size_t clear(void *region)
{
    madvise(region, REGION_BYTES, MADV_DONTNEED);
    return 0;
}

void ml_ledger_clear(void)
{
    each_region(clear);
}

size_t ml_ledger_mapped(void)
{
    return atomic_load_explicit(&mapped_bytes, memory_order_relaxed);
}

static size_t resident(void *region)
{
    unsigned char in[REGION_BYTES / 4096];
    size_t pages = 0;
    if (mincore(region, REGION_BYTES, in) != 0)
        return 0;
    for (size_t i = 0; i < (size_t)REGION_BYTES / ml_page_bytes(); i++)
        pages += in[i] & 1;
    return pages * ml_page_bytes();
}

size_t ml_ledger_resident(void)
{
    return each_region(resident);
}
