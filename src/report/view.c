/* report/view.c -- see view.h. SPDX-License-Identifier: MIT */
#include "report/view.h"

#include "base/mem.h"
#include "report/size.h"

#include <stdlib.h>

/* --- figures --------------------------------------------------------------------------------------- */

static int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int64_t clamp(uint64_t bytes)
{
    return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

int64_t ml_view_weight(const struct ml_view *v, const struct ml_row *r)
{
    if (!v->has_heap || v->sort == ML_SORT_MAX)
        return r->rss_net_bytes;
    switch (v->sort) {
    case ML_SORT_NET:
        return r->heap.net_bytes;
    case ML_SORT_PEAK:
        return clamp(r->heap.peak_bytes);
    case ML_SORT_ALLOC:
        return clamp(r->heap.alloc_bytes);
    case ML_SORT_HELD:
        return ml_heap_held(&r->heap);
    default:
        return v->holds ? ml_heap_held(&r->heap) : r->heap.net_bytes;
    }
}

/* --- what is shown ----------------------------------------------------------------------------- */

static bool is_shown(const struct ml_view *v, const struct ml_row *r,
                     const struct ml_report_options *o)
{
    const struct ml_heap *h = &r->heap;
    if (!v->has_heap)
        return !(o->skip_zero && r->rss_net_bytes == 0) &&
               ml_size_abs(r->rss_net_bytes) >= o->min_bytes;
    if (o->skip_zero && h->net_bytes == 0 && h->peak_bytes == 0 && h->alloc_bytes == 0)
        return false;
    return ml_size_abs(h->net_bytes) >= o->min_bytes || h->peak_bytes >= o->min_bytes ||
           ml_size_abs(ml_heap_held(h)) >= o->min_bytes;
}

static void add_up(struct ml_view *v, struct ml_view_function *f, const struct ml_row *r)
{
    f->hits += r->hits;
    f->net_bytes = sum(f->net_bytes, r->rss_net_bytes);
    f->max_bytes = larger(f->max_bytes, r->rss_max_bytes);
    v->max_bytes = larger(v->max_bytes, r->rss_max_bytes);
    ml_heap_add(&f->heap, &r->heap);
    ml_heap_add(&v->held, &r->heap);
}

static void add_function(struct ml_view *v, const struct ml_function *f,
                         const struct ml_report_options *o)
{
    struct ml_view_function new = {.function = f, .lines = v->lines + v->n_lines};
    for (size_t i = 0; i < f->n_rows; i++) {
        const struct ml_row *r = &f->rows[i];
        add_up(v, &new, r);
        if (!is_shown(v, r, o)) {
            v->n_hidden++;
            continue;
        }
        int64_t weight = ml_view_weight(v, r);
        if (weight > 0 && (uint64_t)weight > v->heaviest_bytes)
            v->heaviest_bytes = (uint64_t)weight;
        new.lines[new.n++] = (struct ml_view_line){f, r, {0, 0}};
    }
    v->n_lines += new.n;
    if (new.n > 0)
        v->functions[v->n_functions++] = new;
}

/* --- order: largest key first, then by place ------------------------------------------------------ */

/* Signed numbers in the order of unsigned ones. */
static uint64_t rank(int64_t n)
{
    return (uint64_t)n ^ (uint64_t)1 << 63;
}

struct figures {
    int64_t net;
    uint64_t max;
    uint64_t hits;
    const struct ml_heap *heap;
};

/* Of equal ones the larger net change comes first, but of lines that ran as often the earlier. */
static void set_key(uint64_t key[2], const struct figures *f, enum ml_report_sort sort,
                    bool is_line)
{
    const uint64_t keys[ML_SORTS] = {
        [ML_SORT_NET] = rank(f->net),
        [ML_SORT_MAX] = f->max,
        [ML_SORT_HITS] = f->hits,
        [ML_SORT_HELD] = rank(ml_heap_held(f->heap)),
        [ML_SORT_PEAK] = f->heap->peak_bytes,
        [ML_SORT_ALLOC] = f->heap->alloc_bytes,
    };
    key[0] = keys[sort];
    key[1] = sort == ML_SORT_LINE || (is_line && sort == ML_SORT_HITS) ? 0 : rank(f->net);
}

static void set_line_keys(const struct ml_view *v, struct ml_view_line *lines, size_t n,
                          enum ml_report_sort sort)
{
    for (size_t i = 0; i < n; i++) {
        const struct ml_row *r = lines[i].row;
        struct figures f = {v->has_heap ? r->heap.net_bytes : r->rss_net_bytes, r->rss_max_bytes,
                            r->hits, &r->heap};
        set_key(lines[i].key, &f, sort, true);
    }
}

static int by_key(const uint64_t a[2], const uint64_t b[2])
{
    int c = (a[0] < b[0]) - (a[0] > b[0]);
    return c != 0 ? c : (a[1] < b[1]) - (a[1] > b[1]);
}

static int compare_lines(const void *x, const void *y)
{
    const struct ml_view_line *a = x;
    const struct ml_view_line *b = y;
    int c = by_key(a->key, b->key);
    if (c != 0)
        return c;
    if (a->row->line != b->row->line && ml_str_eq(a->function->file, b->function->file))
        return a->row->line < b->row->line ? -1 : 1;
    return (a->function > b->function) - (a->function < b->function); /* the snapshot is sorted */
}

static int compare_functions(const void *x, const void *y)
{
    const struct ml_view_function *a = x;
    const struct ml_view_function *b = y;
    int c = by_key(a->key, b->key);
    return c != 0 ? c : (a->function > b->function) - (a->function < b->function);
}

static void sort_lines(const struct ml_view *v, struct ml_view_line *lines, size_t n,
                       enum ml_report_sort sort)
{
    set_line_keys(v, lines, n, sort);
    if (n > 1)
        qsort(lines, n, sizeof *lines, compare_lines);
}

static void sort_functions(struct ml_view *v)
{
    for (size_t i = 0; i < v->n_functions; i++) {
        struct ml_view_function *vf = &v->functions[i];
        struct figures f = {v->has_heap ? vf->heap.net_bytes : vf->net_bytes, vf->max_bytes,
                            vf->hits, &vf->heap};
        sort_lines(v, vf->lines, vf->n, v->sort);
        set_key(vf->key, &f, v->sort, false);
    }
    if (v->n_functions > 1)
        qsort(v->functions, v->n_functions, sizeof *v->functions, compare_functions);
}

/* A program that freed what it had when its book was read leaves little held: then net changes tell
 * where its memory went. */
static bool find_holds(const struct ml_function *f, size_t n)
{
    int64_t held = 0;
    int64_t net = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < f[i].n_rows; k++) {
            const struct ml_heap *h = &f[i].rows[k].heap;
            held = ml_heap_held(h) > held ? ml_heap_held(h) : held;
            net = h->net_bytes > net ? h->net_bytes : net;
        }
    return held >= net / 4;
}

