/* core/mapfile.c -- see mapfile.h. SPDX-License-Identifier: MIT */
#include "core/mapfile.h"

#include "base/mem.h"
#include "base/port.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* 256 MiB hold the figures of 8 million lines. More would eat into the RLIMIT_AS that a program may
 * set for itself after it has started. */
static const size_t reserve_most = 256 * MIB;
static const size_t reserve_least = 1 * MIB;
static const size_t chunk_least = 64 * KIB;
static const size_t chunk_most = 16 * MIB;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t round_to_pages(size_t n)
{
    size_t page = ml_page_bytes();
    return (n + page - 1) / page * page;
}

/* A copy that holds after the program changes its working directory; NULL and errno on failure. */
static char *absolute(const char *path)
{
    char folder[PATH_MAX];
    errno = ENOMEM;
    if (path[0] == '/')
        return ml_strdup(path);
    if (getcwd(folder, sizeof folder) == NULL)
        return NULL;
    size_t n = strlen(folder) + strlen(path) + 2;
    char *all = ml_calloc(n, 1);
    if (all != NULL)
        snprintf(all, n, "%s/%s", folder, path);
    return all;
}

static int make_way(const char *path, struct ml_error *e)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return ML_OK;
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return ml_fail(e, ML_EIO, "cannot replace '%s' by a book: it is not a regular file", path);
    if (unlink(path) != 0)
        return ml_fail_errno(e, errno, "cannot replace '%s'", path);
    return ML_OK;
}

/* High numbers: a program that counts its descriptors sees the ones it expects. */
static int move_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    if (high < 0)
        return fd;
    close(fd);
    return high;
}

/* Fills path, fd, dev, ino of *m. The file may hold source text: its owner alone may read it. */
static int create_file(struct ml_mapfile *m, const char *path, bool replace, struct ml_error *e)
{
    struct stat st;
    int rc = replace ? make_way(path, e) : ML_OK;
    if (rc != ML_OK)
        return rc;
    char *full = absolute(path);
    if (full == NULL)
        return ml_fail_errno(e, errno, "cannot create book '%s'", path);
    int fd = open(full, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        rc = errno == EEXIST ? ml_fail(e, ML_EBUSY, "cannot create book '%s': it exists", path)
                             : ml_fail_errno(e, errno, "cannot create book '%s'", path);
        if (rc == ML_EBUSY)
            ml_hint(e, "another name, or remove the file first");
        ml_free(full);
        return rc;
    }
    fd = move_high(fd);
    if (fstat(fd, &st) != 0)
        st = (struct stat){0};
    m->path = full;
    m->fd = fd;
    m->dev = st.st_dev;
    m->ino = st.st_ino;
    return ML_OK;
}

static bool is_ours(const struct ml_mapfile *m, int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == m->dev && st.st_ino == m->ino;
}

/* The descriptor of the file, opened again if the program closed it under us; -1 if it is gone. */
static int file_of(struct ml_mapfile *m)
{
    if (is_ours(m, m->fd))
        return m->fd;
    m->fd = -1;
    int fd = m->path != NULL ? open(m->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd >= 0 && is_ours(m, fd))
        m->fd = move_high(fd);
    else if (fd >= 0)
        close(fd);
    return m->fd;
}

static void close_file(struct ml_mapfile *m)
{
    if (is_ours(m, m->fd))
        close(m->fd);
    m->fd = -1;
    ml_free(m->path);
    m->path = NULL;
}

static int map_file(struct ml_mapfile *m, struct ml_error *e)
{
    int err = 0;
    for (size_t n = reserve_most; n >= reserve_least; n /= 2) {
        void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->fd, 0);
        if (p != MAP_FAILED) {
            m->base = p;
            m->reserved_bytes = n;
            return ML_OK;
        }
        err = errno;
    }
    return ml_fail_errno(e, err, "cannot map book '%s'", m->path);
}

static int no_room(const struct ml_mapfile *m, int rc, struct ml_error *e)
{
    return ml_fail(e, rc, "cannot create book '%s': %s", m->path, ml_status_text(rc));
}

int ml_mapfile_create(struct ml_mapfile *m, const char *path, bool replace, struct ml_error *e)
{
    struct ml_mapfile new = {.fd = -1};
    int rc = create_file(&new, path, replace, e);
    if (rc != ML_OK)
        return rc;
    rc = ml_file_allocate(new.fd, 0, chunk_least);
    if (rc != ML_OK)
        no_room(&new, rc, e);
    else
        rc = map_file(&new, e);
    if (rc != ML_OK) {
        unlink(new.path);
        close_file(&new);
        return rc;
    }
    new.capacity_bytes = chunk_least;
    *m = new;
    return ML_OK;
}

