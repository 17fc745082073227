/* api/import.c -- see import.h. SPDX-License-Identifier: MIT */
#include "api/import.h"

#include "api/record.h"
#include "api/track.h"
#include "base/buf.h"

#include <jansson.h>

#define BATCH_ROWS 65536
#define BATCH_BYTES ((size_t)96 << 20)
#define STEP ((size_t)1 << 20)

/* -- Values -- */

static void refuse(struct ml_import *im, const char *why)
{
    im->refused++;
    if (im->first_refused == 0) {
        im->first_refused = im->values;
        im->first_reason = why;
    }
}

static int commit(struct ml_import *im, struct ml_error *e)
{
    if (ml_rows_count(im->batch) == 0)
        return ML_OK;
    int rc = ml_store_append(im->store, im->batch, e);
    if (rc == ML_OK)
        im->rows += ml_rows_count(im->batch);
    ml_rows_clear(im->batch);
    return rc;
}

static int add_object(struct ml_import *im, const json_t *object, struct ml_error *e)
{
    const char *why = NULL;
    int rc;
    if (json_is_object(object) && ml_track_is_envelope(object))
        rc = ml_track_envelope(object, im->batch, &why);
    else
        rc = ml_record_add(object, im->table, im->batch, &why);
    if (rc != ML_OK)
        return ml_fail(e, rc, "cannot take a row: %s", ml_status_text(rc));
    if (why != NULL)
        refuse(im, why);
    if (ml_rows_count(im->batch) >= BATCH_ROWS || ml_rows_bytes(im->batch) >= BATCH_BYTES)
        rc = commit(im, e);
    return rc;
}

/* Rows of a table as objects, by the names of its columns; both the Application Insights and the Kusto v1 spelling. */
static int add_table(struct ml_import *im, const json_t *table, struct ml_error *e)
{
    const json_t *columns = json_object_get(table, "columns");
    const json_t *rows = json_object_get(table, "rows");
    const char *name_key = "name";
    if (columns == NULL) {
        columns = json_object_get(table, "Columns");
        rows = json_object_get(table, "Rows");
        name_key = "ColumnName";
    }
    int rc = ML_OK;
    size_t r;
    const json_t *row;
    json_array_foreach(rows, r, row) {
        json_t *object = json_object();
        size_t c;
        json_t *cell;
        json_array_foreach(row, c, cell) {
            const char *name = json_string_value(
                json_object_get(json_array_get(columns, c), name_key));
            if (object != NULL && name != NULL)
                json_object_set(object, name, cell);
        }
        rc = object != NULL ? add_object(im, object, e) : ml_fail(e, ML_ENOMEM, "out of memory");
        json_decref(object);
        if (rc != ML_OK)
            break;
    }
    return rc;
}

static int add_value(struct ml_import *im, const json_t *value, struct ml_error *e)
{
    const json_t *tables = json_object_get(value, "tables");
    int rc = ML_OK;
    size_t i;
    const json_t *item;
    im->values++;
    if (tables == NULL)
        tables = json_object_get(value, "Tables");
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) {
            rc = add_object(im, item, e);
            if (rc != ML_OK)
                break;
        }
    } else if (json_is_array(tables)) {
        /* A Kusto v1 answer has its bookkeeping in the tables after the first. */
        bool only_first = json_object_get(value, "tables") == NULL;
        json_array_foreach(tables, i, item) {
            rc = i == 0 || !only_first ? add_table(im, item, e) : ML_OK;
            if (rc != ML_OK)
                break;
        }
    } else {
        rc = add_object(im, value, e);
    }
    return rc;
}

/* -- The stream: a window of the file that always begins at a value -- */

struct window {
    FILE *f;
    struct ml_buf bytes;
    size_t at;
    bool end; /* the file has no more */
};

static int fill(struct window *w, struct ml_error *e)
{
    if (w->at > STEP) { /* what was parsed goes */
        memmove(w->bytes.p, w->bytes.p + w->at, w->bytes.n - w->at);
        w->bytes.n -= w->at;
        w->at = 0;
    }
    /* A value that does not fit doubles the window, so that it is not parsed a thousand times. */
    size_t step = w->bytes.n > STEP ? w->bytes.n : STEP;
    char *p = ml_buf_reserve(&w->bytes, step);
    if (p == NULL)
        return ml_fail(e, w->bytes.status, "one value of the file is larger than 512 MiB");
    size_t n = fread(p, 1, step, w->f);
    w->bytes.n += n;
    w->end = n == 0;
    return ferror(w->f) ? ml_fail(e, ML_EIO, "cannot read the file") : ML_OK;
}

static void skip_blank(struct window *w)
{
    while (w->at < w->bytes.n && memchr(" \t\r\n,\x1e", w->bytes.p[w->at], 6) != NULL)
        w->at++;
}

/* The whole line if it is there; else what there is. */
static struct ml_str line_at(const struct window *w, bool *whole)
{
    struct ml_str rest = {w->bytes.p + w->at, w->bytes.n - w->at};
    const char *end = memchr(rest.p, '\n', rest.n);
    *whole = end != NULL || w->end;
    return end != NULL ? (struct ml_str){rest.p, (size_t)(end - rest.p)} : rest;
}

enum { PARSED, NEED_MORE, BROKEN };

/* A value that is a line of its own, the usual case, or one that goes over several lines. */
static int next_value(struct window *w, json_t **out)
{
    bool whole;
    struct ml_str line = line_at(w, &whole);
    json_error_t error;
    size_t flags = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
    if (!whole)
        return NEED_MORE;
    *out = json_loadb(line.p, line.n, flags, &error);
    if (*out == NULL && json_error_code(&error) == json_error_premature_end_of_input) {
        struct ml_str rest = {w->bytes.p + w->at, w->bytes.n - w->at};
        *out = json_loadb(rest.p, rest.n, flags, &error);
        if (*out == NULL && !w->end && json_error_code(&error) == json_error_premature_end_of_input)
            return NEED_MORE;
    }
    if (*out == NULL) {
        w->at += line.n;
        return BROKEN;
    }
    w->at += error.position > 0 ? (size_t)error.position : 1;
    return PARSED;
}

static int import_all(struct ml_import *im, struct window *w, struct ml_error *e)
{
    int rc = fill(w, e);
    if (rc == ML_OK && w->bytes.n >= 3 && memcmp(w->bytes.p, "\xEF\xBB\xBF", 3) == 0)
        w->at = 3;
    while (rc == ML_OK) {
        skip_blank(w);
        if (w->at == w->bytes.n && w->end)
            return ML_OK;
        json_t *value = NULL;
        int what = w->at == w->bytes.n ? NEED_MORE : next_value(w, &value);
        if (what == PARSED) {
            rc = add_value(im, value, e);
        } else if (what == BROKEN) {
            im->values++;
            refuse(im, "it is not JSON");
        } else {
            rc = fill(w, e);
        }
        json_decref(value);
    }
    return rc;
}

int ml_import_json(struct ml_import *im, FILE *f, struct ml_error *e)
{
    struct window w = {.f = f, .bytes = {.max = ML_IMPORT_MAX_BYTES}};
    int rc = ml_rows_new(&im->batch);
    if (rc != ML_OK)
        return ml_fail(e, rc, "out of memory");
    rc = import_all(im, &w, e);
    if (rc == ML_OK)
        rc = commit(im, e);
    ml_rows_free(im->batch);
    im->batch = NULL;
    ml_buf_free(&w.bytes);
    return rc;
}
