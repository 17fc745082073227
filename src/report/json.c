/* report/json.c -- one object with everything a snapshot has, in exact bytes.
 * The fields are told in docs/report-json.md; a field that changes its meaning raises "version".
 * SPDX-License-Identifier: MIT */
#include "report/formats.h"
#include "report/source.h"
#include "report/view.h"

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

static void write_line(const struct ml_view_line *l, struct ml_sources *sources, struct ml_buf *out)
{
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
    ml_buf_cstr(out, ", ");
    text_field(out, "source", ml_sources_line(sources, l->function->file, l->row->line));
    ml_buf_char(out, '}');
}

static void write_function(const struct ml_view_function *f, struct ml_sources *sources,
                           struct ml_buf *out)
{
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
    next(out, "      ");
    key(out, "lines");
    ml_buf_cstr(out, "[\n");
    for (size_t i = 0; i < f->n; i++) {
        ml_buf_cstr(out, i > 0 ? ",\n" : "");
        write_line(&f->lines[i], sources, out);
    }
    ml_buf_cstr(out, "\n      ]\n    }");
}

int ml__report_json(const struct ml_snapshot *s, const struct ml_report_options *o,
                    struct ml_buf *out, struct ml_error *e)
{
    struct ml_sources *sources = NULL;
    struct ml_view v;
    int rc = ml_view_init(&v, s, o, e);
    if (rc != ML_OK)
        return rc;
    rc = ml_sources_new(s, &sources);
    if (rc != ML_OK) {
        ml_fail(e, rc, "cannot make the report: out of memory");
        goto out;
    }
    write_run(s, out);
    next(out, "  ");
    key(out, "functions");
    ml_buf_char(out, '[');
    for (size_t i = 0; i < v.n_functions; i++) {
        ml_buf_cstr(out, i > 0 ? ",\n" : "\n");
        write_function(&v.functions[i], sources, out);
    }
    ml_buf_cstr(out, v.n_functions > 0 ? "\n  ]\n}\n" : "]\n}\n");
out:
    ml_sources_free(sources);
    ml_view_release(&v);
    return rc;
}
