/* cli/output.c -- see output.h. SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const ml_color_words[] = {"auto", "always", "never", NULL};

static bool is_terminal(const char *path)
{
    return path == NULL && isatty(STDOUT_FILENO);
}

bool ml_output_colors(int color, const char *path)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (color != ML_COLOR_AUTO)
        return color == ML_COLOR_ALWAYS;
    return is_terminal(path) && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

unsigned ml_output_width(const char *path)
{
    struct winsize size;
    if (!is_terminal(path) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

/* 0 or an errno value. */
static int write_all(int fd, struct ml_str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0)
            s = (struct ml_str){s.p + n, s.n - (size_t)n};
    }
    return 0;
}

/* A device, a pipe or the like: written to, never replaced. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static int write_special(const char *path, struct ml_str bytes, struct ml_error *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int err = fd < 0 ? errno : write_all(fd, bytes);
    if (fd >= 0 && close(fd) != 0 && err == 0)
        err = errno;
    return err == 0 ? ML_OK : ml_fail_errno(e, err, "cannot write '%s'", path);
}

static int write_file(const char *path, struct ml_str bytes, struct ml_error *e)
{
    char beside[PATH_MAX];
    int n = snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof beside)
        return ml_fail_errno(e, ENAMETOOLONG, "cannot write '%s'", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return ml_fail_errno(e, errno, "cannot write '%s'", path);
    int err = write_all(fd, bytes);
    if (close(fd) != 0 && err == 0)
        err = errno;
    if (err == 0 && rename(beside, path) != 0)
        err = errno;
    if (err == 0)
        return ML_OK;
    unlink(beside);
    return ml_fail_errno(e, err, "cannot write '%s'", path);
}

int ml_output_write(const char *path, struct ml_str bytes, struct ml_error *e)
{
    if (path != NULL)
        return is_special(path) ? write_special(path, bytes, e) : write_file(path, bytes, e);
    int err = fflush(stdout) == 0 ? write_all(STDOUT_FILENO, bytes) : errno;
    return err == 0 ? ML_OK : ml_fail_errno(e, err, "cannot write to standard output");
}
