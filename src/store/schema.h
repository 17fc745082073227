/* store/schema.h -- the tables of the store and their columns, as one table of facts.
 *
 * Ten tables have the exact columns, order and types of Application Insights; `lines`,
 * `invocations` and `timeline` are ours. A column's name has one type wherever it appears, so a
 * column is one enum value for all tables: ML_COL_message, ML_COL_severityLevel, ...
 * Threads: constant data. SPDX-License-Identifier: MIT */
#ifndef ML_STORE_SCHEMA_H
#define ML_STORE_SCHEMA_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a cell is kept. Times are ticks of 100 ns since 0001-01-01T00:00:00Z. */
enum ml_store_type {
    ML_STORE_BOOL, /* only in views; kept as the strings "True" and "False" */
    ML_STORE_INT,
    ML_STORE_LONG,
    ML_STORE_REAL,
    ML_STORE_DATETIME,
    ML_STORE_STRING,  /* valid UTF-8, never null: a missing string is empty */
    ML_STORE_DYNAMIC, /* JSON text, or null */
};

#include "store/schema.def"

#define ML_ENUM(name, type) ML_COL_##name,
enum ml_store_col { ML_COLUMNS(ML_ENUM) ML_N_COLUMNS };
#undef ML_ENUM

#define ML_ENUM(name, ...) ML_TABLE_##name,
enum ml_store_table { ML_TABLES(ML_ENUM) ML_N_TABLES };
#undef ML_ENUM

struct ml_store_col_info {
    struct ml_str name;
    enum ml_store_type type;
};

struct ml_store_table_info {
    struct ml_str name;
    struct ml_str item_type; /* what itemType holds: "trace"; empty: the table has no such column */
    const enum ml_store_col *columns; /* [n_columns] in the order a query shows them */
    size_t n_columns;
    bool standard; /* one of the ten that `union *` and a bare `search` range over */
};

const struct ml_store_col_info *ml_store_col_get(enum ml_store_col c);
const struct ml_store_table_info *ml_store_table_get(enum ml_store_table t);
/* Where the column stands in the table; -1: it is not there. A search of one short list. */
int ml_store_table_index(enum ml_store_table t, enum ml_store_col c);
/* Names are case-sensitive, as in KQL. False when there is none. */
bool ml_store_table_find(struct ml_str name, enum ml_store_table *out);
bool ml_store_col_find(struct ml_str name, enum ml_store_col *out);

/* A workspace name for the same rows: AppTraces is traces with other column names. */
struct ml_store_view_column {
    struct ml_str name;
    enum ml_store_col column; /* the column behind it */
    enum ml_store_type type;  /* BOOL: "True" becomes true, "False" false, other text null */
    struct ml_str constant;   /* .p set: every row holds this string, `column` says nothing */
};

struct ml_store_view_info {
    struct ml_str name; /* "AppTraces" */
    enum ml_store_table table;
    const struct ml_store_view_column *columns; /* [n_columns] */
    size_t n_columns;
};

#define ML_N_VIEWS 10
const struct ml_store_view_info *ml_store_view_get(size_t i);            /* i < ML_N_VIEWS */
const struct ml_store_view_info *ml_store_view_find(struct ml_str name); /* NULL: no such view */

/* 0001-01-01 to 1970-01-01 in ticks, and the largest tick (9999-12-31T23:59:59.9999999). */
#define ML_STORE_TICKS_1970 INT64_C(621355968000000000)
#define ML_STORE_TICKS_MAX INT64_C(3155378975999999999)
#define ML_STORE_TICKS_PER_S INT64_C(10000000)
#define ML_STORE_TICKS_PER_DAY (INT64_C(86400) * ML_STORE_TICKS_PER_S)

#endif
