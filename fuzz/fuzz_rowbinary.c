/* fuzz/fuzz_rowbinary.c -- a server's rows: the first byte picks columns, the rest are the bytes.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "api/rowbinary.h"
#include "kql/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ml_query_column columns[] = {
        {ML_STR("b"), ML_T_BOOL}, {ML_STR("i"), ML_T_INT},      {ML_STR("l"), ML_T_LONG},
        {ML_STR("r"), ML_T_REAL}, {ML_STR("t"), ML_T_DATETIME}, {ML_STR("p"), ML_T_TIMESPAN},
        {ML_STR("g"), ML_T_GUID}, {ML_STR("s"), ML_T_STRING},   {ML_STR("d"), ML_T_DYNAMIC},
    };
    enum { N = sizeof columns / sizeof columns[0] };
    if (size == 0)
        return 0;
    uint32_t first = data[0] % N;
    struct ml_rowbinary a = {
        {(const char *)data + 1, size - 1}, columns + first, N - first < 3 ? N - first : 3};
    struct ml_arena arena = {0};
    struct ml_batch b = {0};
    struct ml_error e;
    struct ml_buf text = {0};
    while (ml_rowbinary_next(&a, &arena, &b, &e) == ML_OK && b.n > 0) {
        for (uint32_t i = 0; i < a.n; i++) {
            struct ml_val v = ml_column_get(&b.cols[i], b.n - 1);
            ml_val_print(&v, true, &text);
        }
        ml_buf_clear(&text);
        ml_arena_reset(&arena);
    }
    ml_buf_free(&text);
    ml_arena_clear(&arena);
    return 0;
}
