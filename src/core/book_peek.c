/* core/book_peek.c -- see book_peek.h. SPDX-License-Identifier: MIT */
#include "core/book_peek.h"

#include "core/book_format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, an errno value, or -1: no book of ours. */
static int read_header(int fd, struct ml_book_brief *out)
{
    struct ml_book_header h;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    ssize_t n = S_ISREG(st.st_mode) ? pread(fd, (void *)&h, sizeof h, 0) : 0;
    if (n < 0)
        return errno;
    if ((size_t)n < sizeof h || memcmp(h.magic, ML_BOOK_MAGIC, sizeof h.magic) != 0 ||
        h.order_mark != ML_BOOK_ORDER_MARK)
        return -1;
    *out = (struct ml_book_brief){
        .pid = h.pid,
        .start_ns = h.start_ns,
        .complete = atomic_load_explicit(&h.complete, memory_order_relaxed) == 1,
        .device = st.st_dev,
        .inode = st.st_ino};
    return 0;
}

int ml_book_peek(const char *path, struct ml_book_brief *out, struct ml_error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int err = fd >= 0 ? read_header(fd, out) : errno;
    if (fd >= 0)
        close(fd);
    if (err == 0)
        return ML_OK;
    if (err > 0)
        return ml_fail_errno(e, err, "cannot open book '%s'", path);
    ml_fail(e, ML_EFORMAT, "cannot read '%s': it is not a memline book", path);
    ml_hint(e, "memline run app.py, which writes one");
    return ML_EFORMAT;
}
