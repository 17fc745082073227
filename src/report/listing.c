/* report/listing.c -- the table's usual form: each function with its source, figures beside the lines.
 *
 *   /home/me/app.py
 *
 *   build  net +38.1 MiB, max 56.3 MiB
 *     Line  Hits    Net RSS    Max RSS  Source
 *        3                              def build(n):
 *        4     1  +38.1 MiB   56.3 MiB      a = [0] * n
 *
 * Lines that did not run are shown where they are few, for the eye to follow; a longer stretch, and the
 * body of an inner function, which has a listing of its own, is three dots. SPDX-License-Identifier: MIT */
#include "report/decode.h"
#include "report/size.h"
#include "report/table.h"

enum { CONTEXT_MOST = 6 }; /* lines that did not run, in one stretch */

/* A walk down a function's lines. */
struct walk {
    struct ml_table *t;
    const struct ml_function *f;
    const struct ml_function *inner; /* next function that begins further down in the file */
    const struct ml_function *end;   /* behind the snapshot's last function */
    uint32_t inner_until;            /* last line of the inner functions met so far */
};

/* Does the line, asked for in rising order, stand in the body of an inner function? */
static bool is_inner(struct walk *w, uint32_t line)
{
    const struct ml_function *f = w->f;
    while (w->inner < w->end && ml_str_eq(w->inner->file, f->file) && w->inner->first_line < line) {
        bool within = w->inner->last_line <= f->last_line &&
                      w->inner->last_line - w->inner->first_line < f->last_line - f->first_line;
        if (within && w->inner->last_line > w->inner_until)
            w->inner_until = w->inner->last_line;
        w->inner++;
    }
    return line <= w->inner_until;
}

static void write_number(struct walk *w, uint32_t line, enum ml_tint tint)
{
    ml__tint(w->t, tint);
    ml_buf_printf(w->t->out, "  %*u", w->t->line_width, line);
    ml__untint(w->t, tint);
}

static size_t text_column(const struct walk *w)
{
    return (size_t)w->t->line_width + 2 + ml__table_figures_width(w->t) + 2;
}

static void write_context(struct walk *w, uint32_t line)
{
    write_number(w, line, ML_TINT_DIM);
    ml_buf_fill(w->t->out, ' ', ml__table_figures_width(w->t) + 2);
    ml__table_text(w->t, ml_sources_line(w->t->sources, w->f->file, line), text_column(w),
                   ML_TINT_DIM);
}

static void write_dots(struct walk *w)
{
    ml_buf_printf(w->t->out, "  %*s\n", w->t->line_width, "...");
}

static void write_row(struct walk *w, const struct ml_row *r)
{
    enum ml_tint tint = ml__tint_of(w->t, r);
    write_number(w, r->line, ML_TINT_NONE);
    ml__table_figures(w->t, r, tint);
    ml_buf_cstr(w->t->out, "  ");
    ml__table_text(w->t, ml_sources_line(w->t->sources, w->f->file, r->line), text_column(w), tint);
}

static bool is_blank(const struct walk *w, uint32_t line)
{
    return ml__unindent(ml_sources_line(w->t->sources, w->f->file, line)).n == 0;
}

/* The lines first .. last did not run: source for the eye, or dots. No blank lines next to dots. */
static void write_gap(struct walk *w, uint32_t first, uint32_t last)
{
    bool dots = false;
    if (first > last)
        return;
    if (first == w->f->first_line) /* "def ..." */
        write_context(w, first++);
    if (first <= last && last - first >= CONTEXT_MOST) {
        write_dots(w);
        return;
    }
    for (uint32_t line = first; line <= last; line++) {
        bool inner = is_inner(w, line);
        if (inner && !dots)
            write_dots(w);
        if (inner)
            dots = true;
        else if (!dots || !is_blank(w, line))
            write_context(w, line), dots = false;
    }
}

/* What follows the last line that ran; blank lines at the end belong to nobody. */
static void write_tail(struct walk *w, uint32_t first, uint32_t last)
{
    while (last >= first && last - first < CONTEXT_MOST && is_blank(w, last))
        last--;
    write_gap(w, first, last);
}

static bool shows_context(const struct ml_table *t, const struct ml_function *f)
{
    const struct ml_report_options *o = t->options;
    return !o->skip_zero && o->min_bytes == 0 && ml_sources_have(t->sources, f->file);
}

static void write_lines(struct walk *w, const struct ml_view_function *vf)
{
    bool context = shows_context(w->t, w->f);
    uint32_t next = w->f->first_line;
    for (size_t i = 0; i < vf->n; i++) {
        const struct ml_row *r = vf->lines[i].row;
        if (context && r->line > next)
            write_gap(w, next, r->line - 1);
        write_row(w, r);
        next = r->line + 1;
    }
    if (context && next <= w->f->last_line)
        write_tail(w, next, w->f->last_line);
}

static void write_sums(struct ml_table *t, const struct ml_view_function *vf)
{
    const struct ml_row sums = {.heap = vf->heap};
    char net[ML_SIZE_MAX];
    char max[ML_SIZE_MAX];
    char held[ML_CELL_MAX];
    bool heap = t->view->has_heap;
    ml_size_print_change(net, heap ? vf->heap.net_bytes : vf->net_bytes, t->options->unit);
    ml_size_print(max, heap ? vf->heap.peak_bytes : vf->max_bytes, t->options->unit);
    ml__table_cell(t, ML_FIGURE_HELD, &sums, held);
    ml_size_trim(net);
    ml_size_trim(max);
    ml_size_trim(held);
    if (!heap)
        ml_buf_printf(t->out, "  net %s, max %s\n", net, max);
    else if (ml__table_lacks_net(t))
        ml_buf_printf(t->out, "  held %s\n", held);
    else
        ml_buf_printf(t->out, "  net %s, peak %s, held %s\n", net, max, held);
}

