/* report/table.c -- the report for people; see table.h. SPDX-License-Identifier: MIT */
#include "report/table.h"

#include "report/decode.h"
#include "report/formats.h"
#include "report/interval.h"
#include "report/size.h"

#include <math.h>
#include <stdio.h>

/* --- colours ------------------------------------------------------------------------------------- */

static const char *const sequences[] = {
    [ML_TINT_NONE] = "",          [ML_TINT_DIM] = "\033[2m",   [ML_TINT_BOLD] = "\033[1m",
    [ML_TINT_HOT] = "\033[1;31m", [ML_TINT_WARM] = "\033[33m", [ML_TINT_COOL] = "\033[32m"};

void ml__tint(struct ml_table *t, enum ml_tint tint)
{
    if (t->options->color)
        ml_buf_cstr(t->out, sequences[tint]);
}

void ml__untint(struct ml_table *t, enum ml_tint tint)
{
    if (t->options->color && tint != ML_TINT_NONE)
        ml_buf_cstr(t->out, "\033[0m");
}

enum ml_tint ml__tint_of(const struct ml_table *t, const struct ml_row *r)
{
    uint64_t heaviest = t->view->heaviest_bytes;
    int64_t weight = ml_view_weight(t->view, r);
    if (weight < 0)
        return ML_TINT_COOL;
    if (weight == 0)
        return ML_TINT_NONE;
    if ((uint64_t)weight >= heaviest / 2)
        return ML_TINT_HOT;
    return (uint64_t)weight >= heaviest / 10 ? ML_TINT_WARM : ML_TINT_NONE;
}

/* --- cells --------------------------------------------------------------------------------------- */

/* "12.3 MiB ± 8 %" where the estimate is good, else its range: "0.9 MiB .. 8.4 MiB"; "-": no sample. */
void ml__table_estimate(const struct ml_table *t, char out[ML_CELL_MAX], int64_t bytes,
                        struct ml_interval range)
{
    enum { GOOD = 40 }; /* per cent, on the wider side */
    char text[ML_SIZE_MAX];
    char low[ML_SIZE_MAX];
    double e = (double)bytes;
    double off = e > 0 ? 100 * fmax(range.high - e, e - range.low) / e : INFINITY;
    ml_size_print(text, off <= GOOD ? ml_size_abs(bytes) : ml_interval_bytes(range.high),
                  t->options->unit);
    if (bytes <= 0) {
        snprintf(out, ML_CELL_MAX, "-   ");
    } else if (off < 0.5) {
        snprintf(out, ML_CELL_MAX, "%s", text);
    } else if (off <= GOOD) {
        snprintf(out, ML_CELL_MAX, "%s ±%2.0f %%", text, ceil(off));
    } else {
        ml_size_print(low, ml_interval_bytes(range.low), t->options->unit);
        ml_size_trim(low);
        snprintf(out, ML_CELL_MAX, "%s .. %s", low, text);
    }
}

static bool is_sampled(const struct ml_table *t, const struct ml_heap *h)
{
    return h->samples > 0 || (t->view->summary.rate_bytes > 0 && h->alloc_bytes == 0);
}

static void print_alloc(const struct ml_table *t, const struct ml_heap *h, char out[ML_CELL_MAX])
{
    if (is_sampled(t, h))
        ml__table_estimate(t, out, (int64_t)h->alloc_bytes,
                           ml_interval_alloc(h, &t->view->summary));
    else
        ml_size_print(out, h->alloc_bytes, t->options->unit);
}

static void print_held(const struct ml_table *t, const struct ml_heap *h, char out[ML_CELL_MAX])
{
    int64_t held = ml_heap_held(h);
    if (is_sampled(t, h))
        ml__table_estimate(t, out, held, ml_interval_held(h, &t->view->summary));
    else if (held < 0) /* a damaged book */
        ml_size_print_change(out, held, t->options->unit);
    else
        ml_size_print(out, (uint64_t)held, t->options->unit);
}

