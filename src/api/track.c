/* api/track.c -- see track.h. The maps from envelope fields to columns are the tables below.
 * SPDX-License-Identifier: MIT */
#include "api/track.h"

#include "kql/ticks.h"

#include <jansson.h>
#include <math.h>
#include <strings.h>

/* -- Reading JSON loosely: SDKs differ in what they write as text and what as a number -- */

static struct ml_str text_of(const json_t *v)
{
    if (!json_is_string(v))
        return (struct ml_str){0};
    return (struct ml_str){json_string_value(v), json_string_length(v)};
}

static bool number_of(const json_t *v, double *out)
{
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    if (!json_is_string(v) || json_string_length(v) == 0)
        return false;
    char *end;
    *out = strtod(json_string_value(v), &end);
    return *end == '\0' && isfinite(*out);
}

static void set_text(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    if (json_is_string(v)) {
        ml_rows_str(rows, c, text_of(v));
    } else if (json_is_number(v) || json_is_boolean(v)) {
        char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        if (s != NULL)
            ml_rows_str(rows, c, ml_str_of(s));
        free(s);
    }
}

static void set_number(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    double d;
    if (number_of(v, &d))
        ml_rows_f64(rows, c, d);
}

static void set_int(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    double d;
    if (number_of(v, &d) && fabs(d) < 9e15)
        ml_rows_i64(rows, c, (int64_t)d);
}

/* An empty bag stays null, as the service shows it. */
static int set_json(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    if (v == NULL || json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0))
        return ML_OK;
    char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    if (s == NULL)
        return ML_ENOMEM;
    ml_rows_str(rows, c, ml_str_of(s));
    free(s);
    return ML_OK;
}

/* -- Fields -- */

struct field {
    const char *name;
    enum ml_store_col column;
};

static const struct field tags[] = {
    {"ai.operation.id", ML_COL_operation_Id},
    {"ai.operation.name", ML_COL_operation_Name},
    {"ai.operation.parentId", ML_COL_operation_ParentId},
    {"ai.operation.syntheticSource", ML_COL_operation_SyntheticSource},
    {"ai.session.id", ML_COL_session_Id},
    {"ai.user.id", ML_COL_user_Id},
    {"ai.user.authUserId", ML_COL_user_AuthenticatedId},
    {"ai.user.accountId", ML_COL_user_AccountId},
    {"ai.application.ver", ML_COL_application_Version},
    {"ai.device.type", ML_COL_client_Type},
    {"ai.device.model", ML_COL_client_Model},
    {"ai.device.osVersion", ML_COL_client_OS},
    {"ai.device.os", ML_COL_client_OS},
    {"ai.location.ip", ML_COL_client_IP},
    {"ai.location.city", ML_COL_client_City},
    {"ai.location.province", ML_COL_client_StateOrProvince},
    {"ai.location.country", ML_COL_client_CountryOrRegion},
    {"ai.cloud.role", ML_COL_cloud_RoleName},
    {"ai.cloud.roleInstance", ML_COL_cloud_RoleInstance},
    {"ai.internal.sdkVersion", ML_COL_sdkVersion},
    {NULL, ML_COL_timestamp},
};

static const struct field request_fields[] = {
    {"id", ML_COL_id},         {"name", ML_COL_name},
    {"url", ML_COL_url},       {"responseCode", ML_COL_resultCode},
    {"source", ML_COL_source}, {NULL, ML_COL_timestamp},
};
static const struct field dependency_fields[] = {
    {"id", ML_COL_id},        {"name", ML_COL_name}, {"resultCode", ML_COL_resultCode},
    {"data", ML_COL_data},    {"type", ML_COL_type}, {"target", ML_COL_target},
    {NULL, ML_COL_timestamp},
};
static const struct field availability_fields[] = {
    {"id", ML_COL_id},           {"name", ML_COL_name},    {"runLocation", ML_COL_location},
    {"message", ML_COL_message}, {NULL, ML_COL_timestamp},
};
static const struct field page_fields[] = {
    {"name", ML_COL_name}, {"url", ML_COL_url}, {NULL, ML_COL_timestamp}};
static const struct field event_fields[] = {{"name", ML_COL_name}, {NULL, ML_COL_timestamp}};
static const struct field message_fields[] = {{"message", ML_COL_message},
                                              {NULL, ML_COL_timestamp}};

