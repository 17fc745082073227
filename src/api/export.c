/* api/export.c -- see export.h. SPDX-License-Identifier: MIT */
#include "api/export.h"

#include "kql/text.h"
#include "kql/ticks.h"

#include <math.h>

/* -- Cells -- */

static struct ml_str text_at(const struct ml_colview *c, uint32_t row)
{
    uint32_t k = c->codes != NULL ? c->codes[row] : row;
    return (struct ml_str){c->bytes + c->offsets[k], c->offsets[k + 1] - c->offsets[k]};
}

static int64_t i64_at(const struct ml_colview *c, uint32_t row)
{
    return ((const int64_t *)c->fixed)[row];
}

static bool is_none(const struct ml_colview *c, uint32_t row)
{
    if (c->offsets != NULL)
        return text_at(c, row).n == 0;
    return c->nulls != NULL && c->nulls[row] != 0;
}

static void json_real(struct ml_buf *out, double d)
{
    if (isfinite(d))
        ml_real_print(d, out);
    else
        ml_buf_cstr(out, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void json_cell(struct ml_buf *out, const struct ml_colview *c, uint32_t row)
{
    switch (c->type) {
    case ML_STORE_DATETIME:
        ml_buf_char(out, '"');
        ml_datetime_print(i64_at(c, row), out);
        ml_buf_char(out, '"');
        break;
    case ML_STORE_REAL:
        json_real(out, ((const double *)c->fixed)[row]);
        break;
    case ML_STORE_STRING:
    case ML_STORE_DYNAMIC: /* as text, so that it comes back byte for byte */
        ml_buf_json(out, text_at(c, row));
        break;
    default:
        ml_buf_i64(out, i64_at(c, row));
        break;
    }
}

static void json_row(struct ml_buf *out, const struct ml_store_table_info *t,
                     const struct ml_colview *columns, uint32_t row)
{
    ml_buf_cstr(out, "{\"$table\":");
    ml_buf_json(out, t->name);
    for (size_t i = 0; i < t->n_columns; i++) {
        if (is_none(&columns[i], row))
            continue;
        ml_buf_printf(out, ",\"%s\":", ml_store_col_get(t->columns[i])->name.p);
        json_cell(out, &columns[i], row);
    }
    ml_buf_cstr(out, "}\n");
}

/* Seven bits a byte, lowest first. */
static void add_varint(struct ml_buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        ml_buf_char(out, (char)(v | 0x80));
    ml_buf_char(out, (char)v);
}

static void binary_row(struct ml_buf *out, const struct ml_store_table_info *t,
                       const struct ml_colview *columns, uint32_t row)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct ml_colview *c = &columns[i];
        if (c->offsets != NULL) {
            struct ml_str s = text_at(c, row);
            add_varint(out, s.n);
            ml_buf_str(out, s);
            continue;
        }
        if (c->type != ML_STORE_DATETIME) { /* Nullable: a byte says null */
            bool none = is_none(c, row);
            ml_buf_char(out, none);
            if (none)
                continue;
        }
        ml_buf_add(out, (const char *)c->fixed + (size_t)row * 8, c->type == ML_STORE_INT ? 4 : 8);
    }
}

/* -- Blocks -- */

static int export_block(struct ml_read_block *b, const struct ml_store_table_info *t,
                        enum ml_export_format format, struct ml_buf *out, struct ml_error *e)
{
    struct ml_colview columns[ML_N_COLUMNS];
    for (size_t i = 0; i < t->n_columns; i++) {
        int rc = ml_read_column(b, t->columns[i], &columns[i], e);
        if (rc != ML_OK)
            return rc;
    }
    for (uint32_t row = 0; row < b->rows; row++)
        if (format == ML_EXPORT_JSONL)
            json_row(out, t, columns, row);
        else
            binary_row(out, t, columns, row);
    return out->status == ML_OK ? ML_OK : ml_fail(e, out->status, "out of memory");
}

int ml_export_table(struct ml_read *rd, enum ml_store_table t, enum ml_export_format format,
                    ml_export_write write, void *user, uint64_t *rows, struct ml_error *e)
{
    struct ml_read_scan *scan = NULL;
    struct ml_read_block *block = NULL;
    struct ml_buf out = {0};
    int rc = ml_read_open(rd, t, 0, ML_STORE_TICKS_MAX, &scan, e);
    while (rc == ML_OK && (rc = ml_read_next(scan, &block, e)) == ML_OK && block != NULL) {
        ml_buf_clear(&out);
        rc = export_block(block, ml_store_table_get(t), format, &out, e);
        if (rc == ML_OK)
            rc = write(user, ml_buf_view(&out), e);
        if (rc == ML_OK)
            *rows += block->rows;
        ml_read_block_free(block);
        block = NULL;
    }
    ml_read_close(scan);
    ml_buf_free(&out);
    return rc;
}
