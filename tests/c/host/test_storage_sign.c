/* tests/c/host/test_storage_sign.c -- the signatures were computed with Python's hmac, from texts written by hand
 * after the service's documents. SPDX-License-Identifier: MIT */
#include "host/storage_sign.h"

#include "../test.h"

static const char date[] = "Fri, 27 Nov 2026 20:48:45 GMT";

static void check(const struct ml_storage_request *r, const char *text, const char *authorization)
{
    struct ml_buf b = {0};
    ml_storage_string_to_sign(r, date, &b);
    assert_string_equal(b.p, text);
    ml_buf_clear(&b);
    assert_int_equal(ml_storage_authorize(r, date, &b), ML_OK);
    assert_string_equal(b.p, authorization);
    ml_buf_free(&b);
}

static void a_queue_of_the_emulator(void **state)
{
    (void)state;
    struct ml_storage_account a;
    assert_int_equal(ml_storage_account_parse("UseDevelopmentStorage=true", &a, NULL), ML_OK);
    const struct ml_storage_request r = {
        .account = &a,
        .service = ML_STORAGE_QUEUE,
        .method = "GET",
        .path = "/q1/messages",
        .query = {{"visibilitytimeout", "60"}, {"numofmessages", "16"}},
        .n_query = 2,
    };
    check(&r,
          "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 27 Nov 2026 20:48:45 GMT\n"
          "x-ms-version:2020-10-02\n/devstoreaccount1/devstoreaccount1/q1/messages\n"
          "numofmessages:16\nvisibilitytimeout:60",
          "SharedKey devstoreaccount1:neT2SKF3LD21AmGTEvIM8uYsls4K2VpN2VNGcfPRmAQ=");
    struct ml_buf url = {0};
    ml_storage_url(&r, &url);
    assert_string_equal(url.p, "http://127.0.0.1:10001/devstoreaccount1/q1/messages?"
                               "visibilitytimeout=60&numofmessages=16");
    ml_buf_free(&url);
}

static void a_blob_with_headers(void **state)
{
    (void)state;
    struct ml_storage_account a;
    assert_int_equal(ml_storage_account_parse("AccountName=acc;AccountKey=c2VjcmV0", &a, NULL),
                     ML_OK);
    struct ml_storage_request r = {
        .account = &a,
        .service = ML_STORAGE_BLOB,
        .method = "PUT",
        .path = "/c/a%20b",
        .headers = {{"x-ms-meta-a", "b"},
                    {"content-type", "text/plain"},
                    {"x-ms-blob-type", "BlockBlob"}},
        .n_headers = 3,
        .length = 5,
    };
    check(&r,
          "PUT\n\n\n5\n\ntext/plain\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\n"
          "x-ms-date:Fri, 27 Nov 2026 20:48:45 GMT\nx-ms-meta-a:b\nx-ms-version:2020-10-02\n"
          "/acc/c/a%20b",
          "SharedKey acc:s49saoWdFOQ1W1eFcblejqmOQqg90Na7PvpnkiE+6AU=");
    r = (struct ml_storage_request){
        .account = &a,
        .service = ML_STORAGE_BLOB,
        .method = "GET",
        .path = "/c/x",
        .headers = {{"if-match", "\"0x8D\""}},
        .n_headers = 1,
    };
    check(&r,
          "GET\n\n\n\n\n\n\n\n\"0x8D\"\n\n\n\nx-ms-date:Fri, 27 Nov 2026 20:48:45 GMT\n"
          "x-ms-version:2020-10-02\n/acc/c/x",
          "SharedKey acc:PolCihaRxkc617JBWHPCYmEitrsXSpzwTlKZMcmmeho=");
}

static void a_shared_signature_goes_with_the_address(void **state)
{
    (void)state;
    struct ml_storage_account a;
    struct ml_buf b = {0};
    assert_int_equal(
        ml_storage_account_parse("QueueEndpoint=https://x;SharedAccessSignature=sv=1", &a, NULL),
        ML_OK);
    struct ml_storage_request r = {
        .account = &a, .service = ML_STORAGE_QUEUE, .method = "PUT", .path = "/q"};
    assert_int_equal(ml_storage_authorize(&r, date, &b), ML_OK);
    assert_int_equal(b.n, 0);
    ml_storage_url(&r, &b);
    assert_string_equal(b.p, "https://x/q?sv=1");
    ml_buf_clear(&b);
    r.query[0] = (struct ml_storage_field){"popreceipt", "a+b=&c"};
    r.n_query = 1;
    ml_storage_url(&r, &b);
    assert_string_equal(b.p, "https://x/q?popreceipt=a%2Bb%3D%26c&sv=1");
    ml_buf_free(&b);
}

static void dates_are_those_of_http(void **state)
{
    char text[40];
    (void)state;
    ml_storage_date(text, 1795812525);
    assert_string_equal(text, date);
    ml_storage_date(text, 0);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_of_the_emulator),
        cmocka_unit_test(a_blob_with_headers),
        cmocka_unit_test(a_shared_signature_goes_with_the_address),
        cmocka_unit_test(dates_are_those_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
