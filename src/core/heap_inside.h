/* core/heap_inside.h -- what the files of the heap share. Within src/core only.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_HEAP_INSIDE_H
#define ML_CORE_HEAP_INSIDE_H

#include "core/heap.h"

/* --- heap_sites.c: accounts and their numbers ---------------------------------------------------------- */

/* Begin in a book: the tables, outside and native threads. Needs the interpreter lock. */
int ml__sites_begin(struct ml_book *b);
/* Add what a account has to another: sums, and the larger of maxima. */
void ml__account_add(struct ml_account *to, const struct ml_account *from);
/* Bytes it allocated, by all threads; those still alive. */
uint64_t ml__account_alloc(const struct ml_account *a);
int64_t ml__account_live(const struct ml_account *a);
/* The accounts of a scope go to their lines' own; their numbers lead there from now on. */
void ml__sites_fold(uint32_t scope);
/* The accounts of a scope, added up. */
void ml__sites_of_scope(uint32_t scope, struct ml_account *sum);
/* Another site of the same scope; 0: none. */
uint32_t ml__site_next(uint32_t site);
/* Before a fork: note what is alive. In the child: figures 0, what was alive is inherited. */
void ml__sites_before_fork(void);
void ml__sites_after_fork(void);

/* --- heap_scope.c ---------------------------------------------------------------------------------------- */

void ml__scopes_begin(struct ml_book *b);
void ml__scopes_after_fork(void);
/* The first of the scope's sites (0: none), to read and to set; NULL if there is no such scope. */
uint32_t *ml__scope_head(uint32_t scope);

/* --- heap_clock.c: the timeline, at moments when something happens anyway ---------------------------------- */

int ml__clock_begin(struct ml_book *b);
void ml__clock_after_fork(void);

/* --- sampler.c --------------------------------------------------------------------------------------------- */

/* The countdown ran out, or was never drawn. True: the block was dealt with. */
bool ml__sample_due(struct ml_heap_thread *t, void *p, size_t n);
/* The sampled block that was taken is gone; or it lives on. */
void ml__sample_retire(struct ml_heap_thread *t, uint32_t cell);
void ml__sample_put(struct ml_heap_thread *t, uintptr_t a, uint32_t cell);
/* Write to the book how many bytes are between samples. */
void ml__sample_tell_rate(void);
void ml__sample_begin(void);
void ml__sample_clear(void);
/* Around a fork, in the thread that forks. */
void ml__sample_before_fork(void);
void ml__sample_in_parent(void);
void ml__sample_in_child(void);

/* Bytes between looks at the clock in exact mode. */
enum { ML__CLOCK_BYTES = 1 << 20 };

/* Calls f for each slot in use. */
void ml__each_thread(void (*f)(struct ml_heap_thread *t, void *context), void *context);

#endif
