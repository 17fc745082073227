/* api/mgmt.c -- see mgmt.h. SPDX-License-Identifier: MIT */
#include "api/mgmt.h"

#include "api/schema_json.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MAX_WORDS 12

/* -- Words of a command: quoted names are one word -- */

struct words {
    struct ml_str at[MAX_WORDS];
    size_t n;
    bool too_many;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ["name"], ['name'], "name" or 'name' without the signs around it. */
static struct ml_str unquote(struct ml_str s)
{
    if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        s = (struct ml_str){s.p + 1, s.n - 2};
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
        s = (struct ml_str){s.p + 1, s.n - 2};
    return s;
}

static void split(struct ml_str csl, struct words *w)
{
    size_t i = 0;
    while (i < csl.n) {
        if (is_blank(csl.p[i]) || csl.p[i] == ';') {
            i++;
            continue;
        }
        size_t start = i;
        char quote = 0;
        for (; i < csl.n && (quote != 0 || !(is_blank(csl.p[i]) || csl.p[i] == ';')); i++) {
            if (quote == 0 && (csl.p[i] == '"' || csl.p[i] == '\''))
                quote = csl.p[i];
            else if (quote == csl.p[i])
                quote = 0;
        }
        if (w->n == MAX_WORDS) {
            w->too_many = true;
            return;
        }
        w->at[w->n++] = (struct ml_str){csl.p + start, i - start};
    }
}

/* Does the command match a pattern such as ".show table * cslschema"? The word of the first '*' in *name. */
static bool matches(const struct words *w, const char *pattern, struct ml_str *name)
{
    size_t i = 0;
    while (*pattern != '\0') {
        size_t n = strcspn(pattern, " ");
        if (i == w->n)
            return false;
        struct ml_str word = w->at[i++];
        if (n == 1 && *pattern == '*')
            *name = unquote(word);
        else if (word.n != n || strncasecmp(word.p, pattern, n) != 0)
            return false;
        pattern += n + (pattern[n] == ' ');
    }
    return i == w->n;
}

/* -- Answers: tables of texts, written row by row -- */

struct answer {
    struct ml_shape shape;
    struct ml_shape_frame frame;
    struct ml_str database;
    struct ml_buf *out;
};

struct cell {
    struct ml_str s;
    int64_t i; /* when s.p is NULL */
};

static void begin(struct answer *a, const struct ml_query_column *columns, uint32_t n)
{
    ml_shape_begin(&a->shape, ML_SHAPE_V1, &a->frame, a->out);
    ml_shape_table(&a->shape, columns, n);
}

static void row(struct answer *a, const struct cell *cells)
{
    ml_buf_cstr(a->out, a->shape.rows != 0 ? ",[" : "[");
    for (uint32_t i = 0; i < a->shape.n_columns; i++) {
        enum ml_type type = a->shape.columns[i].type;
        struct ml_val v = type == ML_T_STRING ? ml_val_str(cells[i].s)
                                              : ml_val_i64(type, cells[i].i);
        ml_buf_cstr(a->out, i != 0 ? "," : "");
        ml_shape_cell(a->out, &v, type, false);
    }
    ml_buf_char(a->out, ']');
    a->shape.rows++;
}

#define TEXT(name)                              \
    {                                           \
        {(name), sizeof(name) - 1}, ML_T_STRING \
    }
#define COLUMNS(...)                                               \
    static const struct ml_query_column columns[] = {__VA_ARGS__}; \
    begin(a, columns, sizeof columns / sizeof *columns)

static int show_tables(struct answer *a, struct ml_str name, struct ml_error *e)
{
    struct ml_schema_entity t;
    COLUMNS(TEXT("TableName"), TEXT("DatabaseName"), TEXT("Folder"), TEXT("DocString"));
    for (size_t i = 0; ml_schema_entity(i, &t); i++)
        row(a, (struct cell[]){{t.name, 0},
                               {a->database, 0},
                               {t.view != NULL ? ML_STR("Log Analytics names") : ML_STR(""), 0},
                               {ML_STR(""), 0}});
    return ML_OK;
}

static int find(struct ml_str name, struct ml_schema_entity *out, struct ml_error *e)
{
    if (ml_schema_entity_find(name, out))
        return ML_OK;
    return ml_fail(e, ML_ENOTFOUND, "Entity '%.*s' of kind 'Table' was not found",
                   (int)(name.n > 200 ? 200 : name.n), name.p);
}

static int show_table(struct answer *a, struct ml_str name, bool csl, struct ml_error *e)
{
    struct ml_schema_entity t;
    struct ml_buf schema = {0};
    int rc = find(name, &t, e);
    if (rc != ML_OK)
        return rc;
    if (csl)
        ml_schema_csl(&t, &schema);
    else
        ml_schema_table_json(&t, &schema);
    COLUMNS(TEXT("TableName"), TEXT("Schema"), TEXT("DatabaseName"), TEXT("Folder"),
            TEXT("DocString"));
    row(a, (struct cell[]){{t.name, 0},
                           {ml_buf_view(&schema), 0},
                           {a->database, 0},
                           {ML_STR(""), 0},
                           {ML_STR(""), 0}});
    rc = schema.status;
    ml_buf_free(&schema);
    return rc;
}

static int show_table_csl(struct answer *a, struct ml_str name, struct ml_error *e)
{
    return show_table(a, name, true, e);
}

static int show_table_json(struct answer *a, struct ml_str name, struct ml_error *e)
{
    return show_table(a, name, false, e);
}

static int show_schema(struct answer *a, struct ml_str name, struct ml_error *e)
{
    struct ml_schema_entity t;
    COLUMNS(TEXT("DatabaseName"), TEXT("TableName"), TEXT("ColumnName"), TEXT("ColumnType"),
            {{"IsDefaultTable", 14}, ML_T_BOOL}, {{"IsDefaultColumn", 15}, ML_T_BOOL},
            TEXT("PrettyName"), TEXT("Version"), TEXT("Folder"), TEXT("DocString"));
    struct ml_str none = ML_STR("");
    for (size_t i = 0; ml_schema_entity(i, &t); i++)
        for (size_t c = 0; c < t.n_columns; c++) {
            struct ml_str column;
            enum ml_store_type type;
            ml_schema_column(&t, c, &column, &type);
            row(a, (struct cell[]){{a->database, 0},
                                   {t.name, 0},
                                   {column, 0},
                                   {ml_str_of(ml_schema_net_type(type)), 0},
                                   {{0}, 0},
                                   {{0}, 0},
                                   {none, 0},
                                   {ML_STR("v1.0"), 0},
                                   {none, 0},
                                   {none, 0}});
        }
    return ML_OK;
}

static int show_schema_json(struct answer *a, struct ml_str name, struct ml_error *e)
{
    struct ml_buf schema = {0};
    ml_schema_database_json(a->database, &schema);
    COLUMNS(TEXT("DatabaseSchema"));
    row(a, (struct cell[]){{ml_buf_view(&schema), 0}});
    int rc = schema.status;
    ml_buf_free(&schema);
    return rc;
}

static int show_databases(struct answer *a, struct ml_str name, struct ml_error *e)
{
    COLUMNS(TEXT("DatabaseName"), TEXT("PersistentStorage"), TEXT("Version"),
            {{"IsCurrent", 9}, ML_T_BOOL}, TEXT("DatabaseAccessMode"), TEXT("PrettyName"));
    row(a, (struct cell[]){{a->database, 0},
                           {ML_STR(""), 0},
                           {ML_STR("v1.0"), 0},
                           {{0}, 1},
                           {ML_STR("ReadOnly"), 0},
                           {ML_STR(""), 0}});
    return ML_OK;
}

static int show_version(struct answer *a, struct ml_str name, struct ml_error *e)
{
    COLUMNS(TEXT("BuildVersion"), TEXT("ServiceType"), TEXT("ProductVersion"));
    row(a, (struct cell[]){
               {ML_STR(ML_VERSION), 0}, {ML_STR("Engine"), 0}, {ML_STR("memline " ML_VERSION), 0}});
    return ML_OK;
}

static int show_functions(struct answer *a, struct ml_str name, struct ml_error *e)
{
    COLUMNS(TEXT("Name"), TEXT("Parameters"), TEXT("Body"), TEXT("Folder"), TEXT("DocString"));
    return ML_OK;
}

static const struct {
    const char *pattern;
    int (*show)(struct answer *a, struct ml_str name, struct ml_error *e);
} commands[] = {
    {".show tables", show_tables},
    {".show tables details", show_tables},
    {".show table * schema", show_table_json},
    {".show table * schema as json", show_table_json},
    {".show table * cslschema", show_table_csl},
    {".show schema", show_schema},
    {".show schema as json", show_schema_json},
    {".show database schema", show_schema},
    {".show database schema as json", show_schema_json},
    {".show database * schema", show_schema},
    {".show database * schema as json", show_schema_json},
    {".show databases schema as json", show_schema_json},
    {".show databases", show_databases},
    {".show version", show_version},
    {".show functions", show_functions},
};

int ml_mgmt_run(struct ml_str csl, struct ml_str database, struct ml_buf *out, struct ml_error *e)
{
    struct words w = {0};
    struct answer a = {.frame = {.management = true}, .database = database, .out = out};
    split(csl, &w);
    for (size_t i = 0; !w.too_many && i < sizeof commands / sizeof *commands; i++) {
        struct ml_str name = {0};
        if (!matches(&w, commands[i].pattern, &name))
            continue;
        int rc = commands[i].show(&a, name, e);
        if (rc == ML_OK)
            ml_shape_end(&a.shape, &a.frame);
        return rc;
    }
    return ml_fail(
        e, ML_EUNSUPPORTED,
        "the command '%.*s' is not supported: memline only shows (.show tables, .show table T "
        "schema, .show schema as json, .show databases, .show version, .show functions)",
        (int)(csl.n > 200 ? 200 : csl.n), csl.p);
}