static void set_texts(struct ml_rows *rows, const json_t *from, const struct field *fields)
{
    for (; fields->name != NULL; fields++)
        set_text(rows, fields->column, json_object_get(from, fields->name));
}

/* Number or name; anything else is left out. */
static void set_severity(struct ml_rows *rows, const json_t *v)
{
    static const char *const names[] = {"Verbose", "Information", "Warning", "Error", "Critical"};
    double d;
    if (number_of(v, &d) && d >= 0 && d <= 4) {
        ml_rows_i64(rows, ML_COL_severityLevel, (int64_t)d);
        return;
    }
    for (int i = 0; json_is_string(v) && i < 5; i++)
        if (strcasecmp(names[i], json_string_value(v)) == 0)
            ml_rows_i64(rows, ML_COL_severityLevel, i);
}

/* A missing "success" means it went well: the default of the schema. */
static void set_success(struct ml_rows *rows, const json_t *v)
{
    bool failed = json_is_false(v) ||
                  (json_is_string(v) && strcasecmp(json_string_value(v), "false") == 0);
    ml_rows_str(rows, ML_COL_success, failed ? ML_STR("False") : ML_STR("True"));
}

static struct ml_str bucket_of(double ms)
{
    static const struct {
        double below_ms;
        struct ml_str name;
    } buckets[] = {
        {250, {"<250ms", 6}},         {500, {"250ms-500ms", 11}},  {1000, {"500ms-1sec", 10}},
        {3000, {"1sec-3sec", 9}},     {7000, {"3sec-7sec", 9}},    {15000, {"7sec-15sec", 10}},
        {30000, {"15sec-30sec", 11}}, {60000, {"30sec-1min", 10}}, {120000, {"1min-2min", 9}},
        {300000, {"2min-5min", 9}},
    };
    for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++)
        if (ms < buckets[i].below_ms)
            return buckets[i].name;
    return ML_STR(">=5min");
}

/* "d.hh:mm:ss.fffffff", or milliseconds. */
static bool duration_ms(const json_t *v, double *ms)
{
    int64_t ticks;
    if (json_is_number(v)) {
        *ms = json_number_value(v);
        return true;
    }
    if (!json_is_string(v) || !ml_timespan_parse(text_of(v), &ticks))
        return false;
    *ms = (double)ticks / 10000.0;
    return true;
}

static void set_duration(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    double ms;
    if (!duration_ms(v, &ms))
        return;
    ml_rows_f64(rows, c, ms);
    if (c == ML_COL_duration || c == ML_COL_totalDuration)
        ml_rows_str(rows, ML_COL_performanceBucket, bucket_of(ms));
}

/* -- What every row has -- */

struct envelope {
    const json_t *data; /* baseData */
    const json_t *tags;
    const json_t *outer;
    int64_t ticks;
    int64_t count; /* items that this one stands for, after sampling */
};

static void begin(struct ml_rows *rows, enum ml_store_table t, const struct envelope *e)
{
    ml_rows_begin(rows, t);
    ml_rows_i64(rows, ML_COL_timestamp, e->ticks);
    set_texts(rows, e->tags, tags);
    set_text(rows, ML_COL_iKey, json_object_get(e->outer, "iKey"));
    ml_rows_i64(rows, ML_COL_itemCount, e->count);
}

static int end(struct ml_rows *rows, const struct envelope *e)
{
    int rc = set_json(rows, ML_COL_customDimensions, json_object_get(e->data, "properties"));
    if (rc == ML_OK)
        rc = set_json(rows, ML_COL_customMeasurements, json_object_get(e->data, "measurements"));
    if (rc != ML_OK) {
        ml_rows_cancel(rows);
        return rc;
    }
    return ml_rows_end(rows);
}

/* -- One function per type of data -- */

static int add_message(const struct envelope *e, struct ml_rows *rows)
{
    begin(rows, ML_TABLE_traces, e);
    set_texts(rows, e->data, message_fields);
    set_severity(rows, json_object_get(e->data, "severityLevel"));
    return end(rows, e);
}

static int add_request(const struct envelope *e, struct ml_rows *rows)
{
    begin(rows, ML_TABLE_requests, e);
    set_texts(rows, e->data, request_fields);
    set_success(rows, json_object_get(e->data, "success"));
    set_duration(rows, ML_COL_duration, json_object_get(e->data, "duration"));
    return end(rows, e);
}

