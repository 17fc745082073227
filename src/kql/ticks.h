/* kql/ticks.h -- the calendar: ticks to year, month, day and back; text to ticks and back.
 *
 * Proleptic Gregorian, UTC, years 1 to 9999; ticks of 100 ns. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_TICKS_H
#define ML_KQL_TICKS_H

#include "base/buf.h"
#include "kql/type.h"

struct ml_civil {
    int year;
    int month; /* 1-12 */
    int day;   /* 1-31 */
    int hour;
    int minute;
    int second;
    int fraction; /* ticks, 0-9999999 */
};

struct ml_civil ml_civil_of(int64_t ticks);
/* False: there is no such date or time of day. */
bool ml_civil_ticks(const struct ml_civil *c, int64_t *ticks);
int ml_days_in_month(int year, int month);
/* Days since 0001-01-01 of a valid date. */
int64_t ml_civil_days(int year, int month, int day);

/* Rounding toward minus infinity; b > 0. */
static inline int64_t ml_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ISO 8601, month first with slashes or dashes, RFC 822 and 850. */
bool ml_datetime_parse(struct ml_str s, int64_t *ticks);
/* "[-][d.]hh:mm[:ss[.fffffff]]" or a number with a unit ("1.5h"). */
bool ml_timespan_parse(struct ml_str s, int64_t *ticks);
/* Ticks of a unit's name as in literals (d, hours, ms, ...); 0: there is none. */
double ml_timespan_unit(struct ml_str unit);

/* Always seven digits and Z. */
void ml_datetime_print(int64_t ticks, struct ml_buf *out);
/* Fraction only if not 0, trailing zeros cut: the form of the protocols. */
void ml_datetime_print_short(int64_t ticks, struct ml_buf *out);
void ml_timespan_print(int64_t ticks, struct ml_buf *out);

#endif
