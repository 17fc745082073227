/* tests/c/host/test_binding_text.c. SPDX-License-Identifier: MIT */
#include "host/binding_text.h"

#include "../test.h"

static void settings_are_put_in(void **state)
{
    struct ml_buf b = {0};
    struct ml_error e = {0};
    (void)state;
    setenv("TEST_A", "one", 1);
    unsetenv("TEST_NONE");
    assert_int_equal(ml_binding_settings("x-%TEST_A%-%%-%TEST_A%", &b, &e), ML_OK);
    assert_string_equal(b.p, "x-one-%-one");
    ml_buf_clear(&b);
    assert_int_equal(ml_binding_settings("50%", &b, &e), ML_OK);
    assert_string_equal(b.p, "50%");
    assert_int_equal(ml_binding_settings("%TEST_NONE%", &b, &e), ML_ENOTFOUND);
    assert_string_equal(e.text, "'%TEST_NONE%' does not resolve to a value: set 'TEST_NONE'");
    ml_buf_free(&b);
}

static void expressions_are_put_in(void **state)
{
    json_t *data = json_loads("{\"Name\":\"n\",\"queueTrigger\":\"q/1\",\"count\":3,\"a\":{\"b\":"
                              "{\"c\":\"deep\"}},\"x.y\":\"dotted\"}",
                              0, NULL);
    static const struct {
        const char *text;
        const char *becomes; /* NULL: fails */
    } cases[] = {
        {"plain", "plain"},
        {"{name}-{QUEUETRIGGER}", "n-q/1"},
        {"{count}.{a.b.c}.{A.b}", "3.deep.{\"c\":\"deep\"}"},
        {"{x.y}", "dotted"},
        {"{{20}}-{name}", "{20}-n"},
        {"{nope}", NULL},
        {"{name", NULL},
        {"name}", NULL},
        {"{}", NULL},
        {"{datetime:yyyyQQ}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_buf b = {0};
        struct ml_error e = {0};
        int rc = ml_binding_expand(cases[i].text, data, &b, &e);
        if (cases[i].becomes != NULL)
            assert_string_equal(b.p, cases[i].becomes);
        else
            assert_true(rc != ML_OK && e.text[0] != '\0');
        ml_buf_free(&b);
    }
    json_decref(data);
}

static void made_values_have_their_shapes(void **state)
{
    struct ml_buf b = {0};
    (void)state;
    assert_int_equal(ml_binding_expand("{rand-guid}|{rand-guid:N}|{datetime:yyyy-MM-dd}|{DateTime}",
                                       NULL, &b, NULL),
                     ML_OK);
    char *parts[4] = {b.p};
    for (int i = 1; i < 4; i++) {
        parts[i] = strchr(parts[i - 1], '|');
        assert_non_null(parts[i]);
        *parts[i]++ = '\0';
    }
    assert_int_equal(strlen(parts[0]), 36);
    assert_int_equal(strspn(parts[1], "0123456789abcdef"), 32);
    assert_int_equal(strlen(parts[1]), 32);
    assert_int_equal(strlen(parts[2]), 10);
    assert_int_equal(strlen(parts[3]), 20);
    assert_int_equal(parts[3][10], 'T');
    ml_buf_free(&b);
}

/* -- patterns ------------------------------------------------------------------------------------ */

static void on_value(void *user, const char *name, struct ml_str value)
{
    char *out = user;
    size_t n = strlen(out);
    (void)snprintf(out + n, 200 - n, "%s=%.*s ", name, (int)value.n, value.n != 0 ? value.p : "");
}

static void patterns_match_as_much_as_can_be(void **state)
{
    static const struct {
        const char *pattern;
        const char *blob;
        const char *values; /* NULL: no match */
    } cases[] = {
        {"cont/{name}", "a/b.txt", "name=a/b.txt "},
        {"cont/{name}.{ext}", "a.b.c", "name=a.b ext=c "},
        {"cont/{name}.{ext}", "abc", NULL},
        {"cont/original-{name}", "original-x", "name=x "},
        {"cont/original-{name}", "other-x", NULL},
        {"cont/{a}-{b}-{c}", "1-2-3-4", "a=1-2 b=3 c=4 "},
        {"cont/{a}/x/{b}", "p/x/q/x/r", "a=p/x/q b=r "},
        {"cont/{a}{b}", "xy", "a=xy b= "},
        {"cont/{name}.txt", "a.txt.txt", "name=a.txt "},
        {"cont/{name}.txt", "a.txt.tx", NULL},
        {"cont/{{x}}-{name}", "{x}-y", "name=y "},
        {"cont/fixed.txt", "fixed.txt", ""},
        {"cont/fixed.txt", "fixed.txt2", NULL},
        {"cont/fixed.txt", "fixed.tx", NULL},
        {"cont", "anything/at all", "name=anything/at all "},
        {"cont/a{x}a", "a", NULL}, /* the two do not overlap */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_blob_pattern *p = NULL;
        char values[200] = "";
        assert_int_equal(ml_blob_pattern_new(cases[i].pattern, &p, NULL), ML_OK);
        assert_string_equal(ml_blob_pattern_container(p), "cont");
        struct guarded g = guarded_new(cases[i].blob, strlen(cases[i].blob));
        bool matches = ml_blob_pattern_match(p, g.str, on_value, values);
        assert_int_equal(matches, cases[i].values != NULL);
        if (matches)
            assert_string_equal(values, cases[i].values);
        guarded_free(&g);
        ml_blob_pattern_free(p);
    }
}

static void patterns_that_cannot_be_are_refused(void **state)
{
    static const char *const wrong[] = {"",        "/",           "ab/x",    "{c}ont/x",
                                        "cont/{a", "cont/{a}{A}", "cont/{}", "cont/a}"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ml_blob_pattern *p = NULL;
        struct ml_error e = {0};
        assert_int_equal(ml_blob_pattern_new(wrong[i], &p, &e), ML_EINVALID);
        assert_null(p);
        assert_non_null(strstr(e.text, "Invalid blob trigger path"));
    }
}

static int make_pattern(void *arg)
{
    struct ml_blob_pattern *p = NULL;
    int rc = ml_blob_pattern_new(arg, &p, NULL);
    ml_blob_pattern_free(p);
    return rc;
}

static void patterns_survive_want_of_memory(void **state)
{
    (void)state;
    char text[] = "cont/a{b}c{d}e";
    (void)fail_each(make_pattern, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_put_in),
        cmocka_unit_test(expressions_are_put_in),
        cmocka_unit_test(made_values_have_their_shapes),
        cmocka_unit_test(patterns_match_as_much_as_can_be),
        cmocka_unit_test(patterns_that_cannot_be_are_refused),
        cmocka_unit_test(patterns_survive_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
