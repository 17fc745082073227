/* host/storage_account.c -- see storage_account.h. SPDX-License-Identifier: MIT */
#include "host/storage_account.h"

#include "host/base64.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The account that every emulator has; its key is printed in every manual. */
static const char dev_name[] = "devstoreaccount1";
static const char dev_key[] = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
                              "K1SZFPTOtr/KBHBeksoGMGw==";

struct parts {
    char name[64];
    char key[256];
    char protocol[8];
    char suffix[128];
    char blob[512];
    char queue[512];
    char sas[1024];
    char development[8];
    char proxy[256];
};

struct part {
    const char *key;
    size_t at;
    size_t size;
};
#define PART(text, field)                                                       \
    {                                                                           \
        text, offsetof(struct parts, field), sizeof(((struct parts *)0)->field) \
    }

static const struct part known[] = {
    PART("AccountName", name),
    PART("AccountKey", key),
    PART("DefaultEndpointsProtocol", protocol),
    PART("EndpointSuffix", suffix),
    PART("BlobEndpoint", blob),
    PART("QueueEndpoint", queue),
    PART("SharedAccessSignature", sas),
    PART("UseDevelopmentStorage", development),
    PART("DevelopmentStorageProxyUri", proxy),
};

static int read_part(struct parts *p, const char *key, size_t key_n, const char *value,
                     size_t value_n, struct ml_error *e)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].key) != key_n || strncasecmp(known[i].key, key, key_n) != 0)
            continue;
        if (value_n >= known[i].size)
            return ml_fail(e, ML_EINVALID, "the value of '%s' is too long", known[i].key);
        char *to = (char *)p + known[i].at;
        memcpy(to, value, value_n);
        to[value_n] = '\0';
        return ML_OK;
    }
    return ML_OK; /* TableEndpoint and the like */
}

static int split(const char *text, struct parts *p, struct ml_error *e)
{
    while (*text != '\0') {
        size_t n = strcspn(text, ";");
        while (n != 0 && isspace((unsigned char)*text)) {
            text++;
            n--;
        }
        const char *eq = memchr(text, '=', n);
        if (n != 0 && eq == NULL)
            return ml_fail(e, ML_EINVALID, "a part of it is not of the form KEY=VALUE");
        if (n != 0) {
            size_t key_n = (size_t)(eq - text), value_n = n - key_n - 1;
            while (value_n != 0 && isspace((unsigned char)eq[value_n]))
                value_n--;
            int rc = read_part(p, text, key_n, eq + 1, value_n, e);
            if (rc != ML_OK)
                return rc;
        }
        text += n + (text[n] == ';');
    }
    return ML_OK;
}

static void strip_slashes(char *url)
{
    size_t n = strlen(url);
    while (n != 0 && url[n - 1] == '/')
        url[--n] = '\0';
}

