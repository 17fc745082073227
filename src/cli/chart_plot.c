/* cli/chart_plot.c -- lines, areas and dots on a grid of braille patterns, with axes; see chart.h.
 *
 * Picture: each cell of the grid has 2 x 4 dots. Without colours, or without UTF-8, a cell is one dot, and its letter tells the
 * series. SPDX-License-Identifier: MIT */
#include "cli/chart.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

struct grid {
    const struct ml_chart *c;
    const struct ml_chart_look *look;
    unsigned w; /* cells */
    unsigned h;
    int dx; /* dots in a cell */
    int dy;
    uint8_t *dots;   /* by cell: the braille pattern, or 1 */
    uint8_t *series; /* by cell: the last one drawn, + 1 */
    double x0;
    double x1;
    double lo;
    double hi;
    bool area;
    bool lines;
};

static void dot(struct grid *g, int x, int y, uint32_t series)
{
    static const uint8_t bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= (int)g->w * g->dx || y >= (int)g->h * g->dy)
        return;
    size_t cell = (size_t)(y / g->dy) * g->w + (size_t)(x / g->dx);
    g->dots[cell] |= g->dx == 2 ? bit[y % 4][x % 2] : 1;
    g->series[cell] = (uint8_t)(series + 1);
}

static int column_of(const struct grid *g, double x)
{
    double f = g->x1 > g->x0 ? (x - g->x0) / (g->x1 - g->x0) : 0.5;
    return (int)lround(f * (g->w * (unsigned)g->dx - 1));
}

/* Clamped, so that far outliers of a given range still lead out of the picture. */
static int row_of(const struct grid *g, double y)
{
    double f = (y - g->lo) / (g->hi - g->lo);
    f = f < -1 ? -1 : f > 2 ? 2 : f;
    return (int)lround((1 - f) * (g->h * (unsigned)g->dy - 1));
}

static void fill_down(struct grid *g, int x, int y, uint32_t series)
{
    int base = row_of(g, g->lo > 0 ? g->lo : g->hi < 0 ? g->hi : 0);
    int step = y <= base ? 1 : -1;
    for (int k = y; k != base + step; k += step)
        dot(g, x, k, series);
}

static void line(struct grid *g, int x0, int y0, int x1, int y1, uint32_t series)
{
    int dx = abs(x1 - x0);
    int dy = -abs(y1 - y0);
    int sx = x0 < x1 ? 1 : -1;
    int sy = y0 < y1 ? 1 : -1;
    for (int err = dx + dy;;) {
        if (g->area)
            fill_down(g, x0, y0, series);
        else
            dot(g, x0, y0, series);
        if (x0 == x1 && y0 == y1)
            return;
        int twice = 2 * err;
        if (twice >= dy) {
            err += dy;
            x0 += sx;
        }
        if (twice <= dx) {
            err += dx;
            y0 += sy;
        }
    }
}

static void draw_series(struct grid *g, uint32_t series)
{
    const struct ml_chart_point *before = NULL;
    for (size_t i = 0; i < g->c->n; i++) {
        const struct ml_chart_point *p = &g->c->points[i];
        if (p->series != series)
            continue;
        const struct ml_chart_point *from = g->lines && before != NULL ? before : p;
        line(g, column_of(g, from->x), row_of(g, from->y), column_of(g, p->x), row_of(g, p->y),
             series);
        before = p;
    }
}

/* 1, 2 or 5 times a power of ten, so that about `ticks` of them make the range. */
static double nice_step(double range, unsigned ticks)
{
    double raw = range / ticks;
    double unit = pow(10, floor(log10(raw)));
    double f = raw / unit;
    return unit * (f <= 1 ? 1 : f <= 2 ? 2 : f <= 5 ? 5 : 10);
}

static void put_cell(const struct grid *g, size_t cell, uint8_t *color, struct ml_buf *out)
{
    uint8_t series = g->dots[cell] != 0 ? g->series[cell] : 0;
    char utf8[4];
    if (series != *color) {
        if (*color != 0)
            ml__chart_color(g->look, 0, false, out);
        if (series != 0)
            ml__chart_color(g->look, series - 1u, true, out);
        *color = series;
    }
    if (series == 0)
        ml_buf_char(out, ' ');
    else if (g->dx == 2)
        ml_buf_add(out, utf8, ml_utf8_put(0x2800u + g->dots[cell], utf8));
    else if (g->c->nseries > 1 && !g->look->colors)
        ml_buf_char(out, (char)('a' + (series - 1) % 26));
    else
        ml_buf_char(out, '*');
}

/* The value that is written beside the row; NaN: none. */
static double tick_at(const struct grid *g, unsigned row, double step)
{
    for (double v = ceil(g->lo / step) * step; v <= g->hi + step / 1e6; v += step)
        if (row_of(g, v) / g->dy == (int)row)
            return fabs(v) < step / 1e6 ? 0 : v;
    return NAN;
}

