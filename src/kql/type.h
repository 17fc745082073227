/* kql/type.h -- the types of columns and values.
 *
 * Times are int64 ticks of 100 ns since 0001-01-01T00:00:00Z (a Monday); timespans are ticks too.
 * A string is never null. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_TYPE_H
#define ML_KQL_TYPE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* X(name, KQL name, .NET name). The order is the storage order of struct ml_column. */
#define ML_TYPES(X)                                          \
    X(NONE, "unknown", "System.Object")                      \
    X(BOOL, "bool", "System.SByte")                          \
    X(INT, "int", "System.Int32")                            \
    X(LONG, "long", "System.Int64")                          \
    X(REAL, "real", "System.Double")                         \
    X(DECIMAL, "decimal", "System.Data.SqlTypes.SqlDecimal") \
    X(DATETIME, "datetime", "System.DateTime")               \
    X(TIMESPAN, "timespan", "System.TimeSpan")               \
    X(GUID, "guid", "System.Guid")                           \
    X(STRING, "string", "System.String")                     \
    X(DYNAMIC, "dynamic", "System.Object")                   \
    X(ARRAY, "array", "System.Object")                       \
    X(BAG, "dictionary", "System.Object")                    \
    X(TEXT, "json", "System.Object")

#define ML_ENUM(name, text, net) ML_T_##name,
enum ml_type { ML_TYPES(ML_ENUM) ML_T_COUNT };
#undef ML_ENUM
/* ARRAY, BAG and TEXT (JSON not parsed yet) occur only as the type of a value inside a dynamic. */

#define ML_TICKS_US 10LL
#define ML_TICKS_MS 10000LL
#define ML_TICKS_SECOND 10000000LL
#define ML_TICKS_MINUTE (60 * ML_TICKS_SECOND)
#define ML_TICKS_HOUR (60 * ML_TICKS_MINUTE)
#define ML_TICKS_DAY (24 * ML_TICKS_HOUR)
#define ML_TICKS_UNIX 621355968000000000LL /* 1970-01-01 */
#define ML_TICKS_MAX 3155378975999999999LL /* 9999-12-31T23:59:59.9999999 */

const char *ml_type_name(enum ml_type t);
const char *ml_type_net(enum ml_type t);
/* Any spelling of a column type ("uuid", "double", ...); false: there is none. */
bool ml_type_find(struct ml_str name, enum ml_type *out);

static inline bool ml_type_is_int(enum ml_type t)
{
    return t == ML_T_INT || t == ML_T_LONG;
}

static inline bool ml_type_is_number(enum ml_type t)
{
    return t >= ML_T_INT && t <= ML_T_DECIMAL;
}

/* Stored as int64. */
static inline bool ml_type_is_i64(enum ml_type t)
{
    return ml_type_is_int(t) || t == ML_T_DATETIME || t == ML_T_TIMESPAN;
}

#endif