static bool is_url(const char *s)
{
    return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

static int development(struct parts *p, struct ml_error *e)
{
    if (strcasecmp(p->development, "true") != 0)
        return ml_fail(e, ML_EINVALID, "'UseDevelopmentStorage' must be true");
    const char *host = p->proxy[0] != '\0' ? p->proxy : "http://127.0.0.1";
    strip_slashes(p->proxy);
    (void)snprintf(p->blob, sizeof p->blob, "%s:10000/%s", host, dev_name);
    (void)snprintf(p->queue, sizeof p->queue, "%s:10001/%s", host, dev_name);
    (void)snprintf(p->name, sizeof p->name, "%s", dev_name);
    (void)snprintf(p->key, sizeof p->key, "%s", dev_key);
    return ML_OK;
}

/* Endpoints that were not given follow from the name. */
static void derive_endpoints(struct parts *p)
{
    const char *protocol = p->protocol[0] != '\0' ? p->protocol : "https";
    const char *suffix = p->suffix[0] != '\0' ? p->suffix : "core.windows.net";
    if (p->name[0] == '\0')
        return;
    if (p->blob[0] == '\0')
        (void)snprintf(p->blob, sizeof p->blob, "%s://%s.blob.%s", protocol, p->name, suffix);
    if (p->queue[0] == '\0')
        (void)snprintf(p->queue, sizeof p->queue, "%s://%s.queue.%s", protocol, p->name, suffix);
}

static int check(const struct parts *p, struct ml_error *e)
{
    if (p->protocol[0] != '\0' && strcasecmp(p->protocol, "http") != 0 &&
        strcasecmp(p->protocol, "https") != 0)
        return ml_fail(e, ML_EINVALID, "'DefaultEndpointsProtocol' must be http or https");
    if (p->blob[0] == '\0' && p->queue[0] == '\0')
        return ml_fail(e, ML_EINVALID, "it names neither an account nor an endpoint");
    if ((p->blob[0] != '\0' && !is_url(p->blob)) || (p->queue[0] != '\0' && !is_url(p->queue)))
        return ml_fail(e, ML_EINVALID, "an endpoint in it is not an http or https address");
    if (p->sas[0] == '\0' && (p->name[0] == '\0' || p->key[0] == '\0'))
        return ml_fail(e, ML_EINVALID,
                       "it has neither 'AccountName' and 'AccountKey' nor 'SharedAccessSignature'");
    return ML_OK;
}

static int take_key(const char *text, struct ml_storage_account *out, struct ml_error *e)
{
    struct ml_buf b = {.max = sizeof out->key};
    bool ok = ml_base64_decode(&b, ml_str_of(text)) && b.status == ML_OK;
    if (ok && b.n != 0) {
        memcpy(out->key, b.p, b.n);
        out->key_n = b.n;
    }
    ml_buf_free(&b);
    return ok ? ML_OK : ml_fail(e, ML_EINVALID, "'AccountKey' is not base64");
}

int ml_storage_account_parse(const char *text, struct ml_storage_account *out, struct ml_error *e)
{
    struct parts p = {0};
    struct ml_storage_account a = {0};
    int rc = split(text, &p, e);
    if (rc == ML_OK && p.development[0] != '\0')
        rc = development(&p, e);
    derive_endpoints(&p);
    if (rc == ML_OK)
        rc = check(&p, e);
    if (rc == ML_OK && p.sas[0] == '\0')
        rc = take_key(p.key, &a, e);
    if (rc != ML_OK)
        return rc;
    strip_slashes(p.blob);
    strip_slashes(p.queue);
    memcpy(a.name, p.name, sizeof a.name);
    (void)snprintf(a.sas, sizeof a.sas, "%s", p.sas + (p.sas[0] == '?'));
    memcpy(a.endpoint[ML_STORAGE_BLOB], p.blob, sizeof p.blob);
    memcpy(a.endpoint[ML_STORAGE_QUEUE], p.queue, sizeof p.queue);
    *out = a;
    return ML_OK;
}

/* -- which setting ------------------------------------------------------------------------------- */

static const char *setting(const char *prefix, const char *name, const char *suffix)
{
    char full[400];
    (void)snprintf(full, sizeof full, "%s%.300s%s", prefix, name, suffix);
    const char *v = getenv(full);
    return v != NULL && v[0] != '\0' ? v : NULL;
}

int ml_storage_setting(const char *connection, const char **out, struct ml_error *e)
{
    static const char *const prefixes[] = {"AzureWebJobs", "",
                                           "ConnectionStrings:", "ConnectionStrings__"};
    static const char *const identities[] = {"__accountName", "__serviceUri", "__blobServiceUri",
                                             "__queueServiceUri"};
    const char *name = connection != NULL && connection[0] != '\0' ? connection
                                                                   : "AzureWebJobsStorage";
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const char *v = setting(prefixes[i], name, "");
        if (v != NULL) {
            *out = v;
            return ML_OK;
        }
    }
    for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++)
        if (setting("", name, identities[i]) != NULL)
            return ml_fail(e, ML_EUNSUPPORTED,
                           "The connection '%.200s' is identity-based, which is not supported "
                           "here. Set '%.200s' to a connection string.",
                           name, name);
    return ml_fail(e, ML_ENOTFOUND,
                   "Missing value for %.200s in local.settings.json. Set it to "
                   "UseDevelopmentStorage=true for the emulator Azurite, or to the connection "
                   "string of a storage account.",
                   name);
}
