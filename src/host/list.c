/* host/list.c -- `func list`: what the host that runs in this project serves.
 *
 * A running host leaves its address in STATE/host.json (running.h). SPDX-License-Identifier: MIT */
#include "host/func.h"
#include "host/running.h"
#include "host/say.h"
#include "host/settings.h"
#include "host/wire.h"

#include <curl/curl.h>
#include <string.h>

enum { ANSWER_MAX = 4 << 20 };

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct ml_buf *b = user;
    ml_buf_add(b, p, size * n);
    return b->status == ML_OK ? size * n : 0;
}

/* GET url into b; 0: no answer. */
static long fetch(const char *url, const char *key, struct ml_buf *b)
{
    char header[200];
    long status = 0;
    CURL *c = curl_easy_init();
    if (c == NULL)
        return 0;
    (void)snprintf(header, sizeof header, "x-functions-key: %.150s", key);
    struct curl_slist *h = key[0] != '\0' ? curl_slist_append(NULL, header) : NULL;
    (void)curl_easy_setopt(c, CURLOPT_URL, url);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, b);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 5000L);
    (void)curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER,
                           0L); /* our own certificate, on this machine */
    (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    if (curl_easy_perform(c) == CURLE_OK)
        (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(h);
    curl_easy_cleanup(c);
    return status;
}

static const char *trigger_of(const json_t *function)
{
    size_t i;
    json_t *b;
    json_array_foreach(json_object_get(json_object_get(function, "config"), "bindings"), i, b) {
        const char *type = ml_json_text(b, "type");
        size_t n = type != NULL ? strlen(type) : 0;
        if (n > 7 && strcmp(type + n - 7, "Trigger") == 0)
            return type;
    }
    return "no trigger";
}

static void print(const json_t *list)
{
    size_t i;
    json_t *f;
    json_array_foreach(list, i, f) {
        const char *name = ml_json_text(f, "name"), *url = ml_json_text(f, "invoke_url_template");
        bool disabled = json_is_true(json_object_get(f, "isDisabled"));
        ml_say("%s: %s%s", name != NULL ? name : "", url != NULL ? url : trigger_of(f),
               disabled ? " (disabled)" : "");
    }
}

int ml_func_list(const struct ml_func_options *o)
{
    char root[PATH_MAX], url[128], key[160];
    struct ml_error e;
    struct ml_buf b = {.max = ANSWER_MAX};
    (void)o;
    if (ml_project_root(root, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    if (ml_running_find(root, url, key, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    size_t n = strlen(url);
    (void)snprintf(url + n, sizeof url - n, "/admin/functions");
    long status = fetch(url, key, &b);
    json_t *list = status == 200 ? json_loadb(b.p, b.n, 0, NULL) : NULL;
    ml_buf_free(&b);
    if (!json_is_array(list)) {
        json_decref(list);
        return ml_say_failure("The host at %s does not answer (status %ld).", url, status);
    }
    print(list);
    json_decref(list);
    return 0;
}
