/* host/retry.c -- see retry.h. SPDX-License-Identifier: MIT */
#include "host/retry.h"

#include "host/settings.h"

#include <stdlib.h>
#include <strings.h>

static int64_t span_of(const json_t *policy, const char *name, int64_t fallback)
{
    const json_t *v = ml_json_get(policy, name);
    int64_t ms;
    return json_is_string(v) && ml_settings_timespan(json_string_value(v), &ms) ? ms : fallback;
}

void ml_retry_read(const json_t *own, const json_t *app, struct ml_retry *out)
{
    const json_t *p = json_is_object(own) ? own : app;
    *out = (struct ml_retry){0};
    const json_t *strategy = ml_json_get(p, "strategy");
    if (!json_is_string(strategy))
        return;
    const json_t *max = ml_json_get(p, "maxRetryCount");
    bool fixed = strcasecmp(json_string_value(strategy), "fixedDelay") == 0 ||
                 strcasecmp(json_string_value(strategy), "fixed_delay") == 0;
    out->kind = fixed ? ML_RETRY_FIXED : ML_RETRY_BACKOFF;
    out->max = json_is_integer(max)  ? (int)json_integer_value(max)
               : json_is_string(max) ? atoi(json_string_value(max))
                                     : 0;
    out->delay_ms = span_of(p, "delayInterval", 0);
    out->min_ms = span_of(p, "minimumInterval", 1000);
    out->max_ms = span_of(p, "maximumInterval", 60000);
}

bool ml_retry_again(const struct ml_retry *r, int tries)
{
    return r->kind != ML_RETRY_NONE && (r->max < 0 || tries < r->max);
}

uint64_t ml_retry_delay_ms(const struct ml_retry *r, int tries)
{
    if (r->kind == ML_RETRY_FIXED)
        return (uint64_t)r->delay_ms;
    int64_t wait = r->min_ms;
    for (int i = 0; i < tries && wait < r->max_ms; i++)
        wait *= 2;
    return (uint64_t)(wait < r->max_ms ? wait : r->max_ms);
}
