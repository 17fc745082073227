/* tests/c/base/test_map.c -- the map against a model: a plain array indexed by key number.
 * SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "test.h"

enum { KEYS = 600, STEPS = 60000 };

struct model {
    bool there[KEYS];
    uint64_t value[KEYS];
    size_t n;
};

static struct ml_str key_of(size_t i, char out[32])
{
    return (struct ml_str){out, (size_t)snprintf(out, 32, "key-%zu", i)};
}

static void assert_same(const struct ml_map *m, const struct model *model)
{
    size_t seen = 0;
    size_t i = 0;
    struct ml_str key;
    uint64_t value;
    while (ml_map_next(m, &i, &key, &value)) {
        size_t k = strtoul(key.p + 4, NULL, 10);
        assert_true(k < KEYS && model->there[k]);
        assert_int_equal(value, model->value[k]);
        seen++;
    }
    assert_int_equal(seen, model->n);
    for (size_t k = 0; k < KEYS; k++) {
        char name[32];
        const uint64_t *found = ml_map_find(m, key_of(k, name));
        assert_int_equal(found != NULL, model->there[k]);
        if (found != NULL)
            assert_int_equal(*found, model->value[k]);
    }
}

static void step(struct ml_map *m, struct model *model, struct rng *r)
{
    size_t k = rng_below(r, KEYS);
    char name[32];
    struct ml_str key = key_of(k, name);
    if (rng_below(r, 5) < 3) {
        uint64_t value = rng_below(r, UINT32_MAX);
        assert_int_equal(ml_map_put(m, key, value), ML_OK);
        model->n += !model->there[k];
        model->there[k] = true;
        model->value[k] = value;
    } else {
        assert_int_equal(ml_map_remove(m, key), model->there[k]);
        model->n -= model->there[k];
        model->there[k] = false;
    }
}

static void random_steps_agree_with_the_model(void **state)
{
    static struct model model;
    struct ml_map m = {0};
    struct rng r = rng_new();
    for (int i = 0; i < STEPS; i++) {
        step(&m, &model, &r);
        if (i % 1000 == 0)
            assert_same(&m, &model);
    }
    assert_same(&m, &model);
    ml_map_free(&m);
}

static void empty_map_answers(void **state)
{
    struct ml_map m = {0};
    size_t i = 0;
    struct ml_str key;
    uint64_t value;
    assert_null(ml_map_find(&m, ML_STR("x")));
    assert_false(ml_map_remove(&m, ML_STR("x")));
    assert_false(ml_map_next(&m, &i, &key, &value));
    ml_map_free(&m);
}

static void keys_are_bytes_and_copied(void **state)
{
    struct ml_map m = {0};
    char key[] = {'a', '\0', 'b'};
    assert_int_equal(ml_map_put(&m, (struct ml_str){key, 3}, 1), ML_OK);
    assert_int_equal(ml_map_put(&m, (struct ml_str){NULL, 0}, 2), ML_OK); /* the empty key */
    key[2] = 'c';
    assert_int_equal(*ml_map_find(&m, ML_STR("a\0b")), 1);
    assert_int_equal(*ml_map_find(&m, ML_STR("")), 2);
    assert_null(ml_map_find(&m, ML_STR("a")));
    assert_null(ml_map_find(&m, ML_STR("a\0c")));
    ml_map_free(&m);
    assert_null(ml_map_find(&m, ML_STR("")));
}

/* Fills a map so far that it grows twice. */
static int fill(void *arg)
{
    struct ml_map m = {0};
    int rc = ML_OK;
    size_t put = 0;
    for (; rc == ML_OK && put < 30; put++) {
        char name[32];
        rc = ml_map_put(&m, key_of(put, name), put);
    }
    size_t kept = rc == ML_OK ? put : put - 1;
    for (size_t k = 0; k < 30; k++) { /* what was there is there, the failed one is not */
        char name[32];
        const uint64_t *found = ml_map_find(&m, key_of(k, name));
        assert_int_equal(found != NULL, k < kept);
        if (found != NULL)
            assert_int_equal(*found, k);
    }
    ml_map_free(&m);
    return rc;
}

static void survives_every_failed_request(void **state)
{
    /* A copy of each key, tables of 16, 32 and 64 slots; then none fails. */
    assert_int_equal(fail_each(fill, NULL), 30 + 3 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_agree_with_the_model),
        cmocka_unit_test(empty_map_answers),
        cmocka_unit_test(keys_are_bytes_and_copied),
        cmocka_unit_test(survives_every_failed_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
