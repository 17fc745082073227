/* report/table.c -- the report for people; see table.h. SPDX-License-Identifier: MIT */
#include "report/table.h"

#include "report/decode.h"
#include "report/formats.h"
#include "report/size.h"

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
    if (r->rss_net_bytes < 0)
        return ML_TINT_COOL;
    if (r->rss_net_bytes == 0)
        return ML_TINT_NONE;
    if ((uint64_t)r->rss_net_bytes >= heaviest / 2)
        return ML_TINT_HOT;
    return (uint64_t)r->rss_net_bytes >= heaviest / 10 ? ML_TINT_WARM : ML_TINT_NONE;
}

/* --- columns ------------------------------------------------------------------------------------- */

static void widen(int *width, int n)
{
    if (n > *width)
        *width = n;
}

static void measure_row(struct ml_table *t, const struct ml_row *r)
{
    char text[ML_SIZE_MAX];
    widen(&t->line_width, snprintf(text, sizeof text, "%u", r->line));
    widen(&t->hits_width, snprintf(text, sizeof text, "%llu", (unsigned long long)r->hits));
    ml_size_print_change(text, r->rss_net_bytes, t->options->unit);
    widen(&t->net_width, (int)strlen(text));
    ml_size_print(text, r->rss_max_bytes, t->options->unit);
    widen(&t->max_width, (int)strlen(text));
}

static void measure(struct ml_table *t)
{
    char text[ML_SIZE_MAX];
    t->line_width = (int)strlen("Line");
    t->hits_width = (int)strlen("Hits");
    t->net_width = (int)strlen("Net RSS");
    t->max_width = (int)strlen("Max RSS");
    for (size_t i = 0; i < t->view->n_lines; i++)
        measure_row(t, t->view->lines[i].row);
    for (size_t i = 0; i < t->view->n_functions; i++)
        widen(&t->line_width,
              snprintf(text, sizeof text, "%u", t->view->functions[i].function->last_line));
}

size_t ml__table_figures_width(const struct ml_table *t)
{
    return (size_t)(t->hits_width + t->net_width + t->max_width) + 6;
}

void ml__table_heads(struct ml_table *t)
{
    ml_buf_printf(t->out, "  %*s  %*s  %*s", t->hits_width, "Hits", t->net_width, "Net RSS",
                  t->max_width, "Max RSS");
}

void ml__table_figures(struct ml_table *t, const struct ml_row *r, enum ml_tint tint)
{
    char net[ML_SIZE_MAX];
    char max[ML_SIZE_MAX];
    ml_size_print_change(net, r->rss_net_bytes, t->options->unit);
    ml_size_print(max, r->rss_max_bytes, t->options->unit);
    ml_buf_printf(t->out, "  %*llu  ", t->hits_width, (unsigned long long)r->hits);
    ml__tint(t, tint);
    ml_buf_printf(t->out, "%*s", t->net_width, net);
    ml__untint(t, tint);
    ml_buf_printf(t->out, "  %*s", t->max_width, max);
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
        ml_buf_printf(t->out, "%zu line%s of %zu function%s in %zu file%s; max RSS %s\n", c->lines,
                      plural(c->lines), c->functions, plural(c->functions), c->files,
                      plural(c->files), max);
    if (v->n_hidden > 0)
        ml_buf_printf(t->out, "%zu line%s with smaller changes or none not shown\n", v->n_hidden,
                      plural(v->n_hidden));
}

static void note(struct ml_table *t, const char *text)
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
        note(t, one ? "the book is cut short; what stood behind the cut is missing"
                    : "a book is cut short; what stood behind the cut is missing");
    if (!ml_snapshot_complete(s))
        note(t, one ? "the run had not ended when the book was read, or was killed"
                    : "a run had not ended when its book was read, or was killed");
    if (ml_snapshot_lost(s) > 0) {
        snprintf(text, sizeof text, "%llu function%s found no room in the book and are missing",
                 (unsigned long long)ml_snapshot_lost(s), plural((size_t)ml_snapshot_lost(s)));
        note(t, text);
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
    write_notes(t);
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
