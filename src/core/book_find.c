/* core/book_find.c -- see book_find.h. Format of maps and stat: proc(5). SPDX-License-Identifier: MIT */
#include "core/book_find.h"

#include "core/bookshelf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* --- what a process has mapped --------------------------------------------------------------------- */

struct mapping {
    unsigned major;
    unsigned minor;
    unsigned long inode;
    const char *path; /* in the line */
};

/* A shared mapping of a file: "7f00-7f01 rw-s 00000000 fe:01 1234   /a/b.book". */
static bool parse_mapping(char *line, struct mapping *m)
{
    char flags[5] = "";
    int path_at = 0;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%*s %4s %*s %x:%x %lu %n", flags, &m->major, &m->minor, &m->inode,
               &path_at) != 4 ||
        path_at == 0 || flags[3] != 's' || line[path_at] != '/')
        return false;
    m->path = line + path_at;
    return true;
}

/* The file behind a mapping, by its own name or through the process's root; false: gone, or no book. */
static bool peek_mapping(int32_t pid, const struct mapping *m, char *path, size_t n,
                         struct ml_book_brief *b)
{
    for (int i = 0; i < 2; i++) {
        int len = i == 0 ? snprintf(path, n, "%s", m->path)
                         : snprintf(path, n, "/proc/%d/root%s", (int)pid, m->path);
        if (len > 0 && (size_t)len < n && ml_book_peek(path, b, NULL) == ML_OK &&
            b->inode == m->inode)
            return true;
    }
    return false;
}

typedef bool visit(int32_t pid, const struct mapping *m, void *ctx);

/* Shows the shared mappings until visit answers true. 1: it did, 0: it did not, or an errno value
 * below zero. */
static int each_mapping(int32_t pid, visit *see, void *ctx)
{
    char name[64];
    char line[PATH_MAX + 128];
    struct mapping m;
    int found = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", (int)pid);
    FILE *f = fopen(name, "re");
    if (f == NULL)
        return -errno;
    while (found == 0 && fgets(line, sizeof line, f) != NULL)
        found = parse_mapping(line, &m) && see(pid, &m, ctx);
    if (found == 0 && ferror(f))
        found = -errno;
    fclose(f);
    return found;
}

struct search {
    char *out;
    size_t out_bytes;
};

static bool is_its_book(int32_t pid, const struct mapping *m, void *ctx)
{
    struct search *s = ctx;
    char path[PATH_MAX + 32];
    struct ml_book_brief b;
    if (!peek_mapping(pid, m, path, sizeof path, &b) || b.complete || strlen(path) >= s->out_bytes)
        return false;
    strcpy(s->out, path);
    return true;
}

struct match {
    const char *path;
    const struct ml_book_brief *brief;
};

static bool is_this_book(int32_t pid, const struct mapping *m, void *ctx)
{
    const struct match *want = ctx;
    (void)pid;
    if (m->inode != want->brief->inode)
        return false;
    /* Some file systems show another device in maps than in stat: then the name must do. */
    return (m->major == major(want->brief->device) && m->minor == minor(want->brief->device)) ||
           strcmp(m->path, want->path) == 0;
}

int ml_book_mapped(int32_t pid, const char *path, const struct ml_book_brief *b)
{
    char full[PATH_MAX];
    struct match want = {realpath(path, full) != NULL ? full : path, b};
    int found = each_mapping(pid, is_this_book, &want);
    return found >= 0 ? found : found == -EACCES || found == -EPERM ? -1 : 0;
}

int ml_book_of(int32_t pid, char *out, size_t out_bytes, struct ml_error *e)
{
    struct search s = {out, out_bytes};
    int found = each_mapping(pid, is_its_book, &s);
    if (found == 1 || ml_bookshelf_of(pid, out, out_bytes) == ML_OK)
        return ML_OK;
    if (found == -EACCES || found == -EPERM)
        return ml_fail_errno(e, -found, "cannot look for the book of process %d", (int)pid);
    if (ml_process_began(pid) == 0) {
        ml_fail(e, ML_ENOTFOUND, "no process %d, and no book of it", (int)pid);
        ml_hint(e, "memline top BOOK, for a book that lies elsewhere");
        return ML_ENOTFOUND;
    }
    ml_fail(e, ML_ENOTFOUND, "process %d has no account book: memline does not profile it",
            (int)pid);
    ml_hint(e, "memline run app.py, or MEMLINE=on in its environment");
    return ML_ENOTFOUND;
}

/* --- which process it is --------------------------------------------------------------------------- */

uint64_t ml_process_began(int32_t pid)
{
    char text[1024];
    char state = 'X';
    unsigned long long began = 0;
    snprintf(text, sizeof text, "/proc/%d/stat", (int)pid);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *behind = strrchr(text, ')'); /* the name before may hold anything */
    if (behind == NULL ||
        sscanf(behind + 1,
               " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &state, &began) != 2)
        return 0;
    return state == 'Z' || state == 'X' ? 0 : began;
}
