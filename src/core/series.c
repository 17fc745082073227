/* core/series.c -- see series.h. SPDX-License-Identifier: MIT */
#include "core/series.h"

#include "base/err.h"
#include "base/mem.h"

void ml_series_init(struct ml_series *s, size_t per_chunk)
{
    *s = (struct ml_series){.per_chunk = per_chunk};
}

void ml_series_release(struct ml_series *s)
{
    for (size_t i = 0; i < ML_SERIES_CHUNKS; i++)
        ml_free(s->chunks[i]);
    ml_series_init(s, s->per_chunk);
}

static struct ml_sample *place(const struct ml_series *s, size_t i)
{
    return &s->chunks[i / s->per_chunk][i % s->per_chunk];
}

static void thin(struct ml_series *s)
{
    size_t n = atomic_load(&s->n);
    size_t kept = 1;
    for (size_t i = 1; i < n; i += 2) {
        const struct ml_sample *a = place(s, i);
        const struct ml_sample *b = i + 1 < n ? place(s, i + 1) : a;
        *place(s, kept++) = a->bytes > b->bytes ? *a : *b;
    }
    atomic_store(&s->n, kept);
}

int ml_series_add(struct ml_series *s, struct ml_sample sample, bool *thinned)
{
    *thinned = atomic_load(&s->n) == ML_SERIES_CHUNKS * s->per_chunk;
    if (*thinned)
        thin(s);
    size_t n = atomic_load(&s->n);
    struct ml_sample **chunk = &s->chunks[n / s->per_chunk];
    if (*chunk == NULL)
        *chunk = ml_calloc(s->per_chunk, sizeof **chunk);
    if (*chunk == NULL)
        return ML_ENOMEM;
    *place(s, n) = sample;
    atomic_store(&s->n, n + 1);
    return ML_OK;
}

size_t ml_series_count(const struct ml_series *s)
{
    return atomic_load(&s->n);
}

struct ml_sample ml_series_get(const struct ml_series *s, size_t i)
{
    return *place(s, i);
}
