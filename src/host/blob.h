/* host/blob.h -- the requests to a container of blobs. Threads: the loop's.
 *
 * Each answers ML_OK and calls done later, or ML_ENOMEM and does not. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_BLOB_H
#define ML_HOST_BLOB_H

#include "host/storage.h"

enum { ML_BLOB_PATH_MAX = 1100, ML_BLOB_PAGE = 1000 };

/* path: "container/name". etag: answered 412 when the blob has another; NULL: any. */
int ml_blob_get(struct ml_account *a, const char *path, const char *etag, ml_storage_done done,
                void *user);
/* file: in place of bytes; must live until done. A container that does not exist is made. */
int ml_blob_put(struct ml_account *a, const char *path, struct ml_str bytes,
                const struct ml_body *file, ml_storage_done done, void *user);
/* A page of names that begin with prefix, from marker on (""); for ml_blob_list_read. */
int ml_blob_list(struct ml_account *a, const char *container, const char *prefix,
                 const char *marker, ml_storage_done done, void *user);

#endif
