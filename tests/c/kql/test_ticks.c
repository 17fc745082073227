/* tests/c/kql/test_ticks.c -- SPDX-License-Identifier: MIT */
#include "kql/ticks.h"

#include "test.h"

static void every_day_goes_there_and_back(void **state)
{
    for (int64_t day = 0; day < ML_TICKS_MAX / ML_TICKS_DAY; day++) {
        struct ml_civil c = ml_civil_of(day * ML_TICKS_DAY + 1);
        int64_t t;
        assert_true(ml_civil_ticks(&c, &t));
        assert_int_equal(t, day * ML_TICKS_DAY + 1);
    }
}

static void known_days(void **state)
{
    assert_int_equal(ml_civil_days(1, 1, 1), 0);
    assert_int_equal(ml_civil_days(1970, 1, 1) * ML_TICKS_DAY, ML_TICKS_UNIX);
    assert_int_equal(ml_days_in_month(1900, 2), 28);
    assert_int_equal(ml_days_in_month(2000, 2), 29);
    assert_true((ml_civil_days(9999, 12, 31) + 1) * ML_TICKS_DAY - 1 == ML_TICKS_MAX);
}

static void spellings_of_one_moment(void **state)
{
    static const char *const same[] = {
        "2016-02-17T08:40:01Z",        "2016-02-17 08:40:01",           "2016-02-17T09:40:01+01:00",
        "02/17/2016 08:40:01",         "Wed, 17 Feb 2016 08:40:01 GMT", "17 Feb 16 08:40:01",
        "2016-2-17T08:40:01.0000000Z", "  2016-02-17T08:40:01 ",        "02/17/2016 8:40:01 AM",
    };
    int64_t want;
    assert_true(ml_datetime_parse(ml_str_of(same[0]), &want));
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        int64_t t = 0;
        assert_true(ml_datetime_parse(ml_str_of(same[i]), &t));
        assert_int_equal(t, want);
    }
}

static void no_such_moments(void **state)
{
    static const char *const bad[] = {"",
                                      "2016-02-30",
                                      "13-01-2022",
                                      "2016-02-17T24:00:00",
                                      "yesterday",
                                      "2016-02-17T08:40:01X",
                                      "0000-01-01",
                                      "10000-01-01",
                                      "0001-01-01T00:00:00+01:00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct guarded g = guarded_new(bad[i], strlen(bad[i]));
        int64_t t = 42;
        assert_false(ml_datetime_parse(g.str, &t));
        assert_int_equal(t, 42);
        guarded_free(&g);
    }
}

static void timespans(void **state)
{
    static const struct {
        const char *text;
        int64_t ticks;
    } rows[] = {{"1.02:03:04.5", ML_TICKS_DAY + 2 * ML_TICKS_HOUR + 3 * ML_TICKS_MINUTE + 45000000},
                {"-1d", -ML_TICKS_DAY},
                {"90s", 90 * ML_TICKS_SECOND},
                {"13:00", 13 * ML_TICKS_HOUR},
                {"00:00:00.0000001", 1}};
    static const char *const bad[] = {"1.5", "24:00", "1:60", "x", "1d2h", ""};
    int64_t t;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(ml_timespan_parse(ml_str_of(rows[i].text), &t));
        assert_int_equal(t, rows[i].ticks);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(ml_timespan_parse(ml_str_of(bad[i]), &t));
}

static void prints(void **state)
{
    struct ml_buf b = {0};
    ml_datetime_print(1, &b);
    assert_string_equal(b.p, "0001-01-01T00:00:00.0000001Z");
    ml_buf_clear(&b);
    ml_datetime_print_short(ML_TICKS_UNIX + 5000000, &b);
    assert_string_equal(b.p, "1970-01-01T00:00:00.5Z");
    ml_buf_clear(&b);
    ml_timespan_print(-(ML_TICKS_DAY + 1), &b);
    assert_string_equal(b.p, "-1.00:00:00.0000001");
    ml_buf_clear(&b);
    ml_timespan_print(INT64_MIN, &b);
    assert_string_equal(b.p, "-10675199.02:48:05.4775808");
    ml_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_goes_there_and_back),
        cmocka_unit_test(known_days),
        cmocka_unit_test(spellings_of_one_moment),
        cmocka_unit_test(no_such_moments),
        cmocka_unit_test(timespans),
        cmocka_unit_test(prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
