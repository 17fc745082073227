/* tests/c/host/test_function.c -- an index into functions, routes and a listing. SPDX-License-Identifier: MIT */
#include "host/function.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define HTTP(name, route, methods)                                 \
    "{\"name\":\"" name "\",\"id\":\"" name                        \
    "\",\"bindings\":[{\"type\":\"httpTrigger\",\"name\":\"req\"," \
    "\"direction\":\"in\",\"route\":" route ",\"methods\":" methods "}]}"

static struct ml_app *make(const char *functions, struct ml_settings *s)
{
    struct ml_buf b = {0};
    struct ml_app *a = NULL;
    struct ml_error e;
    *s = (struct ml_settings){.host = json_object()};
    ml_buf_printf(&b, "{\"functions\":[%s]}", functions);
    json_t *index = json_loads(b.p, 0, NULL);
    assert_non_null(index);
    assert_int_equal(ml_app_new(index, s, &a, &e), ML_OK);
    json_decref(index);
    ml_buf_free(&b);
    return a;
}

static void listing_is_sorted_and_shows_each_kind(void **state)
{
    (void)state;
    struct ml_settings s;
    setenv("AzureWebJobs.Off.Disabled", "true", 1);
    struct ml_app *a = make(
        HTTP("zeta", "\"items/{id:int}\"", "[\"get\",\"post\"]") "," HTTP(
            "Alpha", "null",
            "[]") "," HTTP("Off", "null",
                           "[]") ","
                                 "{\"name\":\"tick\",\"id\":\"t\",\"bindings\":[{\"type\":"
                                 "\"timerTrigger\",\"name\":\"m\",\"direction\":\"in\"}]},"
                                 "{\"name\":\"bus\",\"id\":\"b\",\"bindings\":[{\"type\":"
                                 "\"serviceBusTrigger\",\"name\":\"m\",\"direction\":\"in\"}]},"
                                 "{\"name\":\"bad\",\"id\":\"c\",\"bindings\":[],\"error\":{"
                                 "\"kind\":\"load\",\"message\":\"no\"}}",
        &s);
    struct ml_buf b = {0};
    ml_app_list(a, "http://localhost:7071", false, &b);
    assert_string_equal(
        b.p, "\nFunctions:\n\n"
             "\tAlpha:  http://localhost:7071/api/Alpha\n\n"
             "\tzeta: [GET,POST] http://localhost:7071/api/items/{id:int}\n\n"
             "\tbad: failed to load\n\n"
             "\tbus: serviceBusTrigger (not run here: this trigger has no local service here)\n\n"
             "\ttick: timerTrigger\n\n"
             "Function Off is disabled.\n");
    assert_int_equal(a->n_routes, 2);
    assert_ptr_equal(ml_app_find(a, "ZETA"), a->routes[1]);
    ml_buf_free(&b);
    ml_app_unref(a);
    json_decref(s.host);
    unsetenv("AzureWebJobs.Off.Disabled");
}

static void conflicting_routes_are_in_error(void **state)
{
    (void)state;
    struct ml_settings s;
    struct ml_app *a = make(
        HTTP("A", "\"x/{a}\"", "[\"get\"]") "," HTTP("B", "\"x/{b}\"", "[\"get\",\"put\"]") "," HTTP(
            "C", "\"x/{c}\"",
            "[\"post\"]") "," HTTP("D", "\"admin/x\"",
                                   "[]") "," HTTP("E", "\"Runtime\"",
                                                  "[]") "," HTTP("F", "\"{bad\"",
                                                                 "[]") "," HTTP("G",
                                                                                "\"administer\"",
                                                                                "[]"),
        &s);
    assert_null(ml_app_find(a, "A")->error);
    assert_string_equal(ml_app_find(a, "B")->error,
                        "The route specified conflicts with the route defined by function 'A'.");
    assert_null(ml_app_find(a, "C")->error);
    assert_string_equal(ml_app_find(a, "D")->error,
                        "The specified route conflicts with one or more built in routes.");
    assert_non_null(ml_app_find(a, "E")->error);
    assert_non_null(ml_app_find(a, "F")->error);
    assert_null(ml_app_find(a, "G")->error);
    assert_int_equal(a->n_routes, 3);
    ml_app_unref(a);
    json_decref(s.host);
}

static void methods_are_taken_in_any_case(void **state)
{
    (void)state;
    struct ml_settings s;
    struct ml_app *a = make(HTTP("A", "null", "[\"get\"]") "," HTTP("B", "null", "null"), &s);
    assert_true(ml_function_takes(ml_app_find(a, "A"), ML_STR("GET")));
    assert_false(ml_function_takes(ml_app_find(a, "A"), ML_STR("HEAD")));
    assert_true(ml_function_takes(ml_app_find(a, "B"), ML_STR("PROPFIND")));
    ml_app_unref(a);
    json_decref(s.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_is_sorted_and_shows_each_kind),
        cmocka_unit_test(conflicting_routes_are_in_error),
        cmocka_unit_test(methods_are_taken_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
