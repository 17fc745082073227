/* host/base64.h -- base64 (RFC 4648, with padding). Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_BASE64_H
#define ML_HOST_BASE64_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

void ml_base64_encode(struct ml_buf *b, struct ml_str bytes);
/* Appends what text means; false, with b as it was, when it is not base64. Blanks around it are passed over. */
bool ml_base64_decode(struct ml_buf *b, struct ml_str text);

#endif
