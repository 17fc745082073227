/* base/utf8.h -- decoding UTF-8, strictly. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_UTF8_H
#define ML_BASE_UTF8_H

#include "base/str.h"

#include <stdint.h>

/* Bytes of the well-formed sequence that s starts with (1-4), its code point in *point; 0 when the
 * bytes are not UTF-8 (overlong forms and surrogates are not) or s is empty. */
size_t ml_utf8_next(struct ml_str s, uint32_t *point);
/* Columns on a terminal: 0 for combining marks, 2 for wide East Asian characters, else 1. */
int ml_utf8_width(uint32_t point);
/* The same of a text. A byte that is not UTF-8 counts as one, and so does a control character. */
size_t ml_utf8_columns(struct ml_str s);
/* Bytes written for a code point into out[4]. */
size_t ml_utf8_put(uint32_t point, char out[4]);

#endif
