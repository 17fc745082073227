/* fuzz/fuzz_wire.c -- what a worker sends, in pieces of any size: the reader gives frames whose parts lie
 * inside them, or says what is wrong; never both, never more than was fed.
 *
 *   input:   step u8 | bytes ...
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "host/wire.h"

#include <string.h>

static void look(const struct ml_frame *f)
{
    const char *key;
    json_t *v;
    json_object_foreach(f->json, key, v) {
        struct ml_str s;
        if (ml_wire_slice(f, v, &s))
            REQUIRE(s.p >= f->payload.p && s.p + s.n <= f->payload.p + f->payload.n);
        if (ml_wire_text(f, v, &s) && s.n != 0) {
            volatile char last = s.p[s.n - 1];
            (void)last;
        }
        (void)ml_json_i64(f->json, key, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ml_wire_reader r = {0};
    if (n < 1)
        return 0;
    size_t step = data[0] + (size_t)1;
    for (size_t at = 1; at < n; at += step) {
        size_t m = n - at < step ? n - at : step;
        char *to = ml_wire_space(&r, m);
        if (to == NULL)
            break;
        memcpy(to, data + at, m);
        ml_wire_filled(&r, m);
        struct ml_frame f;
        struct ml_error e;
        int rc;
        while ((rc = ml_wire_next(&r, &f, &e)) == ML_OK) {
            REQUIRE(json_is_object(f.json));
            look(&f);
            ml_frame_release(&f);
        }
        if (rc != ML_ETRUNCATED)
            break;
    }
    ml_wire_reader_release(&r);
    return 0;
}
