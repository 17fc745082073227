/* tests/c/store/test_strip.c -- what is encoded comes back; what is damaged is refused.
 * SPDX-License-Identifier: MIT */
#include "store/strip.h"

#include "test.h"

#include <math.h>

static struct ml_str strip_text(const struct ml__strip *s, uint32_t row)
{
    uint32_t k = s->codes != NULL ? s->codes[row] : row;
    return (struct ml_str){s->text + s->offsets[k], s->offsets[k + 1] - s->offsets[k]};
}

static struct ml_str cell_text(const struct ml__cells *c, uint32_t row)
{
    const uint32_t *ends = (const void *)c->offsets.p;
    uint32_t from = row == 0 ? 0 : ends[row - 1];
    return (struct ml_str){c->values.p + from, ends[row] - from};
}

/* Encode, decode from guarded bytes, compare every cell. Answers the encoding used. */
static int round_trip(const struct ml__cells *c, const uint32_t *order)
{
    struct ml_buf bytes = {0};
    struct ml__strip *s = NULL;
    assert_int_equal(ml__strip_encode(c, order, &bytes), ML_OK);
    struct guarded g = guarded_new(bytes.p, bytes.n);
    assert_int_equal(ml__strip_decode(g.str, c->type, c->rows, &s), ML_OK);
    for (uint32_t i = 0; i < c->rows; i++) {
        uint32_t from = order != NULL ? order[i] : i;
        if (c->offsets.n != 0) {
            assert_true(ml_str_eq(strip_text(s, i), cell_text(c, from)));
            continue;
        }
        bool null = c->nulls.n != 0 && c->nulls.p[from] != 0;
        assert_int_equal(s->nulls != NULL && s->nulls[i], null);
        if (!null)
            assert_memory_equal((char *)s->fixed + i * 8, c->values.p + from * 8, 8);
    }
    int encoding = g.str.p[0];
    ml__strip_drop(s);
    guarded_free(&g);
    ml_buf_free(&bytes);
    return encoding;
}

enum { PLAIN8 = 1, OFFSET, DELTA, TEXT, DICT, GUID };

static void integers_of_every_width_come_back(void **state)
{
    static const struct {
        int64_t base;
        int64_t step;
        int encoding;
    } cases[] = {
        {5, 0, OFFSET},
        {-3, 1, OFFSET},
        {INT64_MIN, 1, OFFSET},
        {0, 60, OFFSET},
        {1000, 70000, DELTA},
        {INT64_MIN / 2, INT64_MAX / 200, DELTA},
        {6378000000000, -9, OFFSET},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct ml__cells c = {.type = ML_STORE_LONG};
        for (int64_t i = 0; i < 100; i++)
            ml__cells_i64(&c, cases[k].base + i * cases[k].step);
        assert_int_equal(round_trip(&c, NULL), cases[k].encoding);
        ml__cells_free(&c);
    }
}

static void extreme_integers_come_back(void **state)
{
    static const int64_t values[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX - 1};
    struct ml__cells c = {.type = ML_STORE_LONG};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        ml__cells_i64(&c, values[i]);
    assert_int_equal(round_trip(&c, NULL), PLAIN8);
    ml__cells_none(&c);
    ml__cells_i64(&c, 3);
    assert_int_equal(round_trip(&c, NULL), PLAIN8);
    ml__cells_free(&c);
}

static void reals_keep_every_bit(void **state)
{
    const double values[] = {0.0, -0.0, 1.5, NAN, INFINITY, -INFINITY, 5e-324, 1.7e308};
    struct ml__cells c = {.type = ML_STORE_REAL};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        ml__cells_f64(&c, values[i]);
    ml__cells_none(&c);
    round_trip(&c, NULL);
    ml__cells_free(&c);
}

static void nulls_come_back_wherever_they_stand(void **state)
{
    for (int pattern = 0; pattern < 16; pattern++) {
        struct ml__cells c = {.type = ML_STORE_INT};
        for (int i = 0; i < 4; i++)
            if ((pattern >> i & 1) != 0)
                ml__cells_none(&c);
            else
                ml__cells_i64(&c, i * 1000);
        round_trip(&c, NULL);
        ml__cells_free(&c);
    }
}

static void few_texts_become_a_dictionary(void **state)
{
    struct ml__cells c = {.type = ML_STORE_STRING};
    char text[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "role %d", i % 300);
        ml__cells_text(&c, ml_str_of(text));
    }
    assert_int_equal(round_trip(&c, NULL), DICT);
    ml__cells_free(&c);
}

static void one_text_alone_takes_no_codes(void **state)
{
    struct ml__cells c = {.type = ML_STORE_STRING};
    struct ml_buf bytes = {0};
    for (int i = 0; i < 65536; i++)
        ml__cells_text(&c, ML_STR("trace"));
    assert_int_equal(round_trip(&c, NULL), DICT);
    assert_int_equal(ml__strip_encode(&c, NULL, &bytes), ML_OK);
    assert_true(bytes.n < 64);
    ml_buf_free(&bytes);
    ml__cells_free(&c);
}

static void different_texts_stay_plain(void **state)
{
    struct ml__cells c = {.type = ML_STORE_DYNAMIC};
    char text[400] = {0};
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "{\"n\":%d}", i);
        memset(text + strlen(text), 'x', i % 300 == 0 ? 300 : 0);
        ml__cells_text(&c, (struct ml_str){text, strnlen(text, sizeof text)});
        memset(text, 0, sizeof text);
    }
    assert_int_equal(round_trip(&c, NULL), TEXT);
    ml__cells_free(&c);
}

