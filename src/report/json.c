/* report/json.c -- one object with everything a snapshot has, in exact bytes.
 * The fields are told in docs/report-json.md; a field that changes its meaning raises "version".
 * SPDX-License-Identifier: MIT */
#include "report/json.h"

#include "report/formats.h"

static void key(struct ml_buf *out, const char *name)
{
    ml_buf_char(out, '"');
    ml_buf_cstr(out, name);
    ml_buf_cstr(out, "\": ");
}

static void text_field(struct ml_buf *out, const char *name, struct ml_str value)
{
    key(out, name);
    ml_buf_json(out, value);
}

static void u64_field(struct ml_buf *out, const char *name, uint64_t value)
{
    key(out, name);
    ml_buf_u64(out, value);
}

static void i64_field(struct ml_buf *out, const char *name, int64_t value)
{
    key(out, name);
    ml_buf_i64(out, value);
}

static void truth_field(struct ml_buf *out, const char *name, bool value)
{
    key(out, name);
    ml_buf_cstr(out, value ? "true" : "false");
}

static void next(struct ml_buf *out, const char *indent)
{
    ml_buf_cstr(out, ",\n");
    ml_buf_cstr(out, indent);
}

static void write_run(const struct ml_snapshot *s, struct ml_buf *out)
{
    struct ml_str name;
    struct ml_str value;
    ml_buf_cstr(out, "{\n  ");
    text_field(out, "format", ML_STR("memline-report"));
    next(out, "  ");
    u64_field(out, "version", 1);
    next(out, "  ");
    u64_field(out, "books", ml_snapshot_books(s));
    next(out, "  ");
    u64_field(out, "pid", ml_snapshot_pid(s));
    next(out, "  ");
    i64_field(out, "start_ns", ml_snapshot_start_ns(s));
    next(out, "  ");
    truth_field(out, "complete", ml_snapshot_complete(s));
    next(out, "  ");
    truth_field(out, "truncated", ml_snapshot_truncated(s));
    next(out, "  ");
    u64_field(out, "lost_functions", ml_snapshot_lost(s));
    next(out, "  ");
    key(out, "meta");
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
    ml_buf_cstr(out, "        {");
    u64_field(out, "line", l->row->line);
    ml_buf_cstr(out, ", ");
    u64_field(out, "hits", l->row->hits);
    ml_buf_cstr(out, ", ");
    i64_field(out, "rss_net_bytes", l->row->rss_net_bytes);
    ml_buf_cstr(out, ", ");
    u64_field(out, "rss_max_bytes", l->row->rss_max_bytes);
    ml_buf_cstr(out, ", ");
    u64_field(out, "order", l->row->order);
    if (j->view->has_heap)
        ml__json_heap_figures(j, &l->row->heap);
    if (!j->page || j->texts_max == 0) {
        ml_buf_cstr(out, ", ");
        text_field(out, "source", ml_sources_line(j->sources, l->function->file, l->row->line));
    }
    ml_buf_char(out, '}');
}

static void write_function(struct ml_json *j, const struct ml_view_function *f)
{
    struct ml_buf *out = j->out;
    ml_buf_cstr(out, "    {\n      ");
    text_field(out, "file", f->function->file);
    next(out, "      ");
    text_field(out, "name", f->function->name);
    next(out, "      ");
    u64_field(out, "first_line", f->function->first_line);
    next(out, "      ");
    u64_field(out, "last_line", f->function->last_line);
    next(out, "      ");
    i64_field(out, "rss_net_bytes", f->net_bytes);
    next(out, "      ");
    u64_field(out, "rss_max_bytes", f->max_bytes);
    if (j->view->has_heap) {
        ml_buf_cstr(out, ",\n      \"hits\": ");
        ml_buf_u64(out, f->hits);
        ml__json_heap_figures(j, &f->heap);
    }
    next(out, "      ");
    key(out, "lines");
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
    next(j->out, "  ");
    key(j->out, "files");
    ml_buf_char(j->out, '[');
    for (size_t i = 0; i < n && j->out->status == ML_OK; i++) {
        if (i > 0 && ml_str_eq(f[i].file, f[i - 1].file))
            continue;
        ml_buf_cstr(j->out, first ? "\n    {" : ",\n    {");
        text_field(j->out, "file", f[i].file);
        ml_buf_cstr(j->out, ", ");
        truth_field(j->out, "changed", ml_sources_changed(j->sources, f[i].file));
        ml_buf_cstr(j->out, ", ");
        key(j->out, "text");
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
    next(out, "  ");
    key(out, "functions");
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
