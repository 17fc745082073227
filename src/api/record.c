/* api/record.c -- see record.h. SPDX-License-Identifier: MIT */
#include "api/record.h"

#include "kql/ticks.h"

#include <jansson.h>
#include <math.h>

struct target {
    enum ml_store_table table;
    const struct ml_store_view_info *view; /* NULL: the table's own names */
};

static struct ml_str member_text(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_string(v))
        return (struct ml_str){0};
    return (struct ml_str){json_string_value(v), json_string_length(v)};
}

static bool find_named(struct ml_str name, struct target *out)
{
    out->view = ml_store_view_find(name);
    if (out->view != NULL) {
        out->table = out->view->table;
        return true;
    }
    return name.n != 0 && ml_store_table_find(name, &out->table);
}

static bool find_item_type(struct ml_str type, struct target *out)
{
    for (int t = 0; type.n != 0 && t < ML_N_TABLES; t++)
        if (ml_str_eq(ml_store_table_get((enum ml_store_table)t)->item_type, type)) {
            *out = (struct target){.table = (enum ml_store_table)t};
            return true;
        }
    return false;
}

static bool find_target(const json_t *object, struct ml_str fallback, struct target *out)
{
    static const char *const names[] = {"$table", "table",    "TableName",
                                        "Type",   "category", "Category"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (find_named(member_text(object, names[i]), out))
            return true;
    return find_item_type(member_text(object, "itemType"), out) || find_named(fallback, out);
}

/* -- Values -- */

static bool set_time(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    int64_t ticks;
    if (!json_is_string(v) ||
        !ml_datetime_parse((struct ml_str){json_string_value(v), json_string_length(v)}, &ticks))
        return false;
    ml_rows_i64(rows, c, ticks);
    return true;
}

static bool set_number(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    bool whole = ml_store_col_get(c)->type != ML_STORE_REAL;
    char *end = NULL;
    if (json_is_integer(v)) {
        ml_rows_i64(rows, c, json_integer_value(v));
        return true;
    }
    double d = json_real_value(v);
    if (json_is_string(v))
        d = strtod(json_string_value(v), &end);
    if (!json_is_real(v) && (end == NULL || end == json_string_value(v) || *end != '\0'))
        return false;
    if (!whole)
        ml_rows_f64(rows, c, d);
    else if (isfinite(d) && fabs(d) < 9.2e18)
        ml_rows_i64(rows, c, (int64_t)d);
    return !whole || isfinite(d);
}

static int set_text(struct ml_rows *rows, enum ml_store_col c, const json_t *v)
{
    if (json_is_string(v)) { /* also for dynamics: exports hold their JSON as text */
        ml_rows_str(rows, c, (struct ml_str){json_string_value(v), json_string_length(v)});
        return ML_OK;
    }
    if (json_is_boolean(v) && ml_store_col_get(c)->type == ML_STORE_STRING) {
        ml_rows_str(rows, c, json_is_true(v) ? ML_STR("True") : ML_STR("False"));
        return ML_OK;
    }
    char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    if (s == NULL)
        return ML_ENOMEM;
    ml_rows_str(rows, c, ml_str_of(s));
    free(s);
    return ML_OK;
}

static int set_value(struct ml_rows *rows, enum ml_store_col c, const json_t *v, const char **why)
{
    if (v == NULL || json_is_null(v))
        return ML_OK;
    switch (ml_store_col_get(c)->type) {
    case ML_STORE_DATETIME:
        if (!set_time(rows, c, v))
            *why = "its time is not a time";
        return ML_OK;
    case ML_STORE_INT:
    case ML_STORE_LONG:
    case ML_STORE_REAL:
        if (!set_number(rows, c, v))
            *why = "text stands where a number belongs";
        return ML_OK;
    default:
        return set_text(rows, c, v);
    }
}

/* -- Rows -- */

static int set_all(struct ml_rows *rows, const json_t *object, const struct target *t,
                   const char **why)
{
    const struct ml_store_table_info *table = ml_store_table_get(t->table);
    size_t n = t->view != NULL ? t->view->n_columns : table->n_columns;
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < n; i++) {
        if (t->view != NULL && t->view->columns[i].constant.p != NULL)
            continue;
        enum ml_store_col c = t->view != NULL ? t->view->columns[i].column : table->columns[i];
        struct ml_str name = t->view != NULL ? t->view->columns[i].name : ml_store_col_get(c)->name;
        rc = set_value(rows, c, json_object_get(object, name.p), why);
    }
    return rc;
}

static bool has_time(const json_t *object, const struct target *t)
{
    return json_object_get(object, t->view != NULL ? "TimeGenerated" : "timestamp") != NULL;
}

int ml_record_add(const json_t *object, struct ml_str fallback, struct ml_rows *rows,
                  const char **why)
{
    struct target t = {0};
    *why = NULL;
    if (!json_is_object(object)) {
        *why = "it is not an object";
        return ML_OK;
    }
    if (!find_target(object, fallback, &t)) {
        *why = "it names no table of the store (try --table NAME)";
        return ML_OK;
    }
    ml_rows_begin(rows, t.table);
    int rc = set_all(rows, object, &t, why);
    if (rc == ML_OK && *why == NULL && !has_time(object, &t)) {
        if (json_object_get(object, "time") == NULL)
            *why = "it has no time";
        else
            rc = set_value(rows, ML_COL_timestamp, json_object_get(object, "time"), why);
    }
    if (rc != ML_OK || *why != NULL) {
        ml_rows_cancel(rows);
        return rc;
    }
    rc = ml_rows_end(rows);
    if (rc == ML_ELIMIT && ml_rows_bytes(rows) < ML_ROWS_MAX_BYTES / 2) {
        *why = "a field is too long";
        rc = ML_OK;
    }
    return rc;
}
