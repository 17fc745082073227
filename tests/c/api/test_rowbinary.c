/* tests/c/api/test_rowbinary.c -- rows of a server: values, nulls, cuts at every byte. SPDX-License-Identifier: MIT */
#include "api/rowbinary.h"

#include "test.h"

static const struct ml_query_column columns[] = {
    {{"b", 1}, ML_T_BOOL},   {{"i", 1}, ML_T_INT},     {{"l", 1}, ML_T_LONG}, {{"r", 1}, ML_T_REAL},
    {{"s", 1}, ML_T_STRING}, {{"d", 1}, ML_T_DYNAMIC}, {{"g", 1}, ML_T_GUID},
};
enum { N = sizeof columns / sizeof columns[0] };

#define ROW                  \
    "\0\1"                   \
    "\0\xFE\xFF\xFF\xFF"     \
    "\0\1\0\0\0\0\0\0\x80"   \
    "\0\0\0\0\0\0\0\xF8\x3F" \
    "\3a\0b"                 \
    "\0\7[1,\"x\"]"          \
    "\0\x24"                 \
    "01234567-89ab-cdef-0123-456789abcdef"
#define NULLS "\1\1\1\1\0\1\1"

static void cells_and_nulls(void **state)
{
    static const char bytes[] = ROW NULLS;
    struct ml_rowbinary a = {{bytes, sizeof bytes - 1}, columns, N};
    struct ml_arena arena = {0};
    struct ml_batch b;
    struct ml_error e;
    assert_int_equal(ml_rowbinary_next(&a, &arena, &b, &e), ML_OK);
    assert_int_equal(b.n, 2);
    assert_int_equal(ml_column_get(&b.cols[0], 0).i, 1);
    assert_int_equal(ml_column_get(&b.cols[1], 0).i, -2);
    assert_true(ml_column_get(&b.cols[2], 0).i == INT64_MIN + 1);
    assert_true(ml_column_get(&b.cols[3], 0).d == 1.5);
    assert_true(ml_str_eq(ml_column_get(&b.cols[4], 0).s, (struct ml_str){"a\0b", 3}));
    assert_int_equal(ml_column_get(&b.cols[5], 0).n, 2);
    assert_int_equal(ml_column_get(&b.cols[6], 0).guid[1], 0x23);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(ml_column_get(&b.cols[i], 1).null, columns[i].type != ML_T_STRING);
    assert_int_equal(ml_rowbinary_next(&a, &arena, &b, &e), ML_OK);
    assert_int_equal(b.n, 0);
    ml_arena_clear(&arena);
}

static void a_cut_anywhere_is_told(void **state)
{
    static const char bytes[] = ROW;
    for (size_t n = 1; n < sizeof bytes - 1; n++) {
        struct ml_arena arena = {0};
        struct ml_batch b;
        struct ml_error e = {0};
        struct ml_rowbinary a = {{bytes, n}, columns, N};
        assert_int_equal(ml_rowbinary_next(&a, &arena, &b, &e), ML_EFORMAT);
        assert_non_null(strstr(e.text, "ends within a row"));
        ml_arena_clear(&arena);
    }
}

static void a_length_beyond_the_end_is_told(void **state)
{
    static const char bytes[] = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1x";
    for (size_t n = 1; n < sizeof bytes; n++) {
        struct ml_arena arena = {0};
        struct ml_batch b;
        struct ml_error e;
        struct ml_rowbinary a = {{bytes, n}, columns + 4, 1};
        assert_int_equal(ml_rowbinary_next(&a, &arena, &b, &e), ML_EFORMAT);
        ml_arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_and_nulls),
        cmocka_unit_test(a_cut_anywhere_is_told),
        cmocka_unit_test(a_length_beyond_the_end_is_told),
    };
    return cmocka_run_group_tests_name("api/rowbinary", tests, NULL, NULL);
}
