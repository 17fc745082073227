/* report/table_heap.c -- what stands under a table with heap figures: whose the heap is, and how it was
 * measured; and the scopes.
 *
 *   heap 40,116,544 B = 39,000,000 held by lines + 1,116,544 outside of them; unexplained 0
 *   at moments of the timeline at most 57.0 MiB; exact, native allocations included; memline's own 3.1 MiB
 *   not counted: blocks of libown.so, which has an allocator of its own
 * SPDX-License-Identifier: MIT */
#include "core/snapshot.h"
#include "report/decode.h"
#include "report/interval.h"
#include "report/size.h"
#include "report/table.h"

#include <stdio.h>

enum { EXACT_MAX = 32 };

/* "-1,234,567" */
static const char *exact(char out[EXACT_MAX], int64_t bytes)
{
    char digits[EXACT_MAX];
    char *p = out;
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)ml_size_abs(bytes));
    if (bytes < 0)
        *p++ = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

static int64_t add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t subtract(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* The law that holds in exact mode, with what it does not explain. */
static void write_law(struct ml_table *t)
{
    const struct ml_heap_summary *h = &t->view->summary;
    char text[EXACT_MAX];
    int64_t lines = ml_heap_held(&t->view->held);
    int64_t outside = ml_heap_held(&h->outside);
    int64_t threads = ml_heap_held(&h->threads);
    uint64_t inherited = t->view->held.inherited_bytes + h->outside.inherited_bytes +
                         h->threads.inherited_bytes;
    int64_t rest = subtract(h->live_bytes, add(lines, add(outside, threads)));
    ml_buf_printf(t->out, "heap %s B", exact(text, h->live_bytes));
    ml_buf_printf(t->out, " = %s held by lines", exact(text, lines));
    ml_buf_printf(t->out, " + %s outside of them", exact(text, outside));
    if (h->native || threads != 0)
        ml_buf_printf(t->out, " + %s by native threads", exact(text, threads));
    ml_buf_printf(t->out, "; unexplained %s\n", exact(text, rest));
    if (inherited > 0)
        ml_buf_printf(t->out, "of these, %s B are from before a fork\n",
                      exact(text, (int64_t)inherited));
}

static void print_range(const struct ml_table *t, char out[ML_CELL_MAX], const struct ml_heap *h)
{
    const struct ml_row row = {.heap = *h};
    ml__table_cell(t, ML_FIGURE_HELD, &row, out);
    ml_size_trim(out);
}

static void write_estimates(struct ml_table *t)
{
    const struct ml_heap_summary *h = &t->view->summary;
    char lines[ML_CELL_MAX];
    char outside[ML_CELL_MAX];
    char rate[ML_SIZE_MAX];
    print_range(t, lines, &t->view->held);
    print_range(t, outside, &h->outside);
    ml_size_print(rate, h->rate_bytes, t->options->unit);
    ml_size_trim(rate);
    ml_buf_printf(t->out, "held: %s by lines, %s outside of them\n", lines, outside);
    ml_buf_printf(t->out,
                  "sampled once in %s on average: each range holds the truth in 95 of 100 runs\n",
                  rate);
    ml_size_print(rate, ml_interval_bytes(ml_interval_none(h).high), t->options->unit);
    ml_size_trim(rate);
    ml_buf_printf(t->out, "-: no sample, so less than %s\n", rate);
}

static void write_trimmed(struct ml_table *t, const char *before, uint64_t bytes)
{
    char text[ML_SIZE_MAX];
    ml_size_print(text, bytes, t->options->unit);
    ml_size_trim(text);
    ml_buf_printf(t->out, "%s%s", before, text);
}

static void write_peak_estimate(struct ml_table *t)
{
    const struct ml_heap_summary *h = &t->view->summary;
    char text[ML_CELL_MAX];
    ml__table_estimate(t, text, h->peak_bytes, ml_interval_sum(h->peak_bytes, h));
    ml_size_trim(text);
    ml_buf_printf(t->out, "heap %s when resident memory was highest", text);
}

static void write_how(struct ml_table *t)
{
    const struct ml_heap_summary *h = &t->view->summary;
    bool sampled = h->rate_bytes > 0;
    if (h->peak_bytes > 0 && sampled)
        write_peak_estimate(t);
    else if (h->peak_bytes > 0)
        write_trimmed(t, "at moments of the timeline at most ", (uint64_t)h->peak_bytes);
    ml_buf_printf(t->out, "%s%s, native allocations %s", h->peak_bytes > 0 ? "; " : "",
                  sampled ? "sampled" : "exact", h->native ? "included" : "not included");
    if (h->ledger_bytes > 0)
        write_trimmed(t, "; memline's own ", h->ledger_bytes);
    ml_buf_char(t->out, '\n');
    int64_t maps = add(t->view->held.map_bytes, add(h->outside.map_bytes, h->threads.map_bytes));
    int64_t files = add(t->view->held.map_file_bytes,
                        add(h->outside.map_file_bytes, h->threads.map_file_bytes));
    if (maps <= 0 && files <= 0)
        return;
    write_trimmed(t, "mapped besides the heap: ", maps > 0 ? (uint64_t)maps : 0);
    write_trimmed(t, " anonymous, ", files > 0 ? (uint64_t)files : 0);
    ml_buf_cstr(t->out, " of files\n");
}

/* What the run could not see of native memory, as it told itself (docs/native.md). */
static void write_not_counted(struct ml_table *t)
{
    struct ml_str text = ml_snapshot_meta(t->snapshot, ML_STR("not counted"));
    if (text.n == 0)
        return;
    ml_buf_cstr(t->out, "not counted: ");
    ml_decode_print(text, 0, t->out);
    ml_buf_char(t->out, '\n');
}

static void write_heap_notes(struct ml_table *t)
{
    const struct ml_heap_summary *h = &t->view->summary;
    char text[200];
    char limit[ML_SIZE_MAX];
    if (h->limit_percent > 0) {
        ml_size_print(limit, h->limit_bytes, t->options->unit);
        ml_size_trim(limit);
        snprintf(text, sizeof text, "memory use crossed %u %% of its limit, %s", h->limit_percent,
                 limit);
        ml__table_note(t, text);
    }
    if (h->lost_accounts > 0) {
        snprintf(
            text, sizeof text,
            "the book had no room for %llu accounts: their bytes stand without scope and path, or "
            "outside of lines",
            (unsigned long long)h->lost_accounts);
        ml__table_note(t, text);
    }
    if (h->stale_blocks > 0) {
        ml_size_print(limit, h->stale_bytes, t->options->unit);
        ml_size_trim(limit);
        snprintf(text, sizeof text, "%llu blocks, %s, were freed where memline does not see it",
                 (unsigned long long)h->stale_blocks, limit);
        ml__table_note(t, text);
    }
}

void ml__table_heap(struct ml_table *t)
{
    const struct ml_scope_row *scopes;
    size_t n = ml_snapshot_scopes(t->snapshot, &scopes);
    if (t->view->summary.rate_bytes > 0)
        write_estimates(t);
    else
        write_law(t);
    write_how(t);
    write_not_counted(t);
    if (n > 0 && !t->options->scopes)
        ml_buf_printf(t->out, "%zu scope%s: memline report --scopes\n", n, n == 1 ? "" : "s");
    write_heap_notes(t);
}

/* --- scopes --------------------------------------------------------------------------------------- */

enum { SCOPE_LINES = 3 };           /* shown of each */
enum { EXACT = 12, ESTIMATE = 28 }; /* columns of a figure */

/* Samples do not tell Net and Peak. */
static bool is_sampled(const struct ml_table *t)
{
    return t->view->summary.rate_bytes > 0;
}

/* The places of a scope that hold most. */
static size_t find_holders(const struct ml_snapshot *s, uint32_t id, const struct ml_place **out)
{
    const struct ml_place *places;
    size_t n = ml_snapshot_places(s, &places);
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ml_place *p = &places[i];
        if (p->scope != id || p->kind != ML_PLACE_LINE || ml_heap_held(&p->heap) <= 0)
            continue;
        size_t at = found < SCOPE_LINES ? found++ : SCOPE_LINES;
        for (; at > 0 && ml_heap_held(&out[at - 1]->heap) < ml_heap_held(&p->heap); at--)
            if (at < SCOPE_LINES)
                out[at] = out[at - 1];
        if (at < SCOPE_LINES)
            out[at] = p;
    }
    return found;
}