static int extend(struct ml_mapfile *m, size_t to)
{
    if (m->path == NULL)
        return mprotect(m->base, to, PROT_READ | PROT_WRITE) == 0 ? ML_OK : ML_EFULL;
    int fd = file_of(m);
    return fd >= 0 ? ml_file_allocate(fd, m->capacity_bytes, to) : ML_EIO;
}

int ml_mapfile_grow(struct ml_mapfile *m, size_t n)
{
    if (n <= m->capacity_bytes)
        return ML_OK;
    if (n > m->reserved_bytes)
        return ML_EFULL;
    size_t chunk = least(most(m->capacity_bytes, chunk_least), chunk_most);
    size_t wish = least(most(round_to_pages(n), m->capacity_bytes + chunk), m->reserved_bytes);
    int rc = extend(m, wish);
    if (rc == ML_EFULL && wish > round_to_pages(n)) { /* nearly full: just what is needed */
        wish = round_to_pages(n);
        rc = extend(m, wish);
    }
    if (rc == ML_OK)
        m->capacity_bytes = wish;
    return rc;
}

static int move_to_file(struct ml_mapfile *m, const char *path, size_t capacity, struct ml_error *e)
{
    struct ml_mapfile new = {.fd = -1};
    int rc = create_file(&new, path, true, e);
    if (rc != ML_OK)
        return rc;
    rc = ml_file_allocate(new.fd, 0, capacity);
    if (rc != ML_OK)
        no_room(&new, rc, e);
    else if (mmap(m->base, m->reserved_bytes, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_NORESERVE | MAP_FIXED, new.fd, 0) == MAP_FAILED)
        rc = ml_fail_errno(e, errno, "cannot map book '%s'", new.path);
    if (rc != ML_OK) {
        unlink(new.path);
        close_file(&new);
        return rc;
    }
    close_file(m);
    m->path = new.path;
    m->fd = new.fd;
    m->dev = new.dev;
    m->ino = new.ino;
    return ML_OK;
}

/* Only the used part counts as memory taken, also where the kernel commits strictly. Where even that
 * cannot be had, the mapping stays the parent's, and cannot grow. */
static bool move_to_memory(struct ml_mapfile *m, size_t capacity)
{
    size_t rest = m->reserved_bytes - capacity;
    close_file(m);
    if (mmap(m->base, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED) {
        m->reserved_bytes = m->capacity_bytes;
        return false;
    }
    if (rest > 0 && mmap(m->base + capacity, rest, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        m->reserved_bytes = capacity;
    return true;
}

int ml_mapfile_move(struct ml_mapfile *m, const char *path, const void *bytes, size_t n,
                    struct ml_error *e)
{
    size_t capacity = least(most(round_to_pages(n), chunk_least), m->reserved_bytes);
    int rc = path != NULL && bytes != NULL ? move_to_file(m, path, capacity, e)
                                           : ml_fail(e, ML_ENOMEM, "no memory for a book");
    if (rc != ML_OK && !move_to_memory(m, capacity))
        return rc;
    m->capacity_bytes = capacity;
    if (bytes != NULL)
        memcpy(m->base, bytes, n);
    return rc;
}

void ml_mapfile_abandon(struct ml_mapfile *m)
{
    if (m->base != NULL)
        munmap(m->base, m->reserved_bytes);
    close_file(m);
    *m = (struct ml_mapfile){.fd = -1};
}

void ml_mapfile_close(struct ml_mapfile *m, size_t n)
{
    int fd = file_of(m);
    munmap(m->base, m->reserved_bytes);
    m->base = NULL;
    if (fd >= 0 && ftruncate(fd, (off_t)n) != 0) {
        /* The zeros at its end stay: readers stop at used_bytes. */
    }
    ml_mapfile_abandon(m);
}

static void unlink_ours(const struct ml_mapfile *m)
{
    struct stat st;
    if (m->path != NULL && lstat(m->path, &st) == 0 && st.st_dev == m->dev && st.st_ino == m->ino)
        unlink(m->path);
}

void ml_mapfile_retire(struct ml_mapfile *m, size_t n, bool remove)
{
    int fd = file_of(m);
    if (remove)
        unlink_ours(m);
    bool private = mmap(m->base, m->capacity_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
                        0) != MAP_FAILED;
    if (m->reserved_bytes > m->capacity_bytes) /* it would keep a removed file's space taken */
        munmap(m->base + m->capacity_bytes, m->reserved_bytes - m->capacity_bytes);
    if (private && fd >= 0 && !remove && ftruncate(fd, (off_t)n) != 0) {
        /* The zeros at its end stay: readers stop at used_bytes. */
    }
    close_file(m);
    *m = (struct ml_mapfile){.fd = -1};
}

void ml_mapfile_remove(struct ml_mapfile *m)
{
    unlink_ours(m);
    ml_mapfile_abandon(m);
}
