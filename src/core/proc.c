/* core/proc.c -- see proc.h. Source of the formats: proc(5). SPDX-License-Identifier: MIT */
#include "core/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int ml_mem_kind_find(const char *name, enum ml_mem_kind *out)
{
    static const char *const names[] = {
        [ML_MEM_RSS] = "rss", [ML_MEM_PSS] = "pss", [ML_MEM_USS] = "uss"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum ml_mem_kind)i;
            return ML_OK;
        }
    }
    return ML_ENOTFOUND;
}

/* --- reading /proc --------------------------------------------------------------------------- */

int ml__proc_open(const char *fmt, ...)
{
    char path[128] = "/proc/";
    size_t root = strlen(path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(path + root, sizeof path - root, fmt, args);
    va_end(args);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

int ml__proc_read(int fd, ml__proc_take *take, void *ctx)
{
    char piece[4096];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, piece, sizeof piece, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0 || !take(ctx, piece, (size_t)n))
            return 0;
        at += n;
    }
}

static int process_id(int32_t pid)
{
    return pid == 0 ? getpid() : pid;
}

static int fail_read(struct ml_error *e, int32_t pid, int err)
{
    err = err == ENOENT ? ESRCH : err; /* no folder in /proc */
    return ml_fail_errno(e, err, "cannot read the memory of process %d", (int)process_id(pid));
}

/* --- rss: "size resident shared ..." in pages ------------------------------------------------- */

struct statm {
    uint64_t size_pages; /* 0: no memory of its own (it has ended, or is a thread of the kernel) */
    uint64_t resident_pages;
};

static const char *parse_number(const char *p, const char *end, uint64_t *out)
{
    const char *start = p;
    uint64_t v = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        v = v * 10 + (uint64_t)(*p - '0');
    *out = v;
    return p > start && p < end && *p == ' ' ? p + 1 : NULL;
}

/* 0, or the errno value; EINVAL when the text is something else. */
static int statm_read(int fd, struct statm *out)
{
    char text[128];
    ssize_t n = pread(fd, text, sizeof text, 0);
    if (n < 0)
        return errno;
    const char *end = text + n;
    const char *p = parse_number(text, end, &out->size_pages);
    p = p != NULL ? parse_number(p, end, &out->resident_pages) : NULL;
    return p != NULL ? 0 : EINVAL;
}

enum { HIGH_DESCRIPTOR = 192 }; /* out of the way of the program's own small numbers */

/* [lock-free] the kept descriptor; -1: none. A race opens it twice and closes one. */
static _Atomic int self_statm = -1;

/* What fork copied tells of the parent. Closed only if it still is a statm. */
static void forget_in_child(void)
{
    struct statm s;
    int fd = atomic_exchange(&self_statm, -1);
    if (fd >= 0 && statm_read(fd, &s) == 0)
        close(fd);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_in_child);
}

static int keep_statm(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    int low = ml__proc_open("self/statm");
    int fd = low >= 0 ? fcntl(low, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR) : low;
    if (low >= 0 && fd >= 0)
        close(low);
    else if (low >= 0)
        fd = low; /* a low limit on descriptors: keep the small number */
    int none = -1;
    if (fd >= 0 && !atomic_compare_exchange_strong(&self_statm, &none, fd)) {
        close(fd);
        return none;
    }
    return fd;
}

/* Programs that close all descriptors they do not know (daemons do) close ours too, and the number
 * may by now be a file of theirs: then the text does not parse, and we open anew without closing
 * what is not ours. */
static ML_NOINLINE int reopen_statm(int stale, struct statm *out)
{
    atomic_compare_exchange_strong(&self_statm, &stale, -1);
    int fd = keep_statm();
    return fd >= 0 ? statm_read(fd, out) : -fd;
}

int ml_proc_self_rss(uint64_t *out)
{
    struct statm s;
    int saved = errno; /* the program's own */
    int fd = atomic_load_explicit(&self_statm, memory_order_relaxed);
    int err = fd >= 0 ? statm_read(fd, &s) : EBADF;
    if (ML_UNLIKELY(err != 0))
        err = reopen_statm(fd, &s);
    errno = saved;
    if (ML_UNLIKELY(err != 0))
        return ml_status_from_errno(err);
    *out = s.resident_pages * ml_page_bytes();
    return ML_OK;
}

