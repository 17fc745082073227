/* host/id.h -- random identifiers. Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_ID_H
#define ML_HOST_ID_H

#include <stddef.h>

/* A version-4 UUID, lower case, with a zero: 37 bytes. */
void ml_uuid_new(char *out);
/* n hexadecimal digits and a zero; not all zero. */
void ml_hex_new(char *out, size_t n);

#endif
