/* host/cron.c -- see cron.h. SPDX-License-Identifier: MIT */
#include "host/cron.h"

#include "host/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const months[] = {"january",   "february", "march",    "april",
                                     "may",       "june",     "july",     "august",
                                     "september", "october",  "november", "december"};
static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                   "thursday", "friday", "saturday"};

struct field {
    int min;
    int max;
    const char *const *names; /* NULL: none */
    int n_names;
};

static const struct field fields[6] = {
    {0, 59, NULL, 0}, {0, 59, NULL, 0},    {0, 23, NULL, 0},
    {1, 31, NULL, 0}, {1, 12, months, 12}, {0, 6, days, 7},
};

/* A number or a name (three letters or whole); -1: neither. Moves *s behind it. */
static int read_value(const char **s, const struct field *f)
{
    const char *p = *s;
    if (isdigit((unsigned char)*p)) {
        char *end;
        long v = strtol(p, &end, 10);
        *s = end;
        if (f->names == days && v == 7)
            v = 0;
        return v >= f->min && v <= f->max ? (int)v : -1;
    }
    size_t n = 0;
    while (isalpha((unsigned char)p[n]))
        n++;
    for (int i = 0; i < f->n_names; i++)
        if ((n == 3 || n == strlen(f->names[i])) && strncasecmp(p, f->names[i], n) == 0) {
            *s = p + n;
            return f->min + i;
        }
    return -1;
}

/* One item of a list: "*", "a", "a-b", each with an optional "/step". */
static bool read_item(const char **s, const struct field *f, uint64_t *bits)
{
    int from, to, step = 1;
    bool open = false;
    if (**s == '*' || **s == '?') {
        ++*s;
        from = f->min;
        to = f->max;
    } else {
        from = to = read_value(s, f);
        open = true;
        if (from >= 0 && **s == '-') {
            ++*s;
            to = read_value(s, f);
            open = false;
        }
    }
    if (from < 0 || to < 0)
        return false;
    if (**s == '/') {
        char *end;
        ++*s;
        long v = isdigit((unsigned char)**s) ? strtol(*s, &end, 10) : 0;
        if (v < 1 || v > 60)
            return false;
        *s = end;
        step = (int)v;
        if (open)
            to = f->max; /* "5/10" means from 5 on */
    }
    if (to < from) { /* a range around the end: "FRI-MON", "22-2" */
        for (int v = from; v <= f->max; v += step)
            *bits |= UINT64_C(1) << v;
        from = f->min;
    }
    for (int v = from; v <= to; v += step)
        *bits |= UINT64_C(1) << v;
    return true;
}

static bool read_field(const char **s, const struct field *f, uint64_t *bits)
{
    *bits = 0;
    for (;;) {
        if (!read_item(s, f, bits))
            return false;
        if (**s != ',')
            break;
        ++*s;
    }
    return **s == '\0' || isspace((unsigned char)**s);
}

bool ml_cron_parse(const char *text, struct ml_cron *out)
{
    struct ml_cron c = {0};
    if (ml_settings_timespan(text, &c.span_ms)) {
        *out = c;
        return c.span_ms > 0;
    }
    int words = 0;
    for (const char *p = text; *p != '\0'; p++)
        words += !isspace((unsigned char)*p) && (p == text || isspace((unsigned char)p[-1]));
    if (words != 5 && words != 6)
        return false;
    uint64_t *const bits[6] = {&c.second, &c.minute, &c.hour, &c.day, &c.month, &c.weekday};
    c.second = 1;
    for (int i = 6 - words; i < 6; i++) {
        while (isspace((unsigned char)*text))
            text++;
        if (!read_field(&text, &fields[i], bits[i]))
            return false;
    }
    *out = c;
    return true;
}

static bool has(uint64_t bits, int v)
{
    return (bits >> v & 1) != 0;
}

/* The first set bit at v or above; -1: none. */
static int next_bit(uint64_t bits, int v)
{
    for (; v < 64; v++)
        if (has(bits, v))
            return v;
    return -1;
}