static int add_dependency(const struct envelope *e, struct ml_rows *rows)
{
    begin(rows, ML_TABLE_dependencies, e);
    set_texts(rows, e->data, dependency_fields);
    set_success(rows, json_object_get(e->data, "success"));
    set_duration(rows, ML_COL_duration, json_object_get(e->data, "duration"));
    return end(rows, e);
}

static int add_event(const struct envelope *e, struct ml_rows *rows)
{
    begin(rows, ML_TABLE_customEvents, e);
    set_texts(rows, e->data, event_fields);
    return end(rows, e);
}

static int add_availability(const struct envelope *e, struct ml_rows *rows)
{
    begin(rows, ML_TABLE_availabilityResults, e);
    set_texts(rows, e->data, availability_fields);
    set_success(rows, json_object_get(e->data, "success"));
    set_duration(rows, ML_COL_duration, json_object_get(e->data, "duration"));
    return end(rows, e);
}

static int add_page(const struct envelope *e, struct ml_rows *rows)
{
    begin(rows, ML_TABLE_pageViews, e);
    set_texts(rows, e->data, page_fields);
    set_duration(rows, ML_COL_duration, json_object_get(e->data, "duration"));
    return end(rows, e);
}

static int add_page_timing(const struct envelope *e, struct ml_rows *rows)
{
    static const struct field parts[] = {
        {"networkConnect", ML_COL_networkDuration},   {"sentRequest", ML_COL_sendDuration},
        {"receivedResponse", ML_COL_receiveDuration}, {"domProcessing", ML_COL_processingDuration},
        {"perfTotal", ML_COL_totalDuration},
    };
    begin(rows, ML_TABLE_browserTimings, e);
    set_texts(rows, e->data, page_fields);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        set_duration(rows, parts[i].column, json_object_get(e->data, parts[i].name));
    return end(rows, e);
}

/* The outermost exception stands first in the list, the innermost last. */
static int add_exception(const struct envelope *e, struct ml_rows *rows)
{
    const json_t *list = json_object_get(e->data, "exceptions");
    const json_t *outer = json_array_get(list, 0);
    size_t n = json_array_size(list);
    const json_t *inner = n != 0 ? json_array_get(list, n - 1) : NULL;
    const json_t *frame = json_array_get(json_object_get(outer, "parsedStack"), 0);
    const json_t *inner_frame = json_array_get(json_object_get(inner, "parsedStack"), 0);
    begin(rows, ML_TABLE_exceptions, e);
    set_text(rows, ML_COL_problemId, json_object_get(e->data, "problemId"));
    set_text(rows, ML_COL_handledAt, json_object_get(e->data, "handledAt"));
    set_severity(rows, json_object_get(e->data, "severityLevel"));
    set_text(rows, ML_COL_type, json_object_get(outer, "typeName"));
    set_text(rows, ML_COL_outerType, json_object_get(outer, "typeName"));
    set_text(rows, ML_COL_outerMessage, json_object_get(outer, "message"));
    set_text(rows, ML_COL_assembly, json_object_get(frame, "assembly"));
    set_text(rows, ML_COL_method, json_object_get(frame, "method"));
    set_text(rows, ML_COL_outerAssembly, json_object_get(frame, "assembly"));
    set_text(rows, ML_COL_outerMethod, json_object_get(frame, "method"));
    set_text(rows, ML_COL_innermostType, json_object_get(inner, "typeName"));
    set_text(rows, ML_COL_innermostMessage, json_object_get(inner, "message"));
    set_text(rows, ML_COL_innermostAssembly, json_object_get(inner_frame, "assembly"));
    set_text(rows, ML_COL_innermostMethod, json_object_get(inner_frame, "method"));
    int rc = set_json(rows, ML_COL_details, list);
    if (rc != ML_OK) {
        ml_rows_cancel(rows);
        return rc;
    }
    return end(rows, e);
}

static void set_counter(struct ml_rows *rows, struct ml_str category, struct ml_str instance,
                        struct ml_str counter)
{
    ml_rows_str(rows, ML_COL_category, category);
    ml_rows_str(rows, ML_COL_instance, instance);
    ml_rows_str(rows, ML_COL_counter, counter);
    ml_rows_str(rows, ML_COL_name, counter);
}

