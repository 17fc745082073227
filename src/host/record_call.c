/* host/record_call.c -- an invocation in the records: its two lines on the console, and its rows of traces,
 * requests, invocations and exceptions. SPDX-License-Identifier: MIT */
#include "host/record_row.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void ml_record_executing(struct ml_host *h, const struct ml_function *fn,
                         const struct ml_call_ids *ids, const char *reason, const char *details)
{
    char category[160];
    struct ml_buf b = {0};
    (void)snprintf(category, sizeof category, "Function.%.128s", fn->name);
    bool shown = ml_console_shows(&h->console, category, ML_LEVEL_INFORMATION);
    bool kept = ml__is_kept(h, category, ML_LEVEL_INFORMATION);
    if (!shown && !kept)
        return;
    ml_buf_printf(&b, "Executing 'Functions.%s' (Reason='%s', Id=%s)", fn->name, reason, ids->id);
    ml_console_log(&h->console, category, ML_LEVEL_INFORMATION, ml_buf_view(&b));
    if (ml__begin_trace(h, category, ML_LEVEL_INFORMATION, ml_buf_view(&b), fn->name, ids, 0)) {
        struct ml_records *r = h->records;
        ml__dim_text(r, "prop__{OriginalFormat}",
                     "Executing '{functionName}' (Reason='{reason}', Id={invocationId})");
        ml_buf_clear(&b);
        ml_buf_printf(&b, "Functions.%s", fn->name);
        ml__dim(r, "prop__functionName", ml_buf_view(&b));
        ml__dim_text(r, "prop__reason", reason);
        ml__dim_text(r, "prop__invocationId", ids->id);
        ml__end_row(r);
    }
    if (details != NULL) {
        ml_console_log(&h->console, category, ML_LEVEL_INFORMATION, ml_str_of(details));
        if (ml__begin_trace(h, category, ML_LEVEL_INFORMATION, ml_str_of(details), fn->name, ids,
                            0))
            ml__end_row(h->records);
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

/* "+1.5 MiB", "312 B". */
static void put_size(struct ml_buf *b, double bytes, bool sign)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    size_t unit = 0;
    for (; fabs(bytes) >= 1024 && unit < 3; unit++)
        bytes /= 1024;
    ml_buf_printf(b, sign ? "%+.*f %s" : "%.*f %s", unit == 0 ? 0 : 1, bytes, units[unit]);
}

/* The memory figures behind the Executed line: " rss 45.1 MiB (+1.5 MiB, peak 47.6 MiB)",
 * and, when the heap is accounted for, " heap +312 B (peak 1.5 MiB, left 56 B)". */
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
    if (json_is_number(before))
        ml_buf_char(b, ')');
    if (!json_is_number(heap))
        return;
    const json_t *high = json_object_get(m, "heap_peak"), *held = json_object_get(m, "heap_held");
    ml_buf_cstr(b, " heap ");
    put_size(b, json_number_value(heap), true);
    ml_buf_cstr(b, " (peak ");
    put_size(b, json_number_value(high), false);
    ml_buf_cstr(b, ", left ");
    put_size(b, json_number_value(held), false);
    ml_buf_char(b, ')');
}

/* {"memline.rssBefore":...}; nothing when nothing was measured. */
static void memory_measures(struct ml_records *r, const struct ml_frame *f)
{
    static const struct {
        const char *wire;
        const char *row;
    } names[] = {{"rss_before", "memline.rssBefore"}, {"rss_after", "memline.rssAfter"},
                 {"rss_peak", "memline.rssPeak"},     {"heap_net", "memline.heapNet"},
                 {"heap_peak", "memline.heapPeak"},   {"heap_allocated", "memline.heapAllocated"},
                 {"heap_held", "memline.heapHeld"}};
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
    if (!ml__is_kept(h, category, ML_LEVEL_ERROR))
        return;
    (void)snprintf(outer, sizeof outer, "Exception while executing function: Functions.%.128s",
                   fn->name);
    ml__begin_row(r, ML_TABLE_exceptions, ml__ticks_of(r, 0), fn->name, ids, ids->span_id);
    ml__put_text(r, ML_COL_client_IP, "0.0.0.0");
    ml_rows_i64(r->rows, ML_COL_severityLevel, 3);
    ml__put_text(r, ML_COL_type, "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException");
    ml__put_text(r, ML_COL_outerType, "Microsoft.Azure.WebJobs.Host.FunctionInvocationException");
    ml__put_text(r, ML_COL_outerMessage, outer);
    ml__put_text(r, ML_COL_innermostType,
                 "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException");
    ml_rows_str(r->rows, ML_COL_innermostMessage, ml__cut(ml_buf_view(&x->text), ML__MESSAGE_MAX));
    ml__begin_dims(h, category, ML_LEVEL_ERROR, ids);
    if (text.n != 0)
        ml__dim(r, "FormattedMessage", text);
    if (x->type != NULL)
        ml__dim_text(r, "prop__PythonExceptionType", x->type);
    if (x->traceback.n != 0)
        ml__dim(r, "prop__PythonTraceback", x->traceback);
    ml__end_row(r);
}

