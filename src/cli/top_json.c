/* cli/top_json.c -- `memline top --json`; the fields are told in docs/top.md. SPDX-License-Identifier: MIT */
#include "cli/top_draw.h"
#include "core/heap_format.h"

static void text(struct ml_buf *out, const char *name, struct ml_str value)
{
    ml_buf_printf(out, "\"%s\": ", name);
    ml_buf_json(out, value);
}

static void heap_fields(const struct ml_heap *h, struct ml_buf *out)
{
    ml_buf_printf(out,
                  ", \"held_bytes\": %lld, \"net_bytes\": %lld, \"peak_bytes\": %llu, "
                  "\"alloc_bytes\": %llu, \"alloc_count\": %llu, \"freed_bytes\": %llu",
                  (long long)ml_heap_held(h), (long long)h->net_bytes,
                  (unsigned long long)h->peak_bytes, (unsigned long long)h->alloc_bytes,
                  (unsigned long long)h->alloc_count, (unsigned long long)h->freed_bytes);
}

static void write_row(const struct ml_top_rows *t, const struct ml_top_row *r,
                      struct ml_sources *sources, struct ml_buf *out)
{
    ml_buf_cstr(out, "    {");
    text(out, "file", r->file);
    ml_buf_printf(out, ", \"line\": %u, ", r->line);
    text(out, "function", r->function);
    ml_buf_printf(out, ", \"hits\": %llu, \"rss_net_bytes\": %lld, \"rss_max_bytes\": %llu",
                  (unsigned long long)r->hits, (long long)r->rss_net_bytes,
                  (unsigned long long)r->rss_max_bytes);
    if (t->has_heap)
        heap_fields(&r->heap, out);
    ml_buf_cstr(out, ", ");
    text(out, "source",
         r->file.n > 0 ? ml_sources_line(sources, r->file, r->line) : (struct ml_str){"", 0});
    ml_buf_char(out, '}');
}

static const char *mode_name(const struct ml_top_rows *t)
{
    static const char *const names[] = {"off", "exact", "sample"};
    return !t->has_heap ? "line" : names[t->heap.mode >= 0 && t->heap.mode < 3 ? t->heap.mode : 0];
}

void ml_top_json(const struct ml_top_rows *t, struct ml_sources *sources,
                 const struct ml_top_look *look, struct ml_buf *out)
{
    ml_buf_cstr(out, "{\n  \"format\": \"memline-top\",\n  \"version\": 1,\n  ");
    text(out, "command", ml_snapshot_meta(t->snapshot, ML_STR("command")));
    ml_buf_printf(out, ",\n  \"pid\": %llu,\n  \"state\": \"%s\",\n  \"mode\": \"%s\"",
                  (unsigned long long)ml_snapshot_pid(t->snapshot), ml_top_state_words[look->state],
                  mode_name(t));
    ml_buf_printf(out, ",\n  \"start_ns\": %lld,\n  \"elapsed_ns\": %llu",
                  (long long)ml_snapshot_start_ns(t->snapshot),
                  (unsigned long long)look->elapsed_ns);
    if (look->rss_bytes != 0)
        ml_buf_printf(out, ",\n  \"rss_bytes\": %llu", (unsigned long long)look->rss_bytes);
    if (t->has_heap)
        ml_buf_printf(out, ",\n  \"heap\": {\"live_bytes\": %lld, \"peak_bytes\": %lld}",
                      (long long)t->heap.live_bytes, (long long)t->heap.peak_bytes);
    if (look->limit_bytes != 0)
        ml_buf_printf(out,
                      ",\n  \"limit\": {\"kind\": \"%s\", \"bytes\": %llu, \"use_bytes\": %llu}",
                      look->limit_kind, (unsigned long long)look->limit_bytes,
                      (unsigned long long)look->limit_use_bytes);
    ml_buf_cstr(out, ",\n  \"lines\": [");
    for (size_t i = 0; i < t->n_shown && out->status == ML_OK; i++) {
        ml_buf_cstr(out, i > 0 ? ",\n" : "\n");
        write_row(t, t->shown[i], sources, out);
    }
    ml_buf_cstr(out, t->n_shown > 0 ? "\n  ]\n}\n" : "]\n}\n");
}
