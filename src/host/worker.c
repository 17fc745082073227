/* host/worker.c -- see worker.h.
 *
 * We fork ourselves, not with uv_spawn: between fork and exec the child asks for its parent-death
 * signal and its own process group.
 * SPDX-License-Identifier: MIT */
#include "host/worker.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum { LINE_MAX_BYTES = 64 * 1024, READ_BYTES = 64 * 1024, CHILD_SOCKET = 3 };

struct stream { /* stdout or stderr */
    struct ml_worker *w;
    uv_poll_t poll;
    int fd; /* -1: at its end */
    bool is_stderr;
    struct ml_buf part; /* of a line */
};

struct ml_worker {
    struct ml_loop *loop;
    struct ml_worker_events ev;
    void *owner;
    pid_t pid;
    bool reaped;
    bool told; /* on_exit was called */
    bool freed;
    int handles; /* open libuv handles; the struct goes with the last */
    struct ml_worker_end end;
    uv_pipe_t sock;
    bool sock_open;
    struct ml_wire_reader reader;
    size_t unsent;
    struct stream out;
    struct stream err;
    uv_signal_t child;
    uv_timer_t timer;
    unsigned kill_ms;
    char broken[256];
};

struct send {
    uv_write_t req;
    struct ml_worker *w;
    struct ml_buf b;
    void (*done)(void *user);
    void *user;
};

/* -- the end ------------------------------------------------------------------------------------- */

static void maybe_tell(struct ml_worker *w)
{
    if (w->told || !w->reaped || w->sock_open || w->out.fd >= 0 || w->err.fd >= 0)
        return;
    w->told = true;
    w->ev.on_exit(w->ev.user, w);
}

static void release(struct ml_worker *w)
{
    ml_wire_reader_release(&w->reader);
    ml_buf_free(&w->out.part);
    ml_buf_free(&w->err.part);
    ml_free(w);
}

static void on_closed(uv_handle_t *h)
{
    struct ml_worker *w = h->data;
    if (--w->handles == 0 && w->freed)
        release(w);
}

static void close_handle(uv_handle_t *h)
{
    if (!uv_is_closing(h))
        uv_close(h, on_closed);
}

static void on_stream_closed(uv_handle_t *h)
{
    struct stream *s = h->data;
    h->data = s->w;
    on_closed(h);
}

/* -- lines --------------------------------------------------------------------------------------- */

static void give_line(struct stream *s)
{
    struct ml_str line = ml_buf_view(&s->part);
    if (line.n != 0 && line.p[line.n - 1] == '\r')
        line.n--;
    s->w->ev.on_line(s->w->ev.user, s->w, s->is_stderr, line);
    ml_buf_clear(&s->part);
}

static void take_text(struct stream *s, const char *p, size_t n)
{
    while (n != 0) {
        const char *end = memchr(p, '\n', n);
        size_t take = end != NULL ? (size_t)(end - p) : n;
        size_t room = LINE_MAX_BYTES - s->part.n;
        if (take > room) { /* a long line is split */
            ml_buf_add(&s->part, p, room);
            give_line(s);
            p += room;
            n -= room;
            continue;
        }
        ml_buf_add(&s->part, p, take);
        if (end != NULL)
            give_line(s);
        p += take + (end != NULL);
        n -= take + (end != NULL);
    }
}

static void stream_end(struct stream *s)
{
    if (s->fd < 0)
        return;
    if (s->part.n != 0)
        give_line(s);
    uv_close((uv_handle_t *)&s->poll, on_stream_closed);
    (void)close(s->fd);
    s->fd = -1;
}

