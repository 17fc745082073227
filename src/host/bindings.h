/* host/bindings.h -- an invocation's bindings beside its trigger: blobs read before it runs, blobs and queue
 * messages written after it returned.
 *
 *   new -> read -> (done) -> write_inputs ... the function runs ... -> write -> (done) -> free
 *
 * Paths and queue names may hold {expressions} of the trigger's data. Threads: the loop's.
 * Memory: free may come at any time; no done is called after it. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_BINDINGS_H
#define ML_HOST_BINDINGS_H

#include "host/host.h"

struct ml_bindings;

/* problem: NULL, or why the invocation fails; ends with the call. */
typedef void (*ml_bindings_done)(void *user, const char *problem);

/* frame: the members "inputs" and "metadata" of the invoke frame (consumed), and its payload: the data of
 * expressions is read from them. */
int ml_bindings_new(struct ml_host *h, struct ml_function *fn, const struct ml_frame *frame,
                    struct ml_bindings **out);
/* done may be called from within. */
void ml_bindings_read(struct ml_bindings *b, ml_bindings_done done, void *user);
/* The members of "inputs" that were read, each with a comma before it unless first. may_chunk: the longest may
 * follow the frame in chunks; it is *body then. ML_ELIMIT: they are too long for a frame. */
int ml_bindings_write_inputs(struct ml_bindings *b, bool first, bool may_chunk, struct ml_buf *json,
                             struct ml_buf *payload, const struct ml_body **body);
/* f: the result, which must live until done; chunks: the body that followed it, or NULL. done may be called from
 * within. */
void ml_bindings_write(struct ml_bindings *b, const struct ml_frame *f, struct ml_body *chunks,
                       ml_bindings_done done, void *user);
void ml_bindings_free(struct ml_bindings *b); /* NULL is fine */

/* The trigger's data for expressions: its metadata, and the members of what it brings where that is a JSON object. */
json_t *ml_binding_data(const struct ml_function *fn, const struct ml_frame *frame);

#endif
