/* cli/query_print.c -- a query's result for people and for files: table, CSV, markdown, JSON; see query_run.h.
 * SPDX-License-Identifier: MIT */
#include "api/shape.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "cli/output.h"
#include "cli/query_run.h"
#include "kql/text.h"
#include "kql/ticks.h"

#include <math.h>

const char *const ml_query_formats[] = {"table", "json", "csv", "markdown", "chart", NULL};

enum { CELL_MAX = 200, SAMPLE_ROWS = 1000 }; /* columns of a cell shown; rows that set the widths */

static void cell_text(const struct ml_val *v, enum ml_type t, struct ml_buf *out)
{
    if (v->null)
        return;
    if (t == ML_T_DATETIME)
        ml_datetime_print_short(v->i, out);
    else if (t == ML_T_REAL && isfinite(v->d))
        ml_real_print(v->d, out);
    else
        ml_val_print(v, t == ML_T_DYNAMIC, out);
}

static void add_shown(struct ml_buf *out, struct ml_str s, size_t width, bool right, bool pad)
{
    size_t w = ml_utf8_columns(s);
    if (right && w < width)
        ml_buf_fill(out, ' ', width - w);
    size_t used = 0;
    for (struct ml_str rest = s; rest.n > 0;) {
        uint32_t c = 0;
        size_t k = ml_utf8_next(rest, &c);
        size_t one = k == 0 ? 1 : (size_t)ml_utf8_width(c);
        k = k != 0 ? k : 1;
        if (w > width && used + one + 1 > width) {
            ml_buf_cstr(out, "\xE2\x80\xA6"); /* an ellipsis: it did not fit */
            used++;
            break;
        }
        if (c < 0x20)
            ml_buf_char(out, ' ');
        else
            ml_buf_add(out, rest.p, k);
        used += one;
        rest = (struct ml_str){rest.p + k, rest.n - k};
    }
    if (pad && !right && used < width)
        ml_buf_fill(out, ' ', width - used);
}

static void add_csv(struct ml_buf *out, struct ml_str s)
{
    bool quote = false;
    for (size_t i = 0; i < s.n; i++)
        quote |= s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote) {
        ml_buf_str(out, s);
        return;
    }
    ml_buf_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            ml_buf_char(out, '"');
        ml_buf_char(out, s.p[i]);
    }
    ml_buf_char(out, '"');
}

static void add_markdown(struct ml_buf *out, struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '|' || s.p[i] == '\\')
            ml_buf_char(out, '\\');
        ml_buf_char(out, s.p[i] == '\n' || s.p[i] == '\r' ? ' ' : s.p[i]);
    }
}

static bool is_right(enum ml_type t)
{
    return ml_type_is_number(t) || t == ML_T_TIMESPAN;
}

struct printer {
    int format;
    const struct ml_query_table *table;
    size_t *widths; /* TABLE: by column */
    struct ml_buf *out;
    size_t rows;
};

static void head(struct printer *p)
{
    uint32_t n = p->table->ncolumns;
    for (uint32_t i = 0; i < n; i++) {
        struct ml_str name = p->table->columns[i].name;
        bool right = is_right(p->table->columns[i].type);
        switch (p->format) {
        case ML_QF_CSV:
            ml_buf_cstr(p->out, i > 0 ? "," : "");
            add_csv(p->out, name);
            break;
        case ML_QF_MARKDOWN:
            ml_buf_cstr(p->out, "| ");
            add_markdown(p->out, name);
            ml_buf_char(p->out, ' ');
            break;
        default:
            ml_buf_cstr(p->out, i > 0 ? "  " : "");
            add_shown(p->out, name, p->widths[i], right, i + 1 < n);
        }
    }
    ml_buf_cstr(p->out, p->format == ML_QF_MARKDOWN ? "|\n" : "\n");
    for (uint32_t i = 0; i < n && p->format == ML_QF_MARKDOWN; i++)
        ml_buf_cstr(p->out, is_right(p->table->columns[i].type) ? "|--:" : "|---");
    for (uint32_t i = 0; i < n && p->format == ML_QF_TABLE; i++) {
        ml_buf_cstr(p->out, i > 0 ? "  " : "");
        ml_buf_fill(p->out, '-', p->widths[i]);
    }
    if (p->format != ML_QF_CSV)
        ml_buf_cstr(p->out, p->format == ML_QF_MARKDOWN ? "|\n" : "\n");
}

