/* api/schema_json.h -- the store's tables described in the ways that clients ask for.
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_SCHEMA_JSON_H
#define ML_API_SCHEMA_JSON_H

#include "base/buf.h"
#include "store/schema.h"

/* The name a query uses ("datetime"), and .NET's ("System.DateTime"). */
const char *ml_schema_csl_type(enum ml_store_type t);
const char *ml_schema_net_type(enum ml_store_type t);

/* Tables and views, one after the other: i from 0, false at the end. */
struct ml_schema_entity {
    struct ml_str name;
    size_t n_columns;
    /* private */
    const struct ml_store_table_info *table;
    const struct ml_store_view_info *view;
};
bool ml_schema_entity(size_t i, struct ml_schema_entity *out);
bool ml_schema_entity_find(struct ml_str name, struct ml_schema_entity *out);
void ml_schema_column(const struct ml_schema_entity *e, size_t i, struct ml_str *name,
                      enum ml_store_type *type);

/* Application Insights and Log Analytics: {"tables":[{"id","name","timespanColumn","columns":[..]}],...}. `views`: the
 * workspace names instead of the ten. */
void ml_schema_metadata(bool views, struct ml_str app_id, struct ml_buf *out);
/* Kusto: {"Name","OrderedColumns":[{"Name","Type","CslType"}]}, with the table's folder. */
void ml_schema_table_json(const struct ml_schema_entity *e, struct ml_buf *out);
/* Kusto: {"Databases":{NAME:{"Name","Tables":{..}}}}. */
void ml_schema_database_json(struct ml_str database, struct ml_buf *out);
/* Kusto: "timestamp:datetime,message:string". */
void ml_schema_csl(const struct ml_schema_entity *e, struct ml_buf *out);

#endif
