/* cli/top_rows.c -- see top_rows.h. SPDX-License-Identifier: MIT */
#include "cli/top_rows.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

const char *const ml_top_key_words[] = {"auto",  "held", "net",  "peak",
                                        "alloc", "rss",  "hits", NULL};

enum { OTHERS = 2 }; /* rows that are no lines */

/* --- taking ---------------------------------------------------------------------------------------- */

static struct ml_top_row row_of(const struct ml_function *f, const struct ml_row *r)
{
    return (struct ml_top_row){.file = f->file,
                               .function = f->name,
                               .first_line = f->first_line,
                               .line = r->line,
                               .hits = r->hits,
                               .rss_net_bytes = r->rss_net_bytes,
                               .rss_max_bytes = r->rss_max_bytes,
                               .heap = r->heap};
}

/* All rows of a snapshot in its order; *out is the caller's. Those that are no lines come first, as their
 * file is empty. */
static int list_rows(const struct ml_snapshot *s, struct ml_top_row **out, size_t *n_out)
{
    const struct ml_function *f;
    struct ml_heap_summary heap;
    size_t n = ml_snapshot_functions(s, &f);
    size_t total = OTHERS;
    for (size_t i = 0; i < n; i++)
        total += f[i].n_rows;
    struct ml_top_row *rows = ml_calloc(total, sizeof *rows);
    if (rows == NULL)
        return ML_ENOMEM;
    size_t at = 0;
    if (ml_snapshot_heap(s, &heap)) {
        rows[at++] = (struct ml_top_row){.function = ML_STR("(native threads)"),
                                         .heap = heap.threads};
        rows[at++] = (struct ml_top_row){.function = ML_STR("(outside of profiled lines)"),
                                         .heap = heap.outside};
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < f[i].n_rows; j++)
            rows[at++] = row_of(&f[i], &f[i].rows[j]);
    *out = rows;
    *n_out = at;
    return ML_OK;
}

static int compare_places(const struct ml_top_row *a, const struct ml_top_row *b)
{
    int c = ml_str_cmp(a->file, b->file);
    if (c == 0)
        c = (a->first_line > b->first_line) - (a->first_line < b->first_line);
    if (c == 0)
        c = ml_str_cmp(a->function, b->function);
    return c != 0 ? c : (a->line > b->line) - (a->line < b->line);
}

/* What a row had before; NULL or all zero: nothing, it is new. */
static void set_rates(struct ml_top_row *r, const struct ml_top_row *before, double seconds)
{
    static const struct ml_top_row none;
    before = before != NULL ? before : &none;
    r->held_rate = ((double)ml_heap_held(&r->heap) - (double)ml_heap_held(&before->heap)) / seconds;
    r->alloc_rate = ((double)r->heap.alloc_bytes - (double)before->heap.alloc_bytes) / seconds;
    r->rss_rate = ((double)r->rss_net_bytes - (double)before->rss_net_bytes) / seconds;
    r->hits_rate = ((double)r->hits - (double)before->hits) / seconds;
}

/* Both lists are sorted: one walk through them. */
static void join_rates(struct ml_top_row *rows, size_t n, const struct ml_top_row *before,
                       size_t n_before, double seconds)
{
    size_t j = 0;
    for (size_t i = 0; i < n; i++) {
        while (j < n_before && compare_places(&before[j], &rows[i]) < 0)
            j++;
        bool same = j < n_before && compare_places(&before[j], &rows[i]) == 0;
        set_rates(&rows[i], same ? &before[j] : NULL, seconds);
    }
}

static bool is_same_run(const struct ml_snapshot *a, const struct ml_snapshot *b)
{
    return a != NULL && ml_snapshot_pid(a) == ml_snapshot_pid(b) &&
           ml_snapshot_start_ns(a) == ml_snapshot_start_ns(b);
}

int ml_top_take(struct ml_top_rows *t, struct ml_snapshot *s, uint64_t now_ns)
{
    struct ml_top_rows new = {.snapshot = s, .taken_ns = now_ns};
    int rc = list_rows(s, &new.rows, &new.n);
    if (rc == ML_OK && (new.shown = ml_calloc(new.n, sizeof(struct ml_top_row *))) == NULL)
        rc = ML_ENOMEM;
    if (rc != ML_OK) {
        ml_top_rows_free(&new);
        return rc;
    }
    new.has_heap = ml_snapshot_heap(s, &new.heap);
    new.has_rates = is_same_run(t->snapshot, s) && now_ns > t->taken_ns;
    if (new.has_rates) {
        double seconds = (double)(now_ns - t->taken_ns) / 1e9;
        join_rates(new.rows, new.n, t->rows, t->n, seconds);
        new.heap_rate = ((double)new.heap.live_bytes - (double)t->heap.live_bytes) / seconds;
    }
    ml_top_rows_free(t);
    *t = new;
    return ML_OK;
}

void ml_top_rows_free(struct ml_top_rows *t)
{
    ml_snapshot_free(t->snapshot);
    ml_free(t->rows);
    ml_free(t->shown);
    *t = (struct ml_top_rows){0};
}

/* --- arranging ------------------------------------------------------------------------------------- */

static double value_of(const struct ml_top_row *r, enum ml_top_key key)
{
    switch (key) {
    case ML_TOP_HELD:
        return (double)ml_heap_held(&r->heap);
    case ML_TOP_NET:
        return (double)r->heap.net_bytes;
    case ML_TOP_PEAK:
        return (double)r->heap.peak_bytes;
    case ML_TOP_ALLOC:
        return (double)r->heap.alloc_bytes;
    case ML_TOP_HITS:
        return (double)r->hits;
    default:
        return (double)r->rss_net_bytes;
    }
}

static enum ml_top_key sort_key; /* for qsort; the program has one thread */

static int by_value(const void *x, const void *y)
{
    const struct ml_top_row *a = *(struct ml_top_row *const *)x;
    const struct ml_top_row *b = *(struct ml_top_row *const *)y;
    double p = value_of(a, sort_key);
    double q = value_of(b, sort_key);
    if (p < q || p > q)
        return p < q ? 1 : -1;
    return (a > b) - (a < b); /* in order of their places */
}

static bool has_text(const char *text, struct ml_str wanted)
{
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < wanted.n && text[i] != '\0' &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)wanted.p[i]))
            i++;
        if (i == wanted.n)
            return true;
    }
    return wanted.n == 0;
}

static bool is_wanted(const struct ml_top_row *r, struct ml_str filter)
{
    char place[1024];
    bool any = r->hits != 0 || r->rss_net_bytes != 0 || r->heap.alloc_bytes != 0 ||
               r->heap.inherited_bytes != 0;
    if (!any || filter.n == 0)
        return any;
    snprintf(place, sizeof place, "%.*s:%u %.*s", (int)r->file.n, r->file.p, r->line,
             (int)r->function.n, r->function.p);
    return has_text(place, filter);
}

enum ml_top_key ml_top_key_of(const struct ml_top_rows *t, enum ml_top_key key)
{
    if (key != ML_TOP_AUTO)
        return key;
    return t->has_heap ? ML_TOP_HELD : ML_TOP_RSS;
}

void ml_top_arrange(struct ml_top_rows *t, enum ml_top_key key, struct ml_str filter)
{
    t->n_shown = 0;
    for (size_t i = 0; i < t->n; i++)
        if (is_wanted(&t->rows[i], filter))
            t->shown[t->n_shown++] = &t->rows[i];
    sort_key = ml_top_key_of(t, key);
    if (t->n_shown > 1)
        qsort(t->shown, t->n_shown, sizeof(struct ml_top_row *), by_value);
}