/* {"name":value,...}: a row on a line of its own, for --follow. */
static void json_row(struct printer *p, const struct ml_batch *b, size_t r)
{
    for (uint32_t i = 0; i < p->table->ncolumns; i++) {
        struct ml_val v = ml_column_get(&b->cols[i], r);
        ml_buf_char(p->out, i > 0 ? ',' : '{');
        ml_buf_json(p->out, p->table->columns[i].name);
        ml_buf_char(p->out, ':');
        ml_shape_cell(p->out, &v, p->table->columns[i].type, false);
    }
    ml_buf_cstr(p->out, "}\n");
}

static void row(struct printer *p, const struct ml_batch *b, size_t r)
{
    if (p->format == ML_QF_JSON) {
        json_row(p, b, r);
        return;
    }
    struct ml_buf cell = {0};
    for (uint32_t i = 0; i < p->table->ncolumns; i++) {
        enum ml_type t = p->table->columns[i].type;
        struct ml_val v = ml_column_get(&b->cols[i], r);
        ml_buf_clear(&cell);
        cell_text(&v, t, &cell);
        struct ml_str s = ml_buf_view(&cell);
        if (p->format == ML_QF_CSV) {
            ml_buf_cstr(p->out, i > 0 ? "," : "");
            add_csv(p->out, s);
        } else if (p->format == ML_QF_MARKDOWN) {
            ml_buf_cstr(p->out, "| ");
            add_markdown(p->out, s);
            ml_buf_char(p->out, ' ');
        } else {
            ml_buf_cstr(p->out, i > 0 ? "  " : "");
            add_shown(p->out, s, p->widths[i], is_right(t), i + 1 < p->table->ncolumns);
        }
    }
    ml_buf_cstr(p->out, p->format == ML_QF_MARKDOWN ? "|\n" : "\n");
    ml_buf_free(&cell);
    p->rows++;
}

/* Wide enough for the names and for the first batch's cells, within the limit of a cell. */
static void measure(struct printer *p, const struct ml_batch *b)
{
    struct ml_buf cell = {0};
    for (uint32_t i = 0; i < p->table->ncolumns; i++) {
        size_t w = ml_utf8_columns(p->table->columns[i].name);
        for (size_t r = 0; r < b->n && r < SAMPLE_ROWS; r++) {
            struct ml_val v = ml_column_get(&b->cols[i], r);
            ml_buf_clear(&cell);
            cell_text(&v, p->table->columns[i].type, &cell);
            size_t k = ml_utf8_columns(ml_buf_view(&cell));
            w = k > w ? k : w;
        }
        p->widths[i] = w < CELL_MAX ? w : CELL_MAX;
    }
    ml_buf_free(&cell);
}

/* Is the row not among those that were there before? */
static bool is_new(struct ml_query_seen *seen, struct ml_query *q, uint32_t t,
                   const struct ml_batch *b, size_t r)
{
    const struct ml_query_table *table = ml_query_table(q, t);
    struct ml_map *m = seen->quiet ? &seen->before : &seen->now;
    struct ml_buf key = {0};
    if (!seen->quiet && seen->before.n == 0)
        return true;
    ml_buf_u64(&key, t);
    for (uint32_t i = 0; i < table->ncolumns; i++) {
        struct ml_val v = ml_column_get(&b->cols[i], r);
        ml_buf_char(&key, '\x1F');
        cell_text(&v, table->columns[i].type, &key);
    }
    uint64_t *times = ml_map_find(m, ml_buf_view(&key));
    uint64_t n = times != NULL ? ++*times : 1;
    if (times == NULL)
        ml_map_put(m, ml_buf_view(&key), 1);
    const uint64_t *before = ml_map_find(&seen->before, ml_buf_view(&key));
    ml_buf_free(&key);
    return !seen->quiet && n > (before != NULL ? *before : 0);
}

/* Columns stay where they were when rows follow later. */
static int set_widths(struct printer *p, struct ml_query_seen *seen, const struct ml_batch *b)
{
    uint32_t n = p->table->ncolumns;
    p->widths = ml_calloc(n, sizeof *p->widths);
    if (p->widths == NULL)
        return ML_ENOMEM;
    if (seen != NULL && seen->nwidths == n) {
        memcpy(p->widths, seen->widths, n * sizeof *p->widths);
        return ML_OK;
    }
    measure(p, b);
    if (seen == NULL || b->n == 0)
        return ML_OK;
    ml_free(seen->widths);
    seen->widths = ml_calloc(n, sizeof *p->widths);
    seen->nwidths = seen->widths != NULL ? n : 0;
    if (seen->widths != NULL)
        memcpy(seen->widths, p->widths, n * sizeof *p->widths);
    return ML_OK;
}

