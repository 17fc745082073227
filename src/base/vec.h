/* base/vec.h -- a typed growing array.
 *
 *   ML_VEC(struct row) rows = {0};          all-zero is a valid empty vector
 *   if (ml_vec_push(&rows, r) != ML_OK) ...  0 or ML_ENOMEM
 *   for (size_t i = 0; i < rows.n; i++) use(rows.at[i]);
 *   ml_vec_free(&rows);
 *
 * Pointers into it end with the next push. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_VEC_H
#define ML_BASE_VEC_H

#include "base/err.h"
#include "base/mem.h"

#include <stddef.h>

#define ML_VEC(type)                         \
    struct {                                 \
        type *at;   /* owned */              \
        size_t n;   /* elements in use */    \
        size_t cap; /* elements allocated */ \
    }

/* Room for one more; used through the macros below. */
static inline int ml_vec_grow(void **at, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return ML_OK;
    size_t want = *cap < 8 ? 8 : *cap * 2;
    void *p = want > *cap ? ml_realloc(*at, want, size) : NULL;
    if (p == NULL)
        return ML_ENOMEM;
    *at = p;
    *cap = want;
    return ML_OK;
}

#define ml_vec_push(v, value)                                                    \
    (ml_vec_grow((void **)&(v)->at, (v)->n, &(v)->cap, sizeof *(v)->at) == ML_OK \
         ? ((v)->at[(v)->n++] = (value), ML_OK)                                  \
         : ML_ENOMEM)

#define ml_vec_free(v) (ml_free((v)->at), (v)->at = NULL, (v)->n = (v)->cap = 0)

#endif
