/* report/json.c -- one object with everything a snapshot has, in exact bytes.
 * The fields are told in docs/report-json.md; a field that changes its meaning raises "version".
 * SPDX-License-Identifier: MIT */
#include "report/json.h"

#include "report/formats.h"

/* `before` parts the field from what stands in front of it. */
static void key(struct ml_buf *out, const char *before, const char *name)
{
    ml_buf_cstr(out, before);
    ml_buf_char(out, '"');
    ml_buf_cstr(out, name);
    ml_buf_cstr(out, "\": ");
}

static void text_field(struct ml_buf *out, const char *before, const char *name,
                       struct ml_str value)
{
    key(out, before, name);
    ml_buf_json(out, value);
}

static void u64_field(struct ml_buf *out, const char *before, const char *name, uint64_t value)
{
    key(out, before, name);
    ml_buf_u64(out, value);
}

static void i64_field(struct ml_buf *out, const char *before, const char *name, int64_t value)
{
    key(out, before, name);
    ml_buf_i64(out, value);
}

static void truth_field(struct ml_buf *out, const char *before, const char *name, bool value)
{
    key(out, before, name);
    ml_buf_cstr(out, value ? "true" : "false");
}

static void write_run(const struct ml_snapshot *s, struct ml_buf *out)
{
    static const char next[] = ",\n  ";
    struct ml_str name;
    struct ml_str value;
    text_field(out, "{\n  ", "format", ML_STR("memline-report"));
    u64_field(out, next, "version", 1);
    u64_field(out, next, "books", ml_snapshot_books(s));
    u64_field(out, next, "pid", ml_snapshot_pid(s));
    i64_field(out, next, "start_ns", ml_snapshot_start_ns(s));
    truth_field(out, next, "complete", ml_snapshot_complete(s));
    truth_field(out, next, "truncated", ml_snapshot_truncated(s));
    u64_field(out, next, "lost_functions", ml_snapshot_lost(s));
    key(out, next, "meta");
    ml_buf_char(out, '{');
    for (size_t i = 0; ml_snapshot_meta_at(s, i, &name, &value); i++) {
        ml_buf_cstr(out, i > 0 ? ", " : "");
        ml_buf_json(out, name);
        ml_buf_cstr(out, ": ");
        ml_buf_json(out, value);
    }
    ml_buf_char(out, '}');
}

static void write_line(struct ml_json *j, const struct ml_view_line *l)
{
    struct ml_buf *out = j->out;
    u64_field(out, "        {", "line", l->row->line);
    u64_field(out, ", ", "hits", l->row->hits);
    i64_field(out, ", ", "rss_net_bytes", l->row->rss_net_bytes);
    u64_field(out, ", ", "rss_max_bytes", l->row->rss_max_bytes);
    u64_field(out, ", ", "order", l->row->order);
    if (j->view->has_heap)
        ml__json_heap_figures(j, &l->row->heap);
    if (!j->page || j->texts_max == 0)
        text_field(out, ", ", "source",
                   ml_sources_line(j->sources, l->function->file, l->row->line));
    ml_buf_char(out, '}');
}

static void write_function(struct ml_json *j, const struct ml_view_function *f)
{
    static const char next[] = ",\n      ";
    struct ml_buf *out = j->out;
    text_field(out, "    {\n      ", "file", f->function->file);
    text_field(out, next, "name", f->function->name);
    u64_field(out, next, "first_line", f->function->first_line);
    u64_field(out, next, "last_line", f->function->last_line);
    i64_field(out, next, "rss_net_bytes", f->net_bytes);
    u64_field(out, next, "rss_max_bytes", f->max_bytes);
    if (j->view->has_heap) {
        u64_field(out, next, "hits", f->hits);
        ml__json_heap_figures(j, &f->heap);
    }
    key(out, next, "lines");
    ml_buf_cstr(out, "[\n");
    for (size_t i = 0; i < f->n; i++) {
        ml_buf_cstr(out, i > 0 ? ",\n" : "");
        write_line(j, &f->lines[i]);
    }
    ml_buf_cstr(out, "\n      ]\n    }");
}

/* A file's lines, each with its end. */
static void write_text(struct ml_json *j, struct ml_str file)
{
    struct ml_buf text = {0};
    uint32_t n = ml_sources_count(j->sources, file);
    for (uint32_t i = 1; i <= n; i++) {
        ml_buf_str(&text, ml_sources_line(j->sources, file, i));
        ml_buf_char(&text, '\n');
    }
    if (text.status != ML_OK)
        j->out->status = text.status;
    if (text.n <= j->texts_max) {
        j->texts_max -= text.n;
        ml_buf_json(j->out, ml_buf_view(&text));
    } else {
        ml_buf_cstr(j->out, "null");
        j->texts_max = 0; /* from now on, lines bring theirs along */
    }
    ml_buf_free(&text);
}

/* The view may be sorted: a file's functions need not follow each other. */
static void write_files(struct ml_json *j)
{
    const struct ml_function *f;
    size_t n = ml_snapshot_functions(j->snapshot, &f);
    bool first = true;
    key(j->out, ",\n  ", "files");
    ml_buf_char(j->out, '[');
    for (size_t i = 0; i < n && j->out->status == ML_OK; i++) {
        if (i > 0 && ml_str_eq(f[i].file, f[i - 1].file))
            continue;
        text_field(j->out, first ? "\n    {" : ",\n    {", "file", f[i].file);
        truth_field(j->out, ", ", "changed", ml_sources_changed(j->sources, f[i].file));
        key(j->out, ", ", "text");
        write_text(j, f[i].file);
        ml_buf_char(j->out, '}');
        first = false;
    }
    ml_buf_cstr(j->out, first ? "]" : "\n  ]");
}

void ml__json_write(struct ml_json *j)
{
    struct ml_buf *out = j->out;
    const struct ml_view *v = j->view;
    write_run(j->snapshot, out);
    if (v->has_heap)
        ml__json_heap(j);
    if (j->page)
        write_files(j);
    key(out, ",\n  ", "functions");
    ml_buf_char(out, '[');
    for (size_t i = 0; i < v->n_functions; i++) {
        ml_buf_cstr(out, i > 0 ? ",\n" : "\n");
        write_function(j, &v->functions[i]);
    }
    ml_buf_cstr(out, v->n_functions > 0 ? "\n  ]\n}\n" : "]\n}\n");
}

int ml__report_json(const struct ml_snapshot *s, const struct ml_report_options *o,
                    struct ml_buf *out, struct ml_error *e)
{
    struct ml_view v;
    int rc = ml_view_init(&v, s, o, e);
    if (rc != ML_OK)
        return rc;
    struct ml_json j = {.snapshot = s, .view = &v, .out = out, .accounts = o->scopes};
    rc = ml_sources_new(s, &j.sources);
    if (rc == ML_OK)
        ml__json_write(&j);
    else
        ml_fail(e, rc, "cannot make the report: out of memory");
    ml_sources_free(j.sources);
    ml_view_release(&v);
    return rc;
}
