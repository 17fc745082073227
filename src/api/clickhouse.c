/* api/clickhouse.c -- see clickhouse.h. SPDX-License-Identifier: MIT */
#include "api/clickhouse.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/port.h"
#include "http/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY_MAX_BYTES ((size_t)64 << 20)
#define CONNECT_S 10L
#define REQUEST_S 600L

struct ml_clickhouse {
    CURL *curl;     /* owned */
    char *url;      /* owned; without user, password, and a slash at its end */
    char *user;     /* owned; NULL: none */
    char *password; /* owned; NULL: none */
    char *database; /* owned */
    char words[CURL_ERROR_SIZE];
};

/* A part of the address without its percent escapes, as the caller's own. */
static char *decoded(const char *p, size_t n)
{
    struct ml_arena a = {0};
    struct ml_str s = ml_url_decode(&a, (struct ml_str){p, n}, false);
    char *copy = s.p != NULL ? ml_calloc(s.n + 1, 1) : NULL;
    if (copy != NULL && s.n != 0)
        memcpy(copy, s.p, s.n);
    ml_arena_clear(&a);
    return copy;
}

/* User and password out of the address, so that no message shows them. False: out of memory. */
static bool split_url(struct ml_clickhouse *c, const char *url)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    struct ml_buf rest = {0};
    ml_buf_add(&rest, url, (size_t)(host - url));
    ml_buf_cstr(&rest, at != NULL ? at + 1 : host);
    bool ok = rest.status == ML_OK && (c->url = ml_strdup(rest.p)) != NULL;
    ml_buf_free(&rest);
    if (ok && at != NULL) {
        const char *colon = memchr(host, ':', (size_t)(at - host));
        const char *end = colon != NULL ? colon : at;
        c->user = decoded(host, (size_t)(end - host));
        c->password = decoded(end + (colon != NULL), (size_t)(at - end) - (colon != NULL));
        ok = c->user != NULL && c->password != NULL;
    }
    return ok;
}

int ml_clickhouse_new(const char *url, const char *database, struct ml_clickhouse **out,
                      struct ml_error *e)
{
    struct ml_clickhouse *c = ml_calloc(1, sizeof *c);
    bool ok = c != NULL && split_url(c, url);
    if (ok) {
        c->curl = curl_easy_init();
        c->database = ml_strdup(database);
    }
    if (!ok || c->curl == NULL || c->database == NULL) {
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
    if (c->curl != NULL)
        curl_easy_cleanup(c->curl);
    ml_free(c->user);
    ml_free(c->password);
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
    if (c->user != NULL)
        curl_easy_setopt(c->curl, CURLOPT_USERNAME, c->user);
    if (c->password != NULL)
        curl_easy_setopt(c->curl, CURLOPT_PASSWORD, c->password);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, REQUEST_S);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->words);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)data.n);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, data.p != NULL ? data.p : "");
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, reply);
}

/* "Code: 42. DB::Exception: what happened. (NAME) (version ...)" -> what happened. */
static struct ml_str exception_text(struct ml_str s)
{
    static const char *const ends[] = {", e.what()", " (version ", ": While ", ": while ",
                                       ": In scope", "\n",         NULL};
    const char *mark = "DB::Exception: ";
    const char *at = s.n != 0 ? memmem(s.p, s.n, mark, strlen(mark)) : NULL;
    if (at != NULL)
        s = (struct ml_str){at + strlen(mark), (size_t)(s.p + s.n - at) - strlen(mark)};
    for (const char *const *end = ends; *end != NULL; end++) {
        const char *hit = s.n != 0 ? memmem(s.p, s.n, *end, strlen(*end)) : NULL;
        if (hit != NULL)
            s.n = (size_t)(hit - s.p);
    }
    s.n = s.n < 600 ? s.n : 600;
    return s;
}

/* What the server said. The SQL's own guards speak for memline. */
static int server_failed(long status, struct ml_str reply, struct ml_error *e)
{
    struct ml_str text = exception_text(reply);
    struct ml_str ours = ML_STR("memline: ");
    const char *guard = text.n != 0 ? memmem(text.p, text.n, ours.p, ours.n) : NULL;
    if (guard != NULL)
        return ml_fail(e, ML_EUNSUPPORTED, "not on ClickHouse: %.*s",
                       (int)(text.p + text.n - guard - (ptrdiff_t)ours.n), guard + ours.n);
    bool denied = status == 401 || status == 403 ||
                  (reply.p != NULL &&
                   (memmem(reply.p, reply.n, "AUTHENTICATION_FAILED", 21) != NULL ||
                    memmem(reply.p, reply.n, "Code: 192,", 10) != NULL ||
                    memmem(reply.p, reply.n, "Code: 193,", 10) != NULL));
    if (denied) {
        int rc = ml_fail(e, ML_EDENIED, "ClickHouse refuses this user: %.*s", (int)text.n, text.p);
        ml_hint(e, "give user and password in the address: user:password@host:port");
        return rc;
    }
    return ml_fail(e, ML_EINVALID, "ClickHouse answers %ld: %.*s", status, (int)text.n,
                   text.p != NULL ? text.p : "");
}