/* "\Process(python)\Private Bytes", as the exporters name counters among their metrics. */
static bool split_counter(struct ml_str name, struct ml_str *category, struct ml_str *instance,
                          struct ml_str *counter)
{
    if (name.n < 4 || name.p[0] != '\\')
        return false;
    const char *stop = name.p + name.n;
    const char *second = memrchr(name.p + 1, '\\', name.n - 1);
    if (second == NULL || second + 1 == stop)
        return false;
    const char *open = memchr(name.p + 1, '(', (size_t)(second - name.p - 1));
    const char *category_end = open != NULL && second[-1] == ')' ? open : second;
    *category = (struct ml_str){name.p + 1, (size_t)(category_end - name.p - 1)};
    *instance = category_end == open ? (struct ml_str){open + 1, (size_t)(second - open - 2)}
                                     : (struct ml_str){0};
    *counter = (struct ml_str){second + 1, (size_t)(stop - second - 1)};
    return true;
}

static void set_metric(struct ml_rows *rows, const json_t *m)
{
    double value = 0;
    bool has_value = number_of(json_object_get(m, "value"), &value);
    set_text(rows, ML_COL_name, json_object_get(m, "name"));
    if (has_value) { /* one measurement is its own sum and extremes */
        ml_rows_f64(rows, ML_COL_value, value);
        ml_rows_f64(rows, ML_COL_valueSum, value);
        ml_rows_f64(rows, ML_COL_valueMin, value);
        ml_rows_f64(rows, ML_COL_valueMax, value);
    }
    ml_rows_i64(rows, ML_COL_valueCount, 1);
    set_int(rows, ML_COL_valueCount, json_object_get(m, "count"));
    set_number(rows, ML_COL_valueMin, json_object_get(m, "min"));
    set_number(rows, ML_COL_valueMax, json_object_get(m, "max"));
    set_number(rows, ML_COL_valueStdDev, json_object_get(m, "stdDev"));
}

static int add_metrics(const struct envelope *e, struct ml_rows *rows)
{
    const json_t *list = json_object_get(e->data, "metrics");
    size_t i;
    const json_t *m;
    int rc = ML_OK;
    if (json_array_size(list) == 0)
        return ML_EINVALID;
    json_array_foreach(list, i, m) {
        struct ml_str category;
        struct ml_str instance;
        struct ml_str counter;
        bool is_counter = split_counter(text_of(json_object_get(m, "name")), &category, &instance,
                                        &counter);
        begin(rows, is_counter ? ML_TABLE_performanceCounters : ML_TABLE_customMetrics, e);
        if (is_counter) {
            set_counter(rows, category, instance, counter);
            set_number(rows, ML_COL_value, json_object_get(m, "value"));
        } else {
            set_metric(rows, m);
        }
        rc = end(rows, e);
        if (rc != ML_OK)
            break;
    }
    return rc;
}

static int add_counter(const struct envelope *e, struct ml_rows *rows)
{
    begin(rows, ML_TABLE_performanceCounters, e);
    set_counter(rows, text_of(json_object_get(e->data, "categoryName")),
                text_of(json_object_get(e->data, "instanceName")),
                text_of(json_object_get(e->data, "counterName")));
    set_number(rows, ML_COL_value, json_object_get(e->data, "value"));
    return end(rows, e);
}

static const struct {
    const char *base_type;
    int (*add)(const struct envelope *e, struct ml_rows *rows);
} kinds[] = {
    {"MessageData", add_message},
    {"RequestData", add_request},
    {"ExceptionData", add_exception},
    {"RemoteDependencyData", add_dependency},
    {"EventData", add_event},
    {"MetricData", add_metrics},
    {"PerformanceCounterData", add_counter},
    {"AvailabilityData", add_availability},
    {"PageViewData", add_page},
    {"PageViewPerfData", add_page_timing},
};

/* -- Envelopes -- */

bool ml_track_is_envelope(const json_t *object)
{
    return json_is_string(json_object_get(json_object_get(object, "data"), "baseType"));
}

static int64_t count_of(const json_t *envelope)
{
    double rate;
    if (!number_of(json_object_get(envelope, "sampleRate"), &rate) || rate <= 0 || rate > 100 ||
        rate < 1e-6)
        return 1;
    return (int64_t)lround(100.0 / rate);
}