static void write_holders(struct ml_table *t, uint32_t id)
{
    const struct ml_place *holders[SCOPE_LINES];
    const struct ml_function *functions;
    size_t n_functions = ml_snapshot_functions(t->snapshot, &functions);
    size_t n = find_holders(t->snapshot, id, holders);
    char held[ML_CELL_MAX];
    int width = is_sampled(t) ? 2 * ESTIMATE : 4 * EXACT;
    for (size_t i = 0; i < n; i++) {
        const struct ml_row row = {.heap = holders[i]->heap};
        if (holders[i]->function >= n_functions)
            continue;
        const struct ml_function *f = &functions[holders[i]->function];
        struct ml_str text = ml_sources_line(t->sources, f->file, holders[i]->line);
        ml__table_cell(t, ML_FIGURE_HELD, &row, held);
        ml__table_right(t, width, held);
        ml_buf_printf(t->out, "    ");
        size_t columns = ml_decode_print(f->name, 40, t->out);
        ml_buf_printf(t->out, ":%u  ", holders[i]->line);
        ml__table_text(t, ml__unindent(text), (size_t)width + columns + 14, ML_TINT_DIM);
    }
}

static void write_exact_figures(struct ml_table *t, const struct ml_scope_row *s)
{
    enum ml_report_unit unit = t->options->unit;
    char cells[4][ML_SIZE_MAX];
    ml_size_print_change(cells[0], s->net_bytes, unit);
    ml_size_print(cells[1], s->peak_bytes > 0 ? (uint64_t)s->peak_bytes : 0, unit);
    ml_size_print(cells[2], s->alloc_bytes, unit);
    ml_size_print(cells[3], s->held_bytes > 0 ? (uint64_t)s->held_bytes : 0, unit);
    for (int i = 0; i < 4; i++)
        ml__table_right(t, EXACT, cells[i]);
}

