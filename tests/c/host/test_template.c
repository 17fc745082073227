/* tests/c/host/test_template.c. SPDX-License-Identifier: MIT */
#include "host/template.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void every_spelling_is_one_name(void **state)
{
    static const struct {
        const char *given, *name;
        bool classic;
    } cases[] = {
        {"HttpTrigger", "HTTP trigger", true},
        {"HTTP trigger", "HTTP trigger", false},
        {"httptrigger", "HTTP trigger", true},
        {"http-trigger", "HTTP trigger", false},
        {"http_trigger", "HTTP trigger", false},
        {"TimerTrigger", "Timer Trigger", true},
        {"ServiceBusQueueTrigger", "ServiceBus Queue", true},
        {"EventGrid", "EventGrid", false},
        {"eventgrid trigger", "EventGrid", false},
        {"nope", NULL, false},
        {"", NULL, false},
        {"http", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ml_trigger_template *t = ml_template_find(cases[i].given);
        assert_int_equal(t != NULL, cases[i].name != NULL);
        if (t != NULL)
            assert_string_equal(t->name, cases[i].name);
        assert_int_equal(ml_template_is_classic(cases[i].given), cases[i].classic);
    }
}

static void marks_are_filled_and_other_dollars_stay(void **state)
{
    (void)state;
    struct ml_buf b = {0};
    const struct ml_template_values v = {.name = "N", .level = "L", .var = "app"};
    ml_template_fill(&b, "$$NAME $return $VAR.x($LEVEL)$", &v);
    assert_string_equal(b.p, "$N $return app.x(L)$");
    ml_buf_free(&b);
}

static void every_classic_template_is_json(void **state)
{
    (void)state;
    const struct ml_template_values v = {.name = "N", .level = "anonymous", .var = "app"};
    for (size_t i = 0; i < ml_n_trigger_templates; i++) {
        struct ml_buf b = {0};
        ml_buf_cstr(&b, "[");
        ml_template_fill(&b, ml_trigger_templates[i].v1_json, &v);
        ml_buf_cstr(&b, "]");
        json_t *doc = json_loads(b.p, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_is_array(doc));
        json_decref(doc);
        ml_buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_is_one_name),
        cmocka_unit_test(marks_are_filled_and_other_dollars_stay),
        cmocka_unit_test(every_classic_template_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
