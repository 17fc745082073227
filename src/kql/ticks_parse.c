/* kql/ticks_parse.c -- text to datetime and timespan; see ticks.h. SPDX-License-Identifier: MIT */
#include "kql/ticks.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* A reader over the text: each step answers false where the text is something else. */
struct reader {
    const char *p;
    const char *end;
};

static bool at_digit(const struct reader *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static void blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

/* min to max digits. */
static bool number(struct reader *r, int min, int max, int *out)
{
    int n = 0;
    int value = 0;
    while (n < max && at_digit(r)) {
        value = value * 10 + (*r->p++ - '0');
        n++;
    }
    *out = value;
    return n >= min;
}

/* Digits after the point as ticks; more than seven are cut. */
static bool fraction(struct reader *r, int *ticks)
{
    int value = 0;
    int n = 0;
    if (!at_digit(r))
        return false;
    for (; at_digit(r); r->p++, n++)
        if (n < 7)
            value = value * 10 + (*r->p - '0');
    for (; n < 7; n++)
        value *= 10;
    *ticks = value;
    return true;
}

/* hh:mm[:ss[.f]] */
static bool time_of_day(struct reader *r, struct ml_civil *c)
{
    if (!number(r, 1, 2, &c->hour) || !take(r, ':') || !number(r, 1, 2, &c->minute))
        return false;
    if (take(r, ':') && !number(r, 1, 2, &c->second))
        return false;
    return !take(r, '.') || fraction(r, &c->fraction);
}

static bool word(struct reader *r, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(r->end - r->p) < n || strncasecmp(r->p, w, n) != 0)
        return false;
    r->p += n;
    return true;
}

/* Z, GMT, UTC, +hh:mm, -hhmm, or nothing. */
static bool zone(struct reader *r, int64_t *minutes)
{
    int hour;
    int minute = 0;
    *minutes = 0;
    blanks(r);
    if (r->p == r->end || word(r, "Z") || word(r, "GMT") || word(r, "UTC"))
        return true;
    bool west = *r->p == '-';
    if (!take(r, '+') && !take(r, '-'))
        return false;
    if (!number(r, 1, 2, &hour))
        return false;
    take(r, ':');
    if (at_digit(r) && !number(r, 2, 2, &minute))
        return false;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return hour <= 14 && minute < 60;
}

static bool half_day(struct reader *r, struct ml_civil *c)
{
    blanks(r);
    bool pm = word(r, "PM");
    if (!pm && !word(r, "AM"))
        return true;
    if (c->hour < 1 || c->hour > 12)
        return false;
    c->hour = c->hour % 12 + (pm ? 12 : 0);
    return true;
}

static bool month_name(struct reader *r, int *month)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++)
        if (word(r, names[i])) {
            *month = i + 1;
            return true;
        }
    return false;
}

/* "Sat, 8 Nov 14 15:05:02 GMT", "Saturday, 08-Nov-14 15:05:02 UTC", "8 Nov 2014" */
static bool rfc_date(struct reader *r, struct ml_civil *c)
{
    const char *comma = memchr(r->p, ',', (size_t)(r->end - r->p));
    if (comma != NULL) {
        if (comma - r->p < 3 || comma - r->p > 9)
            return false;
        r->p = comma + 1;
    }
    blanks(r);
    if (!number(r, 1, 2, &c->day))
        return false;
    take(r, '-');
    blanks(r);
    if (!month_name(r, &c->month))
        return false;
    take(r, '-');
    blanks(r);
    const char *start = r->p;
    if (!number(r, 2, 4, &c->year))
        return false;
    if (r->p - start == 2)
        c->year += c->year < 50 ? 2000 : 1900;
    return true;
}

static bool iso_date(struct reader *r, struct ml_civil *c)
{
    if (!number(r, 4, 4, &c->year))
        return false;
    if (!take(r, '-') && !take(r, '/'))
        return r->p == r->end;
    if (!number(r, 1, 2, &c->month))
        return false;
    if (take(r, '-') || take(r, '/'))
        return number(r, 1, 2, &c->day);
    return true;
}

static bool american_date(struct reader *r, struct ml_civil *c)
{
    if (!number(r, 1, 2, &c->month) || !(take(r, '/') || take(r, '-')))
        return false;
    return number(r, 1, 2, &c->day) && (take(r, '/') || take(r, '-')) && number(r, 4, 4, &c->year);
}

