/* tests/c/cli/test_top_draw.c -- frames, as they stand on a screen. SPDX-License-Identifier: MIT */
#include "cli/top_draw.h"

#include "core/heap_format.h"
#include "made.h"

#define MIB (1024 * 1024)

static struct ml_snapshot *snapshot;
static struct ml_sources *sources;

static int setup(void **state)
{
    struct ml_book *b = made_start();
    (void)state;
    ml_book_meta(b, ML_STR("command"), ML_STR("memline run app.py --serve"));
    ml_book_source(b, ML_STR("/none/app.py"),
                   ML_STR("def fill(n):\n    box = bytearray(n)\n\tkept.append(box)\n"));
    snapshot = made_end(b);
    return ml_sources_new(snapshot, &sources);
}

static int teardown(void **state)
{
    (void)state;
    ml_sources_free(sources);
    ml_snapshot_free(snapshot);
    return 0;
}

static struct ml_top_row rows[] = {
    {.function = {"(outside of profiled lines)", 27}, .heap = {.alloc_bytes = 5 * MIB}},
    {.file = {"/none/app.py", 12},
     .function = {"fill", 4},
     .line = 2,
     .hits = 12,
     .rss_net_bytes = 40 * MIB,
     .rss_max_bytes = 60 * MIB,
     .held_rate = 1.5 * MIB,
     .alloc_rate = 3 * MIB,
     .rss_rate = 2048,
     .hits_rate = 3,
     .heap = {.hits = 12,
              .net_bytes = 41 * MIB,
              .peak_bytes = 8 * MIB,
              .alloc_bytes = 90 * MIB,
              .freed_bytes = 50 * MIB}},
    {.file = {"/none/app.py", 12},
     .function = {"a_function_with_a_name_that_is_rather_long_for_a_screen", 55},
     .line = 3,
     .hits = 123456789012,
     .rss_net_bytes = -512,
     .rss_rate = -100,
     .held_rate = -1e30,
     .heap = {.hits = 1, .alloc_bytes = 100, .freed_bytes = 612}},
};
static struct ml_top_row *shown[] = {&rows[1], &rows[0], &rows[2]};

static struct ml_top_rows made_rows(bool heap)
{
    struct ml_top_rows t = {.snapshot = snapshot,
                            .has_heap = heap,
                            .rows = rows,
                            .n = 3,
                            .shown = shown,
                            .n_shown = 3,
                            .has_rates = true,
                            .heap_rate = 1.5 * MIB};
    t.heap.mode = ML_HEAP_EXACT;
    t.heap.live_bytes = 45 * MIB;
    t.heap.peak_bytes = 50 * MIB;
    return t;
}

static struct ml_top_look made_look(unsigned width, unsigned height)
{
    return (struct ml_top_look){.width = width,
                                .height = height,
                                .most = 20,
                                .interval_ms = 1500,
                                .elapsed_ns = 3723 * UINT64_C(1000000000),
                                .rss_bytes = 61 * MIB,
                                .rss_rate = 2 * MIB,
                                .limit_bytes = 128 * MIB,
                                .limit_use_bytes = 64 * MIB,
                                .limit_kind = "cgroup v2"};
}

/* The frame, with the pid of this test as PID. */
static void assert_frame(const struct ml_top_rows *t, const struct ml_top_look *look,
                         const char *expected)
{
    struct ml_buf out = {0};
    struct ml_buf told = {0};
    char pid[32];
    ml_top_draw(t, sources, look, &out);
    assert_int_equal(out.status, ML_OK);
    snprintf(pid, sizeof pid, "pid %ld  ", (long)getpid());
    const char *at = out.n > 0 ? strstr(out.p, pid) : NULL;
    if (at != NULL) {
        ml_buf_add(&told, out.p, (size_t)(at - out.p));
        ml_buf_cstr(&told, "pid PID  ");
        ml_buf_cstr(&told, at + strlen(pid));
    }
    assert_string_equal(at != NULL ? told.p : out.p != NULL ? out.p : "", expected);
    ml_buf_free(&out);
    ml_buf_free(&told);
}

static void a_screen_of_lines_only(void **state)
{
    struct ml_top_rows t = made_rows(false);
    struct ml_top_look look = made_look(76, 10);
    look.filter = ML_STR("app");
    assert_frame(&t, &look,
                 "memline run app.py --serve                                           running\n"
                 "pid PID  lines only  up 1:02:03  every 1.5 s  by RSS  3 lines  with 'app'\n"
                 "RSS 61.0 MiB +2.0 MiB/s   limit 50 % of 128.0 MiB (cgroup v2)\n"
                 "\n"
                 "     >Net RSS          RSS/s     Hits  Where                      Source    \n"
                 "    +40.0 MiB     +2.0 KiB/s       12  app.py:2 fill              box = byt…\n"
                 "        0                  0        0  (outside of profiled lin…\n"
                 "     -512 B         -100 B/s   123.5G  app.py:3 a_function_with…  kept.appe…\n"
                 "\n"
                 "q quit  by h held n net p peak a allocated r RSS i hits  / filter  + - inte…");
}

