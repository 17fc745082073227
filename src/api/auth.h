/* api/auth.h -- who may ask. The law stands in api.h. SPDX-License-Identifier: MIT */
#ifndef ML_API_AUTH_H
#define ML_API_AUTH_H

#include "http/server.h"

enum ml_auth { ML_AUTH_OK, ML_AUTH_NO_TOKEN, ML_AUTH_FOREIGN };

/* token NULL: the request must name this machine. */
enum ml_auth ml_auth_check(const struct ml_http_request *r, const char *token);
/* "localhost", "127.x.y.z" or "[::1]", with or without a port; also with http:// in front. For tests. */
bool ml_auth_is_local(struct ml_str host);

#endif
