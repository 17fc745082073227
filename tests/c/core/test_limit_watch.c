/* tests/c/core/test_limit_watch.c -- time is given, memory is a file of ours. SPDX-License-Identifier: MIT */
#include "core/limit_watch.h"

#include "fakeroot.h"

#include <math.h>

#define MIB (1024ull * 1024)
#define MS UINT64_C(1000000)

static struct ml_limit_watch w;
static struct ml_limit_crossing c;
static uint64_t now;

static void use(unsigned long long mib)
{
    fake_number("sys/fs/cgroup/a/memory.current", mib * MIB);
}

static void start(void)
{
    fake("proc/self/cgroup", "0::/a\n");
    fake("proc/self/mountinfo", "26 24 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    fake_number("sys/fs/cgroup/a/memory.max", 100 * MIB);
    use(10);
    w = (struct ml_limit_watch){.root = fakeroot};
    now = 1000 * MS;
}

/* The threshold crossed at this use; 0: none. */
static uint32_t check(unsigned long long mib)
{
    use(mib);
    now += 50 * MS;
    return ml_limit_check(&w, now, &c) ? c.percent : 0;
}

static void each_threshold_is_told_once(void **state)
{
    static const struct {
        unsigned mib;
        uint32_t told;
    } rows[] = {{79, 0},  {80, 80}, {85, 0}, {79, 0},  {81, 0},  {90, 90}, {86, 0}, {91, 0},
                {99, 95}, {96, 0},  {90, 0}, {95, 0},  {89, 0},  {95, 95}, {84, 0}, {90, 90},
                {74, 0},  {80, 80}, {10, 0}, {97, 95}, {100, 0}, {10, 0},  {89, 80}};
    start();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(check(rows[i].mib), rows[i].told);
}

static void a_crossing_tells_the_limit(void **state)
{
    start();
    assert_int_equal(check(92), 90);
    assert_int_equal(c.kind, ML_LIMIT_CGROUP2);
    assert_int_equal(c.limit_bytes, 100 * MIB);
    assert_int_equal(c.use_bytes, 92 * MIB);
    assert_string_equal(c.where, "/sys/fs/cgroup/a");
    assert_false(c.has_rate);
    assert_false(c.has_runs);
    struct ml_limit l;
    uint64_t bytes;
    assert_true(ml_limit_now(&w, &l, &bytes));
    assert_int_equal(bytes, 92 * MIB);
}

static void looks_are_50_ms_apart_and_5_when_it_is_close(void **state)
{
    start();
    assert_int_equal(check(10), 0);
    use(75);
    assert_false(ml_limit_check(&w, now + 49 * MS, &c));
    assert_false(ml_limit_check(&w, now + 50 * MS, &c)); /* it looked */
    use(90);
    assert_false(ml_limit_check(&w, now + 54 * MS, &c));
    assert_true(ml_limit_check(&w, now + 55 * MS, &c));
}

static void the_rate_is_told(void **state)
{
    start();
    for (unsigned mib = 40; mib < 80; mib += 4)
        assert_int_equal(check(mib), 0); /* 4 MiB in 50 ms */
    assert_int_equal(check(80), 80);
    assert_true(c.has_rate);
    assert_true(fabs(c.rate.slope - 80.0 * MIB) < 1);
}

static void invocations_left_are_told(void **state)
{
    start();
    uint32_t told = 0;
    for (unsigned mib = 8; told == 0; mib += 4) {
        use(mib);
        now += 2 * MS;
        ml_limit_run_ended(&w, now);
        now += 50 * MS;
        told = ml_limit_check(&w, now, &c) ? c.percent : 0;
    }
    assert_int_equal(told, 80);
    assert_true(c.has_runs);
    assert_true(fabs(c.per_run.slope - 4.0 * MIB) < 1);
    assert_true(fabs(c.runs_left - 5) < 1e-6);
    assert_true(c.runs_left_lo <= c.runs_left && c.runs_left <= c.runs_left_hi);
}

static void no_growth_foretells_nothing(void **state)
{
    start();
    for (int i = 0; i < 20; i++) {
        use(70 + (unsigned)(i % 2));
        now += 2 * MS;
        ml_limit_run_ended(&w, now);
    }
    assert_int_equal(check(82), 80);
    assert_false(c.has_runs);
}

static void quick_invocations_are_counted_all(void **state)
{
    start();
    for (int i = 0; i < 1000; i++) { /* 10 in a millisecond, 0.1 MiB each */
        fake_number("sys/fs/cgroup/a/memory.current", (unsigned long long)i * MIB / 20);
        now += MS / 10;
        ml_limit_run_ended(&w, now);
    }
    assert_int_equal(check(80), 80);
    assert_true(c.has_runs);
    assert_true(fabs(c.per_run.slope - MIB / 20.0) < MIB / 100.0);
}

static void another_limit_begins_anew(void **state)
{
    start();
    assert_int_equal(check(81), 80);
    fake_number("sys/fs/cgroup/a/memory.max", 200 * MIB);
    now += 6000 * MS; /* limits are read again now and then */
    assert_int_equal(check(81), 0);
    assert_int_equal(check(160), 80);
    assert_int_equal(c.limit_bytes, 200 * MIB);
}

static void no_limit_is_quiet(void **state)
{
    struct ml_limit l;
    uint64_t bytes;
    w = (struct ml_limit_watch){.root = fakeroot};
    ml_limit_run_ended(&w, 1 * MS);
    assert_false(ml_limit_check(&w, 100 * MS, &c));
    assert_false(ml_limit_now(&w, &l, &bytes));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fakeroot_setup, fakeroot_teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(each_threshold_is_told_once),
        CASE(a_crossing_tells_the_limit),
        CASE(looks_are_50_ms_apart_and_5_when_it_is_close),
        CASE(the_rate_is_told),
        CASE(invocations_left_are_told),
        CASE(no_growth_foretells_nothing),
        CASE(quick_invocations_are_counted_all),
        CASE(another_limit_begins_anew),
        CASE(no_limit_is_quiet),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
