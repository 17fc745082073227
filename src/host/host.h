/* host/host.h -- the running host: what its parts share. Private to the folder.
 *
 *   start.c      options, settings, listener, the loop; the order of starting and ending
 *   supervise.c  workers: start, index, crash, restart, reload
 *   invoke.c     one invocation from its request to its records
 *   front.c      HTTP requests: CORS, admin, routes, keys; front_reply.c: results as responses
 *   admin.c      /admin
 *   endpoints.c  queries and telemetry of other clients
 *   timer.c      timer triggers
 *   listeners.c  queue and blob triggers; bindings.c: blobs and messages in and out of an invocation
 *   record.c     lines of the console, rows of the records; record_call.c: those of an invocation
 *
 * Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_HOST_H
#define ML_HOST_HOST_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "host/console.h"
#include "host/func.h"
#include "host/function.h"
#include "host/python.h"
#include "host/settings.h"
#include "host/wire.h"
#include "host/worker.h"
#include "http/loop.h"
#include "http/server.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ml_host;
struct ml_invocation;
struct ml_records;
struct ml_timers;
struct ml_storage;
struct ml_listeners;
struct ml_source_watch;
struct ml_keys;
struct ml_cors;
struct ml_endpoints;

enum ml_slot_state {
    ML_SLOT_EMPTY,
    ML_SLOT_STARTING,
    ML_SLOT_INDEXING,
    ML_SLOT_READY,
    ML_SLOT_STOPPING
};

/* A place for one worker process. */
struct ml_slot {
    struct ml_host *host;
    int number;
    enum ml_slot_state state;
    struct ml_worker *worker; /* owned; NULL when empty */
    size_t running;           /* invocations */
    uint64_t state_ns;        /* since when in this state */
    uint64_t pong_ns;         /* last sign of its event loop */
    uint64_t seq;             /* of the last ping */
    bool hang_told;
    bool no_count;            /* its coming end is our doing */
    long oom_kills;           /* of the cgroup, when it started */
    char doing[200];          /* what the shim told it is doing */
    char tail[3][256];        /* last lines of its stderr, oldest first */
    struct ml_timer *restart; /* owned */
    int restarts;             /* in a row */
};

enum ml_host_state { ML_HOST_STARTING, ML_HOST_RUNNING, ML_HOST_ERROR, ML_HOST_STOPPING };

/* What ties an invocation's records together. */
struct ml_call_ids {
    char id[37];          /* of the invocation */
    char trace_id[33];    /* operation_Id */
    char span_id[17];     /* of its request row */
    char parent_span[17]; /* of the caller; "" when there is none */
    char state[256];      /* tracestate */
};

/* A finished invocation: records that come late still find their function. */
struct ml_ended {
    struct ml_call_ids ids;
    char function[129];
};
enum { ML_ENDED_KEPT = 512, ML_MAX_WORKERS = 10 };

struct ml_waiting { /* a request that waits for a worker */
    struct ml_http_request *r;
    uint64_t since_ns;
};

struct ml_host {
    const struct ml_func_options *o;
    struct ml_settings settings;
    struct ml_python python;
    struct ml_console console;
    struct ml_loop *loop;
    struct ml_http_server *server;
    char shim[PATH_MAX];
    char state_dir[PATH_MAX]; /* "" when there is none */
    char base_url[64];        /* "http://localhost:7071" */
    uint16_t port;
    enum ml_host_state state;
    uint64_t start_ns;
    char instance_id[37];
    int exit_status;
    bool draining; /* admin drain */
    int signals;   /* seen so far */

    struct ml_slot slots[ML_MAX_WORKERS];
    int n_slots;
    int next_slot;
    struct ml_app *app; /* NULL until the first index */
    char *app_error;    /* owned: why nothing could be indexed */
    bool started;       /* the listing was printed once */
    bool reloading;
    bool exports_logs; /* the worker's own telemetry sends its log records */
    uint64_t reload_ns;
    uint64_t crashes_ns[40]; /* times of the last crashes, newest last */
    size_t n_crashes;

    struct ml_invocation *running; /* list */
    size_t n_running;
    struct ml_map by_id; /* invocation id -> struct ml_invocation * */
    struct ml_ended ended[ML_ENDED_KEPT];
    size_t ended_at;
    ML_VEC(struct ml_waiting) waiting;
    ML_VEC(struct ml_waiting) queued; /* beyond maxConcurrentRequests; since_ns unused */
    size_t http_running;
    int64_t max_concurrent; /* -1: no limit */
    int64_t max_outstanding;
    int64_t timeout_ms;    /* of a function; -1: none */
    uint64_t notice_ns;    /* next "still starting" */
    struct ml_timer *tick; /* once a second */
    uint64_t stop_by_ns;

    struct ml_records *records; /* NULL: telemetry is off */
    struct ml_timers *timers;
    struct ml_listeners *listeners; /* queue and blob triggers; NULL: none */
    struct ml_storage *storage;     /* NULL until something needs it */
    struct ml_source_watch *watch;
    struct ml_cors *cors;           /* NULL: off */
    struct ml_keys *keys;           /* NULL: off */
    struct ml_endpoints *endpoints; /* NULL: none were lent */
    int json_fd;                    /* of --json-output-file, or stdout; -1: off */
};

/* -- console and records ------------------------------------------------------------------------- */

/* A record of the host itself: console and telemetry. */
void ml_host_log(struct ml_host *h, const char *category, enum ml_level level, const char *fmt, ...)
    ML_PRINTF(4, 5);

