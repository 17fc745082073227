/* http/body.c -- see body.h. SPDX-License-Identifier: MIT */
#include "http/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ml_temp_file(void)
{
    const char *dir = getenv("TMPDIR");
    if (dir == NULL || dir[0] == '\0')
        dir = "/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    char path[4096]; /* file systems without O_TMPFILE */
    int n = snprintf(path, sizeof path, "%s/memline-XXXXXX", dir);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

static int write_all(int fd, struct ml_str s)
{
    while (s.n != 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ml_status_from_errno(errno);
        s.p += n;
        s.n -= (size_t)n;
    }
    return ML_OK;
}

static int move_to_file(struct ml_body *b)
{
    int fd = ml_temp_file();
    if (fd < 0)
        return ml_status_from_errno(errno);
    int rc = write_all(fd, ml_buf_view(&b->memory));
    if (rc != ML_OK) {
        (void)close(fd);
        return rc;
    }
    ml_buf_free(&b->memory);
    b->fd = fd;
    b->in_file = true;
    return ML_OK;
}

int ml_body_add(struct ml_body *b, struct ml_str bytes)
{
    if (!b->in_file && b->bytes + bytes.n > b->memory_max) {
        int rc = move_to_file(b);
        if (rc != ML_OK)
            return rc;
    }
    if (b->in_file) {
        int rc = write_all(b->fd, bytes);
        if (rc != ML_OK)
            return rc;
    } else {
        ml_buf_str(&b->memory, bytes);
        if (b->memory.status != ML_OK)
            return b->memory.status;
    }
    b->bytes += bytes.n;
    return ML_OK;
}

int ml_body_view(struct ml_body *b, struct ml_str *out)
{
    if (!b->in_file) {
        *out = ml_buf_view(&b->memory);
        return ML_OK;
    }
    if (b->map == NULL) {
        void *p = mmap(NULL, (size_t)b->bytes, PROT_READ, MAP_PRIVATE, b->fd, 0);
        if (p == MAP_FAILED)
            return ml_status_from_errno(errno);
        b->map = p;
    }
    *out = (struct ml_str){b->map, (size_t)b->bytes};
    return ML_OK;
}

int ml_body_read(const struct ml_body *b, uint64_t offset, char *out, size_t n, size_t *got)
{
    if (offset >= b->bytes) {
        *got = 0;
        return ML_OK;
    }
    uint64_t left = b->bytes - offset;
    size_t want = left < n ? (size_t)left : n;
    if (!b->in_file) {
        memcpy(out, b->memory.p + offset, want);
        *got = want;
        return ML_OK;
    }
    ssize_t r;
    do {
        r = pread(b->fd, out, want, (off_t)offset);
    } while (r < 0 && errno == EINTR);
    if (r <= 0)
        return r < 0 ? ml_status_from_errno(errno) : ML_ETRUNCATED;
    *got = (size_t)r;
    return ML_OK;
}

int ml_body_take_fd(struct ml_body *b)
{
    if (!b->in_file)
        return -1;
    int fd = b->fd;
    b->fd = -1;
    b->in_file = false;
    if (b->map != NULL)
        (void)munmap(b->map, (size_t)b->bytes);
    b->map = NULL;
    b->bytes = 0;
    return fd;
}

void ml_body_release(struct ml_body *b)
{
    if (b->map != NULL)
        (void)munmap(b->map, (size_t)b->bytes);
    if (b->in_file)
        (void)close(b->fd);
    ml_buf_free(&b->memory);
    *b = (struct ml_body){.memory_max = b->memory_max};
}
