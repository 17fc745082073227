/* core/ledger.h -- the shadow map: for each block's address, its size and who owns it.
 *
 * Picture:   address | 14 bits root | 13 bits middle | 16 bits cell | 4 bits |
 *            root[16384] -> middle[8192] -> cells[65536] of 4 bytes: one for each 16 bytes of a MiB
 *            cell = site (21 bits) | size field (11 bits)
 *              size field 0           no block begins here
 *                         1 .. 2045   its size + 1
 *                         2046        LARGE: the size stands in the next two cells, which lie inside the
 *                                     block and so are nobody else's
 *                         (2047: never here; in struct ml_cell it marks a sample, see sampler.h)
 * Invariant: an address belongs to one thread from the moment the allocator returns it until the
 *            moment it takes it back, and is entered after the one and cleared before the other: so a
 *            cell has one writer, and plain loads and stores do.
 * Threads:   any, also signal handlers and forked children: no lock, tables come by compare-and-swap.
 * Memory:    mapped from the kernel, page by page as blocks come to be: at most a quarter of the heap that
 *            blocks begin in. Never given back while the process lives (others may be looking).
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_LEDGER_H
#define ML_CORE_LEDGER_H

#include "base/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ML_LEDGER_ROOT = 1 << 14,
    ML_LEDGER_MIDDLE = 1 << 13,
    ML_LEDGER_CELLS = 1 << 16,
    ML_CELL_SITE_SHIFT = 11,
    ML_CELL_SIZE_MASK = (1 << ML_CELL_SITE_SHIFT) - 1,
    ML_CELL_LARGE = 2046,
    ML_CELL_SAMPLED = 2047,
    ML_CELL_SMALL_MOST = 2044, /* bytes whose size fits the field */
};

struct ml_ledger_middle {
    _Atomic(uint32_t *) regions[ML_LEDGER_MIDDLE];
};

extern _Atomic(struct ml_ledger_middle *) ml_ledger_root[ML_LEDGER_ROOT];

/* The region's cells, made if they are not there; NULL when memory ran out, or above 47 bits. */
uint32_t *ml_ledger_make(uintptr_t address);
/* Forget all blocks. Others may be at work: what they enter meanwhile may stay. */
void ml_ledger_clear(void);
/* Bytes mapped for tables, and of those the ones that are resident (a look at each page: slow). */
size_t ml_ledger_mapped(void);
size_t ml_ledger_resident(void);

/* The cell of an address, or NULL where no block was ever entered.
 * Cost: two dependent loads that mostly hit the cache. */
static inline uint32_t *ml_ledger_find(uintptr_t a)
{
    if (ML_UNLIKELY(a >> 47 != 0))
        return NULL;
    struct ml_ledger_middle *m = __atomic_load_n(
        (struct ml_ledger_middle **)&ml_ledger_root[a >> 33], __ATOMIC_ACQUIRE);
    if (ML_UNLIKELY(m == NULL))
        return NULL;
    uint32_t *c = __atomic_load_n((uint32_t **)&m->regions[(a >> 20) & (ML_LEDGER_MIDDLE - 1)],
                                  __ATOMIC_ACQUIRE);
    return ML_LIKELY(c != NULL) ? &c[(a >> 4) & (ML_LEDGER_CELLS - 1)] : NULL;
}

/* For writing. */
static inline uint32_t *ml_ledger_cell(uintptr_t a)
{
    uint32_t *c = ml_ledger_find(a);
    if (ML_LIKELY(c != NULL))
        return c;
    c = ml_ledger_make(a);
    return c != NULL ? &c[(a >> 4) & (ML_LEDGER_CELLS - 1)] : NULL;
}

static inline uint32_t ml_cell_get(const uint32_t *c)
{
    return __atomic_load_n(c, __ATOMIC_RELAXED);
}

static inline void ml_cell_set(uint32_t *c, uint32_t value)
{
    __atomic_store_n(c, value, __ATOMIC_RELAXED);
}

static inline uint32_t ml_cell_field(uint32_t cell)
{
    return cell & ML_CELL_SIZE_MASK;
}

static inline uint32_t ml_cell_site(uint32_t cell)
{
    return cell >> ML_CELL_SITE_SHIFT;
}

/* What was entered for a block. */
struct ml_cell {
    uint32_t cell; /* as it stands in the map; 0: nothing */
    uint64_t size; /* bytes; meaningless for a sample */
};

/* Slow half of take: the size of a large block, whose cells are cleared. */
uint64_t ml_ledger_take_large(uintptr_t a);
/* Enter a block of any size. False when memory ran out. */
bool ml_ledger_enter(uintptr_t a, uint64_t size, uint32_t site);

/* Take the entry of address a out of the map. */
static inline struct ml_cell ml_ledger_take(uintptr_t a)
{
    uint32_t *c = ml_ledger_find(a);
    uint32_t cell = ML_LIKELY(c != NULL) ? ml_cell_get(c) : 0;
    if (cell == 0)
        return (struct ml_cell){0, 0};
    ml_cell_set(c, 0);
    uint32_t field = ml_cell_field(cell);
    return (struct ml_cell){cell, ML_UNLIKELY(field == ML_CELL_LARGE) ? ml_ledger_take_large(a)
                                                                      : field - 1};
}

#endif
