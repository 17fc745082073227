/* tests/c/core/test_cgroup.c -- texts of real machines and containers. SPDX-License-Identifier: MIT */
#include "core/cgroup.h"

#include "test.h"

typedef void take_line(struct ml_cgroup both[ML_CGROUP_VERSIONS], struct ml_str line);

static void give(struct ml_cgroup *both, take_line *take, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        struct guarded g = guarded_new(text, n);
        take(both, g.str);
        guarded_free(&g);
        text += n + (text[n] == '\n');
    }
}

static const char v1_groups[] =
    "9:name=systemd:/\n4:memory:/jobs/a\n3:cpuset:/\n1:cpu,cpuacct:/x\n0::/\n";
static const char v1_mounts[] =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:9 master:2 - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";

static void folders(void **state)
{
    static const struct {
        const char *groups;
        const char *mounts;
        const char *v1; /* mount|below; "|" if none */
        const char *v2;
    } rows[] = {
        {v1_groups, v1_mounts, "/sys/fs/cgroup/memory|/jobs/a", "/sys/fs/cgroup/unified|"},
        /* systemd, version 2 alone */
        {"0::/user.slice/user-1000.slice/session-2.scope\n",
         "26 24 0:23 / /sys/fs/cgroup rw,nosuid,nodev - cgroup2 cgroup2 rw,nsdelegate\n", "|",
         "/sys/fs/cgroup|/user.slice/user-1000.slice/session-2.scope"},
        /* docker with a cgroup namespace */
        {"0::/\n", "900 899 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n", "|",
         "/sys/fs/cgroup|"},
        /* docker without one: the mount shows the container's group only */
        {"5:memory:/docker/ab12\n0::/system.slice/docker.service\n",
         "700 690 0:30 /docker/ab12 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
         "/sys/fs/cgroup/memory|", "|"},
        {"5:memory:/docker/ab12/inner\n",
         "700 690 0:30 /docker/ab12 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
         "/sys/fs/cgroup/memory|/inner", "|"},
        /* the group lies outside of what is mounted: the mount's root */
        {"5:memory:/kubepods/pod1/c2\n",
         "700 690 0:30 /kubepods/pod1/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
         "/sys/fs/cgroup/memory|", "|"},
        {"5:memory:/docker/ab123\n",
         "700 690 0:30 /docker/ab12 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
         "/sys/fs/cgroup/memory|", "|"},
        {"0::/../sibling\n", "26 24 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "|",
         "/sys/fs/cgroup|"},
        /* memory beside others; blanks in the mount's name */
        {"7:hugetlb,memory:/a b\n", "7 6 0:9 / /my\\040cg/m\\134 rw - cgroup c rw,memory,hugetlb\n",
         "/my cg/m\\|/a b", "|"},
        /* the mount that shows more of the groups above wins */
        {"0::/a/b\n",
         "1 0 0:1 /a/b /one rw - cgroup2 c rw\n2 0 0:1 / /all rw - cgroup2 c rw\n"
         "3 0 0:1 /a /some rw - cgroup2 c rw\n4 0 0:1 /z /else rw - cgroup2 c rw\n",
         "|", "/all|/a/b"},
        /* not mounted, not there, not a kernel's */
        {v1_groups, "", "|", "|"},
        {"", v1_mounts, "/sys/fs/cgroup/memory|", "/sys/fs/cgroup/unified|"},
        {"4:memory\n4:memory:\n::\n0:\n:memory:/x\n\n",
         "a b c\n - cgroup2 c\n1 2 3 4 5 6 -\n-\n \n", "|", "|"},
        {"0::/x\n", "26 24 0:23 / relative rw - cgroup2 cgroup2 rw\n", "|", "|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_cgroup both[ML_CGROUP_VERSIONS];
        char text[2 * ML_CGROUP_PATH + 2];
        memset(both, 0, sizeof both);
        give(both, ml_cgroup_line, rows[i].groups);
        give(both, ml_cgroup_mount_line, rows[i].mounts);
        snprintf(text, sizeof text, "%s|%s", both[ML_CGROUP_V1].mount, both[ML_CGROUP_V1].below);
        assert_string_equal(text, rows[i].v1);
        snprintf(text, sizeof text, "%s|%s", both[ML_CGROUP_V2].mount, both[ML_CGROUP_V2].below);
        assert_string_equal(text, rows[i].v2);
    }
}

static void long_paths_are_as_if_not_there(void **state)
{
    char line[3 * ML_CGROUP_PATH];
    struct ml_cgroup both[ML_CGROUP_VERSIONS];
    memset(both, 0, sizeof both);
    snprintf(line, sizeof line, "0::/%0*d", ML_CGROUP_PATH - 2, 1);
    give(both, ml_cgroup_line, line);
    assert_int_equal(strlen(both[ML_CGROUP_V2].path), ML_CGROUP_PATH - 1);
    memset(both, 0, sizeof both);
    snprintf(line, sizeof line, "0::/%0*d", ML_CGROUP_PATH - 1, 1);
    give(both, ml_cgroup_line, line);
    assert_string_equal(both[ML_CGROUP_V2].path, "");
    snprintf(line, sizeof line, "1 2 3 / /%0*d rw - cgroup2 c rw", ML_CGROUP_PATH - 1, 1);
    give(both, ml_cgroup_mount_line, line);
    assert_string_equal(both[ML_CGROUP_V2].mount, "");
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"268435456\n", true, 268435456},
        {"0\n", true, 0},
        {"max\n", true, UINT64_MAX},
        {"9223372036854771712\n", true, UINT64_MAX},
        {"99999999999999999999999", true, UINT64_MAX},
        {"", false, 0},
        {"-1\n", false, 0},
        {"x", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct guarded g = guarded_new(rows[i].text, strlen(rows[i].text));
        uint64_t v = 1;
        assert_int_equal(ml_cgroup_number(g.str, &v), rows[i].ok);
        if (rows[i].ok)
            assert_int_equal(v, rows[i].value);
        guarded_free(&g);
    }
}

static void fields(void **state)
{
    static const char stat[] =
        "anon 1\ninactive_file_x 3\ninactive_file 4096\nMemTotal:       16 kB\n"
        "Max address space         unlimited            unlimited   bytes\nlast";
    static const struct {
        const char *word;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"anon", true, 1},       {"inactive_file", true, 4096},
        {"MemTotal:", true, 16}, {"file", false, 0},
        {"last", false, 0},      {"Max address space", false, 0},
        {"none", false, 0},
    };
    struct guarded g = guarded_new(stat, sizeof stat - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t v = 0;
        assert_int_equal(ml_cgroup_field(g.str, ml_str_of(rows[i].word), &v), rows[i].ok);
        assert_int_equal(v, rows[i].value);
    }
    guarded_free(&g);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(folders),
        cmocka_unit_test(long_paths_are_as_if_not_there),
        cmocka_unit_test(numbers),
        cmocka_unit_test(fields),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
