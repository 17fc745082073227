/* fuzz/fuzz_report.c -- reports of a book whose names, texts and figures are a stranger's.
 *
 *   input:   options u8 | n_functions u8 | (first_line u8, n_lines u8, figure bytes ...)
 *            | heap u8 | accounts, scopes, moments | text ...
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

static struct ml_heap take_heap(struct input *in)
{
    return (struct ml_heap){.hits = take_figure(in),
                            .net_bytes = (int64_t)take_figure(in),
                            .peak_bytes = take_figure(in),
                            .alloc_bytes = take_figure(in),
                            .alloc_count = take_figure(in),
                            .freed_bytes = take_figure(in),
                            .inherited_bytes = take_figure(in),
                            .map_bytes = (int64_t)take_figure(in),
                            .samples = take(in) % 3,
                            .alloc_variance = (double)take_figure(in),
                            .held_variance = (double)take_figure(in),
                            .weight_bytes = take_figure(in)};
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
                                           .order = i,
                                           .heap = take_heap(in)};
    }
    if (f.n_rows > 0)
        REQUIRE(ml__snapshot_add_function(s, &f) == ML_OK);
}

static void add_account(struct ml_snapshot *s, struct input *in, uint32_t site)
{
    const struct ml_function *f;
    size_t n = ml_snapshot_functions(s, &f);
    struct ml__account_in a = {.site = site, .parent_site = take(in) % 12};
    a.place.kind = (enum ml_place_kind)(n > 0 ? take(in) % 3 : ML_PLACE_OUTSIDE);
    if (a.place.kind == ML_PLACE_LINE) {
        const struct ml_function *mine = &f[take(in) % n];
        a.file = mine->file;
        a.name = mine->name;
        a.first_line = mine->first_line;
        a.place.line = take(in);
    }
    a.place.scope = take(in) % 4;
    a.place.heap = take_heap(in);
    REQUIRE(ml__snapshot_add_account(s, &a) == ML_OK);
}

static void add_heap(struct ml_snapshot *s, struct input *in)
{
    struct ml_heap_summary h = {.mode = take(in) % 3,
                                .live_bytes = (int64_t)take_figure(in),
                                .peak_bytes = (int64_t)take_figure(in),
                                .rate_bytes = take_figure(in),
                                .rate_most_bytes = take_figure(in),
                                .limit_bytes = take_figure(in),
                                .limit_percent = take(in),
                                .native = take(in) & 1};
    h.outside = take_heap(in);
    ml__snapshot_set_heap(s, &h);
    for (uint32_t n = take(in) % 12, i = 1; i <= n; i++)
        add_account(s, in, i);
    for (uint32_t n = take(in) % 4; n > 0; n--) {
        struct ml_str text = {(const char *)in->at, in->n < 20 ? in->n : 20};
        struct ml_scope_row row = {n,
                                   take(in) % 4,
                                   text,
                                   text,
                                   (int64_t)take_figure(in),
                                   (int64_t)take_figure(in),
                                   1,
                                   2,
                                   3,
                                   (int64_t)take_figure(in),
                                   (double)take_figure(in),
                                   (double)take_figure(in),
                                   take_figure(in)};
        REQUIRE(ml__snapshot_add_scope(s, &row) == ML_OK);
    }
    for (int n = take(in) % 4; n > 0; n--) {
        struct ml_moment m = {(int64_t)take_figure(in), take_figure(in), (int64_t)take_figure(in),
                              0};
        REQUIRE(ml__snapshot_add_moment(s, &m) == ML_OK);
    }
}

static struct ml_snapshot *make_snapshot(struct input *in)
{
    struct ml_snapshot *s = NULL;
    REQUIRE(ml__snapshot_new(&s) == ML_OK);
    for (int n = take(in) % 8; n > 0; n--) {
        struct ml_str text = {(const char *)in->at, in->n};
        add_function(s, in, text);
    }
    if (take(in) & 1)
        add_heap(s, in);
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
    struct ml_report_options o = {.sort = (enum ml_report_sort)((bits & 31) % ML_SORTS),
                                  .unit = (enum ml_report_unit)((bits & 31) % 5),
                                  .scopes = bits & 1,
                                  .skip_zero = bits >> 5 & 1,
                                  .min_bytes = bits >> 6 & 1 ? 4096 : 0,
                                  .width = bits >> 7 & 1 ? 40 : 0,
                                  .page = ML_STR("<script>{{report}}</script>")};
    struct ml_buf out = {0};
    ml_decode_source((struct ml_str){(const char *)in.at, in.n}, &out);
    require_text(ml_buf_view(&out), 0);

    struct ml_snapshot *s = make_snapshot(&in);
    for (size_t i = 0; ml_report_format_at(i) != NULL; i++) {
        ml_buf_clear(&out);
        const struct ml_report_format *f = ml_report_format_at(i);
        int rc = ml_report(s, f->name, &o, &out, NULL);
        REQUIRE(rc == ML_OK || rc == ML_EINVALID); /* without the figures that it needs */
        if (rc == ML_OK && !f->binary)
            require_text(ml_buf_view(&out), i == 0);
        if (rc == ML_OK && strcmp(f->name, "html") == 0) /* nothing ends the element but its end */
            REQUIRE(memchr(out.p + 1, '<', out.n - 1) == out.p + out.n - strlen("</script>"));
    }
    ml_snapshot_free(s);
    ml_buf_free(&out);
    return 0;
}
