/* host/keys.h -- the keys of an app under --enableAuth, in ROOT/.memline/keys.json (mode 0600).
 *
 * Compared in constant time. Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_KEYS_H
#define ML_HOST_KEYS_H

#include "http/server.h"

struct ml_keys;

/* Reads the file, or makes it with new keys. */
int ml_keys_open(const char *root, struct ml_keys **out, struct ml_error *e);
void ml_keys_free(struct ml_keys *k); /* NULL is fine */
/* By x-functions-key or ?code=. admin: only the master key will do. */
bool ml_keys_allow(const struct ml_keys *k, struct ml_http_request *r, bool admin);
const char *ml_keys_master(const struct ml_keys *k);
const char *ml_keys_path(const struct ml_keys *k);

#endif
