/* tests/c/report/test_size.c -- SPDX-License-Identifier: MIT */
#include "report/size.h"

#include "test.h"

#define K (INT64_C(1) << 10)
#define M (INT64_C(1) << 20)
#define G (INT64_C(1) << 30)

static void sizes_read_well(void **state)
{
    static const struct {
        int64_t bytes;
        enum ml_report_unit unit;
        const char *text;
    } rows[] = {
        {0, ML_UNIT_AUTO, "0    "},
        {1, ML_UNIT_AUTO, "+1 B  "},
        {-1023, ML_UNIT_AUTO, "-1023 B  "},
        {900, ML_UNIT_AUTO, "+900 B  "},
        {K, ML_UNIT_AUTO, "+1.0 KiB"},
        {4 * K, ML_UNIT_AUTO, "+4.0 KiB"},
        {M - 1, ML_UNIT_AUTO, "+1.0 MiB"}, /* not 1024.0 KiB */
        {M - 60 * K, ML_UNIT_AUTO, "+964.0 KiB"},
        {-M, ML_UNIT_AUTO, "-1.0 MiB"},
        {1536 * M, ML_UNIT_AUTO, "+1.5 GiB"},
        {5000 * G, ML_UNIT_AUTO, "+5000.0 GiB"},
        {INT64_MIN, ML_UNIT_AUTO, "-8589934592.0 GiB"},
        {INT64_MAX, ML_UNIT_B, "+9223372036854775807 B"},
        {0, ML_UNIT_B, "0  "},
        {0, ML_UNIT_MIB, "0    "},
        {4 * K, ML_UNIT_KIB, "+4.0 KiB"},
        {4 * K, ML_UNIT_MIB, "+0.004 MiB"},
        {-G / 2, ML_UNIT_GIB, "-0.500 GiB"},
        {1, ML_UNIT_GIB, "+0.000 GiB"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[ML_SIZE_MAX];
        ml_size_print_change(text, rows[i].bytes, rows[i].unit);
        assert_string_equal(text, rows[i].text);
        if (rows[i].bytes > 0) {
            ml_size_print(text, (uint64_t)rows[i].bytes, rows[i].unit);
            assert_string_equal(text, rows[i].text + 1);
        }
    }
}

static void sizes_are_understood(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"0", 0},         {"4096", 4096},     {"4096B", 4096},     {"64K", 65536},
        {"64kib", 65536}, {"64 KiB", 65536},  {"1.5MiB", 3 << 19}, {"10m", 10 << 20},
        {"2G", 2 * G},    {"10MB", 10000000}, {"1kb", 1000},       {"0.5GB", 500000000},
        {".5", 0},        {"0.0005 MiB", 0},  {"1.23456K", 1263},  {"1.KiB", 1024},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t bytes = 77;
        bool good = rows[i].text[0] != '.';
        assert_int_equal(ml_size_parse(rows[i].text, &bytes), good);
        assert_int_equal(bytes, good ? rows[i].bytes : 77);
    }
}

static void what_is_no_size_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "-1",
                                        "+1",
                                        "x",
                                        "1x",
                                        "1.2.3",
                                        "KiB",
                                        "1 TiB",
                                        "1KiBB",
                                        " 1",
                                        "1 K K",
                                        "0x10",
                                        "1e3",
                                        "18446744073709551616",
                                        "99999999999999999999999",
                                        "20000000000G"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint64_t bytes = 77;
        if (ml_size_parse(texts[i], &bytes))
            fail_msg("'%s' is %llu", texts[i], (unsigned long long)bytes);
        assert_int_equal(bytes, 77);
    }
}

static void trim_takes_the_padding(void **state)
{
    char text[ML_SIZE_MAX] = "512 B  ";
    ml_size_trim(text);
    assert_string_equal(text, "512 B");
    text[0] = '\0';
    ml_size_trim(text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(sizes_read_well),
        cmocka_unit_test(sizes_are_understood),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(trim_takes_the_padding),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
