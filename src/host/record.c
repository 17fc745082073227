/* host/record.c -- see record.h. SPDX-License-Identifier: MIT */
#include "host/record.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "host/say.h"
#include "host/sink.h"
#include "store/place.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_MS = 200, FLUSH_ROWS = 500, MESSAGE_MAX = 32768, VALUE_MAX = 8192, MAX_SINKS = 3 };

struct ml_records {
    struct ml_rows *rows; /* owned; collected since the last flush */
    struct ml_sink sinks[MAX_SINKS];
    size_t n_sinks;
    struct ml_timer *timer;
    bool timer_set;
    int64_t last_ticks; /* strictly rising, so that rows keep their order */
    char role[128];
    char instance[128];
    char ikey[64];
    char pid[16];
    struct ml_buf dims; /* reused */
};

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

static struct ml_str cut(struct ml_str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--; /* not inside a character */
    return (struct ml_str){s.p, max};
}

static void dim(struct ml_records *r, const char *key, struct ml_str value)
{
    ml_buf_cstr(&r->dims, r->dims.n > 1 ? ",\"" : "\"");
    ml_buf_cstr(&r->dims, key);
    ml_buf_cstr(&r->dims, "\":");
    ml_buf_json(&r->dims, cut(value, VALUE_MAX));
}

static void dim_text(struct ml_records *r, const char *key, const char *value)
{
    dim(r, key, ml_str_of(value));
}

static void begin_dims(struct ml_host *h, const char *category, enum ml_level level,
                       const struct ml_call_ids *ids)
{
    struct ml_records *r = h->records;
    ml_buf_clear(&r->dims);
    ml_buf_char(&r->dims, '{');
    dim_text(r, "Category", category);
    dim_text(r, "LogLevel", ml_level_name(level));
    if (ids != NULL)
        dim_text(r, "InvocationId", ids->id);
    dim_text(r, "HostInstanceId", h->instance_id);
    dim_text(r, "ProcessId", r->pid);
}

static void put_text(struct ml_records *r, enum ml_store_col c, const char *s)
{
    ml_rows_str(r->rows, c, ml_str_of(s));
}

static int64_t ticks_of(struct ml_records *r, double unix_s)
{
    int64_t t = unix_s > 0 ? ML_STORE_TICKS_1970 + (int64_t)(unix_s * 1e7) : ml_ticks_now();
    if (t <= r->last_ticks && t > r->last_ticks - ML_STORE_TICKS_PER_S)
        t = r->last_ticks + 1; /* rows of one moment keep their order */
    if (t > r->last_ticks)
        r->last_ticks = t;
    return t;
}

static void begin_row(struct ml_records *r, enum ml_store_table t, int64_t ticks,
                      const char *function, const struct ml_call_ids *ids, const char *parent)
{
    ml_rows_begin(r->rows, t);
    ml_rows_i64(r->rows, ML_COL_timestamp, ticks);
    if (ids != NULL) {
        put_text(r, ML_COL_operation_Name, function);
        put_text(r, ML_COL_operation_Id, ids->trace_id);
        put_text(r, ML_COL_operation_ParentId, parent);
    }
    put_text(r, ML_COL_cloud_RoleName, r->role);
    put_text(r, ML_COL_cloud_RoleInstance, r->instance);
    put_text(r, ML_COL_client_Type, "PC");
    put_text(r, ML_COL_sdkVersion, "azurefunctions: 4.1052.0.0");
}

static void end_row(struct ml_records *r)
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

/* logging.logLevel of host.json decides, not the console's --verbose. */
static bool is_kept(const struct ml_host *h, const char *category, enum ml_level level)
{
    if (h->records == NULL || level == ML_LEVEL_NONE)
        return false;
    struct ml_level_filter f = h->console.filter;
    f.system = ML_LEVEL_INFORMATION;
    return level >= ml_level_shown(&f, category);
}

