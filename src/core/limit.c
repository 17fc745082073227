/* core/limit.c -- see limit.h. SPDX-License-Identifier: MIT */
#include "core/limit.h"

#include "base/port.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MOST = 8192 }; /* memory.stat has some 2000 bytes, the lines of mountinfo some 200 */

struct text {
    char bytes[TEXT_MOST];
    struct ml_str str;
};

/* --- reading --------------------------------------------------------------------------------------- */

static ssize_t read_piece(int fd, char *to, size_t n)
{
    ssize_t got;
    do
        got = read(fd, to, n);
    while (got < 0 && errno == EINTR);
    return got;
}

static int open_path(const char *fmt, va_list args)
{
    char path[3 * ML_CGROUP_PATH];
    int n = vsnprintf(path, sizeof path, fmt, args);
    return n >= 0 && (size_t)n < sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* The file's beginning; empty if it cannot be read. */
static struct ml_str read_text(struct text *t, const char *fmt, ...) ML_PRINTF(2, 3);
static struct ml_str read_text(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int fd = open_path(fmt, args);
    va_end(args);
    size_t n = 0;
    for (ssize_t got = 1; fd >= 0 && got > 0 && n<sizeof t->bytes; n += got> 0 ? (size_t)got : 0)
        got = read_piece(fd, t->bytes + n, sizeof t->bytes - n);
    if (fd >= 0)
        close(fd);
    return (struct ml_str){t->bytes, n};
}

typedef void take_line(struct ml_cgroup both[ML_CGROUP_VERSIONS], struct ml_str line);

/* Hands out the lines that are whole in the n bytes; answers how many bytes they had. A line that fills
 * the whole room is none that concerns us. */
static size_t give_lines(struct ml_cgroup *both, take_line *take, const char *p, size_t n)
{
    size_t used = 0;
    for (const char *end; used < n && (end = memchr(p + used, '\n', n - used)) != NULL;) {
        take(both, (struct ml_str){p + used, (size_t)(end - p) - used});
        used = (size_t)(end - p) + 1;
    }
    return used == 0 && n == TEXT_MOST ? n : used;
}

static void read_lines(struct ml_cgroup *both, take_line *take, const char *fmt, ...)
    ML_PRINTF(3, 4);
static void read_lines(struct ml_cgroup *both, take_line *take, const char *fmt, ...)
{
    char room[TEXT_MOST];
    size_t n = 0;
    va_list args;
    va_start(args, fmt);
    int fd = open_path(fmt, args);
    va_end(args);
    for (ssize_t got = 1; fd >= 0 && got > 0;) {
        got = read_piece(fd, room + n, sizeof room - n);
        n += got > 0 ? (size_t)got : 0;
        size_t used = give_lines(both, take, room, n);
        memmove(room, room + used, n - used);
        n -= used;
    }
    if (n > 0) /* without a line end */
        take(both, (struct ml_str){room, n});
    if (fd >= 0)
        close(fd);
}

/* "/proc/self" or "/proc/12". */
static const char *proc_folder(const struct ml_limits *l, char out[32])
{
    if (l->pid == 0)
        snprintf(out, 32, "/proc/self");
    else
        snprintf(out, 32, "/proc/%d", (int)l->pid);
    return out;
}

/* --- which limits ---------------------------------------------------------------------------------- */

static void add(struct ml_limits *l, enum ml_limit_kind kind, uint64_t bytes, size_t below_n)
{
    if (bytes == UINT64_MAX || bytes == 0)
        return;
    size_t at = l->n;
    while (at > 0 && l->all[at - 1].bytes > bytes)
        at--;
    if (at == ML_LIMITS_MOST)
        return;
    size_t moved = (l->n < ML_LIMITS_MOST ? l->n : ML_LIMITS_MOST - 1) - at;
    memmove(&l->all[at + 1], &l->all[at], moved * sizeof l->all[0]);
    l->all[at] = (struct ml_limit){kind, bytes, below_n};
    l->n += l->n < ML_LIMITS_MOST;
}

static struct ml_str group_text(const struct ml_limits *l, int version, size_t below_n,
                                const char *name, struct text *t)
{
    const struct ml_cgroup *g = &l->groups[version];
    return read_text(t, "%s%s%.*s/%s", l->root, g->mount, (int)below_n, g->below, name);
}

static uint64_t group_number(const struct ml_limits *l, int version, size_t below_n,
                             const char *name)
{
    struct text t;
    uint64_t v;
    return ml_cgroup_number(group_text(l, version, below_n, name, &t), &v) ? v : UINT64_MAX;
}

static void add_group(struct ml_limits *l, int version, size_t below_n, bool own)
{
    if (version == ML_CGROUP_V2) {
        uint64_t max = group_number(l, version, below_n, "memory.max");
        uint64_t high = group_number(l, version, below_n, "memory.high");
        add(l, ML_LIMIT_CGROUP2, high < max ? high : max, below_n);
        return;
    }
    /* A group above that does not count what is below it limits itself only. */
    if (own || group_number(l, version, below_n, "memory.use_hierarchy") != 0)
        add(l, ML_LIMIT_CGROUP1, group_number(l, version, below_n, "memory.limit_in_bytes"),
            below_n);
}

/* From the process's own group up to the mount's root. */
static void add_groups(struct ml_limits *l, int version)
{
    struct ml_cgroup *g = &l->groups[version];
    char folder[3 * ML_CGROUP_PATH];
    struct stat st;
    if (g->mount[0] == '\0')
        return;
    snprintf(folder, sizeof folder, "%s%s%s", l->root, g->mount, g->below);
    if (stat(folder, &st) != 0)
        g->below[0] = '\0';
    size_t n = strlen(g->below);
    add_group(l, version, n, true);
    while (n > 0) {
        while (n > 0 && g->below[n - 1] != '/')
            n--;
        n -= n > 0;
        add_group(l, version, n, false);
    }
}

static void add_addresses(struct ml_limits *l)
{
    char folder[32];
    struct text t;
    uint64_t bytes;
    struct ml_str s = read_text(&t, "%s%s/limits", l->root, proc_folder(l, folder));
    if (ml_cgroup_field(s, ML_STR("Max address space"), &bytes)) /* not for "unlimited" */
        add(l, ML_LIMIT_ADDRESSES, bytes, 0);
}

static uint64_t machine_kib(const struct ml_limits *l, const char *name)
{
    struct text t;
    uint64_t kib;
    struct ml_str s = read_text(&t, "%s/proc/meminfo", l->root);
    return ml_cgroup_field(s, ml_str_of(name), &kib) && kib < UINT64_MAX / 1024 ? kib : 0;
}

void ml_limits_read(struct ml_limits *l, const char *root, int32_t pid)
{
    char folder[32];
    memset(l, 0, sizeof *l);
    l->root = root;
    l->pid = pid;
    read_lines(l->groups, ml_cgroup_line, "%s%s/cgroup", root, proc_folder(l, folder));
    read_lines(l->groups, ml_cgroup_mount_line, "%s/proc/self/mountinfo", root);
    add_groups(l, ML_CGROUP_V1);
    add_groups(l, ML_CGROUP_V2);
    add_addresses(l);
    add(l, ML_LIMIT_MACHINE, machine_kib(l, "MemTotal:") * 1024, 0);
}

/* --- their use ------------------------------------------------------------------------------------- */

static uint64_t stat_field(struct ml_str stat, const char *name)
{
    uint64_t bytes = 0;
    ml_cgroup_field(stat, ml_str_of(name), &bytes);
    return bytes;
}

/* Page cache that will go. What waits to be written is among the active pages as soon as the kernel met
 * it in vain; it is told as a sum over both lists, so of the active ones at most so much. */
static uint64_t passing_cache(struct ml_str stat, int version)
{
    static const struct {
        const char *inactive, *active, *dirty, *writeback;
    } names[] = {
        {"total_inactive_file", "total_active_file", "total_dirty", "total_writeback"},
        {"inactive_file", "active_file", "file_dirty", "file_writeback"},
    };
    uint64_t active = stat_field(stat, names[version].active);
    uint64_t unwritten = stat_field(stat, names[version].dirty) +
                         stat_field(stat, names[version].writeback);
    return stat_field(stat, names[version].inactive) + (unwritten < active ? unwritten : active);
}

static bool group_use(const struct ml_limits *l, int version, size_t below_n, uint64_t *out)
{
    static const char *const files[] = {"memory.usage_in_bytes", "memory.current"};
    struct text t;
    uint64_t use = group_number(l, version, below_n, files[version]);
    if (use == UINT64_MAX)
        return false;
    struct ml_str stat = group_text(l, version, below_n, "memory.stat", &t);
    uint64_t cache = passing_cache(stat, version);
    *out = use > cache ? use - cache : 0;
    return true;
}

/* size and resident, in bytes */
static bool process_use(const struct ml_limits *l, uint64_t *size, uint64_t *resident)
{
    char folder[32];
    struct text t;
    struct ml_str s = read_text(&t, "%s%s/statm", l->root, proc_folder(l, folder));
    const char *blank = s.n > 0 ? memchr(s.p, ' ', s.n) : NULL;
    if (blank == NULL || !ml_cgroup_number(s, size) ||
        !ml_cgroup_number((struct ml_str){blank + 1, s.n - (size_t)(blank + 1 - s.p)}, resident))
        return false;
    *size *= ml_page_bytes();
    *resident *= ml_page_bytes();
    return true;
}

static bool machine_use(const struct ml_limits *l, uint64_t *out)
{
    uint64_t total = machine_kib(l, "MemTotal:");
    uint64_t free = machine_kib(l, "MemAvailable:");
    *out = (total > free ? total - free : 0) * 1024;
    return total > 0 && free > 0;
}

bool ml_limit_use(const struct ml_limits *l, const struct ml_limit *limit, uint64_t *out)
{
    uint64_t resident;
    switch (limit->kind) {
    case ML_LIMIT_CGROUP1:
        return group_use(l, ML_CGROUP_V1, limit->below_n, out);
    case ML_LIMIT_CGROUP2:
        return group_use(l, ML_CGROUP_V2, limit->below_n, out);
    case ML_LIMIT_ADDRESSES:
        return process_use(l, out, &resident);
    default:
        return machine_use(l, out);
    }
}

static bool is_ours(const struct ml_limits *l, const struct ml_limit *limit)
{
    uint64_t size;
    uint64_t resident;
    return limit->kind != ML_LIMIT_MACHINE ||
           (process_use(l, &size, &resident) && resident >= limit->bytes / 10);
}

const struct ml_limit *ml_limits_tightest(const struct ml_limits *l, uint64_t *use)
{
    const struct ml_limit *best = NULL;
    double most = -1;
    for (size_t i = 0; i < l->n; i++) {
        uint64_t bytes;
        if (!is_ours(l, &l->all[i]) || !ml_limit_use(l, &l->all[i], &bytes))
            continue;
        double part = (double)bytes / (double)l->all[i].bytes;
        if (part <= most)
            continue;
        most = part;
        best = &l->all[i];
        *use = bytes;
    }
    return best;
}

/* --- for people ------------------------------------------------------------------------------------ */

const char *ml_limit_kind_name(enum ml_limit_kind kind)
{
    static const char *const names[] = {[ML_LIMIT_CGROUP1] = "cgroup v1",
                                        [ML_LIMIT_CGROUP2] = "cgroup v2",
                                        [ML_LIMIT_ADDRESSES] = "address space",
                                        [ML_LIMIT_MACHINE] = "machine"};
    return names[kind];
}

void ml_limit_where(const struct ml_limits *l, const struct ml_limit *limit,
                    char out[ML_LIMIT_WHERE])
{
    out[0] = '\0';
    if (limit->kind > ML_LIMIT_CGROUP2)
        return;
    const struct ml_cgroup *g = &l->groups[limit->kind];
    snprintf(out, ML_LIMIT_WHERE, "%s%.*s", g->mount, (int)limit->below_n, g->below);
}
