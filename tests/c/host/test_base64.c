/* tests/c/host/test_base64.c -- the vectors of RFC 4648. SPDX-License-Identifier: MIT */
#include "host/base64.h"

#include "../test.h"

static const struct {
    const char *plain;
    const char *encoded;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

static void the_vectors_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct ml_buf b = {0};
        ml_buf_cstr(&b, "");
        ml_base64_encode(&b, ml_str_of(vectors[i].plain));
        assert_string_equal(b.p, vectors[i].encoded);
        ml_buf_clear(&b);
        ml_buf_cstr(&b, "");
        struct guarded g = guarded_new(vectors[i].encoded, strlen(vectors[i].encoded));
        assert_true(ml_base64_decode(&b, g.str));
        assert_string_equal(b.p, vectors[i].plain);
        guarded_free(&g);
        ml_buf_free(&b);
    }
}

static void every_byte_comes_back(void **state)
{
    char bytes[256];
    struct ml_buf text = {0}, back = {0};
    (void)state;
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    ml_base64_encode(&text, (struct ml_str){bytes, sizeof bytes});
    ml_buf_cstr(&text, "\r\n"); /* blanks around it */
    assert_true(ml_base64_decode(&back, ml_buf_view(&text)));
    assert_int_equal(back.n, sizeof bytes);
    assert_memory_equal(back.p, bytes, sizeof bytes);
    ml_buf_free(&text);
    ml_buf_free(&back);
}

static void other_text_is_refused_and_nothing_is_added(void **state)
{
    static const char *const wrong[] = {
        "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm 9v", "Zm9v!", "plain text!", "Zm9\xc3"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ml_buf b = {0};
        ml_buf_cstr(&b, "x");
        assert_false(ml_base64_decode(&b, ml_str_of(wrong[i])));
        assert_int_equal(b.n, 1);
        ml_buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_both_ways),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(other_text_is_refused_and_nothing_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