/* A traces row up to its dimensions; false: not kept. */
static bool begin_trace(struct ml_host *h, const char *category, enum ml_level level,
                        struct ml_str message, const char *function, const struct ml_call_ids *ids,
                        double unix_s)
{
    struct ml_records *r = h->records;
    if (!is_kept(h, category, level))
        return false;
    begin_row(r, ML_TABLE_traces, ticks_of(r, unix_s), function, ids,
              ids != NULL ? ids->span_id : "");
    ml_rows_str(r->rows, ML_COL_message, cut(message, MESSAGE_MAX));
    ml_rows_i64(r->rows, ML_COL_severityLevel, severity(level));
    put_text(r, ML_COL_client_IP, "0.0.0.0");
    begin_dims(h, category, level, ids);
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
    if (begin_trace(h, category, level, ml_buf_view(&b), NULL, NULL, 0))
        end_row(h->records);
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
    dim(r, "prop__LoggerName", ml_json_str(f->json, "logger"));
    dim(r, "prop__ThreadName", ml_json_str(f->json, "thread"));
    dim_text(r, "prop__WorkerProcessId", text);
    const json_t *err = json_object_get(f->json, "exception");
    if (json_is_object(err)) {
        dim(r, "prop__PythonExceptionType", ml_json_str(err, "type"));
        dim(r, "prop__PythonTraceback", ml_json_str(err, "traceback"));
    }
    json_object_foreach(json_object_get(f->json, "fields"), key, v) {
        if (!json_is_string(v) || strlen(key) > 150)
            continue;
        ml_buf_char(&r->dims, ',');
        ml_buf_json(&r->dims, ml_str_of(key));
        ml_buf_char(&r->dims, ':');
        ml_buf_json(&r->dims,
                    cut((struct ml_str){json_string_value(v), json_string_length(v)}, VALUE_MAX));
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
    if (begin_trace(h, category, level, message, function, ids,
                    json_number_value(json_object_get(f->json, "time")))) {
        worker_dims(h, f, pid);
        end_row(h->records);
    }
}

void ml_record_console_line(struct ml_host *h, enum ml_level level, struct ml_str line, pid_t pid)
{
    static const char category[] = "Host.Function.Console";
    ml_console_log(&h->console, category, level, line);
    if (begin_trace(h, category, level, line, NULL, NULL, 0)) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", (int)pid);
        dim_text(h->records, "prop__WorkerProcessId", text);
        end_row(h->records);
    }
}

/* -- invocations --------------------------------------------------------------------------------- */

void ml_record_executing(struct ml_host *h, const struct ml_function *fn,
                         const struct ml_call_ids *ids, const char *reason, const char *details)
{
    char category[160];
    struct ml_buf b = {0};
    (void)snprintf(category, sizeof category, "Function.%.128s", fn->name);
    bool shown = ml_console_shows(&h->console, category, ML_LEVEL_INFORMATION);
    bool kept = is_kept(h, category, ML_LEVEL_INFORMATION);
    if (!shown && !kept)
        return;
    ml_buf_printf(&b, "Executing 'Functions.%s' (Reason='%s', Id=%s)", fn->name, reason, ids->id);
    ml_console_log(&h->console, category, ML_LEVEL_INFORMATION, ml_buf_view(&b));
    if (begin_trace(h, category, ML_LEVEL_INFORMATION, ml_buf_view(&b), fn->name, ids, 0)) {
        struct ml_records *r = h->records;
        dim_text(r, "prop__{OriginalFormat}",
                 "Executing '{functionName}' (Reason='{reason}', Id={invocationId})");
        ml_buf_clear(&b);
        ml_buf_printf(&b, "Functions.%s", fn->name);
        dim(r, "prop__functionName", ml_buf_view(&b));
        dim_text(r, "prop__reason", reason);
        dim_text(r, "prop__invocationId", ids->id);
        end_row(r);
    }
    if (details != NULL) {
        ml_console_log(&h->console, category, ML_LEVEL_INFORMATION, ml_str_of(details));
        if (begin_trace(h, category, ML_LEVEL_INFORMATION, ml_str_of(details), fn->name, ids, 0))
            end_row(h->records);
    }
    ml_buf_free(&b);
}

