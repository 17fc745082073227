/* host/cors.h -- cross-origin requests: which origins may call. Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_CORS_H
#define ML_HOST_CORS_H

#include "http/server.h"

struct ml_cors;
enum { ML_CORS_FIELDS = 5 };

/* origins: "a,b" or "*". ML_EINVALID: "*" with credentials. */
int ml_cors_new(const char *origins, bool credentials, struct ml_cors **out, struct ml_error *e);
void ml_cors_free(struct ml_cors *c); /* NULL is fine */
/* Fields for the response to r; 0 when CORS is off (c is NULL) or the origin is not allowed. */
size_t ml_cors_fields(const struct ml_cors *c, const struct ml_http_request *r, bool preflight,
                      struct ml_http_field out[ML_CORS_FIELDS]);
/* Answers a preflight; false: r is none. */
bool ml_cors_preflight(const struct ml_cors *c, struct ml_http_request *r);

#endif
