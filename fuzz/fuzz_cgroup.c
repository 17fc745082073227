/* fuzz/fuzz_cgroup.c -- any bytes as /proc/PID/cgroup, mountinfo and the files of a group: texts stay within their
 * room, and the folder is the mount's root or below it. SPDX-License-Identifier: MIT */
#include "core/cgroup.h"
#include "fuzz.h"

typedef void take_line(struct ml_cgroup both[ML_CGROUP_VERSIONS], struct ml_str line);

static void give(struct ml_cgroup *both, take_line *take, struct ml_str text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        take(both, (struct ml_str){text.p, n});
        n += end != NULL;
        text = (struct ml_str){text.p + n, text.n - n};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ml_str all = {(const char *)data, n};
    const char *middle = n > 0 ? memchr(data, '\t', n) : NULL; /* no kernel writes it */
    size_t first = middle != NULL ? (size_t)(middle - all.p) : n / 2;
    struct ml_cgroup both[ML_CGROUP_VERSIONS];
    uint64_t v;
    memset(both, 0, sizeof both);
    give(both, ml_cgroup_line, (struct ml_str){all.p, first});
    give(both, ml_cgroup_mount_line, (struct ml_str){all.p + first, n - first});
    for (int i = 0; i < ML_CGROUP_VERSIONS; i++) {
        const struct ml_cgroup *g = &both[i];
        REQUIRE(memchr(g->path, '\0', sizeof g->path) != NULL);
        REQUIRE(memchr(g->mount, '\0', sizeof g->mount) != NULL);
        REQUIRE(memchr(g->below, '\0', sizeof g->below) != NULL);
        REQUIRE(g->mount[0] == '\0' || g->mount[0] == '/');
        REQUIRE(g->below[0] == '\0' || (g->below[0] == '/' && strstr(g->below, "/..") == NULL));
    }
    ml_cgroup_number(all, &v);
    ml_cgroup_field(all, ML_STR("inactive_file"), &v);
    return 0;
}