static void guids_take_sixteen_bytes(void **state)
{
    struct ml__cells c = {.type = ML_STORE_STRING};
    struct ml_buf bytes = {0};
    char text[40];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%08x-1234-4abc-8def-0123456789ab", (unsigned)i * 2654435761u);
        ml__cells_text(&c, ml_str_of(text));
    }
    assert_int_equal(round_trip(&c, NULL), GUID);
    assert_int_equal(ml__strip_encode(&c, NULL, &bytes), ML_OK);
    assert_true(bytes.n <= 16 * 1000 + 12);
    ml__cells_text(&c, ML_STR("01234567-89AB-4abc-8def-0123456789ab")); /* not the one spelling */
    assert_int_equal(round_trip(&c, NULL), TEXT);
    ml_buf_free(&bytes);
    ml__cells_free(&c);
}

static void another_order_is_kept(void **state)
{
    struct rng rng = rng_new();
    struct ml__cells text = {.type = ML_STORE_STRING};
    struct ml__cells number = {.type = ML_STORE_DATETIME};
    uint32_t order[500];
    char s[32];
    for (uint32_t i = 0; i < 500; i++) {
        order[i] = i;
        snprintf(s, sizeof s, "%u", i);
        ml__cells_text(&text, ml_str_of(s));
        ml__cells_i64(&number, (int64_t)rng_below(&rng, 1u << 30));
    }
    for (uint32_t i = 499; i > 0; i--) {
        uint32_t k = (uint32_t)rng_below(&rng, i + 1);
        uint32_t t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    round_trip(&text, order);
    round_trip(&number, order);
    ml__cells_free(&text);
    ml__cells_free(&number);
}

/* Flip, cut and stretch encoded bytes: an error or some strip, never a read out of bounds. */
static void damage(struct rng *rng, const struct ml_buf *good, enum ml_store_type type,
                   uint32_t rows)
{
    for (int i = 0; i < 3000; i++) {
        size_t n = rng_below(rng, 4) == 0 ? rng_below(rng, good->n + 1) : good->n;
        struct guarded g = guarded_new(good->p, n);
        for (uint64_t k = rng_below(rng, 4); n > 0 && k > 0; k--)
            ((char *)(uintptr_t)g.str.p)[rng_below(
                rng, rng_below(rng, 2) != 0 ? n : (n < 40 ? n : 40))] = (char)rng_below(rng, 256);
        struct ml__strip *s = NULL;
        int rc = ml__strip_decode(g.str, type, rows, &s);
        assert_true(rc == ML_OK || rc == ML_EFORMAT || rc == ML_ENOMEM);
        for (uint32_t r = 0; rc == ML_OK && s->offsets != NULL && r < rows; r++) {
            struct ml_str text = strip_text(s, r);
            assert_true(text.p >= s->text && text.p + text.n <= (char *)s + s->bytes);
        }
        ml__strip_drop(s);
        guarded_free(&g);
    }
}

static void damaged_bytes_never_crash(void **state)
{
    struct rng rng = rng_new();
    struct ml__cells cells[4] = {{.type = ML_STORE_STRING},
                                 {.type = ML_STORE_STRING},
                                 {.type = ML_STORE_DATETIME},
                                 {.type = ML_STORE_INT}};
    char text[64];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "%llx and more", (unsigned long long)rng_below(&rng, 1u << 31));
        ml__cells_text(&cells[0], ml_str_of(text));
        ml__cells_text(&cells[1], (struct ml_str){text, (size_t)i % 3});
        ml__cells_i64(&cells[2], i * 100000 + (int64_t)rng_below(&rng, 1000));
        if (i % 3 == 0)
            ml__cells_none(&cells[3]);
        else
            ml__cells_i64(&cells[3], i);
    }
    for (int k = 0; k < 4; k++) {
        struct ml_buf bytes = {0};
        assert_int_equal(ml__strip_encode(&cells[k], NULL, &bytes), ML_OK);
        damage(&rng, &bytes, cells[k].type, cells[k].rows);
        ml_buf_free(&bytes);
        ml__cells_free(&cells[k]);
    }
}

static int make(void *arg)
{
    struct ml__cells c = {.type = ML_STORE_STRING};
    struct ml_buf bytes = {0};
    struct ml__strip *s = NULL;
    for (int i = 0; i < 300; i++)
        ml__cells_text(&c, i % 2 != 0 ? ML_STR("odd") : ML_STR("even"));
    int rc = ml__strip_encode(&c, NULL, &bytes);
    if (rc == ML_OK)
        rc = ml__strip_decode(ml_buf_view(&bytes), c.type, c.rows, &s);
    ml__strip_drop(s);
    ml_buf_free(&bytes);
    ml__cells_free(&c);
    return rc;
}

static void out_of_memory_is_an_answer(void **state)
{
    assert_true(fail_each(make, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_width_come_back),
        cmocka_unit_test(extreme_integers_come_back),
        cmocka_unit_test(reals_keep_every_bit),
        cmocka_unit_test(nulls_come_back_wherever_they_stand),
        cmocka_unit_test(few_texts_become_a_dictionary),
        cmocka_unit_test(one_text_alone_takes_no_codes),
        cmocka_unit_test(different_texts_stay_plain),
        cmocka_unit_test(guids_take_sixteen_bytes),
        cmocka_unit_test(another_order_is_kept),
        cmocka_unit_test(damaged_bytes_never_crash),
        cmocka_unit_test(out_of_memory_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
