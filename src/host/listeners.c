/* host/listeners.c -- the queue and blob listeners of one generation of the app. SPDX-License-Identifier: MIT */
#include "host/listeners.h"

#include "base/mem.h"

#include <stdio.h>

struct ml_listeners {
    ML_VEC(struct ml_queue_listener *) queues;
    ML_VEC(struct ml_blob_listener *) blobs;
};

static bool listens(const struct ml_function *f)
{
    return (f->kind == ML_TRIGGER_QUEUE || f->kind == ML_TRIGGER_BLOB) && f->error == NULL &&
           f->not_run == NULL && !f->disabled;
}

/* A missing or useless account: not run, by hand it can be. A wrong name or pattern: in error. */
void ml_listeners_check(struct ml_host *h)
{
    for (size_t i = 0; i < h->app->n; i++) {
        struct ml_function *f = &h->app->functions[i];
        struct ml_account *a;
        struct ml_error e = {0};
        char text[700];
        if (!listens(f))
            continue;
        bool queue = f->kind == ML_TRIGGER_QUEUE;
        if (ml_storage_get(h, f->trigger, queue ? ML_STORAGE_QUEUE : ML_STORAGE_BLOB, &a, &e) !=
            ML_OK) {
            (void)snprintf(text, sizeof text, "needs a storage account. %.600s", e.text);
            f->not_run = ml_strdup(text);
        } else if ((queue ? ml_queue_listener_new(h, f, NULL, &e)
                          : ml_blob_listener_new(h, f, NULL, &e)) != ML_OK) {
            f->error = ml_strdup(e.text);
        }
    }
}

static int start_one(struct ml_listeners *ls, struct ml_host *h, struct ml_function *f)
{
    struct ml_queue_listener *q = NULL;
    struct ml_blob_listener *b = NULL;
    int rc;
    if (f->kind == ML_TRIGGER_QUEUE) {
        rc = ml_queue_listener_new(h, f, &q, NULL);
        if (rc == ML_OK && ml_vec_push(&ls->queues, q) != ML_OK) {
            ml_queue_listener_stop(q);
            rc = ML_ENOMEM;
        }
    } else {
        rc = ml_blob_listener_new(h, f, &b, NULL);
        if (rc == ML_OK && ml_vec_push(&ls->blobs, b) != ML_OK) {
            ml_blob_listener_stop(b);
            rc = ML_ENOMEM;
        }
    }
    return rc;
}

void ml_listeners_start(struct ml_host *h)
{
    struct ml_listeners *ls = ml_calloc(1, sizeof *ls);
    if (ls == NULL)
        return;
    h->listeners = ls;
    for (size_t i = 0; i < h->app->n; i++) {
        struct ml_function *f = &h->app->functions[i];
        if (listens(f) && start_one(ls, h, f) != ML_OK)
            ml_host_log(h, "Host.Startup", ML_LEVEL_ERROR,
                        "The listener for function 'Functions.%s' was unable to start.", f->name);
    }
}

void ml_listeners_stop(struct ml_host *h)
{
    struct ml_listeners *ls = h->listeners;
    if (ls == NULL)
        return;
    h->listeners = NULL;
    for (size_t i = 0; i < ls->queues.n; i++)
        ml_queue_listener_stop(ls->queues.at[i]);
    for (size_t i = 0; i < ls->blobs.n; i++)
        ml_blob_listener_stop(ls->blobs.at[i]);
    ml_vec_free(&ls->queues);
    ml_vec_free(&ls->blobs);
    ml_free(ls);
}
