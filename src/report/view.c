/* report/view.c -- see view.h. SPDX-License-Identifier: MIT */
#include "report/view.h"

#include "base/mem.h"
#include "report/size.h"

#include <stdlib.h>

/* --- what is shown ----------------------------------------------------------------------------- */

static bool is_shown(const struct ml_row *r, const struct ml_report_options *o)
{
    return !(o->skip_zero && r->rss_net_bytes == 0) &&
           ml_size_abs(r->rss_net_bytes) >= o->min_bytes;
}

static void add_up(struct ml_view *v, struct ml_view_function *f, const struct ml_row *r)
{
    f->hits += r->hits;
    /* Unsigned: figures of a damaged book may wrap round, which must not be undefined. */
    f->net_bytes = (int64_t)((uint64_t)f->net_bytes + (uint64_t)r->rss_net_bytes);
    if (r->rss_max_bytes > f->max_bytes)
        f->max_bytes = r->rss_max_bytes;
    if (r->rss_max_bytes > v->max_bytes)
        v->max_bytes = r->rss_max_bytes;
}

static void add_function(struct ml_view *v, const struct ml_function *f,
                         const struct ml_report_options *o)
{
    struct ml_view_function new = {.function = f, .lines = v->lines + v->n_lines};
    for (size_t i = 0; i < f->n_rows; i++) {
        const struct ml_row *r = &f->rows[i];
        add_up(v, &new, r);
        if (!is_shown(r, o)) {
            v->n_hidden++;
            continue;
        }
        if (r->rss_net_bytes > 0 && (uint64_t)r->rss_net_bytes > v->heaviest_bytes)
            v->heaviest_bytes = (uint64_t)r->rss_net_bytes;
        new.lines[new.n++] = (struct ml_view_line){f, r};
    }
    v->n_lines += new.n;
    if (new.n > 0)
        v->functions[v->n_functions++] = new;
}

/* --- order --------------------------------------------------------------------------------------- */

static int by_u64(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b); /* largest first */
}

static int by_i64(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

static int by_place(const void *x, const void *y)
{
    const struct ml_view_line *a = x;
    const struct ml_view_line *b = y;
    if (a->row->line != b->row->line && ml_str_eq(a->function->file, b->function->file))
        return a->row->line < b->row->line ? -1 : 1;
    return (a->function > b->function) - (a->function < b->function); /* the snapshot is sorted */
}

static int by_net(const void *x, const void *y)
{
    const struct ml_view_line *a = x;
    const struct ml_view_line *b = y;
    int c = by_i64(a->row->rss_net_bytes, b->row->rss_net_bytes);
    return c != 0 ? c : by_place(x, y);
}

static int by_max(const void *x, const void *y)
{
    const struct ml_view_line *a = x;
    const struct ml_view_line *b = y;
    int c = by_u64(a->row->rss_max_bytes, b->row->rss_max_bytes);
    return c != 0 ? c : by_net(x, y);
}

static int by_hits(const void *x, const void *y)
{
    const struct ml_view_line *a = x;
    const struct ml_view_line *b = y;
    int c = by_u64(a->row->hits, b->row->hits);
    return c != 0 ? c : by_place(x, y);
}

typedef int (*compare_fn)(const void *x, const void *y);
static const compare_fn line_orders[] = {[ML_SORT_LINE] = by_place,
                                         [ML_SORT_NET] = by_net,
                                         [ML_SORT_MAX] = by_max,
                                         [ML_SORT_HITS] = by_hits};

static int functions_by_net(const void *x, const void *y)
{
    const struct ml_view_function *a = x;
    const struct ml_view_function *b = y;
    int c = by_i64(a->net_bytes, b->net_bytes);
    return c != 0 ? c : (a->function > b->function) - (a->function < b->function);
}

static int functions_by_max(const void *x, const void *y)
{
    const struct ml_view_function *a = x;
    const struct ml_view_function *b = y;
    int c = by_u64(a->max_bytes, b->max_bytes);
    return c != 0 ? c : functions_by_net(x, y);
}

static int functions_by_hits(const void *x, const void *y)
{
    const struct ml_view_function *a = x;
    const struct ml_view_function *b = y;
    int c = by_u64(a->hits, b->hits);
    return c != 0 ? c : functions_by_net(x, y);
}

static const compare_fn function_orders[] = {[ML_SORT_NET] = functions_by_net,
                                             [ML_SORT_MAX] = functions_by_max,
                                             [ML_SORT_HITS] = functions_by_hits};

static void sort(void *at, size_t n, size_t size, compare_fn compare)
{
    if (n > 1)
        qsort(at, n, size, compare);
}

int ml_view_init(struct ml_view *v, const struct ml_snapshot *s, const struct ml_report_options *o,
                 struct ml_error *e)
{
    const struct ml_function *f;
    size_t n = ml_snapshot_functions(s, &f);
    size_t rows = 0;
    *v = (struct ml_view){0};
    for (size_t i = 0; i < n; i++)
        rows += f[i].n_rows;
    v->lines = ml_calloc(rows, sizeof *v->lines);
    v->functions = ml_calloc(n, sizeof *v->functions);
    if (v->lines == NULL || v->functions == NULL) {
        ml_view_release(v);
        return ml_fail(e, ML_ENOMEM, "cannot make the report: out of memory");
    }
    for (size_t i = 0; i < n; i++)
        add_function(v, &f[i], o);
    if (o->sort == ML_SORT_LINE) /* the snapshot is in that order */
        return ML_OK;
    for (size_t i = 0; i < v->n_functions; i++)
        sort(v->functions[i].lines, v->functions[i].n, sizeof *v->lines, line_orders[o->sort]);
    sort(v->functions, v->n_functions, sizeof *v->functions, function_orders[o->sort]);
    return ML_OK;
}

void ml_view_rank(struct ml_view *v, enum ml_report_sort order)
{
    v->n_functions = 0; /* their lines move away */
    sort(v->lines, v->n_lines, sizeof *v->lines, line_orders[order]);
}

void ml_view_release(struct ml_view *v)
{
    ml_free(v->lines);
    ml_free(v->functions);
    *v = (struct ml_view){0};
}
