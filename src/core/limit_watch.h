/* core/limit_watch.h -- tells when memory comes near its limit, and when it will be there.
 *
 * At 80, 90 and 95 % of the tightest limit, once each; again only after use has fallen 5 points below. With it goes
 * how fast use grew over the last checks, and over the last invocations (slope.h): so many more, and the limit is
 * reached. Checks are called by whoever runs anyway; there is no thread.
 * Threads: one at a time. Memory: the caller's; nothing is allocated. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_LIMIT_WATCH_H
#define ML_CORE_LIMIT_WATCH_H

#include "core/limit.h"
#include "core/slope.h"

struct ml_limit_crossing {
    uint32_t percent; /* the threshold */
    enum ml_limit_kind kind;
    uint64_t limit_bytes;
    uint64_t use_bytes;
    char where[ML_LIMIT_WHERE]; /* the group's folder; else "" */
    bool has_rate;
    struct ml_slope_answer rate;    /* bytes per second */
    bool has_runs;                  /* use rises with each invocation: the next three are told */
    struct ml_slope_answer per_run; /* bytes an invocation */
    double runs_left;               /* from now, until the limit is reached */
    double runs_left_lo;            /* 95 % */
    double runs_left_hi;            /* HUGE_VAL: no end can be told */
};

/* All-zero, with root set (see ml_limits_read), is the start; and again in a forked child. */
struct ml_limit_watch {
    const char *root; /* borrowed; "" but in tests */
    /* private */
    struct ml_limits limits;
    uint64_t limits_ns;  /* when they were read; 0: never */
    uint64_t check_ns;   /* last check */
    uint64_t run_ns;     /* last point of by_run */
    uint64_t runs;       /* invocations ended */
    uint32_t told;       /* highest threshold told and not fallen from */
    struct ml_limit now; /* the tightest at the last check */
    uint64_t now_use;
    struct ml_slope by_time;
    struct ml_slope by_run;
};

/* Look, if 50 ms have passed since the last look, or 5 ms when 70 % are used: cheap otherwise. now_ns: ml_now_ns(). True: a threshold was crossed
 * upwards, *out tells. Cost of a look: some 30 us a limit. */
bool ml_limit_check(struct ml_limit_watch *w, uint64_t now_ns, struct ml_limit_crossing *out);
/* An invocation (request, job) has ended. Looks at most every millisecond. */
void ml_limit_run_ended(struct ml_limit_watch *w, uint64_t now_ns);
/* Of the last check: the tightest limit and its use; false: there is none. */
bool ml_limit_now(const struct ml_limit_watch *w, struct ml_limit *limit, uint64_t *use);

#endif
