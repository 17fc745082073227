/* http/loop.h -- the event loop: one thread that waits for everything.
 *
 * A thin owner of a libuv loop. Folders above (host, api) put their own libuv handles on ml_loop_uv().
 * Law of handles: a handle is closed with uv_close and freed in its close callback only.
 * Threads: everything here is called on the loop's thread, except ml_loop_post.
 * SPDX-License-Identifier: MIT */
#ifndef ML_HTTP_LOOP_H
#define ML_HTTP_LOOP_H

#include "base/err.h"

#include <stdint.h>

struct ml_loop;
struct ml_timer;
struct uv_loop_s;

int ml_loop_new(struct ml_loop **out);
/* Runs what is still closing, then frees. NULL is fine. */
void ml_loop_free(struct ml_loop *l);
struct uv_loop_s *ml_loop_uv(struct ml_loop *l);

/* Until ml_loop_stop, or until nothing is left to wait for. */
void ml_loop_run(struct ml_loop *l);
void ml_loop_stop(struct ml_loop *l);
/* Wait for something, and do what it asks for. */
void ml_loop_step(struct ml_loop *l);

/* [any thread] Have fn called on the loop's thread. ML_ENOMEM, or 0. */
int ml_loop_post(struct ml_loop *l, void (*fn)(void *user), void *user);

/* Run work on a thread of libuv's pool (four by default), then done on the loop's thread. */
int ml_loop_work(struct ml_loop *l, void (*work)(void *user), void (*done)(void *user), void *user);

/* Call fn after delay_ms, and then every repeat_ms if that is not 0. */
int ml_timer_new(struct ml_loop *l, uint64_t delay_ms, uint64_t repeat_ms, void (*fn)(void *user),
                 void *user, struct ml_timer **out);
void ml_timer_set(struct ml_timer *t, uint64_t delay_ms); /* from now; also after it fired */
void ml_timer_stop(struct ml_timer *t);
void ml_timer_free(struct ml_timer *t); /* NULL is fine; also from within fn */

#endif
