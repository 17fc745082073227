/* fuzz/fuzz.h -- what every driver needs. SPDX-License-Identifier: MIT */
#ifndef ML_FUZZ_FUZZ_H
#define ML_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A law that must hold for any input; the fuzzer reports the one that broke it. */
#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
