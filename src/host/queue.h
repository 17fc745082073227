/* host/queue.h -- the requests to a storage queue. Threads: the loop's.
 *
 * Each answers ML_OK and calls done later, or ML_ENOMEM and does not. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_QUEUE_H
#define ML_HOST_QUEUE_H

#include "host/storage.h"

enum { ML_QUEUE_NAME_MAX = 63 };

/* text: as it goes over the wire (ml_queue_encode). A queue that does not exist is made. */
int ml_queue_put(struct ml_account *a, const char *queue, struct ml_str text, ml_storage_done done,
                 void *user);
/* Up to n messages, hidden from others for lease_s. The answer is for ml_queue_messages_read. */
int ml_queue_take(struct ml_account *a, const char *queue, int n, int lease_s, ml_storage_done done,
                  void *user);
/* Hide a taken message for another hide_s (0: show it). The answer's x-ms-popreceipt replaces receipt. */
int ml_queue_hide(struct ml_account *a, const char *queue, const char *id, const char *receipt,
                  int hide_s, ml_storage_done done, void *user);
int ml_queue_delete(struct ml_account *a, const char *queue, const char *id, const char *receipt,
                    ml_storage_done done, void *user);

/* host.json extensions.queues.messageEncoding: base64 unless it is "none". */
bool ml_queue_is_base64(const struct ml_host *h);
void ml_queue_encode(const struct ml_host *h, struct ml_str text, struct ml_buf *b);

#endif