/* -- supervise.c --------------------------------------------------------------------------------- */

int ml_host_start_workers(struct ml_host *h, struct ml_error *e);
/* Ends all workers; on_stopped follows through ml_host_check_stopped. */
void ml_host_stop_workers(struct ml_host *h, const char *reason, unsigned term_ms,
                          unsigned kill_ms);
/* How functions are profiled: the option, else MEMLINE_FUNC_PROFILE, else host.json, else "off". */
const char *ml_host_profile(const struct ml_host *h);
bool ml_host_workers_gone(const struct ml_host *h);
/* A watched file changed, or /admin/host/restart. */
void ml_host_reload(struct ml_host *h);
void ml_host_reload_step(struct ml_host *h); /* something it may wait for has happened */
/* Some worker can take an invocation now. */
bool ml_host_is_ready(const struct ml_host *h);
/* The next such worker in turn; NULL: none. */
struct ml_slot *ml_host_pick(struct ml_host *h);
void ml_host_tick_workers(struct ml_host *h, uint64_t now);
/* Kill and replace; not counted as a crash. */
void ml_slot_replace(struct ml_slot *s);

/* -- invoke.c ------------------------------------------------------------------------------------ */

enum { ML_NO_RETRY = -2 };

/* What to run, and what is told of its end. */
struct ml_call {
    struct ml_function *fn; /* of host->app */
    const char *reason;     /* "This function was programmatically called via the host APIs." */
    const char *details;    /* "Trigger Details: ..." or NULL */
    struct ml_http_request *http; /* NULL: not by HTTP */
    bool reply;                   /* the request waits for the result */
    /* Writes the "inputs" object, and may add payload. */
    void (*write_inputs)(void *user, struct ml_buf *json, struct ml_buf *payload);
    /* Writes the "metadata" object's members; NULL: none. */
    void (*write_metadata)(void *user, struct ml_buf *json);
    /* The end: ok tells success; result is the R frame's JSON, without payload (NULL: there is none). Optional. */
    void (*on_end)(void *user, bool ok, const struct ml_frame *result);
    void *user;
    const struct ml_body
        *body; /* follows the frame in chunks: http's, or a blob; lives until on_end; NULL: none */
    const char *retry_id; /* the id of the try before, for retries; NULL: a new one */
    int retry_count;
    int retry_max;               /* -1: for ever; ML_NO_RETRY: no policy */
    const char *retry_exception; /* NULL: none */
};

/* Starts it on a worker, or answers ML_EBUSY when none is ready. */
int ml_invoke(struct ml_host *h, const struct ml_call *call);
/* Frames of types R, A, B, K. */
void ml_invocation_frame(struct ml_host *h, const struct ml_frame *f);
/* The worker is gone: its invocations fail. */
void ml_invocations_fail(struct ml_host *h, const struct ml_slot *s, const char *why);
void ml_invocations_tick(struct ml_host *h, uint64_t now);
/* The client took n more bytes of a streamed response. */
void ml_invocation_drained(struct ml_invocation *inv, size_t n, bool gone);
/* More of the request's body came, or its state changed. */
void ml_invocation_body(struct ml_invocation *inv);
struct ml_invocation *ml_invocation_find(struct ml_host *h, const char *id);
const struct ml_ended *ml_ended_find(const struct ml_host *h, const char *id);
const char *ml_invocation_function(const struct ml_invocation *inv);
const struct ml_call_ids *ml_invocation_ids(const struct ml_invocation *inv);

/* -- front.c ------------------------------------------------------------------------------------- */

void ml_front_handler(struct ml_host *h, struct ml_http_handler *out);
/* Workers became ready (or will not): let the waiting requests go on. */
void ml_front_release(struct ml_host *h);
void ml_front_tick(struct ml_host *h, uint64_t now);
/* An http invocation ended. */
void ml_front_ended(struct ml_host *h);
/* The empty 500. */
void ml_front_fail(struct ml_host *h, struct ml_http_request *r, int status);

/* front_reply.c: the R frame's return value as the response to r; body: NULL, or the collected chunks, taken over.
 * Answers the status sent; 500 with why filled when the value cannot be a response. */
int ml_front_reply(struct ml_host *h, struct ml_http_request *r, const struct ml_function *fn,
                   const struct ml_frame *f, struct ml_body *body, struct ml_error *why);
int ml_front_reply_start(struct ml_host *h, struct ml_http_request *r, const struct ml_frame *f);

/* -- timer.c ------------------------------------------------------------------------------------- */

/* Parse the schedules of the app's timers; bad ones put their function into error. */
void ml_timers_check(struct ml_host *h);
void ml_timers_start(struct ml_host *h);
void ml_timers_stop(struct ml_host *h);

/* -- listeners.c --------------------------------------------------------------------------------- */

/* Queue and blob triggers whose settings are missing or wrong are put into error, or told as not run. */
void ml_listeners_check(struct ml_host *h);
void ml_listeners_start(struct ml_host *h);
/* No new messages and blobs; what runs goes on. */
void ml_listeners_stop(struct ml_host *h);

/* -- admin.c ------------------------------------------------------------------------------------- */

/* True if the path is one of /admin and was answered. */
bool ml_admin_serve(struct ml_host *h, struct ml_http_request *r);

/* -- start.c ------------------------------------------------------------------------------------- */

void ml_host_reread_settings(struct ml_host *h);
/* Begin to end; called again, a step of it. */
void ml_host_stop(struct ml_host *h, int status, unsigned grace_ms);

#endif