/* --- all of it ------------------------------------------------------------------------------------ */

static int no_such_figures(enum ml_report_sort sort, struct ml_error *e)
{
    static const char *const words[ML_SORTS] = {
        [ML_SORT_HELD] = "held", [ML_SORT_PEAK] = "peak", [ML_SORT_ALLOC] = "alloc"};
    ml_fail(e, ML_EINVALID, "cannot sort by '%s': the book has no heap figures", words[sort]);
    ml_hint(e, "sort by net, max or hits; or memline run --mode heap");
    return ML_EINVALID;
}

int ml_view_init(struct ml_view *v, const struct ml_snapshot *s, const struct ml_report_options *o,
                 struct ml_error *e)
{
    const struct ml_function *f;
    size_t n = ml_snapshot_functions(s, &f);
    size_t rows = 0;
    *v = (struct ml_view){.sort = o->sort};
    v->has_heap = ml_snapshot_heap(s, &v->summary);
    if (!v->has_heap && o->sort > ML_SORT_HITS)
        return no_such_figures(o->sort, e);
    for (size_t i = 0; i < n; i++)
        rows += f[i].n_rows;
    v->holds = v->has_heap && find_holds(f, n);
    v->lines = ml_calloc(rows, sizeof *v->lines);
    v->functions = ml_calloc(n, sizeof *v->functions);
    if (v->lines == NULL || v->functions == NULL) {
        ml_view_release(v);
        return ml_fail(e, ML_ENOMEM, "cannot make the report: out of memory");
    }
    for (size_t i = 0; i < n; i++)
        add_function(v, &f[i], o);
    if (o->sort != ML_SORT_LINE) /* the snapshot is in that order */
        sort_functions(v);
    return ML_OK;
}

void ml_view_rank(struct ml_view *v, enum ml_report_sort order)
{
    v->n_functions = 0; /* their lines move away */
    sort_lines(v, v->lines, v->n_lines, order);
}

void ml_view_release(struct ml_view *v)
{
    ml_free(v->lines);
    ml_free(v->functions);
    *v = (struct ml_view){0};
}
