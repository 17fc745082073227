/* core/watch_out.c -- see watch_out.h. SPDX-License-Identifier: MIT */
#include "core/watch_out.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_WAITING = 1 << 20,
    LONGEST_RECORD = 128,
    PIECE = 4096, /* PIPE_BUF */
    PATIENCE_MS = 1000,
};

static const uint64_t LATEST_NS = 1000000000u;
static const double MIB = 1048576.0;

void ml_watch_out_init(struct ml_watch_out *o, int fd, _Atomic uint64_t *lost)
{
    *o = (struct ml_watch_out){.fd = fd, .lost = lost};
    o->waiting.max = MOST_WAITING;
}

void ml_watch_out_release(struct ml_watch_out *o)
{
    ml_buf_free(&o->waiting);
}

/* Room for one more record; if not, it is lost. */
static bool has_room(struct ml_watch_out *o)
{
    bool room = o->fd >= 0 && o->waiting.n < MOST_WAITING - LONGEST_RECORD &&
                ml_buf_reserve(&o->waiting, LONGEST_RECORD) != NULL;
    if (!room)
        atomic_fetch_add(o->lost, 1);
    else if (o->waiting.n == 0)
        o->oldest_ns = ml_now_ns();
    return room;
}

void ml_watch_out_mem(struct ml_watch_out *o, uint64_t bytes, int64_t wall_ns)
{
    if (has_room(o))
        ml_buf_printf(&o->waiting, "MEM %.6f %.4f\n", (double)bytes / MIB, (double)wall_ns / 1e9);
}

void ml_watch_out_child(struct ml_watch_out *o, int32_t pid, uint64_t bytes, int64_t wall_ns)
{
    if (has_room(o))
        ml_buf_printf(&o->waiting, "CHLD %d %.6f %.4f\n", (int)pid, (double)bytes / MIB,
                      (double)wall_ns / 1e9);
}

/* Bytes of the next write: whole lines (the rest of a broken one on its own). */
static size_t piece_of(const struct ml_watch_out *o, const char *p, size_t n)
{
    const char *end;
    size_t most = n < PIECE ? n : PIECE;
    if (o->midline)
        end = memchr(p, '\n', n);
    else
        end = memrchr(p, '\n', most);
    return end != NULL ? (size_t)(end - p) + 1 : most;
}

static bool can_write(int fd, int patience_ms)
{
    struct pollfd f = {.fd = fd, .events = POLLOUT};
    int n;
    do
        n = poll(&f, 1, patience_ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static size_t count_lines(const char *p, size_t n)
{
    size_t lines = 0;
    const char *end = p + n;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        lines++;
        p++;
    }
    return lines;
}

/* Errors that may pass: the records wait on. Others end the writing. */
static bool may_pass(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK || err == ENOSPC || err == EDQUOT;
}

static void flush(struct ml_watch_out *o, int patience_ms)
{
    size_t done = 0;
    while (o->fd >= 0 && done < o->waiting.n && can_write(o->fd, patience_ms)) {
        const char *p = o->waiting.p + done;
        ssize_t n = write(o->fd, p, piece_of(o, p, o->waiting.n - done));
        if (n > 0) {
            done += (size_t)n;
            o->midline = p[n - 1] != '\n';
        } else if (errno != EINTR) {
            if (!may_pass(errno))
                o->fd = -1;
            break;
        }
    }
    o->waiting.n -= done;
    memmove(o->waiting.p, o->waiting.p + done, o->waiting.n);
    o->oldest_ns = ml_now_ns();
}

static void drop_all(struct ml_watch_out *o)
{
    atomic_fetch_add(o->lost, count_lines(o->waiting.p, o->waiting.n));
    ml_buf_clear(&o->waiting);
}

void ml_watch_out_flush_before(struct ml_watch_out *o, uint64_t due)
{
    if (o->waiting.n == 0 || due <= o->oldest_ns + LATEST_NS)
        return;
    flush(o, 0);
    if (o->fd < 0 && o->waiting.n > 0)
        drop_all(o);
}

void ml_watch_out_end(struct ml_watch_out *o)
{
    if (o->waiting.n == 0)
        return;
    flush(o, PATIENCE_MS);
    if (o->waiting.n > 0)
        drop_all(o);
}
