/* host/listeners.h -- what a queue or blob trigger listens with; one for each function. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_LISTENERS_H
#define ML_HOST_LISTENERS_H

#include "host/storage.h"

struct ml_queue_listener;
struct ml_blob_listener;

/* What the trigger's binding says, settings put in. NULL out: only a look whether it is right. */
int ml_queue_listener_new(struct ml_host *h, struct ml_function *fn, struct ml_queue_listener **out,
                          struct ml_error *e);
int ml_blob_listener_new(struct ml_host *h, struct ml_function *fn, struct ml_blob_listener **out,
                         struct ml_error *e);
/* Gives it up: it goes when the last of what it started has ended. */
void ml_queue_listener_stop(struct ml_queue_listener *l);
void ml_blob_listener_stop(struct ml_blob_listener *l);

#endif
