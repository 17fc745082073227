/* fuzz/fuzz_strip.c -- encoded columns as a damaged or hostile store holds them.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "store/strip.h"

/* The first byte is the column's type, the second and third its rows; the rest are the bytes of the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 3)
        return 0;
    enum ml_store_type type = data[0] % (ML_STORE_DYNAMIC + 1);
    uint32_t rows = (uint32_t)data[1] | (uint32_t)data[2] << 8;
    struct ml__strip *s = NULL;
    if (ml__strip_decode((struct ml_str){(const char *)data + 3, n - 3}, type, rows, &s) != ML_OK)
        return 0;
    volatile uint64_t sum = 0;
    for (uint32_t r = 0; r < rows; r++) {
        if (s->offsets == NULL) {
            sum += ((const uint64_t *)s->fixed)[r];
            continue;
        }
        uint32_t k = s->codes != NULL ? s->codes[r] : r;
        for (uint32_t i = s->offsets[k]; i < s->offsets[k + 1]; i++)
            sum += (unsigned char)s->text[i];
    }
    ml__strip_drop(s);
    return 0;
}