/* Read what is there, a bounded amount. */
static void stream_drain(struct stream *s)
{
    char b[READ_BYTES];
    for (int i = 0; i < 64 && s->fd >= 0; i++) {
        ssize_t n = read(s->fd, b, sizeof b);
        if (n > 0)
            take_text(s, b, (size_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            return;
        else
            stream_end(s);
    }
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct stream *s = h->data;
    (void)status;
    (void)events;
    stream_drain(s);
    maybe_tell(s->w);
}

/* -- frames -------------------------------------------------------------------------------------- */

static void sock_end(struct ml_worker *w)
{
    if (!w->sock_open)
        return;
    w->sock_open = false;
    close_handle((uv_handle_t *)&w->sock);
}

static void on_alloc(uv_handle_t *h, size_t want, uv_buf_t *buf)
{
    struct ml_worker *w = h->data;
    (void)want;
    char *p = ml_wire_space(&w->reader, READ_BYTES);
    *buf = uv_buf_init(p, p != NULL ? READ_BYTES : 0);
}

static void give_frames(struct ml_worker *w)
{
    struct ml_frame f;
    struct ml_error e = {0};
    int rc;
    while (!w->freed && (rc = ml_wire_next(&w->reader, &f, &e)) == ML_OK) {
        if (f.type == 'R') { /* what it printed comes before the result */
            stream_drain(&w->out);
            stream_drain(&w->err);
        }
        w->ev.on_frame(w->ev.user, w, &f);
        ml_frame_release(&f);
    }
    if (!w->freed && rc != ML_ETRUNCATED) {
        (void)snprintf(w->broken, sizeof w->broken, "%.250s", e.text);
        w->end.broken = w->broken;
        sock_end(w);
        ml_worker_kill(w, SIGKILL);
    }
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct ml_worker *w = h->data;
    (void)buf;
    if (n > 0) {
        ml_wire_filled(&w->reader, (size_t)n);
        give_frames(w);
    } else if (n < 0) {
        sock_end(w);
        maybe_tell(w);
    }
}

static void on_sent(uv_write_t *req, int status)
{
    struct send *s = req->data;
    (void)status;
    s->w->unsent -= s->b.n;
    if (s->done != NULL)
        s->done(s->user);
    ml_buf_free(&s->b);
    ml_free(s);
}

int ml_worker_send(struct ml_worker *w, struct ml_buf *b, void (*done)(void *user), void *user)
{
    struct send *s = b->status == ML_OK && w->sock_open ? ml_calloc(1, sizeof *s) : NULL;
    if (s == NULL) {
        int rc = b->status != ML_OK ? b->status : w->sock_open ? ML_ENOMEM : ML_ECANCELLED;
        ml_buf_free(b);
        *b = (struct ml_buf){0};
        return rc;
    }
    *s = (struct send){.w = w, .b = *b, .done = done, .user = user};
    *b = (struct ml_buf){0};
    s->req.data = s;
    w->unsent += s->b.n;
    uv_buf_t buf = uv_buf_init(s->b.p, (unsigned)s->b.n);
    if (uv_write(&s->req, (uv_stream_t *)&w->sock, &buf, 1, on_sent) != 0) {
        w->unsent -= s->b.n;
        ml_buf_free(&s->b);
        ml_free(s);
        return ML_EIO;
    }
    return ML_OK;
}

size_t ml_worker_unsent(const struct ml_worker *w)
{
    return w->unsent;
}

/* -- the process --------------------------------------------------------------------------------- */

/* Only async-signal-safe calls: we are between fork and exec. */
static void child(const char *cwd, char *const argv[], char *const env[], int sock, int out,
                  int err, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < 32; s++)
        (void)signal(s, SIG_DFL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nul = open("/dev/null", O_RDONLY);
    if (getppid() != parent || nul < 0 || dup2(nul, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    if (sock == CHILD_SOCKET)
        (void)fcntl(sock, F_SETFD, 0);
    else if (dup2(sock, CHILD_SOCKET) < 0)
        _exit(126);
    if (nul > CHILD_SOCKET)
        (void)close(nul);
    if (chdir(cwd) == 0)
        (void)execve(argv[0], argv, env);
    static const char text[] = "memline: cannot start the interpreter\n";
    (void)!write(2, text, sizeof text - 1);
    _exit(127);
}

static void reap(struct ml_worker *w)
{
    int status;
    struct rusage ru;
    pid_t got = w->reaped ? 0 : wait4(w->pid, &status, WNOHANG, &ru);
    if (got != w->pid)
        return;
    w->reaped = true;
    w->end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    w->end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    w->end.peak_rss_kib = ru.ru_maxrss;
    (void)kill(-w->pid, SIGKILL); /* what it started and left behind */
    close_handle((uv_handle_t *)&w->child);
    close_handle((uv_handle_t *)&w->timer);
    /* A grandchild may hold its pipes open: what is there now is all that counts. */
    stream_drain(&w->out);
    stream_drain(&w->err);
    stream_end(&w->out);
    stream_end(&w->err);
    maybe_tell(w);
}

static void on_sigchld(uv_signal_t *h, int signum)
{
    (void)signum;
    reap(h->data);
}

static void stream_start(struct ml_worker *w, struct stream *s, int fd, bool is_stderr)
{
    s->w = w;
    s->fd = fd;
    s->is_stderr = is_stderr;
    (void)uv_poll_init(ml_loop_uv(w->loop), &s->poll, fd);
    s->poll.data = s;
    (void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
}

struct pipes {
    int sock[2];
    int out[2];
    int err[2];
};

static int open_pipes(struct pipes *p)
{
    *p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->sock) != 0 ||
        pipe2(p->out, O_CLOEXEC) != 0 || pipe2(p->err, O_CLOEXEC) != 0)
        return -1;
    return fcntl(p->out[0], F_SETFL, O_NONBLOCK) | fcntl(p->err[0], F_SETFL, O_NONBLOCK);
}

static void close_pair(const int fd[2])
{
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            (void)close(fd[i]);
}

int ml_worker_new(struct ml_loop *l, const char *cwd, char *const argv[], char *const env[],
                  const struct ml_worker_events *ev, struct ml_worker **out, struct ml_error *e)
{
    struct pipes p;
    struct ml_worker *w = ml_calloc(1, sizeof *w);
    if (w == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot start a worker: out of memory");
    pid_t parent = getpid(), pid = -1;
    if (open_pipes(&p) == 0)
        pid = fork();
    if (pid == 0)
        child(cwd, argv, env, p.sock[1], p.out[1], p.err[1], parent);
    if (pid < 0) {
        int err = errno;
        close_pair(p.sock);
        close_pair(p.out);
        close_pair(p.err);
        ml_free(w);
        return ml_fail(e, ml_status_from_errno(err), "cannot start a worker: %s", strerror(err));
    }
    (void)setpgid(pid, pid); /* both sides set it: whoever comes first */
    (void)close(p.sock[1]);
    (void)close(p.out[1]);
    (void)close(p.err[1]);
    w->loop = l;
    w->ev = *ev;
    w->pid = pid;
    w->handles = 5;
    struct uv_loop_s *uv = ml_loop_uv(l);
    (void)uv_pipe_init(uv, &w->sock, 0);
    (void)uv_pipe_open(&w->sock, p.sock[0]);
    (void)uv_signal_init(uv, &w->child);
    (void)uv_timer_init(uv, &w->timer);
    w->sock.data = w->child.data = w->timer.data = w;
    w->sock_open = true;
    stream_start(w, &w->out, p.out[0], false);
    stream_start(w, &w->err, p.err[0], true);
    (void)uv_read_start((uv_stream_t *)&w->sock, on_alloc, on_read);
    (void)uv_signal_start(&w->child, on_sigchld, SIGCHLD);
    (void)raise(SIGCHLD); /* the process may have ended before we listened */
    *out = w;
    return ML_OK;
}

pid_t ml_worker_pid(const struct ml_worker *w)
{
    return w->pid;
}

const struct ml_worker_end *ml_worker_end(const struct ml_worker *w)
{
    return &w->end;
}

void ml_worker_set_user(struct ml_worker *w, void *owner)
{
    w->owner = owner;
}

void *ml_worker_user(const struct ml_worker *w)
{
    return w->owner;
}

void ml_worker_kill(struct ml_worker *w, int signum)
{
    if (w->reaped)
        return;
    (void)kill(-w->pid, signum);
    (void)kill(w->pid, signum);
}

static void on_kill_time(uv_timer_t *h)
{
    struct ml_worker *w = h->data;
    if (w->kill_ms != 0) {
        ml_worker_kill(w, SIGTERM);
        (void)uv_timer_start(&w->timer, on_kill_time, w->kill_ms, 0);
        w->kill_ms = 0;
    } else {
        ml_worker_kill(w, SIGKILL);
    }
}

void ml_worker_stop(struct ml_worker *w, const char *reason, unsigned term_ms, unsigned kill_ms)
{
    w->end.asked = true;
    if (w->reaped)
        return;
    struct ml_buf b = {0};
    size_t at = ml_wire_begin(&b, 'x');
    ml_buf_cstr(&b, "{\"reason\":");
    ml_buf_json(&b, ml_str_of(reason));
    ml_buf_printf(&b, ",\"grace_ms\":%u}", term_ms);
    ml_wire_end_json(&b, at);
    ml_wire_end(&b, at);
    (void)ml_worker_send(w, &b, NULL, NULL);
    w->kill_ms = kill_ms != 0 ? kill_ms : 1;
    (void)uv_timer_start(&w->timer, on_kill_time, term_ms, 0);
}

void ml_worker_free(struct ml_worker *w)
{
    if (w == NULL)
        return;
    ml_worker_kill(w, SIGKILL);
    if (!w->reaped) {
        int status;
        while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
            ;
        w->reaped = true;
    }
    w->told = true;
    w->freed = true;
    sock_end(w);
    stream_end(&w->out);
    stream_end(&w->err);
    close_handle((uv_handle_t *)&w->child);
    close_handle((uv_handle_t *)&w->timer);
    if (w->handles == 0)
        release(w);
}