void ml__table_cell(const struct ml_table *t, enum ml_figure figure, const struct ml_row *r,
                    char out[ML_CELL_MAX])
{
    enum ml_report_unit unit = t->options->unit;
    switch (figure) {
    case ML_FIGURE_HITS:
        snprintf(out, ML_CELL_MAX, "%llu", (unsigned long long)r->hits);
        return;
    case ML_FIGURE_NET:
        ml_size_print_change(out, r->heap.net_bytes, unit);
        return;
    case ML_FIGURE_PEAK:
        ml_size_print(out, r->heap.peak_bytes, unit);
        return;
    case ML_FIGURE_ALLOC:
        print_alloc(t, &r->heap, out);
        return;
    case ML_FIGURE_HELD:
        print_held(t, &r->heap, out);
        return;
    case ML_FIGURE_RSS:
        ml_size_print_change(out, r->rss_net_bytes, unit);
        return;
    default:
        ml_size_print(out, r->rss_max_bytes, unit);
    }
}

/* --- columns ------------------------------------------------------------------------------------- */

static const char *head_of(const struct ml_table *t, int figure)
{
    static const char *const heads[ML_FIGURES] = {"Hits", "Net", "Peak",   "Allocated",
                                                  "Held", "RSS", "Max RSS"};
    return figure == ML_FIGURE_RSS && !t->view->has_heap ? "Net RSS" : heads[figure];
}

bool ml__table_lacks_net(const struct ml_table *t)
{
    const struct ml_heap *h = &t->view->held;
    return t->view->summary.rate_bytes > 0 && h->net_bytes == 0 && h->peak_bytes == 0;
}

/* Without heap figures: Hits, Net RSS, Max RSS. With them: all but Max RSS, which takes the place of
 * RSS where it is what the lines are sorted by. */
static bool is_wanted(const struct ml_table *t, int figure)
{
    if (!t->view->has_heap)
        return figure == ML_FIGURE_HITS || figure >= ML_FIGURE_RSS;
    if (figure == ML_FIGURE_NET || figure == ML_FIGURE_PEAK)
        return !ml__table_lacks_net(t);
    bool watched = t->view->summary.rate_bytes == 0 || t->view->max_bytes > 0;
    if (figure != ML_FIGURE_ALLOC && figure != ML_FIGURE_HELD && !watched)
        return false; /* samples alone */
    return figure != (t->options->sort == ML_SORT_MAX ? ML_FIGURE_RSS : ML_FIGURE_MAX);
}

static void widen(int *width, const char *text)
{
    int columns = 0;
    for (const char *p = text; *p != '\0'; p++)
        columns += ((unsigned char)*p & 0xC0) != 0x80; /* not the inner bytes of "±" */
    if (columns > *width)
        *width = columns;
}

static void measure_cells(struct ml_table *t, int figure)
{
    char cell[ML_CELL_MAX];
    widen(&t->widths[figure], head_of(t, figure));
    for (size_t i = 0; i < t->view->n_lines; i++) {
        ml__table_cell(t, (enum ml_figure)figure, t->view->lines[i].row, cell);
        widen(&t->widths[figure], cell);
    }
}

/* On a narrow terminal the source matters more than figures that others tell in part; but what the
 * lines are sorted by stays. */
static void drop_columns(struct ml_table *t)
{
    enum { SOURCE = 24 };
    static const struct {
        int figure;
        enum ml_report_sort unless;
    } order[] = {{ML_FIGURE_RSS, ML_SORT_LINE},
                 {ML_FIGURE_ALLOC, ML_SORT_ALLOC},
                 {ML_FIGURE_PEAK, ML_SORT_PEAK},
                 {ML_FIGURE_NET, ML_SORT_NET}};
    size_t least = (size_t)t->line_width + 4 + SOURCE;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (least + ml__table_figures_width(t) > t->options->width &&
            (order[i].unless != t->options->sort || order[i].unless == ML_SORT_LINE))
            t->widths[order[i].figure] = 0;
}

