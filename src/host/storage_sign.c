/* host/storage_sign.c -- see storage_sign.h. SPDX-License-Identifier: MIT */
#include "host/storage_sign.h"

#include "host/base64.h"
#include "http/url.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void ml_storage_date(char out[40], int64_t unix_s)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)unix_s;
    struct tm tm = {0};
    (void)gmtime_r(&t, &tm);
    (void)snprintf(out, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7], tm.tm_mday,
                   months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
}

static int by_name(const void *a, const void *b)
{
    const struct ml_storage_field *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static const char *header(const struct ml_storage_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (strcmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return "";
}

/* "http://127.0.0.1:10000/devstoreaccount1" -> "/devstoreaccount1"; "" when the address has no path. */
static const char *path_of(const char *endpoint)
{
    const char *host = strstr(endpoint, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    return path != NULL ? path : "";
}

static void add_ms_headers(const struct ml_storage_request *r, const char *date, struct ml_buf *b)
{
    struct ml_storage_field all[ML_STORAGE_HEADERS_MAX + 2];
    size_t n = 0;
    for (size_t i = 0; i < r->n_headers; i++)
        if (strncmp(r->headers[i].name, "x-ms-", 5) == 0)
            all[n++] = r->headers[i];
    all[n++] = (struct ml_storage_field){"x-ms-date", date};
    all[n++] = (struct ml_storage_field){"x-ms-version", ML_STORAGE_VERSION};
    qsort(all, n, sizeof all[0], by_name);
    for (size_t i = 0; i < n; i++)
        ml_buf_printf(b, "%s:%s\n", all[i].name, all[i].value);
}

void ml_storage_string_to_sign(const struct ml_storage_request *r, const char *date,
                               struct ml_buf *b)
{
    struct ml_storage_field query[ML_STORAGE_QUERY_MAX];
    memcpy(query, r->query, sizeof query);
    qsort(query, r->n_query, sizeof query[0], by_name);
    ml_buf_printf(b, "%s\n\n\n", r->method); /* Content-Encoding, Content-Language: none */
    if (r->length != 0)
        ml_buf_u64(b, r->length);
    ml_buf_printf(b, "\n\n%s\n\n\n%s\n%s\n\n\n", header(r, "content-type"), header(r, "if-match"),
                  header(r, "if-none-match"));
    add_ms_headers(r, date, b);
    ml_buf_printf(b, "/%s%s%s", r->account->name, path_of(r->account->endpoint[r->service]),
                  r->path);
    for (size_t i = 0; i < r->n_query; i++)
        ml_buf_printf(b, "\n%s:%s", query[i].name, query[i].value);
}

void ml_storage_url(const struct ml_storage_request *r, struct ml_buf *b)
{
    char mark = '?';
    ml_buf_printf(b, "%s%s", r->account->endpoint[r->service], r->path);
    for (size_t i = 0; i < r->n_query; i++) {
        ml_buf_printf(b, "%c%s=", mark, r->query[i].name);
        ml_url_encode(b, ml_str_of(r->query[i].value));
        mark = '&';
    }
    if (r->account->key_n == 0 && r->account->sas[0] != '\0')
        ml_buf_printf(b, "%c%s", mark, r->account->sas);
}

int ml_storage_authorize(const struct ml_storage_request *r, const char *date, struct ml_buf *b)
{
    const struct ml_storage_account *a = r->account;
    struct ml_buf text = {0};
    unsigned char mac[32];
    if (a->key_n == 0)
        return ML_OK;
    ml_storage_string_to_sign(r, date, &text);
    int rc = text.status;
    if (rc == ML_OK &&
        gnutls_hmac_fast(GNUTLS_MAC_SHA256, a->key, a->key_n, text.p, text.n, mac) != 0)
        rc = ML_EINVALID;
    ml_buf_free(&text);
    if (rc != ML_OK)
        return rc;
    ml_buf_printf(b, "SharedKey %s:", a->name);
    ml_base64_encode(b, (struct ml_str){(const char *)mac, sizeof mac});
    return b->status;
}
