/* report/csv.c -- a header, then a row per line that ran (or with `scopes` of a book with heap figures, a row
 * per line, scope and call path; and for what is outside of lines), in exact bytes; RFC 4180: fields with a
 * comma, a quote or a line end are quoted, rows end with CR LF.
 *
 * Text is written as it is, but for bytes that are not UTF-8, which become U+FFFD. Programs that run
 * formulas found in CSV files should be told to take columns as text. SPDX-License-Identifier: MIT */
#include "report/decode.h"
#include "report/formats.h"
#include "report/interval.h"
#include "report/source.h"
#include "report/stacks.h"
#include "report/view.h"

static void write_quoted(struct ml_str s, struct ml_buf *out)
{
    ml_buf_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            ml_buf_char(out, '"');
        ml_buf_char(out, s.p[i]);
    }
    ml_buf_char(out, '"');
}

static bool needs_quotes(struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r')
            return true;
    return false;
}

static void write_text(struct ml_str s, struct ml_buf *out)
{
    struct ml_buf clean = {0};
    ml_decode_utf8(s, &clean);
    if (clean.status != ML_OK)
        out->status = clean.status;
    else if (needs_quotes(ml_buf_view(&clean)))
        write_quoted(ml_buf_view(&clean), out);
    else
        ml_buf_str(out, ml_buf_view(&clean));
    ml_buf_free(&clean);
}

/* The heap's columns, in the order of their heads. */
static void write_heap(const struct ml_view *v, const struct ml_heap *h, struct ml_buf *out)
{
    struct ml_interval alloc = ml_interval_alloc(h, &v->summary);
    struct ml_interval held = ml_interval_held(h, &v->summary);
    ml_buf_printf(out, "%lld,%lld,%llu,%llu,%llu,%llu,%lld,", (long long)h->net_bytes,
                  (long long)h->own_net_bytes, (unsigned long long)h->peak_bytes,
                  (unsigned long long)h->alloc_bytes, (unsigned long long)h->alloc_count,
                  (unsigned long long)h->freed_bytes, (long long)ml_heap_held(h));
    if (v->summary.rate_bytes > 0)
        ml_buf_printf(out, "%llu,%.0f,%.0f,%.0f,%.0f,", (unsigned long long)h->samples, alloc.low,
                      alloc.high, held.low, held.high);
}

static void write_heap_heads(const struct ml_view *v, struct ml_buf *out)
{
    if (v->has_heap)
        ml_buf_cstr(out, "net_bytes,own_net_bytes,peak_bytes,alloc_bytes,alloc_count,freed_bytes,"
                         "held_bytes,");
    if (v->has_heap && v->summary.rate_bytes > 0)
        ml_buf_cstr(out,
                    "samples,alloc_low_bytes,alloc_high_bytes,held_low_bytes,held_high_bytes,");
    ml_buf_cstr(out, "source\r\n");
}

static void write_row(const struct ml_view *v, const struct ml_view_line *l,
                      struct ml_sources *sources, struct ml_buf *out)
{
    write_text(l->function->file, out);
    ml_buf_char(out, ',');
    write_text(l->function->name, out);
    ml_buf_char(out, ',');
    ml_buf_u64(out, l->row->line);
    ml_buf_char(out, ',');
    ml_buf_u64(out, l->row->hits);
    ml_buf_char(out, ',');
    ml_buf_i64(out, l->row->rss_net_bytes);
    ml_buf_char(out, ',');
    ml_buf_u64(out, l->row->rss_max_bytes);
    ml_buf_char(out, ',');
    ml_buf_u64(out, l->row->order);
    ml_buf_char(out, ',');
    if (v->has_heap)
        write_heap(v, &l->row->heap, out);
    write_text(ml_sources_line(sources, l->function->file, l->row->line), out);
    ml_buf_cstr(out, "\r\n");
}

/* --- by scope ------------------------------------------------------------------------------------- */

static void write_place(const struct ml_snapshot *s, const struct ml_view *v,
                        const struct ml_place *p, struct ml_sources *sources, struct ml_buf *out)
{
    static const char *const names[] = {"", "outside of profiled lines", "native threads"};
    const struct ml_scope_row *scope = ml__scope_find(s, p->scope);
    const struct ml_function *f;
    bool line = p->kind == ML_PLACE_LINE && p->function < ml_snapshot_functions(s, &f);
    if (line) {
        f += p->function;
        write_text(f->file, out);
        ml_buf_char(out, ',');
        write_text(f->name, out);
    } else {
        ml_buf_printf(out, ",%s", names[p->kind]);
    }
    ml_buf_printf(out, ",%u,%u,", line ? p->line : 0, p->scope);
    if (scope != NULL)
        write_text(scope->name, out);
    ml_buf_char(out, ',');
    if (scope != NULL)
        write_text(scope->key, out);
    ml_buf_printf(out, ",%llu,%lld,", (unsigned long long)p->heap.hits,
                  (long long)p->heap.rss_net_bytes);
    write_heap(v, &p->heap, out);
    if (line)
        write_text(ml_sources_line(sources, f->file, p->line), out);
    ml_buf_cstr(out, "\r\n");
}

static void write_places(const struct ml_snapshot *s, const struct ml_view *v,
                         struct ml_sources *sources, struct ml_buf *out)
{
    const struct ml_place *places;
    size_t n = ml_snapshot_places(s, &places);
    ml_buf_cstr(out, "file,function,line,scope,scope_name,scope_key,hits,rss_net_bytes,");
    write_heap_heads(v, out);
    for (size_t i = 0; i < n && out->status == ML_OK; i++)
        write_place(s, v, &places[i], sources, out);
}

static void write_lines(const struct ml_view *v, struct ml_sources *sources, struct ml_buf *out)
{
    ml_buf_cstr(out, "file,function,line,hits,rss_net_bytes,rss_max_bytes,order,");
    write_heap_heads(v, out);
    for (size_t i = 0; i < v->n_lines; i++)
        write_row(v, &v->lines[i], sources, out);
}

int ml__report_csv(const struct ml_snapshot *s, const struct ml_report_options *o,
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
    if (o->sort != ML_SORT_LINE)
        ml_view_rank(&v, o->sort);
    if (o->scopes && v.has_heap)
        write_places(s, &v, sources, out);
    else
        write_lines(&v, sources, out);
out:
    ml_sources_free(sources);
    ml_view_release(&v);
    return rc;
}
