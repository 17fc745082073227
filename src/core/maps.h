/* core/maps.h -- the memory that the program mapped itself: who mapped which addresses, and what stands
 * behind them.
 *
 * Picture:   sorted intervals [begin, end) that never overlap, each with the site that mapped it;
 *            neighbours of the same site and kind are one
 * Counting:  a site's account answers (ml_heap_mapped) for its intervals but those with no access
 *            (PROT_NONE), which are only reserved. Nothing is changed by madvise: it stays mapped.
 * The rule:  what is about to go is marked as leaving before the system is asked, and taken out, or
 *            unmarked, after it answered: so another thread that gets the address is never lost.
 * Threads:   any. One lock, held for the edit alone and never while calling out, with all signals blocked, so
 *            that a handler that maps memory never waits for its own thread. A forked child begins
 *            with an empty map, as its accounts begin at 0.
 * Memory:    a mapping of our own, at most ML_MAPS_MOST intervals; beyond, `lost` counts.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_MAPS_H
#define ML_CORE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ML_MAPS_MOST = 65536 };

enum ml_map_kind {
    ML_MAP_ANON,   /* private memory */
    ML_MAP_SHARED, /* anonymous memory shared with children */
    ML_MAP_MEMORY, /* a file that is in memory only: memfd, tmpfs, huge pages */
    ML_MAP_FILE,   /* a file or device */
    ML_MAP_KINDS,
};

struct ml_map {
    uintptr_t begin;
    uintptr_t end;
    uint32_t site;
    uint8_t kind;
    bool reserved; /* no access */
    bool leaving;
};

struct ml_maps_totals {
    int64_t bytes[ML_MAP_KINDS]; /* mapped now, without what is reserved */
    int64_t reserved_bytes;
    uint64_t dropped_bytes; /* given back by madvise while mapped, ever */
    uint64_t lost;          /* intervals that there was no room for */
    size_t intervals;
};

/* n bytes (whole pages) were mapped at `at`, over whatever was there. */
void ml_maps_set(uintptr_t at, size_t n, uint32_t site, enum ml_map_kind kind, bool reserved);
/* They are about to go (true if there are any); they are gone; they are still there. */
bool ml_maps_leave(uintptr_t at, size_t n);
void ml_maps_gone(uintptr_t at, size_t n);
void ml_maps_stay(uintptr_t at, size_t n);
/* Access changed: reserved memory that comes into use is the site's from now on. */
void ml_maps_access(uintptr_t at, size_t n, uint32_t site, bool none);
/* The system was told that their contents are not needed. */
void ml_maps_dropped(size_t n);

/* The interval that holds the address; false if there is none. */
bool ml_maps_find(uintptr_t at, struct ml_map *out);
/* Copies of the first `max` intervals, by address; how many there are. */
size_t ml_maps_copy(struct ml_map *out, size_t max);
void ml_maps_totals(struct ml_maps_totals *out);
/* Forget all, without telling anybody: accounting begins anew. */
void ml_maps_clear(void);

#endif
