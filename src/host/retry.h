/* host/retry.h -- retry policies of functions. Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_RETRY_H
#define ML_HOST_RETRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum ml_retry_kind { ML_RETRY_NONE, ML_RETRY_FIXED, ML_RETRY_BACKOFF };

struct ml_retry {
    enum ml_retry_kind kind;
    int max; /* -1: for ever */
    int64_t delay_ms;
    int64_t min_ms;
    int64_t max_ms;
};

/* The function's own policy, else the app's; either may be NULL. */
void ml_retry_read(const json_t *own, const json_t *app, struct ml_retry *out);
/* After `tries` retries: one more? */
bool ml_retry_again(const struct ml_retry *r, int tries);
uint64_t ml_retry_delay_ms(const struct ml_retry *r, int tries);

#endif
