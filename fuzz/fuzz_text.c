/* fuzz/fuzz_text.c -- any bytes as a JSON string and as names: what comes out is well-formed.
 * SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/err.h"
#include "base/near.h"
#include "base/utf8.h"
#include "fuzz.h"

/* A JSON string as RFC 8259 has it, in UTF-8; every escape is one of those we write. */
static void require_json_string(struct ml_str s)
{
    REQUIRE(s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"');
    for (size_t i = 1; i < s.n - 1;) {
        uint32_t point;
        size_t n = ml_utf8_next((struct ml_str){s.p + i, s.n - 1 - i}, &point);
        REQUIRE(n > 0 && point >= 0x20 && point != '"');
        i += n;
        if (point == '\\') {
            REQUIRE(i < s.n - 1 && strchr("\"\\bfnrtu", s.p[i]) != NULL);
            i += s.p[i] == 'u' ? 5 : 1;
            REQUIRE(i <= s.n - 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ml_str all = {(const char *)data, n};
    struct ml_buf b = {0};
    ml_buf_json(&b, all);
    REQUIRE(b.status == ML_OK);
    require_json_string(ml_buf_view(&b));
    ml_buf_free(&b);

    struct ml_str first = {all.p, n / 2};
    struct ml_str second = {all.p + n / 2, n - n / 2};
    size_t distance = ml_near_distance(first, second);
    REQUIRE(distance == ml_near_distance(second, first));
    REQUIRE(distance == SIZE_MAX || distance <= second.n); /* the longer one */
    return 0;
}
