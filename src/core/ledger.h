/* core/ledger.h -- the shadow map: for each block's address, its size and who owns it.
 *
 * Picture:   address | 14 bits root | 13 bits middle | 16 bits cell | 4 bits |
 *            root[16384] -> middle[8192] -> cells[65536] of 8 bytes: one for each 16 bytes of a MiB
 * Invariant: an address belongs to one thread from the moment the allocator returns it until the
 *            moment it takes it back, and is entered after the one and cleared before the other: so a
 *            cell has one writer, and plain loads and stores of 8 bytes do.
 * Threads:   any, also signal handlers and forked children: no lock, tables come by compare-and-swap.
 * Memory:    mapped by the system call, page by page as blocks come to be: 8 bytes for each 16 of densely
 *            used heap. Never given back while the process lives (others may be looking).
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_LEDGER_H
#define ML_CORE_LEDGER_H

#include "base/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size 0 with site 0 is the empty cell. `size` is the size + 1; ML_CELL_HUGE: the real size stands in
 * the next cell, which is inside the block, so nobody else's. */
struct ml_cell {
    uint32_t size;
    uint32_t site;
};
#define ML_CELL_HUGE 0xFFFFFFFFu
/* `size` is an index into the table of samples (sampler.h). */
#define ML_SITE_SAMPLED 0xFFFFFFFFu

enum {
    ML_LEDGER_ROOT = 1 << 14,
    ML_LEDGER_MIDDLE = 1 << 13,
    ML_LEDGER_CELLS = 1 << 16,
};

struct ml_ledger_middle {
    _Atomic(struct ml_cell *) regions[ML_LEDGER_MIDDLE];
};

extern _Atomic(struct ml_ledger_middle *) ml_ledger_root[ML_LEDGER_ROOT];

/* The region's cells, made if they are not there; NULL when memory ran out, or above 47 bits. */
struct ml_cell *ml_ledger_make(uintptr_t address);
/* Forget all blocks. Others may be at work: what they enter meanwhile may stay. */
void ml_ledger_clear(void);
/* Bytes mapped for tables, and of those the ones that are resident (a look at each page: slow). */
size_t ml_ledger_mapped(void);
size_t ml_ledger_resident(void);

/* The cell of an address, or NULL where no block was ever entered.
 * Cost: two dependent loads that mostly hit the cache. */
static inline struct ml_cell *ml_ledger_find(uintptr_t a)
{
    if (ML_UNLIKELY(a >> 47 != 0))
        return NULL;
    struct ml_ledger_middle *m = __atomic_load_n(
        (struct ml_ledger_middle **)&ml_ledger_root[a >> 33], __ATOMIC_RELAXED);
    if (ML_UNLIKELY(m == NULL))
        return NULL;
    struct ml_cell *c = __atomic_load_n(
        (struct ml_cell **)&m->regions[(a >> 20) & (ML_LEDGER_MIDDLE - 1)], __ATOMIC_RELAXED);
    return ML_LIKELY(c != NULL) ? &c[(a >> 4) & (ML_LEDGER_CELLS - 1)] : NULL;
}

/* For writing. */
static inline struct ml_cell *ml_ledger_cell(uintptr_t a)
{
    struct ml_cell *c = ml_ledger_find(a);
    if (ML_LIKELY(c != NULL))
        return c;
    c = ml_ledger_make(a);
    return c != NULL ? &c[(a >> 4) & (ML_LEDGER_CELLS - 1)] : NULL;
}

/* A cell is read and written whole. */
static inline struct ml_cell ml_cell_load(const struct ml_cell *c)
{
    struct ml_cell v;
    uint64_t bits = __atomic_load_n((const uint64_t *)(const void *)c, __ATOMIC_RELAXED);
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
}

static inline void ml_cell_store(struct ml_cell *c, struct ml_cell v)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    __atomic_store_n((uint64_t *)(void *)c, bits, __ATOMIC_RELAXED);
}

static inline bool ml_cell_empty(struct ml_cell v)
{
    return (v.size | v.site) == 0;
}

#endif
