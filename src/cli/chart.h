/* cli/chart.h -- a query's result drawn on a terminal, as its render operator asks.
 *
 *   rows --ml_chart_read--> points (x, series, y) --ml_chart_draw--> lines of text
 *
 * A point has a place on the x axis (a number, a time, or a name), a series and a value. Lines, areas and dots are drawn
 * with braille patterns or, where the locale is not UTF-8, with letters; columns and bars with blocks.
 * Memory: the chart's arena. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_CHART_H
#define ML_CLI_CHART_H

#include "base/arena.h"
#include "kql/kql.h"

#define ML_CHART_NAMES_MAX 1000

enum ml_chart_axis { ML_CHART_NUMBERS, ML_CHART_TIMES, ML_CHART_NAMES };

struct ml_chart_point {
    double x;            /* number; seconds since 0001-01-01; of names: their order */
    struct ml_str label; /* what x is called; only of names */
    uint32_t series;
    double y;
};

struct ml_chart {
    struct ml_arena arena;
    struct ml_str kind; /* timechart, barchart, ... */
    struct ml_str title;
    enum ml_chart_axis axis;
    struct ml_chart_point *points; /* owned; by x, then series */
    size_t n;
    size_t cap;
    struct ml_str *series; /* names */
    uint32_t nseries;
    struct ml_str *names; /* of the axis, in the order of their coming */
    uint32_t nnames;
    size_t rows; /* of the result */
    size_t left; /* points and series that were too many to draw */
    double ymin; /* as asked for; NaN: not */
    double ymax;
};

/* How it is drawn. */
struct ml_chart_look {
    unsigned width;
    unsigned height;
    bool colors;
    bool ascii;
};

/* Is there a drawing for this kind? (card, table, treemap, ... have none.) */
bool ml_chart_drawn(struct ml_str kind);
/* All rows of the table as points; n = 0: they have no numbers to draw. Release it in any case. */
int ml_chart_read(struct ml_chart *c, struct ml_query *q, uint32_t table);
void ml_chart_release(struct ml_chart *c);
void ml_chart_draw(const struct ml_chart *c, const struct ml_chart_look *look, struct ml_buf *out);

/* private: between the files of the chart */
void ml__chart_plot(const struct ml_chart *c, const struct ml_chart_look *look, struct ml_buf *out);
void ml__chart_bars(const struct ml_chart *c, const struct ml_chart_look *look, struct ml_buf *out);
/* False: there is no room for one character a column. */
bool ml__chart_columns(const struct ml_chart *c, const struct ml_chart_look *look,
                       struct ml_buf *out);
void ml__chart_legend(const struct ml_chart *c, const struct ml_chart_look *look,
                      struct ml_buf *out);
void ml__chart_color(const struct ml_chart_look *look, uint32_t series, bool on,
                     struct ml_buf *out);
/* Short: 1.5k, 20M. */
void ml__chart_number(double v, struct ml_buf *out);
/* What a place on the axis is called; `span` is the length of the axis. */
void ml__chart_place(const struct ml_chart *c, double x, double span, struct ml_buf *out);
/* A text cut or filled to a width of columns. */
void ml__chart_fit(struct ml_str s, size_t width, bool right, struct ml_buf *out);
/* Lowest and highest y, with 0 where `zero`. */
void ml__chart_range(const struct ml_chart *c, bool zero, double *lo, double *hi);

#endif
