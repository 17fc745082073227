/* report/json_heap.c -- the heap's part of the JSON report; docs/report-json.md tells the fields.
 * SPDX-License-Identifier: MIT */
#include "report/json.h"

#include "report/interval.h"

static void u64(struct ml_json *j, const char *name, uint64_t value)
{
    if (j->page && value == 0)
        return;
    ml_buf_printf(j->out, ", \"%s\": ", name);
    ml_buf_u64(j->out, value);
}

static void i64(struct ml_json *j, const char *name, int64_t value)
{
    if (j->page && value == 0)
        return;
    ml_buf_printf(j->out, ", \"%s\": ", name);
    ml_buf_i64(j->out, value);
}

static void text(struct ml_json *j, const char *name, struct ml_str value)
{
    ml_buf_printf(j->out, ", \"%s\": ", name);
    ml_buf_json(j->out, value);
}

/* Whole bytes; an interval's ends may be larger than any integer. */
static void range(struct ml_json *j, const char *name, struct ml_interval i)
{
    ml_buf_printf(j->out, ", \"%s_low_bytes\": %.0f, \"%s_high_bytes\": %.0f", name, i.low, name,
                  i.high);
}

/* Those that may be added up over lines. */
static void exclusive_figures(struct ml_json *j, const struct ml_heap *h)
{
    const struct ml_heap_summary *all = &j->view->summary;
    i64(j, "own_net_bytes", h->own_net_bytes);
    u64(j, "alloc_bytes", h->alloc_bytes);
    u64(j, "alloc_count", h->alloc_count);
    u64(j, "realloc_count", h->realloc_count);
    u64(j, "freed_bytes", h->freed_bytes);
    u64(j, "freed_count", h->freed_count);
    i64(j, "held_bytes", ml_heap_held(h));
    if (h->inherited_bytes != 0)
        u64(j, "inherited_bytes", h->inherited_bytes);
    if (h->map_bytes != 0 || h->map_file_bytes != 0) {
        i64(j, "map_bytes", h->map_bytes);
        i64(j, "map_file_bytes", h->map_file_bytes);
    }
    if (all->rate_bytes == 0 || (j->page && h->samples == 0))
        return;
    u64(j, "samples", h->samples);
    range(j, "alloc", ml_interval_alloc(h, all));
    range(j, "held", ml_interval_held(h, all));
}

void ml__json_heap_figures(struct ml_json *j, const struct ml_heap *h)
{
    i64(j, "net_bytes", h->net_bytes);
    u64(j, "peak_bytes", h->peak_bytes);
    exclusive_figures(j, h);
}

static void write_rest(struct ml_json *j, const char *name, const struct ml_heap *h)
{
    ml_buf_printf(j->out, ",\n    \"%s\": {\"hits\": ", name);
    ml_buf_u64(j->out, h->hits);
    exclusive_figures(j, h);
    ml_buf_char(j->out, '}');
}

static void write_summary(struct ml_json *j)
{
    const struct ml_heap_summary *h = &j->view->summary;
    ml_buf_printf(j->out, ",\n  \"summary\": {\n    \"mode\": \"%s\", \"native\": %s",
                  h->rate_bytes > 0 ? "sample" : "exact", h->native ? "true" : "false");
    i64(j, "live_bytes", h->live_bytes);
    i64(j, "peak_bytes", h->peak_bytes);
    if (h->rate_bytes > 0 && h->peak_bytes > 0)
        range(j, "peak", ml_interval_sum(h->peak_bytes, h));
    u64(j, "rate_bytes", h->rate_bytes);
    u64(j, "rate_most_bytes", h->rate_most_bytes);
    u64(j, "foreign_frees", h->foreign_frees);
    u64(j, "stale_blocks", h->stale_blocks);
    u64(j, "stale_bytes", h->stale_bytes);
    u64(j, "ledger_bytes", h->ledger_bytes);
    u64(j, "lost_accounts", h->lost_accounts);
    u64(j, "limit_bytes", h->limit_bytes);
    u64(j, "limit_percent", h->limit_percent);
    write_rest(j, "lines", &j->view->held);
    write_rest(j, "outside", &h->outside);
    write_rest(j, "native_threads", &h->threads);
    ml_buf_cstr(j->out, "\n  }");
}

