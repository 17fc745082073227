/* core/sampler.h -- sample mode: each byte allocated is a point of a Poisson process; the blocks hit
 * stand for the others.
 *
 * A block of S bytes is sampled with p = 1 - exp(-S/R), R the mean distance between points, and counts
 * S/p bytes and 1/p blocks (Horvitz and Thompson): for any set of blocks fixed in advance the expected
 * sum is the truth. The variance of a block's weight is estimated by S^2 (1-p) / p^2. R is the one in force
 * when the countdown was drawn. Source: specs/profiling.md 3, docs/heap.md.
 * R follows the rate of samples, so that a second costs about the same whatever the program does.
 * Bounded: when there are too many live samples, R doubles and each is kept with probability
 * p(S,2R)/p(S,R); nothing is dropped silently.
 * Threads: any. A small lock is held while a sample is taken, freed or thinned: all rare.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SAMPLER_H
#define ML_CORE_SAMPLER_H

#include "core/heap.h"

enum {
    ML_SAMPLES_MOST = 1 << 14,
    ML_SAMPLE_RATE = 64 << 10, /* bytes, to begin with */
    ML_SAMPLE_RATE_LEAST = 16 << 10,
    ML_SAMPLE_RATE_MOST = 16 << 20,
};

/* Settings for the next ml_heap_start, and for threads from now on. rate 0: adaptive from
 * ML_SAMPLE_RATE; else fixed, bytes. seed 0: unpredictable. */
void ml_sampler_set(uint64_t rate_bytes, uint64_t seed);

/* Who says where an allocation comes from: the site to charge, or 0 for the thread's current one. Called
 * within a hook: allocates nothing, runs no Python code. `t->busy` is set. NULL: nobody. */
extern uint32_t (*ml_sampler_leaf)(struct ml_heap_thread *t);

#endif
