/* store/schema.c -- the facts of schema.def as constant tables. SPDX-License-Identifier: MIT */
#include "store/schema.h"

#define S(text)                  \
    {                            \
        (text), sizeof(text) - 1 \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct ml_store_col_info columns[ML_N_COLUMNS] = {
#define ROW(n, t) [ML_COL_##n] = {.name = S(#n), .type = ML_STORE_##t},
    ML_COLUMNS(ROW)
#undef ROW
};

#define ID(n) ML_COL_##n,
#define LIST(n, ...) static const enum ml_store_col of_##n[] = {ML_OF_##n(ID)};
ML_TABLES(LIST)
#undef LIST
#undef ID

static const struct ml_store_table_info tables[ML_N_TABLES] = {
#define ROW(n, item, std)                         \
    [ML_TABLE_##n] = {.name = S(#n),              \
                      .item_type = S(item),       \
                      .columns = of_##n,          \
                      .n_columns = COUNT(of_##n), \
                      .standard = (std)},
    ML_TABLES(ROW)
#undef ROW
};

const struct ml_store_col_info *ml_store_col_get(enum ml_store_col c)
{
    return &columns[c];
}

const struct ml_store_table_info *ml_store_table_get(enum ml_store_table t)
{
    return &tables[t];
}

int ml_store_table_index(enum ml_store_table t, enum ml_store_col c)
{
    for (size_t i = 0; i < tables[t].n_columns; i++)
        if (tables[t].columns[i] == c)
            return (int)i;
    return -1;
}

bool ml_store_table_find(struct ml_str name, enum ml_store_table *out)
{
    for (size_t t = 0; t < ML_N_TABLES; t++)
        if (ml_str_eq(tables[t].name, name)) {
            *out = (enum ml_store_table)t;
            return true;
        }
    return false;
}

bool ml_store_col_find(struct ml_str name, enum ml_store_col *out)
{
    for (size_t c = 0; c < ML_N_COLUMNS; c++)
        if (ml_str_eq(columns[c].name, name)) {
            *out = (enum ml_store_col)c;
            return true;
        }
    return false;
}

/* -- Views: the names of Log Analytics workspaces over the same rows -- */

#define V(text, type, behind)                      \
    {                                              \
        S(text), ML_COL_##behind, ML_STORE_##type, \
        {                                          \
            0                                      \
        }                                          \
    }
#define CONST(text, value)                                   \
    {                                                        \
        S(text), ML_COL_timestamp, ML_STORE_STRING, S(value) \
    }

#define VIEW_HEAD V("TimeGenerated", DATETIME, timestamp)
#define VIEW_COMMON(table)                                                                        \
    V("Properties", DYNAMIC, customDimensions), V("OperationName", STRING, operation_Name),       \
        V("OperationId", STRING, operation_Id), V("ParentId", STRING, operation_ParentId),        \
        V("SyntheticSource", STRING, operation_SyntheticSource),                                  \
        V("SessionId", STRING, session_Id), V("UserId", STRING, user_Id),                         \
        V("UserAuthenticatedId", STRING, user_AuthenticatedId),                                   \
        V("UserAccountId", STRING, user_AccountId), V("AppVersion", STRING, application_Version), \
        V("ClientType", STRING, client_Type), V("ClientModel", STRING, client_Model),             \
        V("ClientOS", STRING, client_OS), V("ClientIP", STRING, client_IP),                       \
        V("ClientCity", STRING, client_City),                                                     \
        V("ClientStateOrProvince", STRING, client_StateOrProvince),                               \
        V("ClientCountryOrRegion", STRING, client_CountryOrRegion),                               \
        V("ClientBrowser", STRING, client_Browser), V("AppRoleName", STRING, cloud_RoleName),     \
        V("AppRoleInstance", STRING, cloud_RoleInstance), V("ResourceGUID", STRING, appId),       \
        V("IKey", STRING, iKey), V("SDKVersion", STRING, sdkVersion),                             \
        V("_ItemId", STRING, itemId), CONST("Type", table)
#define VIEW_FULL(table)                                                \
    V("Measurements", DYNAMIC, customMeasurements), VIEW_COMMON(table), \
        V("ItemCount", INT, itemCount)

static const struct ml_store_view_column app_traces[] = {VIEW_HEAD, V("Message", STRING, message),
                                                         V("SeverityLevel", INT, severityLevel),
                                                         VIEW_FULL("AppTraces")};
static const struct ml_store_view_column app_requests[] = {
    VIEW_HEAD,
    V("Id", STRING, id),
    V("Source", STRING, source),
    V("Name", STRING, name),
    V("Url", STRING, url),
    V("Success", BOOL, success),
    V("ResultCode", STRING, resultCode),
    V("DurationMs", REAL, duration),
    V("PerformanceBucket", STRING, performanceBucket),
    VIEW_FULL("AppRequests")};
static const struct ml_store_view_column app_dependencies[] = {
    VIEW_HEAD,
    V("Id", STRING, id),
    V("Target", STRING, target),
    V("DependencyType", STRING, type),
    V("Name", STRING, name),
    V("Data", STRING, data),
    V("Success", BOOL, success),
    V("ResultCode", STRING, resultCode),
    V("DurationMs", REAL, duration),
    V("PerformanceBucket", STRING, performanceBucket),
    VIEW_FULL("AppDependencies")};
static const struct ml_store_view_column app_exceptions[] = {
    VIEW_HEAD,
    V("ProblemId", STRING, problemId),
    V("HandledAt", STRING, handledAt),
    V("ExceptionType", STRING, type),
    V("Message", STRING, message),
    V("Assembly", STRING, assembly),
    V("Method", STRING, method),
    V("OuterType", STRING, outerType),
    V("OuterMessage", STRING, outerMessage),
    V("OuterAssembly", STRING, outerAssembly),
    V("OuterMethod", STRING, outerMethod),
    V("InnermostType", STRING, innermostType),
    V("InnermostMessage", STRING, innermostMessage),
    V("InnermostAssembly", STRING, innermostAssembly),
    V("InnermostMethod", STRING, innermostMethod),
    V("SeverityLevel", INT, severityLevel),
    V("Details", DYNAMIC, details),
    VIEW_FULL("AppExceptions")};
static const struct ml_store_view_column app_events[] = {VIEW_HEAD, V("Name", STRING, name),
                                                         VIEW_FULL("AppEvents")};
static const struct ml_store_view_column app_metrics[] = {VIEW_HEAD,
                                                          V("Name", STRING, name),
                                                          V("Sum", REAL, valueSum),
                                                          V("Min", REAL, valueMin),
                                                          V("Max", REAL, valueMax),
                                                          VIEW_COMMON("AppMetrics"),
                                                          V("ItemCount", INT, valueCount)};
static const struct ml_store_view_column app_counters[] = {VIEW_HEAD,
                                                           V("Name", STRING, name),
                                                           V("Category", STRING, category),
                                                           V("Counter", STRING, counter),
                                                           V("Instance", STRING, instance),
                                                           V("Value", REAL, value),
                                                           VIEW_COMMON("AppPerformanceCounters")};
static const struct ml_store_view_column app_availability[] = {
    VIEW_HEAD,
    V("Id", STRING, id),
    V("Name", STRING, name),
    V("Location", STRING, location),
    V("Success", BOOL, success),
    V("Message", STRING, message),
    V("Size", REAL, size),
    V("DurationMs", REAL, duration),
    V("PerformanceBucket", STRING, performanceBucket),
    VIEW_FULL("AppAvailabilityResults")};
static const struct ml_store_view_column app_pages[] = {
    VIEW_HEAD,
    V("Name", STRING, name),
    V("Url", STRING, url),
    V("DurationMs", REAL, duration),
    V("PerformanceBucket", STRING, performanceBucket),
    VIEW_FULL("AppPageViews")};
static const struct ml_store_view_column app_timings[] = {
    VIEW_HEAD,
    V("Name", STRING, name),
    V("Url", STRING, url),
    V("NetworkDurationMs", REAL, networkDuration),
    V("SendDurationMs", REAL, sendDuration),
    V("ReceiveDurationMs", REAL, receiveDuration),
    V("ProcessingDurationMs", REAL, processingDuration),
    V("TotalDurationMs", REAL, totalDuration),
    V("PerformanceBucket", STRING, performanceBucket),
    VIEW_FULL("AppBrowserTimings")};

#define VIEW(text, t, list)                                                                 \
    {                                                                                       \
        .name = S(text), .table = ML_TABLE_##t, .columns = (list), .n_columns = COUNT(list) \
    }
static const struct ml_store_view_info views[ML_N_VIEWS] = {
    VIEW("AppTraces", traces, app_traces),
    VIEW("AppRequests", requests, app_requests),
    VIEW("AppDependencies", dependencies, app_dependencies),
    VIEW("AppExceptions", exceptions, app_exceptions),
    VIEW("AppEvents", customEvents, app_events),
    VIEW("AppMetrics", customMetrics, app_metrics),
    VIEW("AppPerformanceCounters", performanceCounters, app_counters),
    VIEW("AppAvailabilityResults", availabilityResults, app_availability),
    VIEW("AppPageViews", pageViews, app_pages),
    VIEW("AppBrowserTimings", browserTimings, app_timings),
};

const struct ml_store_view_info *ml_store_view_get(size_t i)
{
    return &views[i];
}

const struct ml_store_view_info *ml_store_view_find(struct ml_str name)
{
    for (size_t i = 0; i < ML_N_VIEWS; i++)
        if (ml_str_eq(views[i].name, name))
            return &views[i];
    return NULL;
}
