/* host/blob.c -- see blob.h. SPDX-License-Identifier: MIT */
#include "host/blob.h"

#include "http/url.h"

#include <stdio.h>
#include <string.h>

enum { GET_MAX = 1 << 30 }; /* bytes of a blob that becomes an input */

/* Encoded, but for the slashes; with one in front. */
static void add_path(struct ml_buf *b, const char *path)
{
    for (;;) {
        size_t n = strcspn(path, "/");
        ml_buf_char(b, '/');
        ml_url_encode(b, (struct ml_str){path, n});
        if (path[n] == '\0')
            return;
        path += n + 1;
    }
}

static int send_order(struct ml_storage_order *o, const char *path, ml_storage_done done,
                      void *user)
{
    struct ml_buf b = {0};
    add_path(&b, path);
    o->rq.service = ML_STORAGE_BLOB;
    o->rq.path = b.p;
    int rc = b.status == ML_OK ? ml_storage_send(o, done, user) : b.status;
    ml_buf_free(&b);
    return rc;
}

int ml_blob_get(struct ml_account *a, const char *path, const char *etag, ml_storage_done done,
                void *user)
{
    struct ml_storage_order o = {
        .account = a,
        .rq = {.method = "GET",
               .headers = {{"if-match", etag}},
               .n_headers = etag != NULL && etag[0] != '\0'},
        .answer_max = GET_MAX,
    };
    return send_order(&o, path, done, user);
}

int ml_blob_list(struct ml_account *a, const char *container, const char *prefix,
                 const char *marker, ml_storage_done done, void *user)
{
    char max[16];
    (void)snprintf(max, sizeof max, "%d", ML_BLOB_PAGE);
    struct ml_storage_order o = {
        .account = a,
        .rq = {.method = "GET",
               .query = {{"restype", "container"},
                         {"comp", "list"},
                         {"maxresults", max},
                         {"include", "metadata"}},
               .n_query = 4},
        .answer_max = UINT64_C(64) << 20,
    };
    if (prefix[0] != '\0')
        o.rq.query[o.rq.n_query++] = (struct ml_storage_field){"prefix", prefix};
    if (marker[0] != '\0')
        o.rq.query[o.rq.n_query++] = (struct ml_storage_field){"marker", marker};
    return send_order(&o, container, done, user);
}

int ml_blob_put(struct ml_account *a, const char *path, struct ml_str bytes,
                const struct ml_body *file, ml_storage_done done, void *user)
{
    struct ml_buf blob = {0}, container = {0};
    add_path(&blob, path);
    if (blob.status == ML_OK)
        ml_buf_str(&container, (struct ml_str){blob.p, 1 + strcspn(blob.p + 1, "/")});
    const struct ml_storage_order put = {
        .account = a,
        .rq = {.service = ML_STORAGE_BLOB,
               .method = "PUT",
               .path = blob.p,
               .headers = {{"content-type", "application/octet-stream"},
                           {"x-ms-blob-type", "BlockBlob"}},
               .n_headers = 2},
        .body = bytes,
        .body_file = file,
        .matters = true,
    };
    const struct ml_storage_order make = {
        .account = a,
        .rq = {.service = ML_STORAGE_BLOB,
               .method = "PUT",
               .path = container.p,
               .query = {{"restype", "container"}},
               .n_query = 1},
        .matters = true,
    };
    int rc = blob.status != ML_OK ? blob.status : container.status;
    if (rc == ML_OK)
        rc = ml_storage_put(&put, &make, done, user);
    ml_buf_free(&blob);
    ml_buf_free(&container);
    return rc;
}
