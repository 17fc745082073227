/* kql/scan_text.h -- text filters tested on a block as it is packed, before any string is picked out.
 *
 * `column OP "text"` with OP one of has, contains, startswith, ==, ... and their negations. Whole runs of rows are searched
 * at once: their bytes stand one behind the other, so one search goes over all of them and only hits are
 * traced back to rows; a prefix is looked for in the rows' heads. What is kept is what eval_text.c keeps.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_SCAN_TEXT_H
#define ML_KQL_SCAN_TEXT_H

#include "kql/column.h"
#include "kql/fold.h"
#include "kql/plan.h"

struct ml_text_filter {
    struct ml_needle needle;
    uint32_t head; /* its first four bytes; compared under the mask */
    uint32_t mask; /* 0: heads tell nothing */
    bool negate;
};

/* *is: the expression is of that kind, and f is set; it reads one column. False: out of memory. */
bool ml__text_filter_init(struct ml_text_filter *f, struct ml_arena *a, const struct ml_expr *e,
                          bool *is);
/* Which of rows [at, at + n), or of rows[0..n) counted from at, stay: their numbers from at, into kept. n is at most
 * ML_BATCH_ROWS; the chunk has no dictionary. */
size_t ml__text_filter_rows(const struct ml_text_filter *f, const struct ml_chunk *k, size_t at,
                            const uint32_t *rows, size_t n, uint32_t *kept);

#endif