static void measure(struct ml_table *t)
{
    char text[ML_SIZE_MAX];
    t->line_width = (int)strlen("Line");
    for (size_t i = 0; i < t->view->n_lines; i++) {
        snprintf(text, sizeof text, "%u", t->view->lines[i].row->line);
        widen(&t->line_width, text);
    }
    for (size_t i = 0; i < t->view->n_functions; i++) {
        snprintf(text, sizeof text, "%u", t->view->functions[i].function->last_line);
        widen(&t->line_width, text);
    }
    for (int figure = 0; figure < ML_FIGURES; figure++)
        if (is_wanted(t, figure))
            measure_cells(t, figure);
    if (t->view->has_heap && t->options->width > 0)
        drop_columns(t);
}

size_t ml__table_figures_width(const struct ml_table *t)
{
    size_t width = 0;
    for (int figure = 0; figure < ML_FIGURES; figure++)
        width += t->widths[figure] > 0 ? (size_t)t->widths[figure] + 2 : 0;
    return width;
}

void ml__table_right(struct ml_table *t, int width, const char *text)
{
    int columns = 0;
    widen(&columns, text);
    ml_buf_fill(t->out, ' ', (size_t)(width > columns ? width - columns : 0));
    ml_buf_cstr(t->out, text);
}

void ml__table_heads(struct ml_table *t)
{
    for (int figure = 0; figure < ML_FIGURES; figure++) {
        if (t->widths[figure] == 0)
            continue;
        ml_buf_cstr(t->out, "  ");
        ml__table_right(t, t->widths[figure], head_of(t, figure));
    }
}

enum ml_figure ml__table_main_figure(const struct ml_table *t)
{
    static const enum ml_figure figures[ML_SORTS] = {[ML_SORT_NET] = ML_FIGURE_NET,
                                                     [ML_SORT_MAX] = ML_FIGURE_RSS,
                                                     [ML_SORT_PEAK] = ML_FIGURE_PEAK,
                                                     [ML_SORT_ALLOC] = ML_FIGURE_ALLOC,
                                                     [ML_SORT_HELD] = ML_FIGURE_HELD};
    enum ml_report_sort sort = t->options->sort;
    if (!t->view->has_heap)
        return ML_FIGURE_RSS;
    if (sort == ML_SORT_LINE || sort == ML_SORT_HITS)
        return t->view->holds ? ML_FIGURE_HELD : ML_FIGURE_NET;
    return figures[sort];
}

void ml__table_figures(struct ml_table *t, const struct ml_row *r, enum ml_tint tint)
{
    char cell[ML_CELL_MAX];
    for (int figure = 0; figure < ML_FIGURES; figure++) {
        if (t->widths[figure] == 0)
            continue;
        bool tinted = figure == (int)ml__table_main_figure(t);
        ml__table_cell(t, (enum ml_figure)figure, r, cell);
        ml_buf_cstr(t->out, "  ");
        if (tinted)
            ml__tint(t, tint);
        ml__table_right(t, t->widths[figure], cell);
        if (tinted)
            ml__untint(t, tint);
    }
}

struct ml_str ml__unindent(struct ml_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct ml_str){s.p + 1, s.n - 1};
    return s;
}

/* No blanks at a line's end: they annoy in diffs and mails. */
static void end_line(struct ml_table *t)
{
    struct ml_buf *out = t->out;
    while (out->status == ML_OK && out->n > 0 && out->p[out->n - 1] == ' ')
        out->n--;
    ml_buf_char(out, '\n');
}

void ml__table_text(struct ml_table *t, struct ml_str text, size_t used, enum ml_tint tint)
{
    enum { LEAST = 20 }; /* on a narrower terminal, lines are better broken than cut */
    size_t width = t->options->width;
    size_t room = width == 0 ? 0 : width > used + LEAST ? width - used : LEAST;
    if (text.n > 0) {
        ml__tint(t, tint);
        ml_decode_print(text, room, t->out);
        ml__untint(t, tint);
    }
    end_line(t);
}

/* --- head and foot ------------------------------------------------------------------------------- */

