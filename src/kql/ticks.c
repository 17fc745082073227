/* kql/ticks.c -- see ticks.h. SPDX-License-Identifier: MIT */
#include "kql/ticks.h"

int64_t ml_civil_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year; /* the year starts in March, so leap days come last */
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    return days - 306;
}

static void civil_date(int64_t days, struct ml_civil *c)
{
    int64_t z = days + 306; /* since 0000-03-01 */
    int64_t era = ml_floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c->year = (int)(yoe + era * 400 + (c->month <= 2));
}

struct ml_civil ml_civil_of(int64_t ticks)
{
    struct ml_civil c = {0};
    int64_t days = ml_floor_div(ticks, ML_TICKS_DAY);
    int64_t rest = ticks - days * ML_TICKS_DAY;
    civil_date(days, &c);
    c.hour = (int)(rest / ML_TICKS_HOUR);
    c.minute = (int)(rest % ML_TICKS_HOUR / ML_TICKS_MINUTE);
    c.second = (int)(rest % ML_TICKS_MINUTE / ML_TICKS_SECOND);
    c.fraction = (int)(rest % ML_TICKS_SECOND);
    return c;
}

int ml_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool ml_civil_ticks(const struct ml_civil *c, int64_t *ticks)
{
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > ml_days_in_month(c->year, c->month) || c->hour < 0 || c->hour > 23 ||
        c->minute < 0 || c->minute > 59 || c->second < 0 || c->second > 59)
        return false;
    *ticks = ml_civil_days(c->year, c->month, c->day) * ML_TICKS_DAY + c->hour * ML_TICKS_HOUR +
             c->minute * ML_TICKS_MINUTE + c->second * ML_TICKS_SECOND + c->fraction;
    return true;
}

/* The last n digits of v; answers where they end. */
static char *put_digits(char *p, int v, int n)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + n;
}

/* Hot: every time of an answer passes here, so the digits are written without a format.
 * n = fraction digits to write, 0-7. */
static void print_time(int64_t ticks, int n, struct ml_buf *out)
{
    struct ml_civil c = ml_civil_of(ticks);
    char text[sizeof "yyyy-MM-ddTHH:mm:ss.fffffffZ"];
    char *p = put_digits(text, c.year, 4);
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_digits(p, c.hour, 2);
    *p++ = ':';
    p = put_digits(p, c.minute, 2);
    *p++ = ':';
    p = put_digits(p, c.second, 2);
    if (n > 0) {
        *p++ = '.';
        put_digits(p, c.fraction, 7);
        p += n;
    }
    *p++ = 'Z';
    ml_buf_add(out, text, (size_t)(p - text));
}

void ml_datetime_print(int64_t ticks, struct ml_buf *out)
{
    print_time(ticks, 7, out);
}

void ml_datetime_print_short(int64_t ticks, struct ml_buf *out)
{
    int64_t fraction = ticks % ML_TICKS_SECOND;
    int n = fraction != 0 ? 7 : 0;
    for (; n > 0 && fraction % 10 == 0; n--)
        fraction /= 10;
    print_time(ticks, n, out);
}

void ml_timespan_print(int64_t ticks, struct ml_buf *out)
{
    uint64_t t = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    const uint64_t day = ML_TICKS_DAY;
    const uint64_t hour = ML_TICKS_HOUR;
    const uint64_t minute = ML_TICKS_MINUTE;
    const uint64_t second = ML_TICKS_SECOND;
    if (ticks < 0)
        ml_buf_char(out, '-');
    if (t >= day)
        ml_buf_printf(out, "%llu.", (unsigned long long)(t / day));
    ml_buf_printf(out, "%02d:%02d:%02d", (int)(t % day / hour), (int)(t % hour / minute),
                  (int)(t % minute / second));
    if (t % second != 0)
        ml_buf_printf(out, ".%07d", (int)(t % second));
}