void ml_record_keep_request(struct ml_outcome *o, const struct ml_http_request *r,
                            const struct ml_host *h)
{
    if (r == NULL || h->records == NULL)
        return;
    struct ml_str host = ml_http_header(r, ML_STR("Host"));
    struct ml_str forwarded = ml_http_header(r, ML_STR("X-Forwarded-For"));
    struct ml_buf b = {0};
    ml_buf_printf(&b, "%s://%.*s%.*s", r->tls ? "https" : "http", (int)host.n,
                  host.n != 0 ? host.p : "", (int)r->path.n, r->path.p);
    o->url = b.p;
    o->path = ml_strndup(r->path.p, r->path.n);
    (void)snprintf(o->method, sizeof o->method, "%.*s", (int)(r->method.n < 15 ? r->method.n : 15),
                   r->method.p);
    if (forwarded.n != 0) {
        size_t n = 0;
        while (n < forwarded.n && n < sizeof o->peer - 1 && forwarded.p[n] != ',')
            n++;
        (void)snprintf(o->peer, sizeof o->peer, "%.*s", (int)n, forwarded.p);
    } else {
        (void)snprintf(o->peer, sizeof o->peer, "%s", r->peer);
    }
}

void ml_record_drop_request(struct ml_outcome *o)
{
    ml_free(o->url);
    ml_free(o->path);
}

static const char *bucket(double ms)
{
    static const struct {
        double below;
        const char *name;
    } buckets[] = {{250, "<250ms"},        {500, "250ms-500ms"},  {1000, "500ms-1sec"},
                   {3000, "1sec-3sec"},    {7000, "3sec-7sec"},   {15000, "7sec-15sec"},
                   {30000, "15sec-30sec"}, {60000, "30sec-1min"}, {120000, "1min-2min"},
                   {300000, "2min-5min"}};
    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++)
        if (ms < buckets[i].below)
            return buckets[i].name;
    return ">=5min";
}

/* The memory figures behind the Executed line: " rss 45.1 MiB (+1.5 MiB, peak 47.6 MiB)". */
static void memory_text(struct ml_buf *b, const struct ml_frame *f)
{
    const json_t *m = f != NULL ? json_object_get(f->json, "memory") : NULL;
    const json_t *before = json_object_get(m, "rss_before"),
                 *after = json_object_get(m, "rss_after");
    const json_t *peak = json_object_get(m, "rss_peak"), *heap = json_object_get(m, "heap_net");
    const double mib = 1048576.0;
    if (!json_is_number(after))
        return;
    ml_buf_printf(b, " rss %.1f MiB", json_number_value(after) / mib);
    if (json_is_number(before))
        ml_buf_printf(b, " (%+.1f MiB",
                      (json_number_value(after) - json_number_value(before)) / mib);
    if (json_is_number(before) && json_is_number(peak))
        ml_buf_printf(b, ", peak %.1f MiB", json_number_value(peak) / mib);
    if (json_is_number(before) && json_is_number(heap))
        ml_buf_printf(b, ", heap %+.1f MiB", json_number_value(heap) / mib);
    if (json_is_number(before))
        ml_buf_char(b, ')');
}

