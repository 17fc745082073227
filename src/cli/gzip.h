/* cli/gzip.h -- bytes as a gzip file has them. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_GZIP_H
#define ML_CLI_GZIP_H

#include "base/buf.h"

/* Appends; the same input gives the same bytes. 0, ML_ENOMEM or ML_ELIMIT. */
int ml_gzip(struct ml_str bytes, struct ml_buf *out);

#endif
