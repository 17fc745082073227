/* store/writer.c -- one thread, one queue. SPDX-License-Identifier: MIT */
#include "store/writer.h"

#include "base/mem.h"
#include "base/port.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

/* Batches joined into one transaction: enough to share a flush, little enough to answer soon. */
#define COMMIT_BYTES ((size_t)8 << 20)
#define COMMIT_JOBS 256
#define RETAIN_EVERY_S 3600
#define RELAX_AFTER_S 3

struct job {
    struct job *next;
    struct ml_rows *rows; /* owned when `owned` */
    bool owned;
    ml_writer_done done;
    void *user;
};

struct ml_writer {
    struct ml_store *store; /* the thread's alone */
    struct ml_retention policy;
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t work;  /* a job came, or stop */
    pthread_cond_t idle;  /* the queue and the thread's hands are empty */
    struct job *first;
    struct job *last;
    size_t waiting_bytes; /* submitted and not yet committed */
    size_t in_hand;       /* jobs the thread is writing */
    bool stop;
    struct ml_writer_stats stats;
};

/* -- The thread -- */

/* The next jobs to be committed together; NULL: stop, or idle_s seconds without any. Under the lock. */
static struct job *wait_for_jobs(struct ml_writer *w, long idle_s, bool *idle)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += idle_s;
    while (w->first == NULL && !w->stop)
        if (pthread_cond_timedwait(&w->work, &w->lock, &until) == ETIMEDOUT) {
            *idle = true;
            return NULL;
        }
    struct job *jobs = w->first;
    struct job *last = jobs;
    if (jobs == NULL)
        return NULL;
    size_t bytes = ml_rows_bytes(jobs->rows);
    w->in_hand = 1;
    while (last->next != NULL && w->in_hand < COMMIT_JOBS &&
           bytes + ml_rows_bytes(last->next->rows) <= COMMIT_BYTES) {
        last = last->next;
        bytes += ml_rows_bytes(last->rows);
        w->in_hand++;
    }
    w->first = last->next;
    if (w->first == NULL)
        w->last = NULL;
    last->next = NULL;
    return jobs;
}

static void finish(struct ml_writer *w, struct job *j, int status, const struct ml_error *e)
{
    size_t bytes = ml_rows_bytes(j->rows);
    size_t rows = ml_rows_count(j->rows);
    if (j->owned)
        ml_rows_free(j->rows);
    if (j->done != NULL)
        j->done(j->user, status, e);
    pthread_mutex_lock(&w->lock);
    w->waiting_bytes -= bytes;
    w->in_hand--;
    if (status == ML_OK) {
        w->stats.rows += rows;
        w->stats.batches++;
    } else {
        w->stats.failed_rows += rows;
    }
    pthread_mutex_unlock(&w->lock);
    ml_free(j);
}

static void count_commit(struct ml_writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->stats.commits++;
    pthread_mutex_unlock(&w->lock);
}

/* All jobs in one transaction. When that fails, one by one: a bad batch must not take others along. */
static void write_jobs(struct ml_writer *w, struct job *jobs)
{
    struct ml_error e = {0};
    const struct ml_rows *all[COMMIT_JOBS];
    size_t n = 0;
    for (struct job *j = jobs; j != NULL; j = j->next)
        all[n++] = j->rows;
    bool joined = n > 1 && ml_store_append_many(w->store, all, n, &e) == ML_OK;
    if (joined)
        count_commit(w);
    while (jobs != NULL) {
        struct job *next = jobs->next;
        int rc = joined ? ML_OK : ml_store_append(w->store, jobs->rows, &e);
        if (!joined && rc == ML_OK)
            count_commit(w);
        finish(w, jobs, rc, rc == ML_OK ? NULL : &e);
        jobs = next;
    }
}

static void retain(struct ml_writer *w)
{
    int64_t now = ml_ticks_now();
    ml_store_retain(w->store, &w->policy, now, NULL, NULL); /* tried again in an hour */
}

static void *run(void *arg)
{
    struct ml_writer *w = arg;
    bool tense = true; /* has written since it last gave memory back */
    uint64_t retain_ns = 0;
    for (;;) {
        if (ml_now_ns() >= retain_ns) { /* also when it is never idle */
            retain(w);
            retain_ns = ml_now_ns() + RETAIN_EVERY_S * UINT64_C(1000000000);
        }
        bool idle = false;
        pthread_mutex_lock(&w->lock);
        if (w->first == NULL && w->in_hand == 0)
            pthread_cond_broadcast(&w->idle);
        struct job *jobs = wait_for_jobs(w, tense ? RELAX_AFTER_S : RETAIN_EVERY_S, &idle);
        pthread_mutex_unlock(&w->lock);
        if (jobs != NULL)
            write_jobs(w, jobs);
        else if (!idle)
            return NULL;
        else if (tense)
            ml_store_relax(w->store);
        tense = jobs != NULL;
    }
}

