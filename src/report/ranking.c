/* report/ranking.c -- the table as one list of lines, largest first.
 *
 *   in /home/me/
 *    Hits    Net RSS    Max RSS  Where           Source
 *       1  +38.1 MiB   56.3 MiB  app.py:4 build  a = [0] * n
 * SPDX-License-Identifier: MIT */
#include "report/decode.h"
#include "report/table.h"

enum { WHERE_MOST = 48 }; /* wider places push their own source line only */

static bool is_absolute(struct ml_str file)
{
    return file.n > 0 && file.p[0] == '/'; /* others, as "<string>", stand in no folder */
}

/* The folder that all files have in common, with its slash; empty if that is none or the root. */
static struct ml_str common_folder(const struct ml_view *v)
{
    struct ml_str folder = {NULL, 0};
    for (size_t i = 0; i < v->n_lines; i++) {
        struct ml_str file = v->lines[i].function->file;
        size_t same = 0;
        if (!is_absolute(file))
            continue;
        folder = folder.p == NULL ? file : folder;
        while (same < folder.n && same < file.n && file.p[same] == folder.p[same])
            same++;
        folder.n = same;
    }
    while (folder.n > 0 && folder.p[folder.n - 1] != '/')
        folder.n--;
    return folder.n > 1 ? folder : (struct ml_str){NULL, 0};
}

static void make_where(const struct ml_view_line *l, struct ml_str folder, struct ml_buf *out)
{
    struct ml_str file = l->function->file;
    if (is_absolute(file))
        file = (struct ml_str){file.p + folder.n, file.n - folder.n};
    ml_decode_print(file, 0, out);
    ml_buf_printf(out, ":%u ", l->row->line);
    ml_decode_print(l->function->name, 0, out);
}

static size_t columns_of(struct ml_buf *where, struct ml_buf *scratch)
{
    ml_buf_clear(scratch);
    return ml_decode_print(ml_buf_view(where), 0, scratch);
}

static size_t where_width(struct ml_table *t, struct ml_str folder, struct ml_buf *where,
                          struct ml_buf *scratch)
{
    size_t width = strlen("Where");
    for (size_t i = 0; i < t->view->n_lines; i++) {
        ml_buf_clear(where);
        make_where(&t->view->lines[i], folder, where);
        size_t n = columns_of(where, scratch);
        width = n > width && n <= WHERE_MOST ? n : width;
    }
    return width;
}

static void write_line(struct ml_table *t, const struct ml_view_line *l, struct ml_str where,
                       size_t columns, size_t width)
{
    enum ml_tint tint = ml__tint_of(t, l->row);
    struct ml_str text = ml_sources_line(t->sources, l->function->file, l->row->line);
    ml__table_figures(t, l->row, tint);
    ml_buf_cstr(t->out, "  ");
    ml_buf_str(t->out, where);
    size_t pad = columns < width ? width - columns : 0;
    ml_buf_fill(t->out, ' ', pad + 2);
    ml__table_text(t, ml__unindent(text), ml__table_figures_width(t) + columns + pad + 4, tint);
}

void ml__table_ranking(struct ml_table *t)
{
    struct ml_buf where = {0};
    struct ml_buf scratch = {0};
    ml_view_rank(t->view, t->options->sort);
    struct ml_str folder = common_folder(t->view);
    if (folder.n > 0) {
        ml_buf_cstr(t->out, "in ");
        ml_decode_print(folder, 0, t->out);
        ml_buf_char(t->out, '\n');
    }
    size_t width = where_width(t, folder, &where, &scratch);
    ml__tint(t, ML_TINT_DIM);
    ml__table_heads(t);
    ml_buf_printf(t->out, "  %-*s  Source", (int)width, "Where");
    ml__untint(t, ML_TINT_DIM);
    ml_buf_char(t->out, '\n');
    for (size_t i = 0; i < t->view->n_lines && t->out->status == ML_OK; i++) {
        ml_buf_clear(&where);
        make_where(&t->view->lines[i], folder, &where);
        size_t columns = columns_of(&where, &scratch);
        write_line(t, &t->view->lines[i], ml_buf_view(&where), columns, width);
    }
    if (where.status != ML_OK || scratch.status != ML_OK)
        t->out->status = where.status != ML_OK ? where.status : scratch.status;
    ml_buf_free(&where);
    ml_buf_free(&scratch);
}
