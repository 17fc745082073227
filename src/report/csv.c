/* report/csv.c -- a header, then a row per line that ran, in exact bytes; RFC 4180: fields with a
 * comma, a quote or a line end are quoted, rows end with CR LF.
 *
 * Text is written as it is, but for bytes that are not UTF-8, which become U+FFFD. Programs that run
 * formulas found in CSV files should be told to take columns as text. SPDX-License-Identifier: MIT */
#include "report/decode.h"
#include "report/formats.h"
#include "report/interval.h"
#include "report/source.h"
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

/* The heap's columns, in the order of `heads`. */
static void write_heap(const struct ml_view *v, const struct ml_heap *h, struct ml_buf *out)
{
    struct ml_interval alloc = ml_interval_alloc(h, v->summary.rate_bytes);
    struct ml_interval held = ml_interval_held(h, v->summary.rate_bytes);
    ml_buf_printf(out, "%lld,%lld,%llu,%llu,%llu,%llu,%lld,", (long long)h->net_bytes,
                  (long long)h->own_net_bytes, (unsigned long long)h->peak_bytes,
                  (unsigned long long)h->alloc_bytes, (unsigned long long)h->alloc_count,
                  (unsigned long long)h->freed_bytes, (long long)ml_heap_held(h));
    if (v->summary.rate_bytes > 0)
        ml_buf_printf(out, "%llu,%.0f,%.0f,%.0f,%.0f,", (unsigned long long)h->samples, alloc.low,
                      alloc.high, held.low, held.high);
}

static void write_heads(const struct ml_view *v, struct ml_buf *out)
{
    ml_buf_cstr(out, "file,function,line,hits,rss_net_bytes,rss_max_bytes,order,");
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
    write_heads(&v, out);
    for (size_t i = 0; i < v.n_lines; i++)
        write_row(&v, &v.lines[i], sources, out);
out:
    ml_sources_free(sources);
    ml_view_release(&v);
    return rc;
}
