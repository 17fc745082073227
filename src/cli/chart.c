/* cli/chart.c -- what the drawings share: kinds, ranges, texts, colours, the legend; see chart.h.
 * SPDX-License-Identifier: MIT */
#include "cli/chart.h"

#include "base/utf8.h"
#include "kql/ticks.h"

#include <math.h>

enum { LEGEND_MAX = 12 };

static const char *const plots[] = {"timechart", "linechart",    "anomalychart",
                                    "areachart", "scatterchart", "stackedareachart",
                                    NULL};

static bool among(struct ml_str kind, const char *const *list)
{
    for (; *list != NULL; list++)
        if (ml_str_eq(kind, ml_str_of(*list)))
            return true;
    return false;
}

bool ml_chart_drawn(struct ml_str kind)
{
    static const char *const others[] = {"barchart", "columnchart", "piechart", NULL};
    return among(kind, plots) || among(kind, others);
}

void ml__chart_range(const struct ml_chart *c, bool zero, double *lo, double *hi)
{
    *lo = zero ? 0 : INFINITY;
    *hi = zero ? 0 : -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        *lo = fmin(*lo, c->points[i].y);
        *hi = fmax(*hi, c->points[i].y);
    }
    *lo = isnan(c->ymin) ? *lo : c->ymin;
    *hi = isnan(c->ymax) ? *hi : c->ymax;
    if (!(*hi > *lo)) /* a flat line */
        *hi = *lo + (*lo == 0 ? 1 : fabs(*lo) / 10);
}

void ml__chart_number(double v, struct ml_buf *out)
{
    static const char units[] = "kMGTPE";
    double size = fabs(v);
    int k = -1;
    while (size >= 9999.5 && k < 5) {
        size /= 1000;
        v /= 1000;
        k++;
    }
    if (k < 0)
        ml_buf_printf(out, "%.4g", v);
    else
        ml_buf_printf(out, "%.4g%c", v, units[k]);
}

static void put_time(double seconds, double span, struct ml_buf *out)
{
    struct ml_civil t = ml_civil_of((int64_t)(seconds * 1e7));
    const double day = 86400;
    if (span > 3 * day)
        ml_buf_printf(out, "%04d-%02d-%02d", t.year, t.month, t.day);
    else if (span >= day)
        ml_buf_printf(out, "%02d-%02d %02d:%02d", t.month, t.day, t.hour, t.minute);
    else if (span > 600)
        ml_buf_printf(out, "%02d:%02d", t.hour, t.minute);
    else
        ml_buf_printf(out, "%02d:%02d:%02d", t.hour, t.minute, t.second);
}

void ml__chart_place(const struct ml_chart *c, double x, double span, struct ml_buf *out)
{
    if (c->axis == ML_CHART_TIMES) {
        put_time(x, span, out);
        return;
    }
    if (c->axis == ML_CHART_NUMBERS)
        ml__chart_number(x, out);
    else if (x >= 0 && x < c->nnames)
        ml_buf_str(out, c->names[(size_t)x]);
}

void ml__chart_fit(struct ml_str s, size_t width, bool right, struct ml_buf *out)
{
    size_t w = ml_utf8_columns(s);
    size_t used = 0;
    if (right && w < width)
        ml_buf_fill(out, ' ', width - w);
    while (s.n > 0) {
        uint32_t c = '?';
        size_t k = ml_utf8_next(s, &c);
        size_t one = k == 0 ? 1 : (size_t)ml_utf8_width(c);
        k = k != 0 ? k : 1;
        if (used + one > width)
            break;
        if (c < 0x20 || c == 0x7F)
            ml_buf_char(out, ' ');
        else
            ml_buf_add(out, s.p, k);
        used += one;
        s = (struct ml_str){s.p + k, s.n - k};
    }
    if (!right && used < width)
        ml_buf_fill(out, ' ', width - used);
}

void ml__chart_color(const struct ml_chart_look *look, uint32_t series, bool on, struct ml_buf *out)
{
    static const int colors[] = {36, 33, 35, 32, 34, 31};
    if (!look->colors)
        return;
    if (on)
        ml_buf_printf(out, "\x1b[%dm", colors[series % 6]);
    else
        ml_buf_cstr(out, "\x1b[0m");
}

/* One entry a series, several on a line; without colours each has the letter that draws it. */
void ml__chart_legend(const struct ml_chart *c, const struct ml_chart_look *look,
                      struct ml_buf *out)
{
    size_t used = 0;
    if (c->nseries < 2)
        return;
    for (uint32_t i = 0; i < c->nseries && i < LEGEND_MAX; i++) {
        size_t w = ml_utf8_columns(c->series[i]);
        w = w < look->width / 2 ? w : look->width / 2;
        if (used > 0 && used + w + 4 > look->width) {
            ml_buf_char(out, '\n');
            used = 0;
        }
        ml_buf_cstr(out, used > 0 ? "  " : "");
        ml__chart_color(look, i, true, out);
        if (look->colors)
            ml_buf_cstr(out, look->ascii ? "#" : "\xE2\x97\x8F"); /* a full circle */
        else
            ml_buf_char(out, (char)('a' + i % 26));
        ml__chart_color(look, i, false, out);
        ml_buf_char(out, ' ');
        ml__chart_fit(c->series[i], w, false, out);
        used += w + 4;
    }
    if (c->nseries > LEGEND_MAX)
        ml_buf_printf(out, "  and %u more", c->nseries - LEGEND_MAX);
    ml_buf_char(out, '\n');
}

void ml_chart_draw(const struct ml_chart *c, const struct ml_chart_look *look, struct ml_buf *out)
{
    if (c->title.n > 0) {
        ml__chart_fit(c->title, look->width, false, out);
        while (out->n > 0 && out->p[out->n - 1] == ' ')
            out->n--;
        ml_buf_char(out, '\n');
    }
    bool columns = ml_str_eq(c->kind, ML_STR("columnchart"));
    if (among(c->kind, plots))
        ml__chart_plot(c, look, out);
    else if (!columns)
        ml__chart_bars(c, look, out);
    else if (!ml__chart_columns(c, look, out))
        ml__chart_plot(c, look, out);
    if (c->left > 0)
        ml_buf_printf(out, "(%zu more values are not drawn)\n", c->left);
}
