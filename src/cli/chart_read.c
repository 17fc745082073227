/* cli/chart_read.c -- which columns are axis, series and values, and the points they make; see chart.h.
 *
 * As the service chooses them: the axis is the column named, else (but for bars) the first datetime, else the first column;
 * values are the columns named, else all numbers; what is text beside the axis tells series apart. A row whose values are arrays
 * (make-series) is a series of its own. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/mem.h"
#include "cli/chart.h"
#include "kql/text.h"
#include "kql/ticks.h"

#include <math.h>
#include <stdlib.h>

enum { POINTS_MAX = 200000, SERIES_MAX = 64, VALUES_MAX = 64 };

struct roles {
    uint32_t x;
    uint32_t y[VALUES_MAX];
    uint32_t ny;
    uint32_t by[VALUES_MAX]; /* text that names the series */
    uint32_t nby;
};

static bool is_time(enum ml_type t)
{
    return t == ML_T_DATETIME;
}

static bool is_value(enum ml_type t)
{
    return ml_type_is_number(t) || t == ML_T_TIMESPAN || t == ML_T_DYNAMIC;
}

static int32_t column_named(const struct ml_query_table *t, struct ml_str name)
{
    for (uint32_t i = 0; name.p != NULL && i < t->ncolumns; i++)
        if (ml_str_eq(t->columns[i].name, name))
            return (int32_t)i;
    return -1;
}

/* A dynamic column whose first cell is an array of times. */
static bool holds_times(const struct ml_batch *b, uint32_t c, struct ml_arena *a)
{
    if (b->n == 0 || b->cols[c].type != ML_T_DYNAMIC)
        return false;
    struct ml_val v = ml_column_get(&b->cols[c], 0);
    int64_t ticks;
    v = ml_val_force(a, &v);
    if (v.null || v.type != ML_T_ARRAY || v.n == 0)
        return false;
    const struct ml_val *first = &v.items[0];
    return first->type == ML_T_DATETIME ||
           (first->type == ML_T_STRING && ml_datetime_parse(first->s, &ticks));
}

static bool stands_at_names(const struct ml_chart *c)
{
    return ml_str_eq(c->kind, ML_STR("barchart")) || ml_str_eq(c->kind, ML_STR("piechart"));
}

static uint32_t choose_axis(const struct ml_chart *c, struct ml_query *q, uint32_t table,
                            const struct ml_batch *b, struct ml_arena *a)
{
    const struct ml_query_table *t = ml_query_table(q, table);
    int32_t named = column_named(t, ml_query_render(q, table, "xcolumn", 0));
    if (named >= 0)
        return (uint32_t)named;
    for (uint32_t i = 0; i < t->ncolumns; i++)
        if (holds_times(b, i, a) || (!stands_at_names(c) && is_time(t->columns[i].type)))
            return i;
    return 0;
}

static void choose(const struct ml_chart *c, struct ml_query *q, uint32_t table,
                   const struct ml_batch *b, struct ml_arena *a, struct roles *r)
{
    const struct ml_query_table *t = ml_query_table(q, table);
    struct ml_str name;
    r->x = choose_axis(c, q, table, b, a);
    for (uint32_t i = 0; (name = ml_query_render(q, table, "ycolumns", i)).p != NULL; i++) {
        int32_t k = column_named(t, name);
        if (k >= 0 && r->ny < VALUES_MAX)
            r->y[r->ny++] = (uint32_t)k;
    }
    for (uint32_t i = 0; (name = ml_query_render(q, table, "series", i)).p != NULL; i++) {
        int32_t k = column_named(t, name);
        if (k >= 0 && r->nby < VALUES_MAX)
            r->by[r->nby++] = (uint32_t)k;
    }
    bool values = r->ny > 0;
    bool series = r->nby > 0;
    for (uint32_t i = 0; i < t->ncolumns; i++) {
        enum ml_type type = t->columns[i].type;
        if (i == r->x)
            continue;
        if (is_value(type) && !values && r->ny < VALUES_MAX)
            r->y[r->ny++] = i;
        else if (!is_value(type) && !is_time(type) && !series && r->nby < VALUES_MAX)
            r->by[r->nby++] = i;
    }
}