static void write_title(struct ml_table *t, const struct ml_view_function *vf)
{
    ml_buf_char(t->out, '\n');
    ml__tint(t, ML_TINT_BOLD);
    ml_decode_print(vf->function->name, 0, t->out);
    ml__untint(t, ML_TINT_BOLD);
    write_sums(t, vf);
    ml__tint(t, ML_TINT_DIM);
    ml_buf_printf(t->out, "  %*s", t->line_width, "Line");
    ml__table_heads(t);
    ml_buf_cstr(t->out, "  Source");
    ml__untint(t, ML_TINT_DIM);
    ml_buf_char(t->out, '\n');
}

static void write_file_title(struct ml_table *t, struct ml_str file)
{
    ml__tint(t, ML_TINT_BOLD);
    ml_decode_print(file, 0, t->out);
    ml__untint(t, ML_TINT_BOLD);
    if (!ml_sources_have(t->sources, file))
        ml_buf_cstr(t->out, "  (source not found)");
    else if (ml_sources_changed(t->sources, file))
        ml_buf_cstr(t->out, "  (changed since the run: lines may not match)");
    ml_buf_char(t->out, '\n');
}

/* --- the heaviest lines, where a listing is too long to find them by eye ---------------------- */

enum { HEAVIEST_MOST = 5 };

static size_t find_heaviest(const struct ml_view *v, const struct ml_view_line **out)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n_lines; i++) {
        const struct ml_view_line *l = &v->lines[i];
        int64_t bytes = ml_view_weight(v, l->row);
        if (bytes <= 0)
            continue;
        size_t at = n < HEAVIEST_MOST ? n++ : HEAVIEST_MOST;
        while (at > 0 && ml_view_weight(v, out[at - 1]->row) < bytes) {
            if (at < HEAVIEST_MOST)
                out[at] = out[at - 1];
            at--;
        }
        if (at < HEAVIEST_MOST)
            out[at] = l;
    }
    return n;
}

static struct ml_str base_name(struct ml_str path)
{
    size_t i = path.n;
    while (i > 0 && path.p[i - 1] != '/')
        i--;
    return (struct ml_str){path.p + i, path.n - i};
}

static size_t write_place(const struct ml_view_line *l, struct ml_buf *out)
{
    size_t columns = ml_decode_print(base_name(l->function->file), 0, out);
    size_t start = out->n;
    ml_buf_printf(out, ":%u", l->row->line);
    return columns + (out->n - start);
}

static void write_heavy(struct ml_table *t, const struct ml_view_line *l, int figure_width,
                        size_t place_width)
{
    char cell[ML_SIZE_MAX];
    enum ml_tint tint = ml__tint_of(t, l->row);
    struct ml_str text = ml_sources_line(t->sources, l->function->file, l->row->line);
    int64_t bytes = ml_view_weight(t->view, l->row);
    if (t->view->holds)
        ml_size_print(cell, (uint64_t)bytes, t->options->unit);
    else
        ml_size_print_change(cell, bytes, t->options->unit);
    ml_buf_cstr(t->out, "  ");
    ml__tint(t, tint);
    ml_buf_printf(t->out, "%*s", figure_width, cell);
    ml__untint(t, tint);
    ml_buf_cstr(t->out, "  ");
    size_t columns = write_place(l, t->out);
    ml_buf_fill(t->out, ' ', place_width - columns + 2);
    ml__table_text(t, ml__unindent(text), (size_t)figure_width + place_width + 6, ML_TINT_NONE);
}

static void write_heaviest(struct ml_table *t)
{
    const struct ml_view_line *heaviest[HEAVIEST_MOST];
    size_t n = find_heaviest(t->view, heaviest);
    size_t width = 0;
    int figure_width = t->widths[ml__table_main_figure(t)];
    for (size_t i = 0; i < n; i++) {
        struct ml_buf place = {0};
        size_t columns = write_place(heaviest[i], &place);
        width = columns > width ? columns : width;
        ml_buf_free(&place);
    }
    if (n > 0)
        ml_buf_cstr(t->out, t->view->holds ? "\nheld the most\n" : "\nlargest net changes\n");
    for (size_t i = 0; i < n; i++)
        write_heavy(t, heaviest[i], figure_width, width);
}

void ml__table_listing(struct ml_table *t)
{
    const struct ml_function *all;
    const struct ml_view *v = t->view;
    size_t n = ml_snapshot_functions(t->snapshot, &all);
    const struct ml_function *end = all + n;
    for (size_t i = 0; i < v->n_functions; i++) {
        const struct ml_view_function *vf = &v->functions[i];
        bool new_file = i == 0 || !ml_str_eq(vf->function->file, vf[-1].function->file);
        if (new_file && i > 0)
            ml_buf_char(t->out, '\n');
        if (new_file)
            write_file_title(t, vf->function->file);
        write_title(t, vf);
        struct walk w = {.t = t, .f = vf->function, .inner = vf->function + 1, .end = end};
        write_lines(&w, vf);
    }
    if (v->n_functions > 1)
        write_heaviest(t);
}