bool ml_datetime_parse(struct ml_str s, int64_t *ticks)
{
    struct reader r = {s.p, s.p + s.n};
    struct ml_civil c = {.month = 1, .day = 1};
    int64_t minutes = 0;
    int64_t t;
    blanks(&r);
    while (r.end > r.p && (r.end[-1] == ' ' || r.end[-1] == '\n' || r.end[-1] == '\t'))
        r.end--;
    if (r.p == r.end)
        return false;
    struct reader start = r;
    if (!iso_date(&r, &c)) {
        c = (struct ml_civil){.month = 1, .day = 1};
        r = start;
        if (!american_date(&r, &c)) {
            c = (struct ml_civil){.month = 1, .day = 1};
            r = start;
            if (!rfc_date(&r, &c))
                return false;
        }
    }
    if (r.p < r.end && (*r.p == 'T' || *r.p == 't' || *r.p == ' ' || *r.p == ':')) {
        r.p++;
        blanks(&r);
        if (at_digit(&r) && (!time_of_day(&r, &c) || !half_day(&r, &c)))
            return false;
    }
    if (!zone(&r, &minutes) || r.p != r.end || !ml_civil_ticks(&c, &t))
        return false;
    t -= minutes * ML_TICKS_MINUTE;
    if (t < 0 || t > ML_TICKS_MAX)
        return false;
    *ticks = t;
    return true;
}

double ml_timespan_unit(struct ml_str unit)
{
    static const struct {
        const char *name;
        double ticks;
    } units[] = {
        {"d", 864e9},         {"day", 864e9},        {"days", 864e9},      {"h", 36e9},
        {"hr", 36e9},         {"hrs", 36e9},         {"hour", 36e9},       {"hours", 36e9},
        {"m", 6e8},           {"min", 6e8},          {"minute", 6e8},      {"minutes", 6e8},
        {"s", 1e7},           {"sec", 1e7},          {"second", 1e7},      {"seconds", 1e7},
        {"ms", 1e4},          {"milli", 1e4},        {"millis", 1e4},      {"millisec", 1e4},
        {"millisecond", 1e4}, {"milliseconds", 1e4}, {"micro", 10},        {"micros", 10},
        {"microsec", 10},     {"microsecond", 10},   {"microseconds", 10}, {"nano", 0.01},
        {"nanos", 0.01},      {"nanosec", 0.01},     {"nanosecond", 0.01}, {"nanoseconds", 0.01},
        {"tick", 1},          {"ticks", 1},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (ml_str_eq(unit, ml_str_of(units[i].name)))
            return units[i].ticks;
    return 0;
}

/* "1.5h": the number up to the first letter, the rest is the unit. */
static bool with_unit(struct ml_str s, int64_t *ticks)
{
    char digits[40];
    size_t n = 0;
    while (n < s.n && (s.p[n] == '-' || s.p[n] == '.' || (s.p[n] >= '0' && s.p[n] <= '9')))
        n++;
    if (n == 0 || n >= sizeof digits || n == s.n)
        return false;
    memcpy(digits, s.p, n);
    digits[n] = '\0';
    while (n < s.n && s.p[n] == ' ')
        n++;
    double unit = ml_timespan_unit((struct ml_str){s.p + n, s.n - n});
    char *end;
    double t = strtod(digits, &end) * unit;
    if (unit == 0 || *end != '\0' || !(fabs(t) < 9.2e18))
        return false;
    *ticks = (int64_t)round(t);
    return true;
}

/* True when a point stands before the first colon: "d.hh:mm". */
static bool has_days(const struct reader *r)
{
    for (const char *p = r->p; p < r->end && *p != ':'; p++)
        if (*p == '.')
            return true;
    return false;
}

bool ml_timespan_parse(struct ml_str s, int64_t *ticks)
{
    struct reader r = {s.p, s.p + s.n};
    struct ml_civil c = {0};
    int days = 0;
    blanks(&r);
    while (r.end > r.p && r.end[-1] == ' ')
        r.end--;
    if (memchr(r.p, ':', (size_t)(r.end - r.p)) == NULL)
        return with_unit((struct ml_str){r.p, (size_t)(r.end - r.p)}, ticks);
    bool minus = take(&r, '-');
    if (has_days(&r) && (!number(&r, 1, 8, &days) || !take(&r, '.')))
        return false;
    if (!time_of_day(&r, &c) || r.p != r.end || c.hour > 23 || c.minute > 59 || c.second > 59 ||
        days > 10675199)
        return false;
    int64_t t = days * ML_TICKS_DAY;
    if (__builtin_add_overflow(t,
                               c.hour * ML_TICKS_HOUR + c.minute * ML_TICKS_MINUTE +
                                   c.second * ML_TICKS_SECOND + c.fraction,
                               &t))
        return false;
    *ticks = minus ? -t : t;
    return true;
}
