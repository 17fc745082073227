/* api/clickhouse.c -- see clickhouse.h. SPDX-License-Identifier: MIT */
#include "api/clickhouse.h"

#include "base/mem.h"
#include "http/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MAX_BYTES ((size_t)64 << 20)
#define CONNECT_S 10L
#define REQUEST_S 600L

struct ml_clickhouse {
    CURL *curl;     /* owned */
    char *url;      /* owned; without a slash at its end */
    char *database; /* owned */
    char words[CURL_ERROR_SIZE];
};

int ml_clickhouse_new(const char *url, const char *database, struct ml_clickhouse **out,
                      struct ml_error *e)
{
    struct ml_clickhouse *c = ml_calloc(1, sizeof *c);
    if (c != NULL) {
        c->curl = curl_easy_init();
        c->url = ml_strdup(url);
        c->database = ml_strdup(database);
    }
    if (c == NULL || c->curl == NULL || c->url == NULL || c->database == NULL) {
        ml_clickhouse_free(c);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    size_t n = strlen(c->url);
    if (n != 0 && c->url[n - 1] == '/')
        c->url[n - 1] = '\0';
    *out = c;
    return ML_OK;
}

void ml_clickhouse_free(struct ml_clickhouse *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    ml_free(c->url);
    ml_free(c->database);
    ml_free(c);
}

static size_t take(char *bytes, size_t size, size_t n, void *user)
{
    struct ml_buf *reply = user;
    ml_buf_add(reply, bytes, size * n);
    return reply->status == ML_OK ? n : 0;
}

static void set_options(struct ml_clickhouse *c, const char *address, struct ml_str data,
                        struct ml_buf *reply)
{
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, address);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, REQUEST_S);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->words);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)data.n);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, data.p != NULL ? data.p : "");
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, reply);
}

static int send_request(struct ml_clickhouse *c, struct ml_buf *reply, struct ml_error *e)
{
    long status = 0;
    c->words[0] = '\0';
    CURLcode code = curl_easy_perform(c->curl);
    if (code != CURLE_OK) {
        int rc = ml_fail(e, ML_EIO, "cannot reach ClickHouse at '%s': %s", c->url,
                         c->words[0] != '\0' ? c->words : curl_easy_strerror(code));
        ml_hint(e, "look whether the server runs and its HTTP port is right");
        return rc;
    }
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return ML_OK;
    return ml_fail(e, ML_EINVALID, "ClickHouse answers %ld: %.*s", status,
                   (int)(reply->n < 700 ? reply->n : 700), reply->p != NULL ? reply->p : "");
}

/* With data the statement goes into the address, and the data is the body; alone it is the body. */
int ml_clickhouse_run(struct ml_clickhouse *c, struct ml_str sql, struct ml_str data,
                      struct ml_buf *reply, struct ml_error *e)
{
    struct ml_buf address = {0};
    struct ml_buf own = {.max = REPLY_MAX_BYTES};
    struct ml_buf *to = reply != NULL ? reply : &own;
    ml_buf_printf(&address, "%s/", c->url);
    if (data.n != 0) {
        ml_buf_cstr(&address, "?query=");
        ml_url_encode(&address, sql);
    }
    int rc = address.status;
    if (rc == ML_OK) {
        set_options(c, address.p, data.n != 0 ? data : sql, to);
        rc = send_request(c, to, e);
    } else {
        ml_fail(e, rc, "out of memory");
    }
    ml_buf_free(&address);
    ml_buf_free(&own);
    return rc;
}

/* -- Tables -- */

/* `name`, with what would end it escaped. */
static void add_name(struct ml_buf *sql, struct ml_str name)
{
    ml_buf_char(sql, '`');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '`' || name.p[i] == '\\')
            ml_buf_char(sql, '\\');
        ml_buf_char(sql, name.p[i]);
    }
    ml_buf_char(sql, '`');
}

static void add_table(struct ml_buf *sql, const char *database, enum ml_store_table t)
{
    add_name(sql, ml_str_of(database));
    ml_buf_char(sql, '.');
    add_name(sql, ml_store_table_get(t)->name);
}

static const char *type_of(enum ml_store_type t)
{
    switch (t) {
    case ML_STORE_INT:
        return "Nullable(Int32)";
    case ML_STORE_LONG:
        return "Nullable(Int64)";
    case ML_STORE_REAL:
        return "Nullable(Float64)";
    case ML_STORE_DATETIME:
        return "Int64";
    default:
        return "String";
    }
}

void ml_clickhouse_create_sql(const char *database, enum ml_store_table t, struct ml_buf *out)
{
    const struct ml_store_table_info *table = ml_store_table_get(t);
    ml_buf_cstr(out, "CREATE TABLE IF NOT EXISTS ");
    add_table(out, database, t);
    ml_buf_cstr(out, " (");
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct ml_store_col_info *column = ml_store_col_get(table->columns[i]);
        ml_buf_cstr(out, i != 0 ? ", " : "");
        add_name(out, column->name);
        ml_buf_printf(out, " %s", type_of(column->type));
    }
    ml_buf_cstr(out, ") ENGINE = MergeTree ORDER BY timestamp");
}

static int run_built(struct ml_clickhouse *c, struct ml_buf *sql, struct ml_str data,
                     struct ml_buf *reply, struct ml_error *e)
{
    int rc = sql->status;
    if (rc == ML_OK)
        rc = ml_clickhouse_run(c, ml_buf_view(sql), data, reply, e);
    else
        ml_fail(e, rc, "out of memory");
    ml_buf_free(sql);
    return rc;
}

int ml_clickhouse_create(struct ml_clickhouse *c, enum ml_store_table t, struct ml_error *e)
{
    struct ml_buf sql = {0};
    ml_buf_cstr(&sql, "CREATE DATABASE IF NOT EXISTS ");
    add_name(&sql, ml_str_of(c->database));
    int rc = run_built(c, &sql, (struct ml_str){0}, NULL, e);
    if (rc != ML_OK)
        return rc;
    sql = (struct ml_buf){0};
    ml_clickhouse_create_sql(c->database, t, &sql);
    return run_built(c, &sql, (struct ml_str){0}, NULL, e);
}

int ml_clickhouse_count(struct ml_clickhouse *c, enum ml_store_table t, uint64_t *rows,
                        struct ml_error *e)
{
    struct ml_buf sql = {0};
    struct ml_buf reply = {.max = 4096};
    ml_buf_cstr(&sql, "SELECT count() FROM ");
    add_table(&sql, c->database, t);
    int rc = run_built(c, &sql, (struct ml_str){0}, &reply, e);
    if (rc == ML_OK)
        *rows = strtoull(reply.p != NULL ? reply.p : "0", NULL, 10);
    ml_buf_free(&reply);
    return rc;
}

int ml_clickhouse_insert(struct ml_clickhouse *c, enum ml_store_table t, struct ml_str rows,
                         struct ml_error *e)
{
    struct ml_buf sql = {0};
    ml_buf_cstr(&sql, "INSERT INTO ");
    add_table(&sql, c->database, t);
    ml_buf_cstr(&sql, " FORMAT RowBinary");
    return run_built(c, &sql, rows, NULL, e);
}
