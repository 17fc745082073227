/* host/storage_account.h -- a storage account, as a connection string tells it.
 *
 *   UseDevelopmentStorage=true                                   Azurite on its usual ports
 *   DefaultEndpointsProtocol=https;AccountName=N;AccountKey=K;EndpointSuffix=core.windows.net
 *   BlobEndpoint=URL;QueueEndpoint=URL;AccountName=N;AccountKey=K    (or SharedAccessSignature=S)
 *
 * Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_STORAGE_ACCOUNT_H
#define ML_HOST_STORAGE_ACCOUNT_H

#include "base/err.h"

#include <stddef.h>

enum ml_storage_service { ML_STORAGE_BLOB, ML_STORAGE_QUEUE };

struct ml_storage_account {
    char name[64];
    unsigned char key[128];
    size_t key_n;          /* 0: no key: the signature below goes with each request */
    char sas[1024];        /* without its question mark */
    char endpoint[2][512]; /* by service; no slash at the end; "" when there is none */
};

/* Keys in any case. Errors: ML_EINVALID, ML_EUNSUPPORTED; no text shows the key. */
int ml_storage_account_parse(const char *text, struct ml_storage_account *out, struct ml_error *e);

/* The connection string that a binding's `connection` names (NULL or "": AzureWebJobsStorage): the settings
 * AzureWebJobsNAME, NAME, ConnectionStrings:NAME in this order. Borrowed from the environment.
 * Errors: ML_ENOTFOUND, ML_EUNSUPPORTED (an identity instead of a string). */
int ml_storage_setting(const char *connection, const char **out, struct ml_error *e);

#endif
