/* base/map.h -- a hash map from byte strings to a uint64_t (an index, or a pointer).
 *
 * Open addressing, linear probing, at most 3/4 full; keys are copied. Deterministic hash: do not use
 * it for keys an attacker chooses in large numbers without a bound on their count.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_MAP_H
#define ML_BASE_MAP_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_map_slot;

/* All-zero is a valid empty map. */
struct ml_map {
    /* private */
    struct ml_map_slot *slots; /* owned */
    size_t cap;                /* slots, a power of two */
    size_t n;                  /* keys in use */
};

uint64_t ml_hash(struct ml_str s);

/* The value's place, or NULL. It ends with the next put. */
uint64_t *ml_map_find(const struct ml_map *m, struct ml_str key);
/* The key's value is set, new or not. 0 or ML_ENOMEM. */
int ml_map_put(struct ml_map *m, struct ml_str key, uint64_t value);
/* True if the key was there. */
bool ml_map_remove(struct ml_map *m, struct ml_str key);
/* Walk: *i starts at 0; false at the end. No put or remove meanwhile. */
bool ml_map_next(const struct ml_map *m, size_t *i, struct ml_str *key, uint64_t *value);
void ml_map_free(struct ml_map *m);

#endif
