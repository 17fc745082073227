/* core/sample_set.h -- which blocks are samples, asked at every free: address -> number of the sample.
 *
 * Picture:   hash of the address -> bucket of 8 addresses (a cache line), and one byte that has a bit set
 *            for each hash in it: nearly all frees see a bit that is not set, and go their way.
 * Nothing ever moves, so that a free finds its own address without a lock. A full bucket refuses.
 * Threads: maybe and find run anywhere; changes are made by one at a time (the sampler's lock).
 * Memory: 1.3 MiB mapped, real as it is touched. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SAMPLE_SET_H
#define ML_CORE_SAMPLE_SET_H

#include "base/port.h"
#include "core/ledger.h"

enum { ML_SAMPLE_BUCKETS = 1 << 14, ML_SAMPLE_SLOTS = 8 };

extern _Atomic uint8_t ml_sample_masks[ML_SAMPLE_BUCKETS];

static inline uint64_t ml_sample_hash(uintptr_t a)
{
    return ((uint64_t)a >> 4) * 0x9E3779B97F4A7C15u;
}

/* Cost: a multiplication, a load from a small table, a branch. */
static inline bool ml_sample_maybe(uintptr_t a)
{
    uint64_t h = ml_sample_hash(a);
    uint8_t mask = __atomic_load_n((uint8_t *)&ml_sample_masks[h >> 50], __ATOMIC_RELAXED);
    return ML_UNLIKELY((mask >> ((h >> 47) & 7) & 1) != 0);
}

/* Before the first use. False when memory ran out. */
bool ml_sample_set_make(void);
void ml_sample_set_clear(void);
/* False: its bucket is full. */
bool ml_sample_set_add(uintptr_t a, uint16_t number);
/* Takes it out; its number, or -1. */
int ml_sample_set_remove(uintptr_t a);

/* The sample that the block at a is, taken out of the set (sampler.c); empty if it is none. */
struct ml_cell ml_sample_take(uintptr_t a);

#endif