static void write_estimated_figures(struct ml_table *t, const struct ml_scope_row *s)
{
    const struct ml_heap_summary *all = &t->view->summary;
    struct ml_heap h = ml_scope_heap(s);
    char cell[ML_CELL_MAX];
    ml__table_estimate(t, cell, (int64_t)s->alloc_bytes, ml_interval_alloc(&h, all));
    ml__table_right(t, ESTIMATE, cell);
    ml__table_estimate(t, cell, s->held_bytes, ml_interval_held(&h, all));
    ml__table_right(t, ESTIMATE, cell);
}

static void write_scope(struct ml_table *t, const struct ml_scope_row *s)
{
    if (is_sampled(t))
        write_estimated_figures(t, s);
    else
        write_exact_figures(t, s);
    ml_buf_cstr(t->out, "  ");
    ml_decode_print(s->name, 48, t->out);
    if (s->key.n > 0) {
        ml_buf_char(t->out, ' ');
        ml_decode_print(s->key, 64, t->out);
    }
    ml_buf_cstr(t->out, s->end_ns == 0 ? " (open)\n" : "\n");
    write_holders(t, s->id);
}

void ml__table_scopes(struct ml_table *t)
{
    const struct ml_scope_row *scopes;
    size_t n = ml_snapshot_scopes(t->snapshot, &scopes);
    if (n == 0) {
        ml_buf_cstr(t->out, "no scopes in the book\n");
        return;
    }
    ml_buf_char(t->out, '\n');
    ml__tint(t, ML_TINT_DIM);
    if (is_sampled(t))
        ml_buf_printf(t->out, "%*s%*s  Scope", ESTIMATE, "Allocated", ESTIMATE, "Left   ");
    else
        ml_buf_printf(t->out, "%*s%*s%*s%*s  Scope", EXACT, "Net   ", EXACT, "Peak   ", EXACT,
                      "Allocated", EXACT, "Left   ");
    ml__untint(t, ML_TINT_DIM);
    ml_buf_char(t->out, '\n');
    for (size_t i = 0; i < n && t->out->status == ML_OK; i++)
        write_scope(t, &scopes[i]);
}
