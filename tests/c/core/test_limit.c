/* tests/c/core/test_limit.c -- against folders that look like a kernel's, and against this one.
 * SPDX-License-Identifier: MIT */
#include "core/limit.h"

#include "fakeroot.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define MIB (1024ull * 1024)

static struct ml_limits l;

static void fake_machine(void)
{
    fake("proc/meminfo", "MemTotal:       1048576 kB\nMemFree: 1 kB\nMemAvailable:   786432 kB\n");
    fake("proc/self/statm", "262144 1000 500 1 0 900 0\n");
    fake("proc/self/limits",
         "Limit                     Soft Limit           Hard Limit           Units\n"
         "Max address space         unlimited            unlimited            bytes\n");
}

static void fake_v2(const char *group)
{
    char text[128];
    snprintf(text, sizeof text, "0::%s\n", group);
    fake("proc/self/cgroup", text);
    fake("proc/self/mountinfo", "26 24 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
}

static void fake_v1(const char *group)
{
    char text[128];
    snprintf(text, sizeof text, "4:memory:%s\n0::/\n", group);
    fake("proc/self/cgroup", text);
    fake("proc/self/mountinfo",
         "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
         "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
}

/* "KIND BYTES WHERE, ..." of what was read. */
static void assert_limits(const char *expected)
{
    char text[2048] = "";
    char where[ML_LIMIT_WHERE];
    ml_limits_read(&l, fakeroot, 0);
    for (size_t i = 0; i < l.n; i++) {
        size_t n = strlen(text);
        ml_limit_where(&l, &l.all[i], where);
        snprintf(text + n, sizeof text - n, "%s%s %lluM%s%.100s", i > 0 ? ", " : "",
                 ml_limit_kind_name(l.all[i].kind), (unsigned long long)(l.all[i].bytes / MIB),
                 where[0] != '\0' ? " " : "", where);
    }
    assert_string_equal(text, expected);
}

static void version_2_takes_all_groups_above(void **state)
{
    fake_machine();
    fake_v2("/pod/one");
    fake("sys/fs/cgroup/pod/one/memory.max", "max\n");
    fake("sys/fs/cgroup/pod/one/memory.high", "max\n");
    assert_limits("machine 1024M");
    fake_number("sys/fs/cgroup/pod/memory.max", 256 * MIB);
    fake("sys/fs/cgroup/pod/memory.high", "max\n");
    assert_limits("cgroup v2 256M /sys/fs/cgroup/pod, machine 1024M");
    fake_number("sys/fs/cgroup/pod/one/memory.high", 128 * MIB);
    assert_limits("cgroup v2 128M /sys/fs/cgroup/pod/one, cgroup v2 256M /sys/fs/cgroup/pod, "
                  "machine 1024M");
    fake_number("sys/fs/cgroup/pod/one/memory.max", 64 * MIB);
    assert_limits("cgroup v2 64M /sys/fs/cgroup/pod/one, cgroup v2 256M /sys/fs/cgroup/pod, "
                  "machine 1024M");
}

static void a_group_that_is_not_there_is_the_mounts_root(void **state)
{
    fake_machine();
    fake_v2("/docker/ab12");
    fake_number("sys/fs/cgroup/memory.max", 512 * MIB);
    assert_limits("cgroup v2 512M /sys/fs/cgroup, machine 1024M");
}

static void version_1_takes_all_groups_that_count_what_is_below(void **state)
{
    fake_machine();
    fake_v1("/jobs/a");
    fake("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    fake_number("sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", 100 * MIB);
    fake_number("sys/fs/cgroup/memory/jobs/a/memory.limit_in_bytes", 200 * MIB);
    fake("sys/fs/cgroup/memory/jobs/a/memory.use_hierarchy", "0\n");
    assert_limits("cgroup v1 100M /sys/fs/cgroup/memory/jobs, "
                  "cgroup v1 200M /sys/fs/cgroup/memory/jobs/a, machine 1024M");
    fake("sys/fs/cgroup/memory/jobs/memory.use_hierarchy", "0\n");
    assert_limits("cgroup v1 200M /sys/fs/cgroup/memory/jobs/a, machine 1024M");
}

static void many_levels_keep_the_lowest(void **state)
{
    char group[256] = "";
    char file[320];
    fake_machine();
    for (unsigned i = 0; i < 24; i++) {
        strcat(group, "/g");
        snprintf(file, sizeof file, "sys/fs/cgroup%s/memory.max", group);
        fake_number(file, (24 - i) * MIB); /* the deepest is the lowest */
    }
    fake_v2(group);
    ml_limits_read(&l, fakeroot, 0);
    assert_int_equal(l.n, ML_LIMITS_MOST);
    for (size_t i = 0; i < l.n; i++)
        assert_int_equal(l.all[i].bytes, (i + 1) * MIB);
}

static void nothing_to_read_is_no_limit(void **state)
{
    uint64_t use;
    assert_limits("");
    assert_null(ml_limits_tightest(&l, &use));
}

static void use_is_without_cache_to_be_reclaimed(void **state)
{
    uint64_t use = 0;
    fake_machine();
    fake_v2("/a");
    fake_number("sys/fs/cgroup/a/memory.max", 256 * MIB);
    fake_number("sys/fs/cgroup/a/memory.current", 250 * MIB);
    fake("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 157286400\nactive_file 0\n");
    assert_limits("cgroup v2 256M /sys/fs/cgroup/a, machine 1024M");
    assert_true(ml_limit_use(&l, &l.all[0], &use));
    assert_int_equal(use, 100 * MIB);
    assert_ptr_equal(ml_limits_tightest(&l, &use), &l.all[0]);
    assert_int_equal(use, 100 * MIB);
    fake_v1("/a");
    fake_number("sys/fs/cgroup/memory/a/memory.limit_in_bytes", 256 * MIB);
    fake_number("sys/fs/cgroup/memory/a/memory.usage_in_bytes", 250 * MIB);
    fake("sys/fs/cgroup/memory/a/memory.stat",
         "inactive_file 4096\ntotal_cache 1\ntotal_inactive_file 104857600\n");
    assert_limits("cgroup v1 256M /sys/fs/cgroup/memory/a, machine 1024M");
    assert_true(ml_limit_use(&l, &l.all[0], &use));
    assert_int_equal(use, 150 * MIB);
}

/* The use of a group that has 250 MiB, of which file pages so many MiB. */
static void assert_use(int version, const unsigned files[4], unsigned expected)
{
    static const char *const folders[] = {"sys/fs/cgroup/memory/a", "sys/fs/cgroup/a"};
    static const char *const limits[] = {"memory.limit_in_bytes", "memory.max"};
    static const char *const uses[] = {"memory.usage_in_bytes", "memory.current"};
    static const char *const names[][4] = {
        {"total_inactive_file", "total_active_file", "total_dirty", "total_writeback"},
        {"inactive_file", "active_file", "file_dirty", "file_writeback"},
    };
    char text[300] = "dirty 1\nwriteback 1\nfile_mapped 1\n";
    char file[80];
    uint64_t use = 0;
    fake_machine();
    (version == ML_CGROUP_V1 ? fake_v1 : fake_v2)("/a");
    snprintf(file, sizeof file, "%s/%s", folders[version], limits[version]);
    fake_number(file, 256 * MIB);
    snprintf(file, sizeof file, "%s/%s", folders[version], uses[version]);
    fake_number(file, 250 * MIB);
    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s %llu\n", names[version][i], files[i] * MIB);
    }
    snprintf(file, sizeof file, "%s/memory.stat", folders[version]);
    fake(file, text);
    ml_limits_read(&l, fakeroot, 0);
    assert_true(ml_limit_use(&l, &l.all[0], &use));
    assert_int_equal(use, expected * MIB);
}

static void use_is_without_cache_to_be_written(void **state)
{
    static const struct {
        unsigned files[4]; /* inactive, active, dirty, under writeback */
        unsigned use;
    } cases[] = {
        {{20, 200, 10, 160}, 60}, /* a reclaim met it while it was written */
        {{150, 50, 0, 0}, 100},   /* all written: what is active is in use */
        {{150, 50, 100, 0}, 50},  /* on which list the unwritten is, is not told */
        {{200, 0, 150, 40}, 50},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_use(ML_CGROUP_V1, cases[i].files, cases[i].use);
        assert_use(ML_CGROUP_V2, cases[i].files, cases[i].use);
    }
}

static void the_tightest_is_the_fullest_not_the_lowest(void **state)
{
    uint64_t use = 0;
    fake_machine();
    fake_v2("/pod/one");
    fake_number("sys/fs/cgroup/pod/one/memory.max", 100 * MIB);
    fake_number("sys/fs/cgroup/pod/one/memory.current", 20 * MIB);
    fake_number("sys/fs/cgroup/pod/memory.max", 300 * MIB);
    fake_number("sys/fs/cgroup/pod/memory.current", 290 * MIB);
    ml_limits_read(&l, fakeroot, 0);
    const struct ml_limit *tightest = ml_limits_tightest(&l, &use);
    assert_non_null(tightest);
    assert_int_equal(tightest->bytes, 300 * MIB);
    assert_int_equal(use, 290 * MIB);
}

static void the_machine_counts_once_the_process_is_large(void **state)
{
    uint64_t use = 0;
    fake_machine(); /* a quarter of it is used; we have 1000 pages */
    ml_limits_read(&l, fakeroot, 0);
    assert_int_equal(l.n, 1);
    assert_null(ml_limits_tightest(&l, &use));
    fake("proc/self/statm", "262144 26215 500 1 0 900 0\n");
    assert_non_null(ml_limits_tightest(&l, &use));
    assert_int_equal(use, 256 * MIB);
}

static void addresses_have_a_limit_too(void **state)
{
    uint64_t use = 0;
    fake_machine();
    fake("proc/self/limits",
         "Max cpu time              unlimited            unlimited            seconds\n"
         "Max address space         734003200            unlimited            bytes\n");
    assert_limits("address space 700M, machine 1024M");
    assert_true(ml_limit_use(&l, &l.all[0], &use));
    assert_int_equal(use, 262144ull * ml_page_bytes());
}

static void long_lines_of_mounts_are_stepped_over(void **state)
{
    static char text[30000];
    fake_machine();
    fake_v2("/a");
    fake_number("sys/fs/cgroup/a/memory.max", 256 * MIB);
    snprintf(text, sizeof text,
             "1 0 0:1 / /%020000d rw - overlay o rw\n26 24 0:23 / /sys/fs/cgroup rw - cgroup2 c rw",
             1);
    fake("proc/self/mountinfo", text);
    assert_limits("cgroup v2 256M /sys/fs/cgroup/a, machine 1024M");
}

static void this_process(void **state)
{
    const uint64_t most = (uint64_t)1 << 46; /* sanitizers map terabytes */
    uint64_t use = 0;
    ml_limits_read(&l, "", 0);
    assert_true(l.n > 0); /* the machine at least */
    assert_true(ml_limit_use(&l, &l.all[l.n - 1], &use));
    assert_true(use > 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* as seen by itself, then by its parent's way of asking */
        struct rlimit r = {most, most};
        setrlimit(RLIMIT_AS, &r);
        bool found[2] = {false, false};
        for (int i = 0; i < 2; i++) {
            ml_limits_read(&l, "", i == 0 ? 0 : getpid());
            for (size_t j = 0; j < l.n; j++)
                found[i] |= l.all[j].kind == ML_LIMIT_ADDRESSES && l.all[j].bytes == most;
        }
        _exit(found[0] && found[1] ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fakeroot_setup, fakeroot_teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(version_2_takes_all_groups_above),
        CASE(a_group_that_is_not_there_is_the_mounts_root),
        CASE(version_1_takes_all_groups_that_count_what_is_below),
        CASE(many_levels_keep_the_lowest),
        CASE(nothing_to_read_is_no_limit),
        CASE(use_is_without_cache_to_be_reclaimed),
        CASE(use_is_without_cache_to_be_written),
        CASE(the_tightest_is_the_fullest_not_the_lowest),
        CASE(the_machine_counts_once_the_process_is_large),
        CASE(addresses_have_a_limit_too),
        CASE(long_lines_of_mounts_are_stepped_over),
        CASE(this_process),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
