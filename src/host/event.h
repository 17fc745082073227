/* host/event.h -- one event (a message, a blob) on its way through its function: run, tried again as the function's
 * retry policy says, then told. It waits while no worker is ready.
 *
 * Threads: the loop's. Memory: embedded in its owner, which lives until done. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_EVENT_H
#define ML_HOST_EVENT_H

#include "host/host.h"
#include "host/retry.h"

enum ml_event_end {
    ML_EVENT_DONE,
    ML_EVENT_FAILED,   /* and every retry did */
    ML_EVENT_ABANDONED /* not run to its end: the host ends, or the app is another now */
};

struct ml_event {
    struct ml_host *host;
    struct ml_app *app; /* the owner's reference */
    struct ml_function *fn;
    void *user; /* first argument of each */
    void (*write_inputs)(void *user, struct ml_buf *json, struct ml_buf *payload);
    void (*write_metadata)(void *user, struct ml_buf *json);
    void (*done)(void *user, enum ml_event_end end);
    const struct ml_body *body; /* as in ml_call */
    char reason[600];
    char details[300];
    /* private */
    struct ml_retry retry;
    int tries;
    char retry_id[37];
    char exception[512];
    struct ml_timer *timer;
    bool running;
    bool stopped;
};

/* The fields down to details are set. done comes later, or from within. */
void ml_event_start(struct ml_event *ev);
/* No further tries. What waits is abandoned, from within; what runs goes on to its end. */
void ml_event_stop(struct ml_event *ev);

#endif