static void put_rows(const struct grid *g, unsigned label, double step, struct ml_buf *out)
{
    for (unsigned row = 0; row < g->h; row++) {
        struct ml_buf text = {0};
        uint8_t color = 0;
        double v = tick_at(g, row, step);
        if (!isnan(v))
            ml__chart_number(v, &text);
        ml__chart_fit(ml_buf_view(&text), label, true, out);
        ml_buf_cstr(out, g->look->ascii ? (isnan(v) ? " |" : " +")
                         : isnan(v)     ? " \xE2\x94\x82"
                                        : " \xE2\x94\xA4");
        for (unsigned x = 0; x < g->w; x++)
            put_cell(g, (size_t)row * g->w + x, &color, out);
        if (color != 0)
            ml__chart_color(g->look, 0, false, out);
        while (out->n > 0 && out->p[out->n - 1] == ' ')
            out->n--;
        ml_buf_char(out, '\n');
        ml_buf_free(&text);
    }
}

static void put_axis(const struct grid *g, unsigned label, struct ml_buf *out)
{
    unsigned places = g->w / 18 < 1 ? 1 : g->w / 18 > 6 ? 6 : g->w / 18;
    size_t start = label + 2;
    ml_buf_fill(out, ' ', label + 1);
    ml_buf_cstr(out, g->look->ascii ? "+" : "\xE2\x94\x94");
    for (unsigned x = 0; x < g->w; x++)
        ml_buf_cstr(out, g->look->ascii ? "-" : "\xE2\x94\x80");
    ml_buf_char(out, '\n');
    size_t used = 0;
    for (unsigned k = 0; k <= places; k++) {
        struct ml_buf text = {0};
        double f = (double)k / places;
        ml__chart_place(g->c, g->x0 + f * (g->x1 - g->x0), g->x1 - g->x0, &text);
        size_t w = ml_utf8_columns(ml_buf_view(&text));
        w = w < 15 ? w : 15;
        size_t at = start + (size_t)(f * (g->w - 1));
        at -= k == 0 ? 0 : k == places ? (w < at ? w - 1 : at) : w / 2;
        if (at >= used + (k > 0) && w > 0) {
            ml_buf_fill(out, ' ', at - used);
            ml__chart_fit(ml_buf_view(&text), w, false, out);
            used = at + w;
        }
        ml_buf_free(&text);
    }
    ml_buf_char(out, '\n');
}

static void measure(struct grid *g)
{
    const struct ml_chart *c = g->c;
    g->x0 = INFINITY;
    g->x1 = -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        g->x0 = fmin(g->x0, c->points[i].x);
        g->x1 = fmax(g->x1, c->points[i].x);
    }
    ml__chart_range(c, g->area, &g->lo, &g->hi);
    if (g->lo > 0 && g->lo < g->hi / 2 && isnan(c->ymin))
        g->lo = 0;
}

void ml__chart_plot(const struct ml_chart *c, const struct ml_chart_look *look, struct ml_buf *out)
{
    bool letters = look->ascii || (c->nseries > 1 && !look->colors);
    struct grid g = {.c = c, .look = look, .h = look->height};
    g.dx = letters ? 1 : 2;
    g.dy = letters ? 1 : 4;
    g.area = ml_str_eq(c->kind, ML_STR("areachart")) || ml_str_eq(c->kind, ML_STR("columnchart")) ||
             ml_str_eq(c->kind, ML_STR("stackedareachart"));
    g.lines = !ml_str_eq(c->kind, ML_STR("scatterchart"));
    measure(&g);
    double step = nice_step(g.hi - g.lo, look->height / 4 + 1);
    unsigned label = 0;
    for (double v = ceil(g.lo / step) * step; v <= g.hi + step / 1e6; v += step) {
        struct ml_buf text = {0};
        ml__chart_number(fabs(v) < step / 1e6 ? 0 : v, &text);
        label = text.n > label ? (unsigned)text.n : label;
        ml_buf_free(&text);
    }
    g.w = look->width > label + 12 ? look->width - label - 2 : 10;
    g.dots = ml_calloc((size_t)g.w * g.h, 1);
    g.series = ml_calloc((size_t)g.w * g.h, 1);
    if (g.dots != NULL && g.series != NULL) {
        for (uint32_t s = c->nseries; s-- > 0;) /* the lowest of a stack comes last, on top */
            draw_series(&g, s);
        put_rows(&g, label, step, out);
        put_axis(&g, label, out);
        ml__chart_legend(c, look, out);
    }
    ml_free(g.dots);
    ml_free(g.series);
}