static int not_reached(struct ml_clickhouse *c, CURLcode code, const struct ml_buf *reply,
                       struct ml_error *e)
{
    const char *words = c->words[0] != '\0' ? c->words : curl_easy_strerror(code);
    if (code == CURLE_WRITE_ERROR && reply->status == ML_ENOMEM)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    if (code == CURLE_WRITE_ERROR) {
        int rc = ml_fail(e, ML_ELIMIT, "the answer of ClickHouse is larger than %zu bytes",
                         reply->max);
        ml_hint(e, "take fewer rows, or summarize");
        return rc;
    }
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return ml_fail(e, ML_ECANCELLED, "the query was cancelled");
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ml_fail(e, ML_ETIMEOUT, "ClickHouse at '%s' took too long: %s", c->url, words);
    int rc = ml_fail(e, ML_EIO, "cannot reach ClickHouse at '%s': %s", c->url, words);
    ml_hint(e, "look whether the server runs and its HTTP port is right");
    return rc;
}

static int send_request(struct ml_clickhouse *c, struct ml_buf *reply, struct ml_error *e)
{
    long status = 0;
    c->words[0] = '\0';
    CURLcode code = curl_easy_perform(c->curl);
    if (code != CURLE_OK)
        return not_reached(c, code, reply, e);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? ML_OK : server_failed(status, ml_buf_view(reply), e);
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

/* -- Queries -- */

static int watch_cancel(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total,
                        curl_off_t up)
{
    const atomic_bool *cancel = user;
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* A query that nobody waits for any more is ended on the server too; whether that works does not matter. */
static void kill_query(struct ml_clickhouse *c, const char *id)
{
    struct ml_buf sql = {0};
    struct ml_buf reply = {.max = 65536};
    struct ml_buf address = {0};
    ml_buf_printf(&sql, "KILL QUERY WHERE query_id = '%s' ASYNC", id);
    ml_buf_printf(&address, "%s/", c->url);
    if (sql.status == ML_OK && address.status == ML_OK) {
        set_options(c, address.p, ml_buf_view(&sql), &reply);
        curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, CONNECT_S);
        curl_easy_perform(c->curl);
    }
    ml_buf_free(&sql);
    ml_buf_free(&reply);
    ml_buf_free(&address);
}

static void query_address(struct ml_clickhouse *c, const struct ml_clickhouse_ask *ask,
                          const char *id, struct ml_buf *out)
{
    ml_buf_printf(out,
                  "%s/?query_id=%s&wait_end_of_query=1&default_format=RowBinary&max_query_size="
                  "4194304&max_ast_elements=1000000&max_expanded_ast_elements=4000000&"
                  "max_ast_depth=10000&max_subquery_depth=1000",
                  c->url, id);
    if (ask->timeout_ns != 0)
        ml_buf_printf(out, "&max_execution_time=%llu",
                      (unsigned long long)ask->timeout_ns / 1000000000u + 1);
}

int ml_clickhouse_query(struct ml_clickhouse *c, struct ml_str sql,
                        const struct ml_clickhouse_ask *ask, struct ml_buf *reply,
                        struct ml_error *e)
{
    static atomic_uint count;
    char id[64];
    struct ml_buf address = {0};
    snprintf(id, sizeof id, "memline-%ld-%lld-%u", (long)getpid(), (long long)ml_wall_ns(),
             atomic_fetch_add(&count, 1));
    query_address(c, ask, id, &address);
    if (address.status != ML_OK) {
        ml_buf_free(&address);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    set_options(c, address.p, sql, reply);
    if (ask->timeout_ns != 0)
        curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)(ask->timeout_ns / 1000000u + 1));
    curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, watch_cancel);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)ask->cancel);
    int rc = send_request(c, reply, e);
    if (rc == ML_ECANCELLED || rc == ML_ETIMEOUT || rc == ML_ELIMIT)
        kill_query(c, id);
    ml_buf_free(&address);
    return rc;
}

int ml_clickhouse_version(struct ml_clickhouse *c, unsigned *out, struct ml_error *e)
{
    struct ml_buf reply = {.max = 4096};
    unsigned major = 0;
    unsigned minor = 0;
    int rc = ml_clickhouse_run(c, ML_STR("SELECT version()"), (struct ml_str){0}, &reply, e);
    if (rc == ML_OK && (reply.p == NULL || sscanf(reply.p, "%u.%u", &major, &minor) != 2))
        rc = ml_fail(e, ML_EFORMAT, "what answers at '%s' is not ClickHouse", c->url);
    if (rc == ML_OK)
        *out = major * 100 + (minor < 100 ? minor : 99);
    ml_buf_free(&reply);
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
