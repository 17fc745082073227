/* tests/c/api/test_ask.c -- request bodies of the protocols. SPDX-License-Identifier: MIT */
#include "api/ask.h"

#include "kql/ticks.h"
#include "test.h"

static struct ml_arena arena;

static int teardown(void **state)
{
    ml_arena_clear(&arena);
    return 0;
}

static void insights_bodies_have_a_query_and_a_timespan(void **state)
{
    struct ml_ask ask;
    struct ml_error e = {0};
    int64_t now = ML_TICKS_UNIX + ML_TICKS_DAY;
    assert_int_equal(ml_ask_insights(&arena, ML_STR("{\"query\":\"traces\",\"timespan\":\"PT1H\"}"),
                                     now, &ask, &e),
                     ML_OK);
    assert_true(ml_str_eq(ask.query, ML_STR("traces")));
    assert_true(ask.has_period);
    assert_true(ask.period.from_ticks == now - ML_TICKS_HOUR);
    assert_int_equal(
        ml_ask_insights(&arena, ML_STR("{\"query\":\"x\",\"timespan\":null}"), now, &ask, &e),
        ML_OK);
    assert_false(ask.has_period);
    assert_int_equal(ml_ask_insights(&arena, ML_STR("{\"timespan\":\"PT1H\"}"), now, &ask, &e),
                     ML_EINVALID);
    assert_non_null(strstr(e.text, "'query'"));
    assert_int_equal(
        ml_ask_insights(&arena, ML_STR("{\"query\":\"x\",\"timespan\":\"1h\"}"), now, &ask, &e),
        ML_EINVALID);
    assert_int_equal(ml_ask_insights(&arena, ML_STR("[1]"), now, &ask, &e), ML_EINVALID);
    assert_int_equal(ml_ask_insights(&arena, ML_STR(""), now, &ask, &e), ML_EINVALID);
}

static void kusto_properties_are_an_object_or_text(void **state)
{
    static const char *const bodies[] = {
        "{\"db\":\"d\",\"csl\":\"q\",\"properties\":{\"Options\":{\"servertimeout\":\"00:01:30\","
        "\"truncationmaxrecords\":10,\"query_take_max_records\":5,\"query_now\":\"2020-01-01\"},"
        "\"Parameters\":{\"n\":\"long(5)\"}}}",
        "{\"db\":\"d\",\"csl\":\"q\",\"properties\":\"{\\\"Options\\\":{\\\"servertimeout\\\":"
        "\\\"00:01:30\\\","
        "\\\"truncationmaxrecords\\\":10,\\\"query_take_max_records\\\":5,\\\"query_now\\\":"
        "\\\"2020-01-01\\\"},"
        "\\\"Parameters\\\":{\\\"n\\\":\\\"long(5)\\\"}}\"}"};
    for (int i = 0; i < 2; i++) {
        struct ml_ask ask;
        struct ml_error e = {0};
        assert_int_equal(ml_ask_kusto(&arena, ml_str_of(bodies[i]), &ask, &e), ML_OK);
        assert_true(ml_str_eq(ask.query, ML_STR("q")));
        assert_true(ml_str_eq(ask.database, ML_STR("d")));
        assert_true(ask.timeout_ns == UINT64_C(90000000000));
        assert_int_equal(ask.error_rows, 10);
        assert_int_equal(ask.max_rows, 5);
        assert_true(ask.now_ticks == 637134336000000000);
        assert_true(ml_str_eq(ask.parameters, ML_STR("{\"n\":\"long(5)\"}")));
    }
}

static void kusto_without_options_has_none(void **state)
{
    struct ml_ask ask;
    struct ml_error e = {0};
    assert_int_equal(ml_ask_kusto(&arena, ML_STR("{\"db\":null,\"csl\":\"q\"}"), &ask, &e), ML_OK);
    assert_true(ask.timeout_ns == 0 && ask.max_rows == 0 && ask.error_rows == 0 &&
                ask.parameters.n == 0);
    assert_int_equal(ml_ask_kusto(&arena, ML_STR("{\"csl\":\"q\",\"properties\":\"{\"}"), &ask, &e),
                     ML_EINVALID);
    assert_int_equal(
        ml_ask_kusto(&arena,
                     ML_STR("{\"csl\":\"q\",\"properties\":{\"Options\":{\"notruncation\":true}}}"),
                     &ask, &e),
        ML_OK);
    assert_true(ask.error_rows == UINT64_MAX);
}

static void addresses_carry_a_query_too(void **state)
{
    struct ml_ask ask;
    struct ml_error e = {0};
    assert_int_equal(ml_ask_get(&arena, ML_STR("timespan=P1D&query=traces%20%7C+take%201"),
                                ML_TICKS_UNIX, &ask, &e),
                     ML_OK);
    assert_true(ml_str_eq(ask.query, ML_STR("traces | take 1")));
    assert_true(ask.has_period);
    assert_int_equal(ml_ask_get(&arena, ML_STR("csl=x&db=d"), ML_TICKS_UNIX, &ask, &e), ML_OK);
    assert_true(ml_str_eq(ask.query, ML_STR("x")) && ml_str_eq(ask.database, ML_STR("d")));
    assert_int_equal(ml_ask_get(&arena, ML_STR("q=x"), ML_TICKS_UNIX, &ask, &e), ML_EINVALID);
}

static void preferences_are_read(void **state)
{
    struct ml_prefer p;
    ml_prefer_parse(ML_STR("wait=30, ai.response-thinning=false ,include-render=true"), &p);
    assert_true(p.wait_s == 30 && p.kusto_shape && p.render && !p.statistics);
    ml_prefer_parse(ML_STR("include-statistics=true"), &p);
    assert_true(p.wait_s == 0 && !p.kusto_shape && p.statistics);
    ml_prefer_parse(ML_STR(",,=,wait=x"), &p);
    assert_true(p.wait_s == 0 && !p.kusto_shape && !p.statistics && !p.render);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(insights_bodies_have_a_query_and_a_timespan, teardown),
        cmocka_unit_test_teardown(kusto_properties_are_an_object_or_text, teardown),
        cmocka_unit_test_teardown(kusto_without_options_has_none, teardown),
        cmocka_unit_test_teardown(addresses_carry_a_query_too, teardown),
        cmocka_unit_test(preferences_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
