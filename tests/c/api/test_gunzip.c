/* tests/c/api/test_gunzip.c -- compressed bodies. SPDX-License-Identifier: MIT */
#include "api/gunzip.h"

#include "test.h"

#include <zlib.h>

#define GZIP_HEADER (15 + 16)

static void gzip(struct ml_str in, struct ml_buf *out)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_HEADER, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    uLong bound = deflateBound(&z, (uLong)in.n);
    char *p = ml_buf_reserve(out, bound);
    assert_non_null(p);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n += bound - z.avail_out;
    deflateEnd(&z);
}

static struct ml_buf packed(const char *text)
{
    struct ml_buf b = {0};
    gzip(ml_str_of(text), &b);
    return b;
}

static void what_was_packed_comes_back(void **state)
{
    static const char *const texts[] = {"", "a", "some text, some text, some text"};
    for (size_t i = 0; i < 3; i++) {
        struct ml_buf z = packed(texts[i]);
        struct ml_buf out = {0};
        struct guarded g = guarded_new(z.p, z.n);
        assert_int_equal(ml_gunzip(g.str, &out), ML_OK);
        assert_int_equal(out.n, strlen(texts[i]));
        assert_memory_equal(out.p != NULL ? out.p : "", texts[i], out.n);
        ml_buf_free(&z);
        ml_buf_free(&out);
        guarded_free(&g);
    }
}

static void members_follow_each_other(void **state)
{
    struct ml_buf a = packed("one ");
    struct ml_buf b = packed("two");
    struct ml_buf out = {0};
    ml_buf_str(&a, ml_buf_view(&b));
    assert_int_equal(ml_gunzip(ml_buf_view(&a), &out), ML_OK);
    assert_string_equal(out.p, "one two");
    ml_buf_free(&a);
    ml_buf_free(&b);
    ml_buf_free(&out);
}

static void a_bomb_stops_at_the_bound(void **state)
{
    char *zeros = calloc(1, 8 << 20);
    assert_non_null(zeros);
    struct ml_buf z = {0};
    struct ml_buf out = {.max = 1 << 20};
    gzip((struct ml_str){zeros, 8 << 20}, &z);
    assert_true(z.n < 100000);
    assert_int_equal(ml_gunzip(ml_buf_view(&z), &out), ML_ELIMIT);
    assert_true(out.n <= 1 << 20);
    free(zeros);
    ml_buf_free(&z);
    ml_buf_free(&out);
}

static void damage_is_told(void **state)
{
    struct rng rng = rng_new();
    struct ml_buf z = packed("a text that is long enough to be damaged in many places");
    for (size_t n = 0; n < z.n; n++) {
        struct ml_buf out = {.max = 4096};
        struct guarded g = guarded_new(z.p, n);
        int rc = ml_gunzip(g.str, &out);
        assert_true(rc == ML_ETRUNCATED || rc == ML_EFORMAT);
        guarded_free(&g);
        ml_buf_free(&out);
    }
    for (int i = 0; i < 2000; i++) {
        struct ml_buf out = {.max = 4096};
        struct guarded g = guarded_new(z.p, z.n);
        ((char *)(uintptr_t)g.str.p)[rng_below(&rng, z.n)] = (char)rng_below(&rng, 256);
        int rc = ml_gunzip(g.str, &out);
        assert_true(rc == ML_OK || rc == ML_ETRUNCATED || rc == ML_EFORMAT || rc == ML_ELIMIT);
        guarded_free(&g);
        ml_buf_free(&out);
    }
    ml_buf_free(&z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(members_follow_each_other),
        cmocka_unit_test(a_bomb_stops_at_the_bound),
        cmocka_unit_test(damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
