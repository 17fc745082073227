/* fuzz/fuzz_route.c -- a template and a path from strangers. A template that is taken matches a path or not, and
 * the values it gives are whole; a template without parameters matches itself.
 *
 *   input:   template bytes | 0 | path bytes
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "host/route.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *zero = n != 0 ? memchr(data, 0, n) : NULL;
    if (zero == NULL || n > 8192)
        return 0;
    struct ml_route *r = NULL;
    struct ml_error e = {0};
    const char *text = (const char *)data;
    if (strstr(text, "regex") != NULL) /* the C library's own matcher is not what we look at */
        return 0;
    if (ml_route_new(text, &r, &e) != ML_OK) {
        REQUIRE(e.text[0] != '\0');
        return 0;
    }
    struct ml_arena a = {.max_bytes = 1 << 20};
    struct ml_route_value *v;
    size_t count;
    struct ml_str path = {(const char *)zero + 1, n - (size_t)(zero - data) - 1};
    if (ml_route_match(r, path, &a, &v, &count) == ML_OK)
        for (size_t i = 0; i < count; i++)
            REQUIRE(v[i].name.n != 0 && v[i].value.p != NULL);
    if (strpbrk(text, "{}%") == NULL)
        REQUIRE(ml_route_match(r, ml_str_of(ml_route_text(r)), &a, &v, &count) == ML_OK);
    REQUIRE(ml_route_same(r, r));
    ml_arena_clear(&a);
    ml_route_free(r);
    return 0;
}
