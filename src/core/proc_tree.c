/* core/proc_tree.c -- see proc_tree.h.
 *
 * Both searches use the list itself as their queue: what stands before `next` has been asked for
 * its children, what stands behind was found. SPDX-License-Identifier: MIT */
#include "core/proc_tree.h"

#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_MEMBERS = 1 << 20 };

static int add(struct ml_proc_list *l, int32_t pid)
{
    if (l->n >= MOST_MEMBERS)
        return ML_ELIMIT;
    return ml_vec_push(l, ((struct ml_proc_member){.pid = pid}));
}

/* The number that is the whole of name, or 0. */
static int32_t number_of(const char *name)
{
    int64_t v = 0;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || v > INT32_MAX / 10)
            return 0;
        v = v * 10 + (*p - '0');
    }
    return v <= INT32_MAX ? (int32_t)v : 0;
}

/* --- by children files: "123 456 " -------------------------------------------------------------- */

struct pids {
    struct ml_proc_list *found;
    int64_t number; /* digits so far, also across pieces; 0: none */
    int status;
};

static bool pids_take(void *ctx, const char *piece, size_t n)
{
    struct pids *p = ctx;
    for (size_t i = 0; i < n && p->status == ML_OK; i++) {
        if (piece[i] >= '0' && piece[i] <= '9' && p->number <= INT32_MAX / 10) {
            p->number = p->number * 10 + (piece[i] - '0');
        } else if (p->number > 0) {
            p->status = add(p->found, (int32_t)p->number);
            p->number = 0;
        }
    }
    return p->status == ML_OK;
}

static int children_of_thread(int32_t pid, int32_t tid, struct ml_proc_list *out)
{
    int fd = ml__proc_open("%d/task/%d/children", (int)pid, (int)tid);
    if (fd < 0)
        return ML_OK; /* ended meanwhile */
    struct pids p = {.found = out};
    ml__proc_read(fd, pids_take, &p);
    close(fd);
    return p.status;
}

static int children_of(int32_t pid, struct ml_proc_list *out)
{
    char path[64];
    struct stat tasks;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    if (stat(path, &tasks) != 0)
        return ML_OK;        /* ended meanwhile */
    if (tasks.st_nlink == 3) /* "." ".." and one thread: no need to read the folder */
        return children_of_thread(pid, pid, out);
    DIR *d = opendir(path);
    int rc = ML_OK;
    const struct dirent *entry;
    while (d != NULL && rc == ML_OK && (entry = readdir(d)) != NULL) {
        int32_t tid = number_of(entry->d_name);
        if (tid > 0)
            rc = children_of_thread(pid, tid, out);
    }
    if (d != NULL)
        closedir(d);
    return rc;
}

int ml__proc_tree_walk(int32_t pid, struct ml_proc_list *out)
{
    out->n = 0;
    int rc = children_of(pid, out);
    for (size_t next = 0; rc == ML_OK && next < out->n; next++)
        rc = children_of(out->at[next].pid, out);
    return rc;
}

/* --- by looking at everyone: "pid (name) S ppid ..." ------------------------------------------ */

struct kin {
    int32_t pid;
    int32_t parent;
};

struct kin_list {
    struct kin *at; /* owned */
    size_t n;
    size_t cap;
};

/* The name may hold blanks and brackets: the last bracket ends it. 0 if it ended meanwhile. */
static int32_t parent_of(int32_t pid)
{
    char text[512];
    int fd = ml__proc_open("%d/stat", (int)pid);
    ssize_t n = fd >= 0 ? pread(fd, text, sizeof text - 1, 0) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *name_end = strrchr(text, ')');
    int parent = 0;
    return name_end != NULL && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static int everyone(struct kin_list *out)
{
    DIR *d = opendir("/proc");
    if (d == NULL)
        return ml_status_from_errno(errno);
    int rc = ML_OK;
    const struct dirent *entry;
    while (rc == ML_OK && (entry = readdir(d)) != NULL) {
        int32_t pid = number_of(entry->d_name);
        int32_t parent = pid > 0 ? parent_of(pid) : 0;
        if (parent > 0)
            rc = ml_vec_push(out, ((struct kin){pid, parent}));
    }
    closedir(d);
    return rc;
}

static int add_children(const struct kin_list *all, int32_t pid, struct ml_proc_list *out)
{
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < all->n; i++)
        if (all->at[i].parent == pid)
            rc = add(out, all->at[i].pid);
    return rc;
}

int ml__proc_tree_scan(int32_t pid, struct ml_proc_list *out)
{
    struct kin_list all = {0};
    out->n = 0;
    int rc = everyone(&all);
    if (rc == ML_OK)
        rc = add_children(&all, pid, out);
    /* Numbers reused while we looked could close a circle: no more answers than processes. */
    for (size_t next = 0; rc == ML_OK && next < out->n && out->n <= all.n; next++)
        rc = add_children(&all, out->at[next].pid, out);
    ml_vec_free(&all);
    return rc;
}

/* --- both ------------------------------------------------------------------------------------- */

static bool has_children_files(void)
{
    static _Atomic int known; /* [lock-free] 0: not asked yet; 1: yes; 2: no */
    int k = atomic_load_explicit(&known, memory_order_relaxed);
    if (k == 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%ld/children", syscall(SYS_gettid));
        k = access(path, R_OK) == 0 ? 1 : 2;
        atomic_store_explicit(&known, k, memory_order_relaxed);
    }
    return k == 1;
}

static int by_pid(const void *a, const void *b)
{
    int32_t x = ((const struct ml_proc_member *)a)->pid;
    int32_t y = ((const struct ml_proc_member *)b)->pid;
    return (x > y) - (x < y);
}

/* Fill in the memory. A thread that ends hands its children to another of its process, so that the
 * walk may meet them twice: only the first counts. */
static void measure(struct ml_proc_list *l, enum ml_mem_kind kind)
{
    size_t kept = 0;
    if (l->n > 1)
        qsort(l->at, l->n, sizeof l->at[0], by_pid);
    for (size_t i = 0; i < l->n; i++) {
        struct ml_proc_member m = l->at[i];
        if (kept > 0 && l->at[kept - 1].pid == m.pid)
            continue;
        if (ml_proc_memory(m.pid, kind, &m.bytes, NULL) == ML_OK)
            l->at[kept++] = m;
    }
    l->n = kept;
}

int ml_proc_tree(int32_t pid, enum ml_mem_kind kind, struct ml_proc_list *out)
{
    int32_t root = pid == 0 ? getpid() : pid;
    int rc = has_children_files() ? ml__proc_tree_walk(root, out) : ml__proc_tree_scan(root, out);
    if (rc == ML_OK)
        measure(out, kind);
    else
        out->n = 0;
    return rc;
}

uint64_t ml_proc_list_sum(const struct ml_proc_list *l)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < l->n; i++)
        sum += l->at[i].bytes;
    return sum;
}

void ml_proc_list_free(struct ml_proc_list *l)
{
    ml_vec_free(l);
}
