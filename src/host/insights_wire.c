/* host/insights_wire.c -- see insights_wire.h. SPDX-License-Identifier: MIT */
#include "host/insights_wire.h"

#include "host/sink.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int ml_insights_parse(const char *cs, struct ml_insights_target *out, struct ml_error *e)
{
    char suffix[256] = "", location[64] = "";
    *out = (struct ml_insights_target){0};
    while (*cs != '\0') {
        size_t n = strcspn(cs, ";");
        const char *eq = memchr(cs, '=', n);
        if (eq != NULL) {
            size_t name = (size_t)(eq - cs), value = n - name - 1;
            const struct {
                const char *name;
                char *to;
                size_t bytes;
            } fields[] = {{"InstrumentationKey", out->key, sizeof out->key},
                          {"IngestionEndpoint", out->endpoint, sizeof out->endpoint},
                          {"EndpointSuffix", suffix, sizeof suffix},
                          {"Location", location, sizeof location}};
            for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
                if (strlen(fields[i].name) == name && strncasecmp(fields[i].name, cs, name) == 0 &&
                    value < fields[i].bytes)
                    (void)snprintf(fields[i].to, fields[i].bytes, "%.*s", (int)value, eq + 1);
        }
        cs += n + (cs[n] == ';');
    }
    if (out->key[0] == '\0')
        return ml_fail(e, ML_EINVALID,
                       "The Application Insights connection string has no InstrumentationKey.");
    if (out->endpoint[0] == '\0' && suffix[0] != '\0')
        (void)snprintf(out->endpoint, sizeof out->endpoint, "https://%s%sdc.%s", location,
                       location[0] != '\0' ? "." : "", suffix);
    if (out->endpoint[0] == '\0')
        (void)snprintf(out->endpoint, sizeof out->endpoint, "https://dc.services.visualstudio.com");
    size_t n = strlen(out->endpoint);
    while (n > 0 && out->endpoint[n - 1] == '/')
        out->endpoint[--n] = '\0';
    return ML_OK;
}

enum ml_insights_verdict ml_insights_verdict(long status)
{
    switch (status) {
    case 200:
        return ML_INSIGHTS_DONE;
    case 206:
        return ML_INSIGHTS_PARTIAL;
    case 307:
    case 308:
        return ML_INSIGHTS_REDIRECT;
    case 402:
    case 439:
        return ML_INSIGHTS_PAUSE;
    case 0:
    case 401:
    case 403:
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return ML_INSIGHTS_RETRY;
    default:
        return ML_INSIGHTS_DROP;
    }
}

void ml_insights_duration(struct ml_buf *b, double ms)
{
    long long ticks = (long long)(ms * 10000.0);
    long long s = ticks / 10000000;
    ml_buf_printf(b, "%lld.%02lld:%02lld:%02lld.%07lld", s / 86400, s / 3600 % 24, s / 60 % 60,
                  s % 60, ticks % 10000000);
}

struct cells { /* by column; absent ones are empty */
    struct ml_cell at[ML_N_COLUMNS];
};

static struct ml_str text_of(const struct cells *c, enum ml_store_col col)
{
    return c->at[col].s;
}

static void member(struct ml_buf *b, const char *name, struct ml_str value)
{
    ml_buf_printf(b, ",\"%s\":", name);
    ml_buf_json(b, value);
}

static void write_tags(struct ml_buf *b, const struct cells *c)
{
    static const struct {
        const char *tag;
        enum ml_store_col col;
    } tags[] = {{"ai.operation.id", ML_COL_operation_Id},
                {"ai.operation.parentId", ML_COL_operation_ParentId},
                {"ai.operation.name", ML_COL_operation_Name},
                {"ai.cloud.role", ML_COL_cloud_RoleName},
                {"ai.cloud.roleInstance", ML_COL_cloud_RoleInstance},
                {"ai.internal.sdkVersion", ML_COL_sdkVersion},
                {"ai.location.ip", ML_COL_client_IP}};
    const char *comma = "";
    ml_buf_cstr(b, ",\"tags\":{");
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        struct ml_str v = text_of(c, tags[i].col);
        if (v.n == 0)
            continue;
        ml_buf_printf(b, "%s\"%s\":", comma, tags[i].tag);
        ml_buf_json(b, v);
        comma = ",";
    }
    ml_buf_char(b, '}');
}

