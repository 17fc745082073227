/* cli/chart_bars.c -- bars that lie, shares of a whole, and columns that stand; see chart.h.
 * SPDX-License-Identifier: MIT */
#include "cli/chart.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>

enum { BARS_MAX = 200 };

/* `cells` of a bar in eighths; lying blocks grow from the left. */
static void put_bar(const struct ml_chart_look *look, double cells, struct ml_buf *out)
{
    char utf8[4];
    long eighths = lround(cells * 8);
    if (look->ascii) {
        ml_buf_fill(out, '#', (size_t)((eighths + 4) / 8));
        return;
    }
    for (long k = 0; k < eighths / 8; k++)
        ml_buf_add(out, utf8, ml_utf8_put(0x2588, utf8));
    if (eighths % 8 != 0)
        ml_buf_add(out, utf8, ml_utf8_put(0x2590u - (unsigned)(eighths % 8), utf8));
}

struct bars {
    const struct ml_chart *c;
    const struct ml_chart_look *look;
    size_t label; /* width of the names */
    size_t value; /* width of the figures */
    double lo;
    double hi;
    double total; /* of a pie; 0: no pie */
};

static void figure(const struct bars *b, double y, struct ml_buf *out)
{
    ml__chart_number(y, out);
    if (b->total > 0)
        ml_buf_printf(out, " %5.1f%%", 100 * y / b->total);
}

static struct ml_str name_of(const struct ml_chart *c, const struct ml_chart_point *p,
                             struct ml_buf *text)
{
    if (c->axis == ML_CHART_NAMES)
        return p->label;
    ml_buf_clear(text);
    ml__chart_place(c, p->x, 1e9, text);
    return ml_buf_view(text);
}

static void put_line(const struct bars *b, size_t i, struct ml_buf *out)
{
    const struct ml_chart_point *p = &b->c->points[i];
    bool again = i > 0 && p[-1].x == p->x; /* another series of the same row */
    struct ml_buf text = {0};
    struct ml_str name = name_of(b->c, p, &text);
    ml__chart_fit(again ? ML_STR("") : name, b->label, false, out);
    ml_buf_char(out, ' ');
    size_t room = b->look->width > b->label + b->value + 12
                      ? b->look->width - b->label - b->value - 3
                      : 10;
    double scale = (double)room / (b->hi - b->lo);
    double zero = (0 - b->lo) * scale;
    double from = fmin(zero, (p->y - b->lo) * scale);
    if (p->y < 0)
        from = floor(from);
    ml_buf_fill(out, ' ', (size_t)fmax(0, floor(from)));
    ml__chart_color(b->look, p->series, true, out);
    put_bar(b->look, fmin((double)room, fabs(p->y) * scale), out);
    ml__chart_color(b->look, p->series, false, out);
    ml_buf_char(out, ' ');
    ml_buf_clear(&text);
    figure(b, p->y, &text);
    ml_buf_str(out, ml_buf_view(&text));
    if (b->c->nseries > 1 && !b->look->colors) {
        ml_buf_char(out, ' ');
        ml_buf_str(out, b->c->series[p->series]);
    }
    ml_buf_char(out, '\n');
    ml_buf_free(&text);
}

void ml__chart_bars(const struct ml_chart *c, const struct ml_chart_look *look, struct ml_buf *out)
{
    struct bars b = {.c = c, .look = look};
    struct ml_buf text = {0};
    bool pie = ml_str_eq(c->kind, ML_STR("piechart"));
    ml__chart_range(c, true, &b.lo, &b.hi);
    for (size_t i = 0; i < c->n; i++) {
        pie = pie && c->points[i].y >= 0;
        b.total += c->points[i].y;
    }
    b.total = pie ? b.total : 0;
    for (size_t i = 0; i < c->n && i < BARS_MAX; i++) {
        size_t w = ml_utf8_columns(name_of(c, &c->points[i], &text));
        b.label = w > b.label ? w : b.label;
        ml_buf_clear(&text);
        figure(&b, c->points[i].y, &text);
        if (c->nseries > 1 && !look->colors)
            ml_buf_printf(&text, " %.*s", (int)c->series[c->points[i].series].n,
                          c->series[c->points[i].series].p);
        b.value = text.n > b.value ? text.n : b.value;
    }
    b.label = b.label < look->width / 3 ? b.label : look->width / 3;
    for (size_t i = 0; i < c->n && i < BARS_MAX; i++)
        put_line(&b, i, out);
    if (c->n > BARS_MAX)
        ml_buf_printf(out, "(%zu more bars are not drawn)\n", c->n - BARS_MAX);
    if (look->colors)
        ml__chart_legend(c, look, out);
    ml_buf_free(&text);
}

/* --- columns --- */

