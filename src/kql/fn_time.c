/* kql/fn_time.c -- calendar functions; see func.def. SPDX-License-Identifier: MIT */
#include "kql/decimal.h"
#include "kql/fn.h"
#include "kql/text.h"
#include "kql/ticks.h"

#include "base/err.h"

#include <math.h>

static struct ml_val bad_datetime(void)
{
    return ml_val_null(ML_T_DATETIME);
}

/* Midnight of a date whose month may be out of range; null outside of years 1 to 9999. */
static struct ml_val month_start(int64_t year, int64_t month)
{
    int64_t m = year * 12 + month - 1;
    int64_t y = ml_floor_div(m, 12);
    if (y < 1 || y > 9999)
        return bad_datetime();
    return ml_val_datetime(ml_civil_days((int)y, (int)(m - y * 12) + 1, 1) * ML_TICKS_DAY);
}

/* Start of the day, week, month or year that is n periods away. */
static struct ml_val period_start(const char *unit, int64_t ticks, int64_t n)
{
    struct ml_civil c = ml_civil_of(ticks);
    int64_t day = ml_floor_div(ticks, ML_TICKS_DAY);
    if (n > 4000000 || n < -4000000)
        return bad_datetime();
    if (strcmp(unit, "day") == 0)
        return ml_val_datetime((day + n) * ML_TICKS_DAY);
    if (strcmp(unit, "week") == 0) /* day 0 was a Monday: day 6 the first Sunday */
        return ml_val_datetime((day - (day + 1) % 7 + 7 * n) * ML_TICKS_DAY);
    if (strcmp(unit, "month") == 0)
        return month_start(c.year, c.month + n);
    return month_start(c.year + n, 1);
}

struct ml_val ml__fn_startof(struct ml_fcx *f, const struct ml_val *a)
{
    return period_start(f->name + 7, a[0].i, f->n > 1 ? a[1].i : 0);
}

struct ml_val ml__fn_endof(struct ml_fcx *f, const struct ml_val *a)
{
    int64_t n = f->n > 1 ? a[1].i : 0;
    struct ml_val next = period_start(f->name + 5, a[0].i, n + 1);
    if (!next.null)
        return ml_val_datetime(next.i - 1);
    struct ml_val start = period_start(f->name + 5, a[0].i, n);
    return start.null ? start : ml_val_datetime(ML_TICKS_MAX); /* the last period of all */
}

struct ml_val ml__fn_dayofweek(struct ml_fcx *f, const struct ml_val *a)
{
    int64_t day = ml_floor_div(a->i, ML_TICKS_DAY);
    int64_t k = (day + 1) % 7;
    if ((day - k + 7) * ML_TICKS_DAY >
        ML_TICKS_MAX) /* the last week of all is not whole: null, as the engine has it */
        return ml_val_null(ML_T_TIMESPAN);
    return ml_val_i64(ML_T_TIMESPAN, k * ML_TICKS_DAY);
}

struct ml_val ml__fn_dayofmonth(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long(ml_civil_of(a->i).day);
}

struct ml_val ml__fn_dayofyear(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_civil c = ml_civil_of(a->i);
    return ml_val_long(ml_civil_days(c.year, c.month, c.day) - ml_civil_days(c.year, 1, 1) + 1);
}

struct ml_val ml__fn_monthofyear(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long(ml_civil_of(a->i).month);
}

struct ml_val ml__fn_getyear(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long(ml_civil_of(a->i).year);
}

struct ml_val ml__fn_hourofday(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long(ml_civil_of(a->i).hour);
}

/* ISO 8601: the week belongs to the year of its Thursday. */
static int64_t iso_week(int64_t ticks)
{
    int64_t day = ml_floor_div(ticks, ML_TICKS_DAY);
    int64_t thursday = day - day % 7 + 3;
    struct ml_civil c = ml_civil_of(thursday * ML_TICKS_DAY);
    return (thursday - ml_civil_days(c.year, 1, 1)) / 7 + 1;
}