static void scope_ranges(struct ml_json *j, const struct ml_scope_row *s)
{
    struct ml_heap h = ml_scope_heap(s);
    range(j, "alloc", ml_interval_alloc(&h, &j->view->summary));
    range(j, "held", ml_interval_held(&h, &j->view->summary));
}

static void write_scopes(struct ml_json *j)
{
    const struct ml_scope_row *s;
    size_t n = ml_snapshot_scopes(j->snapshot, &s);
    ml_buf_cstr(j->out, ",\n  \"scopes\": [");
    for (size_t i = 0; i < n; i++) {
        ml_buf_printf(j->out, "%s\n    {\"id\": %u", i > 0 ? "," : "", s[i].id);
        u64(j, "parent", s[i].parent);
        text(j, "name", s[i].name);
        text(j, "key", s[i].key);
        i64(j, "begin_ns", s[i].begin_ns);
        i64(j, "end_ns", s[i].end_ns);
        i64(j, "net_bytes", s[i].net_bytes);
        i64(j, "peak_bytes", s[i].peak_bytes);
        u64(j, "alloc_bytes", s[i].alloc_bytes);
        i64(j, "held_bytes", s[i].held_bytes);
        if (j->view->summary.rate_bytes > 0)
            scope_ranges(j, &s[i]);
        ml_buf_char(j->out, '}');
    }
    ml_buf_cstr(j->out, n > 0 ? "\n  ]" : "]");
}

static void write_timeline(struct ml_json *j)
{
    const struct ml_moment *m;
    size_t n = ml_snapshot_moments(j->snapshot, &m);
    ml_buf_cstr(j->out, ",\n  \"timeline\": [");
    for (size_t i = 0; i < n; i++) {
        ml_buf_printf(j->out, "%s\n    {\"at_ns\": ", i > 0 ? "," : "");
        ml_buf_i64(j->out, m[i].at_ns);
        u64(j, "rss_bytes", m[i].rss_bytes);
        i64(j, "heap_bytes", m[i].heap_bytes);
        u64(j, "limit_use_bytes", m[i].limit_use_bytes);
        ml_buf_char(j->out, '}');
    }
    ml_buf_cstr(j->out, n > 0 ? "\n  ]" : "]");
}

static void write_account(struct ml_json *j, size_t i, const struct ml_place *p)
{
    static const char *const kinds[] = {"line", "outside", "native"};
    const struct ml_function *f;
    size_t n = ml_snapshot_functions(j->snapshot, &f);
    ml_buf_printf(j->out, "%s\n    {\"kind\": \"%s\"", i > 0 ? "," : "", kinds[p->kind]);
    if (p->kind == ML_PLACE_LINE && p->function < n) {
        text(j, "file", f[p->function].file);
        text(j, "function", f[p->function].name);
        u64(j, "first_line", f[p->function].first_line);
        u64(j, "line", p->line);
    }
    u64(j, "scope", p->scope);
    u64(j, "parent", p->parent);
    u64(j, "hits", p->heap.hits);
    ml__json_heap_figures(j, &p->heap);
    ml_buf_char(j->out, '}');
}

static void write_accounts(struct ml_json *j)
{
    const struct ml_place *p;
    size_t n = ml_snapshot_places(j->snapshot, &p);
    ml_buf_cstr(j->out, ",\n  \"accounts\": [");
    for (size_t i = 0; i < n; i++)
        write_account(j, i, &p[i]);
    ml_buf_cstr(j->out, n > 0 ? "\n  ]" : "]");
}

void ml__json_heap(struct ml_json *j)
{
    write_summary(j);
    write_scopes(j);
    write_timeline(j);
    if (j->accounts)
        write_accounts(j);
}
