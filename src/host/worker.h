/* host/worker.h -- one worker process: started, talked to, listened to, ended.
 *
 * It speaks frames over a socket (docs/wire.md) and prints lines; both arrive as callbacks. Before a frame of
 * type R is given out, stdout and stderr are read empty, so that what a function printed comes first.
 *
 *   new -> on_frame*, on_line* -> (stop, or it dies) -> on_exit once -> free
 *
 * The process leads its own group, and is killed by the kernel when this process dies.
 * Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_WORKER_H
#define ML_HOST_WORKER_H

#include "base/buf.h"
#include "base/err.h"
#include "host/wire.h"
#include "http/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ml_worker;

struct ml_worker_events {
    void *user;
    /* May release nothing of the frame; json may be kept with json_incref. */
    void (*on_frame)(void *user, struct ml_worker *w, const struct ml_frame *f);
    /* A line of stdout (or stderr), without its end. */
    void (*on_line)(void *user, struct ml_worker *w, bool is_stderr, struct ml_str line);
    /* The process is gone and everything it wrote was given out. */
    void (*on_exit)(void *user, struct ml_worker *w);
};

struct ml_worker_end {
    int code;           /* exit code, when signal is 0 */
    int signal;         /* that ended it, or 0 */
    bool asked;         /* ml_worker_stop was called before */
    long peak_rss_kib;  /* as the kernel counted */
    const char *broken; /* what was wrong with its frames; NULL: nothing */
};

/* argv and env end with NULL and are only read. The socket is the child's descriptor 3. */
int ml_worker_new(struct ml_loop *l, const char *cwd, char *const argv[], char *const env[],
                  const struct ml_worker_events *ev, struct ml_worker **out, struct ml_error *e);
/* Takes the frames in b (b is empty afterwards). done, optional, when they were handed to the kernel or cannot be. */
int ml_worker_send(struct ml_worker *w, struct ml_buf *b, void (*done)(void *user), void *user);
/* Bytes given to send that the kernel has not taken. */
size_t ml_worker_unsent(const struct ml_worker *w);
/* The exit frame, SIGTERM after term_ms, SIGKILL after kill_ms more. */
void ml_worker_stop(struct ml_worker *w, const char *reason, unsigned term_ms, unsigned kill_ms);
void ml_worker_kill(struct ml_worker *w, int signal);
pid_t ml_worker_pid(const struct ml_worker *w);
const struct ml_worker_end *ml_worker_end(const struct ml_worker *w); /* after on_exit */
void ml_worker_set_user(struct ml_worker *w, void *owner); /* any pointer of the owner's */
void *ml_worker_user(const struct ml_worker *w);
/* After on_exit (also from within); before it: kills, and waits for nothing. NULL is fine. */
void ml_worker_free(struct ml_worker *w);

#endif
