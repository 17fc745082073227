/* core/sample_set.c -- see sample_set.h. SPDX-License-Identifier: MIT */
#include "core/sample_set.h"

#include <stdatomic.h>
#include <string.h>

_Atomic uint8_t ml_sample_masks[ML_SAMPLE_BUCKETS];

static struct set {
    _Atomic uintptr_t address[ML_SAMPLE_BUCKETS][ML_SAMPLE_SLOTS]; /* 0: free */
    uint16_t number[ML_SAMPLE_BUCKETS][ML_SAMPLE_SLOTS];
} * set;

bool ml_sample_set_make(void)
{
    if (set == NULL)
        set = ml_pages(sizeof *set);
    return set != NULL;
}

void ml_sample_set_clear(void)
{
    if (set == NULL)
        return;
    memset((void *)ml_sample_masks, 0, sizeof ml_sample_masks);
    memset((void *)set, 0, sizeof *set);
}

static size_t bucket_of(uintptr_t a)
{
    return (size_t)(ml_sample_hash(a) >> 50);
}

static uint8_t bit_of(uintptr_t a)
{
    return (uint8_t)(1u << ((ml_sample_hash(a) >> 47) & 7));
}

bool ml_sample_set_add(uintptr_t a, uint16_t number)
{
    size_t b = bucket_of(a);
    for (size_t i = 0; i < ML_SAMPLE_SLOTS; i++) {
        if (atomic_load_explicit(&set->address[b][i], memory_order_relaxed) != 0)
            continue;
        set->number[b][i] = number;
        atomic_store_explicit(&set->address[b][i], a, memory_order_release);
        atomic_fetch_or(&ml_sample_masks[b], bit_of(a));
        return true;
    }
    return false;
}

int ml_sample_set_remove(uintptr_t a)
{
    size_t b = bucket_of(a);
    int found = -1;
    uint8_t mask = 0;
    for (size_t i = 0; set != NULL && i < ML_SAMPLE_SLOTS; i++) {
        uintptr_t at = atomic_load_explicit(&set->address[b][i], memory_order_relaxed);
        if (at == a) {
            found = set->number[b][i];
            atomic_store_explicit(&set->address[b][i], 0, memory_order_relaxed);
        } else if (at != 0) {
            mask |= bit_of(at);
        }
    }
    if (found >= 0)
        atomic_store(&ml_sample_masks[b], mask);
    return found;
}