static bool number(const struct ml_val *v, double *out)
{
    int64_t ticks;
    if (v->null)
        return false;
    switch (v->type) {
    case ML_T_INT:
    case ML_T_LONG:
        *out = (double)v->i;
        return true;
    case ML_T_TIMESPAN: /* in seconds */
    case ML_T_DATETIME:
        *out = (double)v->i / 1e7;
        return true;
    case ML_T_REAL:
        *out = v->d;
        return isfinite(v->d);
    case ML_T_STRING: /* a time inside of a dynamic */
        if (!ml_datetime_parse(v->s, &ticks))
            return false;
        *out = (double)ticks / 1e7;
        return true;
    default:
        return false;
    }
}

static bool series_of(struct ml_chart *c, struct ml_str name, uint32_t *out)
{
    for (uint32_t i = 0; i < c->nseries; i++)
        if (ml_str_eq(c->series[i], name))
            return *out = i, true;
    if (c->nseries == SERIES_MAX) {
        c->left++;
        return false;
    }
    *out = c->nseries;
    c->series[c->nseries++] = ml_arena_copy(&c->arena, name);
    return true;
}

static void add_point(struct ml_chart *c, struct ml_chart_point p)
{
    if (c->n == POINTS_MAX) {
        c->left++;
        return;
    }
    if (c->n == c->cap) {
        size_t cap = c->cap != 0 ? 2 * c->cap : 1024;
        struct ml_chart_point *more = ml_realloc(c->points, cap, sizeof *more);
        if (more == NULL)
            return;
        c->points = more;
        c->cap = cap;
    }
    c->points[c->n++] = p;
}

/* The order of a name among those before. Thousands of names cannot be drawn; they are not told apart. */
static double place_of(struct ml_chart *c, struct ml_str label, double row)
{
    for (uint32_t i = 0; i < c->nnames; i++)
        if (ml_str_eq(c->names[i], label))
            return i;
    if (c->nnames == ML_CHART_NAMES_MAX)
        return ML_CHART_NAMES_MAX + row;
    c->names[c->nnames] = label;
    return c->nnames++;
}

struct reading {
    struct ml_chart *c;
    const struct ml_query_table *t;
    const struct roles *r;
    const struct ml_batch *b;
    struct ml_arena scratch;
};

/* "Web, errors": the texts of the row, and the value's column where there are several. */
static struct ml_str series_name(struct reading *g, size_t row, uint32_t column)
{
    struct ml_buf name = {0};
    for (uint32_t i = 0; i < g->r->nby; i++) {
        struct ml_val v = ml_column_get(&g->b->cols[g->r->by[i]], row);
        ml_buf_cstr(&name, i > 0 ? ", " : "");
        ml_val_print(&v, false, &name);
    }
    if (g->r->nby == 0 || g->r->ny > 1) {
        ml_buf_cstr(&name, name.n > 0 ? ", " : "");
        ml_buf_str(&name, g->t->columns[column].name);
    }
    struct ml_str s = ml_arena_copy(&g->scratch, ml_buf_view(&name));
    ml_buf_free(&name);
    return s;
}

static struct ml_val cell(struct reading *g, uint32_t column, size_t row)
{
    struct ml_val v = ml_column_get(&g->b->cols[column], row);
    return g->b->cols[column].type == ML_T_DYNAMIC ? ml_val_force(&g->scratch, &v) : v;
}

static void add_array(struct reading *g, const struct ml_val *x, const struct ml_val *y,
                      uint32_t series)
{
    bool places = !x->null && x->type == ML_T_ARRAY;
    for (uint32_t i = 0; i < y->n; i++) {
        struct ml_chart_point p = {.series = series, .x = i};
        if (places && (i >= x->n || !number(&x->items[i], &p.x)))
            continue;
        if (number(&y->items[i], &p.y))
            add_point(g->c, p);
    }
}

