/* tests/c/host/test_settings.c -- files and environment into settings. SPDX-License-Identifier: MIT */
#include "host/settings.h"

#include "host/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/memline-test-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    (void)ml_path_join(path, sizeof path, dir, name);
    if (text == NULL)
        (void)unlink(path);
    else
        assert_int_equal(ml_file_write(path, ml_str_of(text), 0600, NULL), ML_OK);
}

static int read_with(const char *local, const char *host, struct ml_settings *s, struct ml_error *e)
{
    *s = (struct ml_settings){0};
    (void)snprintf(s->root, sizeof s->root, "%s", dir);
    put("local.settings.json", local);
    put("host.json", host);
    return ml_settings_read(s, e);
}

static void values_become_variables_and_the_environment_wins(void **state)
{
    (void)state;
    struct ml_settings s;
    struct ml_error e;
    setenv("ML_T_SET", "environment", 1);
    setenv("ML_T_EMPTY_ENV", "", 1);
    assert_int_equal(
        read_with(
            "{\"Values\":{\"ML_T_SET\":\"file\",\"ML_T_EMPTY_ENV\":\"file\",\"ML_T_NULL\":null,"
            "\"ML_T_EMPTY\":\"\",\"\":\"x\",\"ML_T_BOOL\":true,\"ML_T_NUMBER\":3},"
            "\"ConnectionStrings\":{\"A\":\"one\",\"B\":{\"ConnectionString\":\"two\"}},"
            "\"Host\":{\"LocalHttpPort\":7075,\"CORS\":\"*\",\"CORSCredentials\":true}}",
            NULL, &s, &e),
        ML_OK);
    assert_string_equal(getenv("ML_T_SET"), "environment");
    assert_string_equal(getenv("ML_T_EMPTY_ENV"), "file");
    assert_null(getenv("ML_T_NULL"));
    assert_string_equal(getenv("ML_T_EMPTY"), "");
    assert_string_equal(getenv("ML_T_BOOL"), "True");
    assert_string_equal(getenv("ML_T_NUMBER"), "3");
    assert_string_equal(getenv("ConnectionStrings:A"), "one");
    assert_string_equal(getenv("ConnectionStrings:B"), "two");
    assert_int_equal(s.local_port, 7075);
    assert_string_equal(s.cors, "*");
    assert_true(s.cors_credentials);
    ml_settings_forget(&s);
    assert_null(getenv("ML_T_NUMBER"));
    assert_string_equal(getenv("ML_T_SET"), "environment");
    ml_settings_release(&s);
}

static void host_json_failures_have_their_texts(void **state)
{
    static const struct {
        const char *local, *host, *text;
    } cases[] = {
        {NULL, "{}", "The host.json file is missing the required 'version' property."},
        {NULL, "{\"version\":\"3.0\"}",
         "'3.0' is an invalid value for host.json 'version' property."},
        {NULL, "{\"version\":", "Unable to parse host configuration file '"},
        {NULL, "[]", "Unable to parse host configuration file '"},
        {"{\"IsEncrypted\":true,\"Values\":{}}", NULL, "Failed to decrypt settings."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_settings s;
        struct ml_error e = {0};
        assert_true(read_with(cases[i].local, cases[i].host, &s, &e) != ML_OK);
        if (strncmp(e.text, cases[i].text, strlen(cases[i].text)) != 0)
            fail_msg("%s", e.text);
        ml_settings_release(&s);
    }
}

static void the_environment_overrides_host_json(void **state)
{
    (void)state;
    struct ml_settings s;
    struct ml_error e;
    setenv("AzureFunctionsJobHost__extensions__http__routePrefix", "v9", 1);
    setenv("AzureFunctionsJobHost:logging:logLevel:Function.A", "Debug", 1);
    setenv("AzureFunctionsJobHost__functions__0", "B", 1);
    setenv("AzureFunctionsJobHost__extensions__http__maxConcurrentRequests", "12", 1);
    assert_int_equal(
        read_with(NULL,
                  "{\"version\":\"2.0\",\"Extensions\":{\"http\":{\"routePrefix\":\"x\"}},"
                  "\"functions\":[\"A\"],\"functionTimeout\":\"00:05:00\"}",
                  &s, &e),
        ML_OK);
    assert_string_equal(ml_setting_text(&s, "extensions.http.routePrefix", "api"), "v9");
    assert_string_equal(ml_setting_text(&s, "logging.logLevel", "none"), "none");
    assert_int_equal(ml_setting_int(&s, "extensions.http.maxConcurrentRequests", -1), 12);
    assert_int_equal(ml_setting_int(&s, "extensions.http.nothing", -1), -1);
    assert_string_equal(json_string_value(json_array_get(ml_setting(&s, "functions"), 0)), "B");
    struct ml_level_filter f = {0};
    bool has;
    enum ml_level d;
    assert_int_equal(ml_settings_levels(&s, &f, &has, &d), ML_OK);
    assert_int_equal(ml_level_shown(&f, "Function.A.User"), ML_LEVEL_DEBUG);
    ml_level_filter_release(&f);
    ml_settings_release(&s);
    unsetenv("AzureFunctionsJobHost__extensions__http__routePrefix");
    unsetenv("AzureFunctionsJobHost:logging:logLevel:Function.A");
    unsetenv("AzureFunctionsJobHost__functions__0");
    unsetenv("AzureFunctionsJobHost__extensions__http__maxConcurrentRequests");
}

static void time_spans(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: not a time span */
    } cases[] = {{"00:00:05", 5000},
                 {"01:00:00", 3600000},
                 {"1.00:00:00", 86400000},
                 {"00:00:00.250", 250},
                 {"00:05", 300000},
                 {"5", -1},
                 {"0 */5 * * * *", -1},
                 {"00:60:00", -1},
                 {"x", -1},
                 {"", -1},
                 {"-00:00:01", -1},
                 {"00:00:05x", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = -1;
        bool ok = ml_settings_timespan(cases[i].text, &ms);
        if (ok != (cases[i].ms >= 0) || (ok && ms != cases[i].ms))
            fail_msg("'%s': %d %lld", cases[i].text, ok, (long long)ms);
    }
}

static void the_nearest_folder_upwards_is_the_root(void **state)
{
    (void)state;
    char sub[PATH_MAX], root[PATH_MAX], here[PATH_MAX], real[PATH_MAX];
    assert_non_null(getcwd(here, sizeof here));
    put("host.json", "{\"version\":\"2.0\"}");
    (void)ml_path_join(sub, sizeof sub, dir, "a/b");
    assert_int_equal(ml_make_dirs(sub, 0755, NULL), ML_OK);
    assert_int_equal(chdir(sub), 0);
    assert_int_equal(ml_project_root(root, NULL), ML_OK);
    assert_string_equal(root, realpath(dir, real));
    put("host.json", NULL);
    put("local.settings.json", NULL);
    struct ml_error e;
    assert_int_equal(ml_project_root(root, &e), ML_ENOTFOUND);
    assert_non_null(strstr(e.text, "Unable to find project root."));
    setenv("AzureWebJobsScriptRoot", dir, 1);
    assert_int_equal(ml_project_root(root, &e), ML_OK);
    unsetenv("AzureWebJobsScriptRoot");
    assert_int_equal(chdir(here), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_variables_and_the_environment_wins),
        cmocka_unit_test(host_json_failures_have_their_texts),
        cmocka_unit_test(the_environment_overrides_host_json),
        cmocka_unit_test(time_spans),
        cmocka_unit_test(the_nearest_folder_upwards_is_the_root),
    };
    if (mkdtemp(dir) == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
