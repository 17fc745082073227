/* host/storage.h -- the storage accounts of the app's connections, and requests to them.
 *
 * An account is either there or away; the change is told once: a Warning with the connection's name and the
 * address, and a line when it answers again. Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_STORAGE_H
#define ML_HOST_STORAGE_H

#include "host/fetch.h"
#include "host/host.h"
#include "host/storage_sign.h"

struct ml_storage;

/* A connection's account; lives as long as the host. */
struct ml_account {
    struct ml_storage *storage;
    char *connection; /* "AzureWebJobsStorage"; owned */
    char *text;       /* the connection string it was read from; owned */
    struct ml_storage_account a;
    bool away;
};

/* The account of a binding's `connection`, which must have the service. Errors: those of ml_storage_setting and
 * ml_storage_account_parse. */
int ml_storage_get(struct ml_host *h, const json_t *binding, enum ml_storage_service service,
                   struct ml_account **out, struct ml_error *e);
void ml_storage_free(struct ml_storage *s); /* what runs ends, with no answer; NULL is fine */
/* Requests under way whose end matters: a message to be deleted, an output. */
bool ml_storage_is_busy(const struct ml_storage *s);

/* What a request came to. */
struct ml_storage_result {
    int status;     /* of HTTP; 0: no answer */
    char code[64];  /* "QueueNotFound"; "" when it was done */
    char text[400]; /* for people: why it was not done; "" when it was */
    struct ml_fetch_answer *answer;
};

typedef void (*ml_storage_done)(void *user, const struct ml_storage_result *r);

struct ml_storage_order {
    struct ml_account *account;
    struct ml_storage_request rq; /* account and length are set by the sender */
    struct ml_str body;
    const struct ml_body *body_file;
    uint64_t answer_max;
    bool matters; /* the host's end waits for it, a little */
};

/* done is called once, from the loop; on failure (out of memory) it is not. */
int ml_storage_send(const struct ml_storage_order *o, ml_storage_done done, void *user);
/* The same for an order that puts something into what may not exist yet, a container or a queue: where the
 * service does not know it, `make` makes it and o is sent again. Paths and body are copied; the queries'
 * and headers' texts must live until done. */
int ml_storage_put(const struct ml_storage_order *o, const struct ml_storage_order *make,
                   ml_storage_done done, void *user);

#endif
