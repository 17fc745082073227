/* host/fetch.h -- outgoing HTTP requests on the loop: libcurl's multi interface over libuv, names by its resolver's thread.
 *
 *   ml_fetch(f, &order, done, user) -> ... -> done(user, answer), once, from the loop
 *
 * Limits: 10 s to connect, 30 s without a byte; an answer longer than order.answer_max fails.
 * Memory: order is copied, but for body_file, which must live until done. The answer ends with done; its body may be
 *         moved out. Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_FETCH_H
#define ML_HOST_FETCH_H

#include "base/buf.h"
#include "base/err.h"
#include "http/body.h"
#include "http/loop.h"

#include <stdint.h>

struct ml_fetcher;

struct ml_fetch_order {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", to NULL */
    struct ml_str body;
    const struct ml_body *body_file; /* in place of body */
    size_t memory_max;               /* of the answer's body; beyond it lies in a file. 0: 1 MiB */
    uint64_t answer_max;             /* 0: 16 MiB */
};

struct ml_fetch_answer {
    int status;          /* 0: none came */
    const char *problem; /* why none came; NULL else */
    struct ml_body body;
    struct ml_buf headers; /* "name: value\n", names in lower case */
};

typedef void (*ml_fetch_done)(void *user, struct ml_fetch_answer *a);

int ml_fetcher_new(struct ml_loop *l, struct ml_fetcher **out);
/* What runs is given up: its done is called, with status 0. NULL is fine. */
void ml_fetcher_free(struct ml_fetcher *f);
/* On failure done is not called. */
int ml_fetch(struct ml_fetcher *f, const struct ml_fetch_order *o, ml_fetch_done done, void *user);
/* The value of a header; "" when there is none. */
struct ml_str ml_fetch_header(const struct ml_fetch_answer *a, const char *name);

#endif
