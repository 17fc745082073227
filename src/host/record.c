/* host/record.c -- see record.h. SPDX-License-Identifier: MIT */
#include "host/record_row.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "host/endpoints.h"
#include "host/insights_wire.h"
#include "host/say.h"
#include "store/place.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_MS = 200, FLUSH_ROWS = 500, VALUE_MAX = 8192 };

/* -- opening ------------------------------------------------------------------------------------- */

static void tell_trouble(void *user, const char *text)
{
    struct ml_host *h = user;
    ml_console_log(&h->console, "Host.Telemetry", ML_LEVEL_WARNING, ml_str_of(text));
}

static void flush(struct ml_records *r)
{
    r->timer_set = false;
    if (ml_rows_count(r->rows) == 0)
        return;
    for (size_t i = 0; i < r->n_sinks; i++)
        r->sinks[i].put(r->sinks[i].self, r->rows);
    ml_rows_clear(r->rows);
}

static void on_flush(void *user)
{
    flush(user);
}

static const char *connection_string(void)
{
    static char made[200];
    const char *s = getenv("APPLICATIONINSIGHTS_CONNECTION_STRING");
    if (s != NULL && s[0] != '\0')
        return s;
    s = getenv("APPINSIGHTS_INSTRUMENTATIONKEY");
    if (s == NULL || s[0] == '\0')
        return NULL;
    (void)snprintf(made, sizeof made, "InstrumentationKey=%.100s", s);
    return made;
}