struct ml_val ml__fn_week_of_year(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long(iso_week(a->i));
}

static bool is(struct ml_str s, const char *name)
{
    size_t n = strlen(name);
    return s.n == n && strncasecmp(s.p, name, n) == 0;
}

struct ml_val ml__fn_datetime_part(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_civil c = ml_civil_of(a[1].i);
    struct ml_str u = a[0].s;
    if (is(u, "year"))
        return ml_val_long(c.year);
    if (is(u, "quarter"))
        return ml_val_long((c.month - 1) / 3 + 1);
    if (is(u, "month"))
        return ml_val_long(c.month);
    if (is(u, "week_of_year") || is(u, "weekofyear") || is(u, "week"))
        return ml_val_long(iso_week(a[1].i));
    if (is(u, "day"))
        return ml_val_long(c.day);
    if (is(u, "dayofyear"))
        return ml__fn_dayofyear(f, a + 1);
    if (is(u, "hour"))
        return ml_val_long(c.hour);
    if (is(u, "minute"))
        return ml_val_long(c.minute);
    if (is(u, "second"))
        return ml_val_long(c.second);
    if (is(u, "millisecond"))
        return ml_val_long(c.fraction / 10000);
    if (is(u, "microsecond"))
        return ml_val_long(c.fraction / 10);
    if (is(u, "nanosecond"))
        return ml_val_long((int64_t)c.fraction * 100);
    return ml__f_error(f, "unknown part of a datetime '%.*s'", (int)u.n, u.p);
}

