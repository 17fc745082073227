/* tests/c/host/test_storage_account.c. SPDX-License-Identifier: MIT */
#include "host/storage_account.h"

#include "../test.h"

static void the_emulator_has_its_usual_ports(void **state)
{
    (void)state;
    struct ml_storage_account a;
    assert_int_equal(ml_storage_account_parse("UseDevelopmentStorage=true", &a, NULL), ML_OK);
    assert_string_equal(a.name, "devstoreaccount1");
    assert_string_equal(a.endpoint[ML_STORAGE_BLOB], "http://127.0.0.1:10000/devstoreaccount1");
    assert_string_equal(a.endpoint[ML_STORAGE_QUEUE], "http://127.0.0.1:10001/devstoreaccount1");
    assert_int_equal(a.key_n, 64);
    assert_int_equal(
        ml_storage_account_parse(
            " usedevelopmentstorage = true;DevelopmentStorageProxyUri=http://box/", &a, NULL),
        ML_EINVALID); /* blanks inside are none of its form */
    assert_int_equal(ml_storage_account_parse("usedevelopmentstorage=true;"
                                              "DevelopmentStorageProxyUri=http://box/",
                                              &a, NULL),
                     ML_OK);
    assert_string_equal(a.endpoint[ML_STORAGE_BLOB], "http://box:10000/devstoreaccount1");
}

static void an_account_of_azure(void **state)
{
    (void)state;
    struct ml_storage_account a;
    assert_int_equal(
        ml_storage_account_parse("DefaultEndpointsProtocol=https;AccountName=acc;AccountKey="
                                 "c2VjcmV0;EndpointSuffix=core.chinacloudapi.cn",
                                 &a, NULL),
        ML_OK);
    assert_string_equal(a.endpoint[ML_STORAGE_BLOB], "https://acc.blob.core.chinacloudapi.cn");
    assert_string_equal(a.endpoint[ML_STORAGE_QUEUE], "https://acc.queue.core.chinacloudapi.cn");
    assert_int_equal(a.key_n, 6);
    assert_memory_equal(a.key, "secret", 6);
    assert_int_equal(ml_storage_account_parse("AccountName=acc;AccountKey=c2VjcmV0", &a, NULL),
                     ML_OK);
    assert_string_equal(a.endpoint[ML_STORAGE_BLOB], "https://acc.blob.core.windows.net");
}

static void endpoints_and_signatures_of_their_own(void **state)
{
    (void)state;
    struct ml_storage_account a;
    assert_int_equal(
        ml_storage_account_parse(
            "BlobEndpoint=http://127.0.0.1:1/acc/;SharedAccessSignature=?sv=1&sig=a%3D", &a, NULL),
        ML_OK);
    assert_string_equal(a.endpoint[ML_STORAGE_BLOB], "http://127.0.0.1:1/acc");
    assert_string_equal(a.endpoint[ML_STORAGE_QUEUE], "");
    assert_string_equal(a.sas, "sv=1&sig=a%3D");
    assert_int_equal(a.key_n, 0);
}

static void what_is_wrong_is_said_without_the_key(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "neither an account nor an endpoint"},
        {"nonsense", "KEY=VALUE"},
        {"UseDevelopmentStorage=false", "must be true"},
        {"AccountName=a;AccountKey=not base64!", "not base64"},
        {"AccountName=a", "neither 'AccountName' and 'AccountKey'"},
        {"AccountName=a;AccountKey=c2VjcmV0;DefaultEndpointsProtocol=ftp", "http or https"},
        {"BlobEndpoint=file:///x;AccountName=a;AccountKey=c2VjcmV0", "not an http"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_storage_account a = {.name = "untouched"};
        struct ml_error e = {0};
        assert_int_equal(ml_storage_account_parse(cases[i].text, &a, &e), ML_EINVALID);
        assert_non_null(strstr(e.text, cases[i].says));
        assert_null(strstr(e.text, "c2VjcmV0"));
        assert_string_equal(a.name, "untouched");
    }
    struct ml_storage_account a;
    char *text = malloc(5000);
    memset(text, 'x', 4999);
    text[4999] = '\0';
    memcpy(text, "AccountName=", 12);
    assert_int_equal(ml_storage_account_parse(text, &a, NULL), ML_EINVALID);
    free(text);
}

static void settings_are_looked_up_in_order(void **state)
{
    (void)state;
    const char *v = NULL;
    struct ml_error e = {0};
    unsetenv("AzureWebJobsStorage");
    assert_int_equal(ml_storage_setting(NULL, &v, &e), ML_ENOTFOUND);
    assert_non_null(strstr(e.text, "Missing value for AzureWebJobsStorage in local.settings.json"));
    setenv("AzureWebJobsStorage", "1", 1);
    assert_int_equal(ml_storage_setting("", &v, &e), ML_OK);
    assert_string_equal(v, "1");
    setenv("ConnectionStrings:Mine", "2", 1);
    assert_int_equal(ml_storage_setting("Mine", &v, &e), ML_OK);
    assert_string_equal(v, "2");
    setenv("Mine", "3", 1);
    assert_int_equal(ml_storage_setting("Mine", &v, &e), ML_OK);
    assert_string_equal(v, "3");
    setenv("AzureWebJobsMine", "4", 1);
    assert_int_equal(ml_storage_setting("Mine", &v, &e), ML_OK);
    assert_string_equal(v, "4");
    setenv("Ours__accountName", "acc", 1);
    assert_int_equal(ml_storage_setting("Ours", &v, &e), ML_EUNSUPPORTED);
    assert_non_null(strstr(e.text, "identity-based"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_emulator_has_its_usual_ports),
        cmocka_unit_test(an_account_of_azure),
        cmocka_unit_test(endpoints_and_signatures_of_their_own),
        cmocka_unit_test(what_is_wrong_is_said_without_the_key),
        cmocka_unit_test(settings_are_looked_up_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
