/* host/keys.c -- see keys.h. SPDX-License-Identifier: MIT */
#include "host/keys.h"

#include "base/mem.h"
#include "host/file.h"
#include "host/id.h"
#include "host/wire.h"
#include "http/url.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { KEY_DIGITS = 48, KEY_MAX = 128 };

struct ml_keys {
    char path[PATH_MAX];
    char master[KEY_MAX];
    char function[KEY_MAX];
};

static int make_file(struct ml_keys *k, struct ml_error *e)
{
    struct ml_buf b = {0};
    ml_hex_new(k->master, KEY_DIGITS);
    ml_hex_new(k->function, KEY_DIGITS);
    ml_buf_printf(&b, "{\n  \"master\": \"%s\",\n  \"default\": \"%s\"\n}\n", k->master,
                  k->function);
    int rc = b.status == ML_OK ? ml_file_write(k->path, ml_buf_view(&b), 0600, e)
                               : ml_fail(e, b.status, "cannot make keys: out of memory");
    ml_buf_free(&b);
    return rc;
}

int ml_keys_open(const char *root, struct ml_keys **out, struct ml_error *e)
{
    char dir[PATH_MAX];
    struct ml_keys *k = ml_calloc(1, sizeof *k);
    if (k == NULL || ml_path_join(dir, sizeof dir, root, ".memline") != ML_OK ||
        ml_path_join(k->path, sizeof k->path, dir, "keys.json") != ML_OK) {
        ml_free(k);
        return ml_fail(e, ML_ENOMEM, "cannot keep keys in '%s'", root);
    }
    int rc = ML_OK;
    if (!ml_is_file(k->path)) {
        rc = ml_make_dirs(dir, 0700, e);
        if (rc == ML_OK)
            rc = make_file(k, e);
    } else {
        json_t *doc = json_load_file(k->path, 0, NULL);
        const char *m = ml_json_text(doc, "master"), *f = ml_json_text(doc, "default");
        if (m == NULL || f == NULL || strlen(m) < 16 || strlen(f) < 16 || strlen(m) >= KEY_MAX ||
            strlen(f) >= KEY_MAX) {
            rc = ml_fail(
                e, ML_EFORMAT,
                "The keys in '%s' cannot be read: it must hold \"master\" and \"default\", of "
                "16 characters and more. Remove it to get new ones.",
                k->path);
        } else {
            (void)snprintf(k->master, sizeof k->master, "%s", m);
            (void)snprintf(k->function, sizeof k->function, "%s", f);
        }
        json_decref(doc);
    }
    if (rc != ML_OK) {
        ml_free(k);
        return rc;
    }
    *out = k;
    return ML_OK;
}

void ml_keys_free(struct ml_keys *k)
{
    ml_free(k);
}

const char *ml_keys_master(const struct ml_keys *k)
{
    return k->master;
}

const char *ml_keys_path(const struct ml_keys *k)
{
    return k->path;
}

/* Takes the same time wherever they differ: every byte of the fixed field is looked at. */
static bool same_key(const char key[KEY_MAX], struct ml_str given)
{
    unsigned differs = strlen(key) != given.n;
    for (size_t i = 0; i < KEY_MAX; i++) {
        unsigned char g = i < given.n ? (unsigned char)given.p[i] : 0;
        differs |= (unsigned)((unsigned char)key[i] ^ g) & 0xffU;
    }
    return differs == 0;
}

bool ml_keys_allow(const struct ml_keys *k, struct ml_http_request *r, bool admin)
{
    struct ml_str given = ml_http_header(r, ML_STR("x-functions-key"));
    if (given.p == NULL)
        given = ml_url_query_find(&r->arena, r->query, ML_STR("code"));
    bool master = same_key(k->master, given);
    bool function = same_key(k->function, given);
    return master || (function && !admin);
}
