/* api/schema_json.c -- see schema_json.h. SPDX-License-Identifier: MIT */
#include "api/schema_json.h"

static const struct {
    const char *csl;
    const char *net;
} types[] = {
    [ML_STORE_BOOL] = {"bool", "System.SByte"},
    [ML_STORE_INT] = {"int", "System.Int32"},
    [ML_STORE_LONG] = {"long", "System.Int64"},
    [ML_STORE_REAL] = {"real", "System.Double"},
    [ML_STORE_DATETIME] = {"datetime", "System.DateTime"},
    [ML_STORE_STRING] = {"string", "System.String"},
    [ML_STORE_DYNAMIC] = {"dynamic", "System.Object"},
};

const char *ml_schema_csl_type(enum ml_store_type t)
{
    return types[t].csl;
}

const char *ml_schema_net_type(enum ml_store_type t)
{
    return types[t].net;
}

bool ml_schema_entity(size_t i, struct ml_schema_entity *out)
{
    if (i < ML_N_TABLES) {
        const struct ml_store_table_info *t = ml_store_table_get((enum ml_store_table)i);
        *out = (struct ml_schema_entity){t->name, t->n_columns, t, NULL};
        return true;
    }
    if (i - ML_N_TABLES < ML_N_VIEWS) {
        const struct ml_store_view_info *v = ml_store_view_get(i - ML_N_TABLES);
        *out = (struct ml_schema_entity){v->name, v->n_columns, NULL, v};
        return true;
    }
    return false;
}

bool ml_schema_entity_find(struct ml_str name, struct ml_schema_entity *out)
{
    for (size_t i = 0; ml_schema_entity(i, out); i++)
        if (ml_str_eq(out->name, name))
            return true;
    return false;
}

void ml_schema_column(const struct ml_schema_entity *e, size_t i, struct ml_str *name,
                      enum ml_store_type *type)
{
    if (e->view != NULL) {
        *name = e->view->columns[i].name;
        *type = e->view->columns[i].type;
    } else {
        const struct ml_store_col_info *c = ml_store_col_get(e->table->columns[i]);
        *name = c->name;
        *type = c->type;
    }
}

/* Names here are ours: letters, digits and '_'; they need no escapes. */
static void add_columns(const struct ml_schema_entity *e, const char *name_key,
                        const char *type_key, bool net, struct ml_buf *out)
{
    for (size_t i = 0; i < e->n_columns; i++) {
        struct ml_str name;
        enum ml_store_type type;
        ml_schema_column(e, i, &name, &type);
        ml_buf_printf(out, "%s{\"%s\":\"%s\",", i != 0 ? "," : "", name_key, name.p);
        if (net)
            ml_buf_printf(out, "\"Type\":\"%s\",", types[type].net);
        ml_buf_printf(out, "\"%s\":\"%s\"}", type_key, types[type].csl);
    }
}

void ml_schema_metadata(bool views, struct ml_str app_id, struct ml_buf *out)
{
    struct ml_schema_entity e;
    bool first = true;
    ml_buf_cstr(out, "{\"tables\":[");
    for (size_t i = 0; ml_schema_entity(i, &e); i++) {
        if ((e.view != NULL) != views && !(e.table != NULL && !e.table->standard))
            continue;
        ml_buf_printf(
            out, "%s{\"id\":\"%s\",\"name\":\"%s\",\"timespanColumn\":\"%s\",\"columns\":[",
            first ? "" : ",", e.name.p, e.name.p, e.view != NULL ? "TimeGenerated" : "timestamp");
        add_columns(&e, "name", "type", false, out);
        ml_buf_cstr(out, "]}");
        first = false;
    }
    ml_buf_printf(
        out,
        "],\"tableGroups\":[],\"functions\":[],\"categories\":[],\"queries\":[],\"%s\":[{\"id\":",
        views ? "workspaces" : "applications");
    ml_buf_json(out, app_id);
    ml_buf_cstr(out, ",\"name\":");
    ml_buf_json(out, app_id);
    ml_buf_cstr(out, ",\"resourceId\":\"\",\"region\":\"local\"}]}");
}

void ml_schema_table_json(const struct ml_schema_entity *e, struct ml_buf *out)
{
    ml_buf_printf(out, "{\"Name\":\"%s\",\"Folder\":\"\",\"DocString\":\"\",\"OrderedColumns\":[",
                  e->name.p);
    add_columns(e, "Name", "CslType", true, out);
    ml_buf_cstr(out, "]}");
}

void ml_schema_database_json(struct ml_str database, struct ml_buf *out)
{
    struct ml_schema_entity e;
    ml_buf_cstr(out, "{\"Plugins\":[],\"Databases\":{");
    ml_buf_json(out, database);
    ml_buf_cstr(out, ":{\"Name\":");
    ml_buf_json(out, database);
    ml_buf_cstr(out, ",\"Tables\":{");
    for (size_t i = 0; ml_schema_entity(i, &e); i++) {
        ml_buf_printf(out, "%s\"%s\":", i != 0 ? "," : "", e.name.p);
        ml_schema_table_json(&e, out);
    }
    ml_buf_cstr(
        out,
        "},\"ExternalTables\":{},\"MaterializedViews\":{},\"EntityGroups\":{},\"MajorVersion\":1,"
        "\"MinorVersion\":0,\"Functions\":{},\"DatabaseAccessMode\":\"ReadOnly\"}}}");
}

void ml_schema_csl(const struct ml_schema_entity *e, struct ml_buf *out)
{
    for (size_t i = 0; i < e->n_columns; i++) {
        struct ml_str name;
        enum ml_store_type type;
        ml_schema_column(e, i, &name, &type);
        ml_buf_printf(out, "%s%s:%s", i != 0 ? "," : "", name.p, types[type].csl);
    }
}
