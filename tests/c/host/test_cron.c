/* tests/c/host/test_cron.c -- schedules as data: after which moment comes which. SPDX-License-Identifier: MIT */
#include "host/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static time_t at(const char *text)
{
    struct tm t = {.tm_isdst = -1};
    if (sscanf(text, "%d-%d-%d %d:%d:%d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
               &t.tm_sec) != 6)
        abort();
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return mktime(&t);
}

static const struct {
    const char *zone, *schedule, *after, *next[4];
} cases[] = {
    {"UTC",
     "0 */5 * * * *",
     "2026-11-22 10:03:07",
     {"2026-11-22 10:05:00", "2026-11-22 10:10:00", "2026-11-22 10:15:00"}},
    {"UTC", "*/5 * * * *", "2026-11-22 10:05:00", {"2026-11-22 10:10:00"}}, /* five fields */
    {"UTC",
     "*/10 * * * * *",
     "2026-11-22 10:59:55",
     {"2026-11-22 11:00:00", "2026-11-22 11:00:10"}},
    {"UTC", "0 0 0 * * *", "2026-12-31 00:00:00", {"2027-01-01 00:00:00"}},
    {"UTC",
     "0 30 9-17 * * MON-FRI",
     "2026-11-20 17:30:00",
     {"2026-11-23 09:30:00", "2026-11-23 10:30:00"}},
    {"UTC",
     "0 0 12 1 JAN *",
     "2026-11-22 00:00:00",
     {"2027-01-01 12:00:00", "2028-01-01 12:00:00"}},
    {"UTC", "0 0 0 29 2 *", "2026-01-01 00:00:00", {"2028-02-29 00:00:00"}},
    {"UTC", "0 0 0 31 * *", "2026-11-01 00:00:00", {"2026-12-31 00:00:00", "2027-01-31 00:00:00"}},
    {"UTC",
     "0 0 0 13 * FRI",
     "2026-11-01 00:00:00",
     {"2026-11-13 00:00:00", "2027-08-13 00:00:00"}},
    {"UTC", "0 0 0 * * 0", "2026-11-22 00:00:00", {"2026-11-29 00:00:00"}},
    {"UTC", "0 0 0 * * 7", "2026-11-22 00:00:00", {"2026-11-29 00:00:00"}},
    {"UTC", "0 0 0 * * saturday", "2026-11-22 00:00:00", {"2026-11-28 00:00:00"}},
    {"UTC",
     "0 5,10,20-22 8 * * *",
     "2026-11-22 08:10:00",
     {"2026-11-22 08:20:00", "2026-11-22 08:21:00", "2026-11-22 08:22:00", "2026-11-23 08:05:00"}},
    {"UTC",
     "0 0 22-2 * * *",
     "2026-11-22 23:00:00",
     {"2026-11-23 00:00:00", "2026-11-23 01:00:00"}},
    {"UTC",
     "0 5/20 * * * *",
     "2026-11-22 08:00:00",
     {"2026-11-22 08:05:00", "2026-11-22 08:25:00", "2026-11-22 08:45:00", "2026-11-22 09:05:00"}},
    {"UTC", "00:00:30", "2026-11-22 08:00:00", {"2026-11-22 08:00:30", "2026-11-22 08:01:00"}},
    {"UTC", "1.00:00:00", "2026-11-22 08:00:00", {"2026-11-23 08:00:00"}},
    /* Europe/Berlin 2026: 02:00 -> 03:00 on 29 March, 03:00 -> 02:00 on 25 October */
    {"Europe/Berlin",
     "0 30 2 * * *",
     "2026-03-28 12:00:00",
     {"2026-03-29 03:30:00", "2026-03-30 02:30:00"}},
    {"Europe/Berlin",
     "0 30 2 * * *",
     "2026-10-24 12:00:00",
     {"2026-10-25 02:30:00", "2026-10-26 02:30:00"}},
    {"Europe/Berlin",
     "0 0 12 * * *",
     "2026-03-28 12:00:00",
     {"2026-03-29 12:00:00", "2026-03-30 12:00:00"}},
};

static void next_occurrences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_cron c;
        setenv("TZ", cases[i].zone, 1);
        tzset();
        assert_true(ml_cron_parse(cases[i].schedule, &c));
        time_t t = at(cases[i].after);
        for (size_t k = 0; k < 4 && cases[i].next[k] != NULL; k++) {
            char got[64];
            struct tm tm;
            t = ml_cron_next(&c, t);
            (void)localtime_r(&t, &tm);
            (void)strftime(got, sizeof got, "%Y-%m-%d %H:%M:%S", &tm);
            if (strcmp(got, cases[i].next[k]) != 0)
                fail_msg("'%s' after %s: %s, not %s", cases[i].schedule, cases[i].after, got,
                         cases[i].next[k]);
        }
    }
}

static void minutes_go_on_through_the_hour_that_comes_twice(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    struct ml_cron c;
    assert_true(ml_cron_parse("0 */30 * * * *", &c));
    time_t t = 1792886400; /* 2026-10-25 00:00:00 UTC, 02:00 summer time */
    for (int i = 1; i <= 6; i++) {
        time_t n = ml_cron_next(&c, t);
        assert_true(n > t && n - t <= 3600);
        t = n;
    }
}

static void bad_schedules_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "* * * *",
                                      "* * * * * * *",
                                      "60 * * * * *",
                                      "* * 24 * * *",
                                      "* * * 0 * *",
                                      "* * * * 13 *",
                                      "* * * * * 8",
                                      "*/0 * * * * *",
                                      "a * * * * *",
                                      "1- * * * * *",
                                      "1,, * * * * *",
                                      "00:00:00",
                                      "00:61:00",
                                      "-1 * * * * *",
                                      "0 0 0 30 2 MOO"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ml_cron c;
        if (ml_cron_parse(bad[i], &c))
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void a_day_that_never_comes_ends_the_search(void **state)
{
    (void)state;
    struct ml_cron c;
    assert_true(ml_cron_parse("0 0 0 30 2 *", &c));
    assert_int_equal(ml_cron_next(&c, 1800000000), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_occurrences),
        cmocka_unit_test(minutes_go_on_through_the_hour_that_comes_twice),
        cmocka_unit_test(bad_schedules_are_refused),
        cmocka_unit_test(a_day_that_never_comes_ends_the_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
