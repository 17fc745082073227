/* core/watch.c -- see watch.h.
 *
 * Who writes what: the thread owns series, high mark and records until it is joined; `lock` guards
 * `state`; the atomics may be read by anyone. SPDX-License-Identifier: MIT */
#include "core/watch.h"

#include "base/mem.h"
#include "core/proc_tree.h"
#include "core/watch_out.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum {
    PER_CHUNK = 4096, /* with the series's 256 chunks: a million samples */
    STACK_BYTES = 256 << 10,
    PEAK_NOISE = 64 << 10, /* a new high of less than this above its neighbours is no news */
};

enum watch_state { NEW, STARTING, RUNNING, STOPPING, DONE };

struct ml_watch {
    struct ml_watch_options o;
    pid_t owner; /* the process that has the thread */
    pthread_t thread;
    pthread_mutex_t lock; /* guards state, with `changed` */
    pthread_cond_t changed;
    enum watch_state state;
    bool joinable; /* the thread was made and not yet joined; start and stop only */
    int status;    /* of the first look; final once state has left STARTING */
    struct ml_error error;

    struct ml_series series;
    uint64_t high_bytes;     /* the mark at the last look */
    uint64_t children_bytes; /* what the children had at the last look; 0 unless they are added */
    struct ml_proc_list tree;
    struct ml_watch_out out;

    _Atomic bool ended;
    _Atomic uint64_t lost;
    _Atomic uint64_t wiped_bytes; /* highest mark that a reset wiped since the last look; 0: none */
    struct ml_watch *next;        /* in the list of watches of this process; its lock */
};

/* --- resets of the mark ---------------------------------------------------------------------- */

/* Leaf lock: nothing else is taken under it. */
static pthread_mutex_t watchers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ml_watch *watchers; /* those that watch this process and want its peaks */

static void forget_in_child(void)
{
    watchers_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    watchers = NULL;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_in_child);
}

static void raise_to(_Atomic uint64_t *at, uint64_t value)
{
    uint64_t seen = atomic_load(at);
    while (value > seen && !atomic_compare_exchange_weak(at, &seen, value))
        continue;
}

int ml_watch_peak_reset(void)
{
    uint64_t high = 0;
    pthread_mutex_lock(&watchers_lock);
    if (watchers != NULL)
        ml_proc_peak(0, &high, NULL);
    int rc = ml_proc_peak_reset();
    for (struct ml_watch *w = watchers; rc == ML_OK && w != NULL; w = w->next)
        raise_to(&w->wiped_bytes, high);
    pthread_mutex_unlock(&watchers_lock);
    return rc;
}

static void enlist(struct ml_watch *w)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&watchers_lock);
    w->next = watchers;
    watchers = w;
    pthread_mutex_unlock(&watchers_lock);
}

static void delist(struct ml_watch *w)
{
    pthread_mutex_lock(&watchers_lock);
    struct ml_watch **at = &watchers;
    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at != NULL)
        *at = w->next;
    pthread_mutex_unlock(&watchers_lock);
}

static bool wants_peaks(const struct ml_watch *w)
{
    return w->o.kind == ML_MEM_RSS; /* the kernel keeps no mark of the others */
}

/* --- samples ----------------------------------------------------------------------------------- */

static void keep(struct ml_watch *w, struct ml_sample s)
{
    bool thinned = false;
    if (ml_series_add(&w->series, s, &thinned) != ML_OK)
        atomic_fetch_add(&w->lost, 1);
    if (thinned)
        w->o.interval_ns *= 2;
}

static void take(struct ml_watch *w, struct ml_sample s)
{
    keep(w, s);
    if (w->o.records)
        ml_watch_out_mem(&w->out, s.bytes, s.wall_ns);
}

/* A new mark since the last look is a sample of its own, if it stands out from its neighbours. To it
 * comes what the children surely had: the less of what they had before and after. */
static void take_peak(struct ml_watch *w, uint64_t mark, struct ml_sample now, uint64_t children)
{
    uint64_t wiped = atomic_exchange(&w->wiped_bytes, 0);
    uint64_t high = wiped > mark ? wiped : mark;
    size_t n = ml_series_count(&w->series);
    if (n > 0 && high > w->high_bytes) {
        struct ml_sample last = ml_series_get(&w->series, n - 1);
        uint64_t around = last.bytes > now.bytes ? last.bytes : now.bytes;
        int64_t between = last.wall_ns + (now.wall_ns - last.wall_ns) / 2;
        uint64_t total = high + (children < w->children_bytes ? children : w->children_bytes);
        if (total > around + PEAK_NOISE)
            take(w, (struct ml_sample){total, between});
    }
    w->high_bytes = mark; /* also when it fell: a reset, or another program in the process */
}

/* One look. The mark is read before the memory: what the process takes in between is then a higher
 * sample, not a peak of its own. */
