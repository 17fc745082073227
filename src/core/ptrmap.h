/* core/ptrmap.h -- a small hash map from addresses to addresses.
 *
 * Open addressing, linear probing, at most half full; key 0 is not allowed.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_PTRMAP_H
#define ML_CORE_PTRMAP_H

#include <stddef.h>
#include <stdint.h>

struct ml_ptrslot {
    uintptr_t key; /* 0: free */
    uintptr_t value;
};

/* All-zero is a valid empty map. */
struct ml_ptrmap {
    /* private */
    struct ml_ptrslot *slots; /* owned */
    size_t mask;              /* slots - 1 */
    size_t n;
};

static inline size_t ml_ptrmap_home(const struct ml_ptrmap *m, uintptr_t key)
{
    return (size_t)((key >> 4) * 0x9E3779B97F4A7C15u >> 32) & m->mask;
}

/* The value's place, or NULL. It ends with the next put or remove. */
static inline uintptr_t *ml_ptrmap_find(const struct ml_ptrmap *m, const void *key)
{
    if (m->n == 0)
        return NULL;
    size_t i = ml_ptrmap_home(m, (uintptr_t)key);
    for (; m->slots[i].key != 0; i = (i + 1) & m->mask)
        if (m->slots[i].key == (uintptr_t)key)
            return &m->slots[i].value;
    return NULL;
}

/* The value's place, made with value 0 if the key is new; NULL when memory ran out. */
uintptr_t *ml_ptrmap_put(struct ml_ptrmap *m, const void *key);
/* Nothing happens when the key is not there. */
void ml_ptrmap_remove(struct ml_ptrmap *m, const void *key);
void ml_ptrmap_free(struct ml_ptrmap *m);

#endif
