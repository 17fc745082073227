/* host/file.c -- see file.h. SPDX-License-Identifier: MIT */
#include "host/file.h"

#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(struct ml_error *e, const char *what, const char *path)
{
    int err = errno;
    return ml_fail(e, ml_status_from_errno(err), "cannot %s '%s': %s", what, path, strerror(err));
}

int ml_file_read(const char *path, size_t max, struct ml_buf *b, struct ml_error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed(e, "read", path);
    int rc = ML_OK;
    size_t total = 0;
    for (;;) {
        char *p = ml_buf_reserve(b, 65536);
        if (p == NULL) {
            rc = ml_fail(e, ML_ENOMEM, "cannot read '%s': out of memory", path);
            break;
        }
        ssize_t n = read(fd, p, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = failed(e, "read", path);
        if (n <= 0)
            break;
        total += (size_t)n;
        b->n += (size_t)n;
        b->p[b->n] = '\0';
        if (total > max) {
            rc = ml_fail(e, ML_ELIMIT, "cannot read '%s': it is larger than %zu bytes", path, max);
            break;
        }
    }
    (void)close(fd);
    return rc;
}

static int write_and_close(int fd, struct ml_str s)
{
    int rc = 0;
    while (s.n != 0 && rc == 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = -1;
            break;
        }
        s.p += n;
        s.n -= (size_t)n;
    }
    int err = errno;
    if (close(fd) != 0 && rc == 0)
        return -1;
    errno = err;
    return rc;
}

int ml_file_write(const char *path, struct ml_str bytes, unsigned mode, struct ml_error *e)
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof temp, "%s.%ld.tmp", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temp)
        return ml_fail(e, ML_ELIMIT, "cannot write '%s': the path is too long", path);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return failed(e, "write", path);
    if (write_and_close(fd, bytes) != 0 || rename(temp, path) != 0) {
        int rc = failed(e, "write", path);
        (void)unlink(temp);
        return rc;
    }
    return ML_OK;
}

bool ml_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool ml_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int ml_make_dirs(const char *path, unsigned mode, struct ml_error *e)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return ml_fail(e, ML_ELIMIT, "cannot make '%s': the path is too long", path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, mode) != 0 && !ml_is_dir(part))
            return failed(e, "make folder", part);
    }
    return ML_OK;
}

int ml_path_join(char *out, size_t out_bytes, const char *dir, const char *name)
{
    size_t n = strlen(dir);
    const char *slash = n != 0 && dir[n - 1] == '/' ? "" : "/";
    int w = snprintf(out, out_bytes, "%s%s%s", dir, slash, name);
    return w >= 0 && (size_t)w < out_bytes ? ML_OK : ML_ELIMIT;
}

int ml_state_dir(const char *root, char *out, size_t out_bytes, struct ml_error *e)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    uint64_t hash = ml_hash(ml_str_of(root));
    int n = state != NULL && state[0] == '/'
                ? snprintf(out, out_bytes, "%s/memline/%016llx", state, (unsigned long long)hash)
                : snprintf(out, out_bytes, "%s/.local/state/memline/%016llx",
                           home != NULL ? home : "/tmp", (unsigned long long)hash);
    if (n < 0 || (size_t)n >= out_bytes)
        return ml_fail(e, ML_ELIMIT, "cannot make the state folder: the path is too long");
    return ml_make_dirs(out, 0700, e);
}
