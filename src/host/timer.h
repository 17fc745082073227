/* host/timer.h -- what timer.c shares with the manual run, and the retry policies. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_TIMER_H
#define ML_HOST_TIMER_H

#include "host/host.h"
#include "host/retry.h"

#include <time.h>

struct ml_timer_info {
    bool monitor;
    time_t last; /* 0: never */
    time_t next;
    bool past_due;
};

/* The JSON that a TimerRequest is read from. */
void ml_timer_payload(struct ml_buf *b, const struct ml_timer_info *info);

#endif