static int print_table(const struct ml_query_run *run, struct ml_query *q, uint32_t t, int format,
                       struct ml_buf *out)
{
    struct printer p = {.format = format, .table = ml_query_table(q, t), .out = out};
    struct ml_batch b;
    int rc = ml_query_next(q, t, &b);
    if (rc == ML_OK)
        rc = set_widths(&p, run->seen, &b);
    if (rc != ML_OK)
        return rc;
    if (t > 0 && !run->bare)
        ml_buf_char(out, '\n');
    if (!run->bare && format != ML_QF_JSON)
        head(&p);
    while (rc == ML_OK && b.n > 0) {
        for (size_t r = 0; r < b.n; r++)
            if (run->seen == NULL || is_new(run->seen, q, t, &b, r))
                row(&p, &b, r);
        rc = ml_query_next(q, t, &b);
    }
    if (format == ML_QF_TABLE && rc == ML_OK && run->seen == NULL)
        ml_buf_printf(out, "(%zu row%s)\n", p.rows, p.rows == 1 ? "" : "s");
    ml_free(p.widths);
    return rc;
}

/* Is this table to be drawn? */
static bool wants_chart(const struct ml_query_run *r, const struct ml_query *q, uint32_t t)
{
    bool asked = (r->format == ML_QF_CHART && r->seen == NULL) ||
                 (r->format == ML_QF_AUTO && r->terminal && r->seen == NULL);
    return asked && ml_chart_drawn(ml_query_table(q, t)->render);
}

/* A result without numbers is run again, for a table. */
static int print_chart(const struct ml_query_run *r, struct ml_str text, struct ml_query *q,
                       uint32_t t, struct ml_buf *out)
{
    struct ml_chart c;
    struct ml_query *again = NULL;
    int rc = ml_chart_read(&c, q, t);
    if (t > 0)
        ml_buf_char(out, '\n');
    if (rc == ML_OK && c.n > 0) {
        ml_chart_draw(&c, &r->look, out);
        ml_buf_printf(out, "(%zu row%s)\n", c.rows, c.rows == 1 ? "" : "s");
    } else if (rc == ML_OK) {
        rc = ml_query_open(text, &r->options, &again);
        if (rc == ML_OK)
            rc = print_table(r, again, t, ML_QF_TABLE, out);
        ml_query_close(again);
    }
    ml_chart_release(&c);
    return rc;
}

static int print_result(const struct ml_query_run *r, struct ml_str text, struct ml_query *q,
                        struct ml_buf *out)
{
    int rc = ML_OK;
    int format = r->format >= ML_QF_CHART ? ML_QF_TABLE : r->format;
    for (uint32_t t = 0; rc == ML_OK && t < ml_query_tables(q); t++)
        rc = wants_chart(r, q, t) ? print_chart(r, text, q, t, out)
                                  : print_table(r, q, t, format, out);
    return rc;
}

int ml_query_print(const struct ml_query_run *r, struct ml_str text, struct ml_buf *out,
                   struct ml_buf *wrong)
{
    struct ml_query *q = NULL;
    int rc = ml_query_open(text, &r->options, &q);
    if (rc == ML_OK && r->explain) {
        ml_query_explain(q, out);
    } else if (rc == ML_OK && r->format == ML_QF_JSON && r->seen == NULL) {
        rc = ml_query_json(q, out);
        ml_buf_char(out, '\n');
    } else if (rc == ML_OK) {
        rc = print_result(r, text, q, out);
    }
    if (rc == ML_OK)
        rc = out->status;
    const struct ml_diag *d = q != NULL ? ml_query_diag(q) : NULL;
    bool elsewhere = d != NULL && r->options.engine != NULL && d->len == 0; /* on the server */
    if (rc != ML_OK && d != NULL && ml_diag_is_set(d))
        ml_diag_print(d, elsewhere ? ML_STR("") : text, wrong);
    else if (rc != ML_OK)
        ml_buf_printf(wrong, "kql: %s\n", ml_status_text(rc));
    ml_query_close(q);
    return rc;
}

int ml_query_show(const struct ml_query_run *r, struct ml_str text)
{
    struct ml_buf out = {0};
    struct ml_buf wrong = {0};
    struct ml_error e;
    int rc = ml_query_print(r, text, &out, &wrong);
    if (wrong.n > 0)
        fwrite(wrong.p, 1, wrong.n, stderr);
    if (rc == ML_OK && (rc = ml_output_write(NULL, ml_buf_view(&out), &e)) != ML_OK)
        ml_error_print(&e);
    ml_buf_free(&out);
    ml_buf_free(&wrong);
    return rc;
}
