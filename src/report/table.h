/* report/table.h -- what the listing and the ranking share: figures in columns, colours, notes.
 * Within src/report only. SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_TABLE_H
#define ML_REPORT_TABLE_H

#include "report/interval.h"
#include "report/report.h"
#include "report/source.h"
#include "report/view.h"

enum ml_tint { ML_TINT_NONE, ML_TINT_DIM, ML_TINT_BOLD, ML_TINT_HOT, ML_TINT_WARM, ML_TINT_COOL };

enum ml_figure {
    ML_FIGURE_HITS,
    ML_FIGURE_NET,
    ML_FIGURE_PEAK,
    ML_FIGURE_ALLOC,
    ML_FIGURE_HELD,
    ML_FIGURE_RSS,
    ML_FIGURE_MAX,
    ML_FIGURES
};

struct ml_table {
    const struct ml_snapshot *snapshot;
    const struct ml_report_options *options;
    struct ml_view *view;
    struct ml_sources *sources;
    struct ml_buf *out;
    /* Columns, wide enough for their heads and for every cell; figures are right-aligned. */
    int line_width;
    int widths[ML_FIGURES]; /* 0: not shown */
};

/* A listing per function; rows in order of lines. */
void ml__table_listing(struct ml_table *t);
/* One list of lines in the order of options->sort. */
void ml__table_ranking(struct ml_table *t);

/* Escape sequences, if the options say so. */
void ml__tint(struct ml_table *t, enum ml_tint tint);
void ml__untint(struct ml_table *t, enum ml_tint tint);
/* By its share in the heaviest line shown. */
enum ml_tint ml__tint_of(const struct ml_table *t, const struct ml_row *r);

/* A figure as a cell has it: with its range where it is an estimate. */
enum { ML_CELL_MAX = 96 };
void ml__table_cell(const struct ml_table *t, enum ml_figure figure, const struct ml_row *r,
                    char out[ML_CELL_MAX]);
/* An estimate: with its error where that is small, else its range; "-": no sample. */
void ml__table_estimate(const struct ml_table *t, char out[ML_CELL_MAX], int64_t bytes,
                        struct ml_interval range);
/* Right-aligned; `text` may hold a "±". */
void ml__table_right(struct ml_table *t, int width, const char *text);
/* The figure that a line's colour tells of. */
enum ml_figure ml__table_main_figure(const struct ml_table *t);
/* Samples alone do not tell Net and Peak. */
bool ml__table_lacks_net(const struct ml_table *t);
/* The figures, with two blanks before each. */
void ml__table_heads(struct ml_table *t);
void ml__table_figures(struct ml_table *t, const struct ml_row *r, enum ml_tint tint);
size_t ml__table_figures_width(const struct ml_table *t);
/* Without leading blanks. */
struct ml_str ml__unindent(struct ml_str s);
/* Text to the right of `used` columns, cut to the width, and the line's end. */
void ml__table_text(struct ml_table *t, struct ml_str text, size_t used, enum ml_tint tint);

/* What the heap was in all, and whose: table_heap.c. */
void ml__table_heap(struct ml_table *t);
/* Each scope's figures, and its lines that hold most. */
void ml__table_scopes(struct ml_table *t);
void ml__table_note(struct ml_table *t, const char *text);

#endif
