/* core/series.h -- memory over time, in bounded memory.
 *
 * Samples stand in chunks that never move. When all are full the series is thinned: the first
 * sample stays, of each two that follow the higher one stays. So the peak is never lost.
 * Threads: one writer; anyone may ask for the count. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SERIES_H
#define ML_CORE_SERIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ML_SERIES_CHUNKS 256

struct ml_sample {
    uint64_t bytes;
    int64_t wall_ns;
};

struct ml_series {
    /* private */
    struct ml_sample *chunks[ML_SERIES_CHUNKS]; /* owned */
    size_t per_chunk;
    _Atomic size_t n;
};

/* Room for ML_SERIES_CHUNKS times per_chunk samples, allocated as they come. */
void ml_series_init(struct ml_series *s, size_t per_chunk);
void ml_series_release(struct ml_series *s);
/* 0 or ML_ENOMEM. *thinned tells whether the series was thinned for it: its samples now stand twice
 * as far apart. */
int ml_series_add(struct ml_series *s, struct ml_sample sample, bool *thinned);
size_t ml_series_count(const struct ml_series *s);
/* i must be below the count. */
struct ml_sample ml_series_get(const struct ml_series *s, size_t i);

#endif