static void a_wide_screen_has_all_columns(void **state)
{
    struct ml_top_rows t = made_rows(true);
    struct ml_top_look look = made_look(190, 7);
    look.state = ML_TOP_KILLED;
    look.message = "cannot open book 'x': no such file";
    look.limit_bytes = 0;
    look.first = 0;
    struct ml_buf out = {0};
    ml_top_draw(&t, sources, &look, &out);
    assert_int_equal(out.status, ML_OK);
    assert_non_null(strstr(out.p, "killed\n"));
    assert_non_null(
        strstr(out.p, "RSS 61.0 MiB +2.0 MiB/s   heap 45.0 MiB +1.5 MiB/s   peak 50.0 MiB\n"));
    assert_non_null(strstr(
        out.p,
        "        >Held         Held/s          Net        Peak   Allocated        Alloc/s      "
        "Net RSS     Hits   Hits/s  Where"));
    assert_non_null(strstr(
        out.p,
        "    +40.0 MiB     +1.5 MiB/s    +41.0 MiB     8.0 MiB    90.0 MiB     +3.0 MiB/s    "
        "+40.0 MiB       12        3  app.py:2 fill"));
    assert_non_null(strstr(out.p, "\ncannot open book 'x': no such file"));
    ml_buf_free(&out);
}

/* However small: as many lines as there are, none wider, and no crash. */
static void no_screen_is_too_small(void **state)
{
    struct ml_top_rows t = made_rows(true);
    for (unsigned width = 1; width < 130; width += width < 20 ? 1 : 7)
        for (unsigned height = 1; height < 14; height++) {
            struct ml_top_look look = made_look(width, height);
            struct ml_buf out = {0};
            size_t lines = 1;
            size_t used = 0;
            look.color = false;
            ml_top_draw(&t, sources, &look, &out);
            assert_int_equal(out.status, ML_OK);
            for (size_t i = 0; i < out.n; i++) {
                lines += out.p[i] == '\n';
                used = out.p[i] == '\n' ? 0 : used + (((unsigned char)out.p[i] & 0xC0) != 0x80);
                assert_true(used <= width);
            }
            assert_int_equal(lines, height);
            ml_buf_free(&out);
        }
}

static void without_a_screen_it_is_plain_text(void **state)
{
    struct ml_top_rows t = made_rows(true);
    struct ml_top_look look = made_look(0, 0);
    look.most = 2;
    t.has_rates = false;
    look.key = ML_TOP_ALLOC;
    assert_frame(
        &t, &look,
        "memline run app.py --serve                                               running\n"
        "pid PID  exact heap  up 1:02:03  by allocated  3 lines\n"
        "RSS 61.0 MiB   heap 45.0 MiB   peak 50.0 MiB   limit 50 % of 128.0 MiB (cgroup v2)\n"
        "\n"
        "         Held          Net        Peak  >Allocated      Net RSS     Hits  "
        "Where                        Source\n"
        "    +40.0 MiB    +41.0 MiB     8.0 MiB    90.0 MiB    +40.0 MiB       12  "
        "app.py:2 fill                box = bytearray(n)\n"
        "     +5.0 MiB        0           0         5.0 MiB        0            0  "
        "(outside of profiled lines)\n"
        "1 more\n");
}

static void json_has_everything(void **state)
{
    struct ml_top_rows t = made_rows(true);
    struct ml_top_look look = made_look(0, 0);
    struct ml_buf out = {0};
    ml_top_json(&t, sources, &look, &out);
    assert_int_equal(out.status, ML_OK);
    assert_non_null(strstr(out.p, "\"mode\": \"exact\""));
    assert_non_null(
        strstr(out.p, "\"heap\": {\"live_bytes\": 47185920, \"peak_bytes\": 52428800}"));
    assert_non_null(strstr(out.p, "\"held_bytes\": -512, "));
    assert_non_null(strstr(out.p, "\"source\": \"    box = bytearray(n)\"}"));
    ml_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_screen_of_lines_only),
        cmocka_unit_test(a_wide_screen_has_all_columns),
        cmocka_unit_test(no_screen_is_too_small),
        cmocka_unit_test(without_a_screen_it_is_plain_text),
        cmocka_unit_test(json_has_everything),
    };
    return cmocka_run_group_tests(cases, setup, teardown);
}
