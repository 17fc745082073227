/* host/storage_list.h -- what storage services answer: messages of a queue, blobs of a container.
 *
 * Every item is given out as it is read; its slices end with the callback. Unknown tags are passed over; an item
 * without what makes it one (id and receipt, name) is an error. Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_STORAGE_LIST_H
#define ML_HOST_STORAGE_LIST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

struct ml_queue_message {
    struct ml_str id;
    struct ml_str receipt;
    struct ml_str text;     /* as the service keeps it: base64, mostly */
    struct ml_str inserted; /* "Fri, 27 Nov 2026 20:48:45 GMT" */
    struct ml_str expires;
    struct ml_str next_visible;
    int64_t dequeue_count;
};

int ml_queue_messages_read(struct ml_str xml,
                           void (*each)(void *user, const struct ml_queue_message *m), void *user,
                           struct ml_error *e);

struct ml_blob_item {
    struct ml_str name;
    struct ml_str etag;
    struct ml_str created;
    struct ml_str modified;
    const json_t *properties; /* {"ContentLength":12,"ContentType":"text/plain",...} */
    const json_t *metadata;
};

/* marker: where the next page begins, appended; empty at the last one. */
int ml_blob_list_read(struct ml_str xml, void (*each)(void *user, const struct ml_blob_item *b),
                      void *user, struct ml_buf *marker, struct ml_error *e);

/* "Fri, 27 Nov 2026 20:48:45 GMT" as "2026-11-27T20:48:45+00:00"; false: it is no such date. */
bool ml_storage_iso_date(struct ml_str rfc1123, char out[32]);

#endif