static void request_row(struct ml_host *h, const struct ml_function *fn,
                        const struct ml_call_ids *ids, const char *reason,
                        const struct ml_outcome *o)
{
    struct ml_records *r = h->records;
    double ms = (double)o->duration_ns / 1e6;
    enum ml_level level = o->ok ? ML_LEVEL_INFORMATION : ML_LEVEL_ERROR;
    char text[32];
    if (!ml__is_kept(h, "Host.Results", level))
        return;
    ml__begin_row(r, ML_TABLE_requests, ml__ticks_of(r, 0) - (int64_t)(o->duration_ns / 100),
                  fn->name, ids, ids->parent_span[0] != '\0' ? ids->parent_span : ids->trace_id);
    ml__put_text(r, ML_COL_client_IP, o->peer[0] != '\0' ? o->peer : "0.0.0.0");
    ml__put_text(r, ML_COL_id, ids->span_id);
    ml__put_text(r, ML_COL_name, fn->name);
    if (o->url != NULL)
        ml__put_text(r, ML_COL_url, o->url);
    ml__put_text(r, ML_COL_success, o->ok ? "True" : "False");
    (void)snprintf(text, sizeof text, "%d", o->status);
    ml__put_text(r, ML_COL_resultCode, text);
    ml_rows_f64(r->rows, ML_COL_duration, ms);
    ml__put_text(r, ML_COL_performanceBucket, bucket(ms));
    memory_measures(r, o->frame);
    ml__begin_dims(h, "Host.Results", level, ids);
    (void)snprintf(text, sizeof text, "%.4f", ms);
    struct ml_buf name = {0};
    ml_buf_printf(&name, "Functions.%s", fn->name);
    ml__dim(r, "FullName", ml_buf_view(&name));
    ml_buf_free(&name);
    ml__dim_text(r, "TriggerReason", reason);
    ml__dim_text(r, "FunctionExecutionTimeMs", text);
    if (o->url != NULL) {
        ml__dim_text(r, "HttpMethod", o->method);
        ml__dim_text(r, "HttpPath", o->path != NULL ? o->path : "");
    }
    ml__end_row(r);
}

/* A key that needs no escape in JSON. */
static bool is_plain(const char *s)
{
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] ==
           '\0';
}

/* One figure of the frame's memory into a column; what was not measured stays null. */
static void put_memory(struct ml_records *r, enum ml_store_col c, const json_t *memory,
                       const char *name)
{
    const json_t *v = json_object_get(memory, name);
    if (json_is_number(v))
        ml_rows_i64(r->rows, c, (int64_t)json_number_value(v));
}

/* memline's own table: the memory account of the invocation, in bytes. Figures of the frame that have no column
 * become dimensions. */
