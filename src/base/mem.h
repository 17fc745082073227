/* base/mem.h -- the one door to the allocator, with overflow checks and a switch for tests.
 *
 * Invariant: out of memory is an ordinary answer (NULL), never an abort.
 * Threads:   as safe as malloc. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_MEM_H
#define ML_BASE_MEM_H

#include <stddef.h>

/* Zeroed memory for n elements of size bytes each; NULL if it cannot be had or overflows.
 * n or size 0 gives a block that may be freed. */
void *ml_calloc(size_t n, size_t size);
/* Grow or shrink to n elements; old contents kept, new bytes undefined. On NULL, p stays. */
void *ml_realloc(void *p, size_t n, size_t size);
/* NULL is fine. */
void ml_free(void *p);
/* Memory just had from ml_calloc or ml_realloc, of so many bytes, will be filled: let the system back it by large pages where
 * it can. Nothing happens for less than some megabytes. */
void ml_mem_large(void *p, size_t bytes);
/* After a peak: give idle memory back to the system, where the C library can. Up to a few ms. */
void ml_mem_trim(void);
/* For a process that is to stay small for long: one heap for all threads, and blocks of 128 KiB and more mapped
 * one by one, so that they are given back when freed. Call it before there are threads. */
void ml_mem_stay_small(void);
/* Copies of text; the caller frees. */
char *ml_strdup(const char *s);
char *ml_strndup(const char *s, size_t n);

/* Tests: let the n-th request from now on (1 = the next) and all after it fail; 0 turns it off. */
void ml_mem_fail_after(long n);

#endif
