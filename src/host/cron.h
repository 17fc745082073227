/* host/cron.h -- schedules of timers: NCRONTAB "sec min hour day month weekday", or a time span.
 *
 * Fields: *, lists, ranges, steps, English names of months and days; with five fields the second is 0.
 * Day and weekday both restricted: both must match. Times are local (TZ); a time that a change to
 * summer time skips fires once, one that comes twice fires the first time (every time, where the
 * schedule names no hours).
 * Threads: localtime's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_CRON_H
#define ML_HOST_CRON_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct ml_cron {
    int64_t span_ms; /* a constant interval; 0: the fields count */
    uint64_t second; /* bit n: n is in the field */
    uint64_t minute;
    uint64_t hour;
    uint64_t day;     /* 1-31 */
    uint64_t month;   /* 1-12 */
    uint64_t weekday; /* 0-6 from Sunday */
};

/* False: neither. */
bool ml_cron_parse(const char *text, struct ml_cron *out);
/* The first time after `after`, in seconds since 1970; -1: never within eight years. For a time span: after + span. */
time_t ml_cron_next(const struct ml_cron *c, time_t after);
/* Fires more often than once a minute. */
bool ml_cron_is_fast(const struct ml_cron *c);

#endif