static int look(struct ml_watch *w, struct ml_error *e)
{
    uint64_t mark = 0;
    struct ml_sample s;
    int rc = ML_OK;
    if (wants_peaks(w))
        rc = ml_proc_peak(w->o.pid, &mark, e);
    if (rc == ML_OK)
        rc = ml_proc_memory(w->o.pid, w->o.kind, &s.bytes, e);
    if (rc != ML_OK)
        return rc;
    s.wall_ns = ml_wall_ns();
    if (w->o.children || w->o.each_child)
        rc = ml_proc_tree(w->o.pid, w->o.kind, &w->tree);
    if (rc != ML_OK)
        return ml_fail(e, rc, "cannot find the children of process %d", (int)w->o.pid);
    uint64_t children = w->o.children ? ml_proc_list_sum(&w->tree) : 0;
    s.bytes += children;
    if (mark != 0)
        take_peak(w, mark, s, children);
    w->children_bytes = children;
    take(w, s);
    if (w->o.records && w->o.each_child)
        for (size_t i = 0; i < w->tree.n; i++)
            ml_watch_out_child(&w->out, w->tree.at[i].pid, w->tree.at[i].bytes, s.wall_ns);
    return ML_OK;
}

/* --- the thread -------------------------------------------------------------------------------- */

/* Until `due` on the monotonic clock, or until somebody stops us: then true. */
static bool wait_for_stop(struct ml_watch *w, uint64_t due)
{
    struct timespec t = {.tv_sec = (time_t)(due / 1000000000u),
                         .tv_nsec = (long)(due % 1000000000u)};
    pthread_mutex_lock(&w->lock);
    while (w->state != STOPPING && pthread_cond_timedwait(&w->changed, &w->lock, &t) == 0)
        continue;
    bool stopping = w->state == STOPPING;
    pthread_mutex_unlock(&w->lock);
    return stopping;
}

/* At fixed moments until the end of the process or of the watch. */
static void look_until_stop(struct ml_watch *w)
{
    uint64_t due = ml_now_ns();
    int rc = ML_OK;
    while (rc != ML_ENOTFOUND) {
        uint64_t now = ml_now_ns();
        due += w->o.interval_ns;
        if (due < now) /* late: leave the missed looks out */
            due = now + w->o.interval_ns - (now - due) % w->o.interval_ns;
        if (w->o.records)
            ml_watch_out_flush_before(&w->out, due);
        if (wait_for_stop(w, due))
            return;
        rc = look(w, NULL);
        if (rc != ML_OK && rc != ML_ENOTFOUND)
            atomic_fetch_add(&w->lost, 1);
    }
    atomic_store(&w->ended, true);
}

static void *run(void *ctx)
{
    struct ml_watch *w = ctx;
    w->status = look(w, &w->error);
    pthread_mutex_lock(&w->lock);
    w->state = RUNNING;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->status != ML_OK)
        return NULL;
    look_until_stop(w);
    if (!atomic_load(&w->ended)) {
        if (ml_series_count(&w->series) < 2)
            look(w, NULL);
        atomic_store(&w->ended, look(w, NULL) == ML_ENOTFOUND);
    }
    if (w->o.records)
        ml_watch_out_end(&w->out);
    return NULL;
}

/* Signals belong to the program's own threads: the new one inherits a full mask. */
static int make_thread(struct ml_watch *w)
{
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&w->thread, &attr, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (err == 0)
        pthread_setname_np(w->thread, "memline-watch");
    return err;
}

/* --- for callers --------------------------------------------------------------------------------- */

int ml_watch_new(const struct ml_watch_options *o, struct ml_watch **out)
{
    struct ml_watch *w = ml_calloc(1, sizeof *w);
    pthread_condattr_t monotonic;
    if (w == NULL)
        return ML_ENOMEM;
    w->o = *o;
    if (w->o.interval_ns < ML_WATCH_LEAST_NS)
        w->o.interval_ns = ML_WATCH_LEAST_NS;
    w->owner = getpid();
    ml_series_init(&w->series, PER_CHUNK);
    ml_watch_out_init(&w->out, o->fd, &w->lost);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = w;
    return ML_OK;
}

static void await_first_look(struct ml_watch *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->state == STARTING)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

int ml_watch_start(struct ml_watch *w, struct ml_error *e)
{
    if (w->state != NEW || w->owner != getpid())
        return ml_fail(e, ML_EBUSY, "cannot start a watch twice");
    w->state = STARTING;
    if (wants_peaks(w) && w->o.pid == 0) {
        ml_watch_peak_reset(); /* not allowed: then only marks above the old one are told */
        enlist(w);
    }
    int err = make_thread(w);
    if (err != 0) {
        delist(w);
        w->state = DONE;
        return ml_fail_errno(e, err, "cannot start a thread");
    }
    w->joinable = true;
    await_first_look(w);
    if (w->status != ML_OK) {
        ml_watch_stop(w);
        if (e != NULL)
            *e = w->error;
    }
    return w->status;
}

void ml_watch_stop(struct ml_watch *w)
{
    if (!w->joinable || w->owner != getpid())
        return;
    pthread_mutex_lock(&w->lock);
    w->state = STOPPING;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->joinable = false;
    w->state = DONE;
    delist(w);
}

void ml_watch_free(struct ml_watch *w)
{
    if (w == NULL)
        return;
    ml_watch_stop(w);
    if (w->owner == getpid()) { /* in a child another thread may seem to hold them */
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
    }
    ml_series_release(&w->series);
    ml_proc_list_free(&w->tree);
    ml_watch_out_release(&w->out);
    ml_free(w);
}

const struct ml_series *ml_watch_series(const struct ml_watch *w)
{
    return &w->series;
}

bool ml_watch_ended(const struct ml_watch *w)
{
    return atomic_load(&w->ended);
}

uint64_t ml_watch_lost(const struct ml_watch *w)
{
    return atomic_load(&w->lost);
}