static int weekday_of(const struct tm *t)
{
    struct tm copy = {
        .tm_year = t->tm_year, .tm_mon = t->tm_mon, .tm_mday = t->tm_mday, .tm_hour = 12};
    (void)timegm(&copy);
    return copy.tm_wday;
}

static int days_in_month(const struct tm *t)
{
    struct tm last = {.tm_year = t->tm_year, .tm_mon = t->tm_mon + 1, .tm_mday = 0, .tm_hour = 12};
    (void)timegm(&last);
    return last.tm_mday;
}

static void next_day(struct tm *t)
{
    t->tm_hour = t->tm_min = t->tm_sec = 0;
    if (++t->tm_mday <= days_in_month(t))
        return;
    t->tm_mday = 1;
    if (++t->tm_mon == 12) {
        t->tm_mon = 0;
        t->tm_year++;
    }
}

/* Moves t, wall-clock fields, to the first match at or after itself. False: none in eight years. */
static bool advance(const struct ml_cron *c, struct tm *t)
{
    int last_year = t->tm_year + 8;
    while (t->tm_year <= last_year) {
        if (!has(c->month, t->tm_mon + 1) || !has(c->day, t->tm_mday) ||
            !has(c->weekday, weekday_of(t))) {
            next_day(t);
            continue;
        }
        int hour = next_bit(c->hour, t->tm_hour);
        if (hour < 0) {
            next_day(t);
            continue;
        }
        if (hour != t->tm_hour)
            t->tm_min = t->tm_sec = 0;
        t->tm_hour = hour;
        int minute = next_bit(c->minute, t->tm_min);
        if (minute < 0) {
            t->tm_min = t->tm_sec = 0;
            if (++t->tm_hour == 24)
                next_day(t);
            continue;
        }
        if (minute != t->tm_min)
            t->tm_sec = 0;
        t->tm_min = minute;
        int second = next_bit(c->second, t->tm_sec);
        if (second < 0) {
            t->tm_sec = 0;
            if (++t->tm_min == 60) {
                t->tm_min = 0;
                if (++t->tm_hour == 24)
                    next_day(t);
            }
            continue;
        }
        t->tm_sec = second;
        return true;
    }
    return false;
}

static bool wall_matches(const struct ml_cron *c, time_t when)
{
    struct tm t;
    (void)localtime_r(&when, &t);
    return has(c->month, t.tm_mon + 1) && has(c->day, t.tm_mday) && has(c->weekday, t.tm_wday) &&
           has(c->hour, t.tm_hour) && has(c->minute, t.tm_min) && has(c->second, t.tm_sec);
}

time_t ml_cron_next(const struct ml_cron *c, time_t after)
{
    if (c->span_ms != 0)
        return after + (time_t)((c->span_ms + 999) / 1000);
    time_t from = after + 1;
    struct tm t;
    (void)localtime_r(&from, &t);
    long offset = t.tm_gmtoff;
    while (advance(c, &t)) {
        struct tm fixed = t;
        time_t same = timegm(&fixed) - offset; /* as if the clock were never put back */
        if (c->hour == (UINT64_C(1) << 24) - 1 && same > after && wall_matches(c, same))
            return same;
        struct tm first = t, second = t;
        first.tm_isdst = -1;
        time_t found = mktime(&first);
        if (found > after)
            return found;    /* in a gap mktime moves it behind the gap: it fires once */
        second.tm_isdst = 0; /* the clock was put back: the hour's second run */
        found = mktime(&second);
        if (found > after)
            return found;
        if (++t.tm_sec == 60) {
            t.tm_sec = 0;
            if (++t.tm_min == 60) {
                t.tm_min = 0;
                if (++t.tm_hour == 24)
                    next_day(&t);
            }
        }
    }
    return -1;
}

bool ml_cron_is_fast(const struct ml_cron *c)
{
    if (c->span_ms != 0)
        return c->span_ms < 60000;
    return (c->second & (c->second - 1)) != 0;
}
