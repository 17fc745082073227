/* core/ptrmap against a plain array. SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "core/ptrmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS = 500 };

static const void *key(size_t i)
{
    return (const void *)(uintptr_t)(0x1000 + i * 16);
}

static void agrees_with_an_array_under_random_operations(void **state)
{
    uintptr_t model[KEYS] = {0};
    struct ml_ptrmap m = {0};
    unsigned seed = 20261122;
    for (unsigned step = 0; step < 200000; step++) {
        seed = seed * 1103515245u + 12345u;
        size_t i = (seed >> 16) % KEYS;
        if (seed >> 31) {
            uintptr_t *v = ml_ptrmap_put(&m, key(i));
            assert_non_null(v);
            assert_int_equal(*v, model[i]);
            *v = model[i] = step + 1;
        } else {
            ml_ptrmap_remove(&m, key(i));
            model[i] = 0;
        }
        size_t look = (seed >> 8) % KEYS;
        const uintptr_t *v = ml_ptrmap_find(&m, key(look));
        assert_int_equal(v != NULL ? *v : 0, model[look]);
    }
    ml_ptrmap_free(&m);
}

static void an_empty_map_finds_and_removes_nothing(void **state)
{
    struct ml_ptrmap m = {0};
    assert_null(ml_ptrmap_find(&m, key(1)));
    ml_ptrmap_remove(&m, key(1));
    ml_ptrmap_free(&m);
}

static void without_memory_it_says_so_and_stays_as_it_was(void **state)
{
    struct ml_ptrmap m = {0};
    ml_mem_fail_after(1);
    assert_null(ml_ptrmap_put(&m, key(1)));
    ml_mem_fail_after(0);
    for (size_t i = 0; i < 8; i++)
        *ml_ptrmap_put(&m, key(i)) = i + 1;
    ml_mem_fail_after(1);
    assert_null(ml_ptrmap_put(&m, key(8)));
    ml_mem_fail_after(0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(*ml_ptrmap_find(&m, key(i)), i + 1);
    ml_ptrmap_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array_under_random_operations),
        cmocka_unit_test(an_empty_map_finds_and_removes_nothing),
        cmocka_unit_test(without_memory_it_says_so_and_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
