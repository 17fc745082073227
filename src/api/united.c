/* api/united.c -- see united.h. SPDX-License-Identifier: MIT */
#include "api/united.h"

#include "base/mem.h"

/* A table is made when it is first asked for: views are found by name only. */
struct table {
    struct ml_source source;
    const struct ml_source **parts; /* by member; NULL: this one has no such table */
    struct ml_source_column *columns;
    struct ml_united *united;
    struct table *next;
};

struct ml_united {
    struct ml_catalog catalog;
    struct ml_united_member *members;
    size_t n;
    struct ml_str column;
    struct table *tables;
};

struct ml_scan {
    const struct table *table;
    struct ml_scan_ask ask;
    size_t member;         /* the one being read, or the next */
    struct ml_scan *inner; /* NULL: none is open */
    uint32_t offsets[2];   /* of the member's name */
};

static const struct ml_source *part_of(const struct ml_scan *s)
{
    return s->table->parts[s->member];
}

static void close_part(struct ml_scan *s)
{
    if (s->inner == NULL)
        return;
    part_of(s)->ops->close(s->inner);
    s->inner = NULL;
    s->member++;
}

static void scan_close(struct ml_scan *s)
{
    if (s != NULL)
        close_part(s);
    ml_free(s);
}

/* The column of names is ours alone; the members are not asked for it. */
static int scan_open(const struct ml_source *source, const struct ml_scan_ask *ask,
                     struct ml_scan **out, struct ml_error *e)
{
    const struct table *t = source->self;
    struct ml_scan *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    uint32_t own = t->united->column.n > 0 ? source->ncolumns - 1 : UINT32_MAX;
    s->table = t;
    s->ask = *ask;
    if (s->ask.ncolumns > 0 && s->ask.columns[s->ask.ncolumns - 1] == own)
        s->ask.ncolumns--;
    if (s->ask.prefix_column == own)
        s->ask.prefix = (struct ml_str){NULL, 0};
    *out = s;
    return ML_OK;
}

static int scan_next(struct ml_scan *s, size_t *rows, struct ml_error *e)
{
    const struct ml_united *u = s->table->united;
    for (*rows = 0; s->member < u->n;) {
        int rc = ML_OK;
        if (part_of(s) == NULL) {
            s->member++;
            continue;
        }
        if (s->inner == NULL)
            rc = part_of(s)->ops->open(part_of(s), &s->ask, &s->inner, e);
        if (rc == ML_OK)
            rc = part_of(s)->ops->next(s->inner, rows, e);
        if (rc != ML_OK || *rows > 0)
            return rc;
        close_part(s);
    }
    return ML_OK;
}

static int scan_column(struct ml_scan *s, uint32_t column, struct ml_chunk *out, struct ml_error *e)
{
    static const uint32_t zeros[ML_BLOCK_ROWS];
    const struct ml_united *u = s->table->united;
    if (u->column.n == 0 || column + 1 < s->table->source.ncolumns)
        return part_of(s)->ops->column(s->inner, column, out, e);
    struct ml_str name = u->members[s->member].name;
    s->offsets[1] = (uint32_t)name.n;
    *out = (struct ml_chunk){.offsets = s->offsets, .bytes = name.p, .codes = zeros, .ndict = 1};
    return ML_OK;
}

static const struct ml_source_ops ops = {
    .open = scan_open, .next = scan_next, .column = scan_column, .close = scan_close};

static void free_table(struct table *t)
{
    if (t == NULL)
        return;
    ml_free(t->columns);
    ml_free(t->parts);
    ml_free(t);
}

/* NULL: out of memory. */
static struct table *make_table(struct ml_united *u, const struct ml_source *model)
{
    struct table *t = ml_calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    uint32_t n = model->ncolumns + (u->column.n > 0);
    t->parts = ml_calloc(u->n, sizeof(struct ml_source *));
    t->columns = ml_calloc(n, sizeof *t->columns);
    if (t->parts == NULL || t->columns == NULL) {
        free_table(t);
        return NULL;
    }
    memcpy(t->columns, model->columns, model->ncolumns * sizeof *t->columns);
    if (u->column.n > 0)
        t->columns[n - 1] = (struct ml_source_column){u->column, ML_T_STRING};
    for (size_t i = 0; i < u->n; i++)
        t->parts[i] = u->members[i].catalog->find(u->members[i].catalog, model->name);
    t->united = u;
    t->source = *model;
    t->source.columns = t->columns;
    t->source.ncolumns = n;
    t->source.ops = &ops;
    t->source.self = t;
    t->next = u->tables;
    u->tables = t;
    return t;
}

static const struct ml_source *find(const struct ml_catalog *c, struct ml_str name)
{
    struct ml_united *u = c->self;
    for (struct table *t = u->tables; t != NULL; t = t->next)
        if (ml_str_eq(t->source.name, name))
            return &t->source;
    for (size_t i = 0; i < u->n; i++) {
        const struct ml_source *s = u->members[i].catalog->find(u->members[i].catalog, name);
        struct table *t = s != NULL ? make_table(u, s) : NULL;
        if (t != NULL)
            return &t->source;
    }
    return NULL;
}

/* The tables of the first; stores have the same ones. */
static const struct ml_source *at(const struct ml_catalog *c, size_t i)
{
    const struct ml_united *u = c->self;
    const struct ml_source *s = u->members[0].catalog->at(u->members[0].catalog, i);
    return s != NULL ? find(c, s->name) : NULL;
}

static int check_column(const struct ml_united *u, struct ml_error *e)
{
    const struct ml_catalog *first = u->members[0].catalog;
    const struct ml_source *s;
    for (size_t i = 0; u->column.n > 0 && (s = first->at(first, i)) != NULL; i++)
        for (uint32_t k = 0; k < s->ncolumns; k++)
            if (ml_str_eq(s->columns[k].name, u->column))
                return ml_fail(e, ML_EINVALID, "table '%.*s' has a column '%.*s' already",
                               (int)s->name.n, s->name.p, (int)u->column.n, u->column.p);
    return ML_OK;
}

int ml_united_open(const struct ml_united_member *members, size_t n, struct ml_str column,
                   struct ml_united **out, struct ml_error *e)
{
    struct ml_united *u = ml_calloc(1, sizeof *u);
    if (u == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    *u = (struct ml_united){.n = n, .column = column};
    u->catalog = (struct ml_catalog){.find = find, .at = at, .self = u};
    u->members = ml_calloc(n, sizeof *members);
    if (u->members == NULL) {
        ml_united_close(u);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    memcpy(u->members, members, n * sizeof *members);
    int rc = check_column(u, e);
    if (rc != ML_OK)
        ml_united_close(u);
    else
        *out = u;
    return rc;
}

void ml_united_close(struct ml_united *u)
{
    if (u == NULL)
        return;
    for (struct table *t = u->tables, *next; t != NULL; t = next) {
        next = t->next;
        free_table(t);
    }
    ml_free(u->members);
    ml_free(u);
}

const struct ml_catalog *ml_united_catalog(const struct ml_united *u)
{
    return &u->catalog;
}