/* {"memline.rssBefore":...}; nothing when nothing was measured. */
static void memory_measures(struct ml_records *r, const struct ml_frame *f)
{
    static const struct {
        const char *wire;
        const char *row;
    } names[] = {{"rss_before", "memline.rssBefore"},
                 {"rss_after", "memline.rssAfter"},
                 {"rss_peak", "memline.rssPeak"},
                 {"heap_net", "memline.heapNet"},
                 {"heap_peak", "memline.heapPeak"}};
    struct ml_buf b = {0};
    const char *key;
    const json_t *v;
    json_object_foreach(f != NULL ? json_object_get(f->json, "memory") : NULL, key, v) {
        if (!json_is_number(v) || strlen(key) > 100)
            continue;
        const char *name = NULL;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (strcmp(names[i].wire, key) == 0)
                name = names[i].row;
        char own[120];
        (void)snprintf(own, sizeof own, "memline.%s", key);
        ml_buf_char(&b, b.n == 0 ? '{' : ',');
        ml_buf_json(&b, ml_str_of(name != NULL ? name : own));
        ml_buf_printf(&b, ":%lld", (long long)json_number_value(v));
    }
    if (b.n != 0) {
        ml_buf_char(&b, '}');
        ml_rows_str(r->rows, ML_COL_customMeasurements, ml_buf_view(&b));
    }
    ml_buf_free(&b);
}

struct failure { /* the three-part text, and its pieces */
    struct ml_buf text;
    const char *type;
    struct ml_str traceback;
};

static void read_failure(struct failure *x, const struct ml_outcome *o)
{
    const json_t *err = o->frame != NULL ? json_object_get(o->frame->json, "error") : NULL;
    struct ml_str message = ml_json_str(err, "message"), stack = ml_json_str(err, "stack");
    if (o->problem != NULL) {
        message = ml_str_of(o->problem);
        stack = (struct ml_str){NULL, 0};
        err = NULL;
    }
    x->type = ml_json_text(err, "type");
    x->traceback = ml_json_str(err, "traceback");
    while (stack.n != 0 && stack.p[stack.n - 1] == '\n')
        stack.n--;
    ml_buf_cstr(&x->text, "Result: Failure\nException: ");
    ml_buf_str(&x->text, message.p != NULL ? message : ML_STR("unknown error"));
    ml_buf_cstr(&x->text, "\nStack: ");
    ml_buf_str(&x->text, stack);
}

static void exception_row(struct ml_host *h, const char *category, const struct ml_function *fn,
                          const struct ml_call_ids *ids, const struct failure *x,
                          struct ml_str text)
{
    struct ml_records *r = h->records;
    char outer[200];
    if (!is_kept(h, category, ML_LEVEL_ERROR))
        return;
    (void)snprintf(outer, sizeof outer, "Exception while executing function: Functions.%.128s",
                   fn->name);
    begin_row(r, ML_TABLE_exceptions, ticks_of(r, 0), fn->name, ids, ids->span_id);
    put_text(r, ML_COL_client_IP, "0.0.0.0");
    ml_rows_i64(r->rows, ML_COL_severityLevel, 3);
    put_text(r, ML_COL_type, "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException");
    put_text(r, ML_COL_outerType, "Microsoft.Azure.WebJobs.Host.FunctionInvocationException");
    put_text(r, ML_COL_outerMessage, outer);
    put_text(r, ML_COL_innermostType, "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException");
    ml_rows_str(r->rows, ML_COL_innermostMessage, cut(ml_buf_view(&x->text), MESSAGE_MAX));
    begin_dims(h, category, ML_LEVEL_ERROR, ids);
    if (text.n != 0)
        dim(r, "FormattedMessage", text);
    if (x->type != NULL)
        dim_text(r, "prop__PythonExceptionType", x->type);
    if (x->traceback.n != 0)
        dim(r, "prop__PythonTraceback", x->traceback);
    end_row(r);
}