static void read_row(struct reading *g, size_t row)
{
    struct ml_val x = cell(g, g->r->x, row);
    struct ml_chart_point p = {.x = (double)g->c->rows};
    bool placed = number(&x, &p.x);
    if (g->c->axis == ML_CHART_NAMES) {
        struct ml_buf label = {0};
        ml_val_print(&x, false, &label);
        p.label = ml_arena_copy(&g->c->arena, ml_buf_view(&label));
        p.x = place_of(g->c, p.label, (double)g->c->rows);
        ml_buf_free(&label);
    } else if (!placed && x.type != ML_T_ARRAY) {
        return;
    }
    for (uint32_t i = 0; i < g->r->ny; i++) {
        struct ml_val y = cell(g, g->r->y[i], row);
        bool array = !y.null && y.type == ML_T_ARRAY;
        if ((!array && !number(&y, &p.y)) ||
            !series_of(g->c, series_name(g, row, g->r->y[i]), &p.series))
            continue;
        if (array)
            add_array(g, &x, &y, p.series);
        else
            add_point(g->c, p);
    }
}

/* Bars stand at names, whatever the type of their column. */
static enum ml_chart_axis axis_of(const struct ml_chart *c, const struct ml_query_table *t,
                                  const struct ml_batch *b, uint32_t x, struct ml_arena *a)
{
    enum ml_type type = t->columns[x].type;
    if (holds_times(b, x, a))
        return ML_CHART_TIMES;
    if (type == ML_T_DYNAMIC)
        return ML_CHART_NUMBERS;
    if (stands_at_names(c) || !(is_value(type) || is_time(type)))
        return ML_CHART_NAMES;
    return is_time(type) ? ML_CHART_TIMES : ML_CHART_NUMBERS;
}

static int by_place(const void *a, const void *b)
{
    const struct ml_chart_point *p = a;
    const struct ml_chart_point *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x)
                        : (p->series > q->series) - (p->series < q->series);
}

/* Each series begins where the one below it ends. */
static void stack(struct ml_chart *c)
{
    for (size_t i = 1; i < c->n; i++)
        if (c->points[i].x == c->points[i - 1].x)
            c->points[i].y += c->points[i - 1].y;
}

static double bound(struct ml_query *q, uint32_t table, const char *option)
{
    struct ml_str s = ml_query_render(q, table, option, 0);
    double v;
    return s.p != NULL && ml_real_parse(s, &v) ? v : NAN;
}

int ml_chart_read(struct ml_chart *c, struct ml_query *q, uint32_t table)
{
    struct roles r = {0};
    struct ml_batch b;
    struct reading g = {.c = c, .t = ml_query_table(q, table), .r = &r, .b = &b};
    *c = (struct ml_chart){.kind = g.t->render, .title = ml_query_render(q, table, "title", 0)};
    c->ymin = bound(q, table, "ymin");
    c->ymax = bound(q, table, "ymax");
    c->series = ml_arena_alloc(&c->arena, SERIES_MAX, sizeof *c->series);
    c->names = ml_arena_alloc(&c->arena, ML_CHART_NAMES_MAX, sizeof *c->names);
    if (c->series == NULL || c->names == NULL)
        return ML_ENOMEM;
    int rc = ml_query_next(q, table, &b);
    if (rc == ML_OK) {
        choose(c, q, table, &b, &g.scratch, &r);
        c->axis = axis_of(c, g.t, &b, r.x, &g.scratch);
    }
    while (rc == ML_OK && b.n > 0) {
        for (size_t row = 0; row < b.n; row++, c->rows++)
            read_row(&g, row);
        ml_arena_reset(&g.scratch);
        rc = ml_query_next(q, table, &b);
    }
    ml_arena_clear(&g.scratch);
    if (c->n > 0)
        qsort(c->points, c->n, sizeof *c->points, by_place);
    if (ml_str_eq(c->kind, ML_STR("stackedareachart")))
        stack(c);
    return rc;
}

void ml_chart_release(struct ml_chart *c)
{
    ml_free(c->points);
    ml_arena_clear(&c->arena);
}
