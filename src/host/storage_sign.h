/* host/storage_sign.h -- a request to a storage service, signed with the account's key (SharedKey).
 *
 * Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_STORAGE_SIGN_H
#define ML_HOST_STORAGE_SIGN_H

#include "base/buf.h"
#include "host/storage_account.h"

#include <stdint.h>

#define ML_STORAGE_VERSION "2020-10-02" /* x-ms-version */

enum { ML_STORAGE_QUERY_MAX = 8, ML_STORAGE_HEADERS_MAX = 8 };

struct ml_storage_field {
    const char *name; /* borrowed; of headers in lower case */
    const char *value;
};

/* x-ms-date and x-ms-version are added. */
struct ml_storage_request {
    const struct ml_storage_account *account;
    enum ml_storage_service service;
    const char *method;
    const char *path;                                    /* "/queue/messages", percent-encoded */
    struct ml_storage_field query[ML_STORAGE_QUERY_MAX]; /* not encoded */
    size_t n_query;
    struct ml_storage_field headers[ML_STORAGE_HEADERS_MAX];
    size_t n_headers;
    uint64_t length; /* of the body */
};

/* "Fri, 27 Nov 2026 20:48:45 GMT" */
void ml_storage_date(char out[40], int64_t unix_s);
void ml_storage_string_to_sign(const struct ml_storage_request *r, const char *date,
                               struct ml_buf *b);
void ml_storage_url(const struct ml_storage_request *r, struct ml_buf *b);
/* "SharedKey NAME:SIGNATURE"; nothing for an account that has no key. */
int ml_storage_authorize(const struct ml_storage_request *r, const char *date, struct ml_buf *b);

#endif