/* Ticks of a unit of fixed length; 0: it is none. nanoseconds: -1. */
static int64_t unit_ticks(struct ml_str u)
{
    static const struct {
        const char *name;
        int64_t ticks;
    } units[] = {{"week", 7 * ML_TICKS_DAY},   {"day", ML_TICKS_DAY},
                 {"hour", ML_TICKS_HOUR},      {"minute", ML_TICKS_MINUTE},
                 {"second", ML_TICKS_SECOND},  {"millisecond", ML_TICKS_MS},
                 {"microsecond", ML_TICKS_US}, {"nanosecond", -1}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (is(u, units[i].name))
            return units[i].ticks;
    return 0;
}

/* Boundaries of the unit between a and b. */
struct ml_val ml__fn_datetime_diff(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str u = a[0].s;
    struct ml_civil x = ml_civil_of(a[1].i);
    struct ml_civil y = ml_civil_of(a[2].i);
    int64_t months = ((int64_t)x.year - y.year) * 12 + x.month - y.month;
    int64_t t = unit_ticks(u);
    if (is(u, "year"))
        return ml_val_long(x.year - y.year);
    if (is(u, "quarter"))
        return ml_val_long(((int64_t)x.year - y.year) * 4 + (x.month - 1) / 3 - (y.month - 1) / 3);
    if (is(u, "month"))
        return ml_val_long(months);
    if (t == 7 * ML_TICKS_DAY) {
        int64_t dx = ml_floor_div(a[1].i, ML_TICKS_DAY) + 1;
        int64_t dy = ml_floor_div(a[2].i, ML_TICKS_DAY) + 1;
        int64_t weeks = ml_floor_div(dx, 7) - ml_floor_div(dy, 7);
        return f->type == ML_T_REAL ? ml_val_real((double)weeks) : ml_val_long(weeks);
    }
    if (t == -1)
        return ml_val_long((int64_t)((uint64_t)(a[1].i - a[2].i) * 100));
    if (t == 0)
        return ml__f_error(f, "unknown part of a datetime '%.*s'", (int)u.n, u.p);
    return ml_val_long(ml_floor_div(a[1].i, t) - ml_floor_div(a[2].i, t));
}

struct ml_val ml__fn_datetime_add(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str u = a[0].s;
    int64_t n = a[1].i;
    int64_t months = is(u, "year") ? 12 : is(u, "quarter") ? 3 : is(u, "month") ? 1 : 0;
    int64_t t = unit_ticks(u);
    int64_t r;
    if (months != 0) {
        if (n > 200000 || n < -200000)
            return bad_datetime();
        struct ml_civil c = ml_civil_of(a[2].i);
        struct ml_val start = month_start(c.year, c.month + n * months);
        if (start.null)
            return start;
        struct ml_civil m = ml_civil_of(start.i);
        int last = ml_days_in_month(m.year, m.month);
        int day = c.day < last ? c.day : last;
        return ml_val_datetime(start.i + (day - 1) * ML_TICKS_DAY + (a[2].i % ML_TICKS_DAY));
    }
    if (t == 0)
        return ml__f_error(f, "unknown part of a datetime '%.*s'", (int)u.n, u.p);
    if (t == -1) {
        t = 1;
        n /= 100;
    }
    if (__builtin_mul_overflow(n, t, &r) || __builtin_add_overflow(r, a[2].i, &r))
        return bad_datetime();
    return ml_val_datetime(r);
}

static double as_real(const struct ml_val *v)
{
    return v->type == ML_T_REAL      ? v->d
           : v->type == ML_T_DECIMAL ? ml_dec_real(v->dec)
                                     : (double)v->i;
}

struct ml_val ml__fn_make_datetime(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_civil c = {.month = 1, .day = 1};
    int *parts[] = {&c.year, &c.month, &c.day, &c.hour, &c.minute};
    int64_t t;
    for (unsigned i = 0; i < f->n && i < 5; i++) {
        if (a[i].i < 0 || a[i].i > 9999)
            return bad_datetime();
        *parts[i] = (int)a[i].i;
    }
    double seconds = f->n > 5 ? as_real(&a[5]) : 0;
    if (!(seconds >= 0 && seconds < 60) || !ml_civil_ticks(&c, &t))
        return bad_datetime();
    return ml_val_datetime(t + (int64_t)round(seconds * 1e7));
}

/* (h, m), (h, m, s) or (d, h, m, s) */
struct ml_val ml__fn_make_timespan(struct ml_fcx *f, const struct ml_val *a)
{
    int64_t days = f->n == 4 ? a[0].i : 0;
    const struct ml_val *clock = f->n == 4 ? a + 1 : a;
    unsigned n = f->n == 4 ? 3 : f->n;
    int64_t hours = n > 0 ? clock[0].i : 0;
    int64_t minutes = n > 1 ? clock[1].i : 0;
    double seconds = n > 2 ? as_real(&clock[2]) : 0;
    if (days < 0 || days > 10675198 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ||
        !(seconds >= 0 && seconds < 60))
        return ml_val_null(ML_T_TIMESPAN);
    return ml_val_i64(ML_T_TIMESPAN, days * ML_TICKS_DAY + hours * ML_TICKS_HOUR +
                                         minutes * ML_TICKS_MINUTE + (int64_t)round(seconds * 1e7));
}

struct ml_val ml__fn_unixtime(struct ml_fcx *f, const struct ml_val *a)
{
    char unit = f->name[9]; /* unixtime_X... */
    double scale = unit == 's' ? 1e7 : f->name[10] == 'a' ? 0.01 : f->name[11] == 'l' ? 1e4 : 10;
    if (ml_type_is_int(a->type)) {
        int64_t t = a->i;
        if (scale < 1)
            return ml_val_datetime(ml_floor_div(t, 100) + ML_TICKS_UNIX);
        if (__builtin_mul_overflow(t, (int64_t)scale, &t) ||
            __builtin_add_overflow(t, ML_TICKS_UNIX, &t))
            return bad_datetime();
        return ml_val_datetime(t);
    }
    double d = as_real(a) * scale;
    return fabs(d) < 9e18 ? ml_val_datetime((int64_t)round(d) + ML_TICKS_UNIX) : bad_datetime();
}

/* --- format --- */

/* A run of one letter at i. */
static size_t run(struct ml_str s, size_t i)
{
    size_t n = 1;
    while (i + n < s.n && s.p[i + n] == s.p[i])
        n++;
    return n;
}

static void fraction(struct ml_buf *b, int64_t ticks, size_t n, bool trim)
{
    char digits[8];
    int64_t v = ticks;
    for (int k = 6; k >= 0; k--, v /= 10)
        digits[k] = (char)('0' + v % 10);
    n = n < 7 ? n : 7;
    while (trim && n > 0 && digits[n - 1] == '0')
        n--;
    ml_buf_add(b, digits, n);
}

static void number(struct ml_buf *b, int64_t v, size_t width)
{
    ml_buf_printf(b, "%0*lld", (int)width, (long long)v);
}

static bool separator(char c)
{
    return c != '\0' && strchr(" /-:,._[]", c) != NULL;
}

/* No names of days and months: a longer run repeats the number in the width of what is left (dddd -> 0505, MMM -> 011). */
static void repeated(struct ml_buf *b, int64_t v, size_t n)
{
    for (; n > 0; n -= n < 2 ? n : 2)
        number(b, v, n < 2 ? 1 : 2);
}

struct ml_val ml__fn_format_datetime(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_civil c = ml_civil_of(a[0].i);
    struct ml_str s = a[1].s;
    struct ml_buf b = {0};
    for (size_t i = 0; i < s.n;) {
        size_t n = run(s, i);
        if (n > 8)
            break;
        switch (s.p[i]) {
        case 'y':
            number(&b, n <= 2 ? c.year % 100 : c.year, n <= 2 ? 2 : n);
            break;
        case 'M':
            repeated(&b, c.month, n);
            break;
        case 'd':
            repeated(&b, c.day, n);
            break;
        case 'H':
            repeated(&b, c.hour, n);
            break;
        case 'h':
            repeated(&b, (c.hour + 11) % 12 + 1, n);
            break;
        case 'm':
            repeated(&b, c.minute, n);
            break;
        case 's':
            repeated(&b, c.second, n);
            break;
        case 'f':
        case 'F':
            fraction(&b, c.fraction, n, s.p[i] == 'F');
            break;
        case 't':
            ml_buf_cstr(&b, c.hour < 12 ? "AM" : "PM");
            break;
        default:
            if (!separator(s.p[i])) {
                ml_buf_free(&b);
                return ml__f_error(
                    f, "'%c' is not allowed in a datetime format: use yyyy-MM-dd HH:mm:ss.fff",
                    s.p[i]);
            }
            ml_buf_add(&b, s.p + i, n);
        }
        i += n;
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_format_timespan(struct ml_fcx *f, const struct ml_val *a)
{
    uint64_t t = a[0].i < 0 ? 0 - (uint64_t)a[0].i : (uint64_t)a[0].i;
    int64_t days = (int64_t)(t / (uint64_t)ML_TICKS_DAY);
    int64_t rest = (int64_t)(t % (uint64_t)ML_TICKS_DAY);
    struct ml_str s = a[1].s;
    struct ml_buf b = {0};
    if (a[0].i < 0)
        ml_buf_char(&b, '-');
    for (size_t i = 0; i < s.n;) {
        size_t n = run(s, i);
        size_t width = n < 2 ? 1 : 2;
        switch (s.p[i]) {
        case 'd':
            number(&b, days, n);
            break;
        case 'H':
        case 'h':
            number(&b, rest / ML_TICKS_HOUR, width);
            break;
        case 'm':
            number(&b, rest % ML_TICKS_HOUR / ML_TICKS_MINUTE, width);
            break;
        case 's':
            number(&b, rest % ML_TICKS_MINUTE / ML_TICKS_SECOND, width);
            break;
        case 'f':
        case 'F':
            fraction(&b, rest % ML_TICKS_SECOND, n, s.p[i] == 'F');
            break;
        default:
            if (!separator(s.p[i])) {
                ml_buf_free(&b);
                return ml__f_error(f, "'%c' is not allowed in a timespan format", s.p[i]);
            }
            ml_buf_add(&b, s.p + i, n);
        }
        i += n;
    }
    return ml__f_text(f, &b);
}

/* --- bin --- */

static struct ml_val bin_i64(enum ml_type t, int64_t x, int64_t size)
{
    if (size <= 0)
        return ml_val_null(t);
    int64_t r;
    if (__builtin_mul_overflow(ml_floor_div(x, size), size, &r))
        return ml_val_null(t);
    return t == ML_T_DATETIME ? ml_val_datetime(r) : ml_val_i64(t, r);
}

static struct ml_val bin_one(struct ml_fcx *f, const struct ml_val *x, const struct ml_val *size)
{
    enum ml_type t = f->type;
    if (x->null || size->null)
        return ml_val_null(t);
    if (t == ML_T_REAL) {
        double s = as_real(size);
        double d = as_real(x);
        return s > 0 ? ml_val_real(floor(d / s) * s) : ml_val_null(t);
    }
    if (t == ML_T_DECIMAL) {
        struct ml_val a = ml_val_cast(f->arena, x, false, ML_T_DECIMAL);
        struct ml_val b = ml_val_cast(f->arena, size, false, ML_T_DECIMAL);
        struct ml_val r = {.type = ML_T_DECIMAL};
        return !a.null && !b.null && ml_dec_bin(a.dec, b.dec, &r.dec) ? r : ml_val_null(t);
    }
    if (size->type == ML_T_REAL)
        return size->d >= 1 && size->d < 9e18 ? bin_i64(t, x->i, (int64_t)size->d) : ml_val_null(t);
    return bin_i64(t, x->i, size->i);
}

int ml__vec_bin(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                struct ml_column *out)
{
    struct ml_fcx f = {.rt = cx->rt, .arena = cx->arena, .type = e->type};
    bool simple = ml_type_is_i64(a[0].type) && ml_type_is_i64(a[1].type) && a[1].constant &&
                  a[0].nulls == NULL && a[1].nulls == NULL && !a[0].constant && a[1].i[0] > 0;
    if (simple) {
        int64_t size = a[1].i[0];
        int64_t low = INT64_MAX;
        if (!ml_column_init(out, cx->arena, e->type, n))
            return ml__rt_nomem(cx->rt);
        for (size_t i = 0; i < n; i++)
            low = a[0].i[i] < low ? a[0].i[i] : low;
        if (low >= 0) {      /* times always are */
            int64_t bin = 0; /* of the row before: times stand in order, mostly */
            for (size_t i = 0; i < n; i++) {
                int64_t x = a[0].i[i];
                if ((uint64_t)x - (uint64_t)bin >= (uint64_t)size)
                    bin = (int64_t)((uint64_t)x - (uint64_t)x % (uint64_t)size);
                out->i[i] = bin;
            }
            return ML_OK;
        }
    }
    if (!ml_column_init_nulls(out, cx->arena, e->type, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        struct ml_val x = ml_column_get(&a[0], i);
        struct ml_val size = ml_column_get(&a[1], i);
        struct ml_val v = bin_one(&f, &x, &size);
        ml_column_set(out, i, &v);
    }
    return ML_OK;
}

/* bin shifted so that `fixed` is on the grid. */
struct ml_val ml__fn_bin_at(struct ml_fcx *f, const struct ml_val *a)
{
    enum ml_type t = f->type;
    if (t == ML_T_REAL || a[1].type == ML_T_REAL || a[2].type == ML_T_REAL) {
        double size = as_real(&a[1]);
        double fixed = as_real(&a[2]);
        double r = fixed + floor((as_real(&a[0]) - fixed) / size) * size;
        return !(size > 0)      ? ml_val_null(t)
               : t == ML_T_REAL ? ml_val_real(r)
                                : ml_val_i64(t, (int64_t)r);
    }
    int64_t d;
    if (a[1].i <= 0 || __builtin_sub_overflow(a[0].i, a[2].i, &d))
        return ml_val_null(t);
    int64_t r = a[2].i + ml_floor_div(d, a[1].i) * a[1].i;
    return t == ML_T_DATETIME ? ml_val_datetime(r) : ml_val_i64(t, r);
}
