/* kql/filetable.c -- see filetable.h. SPDX-License-Identifier: MIT */
#include "kql/filetable.h"

#include "base/mem.h"
#include "base/vec.h"
#include "kql/column.h"
#include "kql/text.h"
#include "kql/ticks.h"

#include <errno.h>
#include <stdio.h>

enum { COLUMNS_MAX = 1024 };

struct field {
    struct ml_str name;
    struct ml_val *cells; /* by row; owned. NONE: missing */
    size_t cap;
    uint8_t type; /* of all values so far; NONE: only nulls */
};

struct ml_filetable {
    struct ml_arena arena;
    struct ml_source source;
    struct ml_source_column *columns;
    struct field *fields;
    uint32_t nfields;
    size_t rows;
};

/* --- reading --- */

static struct field *field_of(struct ml_filetable *t, struct ml_str name)
{
    for (uint32_t i = 0; i < t->nfields; i++)
        if (ml_str_eq(t->fields[i].name, name))
            return &t->fields[i];
    if (t->nfields == COLUMNS_MAX)
        return NULL;
    struct field *f = &t->fields[t->nfields++];
    *f = (struct field){.name = ml_arena_copy(&t->arena, name)};
    return f;
}

static bool set_cell(struct field *f, size_t row, const struct ml_val *v)
{
    if (row >= f->cap) {
        size_t cap = f->cap * 2 > row + 64 ? f->cap * 2 : row + 64;
        struct ml_val *more = ml_realloc(f->cells, cap, sizeof *more);
        if (more == NULL)
            return false;
        memset(more + f->cap, 0, (cap - f->cap) * sizeof *more);
        f->cells = more;
        f->cap = cap;
    }
    f->cells[row] = *v;
    return true;
}

static struct ml_val cell_at(const struct field *f, size_t row)
{
    if (row >= f->cap || f->cells[row].type == ML_T_NONE)
        return ml_val_null(ML_T_NONE);
    return f->cells[row];
}

static int read_json(struct ml_filetable *t, struct ml_str text, struct ml_error *e)
{
    size_t line = 1;
    for (size_t at = 0; at < text.n; line++) {
        const char *nl = memchr(text.p + at, '\n', text.n - at);
        size_t end = nl != NULL ? (size_t)(nl - text.p) : text.n;
        struct ml_str s = {text.p + at, end - at};
        struct ml_val v;
        at = end + 1;
        while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
            s.n--;
        if (s.n == 0)
            continue;
        if (!ml_json_parse(&t->arena, s, &v) || v.type != ML_T_BAG)
            return ml_fail(e, ML_EFORMAT, "line %zu is not a JSON object", line);
        for (uint32_t i = 0; i < v.n; i++) {
            struct field *f = field_of(t, v.pairs[i].key);
            if (f == NULL)
                return ml_fail(e, ML_ELIMIT, "more than %d columns", COLUMNS_MAX);
            if (!v.pairs[i].val.null && !set_cell(f, t->rows, &v.pairs[i].val))
                return ml_fail(e, ML_ENOMEM, "out of memory");
        }
        t->rows++;
    }
    return ML_OK;
}

/* One CSV field at *at; *last: it ends its record. */
static struct ml_str csv_field(struct ml_filetable *t, struct ml_str s, size_t *at, bool *last)
{
    struct ml_str out = {s.p + *at, 0};
    size_t i = *at;
    if (i < s.n && s.p[i] == '"') {
        char *p = ml_arena_raw(&t->arena, s.n - i < 65536 ? s.n - i : 65536, 1);
        size_t n = 0;
        size_t cap = s.n - i < 65536 ? s.n - i : 65536;
        for (i++; i < s.n && p != NULL; i++) {
            if (s.p[i] == '"') {
                if (i + 1 >= s.n || s.p[i + 1] != '"')
                    break;
                i++;
            }
            if (n == cap) { /* a long one: room for the rest of the file */
                char *more = ml_arena_raw(&t->arena, n + s.n - i, 1);
                if (more == NULL)
                    break;
                memcpy(more, p, n);
                p = more;
                cap = n + s.n - i;
            }
            p[n++] = s.p[i];
        }
        out = (struct ml_str){p, p != NULL ? n : 0};
        i += i < s.n;
        while (i < s.n && s.p[i] != ',' && s.p[i] != '\n')
            i++;
    } else {
        while (i < s.n && s.p[i] != ',' && s.p[i] != '\n')
            i++;
        out.n = i - *at;
        if (out.n > 0 && out.p[out.n - 1] == '\r')
            out.n--;
    }
    *last = i >= s.n || s.p[i] == '\n';
    *at = i + 1;
    return out;
}

