/* host/blob.c -- see blob.h. SPDX-License-Identifier: MIT */
#include "host/blob.h"

#include "base/mem.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>

enum { GET_MAX = 1 << 30 }; /* bytes of a blob that becomes an input */

/* Encoded, but for the slashes. */
static void add_path(struct ml_buf *b, const char *path)
{
    for (;;) {
        size_t n = strcspn(path, "/");
        ml_url_encode(b, (struct ml_str){path, n});
        if (path[n] == '\0')
            return;
        ml_buf_char(b, '/');
        path += n + 1;
    }
}

static int send_order(struct ml_storage_order *o, const char *path, ml_storage_done done,
                      void *user)
{
    struct ml_buf b = {0};
    ml_buf_char(&b, '/');
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

/* -- putting ------------------------------------------------------------------------------------- */

struct put {
    struct ml_account *account;
    char path[ML_BLOB_PATH_MAX];
    struct ml_buf bytes;
    const struct ml_body *file;
    bool made; /* the container was made already */
    ml_storage_done done;
    void *user;
};

static void put_end(struct put *p, const struct ml_storage_result *r)
{
    p->done(p->user, r);
    ml_buf_free(&p->bytes);
    ml_free(p);
}

static void put_fail(struct put *p)
{
    const struct ml_storage_result r = {.code = "OutOfMemory", .text = "out of memory"};
    put_end(p, &r);
}

static void on_put(void *user, const struct ml_storage_result *r);

static int put_send(struct put *p)
{
    struct ml_storage_order o = {
        .account = p->account,
        .rq = {.method = "PUT",
               .headers = {{"content-type", "application/octet-stream"},
                           {"x-ms-blob-type", "BlockBlob"}},
               .n_headers = 2},
        .body = ml_buf_view(&p->bytes),
        .body_file = p->file,
        .matters = true,
    };
    return send_order(&o, p->path, on_put, p);
}

static void on_made(void *user, const struct ml_storage_result *r)
{
    struct put *p = user;
    if (r->text[0] != '\0' && r->status != 409) /* somebody else made it */
        put_end(p, r);
    else if (put_send(p) != ML_OK)
        put_fail(p);
}

static void on_put(void *user, const struct ml_storage_result *r)
{
    struct put *p = user;
    char container[80];
    if (r->status != 404 || p->made) {
        put_end(p, r);
        return;
    }
    p->made = true;
    (void)snprintf(container, sizeof container, "%.*s", (int)strcspn(p->path, "/") % 80, p->path);
    struct ml_storage_order o = {
        .account = p->account,
        .rq = {.method = "PUT", .query = {{"restype", "container"}}, .n_query = 1},
        .matters = true,
    };
    if (send_order(&o, container, on_made, p) != ML_OK)
        put_fail(p);
}

int ml_blob_put(struct ml_account *a, const char *path, struct ml_str bytes,
                const struct ml_body *file, ml_storage_done done, void *user)
{
    struct put *p = ml_calloc(1, sizeof *p);
    if (p == NULL)
        return ML_ENOMEM;
    p->account = a;
    (void)snprintf(p->path, sizeof p->path, "%s", path);
    p->file = file;
    p->done = done;
    p->user = user;
    ml_buf_str(&p->bytes, bytes);
    int rc = p->bytes.status == ML_OK ? put_send(p) : p->bytes.status;
    if (rc != ML_OK) {
        ml_buf_free(&p->bytes);
        ml_free(p);
    }
    return rc;
}
