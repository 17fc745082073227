/* tests/c/host/test_wire.c -- frames whole, byte by byte, and broken. SPDX-License-Identifier: MIT */
#include "host/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void feed(struct ml_wire_reader *r, const char *p, size_t n)
{
    char *to = ml_wire_space(r, n);
    assert_non_null(to);
    memcpy(to, p, n);
    ml_wire_filled(r, n);
}

static void make_frames(struct ml_buf *b)
{
    ml_wire_frame(b, 'x', "{}");
    size_t at = ml_wire_begin(b, 'R');
    ml_buf_cstr(b, "{\"id\":\"7\",\"d\":{\"t\":\"bytes\",\"at\":1,\"n\":3},\"s\":{\"t\":\"string\","
                   "\"v\":\"hi\"}}");
    ml_wire_end_json(b, at);
    ml_buf_cstr(b, "\0abcd" + 1);
    ml_wire_end(b, at);
    ml_wire_frame(b, 'p', "{\"seq\":1}");
}

static void frames_come_back_at_any_cut(void **state)
{
    static const size_t steps[] = {1, 2, 7, 1000};
    (void)state;
    struct ml_buf b = {0};
    make_frames(&b);
    assert_int_equal(b.status, ML_OK);
    for (size_t k = 0; k < 4; k++) {
        struct ml_wire_reader r = {0};
        char types[8] = "";
        size_t n = 0;
        for (size_t i = 0; i < b.n; i += steps[k]) {
            size_t m = b.n - i < steps[k] ? b.n - i : steps[k];
            feed(&r, b.p + i, m);
            struct ml_frame f;
            int rc;
            while ((rc = ml_wire_next(&r, &f, NULL)) == ML_OK) {
                types[n++] = f.type;
                if (f.type == 'R') {
                    struct ml_str s;
                    assert_true(ml_str_eq(f.payload, ML_STR("abcd")));
                    assert_true(ml_wire_slice(&f, json_object_get(f.json, "d"), &s));
                    assert_true(ml_str_eq(s, ML_STR("bcd")));
                    assert_true(ml_wire_text(&f, json_object_get(f.json, "s"), &s));
                    assert_true(ml_str_eq(s, ML_STR("hi")));
                }
                ml_frame_release(&f);
            }
            assert_int_equal(rc, ML_ETRUNCATED);
        }
        assert_string_equal(types, "xRp");
        ml_wire_reader_release(&r);
    }
    ml_buf_free(&b);
}

static void broken_frames_are_told(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int rc;
    } cases[] = {
        {"\0\0\0\0", 4, ML_EFORMAT},
        {"\0\0\0\4", 4, ML_EFORMAT},
        {"\377\377\377\377", 4, ML_EFORMAT},
        {"\0\200\0\1", 4, ML_EFORMAT}, /* one more than the most */
        {"\0\200\0\0", 4, ML_ETRUNCATED},
        {"\0\0\0\7x\0\0\0\3{}", 11, ML_EFORMAT}, /* JSON longer than the frame */
        {"\0\0\0\7x\0\0\0\2{}", 11, ML_OK},
        {"\0\0\0\7x\0\0\0\2[]", 11, ML_EFORMAT},
        {"\0\0\0\7x\0\0\0\2{x", 11, ML_EFORMAT},
        {"\0\0\0\5x\0\0\0\0", 9, ML_EFORMAT},
        {"\0\0\0\7x\0\0\0\2{", 10, ML_ETRUNCATED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_wire_reader r = {0};
        struct ml_frame f = {0};
        struct ml_error e;
        feed(&r, cases[i].bytes, cases[i].n);
        assert_int_equal(ml_wire_next(&r, &f, &e), cases[i].rc);
        ml_frame_release(&f);
        ml_wire_reader_release(&r);
    }
}

static void slices_stay_in_the_payload(void **state)
{
    static const struct {
        const char *json;
        bool ok;
    } cases[] = {{"{\"at\":0,\"n\":4}", true},
                 {"{\"at\":4,\"n\":0}", true},
                 {"{\"at\":0,\"n\":5}", false},
                 {"{\"at\":5,\"n\":0}", false},
                 {"{\"at\":-1,\"n\":1}", false},
                 {"{\"at\":1,\"n\":-1}", false},
                 {"{\"at\":2,\"n\":9223372036854775807}", false},
                 {"{\"n\":1}", false},
                 {"{\"at\":\"0\",\"n\":1}", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ml_frame f = {.payload = ML_STR("abcd")};
        struct ml_str s;
        json_t *d = json_loads(cases[i].json, 0, NULL);
        assert_int_equal(ml_wire_slice(&f, d, &s), cases[i].ok);
        json_decref(d);
    }
}

static void a_frame_that_is_too_long_is_not_made(void **state)
{
    (void)state;
    struct ml_buf b = {0};
    size_t at = ml_wire_begin(&b, 'b');
    ml_buf_cstr(&b, "{}");
    ml_wire_end_json(&b, at);
    ml_buf_fill(&b, 'x', ML_FRAME_MAX);
    ml_wire_end(&b, at);
    assert_int_equal(b.status, ML_ELIMIT);
    ml_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_at_any_cut),
        cmocka_unit_test(broken_frames_are_told),
        cmocka_unit_test(slices_stay_in_the_payload),
        cmocka_unit_test(a_frame_that_is_too_long_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