/* -- The callers' side -- */

static void init_locks(struct ml_writer *w)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, &monotonic);
    pthread_cond_init(&w->idle, NULL);
    pthread_condattr_destroy(&monotonic);
}

static void release(struct ml_writer *w)
{
    ml_store_close(w->store);
    pthread_cond_destroy(&w->idle);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    ml_free(w);
}

int ml_writer_open(const char *path, const struct ml_retention *policy, struct ml_writer **out,
                   struct ml_error *e)
{
    struct ml_writer *w = ml_calloc(1, sizeof *w);
    if (w == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    w->policy = policy != NULL ? *policy : ML_RETENTION_DEFAULT;
    init_locks(w);
    int rc = ml_store_open(path, &w->store, e);
    if (rc == ML_OK && pthread_create(&w->thread, NULL, run, w) != 0)
        rc = ml_fail(e, ML_ENOMEM, "cannot start the store's writer thread");
    if (rc != ML_OK) {
        release(w);
        return rc;
    }
    *out = w;
    return ML_OK;
}

void ml_writer_close(struct ml_writer *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    release(w);
}

static int submit(struct ml_writer *w, struct ml_rows *rows, bool owned, ml_writer_done done,
                  void *user)
{
    struct job *j = ml_calloc(1, sizeof *j);
    if (j == NULL)
        return ML_ENOMEM;
    *j = (struct job){.rows = rows, .owned = owned, .done = done, .user = user};
    size_t bytes = ml_rows_bytes(rows);
    pthread_mutex_lock(&w->lock);
    /* One batch is always let in, however large, or it could never be written. */
    bool full = w->waiting_bytes != 0 && w->waiting_bytes + bytes > ML_WRITER_QUEUE_BYTES;
    if (!full) {
        if (w->last != NULL)
            w->last->next = j;
        else
            w->first = j;
        w->last = j;
        w->waiting_bytes += bytes;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    if (full)
        ml_free(j);
    return full ? ML_EBUSY : ML_OK;
}

int ml_writer_submit(struct ml_writer *w, struct ml_rows *rows, ml_writer_done done, void *user)
{
    return submit(w, rows, true, done, user);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool finished;
    int status;
    struct ml_error *e; /* the caller's; may be NULL */
};

static void wake(void *user, int status, const struct ml_error *e)
{
    struct waiter *waiter = user;
    pthread_mutex_lock(&waiter->lock);
    waiter->status = status;
    if (e != NULL && waiter->e != NULL)
        *waiter->e = *e;
    waiter->finished = true;
    pthread_cond_signal(&waiter->cond);
    pthread_mutex_unlock(&waiter->lock);
}

int ml_writer_append(struct ml_writer *w, const struct ml_rows *rows, struct ml_error *e)
{
    struct waiter waiter = {.e = e};
    pthread_mutex_init(&waiter.lock, NULL);
    pthread_cond_init(&waiter.cond, NULL);
    /* Not owned: the thread only reads the rows, and this call outlives the job. */
    int rc = submit(w, (struct ml_rows *)(uintptr_t)rows, false, wake, &waiter);
    if (rc == ML_OK) {
        pthread_mutex_lock(&waiter.lock);
        while (!waiter.finished)
            pthread_cond_wait(&waiter.cond, &waiter.lock);
        pthread_mutex_unlock(&waiter.lock);
        rc = waiter.status;
    } else {
        ml_fail(e, rc, "the store's queue is full");
    }
    pthread_cond_destroy(&waiter.cond);
    pthread_mutex_destroy(&waiter.lock);
    return rc;
}

void ml_writer_flush(struct ml_writer *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->first != NULL || w->in_hand != 0)
        pthread_cond_wait(&w->idle, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void ml_writer_stats(struct ml_writer *w, struct ml_writer_stats *out)
{
    pthread_mutex_lock(&w->lock);
    *out = w->stats;
    out->waiting_bytes = w->waiting_bytes;
    pthread_mutex_unlock(&w->lock);
}
