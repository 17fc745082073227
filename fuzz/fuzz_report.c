/* fuzz/fuzz_report.c -- reports of a book whose names, texts and figures are a stranger's.
 *
 *   input:   options u8 | n_functions u8 | (first_line u8, n_lines u8, figure bytes ...) | text ...
 * The text is the name of the files and functions, and the source of the lines.
 * Laws: a report is well-formed UTF-8; a table has no control characters but line ends.
 * SPDX-License-Identifier: MIT */
#include "base/utf8.h"
#include "core/snapshot_build.h"
#include "fuzz.h"
#include "report/decode.h"
#include "report/report.h"

struct input {
    const uint8_t *at;
    size_t n;
};

static uint8_t take(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->at++;
}

/* Figures from one byte: small, huge and extreme ones. */
static uint64_t take_figure(struct input *in)
{
    uint8_t b = take(in);
    return b < 64 ? b : b < 192 ? (uint64_t)b << (b % 57) : UINT64_MAX - (255u - b);
}

static void add_function(struct ml_snapshot *s, struct input *in, struct ml_str text)
{
    struct ml_row rows[16];
    uint32_t first = take(in);
    uint32_t n = take(in) % 16 + 1;
    struct ml_function f = {
        .file = {text.p, text.n / 2},
        .name = {text.p + text.n / 2, text.n - text.n / 2},
        .first_line = first,
        .last_line = first + n - 1 + take(in),
        .rows = rows,
    };
    for (uint32_t i = 0; i < n; i++) {
        uint64_t hits = take_figure(in);
        if (hits == 0)
            continue;
        rows[f.n_rows++] = (struct ml_row){.line = first + i,
                                           .hits = hits,
                                           .rss_net_bytes = (int64_t)take_figure(in),
                                           .rss_max_bytes = take_figure(in),
                                           .order = i};
    }
    if (f.n_rows > 0)
        REQUIRE(ml__snapshot_add_function(s, &f) == ML_OK);
}

static struct ml_snapshot *make_snapshot(struct input *in)
{
    struct ml_snapshot *s = NULL;
    REQUIRE(ml__snapshot_new(&s) == ML_OK);
    for (int n = take(in) % 8; n > 0; n--) {
        struct ml_str text = {(const char *)in->at, in->n};
        add_function(s, in, text);
    }
    struct ml_str rest = {(const char *)in->at, in->n};
    REQUIRE(ml__snapshot_add_meta(s, ML_STR("command"), rest) == ML_OK);
    const struct ml_function *f;
    size_t n = ml_snapshot_functions(s, &f);
    for (size_t i = 0; i < n; i++)
        REQUIRE(ml__snapshot_add_source(s, f[i].file, rest) == ML_OK);
    REQUIRE(ml__snapshot_sort(s) == ML_OK);
    return s;
}

static void require_text(struct ml_str s, int is_table)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t c;
        size_t n = ml_utf8_next((struct ml_str){s.p + i, s.n - i}, &c);
        REQUIRE(n > 0);
        REQUIRE(!is_table || c == '\n' || (c >= 0x20 && c != 0x7F && (c < 0x80 || c >= 0xA0)));
        i += n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct input in = {data, n};
    uint8_t bits = take(&in);
    struct ml_report_options o = {.sort = (enum ml_report_sort)(bits & 3),
                                  .unit = (enum ml_report_unit)((bits >> 2 & 7) % 5),
                                  .skip_zero = bits >> 5 & 1,
                                  .min_bytes = bits >> 6 & 1 ? 4096 : 0,
                                  .width = bits >> 7 & 1 ? 40 : 0};
    struct ml_buf out = {0};
    ml_decode_source((struct ml_str){(const char *)in.at, in.n}, &out);
    require_text(ml_buf_view(&out), 0);

    struct ml_snapshot *s = make_snapshot(&in);
    for (size_t i = 0; ml_report_format_at(i) != NULL; i++) {
        ml_buf_clear(&out);
        REQUIRE(ml_report(s, ml_report_format_at(i)->name, &o, &out, NULL) == ML_OK);
        require_text(ml_buf_view(&out), i == 0);
    }
    ml_snapshot_free(s);
    ml_buf_free(&out);
    return 0;
}
