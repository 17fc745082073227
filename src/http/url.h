/* http/url.h -- percent encoding and query strings. Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HTTP_URL_H
#define ML_HTTP_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* Percent escapes undone; a broken escape stays as it is. plus: '+' is a blank (queries). The result
 * lies in the arena; .p is NULL when that is full. */
struct ml_str ml_url_decode(struct ml_arena *a, struct ml_str s, bool plus);
/* Walk a query "a=1&b=2": the next pair, still encoded; false at the end. Empty pairs are passed. */
bool ml_url_next_pair(struct ml_str *rest, struct ml_str *name, struct ml_str *value);
/* The decoded value of the first pair with that name; .p is NULL when there is none. */
struct ml_str ml_url_query_find(struct ml_arena *a, struct ml_str query, struct ml_str name);
/* Unreserved characters (RFC 3986) stay, all others become %XX. */
void ml_url_encode(struct ml_buf *b, struct ml_str s);

#endif
