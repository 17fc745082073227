/* api/period.c -- see period.h. SPDX-License-Identifier: MIT */
#include "api/period.h"

#include "kql/ticks.h"

#include <math.h>
#include <stdlib.h>

#define DAY_S 86400.0

/* Ticks of a calendar-free unit: a year counts 365 days and a month 30, as everywhere where there is no calendar. */
static double unit_seconds(char unit, bool time_part)
{
    switch (unit) {
    case 'Y':
        return 365 * DAY_S;
    case 'W':
        return 7 * DAY_S;
    case 'D':
        return DAY_S;
    case 'H':
        return 3600;
    case 'M':
        return time_part ? 60 : 30 * DAY_S;
    case 'S':
        return 1;
    default:
        return 0;
    }
}

/* Digits with an optional fraction. False: none there. */
static bool take_number(struct ml_str s, size_t *at, double *out)
{
    char digits[32];
    size_t n = 0;
    while (*at < s.n && n < sizeof digits - 1 &&
           ((s.p[*at] >= '0' && s.p[*at] <= '9') || s.p[*at] == '.' || s.p[*at] == ','))
        digits[n++] = s.p[(*at)++] == ',' ? '.' : s.p[*at - 1];
    digits[n] = '\0';
    char *end;
    *out = strtod(digits, &end);
    return n > 0 && *end == '\0';
}

static bool duration(struct ml_str s, int64_t *ticks)
{
    double seconds = 0;
    bool time_part = false;
    size_t at = 1;
    size_t parts = 0;
    if (s.n < 3 || s.p[0] != 'P')
        return false;
    while (at < s.n) {
        double n;
        if (s.p[at] == 'T' && !time_part) {
            time_part = true;
            at++;
            continue;
        }
        if (!take_number(s, &at, &n) || at == s.n)
            return false;
        char unit = s.p[at++];
        double each = unit_seconds(unit, time_part);
        bool belongs = (unit == 'H' || unit == 'S') == time_part || unit == 'M';
        if (each == 0 || !belongs)
            return false;
        seconds += n * each;
        parts++;
    }
    if (parts == 0 || seconds * 1e7 > (double)ML_TICKS_MAX)
        return false;
    *ticks = (int64_t)llround(seconds * 1e7);
    return true;
}

static bool time_of(struct ml_str s, int64_t *ticks)
{
    return s.n != 0 && ml_datetime_parse(s, ticks);
}

/* A clock may stand a little after ours; "the last hour" should not lose its newest rows. */
static int64_t soon(int64_t now)
{
    return now < ML_TICKS_MAX - ML_TICKS_MINUTE ? now + ML_TICKS_MINUTE : ML_TICKS_MAX;
}

bool ml_period_parse(struct ml_str s, int64_t now, struct ml_period *out)
{
    const char *slash = s.n != 0 ? memchr(s.p, '/', s.n) : NULL;
    struct ml_period p = {0};
    int64_t length;
    if (slash == NULL) {
        if (!duration(s, &length))
            return false;
        p = (struct ml_period){now - length, soon(now)};
    } else {
        struct ml_str left = {s.p, (size_t)(slash - s.p)};
        struct ml_str right = {slash + 1, s.n - left.n - 1};
        if (duration(left, &length)) {
            if (!time_of(right, &p.to_ticks))
                return false;
            p.from_ticks = p.to_ticks - length;
        } else if (!time_of(left, &p.from_ticks)) {
            return false;
        } else if (duration(right, &length)) {
            p.to_ticks = p.from_ticks > ML_TICKS_MAX - length ? ML_TICKS_MAX
                                                              : p.from_ticks + length;
        } else if (!time_of(right, &p.to_ticks)) {
            return false;
        }
    }
    p.from_ticks = p.from_ticks < 0 ? 0 : p.from_ticks;
    *out = p;
    return true;
}
