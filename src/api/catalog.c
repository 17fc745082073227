/* api/catalog.c -- see catalog.h. SPDX-License-Identifier: MIT */
#include "api/catalog.h"

#include "api/schema_json.h"
#include "base/mem.h"

#include <assert.h>

static_assert(ML_SEGMENT_ROWS <= ML_BLOCK_ROWS, "the engine takes blocks of this size");

struct table {
    struct ml_source source;
    enum ml_store_table table;
    const struct ml_store_view_info *view; /* NULL: the table itself */
    struct ml_store_catalog *catalog;      /* borrowed */
};

struct ml_store_catalog {
    struct ml_catalog catalog;
    struct ml_read *read; /* owned: the one view of all tables */
    struct table tables[ML_N_TABLES + ML_N_VIEWS];
    size_t n;
    struct ml_source_column *columns; /* owned: of all tables, one run */
};

struct ml_scan {
    struct ml_read_scan *scan;
    const struct table *table;
    struct ml_read_block *block;
};

/* -- Scanning -- */

static void drop_block(struct ml_scan *s)
{
    ml_read_block_free(s->block);
    s->block = NULL;
}

static void scan_close(struct ml_scan *s)
{
    if (s == NULL)
        return;
    drop_block(s);
    ml_read_close(s->scan);
    ml_free(s);
}

static int scan_open(const struct ml_source *source, const struct ml_scan_ask *ask,
                     struct ml_scan **out, struct ml_error *e)
{
    const struct table *t = source->self;
    struct ml_scan *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    s->table = t;
    int rc = ml_read_open(t->catalog->read, t->table, ask->from_ticks, ask->to_ticks, &s->scan, e);
    if (rc != ML_OK) {
        scan_close(s);
        return rc;
    }
    if (ask->newest_first)
        ml_read_newest_first(s->scan);
    *out = s;
    return ML_OK;
}

static int scan_next(struct ml_scan *s, size_t *rows, struct ml_error *e)
{
    drop_block(s);
    int rc = ml_read_next(s->scan, &s->block, e);
    *rows = rc == ML_OK && s->block != NULL ? s->block->rows : 0;
    return rc;
}

static int scan_column(struct ml_scan *s, uint32_t column, struct ml_chunk *out, struct ml_error *e)
{
    const struct table *t = s->table;
    struct ml_colview view;
    int rc = t->view != NULL
                 ? ml_read_view_column(s->block, t->view, column, &view, e)
                 : ml_read_column(s->block, ml_store_table_get(t->table)->columns[column], &view,
                                  e);
    if (rc != ML_OK)
        return rc;
    *out = (struct ml_chunk){.fixed = view.fixed,
                             .nulls = view.nulls,
                             .offsets = view.offsets,
                             .bytes = view.bytes,
                             .codes = view.codes,
                             .ndict = view.n_entries,
                             .heads = view.heads};
    return ML_OK;
}

static void scan_range(struct ml_scan *s, int64_t *min, int64_t *max)
{
    *min = s->block->min_ticks;
    *max = s->block->max_ticks;
}

static const struct ml_source_ops ops = {.open = scan_open,
                                         .next = scan_next,
                                         .column = scan_column,
                                         .close = scan_close,
                                         .range = scan_range};

/* -- The catalog -- */

static const struct ml_source *find(const struct ml_catalog *catalog, struct ml_str name)
{
    const struct ml_store_catalog *c = catalog->self;
    for (size_t i = 0; i < c->n; i++)
        if (ml_str_eq(c->tables[i].source.name, name))
            return &c->tables[i].source;
    return NULL;
}

/* For wildcards and `search` only the ten tables of Application Insights count: the views show the same rows again. */
static const struct ml_source *at(const struct ml_catalog *catalog, size_t i)
{
    const struct ml_store_catalog *c = catalog->self;
    for (size_t k = 0; k < c->n; k++)
        if (c->tables[k].view == NULL && ml_store_table_get(c->tables[k].table)->standard &&
            i-- == 0)
            return &c->tables[k].source;
    return NULL;
}

enum ml_type ml_store_catalog_type(enum ml_store_type t)
{
    static const enum ml_type types[] = {
        [ML_STORE_BOOL] = ML_T_BOOL,         [ML_STORE_INT] = ML_T_INT,
        [ML_STORE_LONG] = ML_T_LONG,         [ML_STORE_REAL] = ML_T_REAL,
        [ML_STORE_DATETIME] = ML_T_DATETIME, [ML_STORE_STRING] = ML_T_STRING,
        [ML_STORE_DYNAMIC] = ML_T_DYNAMIC,
    };
    return types[t];
}

static void describe(struct ml_store_catalog *c)
{
    struct ml_source_column *column = c->columns;
    struct ml_schema_entity entity;
    for (; ml_schema_entity(c->n, &entity); c->n++) {
        struct table *t = &c->tables[c->n];
        t->catalog = c;
        t->view = ml_store_view_find(entity.name);
        if (t->view != NULL)
            t->table = t->view->table;
        else
            (void)ml_store_table_find(entity.name, &t->table);
        t->source = (struct ml_source){.name = entity.name,
                                       .columns = column,
                                       .ncolumns = (uint32_t)entity.n_columns,
                                       .time_column = 0, /* timestamp, or TimeGenerated */
                                       .ops = &ops,
                                       .self = t};
        for (size_t i = 0; i < entity.n_columns; i++, column++) {
            enum ml_store_type type;
            ml_schema_column(&entity, i, &column->name, &type);
            column->type = ml_store_catalog_type(type);
        }
    }
}

static size_t count_columns(void)
{
    struct ml_schema_entity entity;
    size_t n = 0;
    for (size_t i = 0; ml_schema_entity(i, &entity); i++)
        n += entity.n_columns;
    return n;
}

int ml_store_catalog_open(struct ml_reader *r, struct ml_store_catalog **out, struct ml_error *e)
{
    struct ml_store_catalog *c = ml_calloc(1, sizeof *c);
    if (c != NULL)
        c->columns = ml_calloc(count_columns(), sizeof *c->columns);
    if (c == NULL || c->columns == NULL) {
        ml_store_catalog_close(c);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    c->catalog = (struct ml_catalog){.find = find, .at = at, .self = c};
    describe(c);
    int rc = ml_read_begin(r, &c->read, e);
    if (rc != ML_OK) {
        ml_store_catalog_close(c);
        return rc;
    }
    *out = c;
    return ML_OK;
}

void ml_store_catalog_close(struct ml_store_catalog *c)
{
    if (c == NULL)
        return;
    ml_read_end(c->read);
    ml_free(c->columns);
    ml_free(c);
}

const struct ml_catalog *ml_store_catalog_get(const struct ml_store_catalog *c)
{
    return &c->catalog;
}
