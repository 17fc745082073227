/* report/source.c -- see source.h. SPDX-License-Identifier: MIT */
#include "report/source.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "report/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 16 << 20, ALL_MOST = 256 << 20 };

struct source {
    struct ml_buf text;    /* UTF-8 */
    ML_VEC(size_t) starts; /* offset of each line */
    bool changed;
};

struct ml_sources {
    const struct ml_snapshot *snapshot; /* borrowed */
    struct ml_map by_file;              /* file -> index in files */
    ML_VEC(struct source *) files;      /* owned */
    size_t total_bytes;
};

int ml_sources_new(const struct ml_snapshot *s, struct ml_sources **out)
{
    struct ml_sources *all = ml_calloc(1, sizeof *all);
    if (all == NULL)
        return ML_ENOMEM;
    all->snapshot = s;
    *out = all;
    return ML_OK;
}

void ml_sources_free(struct ml_sources *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->files.n; i++) {
        ml_buf_free(&all->files.at[i]->text);
        ml_vec_free(&all->files.at[i]->starts);
        ml_free(all->files.at[i]);
    }
    ml_vec_free(&all->files);
    ml_map_free(&all->by_file);
    ml_free(all);
}

static int64_t changed_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* Opens a regular file that is not too long; -1 else. A name from a book may be anything: a pipe must
 * not hang us. */
static int open_source(struct ml_str file, struct stat *st)
{
    char path[PATH_MAX];
    if (file.n == 0 || file.n >= sizeof path || memchr(file.p, '\0', file.n) != NULL)
        return -1;
    memcpy(path, file.p, file.n);
    path[file.n] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode) || st->st_size > FILE_MOST)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool read_file(struct ml_str file, struct ml_buf *out, int64_t *written_ns)
{
    struct stat st;
    int fd = open_source(file, &st);
    if (fd < 0)
        return false;
    enum { ROOM = 65536 };
    ssize_t n = 1;
    out->max = FILE_MOST + ROOM;
    while (n != 0 && out->status == ML_OK) {
        char *at = ml_buf_reserve(out, ROOM);
        n = at != NULL ? read(fd, at, ROOM) : 0;
        if (n > 0)
            out->n += (size_t)n;
        else if (n < 0 && errno != EINTR)
            break;
    }
    close(fd);
    *written_ns = changed_ns(&st);
    return n == 0 && out->status == ML_OK;
}

/* Lines end at \n, \r\n or \r, as for the interpreter. */
static int index_lines(struct source *f)
{
    struct ml_str s = ml_buf_view(&f->text);
    for (size_t i = 0; i < s.n;) {
        if (ml_vec_push(&f->starts, i) != ML_OK)
            return ML_ENOMEM;
        while (i < s.n && s.p[i] != '\n' && s.p[i] != '\r')
            i++;
        i += i + 1 < s.n && s.p[i] == '\r' && s.p[i + 1] == '\n' ? 2 : 1;
    }
    return ML_OK;
}

static void load(struct ml_sources *all, struct source *f, struct ml_str file)
{
    struct ml_buf bytes = {0};
    int64_t written_ns = 0;
    if (all->total_bytes > ALL_MOST)
        return;
    if (read_file(file, &bytes, &written_ns)) {
        f->changed = written_ns > ml_snapshot_start_ns(all->snapshot);
        ml_decode_source(ml_buf_view(&bytes), &f->text);
    } else {
        ml_decode_source(ml_snapshot_source(all->snapshot, file), &f->text);
    }
    ml_buf_free(&bytes);
    if (f->text.status != ML_OK || index_lines(f) != ML_OK) {
        ml_buf_free(&f->text); /* out of memory: its lines are empty */
        f->starts.n = 0;
    }
    all->total_bytes += f->text.cap + f->starts.cap * sizeof(size_t);
}

/* NULL when out of memory. */
static const struct source *find(struct ml_sources *all, struct ml_str file)
{
    const uint64_t *index = ml_map_find(&all->by_file, file);
    if (index != NULL)
        return all->files.at[*index];
    struct source *f = ml_calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    if (ml_vec_push(&all->files, f) != ML_OK) {
        ml_free(f);
        return NULL;
    }
    load(all, f, file);
    return ml_map_put(&all->by_file, file, all->files.n - 1) == ML_OK ? f : NULL;
}

struct ml_str ml_sources_line(struct ml_sources *all, struct ml_str file, uint32_t line)
{
    const struct source *f = find(all, file);
    if (f == NULL || line == 0 || line > f->starts.n)
        return (struct ml_str){"", 0};
    size_t start = f->starts.at[line - 1];
    size_t end = line < f->starts.n ? f->starts.at[line] : f->text.n;
    while (end > start && (f->text.p[end - 1] == '\n' || f->text.p[end - 1] == '\r'))
        end--;
    return (struct ml_str){f->text.p + start, end - start};
}

uint32_t ml_sources_count(struct ml_sources *all, struct ml_str file)
{
    const struct source *f = find(all, file);
    return f != NULL ? (uint32_t)f->starts.n : 0; /* files are at most 16 MiB */
}

bool ml_sources_have(struct ml_sources *all, struct ml_str file)
{
    const struct source *f = find(all, file);
    return f != NULL && f->starts.n > 0;
}

bool ml_sources_changed(struct ml_sources *all, struct ml_str file)
{
    const struct source *f = find(all, file);
    return f != NULL && f->changed;
}