static void invocation_row(struct ml_host *h, const struct ml_function *fn,
                           const struct ml_call_ids *ids, const char *reason,
                           const struct ml_outcome *o)
{
    static const struct {
        const char *name;
        enum ml_store_col column;
    } columns[] = {{"rss_before", ML_COL_rssBefore},
                   {"rss_after", ML_COL_rssAfter},
                   {"rss_peak", ML_COL_rssPeak},
                   {"heap_net", ML_COL_heapNet},
                   {"heap_peak", ML_COL_heapPeak}};
    enum { N_COLUMNS = sizeof columns / sizeof columns[0] };
    struct ml_records *r = h->records;
    enum ml_level level = o->ok ? ML_LEVEL_INFORMATION : ML_LEVEL_ERROR;
    const json_t *memory = o->frame != NULL ? json_object_get(o->frame->json, "memory") : NULL;
    const char *key;
    const json_t *v;
    char text[32];
    if (!ml__is_kept(h, "Host.Results", level))
        return;
    ml__begin_row(r, ML_TABLE_invocations, ml__ticks_of(r, 0) - (int64_t)(o->duration_ns / 100),
                  fn->name, ids, "");
    ml__put_text(r, ML_COL_invocationId, ids->id);
    ml__put_text(r, ML_COL_name, fn->name);
    ml__put_text(r, ML_COL_trigger, fn->trigger_type != NULL ? fn->trigger_type : "");
    ml__put_text(r, ML_COL_success, o->ok ? "True" : "False");
    (void)snprintf(text, sizeof text, "%d", o->status);
    ml__put_text(r, ML_COL_resultCode, text);
    ml_rows_f64(r->rows, ML_COL_duration, (double)o->duration_ns / 1e6);
    ml_rows_i64(r->rows, ML_COL_processId, o->worker);
    for (size_t i = 0; i < N_COLUMNS; i++)
        put_memory(r, columns[i].column, memory, columns[i].name);
    ml__begin_dims(h, "Host.Results", level, ids);
    ml__dim_text(r, "TriggerReason", reason);
    json_object_foreach((json_t *)(uintptr_t)memory, key, v) {
        size_t i = 0;
        while (i < N_COLUMNS && strcmp(columns[i].name, key) != 0)
            i++;
        if (i < N_COLUMNS || !json_is_number(v) || strlen(key) > 100 || !is_plain(key))
            continue;
        (void)snprintf(text, sizeof text, "%lld", (long long)json_number_value(v));
        ml__dim_text(r, key, text);
    }
    ml__end_row(r);
}

/* The heap's figures on the trace of the Executed line. */
static void heap_dims(struct ml_records *r, const struct ml_frame *f)
{
    static const char *const names[][2] = {{"heap_net", "memline.heapNet"},
                                           {"heap_peak", "memline.heapPeak"},
                                           {"heap_held", "memline.heapHeld"}};
    const json_t *m = f != NULL ? json_object_get(f->json, "memory") : NULL;
    char text[32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *v = json_object_get(m, names[i][0]);
        if (!json_is_number(v))
            continue;
        (void)snprintf(text, sizeof text, "%lld", (long long)json_number_value(v));
        ml__dim_text(r, names[i][1], text);
    }
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
    if (line.status == ML_OK && ml__begin_trace(h, category, level, head, fn->name, ids, 0)) {
        struct ml_records *r = h->records;
        struct ml_buf b = {0};
        ml__dim_text(r, "prop__{OriginalFormat}",
                     "Executed '{functionName}' ({status}, Id={invocationId}, "
                     "Duration={executionDuration}ms)");
        ml_buf_printf(&b, "Functions.%s", fn->name);
        ml__dim(r, "prop__functionName", ml_buf_view(&b));
        ml__dim_text(r, "prop__status", o->ok ? "Succeeded" : "Failed");
        ml__dim_text(r, "prop__invocationId", ids->id);
        ml_buf_clear(&b);
        ml_buf_printf(&b, "%llu", ms);
        ml__dim(r, "prop__executionDuration", ml_buf_view(&b));
        heap_dims(r, o->frame);
        ml_buf_free(&b);
        ml__end_row(r);
    }
    if (h->records != NULL && line.status == ML_OK) {
        request_row(h, fn, ids, reason, o);
        invocation_row(h, fn, ids, reason, o);
        ml__line_rows(h, fn->name, ids, o);
        if (!o->ok) {
            exception_row(h, category, fn, ids, &x, head);
            exception_row(h, "Host.Results", fn, ids, &x, (struct ml_str){NULL, 0});
        }
    }
    ml_buf_free(&x.text);
    ml_buf_free(&line);
}
