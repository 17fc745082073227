/* tests/c/base/test_port.c -- SPDX-License-Identifier: MIT */
#include "base/port.h"

#include "test.h"

#include <sys/resource.h>
#include <sys/stat.h>

static void clocks_run(void **state)
{
    uint64_t before = ml_now_ns();
    struct timespec pause = {.tv_nsec = 2000000};
    nanosleep(&pause, NULL);
    uint64_t slept = ml_now_ns() - before;
    assert_true(slept >= 2000000);
    assert_true(slept < 60 * 1000000000ull);
    int64_t year_2020_ns = 1577836800ll * 1000000000ll;
    assert_true(ml_wall_ns() > year_2020_ns);
    int64_t off = ml_wall_ns() - (int64_t)time(NULL) * 1000000000ll;
    assert_true(off > -2000000000ll && off < 2000000000ll);
}

static void ticks_agree_with_the_clock(void **state)
{
    uint64_t per_us = ml_ticks_per_us();
    assert_int_equal(ml_ticks_per_us(), per_us); /* measured once */
    if (per_us == 0)
        return; /* a machine whose counter cannot be trusted */
    uint64_t ns0 = ml_now_ns();
    uint64_t ticks0 = ml_ticks();
    struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    uint64_t by_ticks_us = (ml_ticks() - ticks0) / per_us;
    uint64_t by_clock_us = (ml_now_ns() - ns0) / 1000;
    assert_true(by_ticks_us <= by_clock_us + by_clock_us / 10);
    assert_true(by_ticks_us >= by_clock_us / 2); /* a busy machine may stop us between two reads */
}

static void page_is_a_power_of_two(void **state)
{
    size_t page = ml_page_bytes();
    assert_true(page >= 4096);
    assert_int_equal(page & (page - 1), 0);
}

static void program_path_is_this_test(void **state)
{
    char path[4096];
    assert_int_equal(ml_program_path(path, sizeof path), ML_OK);
    assert_non_null(strstr(path, "test_base_port"));
    char small[8];
    assert_int_equal(ml_program_path(small, sizeof small), ML_ELIMIT);
}

static void allocated_files_have_their_space(void **state)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    struct stat st;
    assert_int_equal(ml_file_allocate(fileno(f), 0, 100000), ML_OK);
    assert_int_equal(fstat(fileno(f), &st), 0);
    assert_int_equal(st.st_size, 100000);
    assert_int_equal(ml_file_allocate(fileno(f), 100000, 200000), ML_OK);
    char bytes[100];
    assert_int_equal(pread(fileno(f), bytes, sizeof bytes, 199900), 100);
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0);
    fclose(f);
}

static void no_space_is_an_answer_and_no_signal(void **state)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int fits = ml_file_allocate(fileno(f), 0, 4096);
    int too_much = ml_file_allocate(fileno(f), 4096, 8192); /* SIGXFSZ would end this test */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(fits, ML_OK);
    assert_int_equal(too_much, ML_EFULL);
    fclose(f);
    assert_int_equal(ml_file_allocate(-1, 0, 1), ML_EIO);
}

static void random_bytes_fill_all_and_differ(void **state)
{
    unsigned char a[1000] = {0};
    unsigned char b[1000] = {0};
    ml_random(a, sizeof a);
    ml_random(b, sizeof b);
    assert_memory_not_equal(a, b, 16);
    assert_memory_not_equal(a + 984, b + 984, 16); /* behind the 256 bytes of one request */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_run),
        cmocka_unit_test(ticks_agree_with_the_clock),
        cmocka_unit_test(page_is_a_power_of_two),
        cmocka_unit_test(program_path_is_this_test),
        cmocka_unit_test(allocated_files_have_their_space),
        cmocka_unit_test(no_space_is_an_answer_and_no_signal),
        cmocka_unit_test(random_bytes_fill_all_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