static void request_row(struct ml_host *h, const struct ml_function *fn,
                        const struct ml_call_ids *ids, const char *reason,
                        const struct ml_outcome *o)
{
    struct ml_records *r = h->records;
    double ms = (double)o->duration_ns / 1e6;
    enum ml_level level = o->ok ? ML_LEVEL_INFORMATION : ML_LEVEL_ERROR;
    char text[32];
    if (!is_kept(h, "Host.Results", level))
        return;
    begin_row(r, ML_TABLE_requests, ticks_of(r, 0) - (int64_t)(o->duration_ns / 100), fn->name, ids,
              ids->parent_span[0] != '\0' ? ids->parent_span : ids->trace_id);
    put_text(r, ML_COL_client_IP, o->peer[0] != '\0' ? o->peer : "0.0.0.0");
    put_text(r, ML_COL_id, ids->span_id);
    put_text(r, ML_COL_name, fn->name);
    if (o->url != NULL)
        put_text(r, ML_COL_url, o->url);
    put_text(r, ML_COL_success, o->ok ? "True" : "False");
    (void)snprintf(text, sizeof text, "%d", o->status);
    put_text(r, ML_COL_resultCode, text);
    ml_rows_f64(r->rows, ML_COL_duration, ms);
    put_text(r, ML_COL_performanceBucket, bucket(ms));
    memory_measures(r, o->frame);
    begin_dims(h, "Host.Results", level, ids);
    (void)snprintf(text, sizeof text, "%.4f", ms);
    struct ml_buf name = {0};
    ml_buf_printf(&name, "Functions.%s", fn->name);
    dim(r, "FullName", ml_buf_view(&name));
    ml_buf_free(&name);
    dim_text(r, "TriggerReason", reason);
    dim_text(r, "FunctionExecutionTimeMs", text);
    if (o->url != NULL) {
        dim_text(r, "HttpMethod", o->method);
        dim_text(r, "HttpPath", o->path != NULL ? o->path : "");
    }
    end_row(r);
}

void ml_record_executed(struct ml_host *h, const struct ml_function *fn,
                        const struct ml_call_ids *ids, const char *reason,
                        const struct ml_outcome *o)
{
    char category[160];
    struct ml_buf line = {0};
    struct failure x = {0};
    unsigned long long ms = o->duration_ns / 1000000;
    enum ml_level level = o->ok ? ML_LEVEL_INFORMATION : ML_LEVEL_ERROR;
    (void)snprintf(category, sizeof category, "Function.%.128s", fn->name);
    ml_buf_printf(&line, "Executed 'Functions.%s' (%s, Id=%s, Duration=%llums)", fn->name,
                  o->ok ? "Succeeded" : "Failed", ids->id, ms);
    size_t plain = line.n; /* the record keeps the line as the original writes it */
    memory_text(&line, o->frame);
    if (!o->ok) {
        read_failure(&x, o);
        ml_buf_printf(&line,
                      "\nSystem.Private.CoreLib: Exception while executing function: Functions.%s. "
                      "System.Private.CoreLib: ",
                      fn->name);
        ml_buf_str(&line, ml_buf_view(&x.text));
    }
    ml_console_log(&h->console, category, level, ml_buf_view(&line));
    struct ml_str head = {line.p, plain};
    if (line.status == ML_OK && begin_trace(h, category, level, head, fn->name, ids, 0)) {
        struct ml_records *r = h->records;
        struct ml_buf b = {0};
        dim_text(r, "prop__{OriginalFormat}",
                 "Executed '{functionName}' ({status}, Id={invocationId}, "
                 "Duration={executionDuration}ms)");
        ml_buf_printf(&b, "Functions.%s", fn->name);
        dim(r, "prop__functionName", ml_buf_view(&b));
        dim_text(r, "prop__status", o->ok ? "Succeeded" : "Failed");
        dim_text(r, "prop__invocationId", ids->id);
        ml_buf_clear(&b);
        ml_buf_printf(&b, "%llu", ms);
        dim(r, "prop__executionDuration", ml_buf_view(&b));
        ml_buf_free(&b);
        end_row(r);
    }
    if (h->records != NULL && line.status == ML_OK) {
        request_row(h, fn, ids, reason, o);
        if (!o->ok) {
            exception_row(h, category, fn, ids, &x, head);
            exception_row(h, "Host.Results", fn, ids, &x, (struct ml_str){NULL, 0});
        }
    }
    ml_buf_free(&x.text);
    ml_buf_free(&line);
}