static void write_head(struct ml_table *t)
{
    struct ml_str command = ml_snapshot_meta(t->snapshot, ML_STR("command"));
    size_t books = ml_snapshot_books(t->snapshot);
    if (command.n == 0 && books == 1)
        return;
    ml__tint(t, ML_TINT_BOLD);
    ml_decode_print(command, t->options->width, t->out);
    ml__untint(t, ML_TINT_BOLD);
    if (books > 1)
        ml_buf_printf(t->out, "%s%zu books, summed", command.n != 0 ? "  " : "", books);
    ml_buf_cstr(t->out, "\n\n");
}

static size_t count_files(const struct ml_view *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n_lines; i++) /* of a function, one after another; of a file, too */
        n += i == 0 || !ml_str_eq(v->lines[i].function->file, v->lines[i - 1].function->file);
    return n;
}

static size_t count_functions(const struct ml_view *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n_lines; i++)
        n += i == 0 || v->lines[i].function != v->lines[i - 1].function;
    return n;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

struct counts {
    size_t lines;
    size_t functions;
    size_t files;
};

static void write_totals(struct ml_table *t, const struct counts *c)
{
    const struct ml_view *v = t->view;
    char max[ML_SIZE_MAX];
    ml_size_print(max, v->max_bytes, t->options->unit);
    ml_size_trim(max);
    if (c->lines > 0)
        ml_buf_printf(t->out, "%zu line%s of %zu function%s in %zu file%s%s%s\n", c->lines,
                      plural(c->lines), c->functions, plural(c->functions), c->files,
                      plural(c->files), v->max_bytes > 0 ? "; max RSS " : "",
                      v->max_bytes > 0 ? max : "");
    if (v->n_hidden > 0)
        ml_buf_printf(t->out, "%zu line%s with smaller changes or none not shown\n", v->n_hidden,
                      plural(v->n_hidden));
}

void ml__table_note(struct ml_table *t, const char *text)
{
    ml__tint(t, ML_TINT_WARM);
    ml_buf_cstr(t->out, "note:");
    ml__untint(t, ML_TINT_WARM);
    ml_buf_printf(t->out, " %s\n", text);
}

static void write_notes(struct ml_table *t)
{
    const struct ml_snapshot *s = t->snapshot;
    bool one = ml_snapshot_books(s) == 1;
    char text[160];
    if (ml_snapshot_truncated(s))
        ml__table_note(t, one ? "the book is cut short; what stood behind the cut is missing"
                              : "a book is cut short; what stood behind the cut is missing");
    if (!ml_snapshot_complete(s))
        ml__table_note(t, one ? "the run had not ended when the book was read, or was killed"
                              : "a run had not ended when its book was read, or was killed");
    if (ml_snapshot_lost(s) > 0) {
        snprintf(text, sizeof text, "%llu function%s found no room in the book and are missing",
                 (unsigned long long)ml_snapshot_lost(s), plural((size_t)ml_snapshot_lost(s)));
        ml__table_note(t, text);
    }
}

static void write_table(struct ml_table *t)
{
    struct counts c = {t->view->n_lines, count_functions(t->view), count_files(t->view)};
    write_head(t);
    measure(t);
    if (t->view->n_lines == 0)
        ml_buf_cstr(t->out, t->view->n_hidden > 0 ? "no line is left to show\n"
                                                  : "no line of the profiled code ran\n");
    else if (t->options->sort == ML_SORT_LINE)
        ml__table_listing(t);
    else
        ml__table_ranking(t);
    if (t->view->n_lines > 0)
        ml_buf_char(t->out, '\n');
    write_totals(t, &c);
    if (t->view->has_heap)
        ml__table_heap(t);
    write_notes(t);
    if (t->options->scopes)
        ml__table_scopes(t);
}

int ml__report_table(const struct ml_snapshot *s, const struct ml_report_options *o,
                     struct ml_buf *out, struct ml_error *e)
{
    struct ml_view v;
    struct ml_table t = {.snapshot = s, .options = o, .view = &v, .out = out};
    int rc = ml_view_init(&v, s, o, e);
    if (rc != ML_OK)
        return rc;
    rc = ml_sources_new(s, &t.sources);
    if (rc == ML_OK)
        write_table(&t);
    else
        ml_fail(e, rc, "cannot make the report: out of memory");
    ml_sources_free(t.sources);
    ml_view_release(&v);
    return rc;
}
