/* core/limit_watch.c -- see limit_watch.h. SPDX-License-Identifier: MIT */
#include "core/limit_watch.h"

#include <math.h>

#define MS UINT64_C(1000000)
enum { CHECK_MS = 50, CLOSE_MS = 5, CLOSE_PERCENT = 70, RUN_MS = 1, AGAIN_MS = 5000, FALL = 5 };

static const uint32_t thresholds[] = {80, 90, 95};
enum { N_THRESHOLDS = sizeof thresholds / sizeof thresholds[0] };

/* The use of the tightest limit. Another limit than before begins anew: its use is another's. */
static bool look(struct ml_limit_watch *w, uint64_t now_ns)
{
    uint64_t use = 0;
    if (w->limits_ns == 0 || now_ns - w->limits_ns > AGAIN_MS * MS) {
        ml_limits_read(&w->limits, w->root, 0);
        w->limits_ns = now_ns;
    }
    const struct ml_limit *l = ml_limits_tightest(&w->limits, &use);
    if (l == NULL)
        return false;
    if (l->kind != w->now.kind || l->bytes != w->now.bytes || l->below_n != w->now.below_n) {
        ml_slope_clear(&w->by_time);
        ml_slope_clear(&w->by_run);
        w->told = 0;
    }
    w->now = *l;
    w->now_use = use;
    return true;
}

/* The threshold that was crossed; 0: none. */
static uint32_t crossed(struct ml_limit_watch *w)
{
    double percent = 100 * (double)w->now_use / (double)w->now.bytes;
    uint32_t highest = 0;
    uint32_t kept = 0;
    for (size_t i = 0; i < N_THRESHOLDS; i++) {
        if (percent >= thresholds[i])
            highest = thresholds[i];
        if (w->told >= thresholds[i] && percent >= thresholds[i] - FALL)
            kept = thresholds[i];
    }
    w->told = highest > kept ? highest : kept;
    return highest > kept ? highest : 0;
}

static double runs_until(double left, double slope)
{
    return slope > 0 ? left / slope : HUGE_VAL;
}

static void tell(const struct ml_limit_watch *w, uint32_t percent, struct ml_limit_crossing *out)
{
    uint64_t limit = w->now.bytes;
    double left = limit > w->now_use ? (double)(limit - w->now_use) : 0;
    *out = (struct ml_limit_crossing){
        .percent = percent, .kind = w->now.kind, .limit_bytes = limit, .use_bytes = w->now_use};
    ml_limit_where(&w->limits, &w->now, out->where);
    out->has_rate = ml_slope_get(&w->by_time, &out->rate);
    out->has_runs = ml_slope_get(&w->by_run, &out->per_run) && out->per_run.slope > 0;
    if (!out->has_runs)
        return;
    out->runs_left = runs_until(left, out->per_run.slope);
    out->runs_left_lo = runs_until(left, out->per_run.hi);
    out->runs_left_hi = runs_until(left, out->per_run.lo);
}

/* What is left may be taken quickly. */
static uint64_t interval_ns(const struct ml_limit_watch *w)
{
    bool close = w->now_use >= w->now.bytes / 100 * CLOSE_PERCENT;
    return (close ? CLOSE_MS : CHECK_MS) * MS;
}

bool ml_limit_check(struct ml_limit_watch *w, uint64_t now_ns, struct ml_limit_crossing *out)
{
    if (w->check_ns != 0 && now_ns - w->check_ns < interval_ns(w))
        return false;
    w->check_ns = now_ns;
    if (!look(w, now_ns))
        return false;
    ml_slope_add(&w->by_time, (double)now_ns / 1e9, (double)w->now_use);
    uint32_t percent = crossed(w);
    if (percent == 0)
        return false;
    tell(w, percent, out);
    return true;
}

void ml_limit_run_ended(struct ml_limit_watch *w, uint64_t now_ns)
{
    w->runs++;
    if (w->run_ns != 0 && now_ns - w->run_ns < RUN_MS * MS)
        return;
    w->run_ns = now_ns;
    if (look(w, now_ns))
        ml_slope_add(&w->by_run, (double)w->runs, (double)w->now_use);
}

bool ml_limit_now(const struct ml_limit_watch *w, struct ml_limit *limit, uint64_t *use)
{
    if (w->now.bytes == 0)
        return false;
    *limit = w->now;
    *use = w->now_use;
    return true;
}