static void write_properties(struct ml_buf *b, const struct cells *c)
{
    struct ml_str dims = text_of(c, ML_COL_customDimensions);
    struct ml_str measures = text_of(c, ML_COL_customMeasurements);
    if (dims.n != 0) {
        ml_buf_cstr(b, ",\"properties\":");
        ml_buf_str(b, dims);
    }
    if (measures.n != 0) {
        ml_buf_cstr(b, ",\"measurements\":");
        ml_buf_str(b, measures);
    }
}

static void write_request(struct ml_buf *b, const struct cells *c)
{
    member(b, "id", text_of(c, ML_COL_id));
    member(b, "name", text_of(c, ML_COL_name));
    if (text_of(c, ML_COL_url).n != 0)
        member(b, "url", text_of(c, ML_COL_url));
    ml_buf_cstr(b, ",\"duration\":\"");
    ml_insights_duration(b, c->at[ML_COL_duration].f);
    ml_buf_printf(b, "\",\"success\":%s",
                  ml_str_eq(text_of(c, ML_COL_success), ML_STR("True")) ? "true" : "false");
    member(b, "responseCode", text_of(c, ML_COL_resultCode));
}

/* The outer exception and the one inside it; the shape the service derives its columns from. */
static void write_exception(struct ml_buf *b, const struct cells *c)
{
    ml_buf_printf(b, ",\"severityLevel\":%lld,\"exceptions\":[{\"id\":1,\"outerId\":0",
                  (long long)c->at[ML_COL_severityLevel].i);
    member(b, "typeName", text_of(c, ML_COL_outerType));
    member(b, "message", text_of(c, ML_COL_outerMessage));
    ml_buf_cstr(b, ",\"hasFullStack\":false},{\"id\":2,\"outerId\":1");
    member(b, "typeName", text_of(c, ML_COL_innermostType));
    member(b, "message", text_of(c, ML_COL_innermostMessage));
    ml_buf_cstr(b, ",\"hasFullStack\":false}]");
}

bool ml_insights_envelope(struct ml_buf *b, const struct ml_insights_target *t,
                          enum ml_store_table table, struct ml_row_ref row)
{
    struct cells c = {0};
    struct ml_cell cell;
    const char *kind = table == ML_TABLE_traces       ? "Message"
                       : table == ML_TABLE_requests   ? "Request"
                       : table == ML_TABLE_exceptions ? "Exception"
                                                      : NULL;
    if (kind == NULL)
        return false;
    while (ml_row_next(&row, &cell))
        c.at[cell.column] = cell;
    ml_buf_printf(b, "{\"ver\":1,\"name\":\"Microsoft.ApplicationInsights.%s\",\"time\":\"", kind);
    ml_ticks_text(b, c.at[ML_COL_timestamp].i);
    ml_buf_cstr(b, "\",\"sampleRate\":100,\"iKey\":");
    ml_buf_json(b, ml_str_of(t->key));
    write_tags(b, &c);
    ml_buf_printf(b, ",\"data\":{\"baseType\":\"%sData\",\"baseData\":{\"ver\":2", kind);
    if (table == ML_TABLE_traces) {
        member(b, "message", text_of(&c, ML_COL_message));
        ml_buf_printf(b, ",\"severityLevel\":%lld", (long long)c.at[ML_COL_severityLevel].i);
    } else if (table == ML_TABLE_requests) {
        write_request(b, &c);
    } else {
        write_exception(b, &c);
    }
    write_properties(b, &c);
    ml_buf_cstr(b, "}}}");
    return true;
}
