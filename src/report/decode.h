/* report/decode.h -- the bytes of a Python source file as UTF-8.
 *
 * The encoding is the one that the file declares (PEP 263), else UTF-8. What cannot be decoded, also
 * all of a file in an encoding nobody here knows, becomes U+FFFD where it is not ASCII.
 * SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_DECODE_H
#define ML_REPORT_DECODE_H

#include "base/buf.h"

/* Appends to out well-formed UTF-8, without a byte order mark; line ends stay as they are. */
void ml_decode_source(struct ml_str bytes, struct ml_buf *out);

/* Appends s, each byte that is not part of a UTF-8 sequence as U+FFFD. */
void ml_decode_utf8(struct ml_str s, struct ml_buf *out);

/* Appends s for a terminal or a one-line column: tabs become blanks up to the next multiple of 8
 * columns, control characters and bytes that are not UTF-8 become U+FFFD. At most max_columns wide
 * (0: no limit), cut with an ellipsis. Answers the columns written. */
size_t ml_decode_print(struct ml_str s, size_t max_columns, struct ml_buf *out);

#endif