static int read_csv(struct ml_filetable *t, struct ml_str text, struct ml_error *e)
{
    struct ml_str copy = ml_arena_copy(&t->arena, text);
    size_t at = 0;
    bool last = false;
    if (copy.p == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    while (!last && copy.n > 0) {
        struct ml_str name = csv_field(t, copy, &at, &last);
        uint32_t before = t->nfields;
        if (field_of(t, name) == NULL || t->nfields == before)
            return ml_fail(e, ML_EFORMAT,
                           "column '%.*s' stands twice in the first line, or there are too many",
                           (int)name.n, name.p);
    }
    while (at < copy.n) {
        uint32_t i = 0;
        size_t start = at;
        for (last = false; !last; i++) {
            struct ml_val v = ml_val_str(csv_field(t, copy, &at, &last));
            bool blank = last && i == 0 && v.s.n == 0 && at == start + 1;
            if (blank || i >= t->nfields || v.s.n == 0)
                continue;
            if (!set_cell(&t->fields[i], t->rows, &v))
                return ml_fail(e, ML_ENOMEM, "out of memory");
        }
        t->rows += !(i == 1 && at == start + 1);
    }
    return ML_OK;
}

/* --- types --- */

static uint8_t joined(uint8_t x, uint8_t y)
{
    if (x == ML_T_NONE || x == y)
        return y;
    bool numbers = (x == ML_T_LONG || x == ML_T_REAL) && (y == ML_T_LONG || y == ML_T_REAL);
    return numbers ? ML_T_REAL : ML_T_DYNAMIC;
}

/* What a text looks like: the first type all of whose values convert. */
static enum ml_type text_type(const struct ml_filetable *t, const struct field *f, bool csv)
{
    static const uint8_t candidates[] = {ML_T_LONG, ML_T_REAL, ML_T_BOOL, ML_T_DATETIME,
                                         ML_T_TIMESPAN};
    for (size_t k = csv ? 0 : 3; k < sizeof candidates; k++) {
        bool all = true;
        for (size_t r = 0; r < t->rows && all; r++) {
            struct ml_val v = cell_at(f, r);
            if (v.null)
                continue;
            if (candidates[k] == ML_T_BOOL && v.s.n < 4)
                all = false;
            v = ml_val_cast(NULL, &v, false, candidates[k]);
            all = all && !v.null;
        }
        if (all)
            return candidates[k];
    }
    return ML_T_STRING;
}

static bool settle(struct ml_filetable *t, bool csv)
{
    for (uint32_t i = 0; i < t->nfields; i++) {
        struct field *f = &t->fields[i];
        for (size_t r = 0; r < t->rows; r++) {
            struct ml_val v = cell_at(f, r);
            if (!v.null)
                f->type = joined(f->type, v.type == ML_T_ARRAY || v.type == ML_T_BAG ? ML_T_DYNAMIC
                                                                                     : v.type);
        }
        if (f->type == ML_T_STRING)
            f->type = (uint8_t)text_type(t, f, csv);
        else if (f->type == ML_T_NONE)
            f->type = ML_T_STRING;
        for (size_t r = 0; r < t->rows && r < f->cap; r++) {
            struct ml_val v = cell_at(f, r);
            if (f->type != ML_T_DYNAMIC)
                f->cells[r] = v.null ? ml_val_null(f->type)
                                     : ml_val_cast(&t->arena, &v, true, f->type);
        }
    }
    return true;
}

/* --- the source --- */

struct ml_scan {
    const struct ml_filetable *t;
    struct ml_arena arena;
    size_t at; /* first row of the block */
    size_t n;
};

static int open_scan(const struct ml_source *s, const struct ml_scan_ask *ask, struct ml_scan **out,
                     struct ml_error *e)
{
    struct ml_scan *scan = ml_calloc(1, sizeof *scan);
    if (scan == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    scan->t = s->self;
    *out = scan;
    return ML_OK;
}

static int next_block(struct ml_scan *s, size_t *rows, struct ml_error *e)
{
    ml_arena_reset(&s->arena);
    s->at += s->n;
    s->n = s->t->rows - s->at < ML_BLOCK_ROWS ? s->t->rows - s->at : ML_BLOCK_ROWS;
    *rows = s->n;
    return ML_OK;
}

static int text_chunk(struct ml_scan *s, const struct field *f, struct ml_chunk *out)
{
    struct ml_buf b = {0};
    uint32_t *offsets = ml_arena_raw(&s->arena, s->n + 1, sizeof *offsets);
    for (size_t i = 0; offsets != NULL && i < s->n; i++) {
        struct ml_val v = cell_at(f, s->at + i);
        offsets[i] = (uint32_t)b.n;
        if (f->type == ML_T_DYNAMIC && !v.null)
            ml_val_json(&v, &b);
        else if (!v.null)
            ml_buf_str(&b, v.s);
        if (b.n > UINT32_MAX)
            break;
    }
    struct ml_str bytes = ml_arena_copy(&s->arena, ml_buf_view(&b));
    bool ok = offsets != NULL && bytes.p != NULL && b.status == ML_OK && b.n <= UINT32_MAX;
    if (ok)
        offsets[s->n] = (uint32_t)b.n;
    *out = (struct ml_chunk){.offsets = offsets, .bytes = bytes.p};
    ml_buf_free(&b);
    return ok ? ML_OK : ML_ENOMEM;
}

static int read_column(struct ml_scan *s, uint32_t column, struct ml_chunk *out, struct ml_error *e)
{
    const struct field *f = &s->t->fields[column];
    struct ml_column c;
    if (f->type == ML_T_STRING || f->type == ML_T_DYNAMIC)
        return text_chunk(s, f, out) == ML_OK ? ML_OK : ml_fail(e, ML_ENOMEM, "out of memory");
    if (!ml_column_init_nulls(&c, &s->arena, f->type, s->n))
        return ml_fail(e, ML_ENOMEM, "out of memory");
    for (size_t i = 0; i < s->n; i++) {
        struct ml_val v = cell_at(f, s->at + i);
        ml_column_set(&c, i, &v);
    }
    *out = (struct ml_chunk){.fixed = c.data, .nulls = c.nulls};
    return ML_OK;
}

static void close_scan(struct ml_scan *s)
{
    if (s == NULL)
        return;
    ml_arena_clear(&s->arena);
    ml_free(s);
}

static const struct ml_source_ops ops = {
    .open = open_scan, .next = next_block, .column = read_column, .close = close_scan};

static int32_t time_column(const struct ml_filetable *t)
{
    static const char *const names[] = {"timestamp", "TimeGenerated", "time", "Timestamp", NULL};
    for (const char *const *n = names; *n != NULL; n++)
        for (uint32_t i = 0; i < t->nfields; i++)
            if (t->fields[i].type == ML_T_DATETIME && ml_str_eq(t->fields[i].name, ml_str_of(*n)))
                return (int32_t)i;
    return -1;
}

int ml_filetable_parse(struct ml_str name, struct ml_str text, bool csv, struct ml_filetable **out,
                       struct ml_error *e)
{
    struct ml_filetable *t = ml_calloc(1, sizeof *t);
    if (t == NULL || (t->fields = ml_calloc(COLUMNS_MAX, sizeof *t->fields)) == NULL) {
        ml_filetable_free(t);
        return ml_fail(e, ML_ENOMEM, "out of memory");
    }
    int rc = csv ? read_csv(t, text, e) : read_json(t, text, e);
    if (rc == ML_OK && (t->nfields == 0 || !settle(t, csv)))
        rc = ml_fail(e, ML_EFORMAT, "there are no columns");
    if (rc == ML_OK) {
        t->columns = ml_arena_alloc(&t->arena, t->nfields, sizeof *t->columns);
        t->source = (struct ml_source){.name = ml_arena_copy(&t->arena, name),
                                       .columns = t->columns,
                                       .ncolumns = t->nfields,
                                       .time_column = time_column(t),
                                       .ops = &ops,
                                       .self = t};
        if (t->columns == NULL || t->source.name.p == NULL)
            rc = ml_fail(e, ML_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; rc == ML_OK && i < t->nfields; i++)
        t->columns[i] = (struct ml_source_column){t->fields[i].name, t->fields[i].type};
    if (rc != ML_OK)
        ml_filetable_free(t);
    else
        *out = t;
    return rc;
}

int ml_filetable_read(struct ml_str name, const char *path, struct ml_filetable **out,
                      struct ml_error *e)
{
    size_t n = strlen(path);
    bool csv = n > 4 && strcmp(path + n - 4, ".csv") == 0;
    FILE *f = fopen(path, "rb");
    struct ml_buf b = {0};
    if (f == NULL)
        return ml_fail(e, ml_status_from_errno(errno), "cannot open '%s': %s", path,
                       strerror(errno));
    char *p;
    size_t got = 1;
    while (got > 0 && (p = ml_buf_reserve(&b, 1 << 16)) != NULL) {
        got = fread(p, 1, 1 << 16, f);
        b.n += got;
    }
    int rc = b.status != ML_OK ? ml_fail(e, b.status, "out of memory")
             : ferror(f)       ? ml_fail(e, ML_EIO, "cannot read '%s'", path)
                               : ML_OK;
    fclose(f);
    if (rc == ML_OK) {
        struct ml_error why = {0};
        rc = ml_filetable_parse(name, ml_buf_view(&b), csv, out, &why);
        if (rc != ML_OK)
            ml_fail(e, rc, "cannot read '%s': %.700s", path, why.text);
    }
    ml_buf_free(&b);
    return rc;
}

void ml_filetable_free(struct ml_filetable *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; t->fields != NULL && i < t->nfields; i++)
        ml_free(t->fields[i].cells);
    ml_free(t->fields);
    ml_arena_clear(&t->arena);
    ml_free(t);
}

const struct ml_source *ml_filetable_source(const struct ml_filetable *t)
{
    return &t->source;
}