/* 'Z' and 'X' in "pid (name) S ...": it has ended. The name may hold blanks and brackets. */
static bool has_ended(int32_t pid)
{
    char text[512];
    int fd = ml__proc_open("%d/stat", (int)pid);
    ssize_t n = fd >= 0 ? pread(fd, text, sizeof text, 0) : -1;
    if (fd >= 0)
        close(fd);
    const char *name_end = n > 0 ? memrchr(text, ')', (size_t)n) : NULL;
    if (name_end == NULL || text + n - name_end < 3)
        return true;
    return name_end[2] == 'Z' || name_end[2] == 'X';
}

static int other_rss(int32_t pid, uint64_t *out)
{
    struct statm s;
    int fd = ml__proc_open("%d/statm", (int)pid);
    if (fd < 0)
        return -fd;
    int err = statm_read(fd, &s);
    close(fd);
    if (err != 0)
        return err;
    if (s.size_pages == 0 && has_ended(pid))
        return ESRCH;
    *out = s.resident_pages * ml_page_bytes();
    return 0;
}

/* --- files of "Name:   123 kB" lines ----------------------------------------------------------- */

struct fields {
    const char *const *names; /* NULL-ended; each with its colon */
    bool first_only;          /* stop at the first line that matches */
    uint64_t sum_kb;          /* over all lines with one of the names */
    size_t found;             /* lines */
    char line[128];           /* the line so far; the rest of a longer one is dropped */
    size_t line_n;
};

static void fields_line(struct fields *f)
{
    f->line[f->line_n] = '\0';
    for (const char *const *name = f->names; *name != NULL; name++) {
        size_t n = strlen(*name);
        if (strncmp(f->line, *name, n) != 0)
            continue;
        const char *p = f->line + n;
        p += strspn(p, " \t");
        uint64_t kb = 0;
        for (; *p >= '0' && *p <= '9'; p++)
            kb = kb * 10 + (uint64_t)(*p - '0');
        f->sum_kb += kb;
        f->found++;
        return;
    }
}

static bool fields_take(void *ctx, const char *piece, size_t n)
{
    struct fields *f = ctx;
    for (size_t i = 0; i < n; i++) {
        if (piece[i] != '\n') {
            if (f->line_n < sizeof f->line - 1)
                f->line[f->line_n++] = piece[i];
            continue;
        }
        fields_line(f);
        f->line_n = 0;
        if (f->first_only && f->found > 0)
            return false;
    }
    return true;
}

/* 0, or the errno value; ESRCH when no line had the name (a process that has ended, or a thread of
 * the kernel, has no such lines). */
static int fields_read(int fd, struct fields *f, uint64_t *out)
{
    if (fd < 0)
        return -fd;
    int err = ml__proc_read(fd, fields_take, f);
    close(fd);
    if (err == 0 && f->found == 0)
        err = ESRCH;
    if (err == 0)
        *out = f->sum_kb * 1024;
    return err;
}

static int smaps_sum(int32_t pid, enum ml_mem_kind kind, uint64_t *out)
{
    static const char *const shares[] = {"Pss:", NULL};
    static const char *const own[] = {"Private_Clean:", "Private_Dirty:", "Private_Hugetlb:", NULL};
    struct fields f = {.names = kind == ML_MEM_PSS ? shares : own};
    int fd = ml__proc_open("%d/smaps_rollup", (int)pid);
    if (fd == -ENOENT) /* before Linux 4.14, or no such process: the long form tells */
        fd = ml__proc_open("%d/smaps", (int)pid);
    return fields_read(fd, &f, out);
}

int ml_proc_memory(int32_t pid, enum ml_mem_kind kind, uint64_t *out, struct ml_error *e)
{
    if (kind == ML_MEM_RSS && pid == 0) {
        int rc = ml_proc_self_rss(out);
        return rc == ML_OK ? rc : ml_fail(e, rc, "cannot read /proc/self/statm");
    }
    int id = process_id(pid);
    int err = kind == ML_MEM_RSS ? other_rss(id, out) : smaps_sum(id, kind, out);
    return err == 0 ? ML_OK : fail_read(e, pid, err);
}

int ml_proc_peak(int32_t pid, uint64_t *out, struct ml_error *e)
{
    static const char *const high_water[] = {"VmHWM:", NULL};
    struct fields f = {.names = high_water, .first_only = true};
    int fd = ml__proc_open("%d/status", process_id(pid));
    int err = fields_read(fd, &f, out);
    return err == 0 ? ML_OK : fail_read(e, pid, err);
}

int ml_proc_peak_reset(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return ml_status_from_errno(errno);
    ssize_t n = write(fd, "5", 1); /* 5: the high-water mark only, no page is touched */
    int rc = n == 1 ? ML_OK : ml_status_from_errno(errno);
    close(fd);
    return rc;
}