static void read_identity(struct ml_records *r)
{
    const char *role = getenv("WEBSITE_CLOUD_ROLENAME"), *instance = getenv("WEBSITE_INSTANCE_ID");
    if (role == NULL || role[0] == '\0')
        role = getenv("WEBSITE_SITE_NAME");
    (void)snprintf(r->role, sizeof r->role, "%.120s", role != NULL ? role : "");
    for (char *p = r->role; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    if (instance == NULL || instance[0] == '\0')
        instance = getenv("COMPUTERNAME");
    if (instance != NULL && instance[0] != '\0')
        (void)snprintf(r->instance, sizeof r->instance, "%.120s", instance);
    else if (gethostname(r->instance, sizeof r->instance - 1) != 0)
        r->instance[0] = '\0';
    (void)snprintf(r->pid, sizeof r->pid, "%d", (int)getpid());
}

/* The project's store; where that cannot be opened, or MEMLINE_FUNC_RECORDS=spool says so, JSON lines. */
static void open_local(struct ml_host *h, struct ml_records *r, const struct ml_sink_trouble *t)
{
    const char *how = getenv("MEMLINE_FUNC_RECORDS");
    char path[PATH_MAX];
    struct ml_error e;
    struct ml_sink *sink = &r->sinks[r->n_sinks];
    int rc = ML_EUNSUPPORTED;
    if (how == NULL || strcmp(how, "spool") != 0) {
        rc = ml_store_place(h->settings.root, path, sizeof path, &e);
        if (rc == ML_OK)
            rc = ml_store_sink_open(h->loop, path, t, sink, &e);
        if (rc == ML_OK)
            r->writer = ml_store_sink_writer(sink);
        if (rc != ML_OK)
            tell_trouble(h, e.text);
    }
    if (rc != ML_OK && h->state_dir[0] != '\0') {
        rc = ml_spool_open(h->state_dir, t, sink, &e);
        if (rc != ML_OK)
            tell_trouble(h, e.text);
    }
    r->n_sinks += rc == ML_OK;
}

int ml_records_open(struct ml_host *h, struct ml_error *e)
{
    const char *cs = connection_string();
    const char *where = h->o->telemetry;
    if (where == NULL)
        where = cs != NULL ? "both" : "local";
    if (strcmp(where, "off") == 0)
        return ML_OK;
    struct ml_records *r = ml_calloc(1, sizeof *r);
    const struct ml_sink_trouble t = {tell_trouble, h};
    int rc = r != NULL ? ml_rows_new(&r->rows) : ML_ENOMEM;
    if (rc != ML_OK) {
        ml_free(r);
        return ml_fail(e, rc, "cannot keep records: out of memory");
    }
    read_identity(r);
    struct ml_insights_target target;
    if (cs != NULL && ml_insights_parse(cs, &target, NULL) == ML_OK)
        (void)snprintf(r->ikey, sizeof r->ikey, "%s", target.key);
    h->records = r;
    if (strcmp(where, "azure") != 0)
        open_local(h, r, &t);
    if (strcmp(where, "local") != 0 && cs != NULL) {
        rc = ml_insights_open(h->loop, cs, h->state_dir, &t, &r->sinks[r->n_sinks], e);
        r->n_sinks += rc == ML_OK;
    }
    if (rc == ML_OK)
        rc = ml_timer_new(h->loop, FLUSH_MS, 0, on_flush, r, &r->timer);
    return rc;
}

struct ml_writer *ml_records_writer(const struct ml_host *h)
{
    return h->records != NULL ? h->records->writer : NULL;
}

void ml_records_close(struct ml_host *h, unsigned wait_ms)
{
    struct ml_records *r = h->records;
    if (r == NULL)
        return;
    h->records = NULL;
    flush(r);
    for (size_t i = 0; i < r->n_sinks; i++)
        r->sinks[i].close(r->sinks[i].self, wait_ms);
    ml_timer_free(r->timer);
    ml_rows_free(r->rows);
    ml_buf_free(&r->dims);
    ml_free(r);
}

/* -- rows ---------------------------------------------------------------------------------------- */

struct ml_str ml__cut(struct ml_str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--; /* not inside a character */
    return (struct ml_str){s.p, max};
}

void ml__dim(struct ml_records *r, const char *key, struct ml_str value)
{
    ml_buf_cstr(&r->dims, r->dims.n > 1 ? ",\"" : "\"");
    ml_buf_cstr(&r->dims, key);
    ml_buf_cstr(&r->dims, "\":");
    ml_buf_json(&r->dims, ml__cut(value, VALUE_MAX));
}

void ml__dim_text(struct ml_records *r, const char *key, const char *value)
{
    ml__dim(r, key, ml_str_of(value));
}

void ml__begin_dims(struct ml_host *h, const char *category, enum ml_level level,
                    const struct ml_call_ids *ids)
{
    struct ml_records *r = h->records;
    ml_buf_clear(&r->dims);
    ml_buf_char(&r->dims, '{');
    ml__dim_text(r, "Category", category);
    ml__dim_text(r, "LogLevel", ml_level_name(level));
    if (ids != NULL)
        ml__dim_text(r, "InvocationId", ids->id);
    ml__dim_text(r, "HostInstanceId", h->instance_id);
    ml__dim_text(r, "ProcessId", r->pid);
}

void ml__put_text(struct ml_records *r, enum ml_store_col c, const char *s)
{
    ml_rows_str(r->rows, c, ml_str_of(s));
}

int64_t ml__ticks_of(struct ml_records *r, double unix_s)
{
    int64_t t = unix_s > 0 ? ML_STORE_TICKS_1970 + (int64_t)(unix_s * 1e7) : ml_ticks_now();
    if (t <= r->last_ticks && t > r->last_ticks - ML_STORE_TICKS_PER_S)
        t = r->last_ticks + 1; /* rows of one moment keep their order */
    if (t > r->last_ticks)
        r->last_ticks = t;
    return t;
}

void ml__begin_row(struct ml_records *r, enum ml_store_table t, int64_t ticks, const char *function,
                   const struct ml_call_ids *ids, const char *parent)
{
    ml_rows_begin(r->rows, t);
    ml_rows_i64(r->rows, ML_COL_timestamp, ticks);
    if (ids != NULL) {
        ml__put_text(r, ML_COL_operation_Name, function);
        ml__put_text(r, ML_COL_operation_Id, ids->trace_id);
        ml__put_text(r, ML_COL_operation_ParentId, parent);
    }
    ml__put_text(r, ML_COL_iKey, r->ikey);
    ml__put_text(r, ML_COL_cloud_RoleName, r->role);
    ml__put_text(r, ML_COL_cloud_RoleInstance, r->instance);
    ml__put_text(r, ML_COL_client_Type, "PC");
    ml__put_text(r, ML_COL_sdkVersion, "azurefunctions: 4.1052.0.0");
}

void ml__end_row(struct ml_records *r)
{
    ml_buf_char(&r->dims, '}');
    if (r->dims.status == ML_OK)
        ml_rows_str(r->rows, ML_COL_customDimensions, ml_buf_view(&r->dims));
    (void)ml_rows_end(r->rows); /* a row too large is dropped */
    if (ml_rows_count(r->rows) >= FLUSH_ROWS) {
        flush(r);
    } else if (!r->timer_set && r->timer != NULL) {
        r->timer_set = true;
        ml_timer_set(r->timer, FLUSH_MS);
    }
}

static int severity(enum ml_level l)
{
    static const int of[] = {0, 0, 1, 2, 3, 4, 4};
    return of[l];
}

bool ml__is_kept(const struct ml_host *h, const char *category, enum ml_level level)
{
    if (h->records == NULL || level == ML_LEVEL_NONE)
        return false;
    struct ml_level_filter f = h->console.filter;
    f.system = ML_LEVEL_INFORMATION;
    return level >= ml_level_shown(&f, category);
}

bool ml__begin_trace(struct ml_host *h, const char *category, enum ml_level level,
                     struct ml_str message, const char *function, const struct ml_call_ids *ids,
                     double unix_s)
{
    struct ml_records *r = h->records;
    if (!ml__is_kept(h, category, level))
        return false;
    ml__begin_row(r, ML_TABLE_traces, ml__ticks_of(r, unix_s), function, ids,
                  ids != NULL ? ids->span_id : "");
    ml_rows_str(r->rows, ML_COL_message, ml__cut(message, ML__MESSAGE_MAX));
    ml_rows_i64(r->rows, ML_COL_severityLevel, severity(level));
    ml__put_text(r, ML_COL_client_IP, "0.0.0.0");
    ml__begin_dims(h, category, level, ids);
    return true;
}

void ml_host_log(struct ml_host *h, const char *category, enum ml_level level, const char *fmt, ...)
{
    struct ml_buf b = {0};
    va_list args;
    va_start(args, fmt);
    ml_buf_vprintf(&b, fmt, args);
    va_end(args);
    ml_console_log(&h->console, category, level, ml_buf_view(&b));
    if (ml__begin_trace(h, category, level, ml_buf_view(&b), NULL, NULL, 0))
        ml__end_row(h->records);
    ml_buf_free(&b);
}

/* -- what a worker tells ------------------------------------------------------------------------- */

static void find_call(struct ml_host *h, const char *id, const struct ml_call_ids **ids,
                      const char **function)
{
    const struct ml_invocation *inv = ml_invocation_find(h, id);
    const struct ml_ended *ended = inv == NULL ? ml_ended_find(h, id) : NULL;
    *ids = inv != NULL ? ml_invocation_ids(inv) : ended != NULL ? &ended->ids : NULL;
    *function = inv != NULL ? ml_invocation_function(inv) : ended != NULL ? ended->function : NULL;
}

static void worker_dims(struct ml_host *h, const struct ml_frame *f, pid_t pid)
{
    struct ml_records *r = h->records;
    const char *key;
    const json_t *v;
    char text[16];
    (void)snprintf(text, sizeof text, "%d", (int)pid);
    ml__dim(r, "prop__LoggerName", ml_json_str(f->json, "logger"));
    ml__dim(r, "prop__ThreadName", ml_json_str(f->json, "thread"));
    ml__dim_text(r, "prop__WorkerProcessId", text);
    const json_t *err = json_object_get(f->json, "exception");
    if (json_is_object(err)) {
        ml__dim(r, "prop__PythonExceptionType", ml_json_str(err, "type"));
        ml__dim(r, "prop__PythonTraceback", ml_json_str(err, "traceback"));
    }
    json_object_foreach(json_object_get(f->json, "fields"), key, v) {
        if (!json_is_string(v) || strlen(key) > 150)
            continue;
        ml_buf_char(&r->dims, ',');
        ml_buf_json(&r->dims, ml_str_of(key));
        ml_buf_char(&r->dims, ':');
        ml_buf_json(&r->dims, ml__cut((struct ml_str){json_string_value(v), json_string_length(v)},
                                      VALUE_MAX));
    }
}

void ml_record_worker_log(struct ml_host *h, const struct ml_frame *f, pid_t pid)
{
    enum ml_level level = ml_level_of_python((int)ml_json_i64(f->json, "level", 20));
    const struct ml_call_ids *ids;
    const char *function;
    char category[200] = "User";
    find_call(h, ml_json_text(f->json, "id"), &ids, &function);
    struct ml_str message = ml_json_str(f->json, "message");
    struct ml_str shown = ml_json_str(f->json, "console");
    if (json_is_true(json_object_get(f->json, "system"))) {
        if (h->o->debug)
            ml_console_log(&h->console, "Worker.LanguageWorkerChannel.python", level, message);
        return;
    }
    if (function != NULL)
        (void)snprintf(category, sizeof category, "Function.%.128s.User", function);
    ml_console_log(&h->console, category, level, shown.p != NULL ? shown : message);
    if (h->exports_logs && ml_endpoints_are_target(h))
        return; /* it comes to the store by itself */
    if (ml__begin_trace(h, category, level, message, function, ids,
                        json_number_value(json_object_get(f->json, "time")))) {
        worker_dims(h, f, pid);
        ml__end_row(h->records);
    }
}

void ml_record_console_line(struct ml_host *h, enum ml_level level, struct ml_str line, pid_t pid)
{
    static const char category[] = "Host.Function.Console";
    ml_console_log(&h->console, category, level, line);
    if (ml__begin_trace(h, category, level, line, NULL, NULL, 0)) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", (int)pid);
        ml__dim_text(h->records, "prop__WorkerProcessId", text);
        ml__end_row(h->records);
    }
}
