/* kql/diag.h -- what is wrong with a query, and where.
 *
 *   kql: unknown column 'mesage' at line 2, column 9
 *       | where mesage has "timeout"
 *               ^^^^^^
 *     did you mean 'message'?
 *
 * Codes: the public numbers of Microsoft's analyzer (KS005, KS142, ...) where one fits, ML1xx for what is
 * known but not supported (ML105: not on another engine), ML2xx for limits (ML210: that engine's failures). SPDX-License-Identifier: MIT */
#ifndef ML_KQL_DIAG_H
#define ML_KQL_DIAG_H

#include "base/buf.h"
#include "base/port.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_diag {
    char code[8]; /* empty: no error */
    char text[400];
    char hint[160];
    uint32_t pos; /* bytes from the start of the query */
    uint32_t len; /* bytes */
    /* Filled by ml_diag_place: */
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in code points */
};

/* Keep the first failure only: a second one is ignored. */
void ml_diag_set(struct ml_diag *d, const char *code, uint32_t pos, uint32_t len, const char *fmt,
                 ...) ML_PRINTF(5, 6);
void ml_diag_hint(struct ml_diag *d, const char *fmt, ...) ML_PRINTF(2, 3);
/* Line and column of pos in the query. */
void ml_diag_place(struct ml_diag *d, struct ml_str query);
/* The four lines shown above. */
void ml_diag_print(const struct ml_diag *d, struct ml_str query, struct ml_buf *out);

static inline bool ml_diag_is_set(const struct ml_diag *d)
{
    return d->code[0] != '\0';
}

#endif
