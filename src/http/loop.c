/* http/loop.c -- see loop.h. SPDX-License-Identifier: MIT */
#include "http/loop.h"

#include "base/mem.h"

#include <stdbool.h>
#include <uv.h>

struct post {
    struct post *next;
    void (*fn)(void *user);
    void *user;
};

struct ml_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_mutex_t lock; /* leaf: guards the two below */
    struct post *first;
    struct post **last;
};

struct ml_timer {
    uv_timer_t uv;
    uint64_t repeat_ms;
    void (*fn)(void *user);
    void *user;
};

struct job {
    uv_work_t uv;
    void (*work)(void *user);
    void (*done)(void *user);
    void *user;
};

static void on_wake(uv_async_t *h)
{
    struct ml_loop *l = h->data;
    uv_mutex_lock(&l->lock);
    struct post *p = l->first;
    l->first = NULL;
    l->last = &l->first;
    uv_mutex_unlock(&l->lock);
    while (p != NULL) {
        struct post *next = p->next;
        p->fn(p->user);
        ml_free(p);
        p = next;
    }
}

int ml_loop_new(struct ml_loop **out)
{
    struct ml_loop *l = ml_calloc(1, sizeof *l);
    if (l == NULL)
        return ML_ENOMEM;
    l->last = &l->first;
    if (uv_loop_init(&l->uv) != 0)
        goto no_loop;
    if (uv_mutex_init(&l->lock) != 0)
        goto no_lock;
    if (uv_async_init(&l->uv, &l->wake, on_wake) != 0)
        goto no_async;
    l->wake.data = l;
    uv_unref((uv_handle_t *)&l->wake); /* waiting for posts alone keeps nobody alive */
    *out = l;
    return ML_OK;
no_async:
    uv_mutex_destroy(&l->lock);
no_lock:
    (void)uv_loop_close(&l->uv);
no_loop:
    ml_free(l);
    return ML_ENOMEM;
}

void ml_loop_free(struct ml_loop *l)
{
    if (l == NULL)
        return;
    on_wake(&l->wake);
    uv_close((uv_handle_t *)&l->wake, NULL);
    (void)uv_run(&l->uv, UV_RUN_NOWAIT); /* forgets a stop that came after the last run */
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&l->uv);
    uv_mutex_destroy(&l->lock);
    ml_free(l);
}

struct uv_loop_s *ml_loop_uv(struct ml_loop *l)
{
    return &l->uv;
}

void ml_loop_run(struct ml_loop *l)
{
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void ml_loop_stop(struct ml_loop *l)
{
    uv_stop(&l->uv);
}

void ml_loop_step(struct ml_loop *l)
{
    (void)uv_run(&l->uv, UV_RUN_ONCE);
}

int ml_loop_post(struct ml_loop *l, void (*fn)(void *user), void *user)
{
    struct post *p = ml_calloc(1, sizeof *p);
    if (p == NULL)
        return ML_ENOMEM;
    *p = (struct post){.fn = fn, .user = user};
    uv_mutex_lock(&l->lock);
    *l->last = p;
    l->last = &p->next;
    uv_mutex_unlock(&l->lock);
    (void)uv_async_send(&l->wake);
    return ML_OK;
}

static void job_work(uv_work_t *w)
{
    struct job *j = w->data;
    j->work(j->user);
}

static void job_done(uv_work_t *w, int status)
{
    (void)status;
    struct job *j = w->data;
    j->done(j->user);
    ml_free(j);
}

int ml_loop_work(struct ml_loop *l, void (*work)(void *user), void (*done)(void *user), void *user)
{
    struct job *j = ml_calloc(1, sizeof *j);
    if (j == NULL)
        return ML_ENOMEM;
    *j = (struct job){.work = work, .done = done, .user = user};
    j->uv.data = j;
    if (uv_queue_work(&l->uv, &j->uv, job_work, job_done) != 0) {
        ml_free(j);
        return ML_ENOMEM;
    }
    return ML_OK;
}

static void on_timer(uv_timer_t *h)
{
    struct ml_timer *t = h->data;
    t->fn(t->user);
}

int ml_timer_new(struct ml_loop *l, uint64_t delay_ms, uint64_t repeat_ms, void (*fn)(void *user),
                 void *user, struct ml_timer **out)
{
    struct ml_timer *t = ml_calloc(1, sizeof *t);
    if (t == NULL)
        return ML_ENOMEM;
    t->fn = fn;
    t->user = user;
    t->repeat_ms = repeat_ms;
    (void)uv_timer_init(&l->uv, &t->uv); /* cannot fail */
    t->uv.data = t;
    *out = t;
    ml_timer_set(t, delay_ms);
    return ML_OK;
}

void ml_timer_set(struct ml_timer *t, uint64_t delay_ms)
{
    /* The loop's clock stands still while callbacks run. */
    uv_update_time(t->uv.loop);
    (void)uv_timer_start(&t->uv, on_timer, delay_ms, t->repeat_ms);
}

void ml_timer_stop(struct ml_timer *t)
{
    (void)uv_timer_stop(&t->uv);
}

static void timer_closed(uv_handle_t *h)
{
    ml_free(h->data);
}

void ml_timer_free(struct ml_timer *t)
{
    if (t == NULL)
        return;
    uv_close((uv_handle_t *)&t->uv, timer_closed);
}
