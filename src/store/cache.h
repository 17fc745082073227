/* store/cache.h -- decoded columns of sealed segments, the least recently used go first.
 *
 * Segments never change and their ids are never used again, so an entry cannot become wrong.
 * Threads: any; one lock, held for a look-up. SPDX-License-Identifier: MIT */
#ifndef ML_STORE_CACHE_H
#define ML_STORE_CACHE_H

#include "store/strip.h"

#include <stdint.h>

struct ml__cache;

int ml__cache_new(uint64_t max_bytes, struct ml__cache **out);
void ml__cache_free(struct ml__cache *c); /* NULL is fine; strips handed out live on */

/* A reference for the caller, or NULL. */
struct ml__strip *ml__cache_find(struct ml__cache *c, int64_t chunk);
/* Takes a reference of its own; a strip larger than the cache is not kept. If another thread was
 * first, its strip stays. */
void ml__cache_put(struct ml__cache *c, int64_t chunk, struct ml__strip *s);
uint64_t ml__cache_bytes(struct ml__cache *c);

#endif