struct columns {
    const struct ml_chart *c;
    const struct ml_chart_look *look;
    unsigned label;
    unsigned each; /* cells of one column */
    unsigned gap;  /* after the columns of one place */
    bool letters;  /* tell the series apart, without colours */
    double hi;
};

/* The part of a cell that is full, in eighths: rows are counted from the bottom. */
static long eighths_in(const struct columns *k, double y, unsigned row)
{
    long all = lround(y / k->hi * 8 * k->look->height);
    long here = all - 8L * (long)row;
    return here < 0 ? 0 : here > 8 ? 8 : here;
}

static void put_row(const struct columns *k, unsigned row, struct ml_buf *out)
{
    char utf8[4];
    for (size_t i = 0; i < k->c->n; i++) {
        const struct ml_chart_point *p = &k->c->points[i];
        if (i > 0 && p[-1].x != p->x)
            ml_buf_fill(out, ' ', k->gap);
        long e = eighths_in(k, p->y, row);
        if (e > 0)
            ml__chart_color(k->look, p->series, true, out);
        for (unsigned w = 0; w < k->each; w++) {
            if (e == 0 || ((k->look->ascii || k->letters) && e < 4))
                ml_buf_char(out, ' ');
            else if (k->letters)
                ml_buf_char(out, (char)('a' + p->series % 26));
            else if (k->look->ascii)
                ml_buf_char(out, '#');
            else
                ml_buf_add(out, utf8, ml_utf8_put(0x2580u + (unsigned)e, utf8));
        }
        if (e > 0)
            ml__chart_color(k->look, p->series, false, out);
    }
    while (out->n > 0 && out->p[out->n - 1] == ' ')
        out->n--;
    ml_buf_char(out, '\n');
}

/* Names where they fit below their columns. */
static void put_names(const struct columns *k, struct ml_buf *out)
{
    struct ml_buf text = {0};
    size_t at = k->label + 2;
    size_t used = 0;
    double span = k->c->points[k->c->n - 1].x - k->c->points[0].x;
    for (size_t i = 0; i < k->c->n; i++) {
        const struct ml_chart_point *p = &k->c->points[i];
        bool first = i == 0 || p[-1].x != p->x;
        at += i > 0 && first ? k->gap : 0;
        if (first && at >= used + (used > 0)) {
            ml_buf_clear(&text);
            if (k->c->axis == ML_CHART_NAMES)
                ml_buf_str(&text, p->label);
            else
                ml__chart_place(k->c, p->x, span, &text);
            size_t w = ml_utf8_columns(ml_buf_view(&text));
            w = w < 16 ? w : 16;
            if (at + w <= k->look->width) {
                ml_buf_fill(out, ' ', at - used);
                ml__chart_fit(ml_buf_view(&text), w, false, out);
                used = at + w;
            }
        }
        at += k->each;
    }
    ml_buf_char(out, '\n');
    ml_buf_free(&text);
}

bool ml__chart_columns(const struct ml_chart *c, const struct ml_chart_look *look,
                       struct ml_buf *out)
{
    struct columns k = {.c = c, .look = look, .label = 7, .each = 1};
    k.letters = c->nseries > 1 && !look->colors;
    double lo;
    size_t places = 1;
    ml__chart_range(c, true, &lo, &k.hi);
    for (size_t i = 1; i < c->n; i++)
        places += c->points[i].x != c->points[i - 1].x;
    unsigned room = look->width > k.label + 12 ? look->width - k.label - 2 : 10;
    if (lo < 0 || k.hi <= 0 || c->n > room)
        return false;
    while (k.each < 8 && c->n * (k.each + 1) + places - 1 <= room)
        k.each++;
    k.gap = c->n * k.each + places - 1 <= room;
    for (unsigned row = look->height; row-- > 0;) {
        struct ml_buf text = {0};
        bool marked = row == look->height - 1 || row == look->height / 2;
        if (marked)
            ml__chart_number(k.hi * (row + 1) / look->height, &text);
        ml__chart_fit(ml_buf_view(&text), k.label, true, out);
        ml_buf_cstr(out, look->ascii ? (marked ? " +" : " |")
                         : marked    ? " \xE2\x94\xA4"
                                     : " \xE2\x94\x82");
        ml_buf_free(&text);
        put_row(&k, row, out);
    }
    ml_buf_fill(out, ' ', k.label + 1);
    ml_buf_cstr(out, look->ascii ? "+" : "\xE2\x94\x94");
    for (unsigned x = 0; x < room; x++)
        ml_buf_cstr(out, look->ascii ? "-" : "\xE2\x94\x80");
    ml_buf_char(out, '\n');
    put_names(&k, out);
    ml__chart_legend(c, look, out);
    return true;
}
