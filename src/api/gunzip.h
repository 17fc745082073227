/* api/gunzip.h -- bodies that clients sent compressed. The folder's door to zlib.
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_GUNZIP_H
#define ML_API_GUNZIP_H

#include "base/buf.h"
#include "base/err.h"

/* gzip or zlib bytes, unpacked to the end of out (whose max bounds the result). Several gzip members in a row
 * are one text. Errors: ML_EFORMAT, ML_ETRUNCATED, ML_ELIMIT (more than out->max), ML_ENOMEM. */
int ml_gunzip(struct ml_str in, struct ml_buf *out);

#endif