int ml_track_envelope(const json_t *envelope, struct ml_rows *rows, const char **why)
{
    const json_t *data = json_object_get(envelope, "data");
    struct ml_str type = text_of(json_object_get(data, "baseType"));
    struct envelope e = {.data = json_object_get(data, "baseData"),
                         .tags = json_object_get(envelope, "tags"),
                         .outer = envelope,
                         .count = count_of(envelope)};
    *why = NULL;
    if (type.n == 0)
        *why = "the item has no data.baseType";
    else if (!json_is_object(e.data))
        *why = "the item has no data.baseData";
    else if (!ml_datetime_parse(text_of(json_object_get(envelope, "time")), &e.ticks))
        *why = "the item's time is missing or not a time";
    if (*why != NULL)
        return ML_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (ml_str_eq(ml_str_of(kinds[i].base_type), type)) {
            int rc = kinds[i].add(&e, rows);
            if (rc == ML_EINVALID || rc == ML_ELIMIT) {
                *why = rc == ML_ELIMIT ? "a field of the item is too long"
                                       : "the item has no content";
                rc = ml_rows_bytes(rows) > ML_ROWS_MAX_BYTES / 2 && rc == ML_ELIMIT ? rc : ML_OK;
            }
            return rc;
        }
    *why = "the item's data.baseType is not known";
    return ML_OK;
}

static void refuse(struct ml_track_result *r, const char *why)
{
    if (r->n_errors < ML_TRACK_ERRORS)
        r->errors[r->n_errors++] = (struct ml_track_error){.index = r->received, .message = why};
}

static int take_item(const json_t *item, struct ml_rows *rows, struct ml_track_result *r)
{
    const char *why = NULL;
    int rc = ML_OK;
    if (json_is_object(item))
        rc = ml_track_envelope(item, rows, &why);
    else
        why = "the item is not an object";
    if (rc != ML_OK)
        return rc;
    if (why != NULL)
        refuse(r, why);
    else
        r->accepted++;
    r->received++;
    return ML_OK;
}

static int take_value(const json_t *value, struct ml_rows *rows, struct ml_track_result *r)
{
    if (!json_is_array(value))
        return take_item(value, rows, r);
    size_t i;
    const json_t *item;
    int rc = ML_OK;
    json_array_foreach(value, i, item) {
        rc = take_item(item, rows, r);
        if (rc != ML_OK)
            break;
    }
    return rc;
}

static size_t skip_blank(struct ml_str s, size_t at)
{
    while (at < s.n && memchr(" \t\r\n,\x1e", s.p[at], 6) != NULL)
        at++;
    return at;
}

/* One JSON value after the other; a broken one costs the rest of its line. Too many broken ones end it: each costs
 * a look at all that follows, and no client writes that. */
int ml_track_parse(struct ml_str body, struct ml_rows *rows, struct ml_track_result *result)
{
    *result = (struct ml_track_result){0};
    size_t at = 0;
    size_t broken = 0;
    if (body.n >= 3 && memcmp(body.p, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while ((at = skip_blank(body, at)) < body.n) {
        json_error_t error;
        json_t *value = json_loadb(body.p + at, body.n - at,
                                   JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error);
        if (value == NULL) {
            const char *line_end = memchr(body.p + at, '\n', body.n - at);
            refuse(result, "the item is not JSON");
            result->received++;
            if (++broken == ML_TRACK_ERRORS)
                return ML_OK;
            at = line_end != NULL ? (size_t)(line_end - body.p) : body.n;
            continue;
        }
        at += error.position > 0 ? (size_t)error.position : 1;
        int rc = take_value(value, rows, result);
        json_decref(value);
        if (rc != ML_OK)
            return rc;
    }
    return ML_OK;
}

int ml_track_answer(const struct ml_track_result *result, struct ml_buf *out)
{
    ml_buf_printf(out, "{\"itemsReceived\":%zu,\"itemsAccepted\":%zu,\"errors\":[",
                  result->received, result->accepted);
    for (size_t i = 0; i < result->n_errors; i++) {
        const struct ml_track_error *e = &result->errors[i];
        ml_buf_printf(out, "%s{\"index\":%zu,\"statusCode\":400,\"message\":", i != 0 ? "," : "",
                      e->index);
        ml_buf_json(out, ml_str_of(e->message));
        ml_buf_char(out, '}');
    }
    ml_buf_cstr(out, "]}");
    if (result->accepted == 0)
        return 400;
    return result->accepted == result->received ? 200 : 206;
}
