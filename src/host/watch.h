/* host/watch.h -- source changes under the project's root, for hot reload. Threads: the loop's.
 * SPDX-License-Identifier: MIT */
#ifndef ML_HOST_WATCH_H
#define ML_HOST_WATCH_H

#include "host/settings.h"
#include "http/loop.h"

struct ml_source_watch;

/* on_change: once per burst of changes, after a quiet period, with the last path that changed. skip: the interpreter's
 * folder, or NULL. */
int ml_source_watch_new(struct ml_loop *l, const struct ml_settings *s, const char *skip,
                        void (*on_change)(void *user, const char *path), void *user,
                        struct ml_source_watch **out);
void ml_source_watch_free(struct ml_source_watch *w); /* NULL is fine */

#endif
