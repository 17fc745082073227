/* api/shape.c -- see shape.h. SPDX-License-Identifier: MIT */
#include "api/shape.h"

#include "base/err.h"
#include "kql/text.h"
#include "kql/ticks.h"

#include <math.h>
#include <string.h>

/* -- Cells -- */

static void add_real(struct ml_buf *out, double d)
{
    if (isnan(d))
        ml_buf_cstr(out, "\"NaN\"");
    else if (isinf(d))
        ml_buf_cstr(out, d < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else
        ml_real_print(d, out);
}

static void add_printed(struct ml_buf *out, const struct ml_val *v,
                        void (*print)(int64_t ticks, struct ml_buf *b))
{
    ml_buf_char(out, '"');
    print(v->i, out);
    ml_buf_char(out, '"');
}

/* A dynamic whose content is text already (JSON read from the store) is passed on as it is. */
static void add_dynamic(struct ml_buf *out, const struct ml_val *v, bool as_text)
{
    if (!as_text) {
        ml_val_json(v, out);
        return;
    }
    if (v->type == ML_T_TEXT) {
        ml_buf_json(out, v->s);
        return;
    }
    struct ml_buf json = {.max = out->max};
    ml_val_json(v, &json);
    if (json.status != ML_OK)
        out->status = json.status;
    ml_buf_json(out, ml_buf_view(&json));
    ml_buf_free(&json);
}

void ml_shape_cell(struct ml_buf *out, const struct ml_val *v, enum ml_type type,
                   bool dynamic_as_text)
{
    if (v->null) {
        ml_buf_cstr(out, "null");
        return;
    }
    switch (type) {
    case ML_T_BOOL:
        ml_buf_cstr(out, v->i != 0 ? "true" : "false");
        break;
    case ML_T_INT:
    case ML_T_LONG:
        ml_buf_i64(out, v->i);
        break;
    case ML_T_REAL:
        add_real(out, v->d);
        break;
    case ML_T_DATETIME:
        add_printed(out, v, ml_datetime_print_short);
        break;
    case ML_T_TIMESPAN:
        add_printed(out, v, ml_timespan_print);
        break;
    case ML_T_STRING:
        ml_buf_json(out, v->s);
        break;
    case ML_T_DYNAMIC:
        add_dynamic(out, v, dynamic_as_text);
        break;
    default: /* decimal, guid: their text in quotes */
        ml_buf_char(out, '"');
        ml_val_print(v, false, out);
        ml_buf_char(out, '"');
        break;
    }
}

void ml_shape_rows(struct ml_shape *s, const struct ml_batch *batch)
{
    for (size_t r = 0; r < batch->n && s->out->status == ML_OK; r++) {
        if (s->max_rows != 0 && s->rows == s->max_rows) {
            s->truncated = true;
            return;
        }
        size_t before = s->out->n;
        ml_buf_cstr(s->out, s->out->p[s->out->n - 1] == '[' ? "[" : ",[");
        for (uint32_t c = 0; c < s->n_columns; c++) {
            const struct ml_column *k = &batch->cols[c];
            if (c != 0)
                ml_buf_char(s->out, ',');
            if (k->type == ML_T_STRING) {
                ml_buf_json(s->out, k->s[k->constant ? 0 : r]);
                continue;
            }
            struct ml_val v = ml_column_get(k, r);
            ml_shape_cell(s->out, &v, s->columns[c].type, s->kind == ML_SHAPE_AI);
        }
        ml_buf_char(s->out, ']');
        s->rows++;
        if (s->max_bytes != 0 && s->out->n > s->max_bytes) {
            s->out->n = before; /* the row that is too much goes */
            s->truncated = s->cut = true;
            return;
        }
    }
}

/* -- Tables -- */

static const char *net_type(enum ml_type t)
{
    const char *net = ml_type_net(t);
    const char *dot = strrchr(net, '.');
    return dot != NULL ? dot + 1 : net; /* v1 says "Int64", not "System.Int64" */
}

static void add_columns(struct ml_shape *s)
{
    for (uint32_t i = 0; i < s->n_columns; i++) {
        const struct ml_query_column *c = &s->columns[i];
        ml_buf_cstr(s->out, i != 0 ? "," : "");
        ml_buf_cstr(s->out, s->kind == ML_SHAPE_AI ? "{\"name\":" : "{\"ColumnName\":");
        ml_buf_json(s->out, c->name);
        if (s->kind == ML_SHAPE_V1)
            ml_buf_printf(s->out, ",\"DataType\":\"%s\"", net_type(c->type));
        ml_buf_printf(s->out, ",\"%s\":\"%s\"}", s->kind == ML_SHAPE_AI ? "type" : "ColumnType",
                      ml_type_name(c->type));
    }
}

static void begin_ai(struct ml_shape *s)
{
    if (s->tables == 0)
        ml_buf_cstr(s->out, "{\"name\":\"PrimaryResult\",\"columns\":[");
    else
        ml_buf_printf(s->out, ",{\"name\":\"Table_%u\",\"columns\":[", s->tables - 1);
}

static void begin_v1(struct ml_shape *s)
{
    ml_buf_printf(s->out, "%s{\"TableName\":\"Table_%u\",\"Columns\":[", s->tables != 0 ? "," : "",
                  s->tables);
}

static void begin_v2(struct ml_shape *s)
{
    ml_buf_printf(s->out,
                  ",{\"FrameType\":\"DataTable\",\"TableId\":%u,\"TableKind\":\"PrimaryResult\","
                  "\"TableName\":\"PrimaryResult\",\"Columns\":[",
                  s->tables + 1); /* 0 holds the properties */
}

static void add_one_api_error(struct ml_buf *out, const struct ml_shape_frame *f)
{
    ml_buf_cstr(out,
                "[{\"error\":{\"code\":\"LimitsExceeded\",\"message\":"
                "\"Request is invalid and cannot be executed.\",\"@type\":"
                "\"Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException\","
                "\"@message\":");
    ml_buf_json(out, ml_str_of(f->error_text));
    ml_buf_cstr(out, ",\"@permanent\":false,\"innererror\":{\"code\":");
    ml_buf_json(out, ml_str_of(f->error_code));
    ml_buf_cstr(out, ",\"message\":");
    ml_buf_json(out, ml_str_of(f->error_text));
    ml_buf_cstr(out, "}}}]");
}

static void close_table(struct ml_shape *s, const struct ml_shape_frame *f)
{
    if (!s->open)
        return;
    /* Kusto's clients look among the rows for objects; Application Insights' beside the tables. */
    if (f != NULL && f->error_text != NULL && s->kind != ML_SHAPE_AI) {
        ml_buf_cstr(s->out, s->out->p[s->out->n - 1] == '[' ? "{" : ",{");
        if (s->kind == ML_SHAPE_V1) {
            ml_buf_cstr(s->out, "\"Exceptions\":[");
            ml_buf_json(s->out, ml_str_of(f->error_text));
            ml_buf_char(s->out, ']');
        } else {
            ml_buf_cstr(s->out, "\"OneApiErrors\":");
            add_one_api_error(s->out, f);
        }
        ml_buf_char(s->out, '}');
    }
    ml_buf_cstr(s->out, "]}");
    s->open = false;
}

void ml_shape_table(struct ml_shape *s, const struct ml_query_column *columns, uint32_t n_columns)
{
    close_table(s, NULL);
    s->columns = columns;
    s->n_columns = n_columns;
    if (s->kind == ML_SHAPE_AI)
        begin_ai(s);
    else if (s->kind == ML_SHAPE_V1)
        begin_v1(s);
    else
        begin_v2(s);
    add_columns(s);
    ml_buf_cstr(s->out, s->kind == ML_SHAPE_AI ? "],\"rows\":[" : "],\"Rows\":[");
    s->tables++;
    s->open = true;
}

/* -- Frames -- */

static void add_properties_v2(struct ml_shape *s, const struct ml_shape_frame *f)
{
    ml_buf_cstr(s->out,
                ",{\"FrameType\":\"DataTable\",\"TableId\":0,\"TableKind\":\"QueryProperties\","
                "\"TableName\":\"@ExtendedProperties\",\"Columns\":["
                "{\"ColumnName\":\"TableId\",\"ColumnType\":\"int\"},"
                "{\"ColumnName\":\"Key\",\"ColumnType\":\"string\"},"
                "{\"ColumnName\":\"Value\",\"ColumnType\":\"dynamic\"}],\"Rows\":[");
    if (f->visualization.n != 0) {
        ml_buf_cstr(s->out, "[1,\"Visualization\",");
        ml_buf_json(s->out, f->visualization); /* text, as the service sends it */
        ml_buf_char(s->out, ']');
    }
    ml_buf_cstr(s->out, "]}");
}

void ml_shape_begin(struct ml_shape *s, enum ml_shape_kind kind, const struct ml_shape_frame *f,
                    struct ml_buf *out)
{
    s->kind = kind;
    s->out = out;
    switch (kind) {
    case ML_SHAPE_AI:
        ml_buf_cstr(out, "{\"tables\":[");
        break;
    case ML_SHAPE_V1:
        ml_buf_cstr(out, "{\"Tables\":[");
        break;
    case ML_SHAPE_V2:
        ml_buf_cstr(out, "[{\"FrameType\":\"DataSetHeader\",\"IsProgressive\":false,"
                         "\"Version\":\"v2.0\"}");
        add_properties_v2(s, f);
        break;
    }
}

static void end_ai(struct ml_shape *s, const struct ml_shape_frame *f)
{
    ml_buf_char(s->out, ']');
    if (f->error_text != NULL) {
        ml_buf_cstr(s->out,
                    ",\"error\":{\"code\":\"PartialError\",\"message\":\"There were some errors "
                    "when processing your query.\",\"details\":[{\"code\":");
        ml_buf_json(s->out, ml_str_of(f->error_code));
        ml_buf_cstr(s->out, ",\"message\":");
        ml_buf_json(s->out, ml_str_of(f->error_text));
        ml_buf_cstr(s->out, "}]}");
    }
    if (f->render) {
        ml_buf_cstr(s->out, ",\"render\":");
        ml_buf_str(s->out, f->visualization.n != 0 ? f->visualization : ML_STR("{}"));
    }
    if (f->statistics)
        ml_buf_printf(s->out, ",\"statistics\":{\"query\":{\"executionTime\":%.7f}}",
                      (double)f->elapsed_ns / 1e9);
    ml_buf_char(s->out, '}');
}

static void add_time(struct ml_buf *out, int64_t ticks)
{
    ml_buf_char(out, '"');
    ml_datetime_print_short(ticks, out);
    ml_buf_char(out, '"');
}

/* @ExtendedProperties, QueryStatus and the table of contents, which comes last. */
static void end_v1(struct ml_shape *s, const struct ml_shape_frame *f)
{
    uint32_t n = s->tables;
    if (f->management) {
        ml_buf_cstr(s->out, "]}");
        return;
    }
    ml_buf_printf(s->out,
                  ",{\"TableName\":\"Table_%u\",\"Columns\":[{\"ColumnName\":\"Value\","
                  "\"DataType\":\"String\",\"ColumnType\":\"string\"}],\"Rows\":[",
                  n);
    if (f->visualization.n != 0) {
        ml_buf_char(s->out, '[');
        ml_buf_json(s->out, f->visualization);
        ml_buf_char(s->out, ']');
    }
    ml_buf_printf(
        s->out,
        "]},{\"TableName\":\"Table_%u\",\"Columns\":["
        "{\"ColumnName\":\"Timestamp\",\"DataType\":\"DateTime\",\"ColumnType\":\"datetime\"},"
        "{\"ColumnName\":\"Severity\",\"DataType\":\"Int32\",\"ColumnType\":\"int\"},"
        "{\"ColumnName\":\"SeverityName\",\"DataType\":\"String\",\"ColumnType\":\"string\"},"
        "{\"ColumnName\":\"StatusCode\",\"DataType\":\"Int32\",\"ColumnType\":\"int\"},"
        "{\"ColumnName\":\"StatusDescription\",\"DataType\":\"String\",\"ColumnType\":\"string\"},"
        "{\"ColumnName\":\"Count\",\"DataType\":\"Int32\",\"ColumnType\":\"int\"},"
        "{\"ColumnName\":\"RequestId\",\"DataType\":\"Guid\",\"ColumnType\":\"guid\"},"
        "{\"ColumnName\":\"ActivityId\",\"DataType\":\"Guid\",\"ColumnType\":\"guid\"},"
        "{\"ColumnName\":\"SubActivityId\",\"DataType\":\"Guid\",\"ColumnType\":\"guid\"},"
        "{\"ColumnName\":\"ClientActivityId\",\"DataType\":\"String\",\"ColumnType\":\"string\"}"
        "],\"Rows\":[[",
        n + 1);
    add_time(s->out, f->now_ticks);
    if (f->error_text != NULL) {
        ml_buf_cstr(s->out, ",2,\"Error\",1,");
        ml_buf_json(s->out, ml_str_of(f->error_text));
    } else {
        ml_buf_cstr(s->out, ",4,\"Info\",0,\"Query completed successfully\"");
    }
    ml_buf_cstr(s->out, ",1,");
    for (int i = 0; i < 3;
         i++) { /* RequestId, ActivityId, SubActivityId: one request, one activity */
        ml_buf_json(s->out, f->activity_id);
        ml_buf_char(s->out, ',');
    }
    ml_buf_json(s->out, f->request_id);
    ml_buf_printf(
        s->out,
        "]]},{\"TableName\":\"Table_%u\",\"Columns\":["
        "{\"ColumnName\":\"Ordinal\",\"DataType\":\"Int64\",\"ColumnType\":\"long\"},"
        "{\"ColumnName\":\"Kind\",\"DataType\":\"String\",\"ColumnType\":\"string\"},"
        "{\"ColumnName\":\"Name\",\"DataType\":\"String\",\"ColumnType\":\"string\"},"
        "{\"ColumnName\":\"Id\",\"DataType\":\"String\",\"ColumnType\":\"string\"},"
        "{\"ColumnName\":\"PrettyName\",\"DataType\":\"String\",\"ColumnType\":\"string\"}"
        "],\"Rows\":[",
        n + 2);
    for (uint32_t i = 0; i < n + 2; i++)
        ml_buf_printf(s->out, "%s[%u,\"%s\",\"%s\",\"%u\",\"\"]", i != 0 ? "," : "", i,
                      i < n    ? "QueryResult"
                      : i == n ? "QueryProperties"
                               : "QueryStatus",
                      i < n    ? "PrimaryResult"
                      : i == n ? "@ExtendedProperties"
                               : "QueryStatus",
                      i);
    ml_buf_cstr(s->out, "]}]}");
}

/* When, and whose: how each row of QueryCompletionInformation begins. */
static void add_completion_ids(struct ml_shape *s, const struct ml_shape_frame *f)
{
    add_time(s->out, f->now_ticks);
    ml_buf_char(s->out, ',');
    ml_buf_json(s->out, f->request_id);
    for (int i = 0; i < 3; i++) {
        ml_buf_char(s->out, ',');
        ml_buf_json(s->out, f->activity_id);
    }
}

static void end_v2(struct ml_shape *s, const struct ml_shape_frame *f)
{
    static const char *const columns[][2] = {
        {"Timestamp", "datetime"}, {"ClientRequestId", "string"}, {"ActivityId", "guid"},
        {"SubActivityId", "guid"}, {"ParentActivityId", "guid"},  {"Level", "int"},
        {"LevelName", "string"},   {"StatusCode", "int"},         {"StatusCodeName", "string"},
        {"EventType", "int"},      {"EventTypeName", "string"},   {"Payload", "string"},
    };
    ml_buf_printf(s->out,
                  ",{\"FrameType\":\"DataTable\",\"TableId\":%u,"
                  "\"TableKind\":\"QueryCompletionInformation\","
                  "\"TableName\":\"QueryCompletionInformation\",\"Columns\":[",
                  s->tables + 1);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        ml_buf_printf(s->out, "%s{\"ColumnName\":\"%s\",\"ColumnType\":\"%s\"}", i != 0 ? "," : "",
                      columns[i][0], columns[i][1]);
    ml_buf_cstr(s->out, "],\"Rows\":[[");
    add_completion_ids(s, f);
    ml_buf_printf(s->out, ",%s,4,\"QueryInfo\",\"{\\\"Count\\\":1,\\\"Text\\\":\\\"%s\\\"}\"],[",
                  f->error_text != NULL ? "2,\"Error\",1,\"E_FAIL (1)\""
                                        : "4,\"Info\",0,\"S_OK (0)\"",
                  f->error_text != NULL ? "Query ended early" : "Query completed successfully");
    add_completion_ids(s, f);
    ml_buf_printf(s->out,
                  ",6,\"Stats\",0,\"S_OK (0)\",0,\"QueryResourceConsumption\","
                  "\"{\\\"ExecutionTime\\\":%.7f}\"]]}",
                  (double)f->elapsed_ns / 1e9);
    ml_buf_printf(s->out,
                  ",{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":%s,\"Cancelled\":false",
                  f->error_text != NULL ? "true" : "false");
    if (f->error_text != NULL) {
        ml_buf_cstr(s->out, ",\"OneApiErrors\":");
        add_one_api_error(s->out, f);
    }
    ml_buf_cstr(s->out, "}]");
}

void ml_shape_end(struct ml_shape *s, const struct ml_shape_frame *f)
{
    close_table(s, f);
    if (s->kind == ML_SHAPE_AI)
        end_ai(s, f);
    else if (s->kind == ML_SHAPE_V1)
        end_v1(s, f);
    else
        end_v2(s, f);
}
