/* report/view.h -- the rows of a snapshot that a report shows, filtered and sorted.
 *
 * Two arrangements of the same rows: by function (listing, JSON) and as one list (ranking, CSV).
 * Sorted by the option's key, largest first; equal ones by file, line and name.
 * Memory: points into the snapshot. SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_VIEW_H
#define ML_REPORT_VIEW_H

#include "report/report.h"

struct ml_view_line {
    const struct ml_function *function;
    const struct ml_row *row;
    uint64_t key[2]; /* what it is sorted by */
};

struct ml_view_function {
    const struct ml_function *function;
    struct ml_view_line *lines; /* [n] those shown; in the view's list */
    size_t n;
    /* Over all its lines, shown or not: */
    int64_t net_bytes; /* resident */
    uint64_t max_bytes;
    uint64_t hits;
    struct ml_heap heap; /* sums; of the peaks, the highest */
    uint64_t key[2];
};

struct ml_view {
    struct ml_view_line *lines; /* [n_lines] owned, by function */
    size_t n_lines;
    struct ml_view_function *functions; /* [n_functions] owned; those with a line to show */
    size_t n_functions;
    size_t n_hidden; /* lines that ran and are filtered out */
    enum ml_report_sort sort;
    uint64_t max_bytes;             /* highest resident set at a line's end, shown or not */
    uint64_t heaviest_bytes;        /* largest ml_view_weight, of the lines shown */
    bool has_heap;                  /* figures of the heap are there */
    bool holds;                     /* of them, what is held tells more than the net changes */
    struct ml_heap_summary summary; /* of the heap */
    struct ml_heap held;            /* sums over all lines, shown or not; only exclusive figures */
};

/* What a line weighs, for colours: its resident net change, or of a heap what it was sorted by; else what
 * it holds, or, of a program that freed nearly all, its net change. */
int64_t ml_view_weight(const struct ml_view *v, const struct ml_row *r);

/* 0, ML_ENOMEM, or ML_EINVALID (to be sorted by what is not there), with the error's text. */
int ml_view_init(struct ml_view *v, const struct ml_snapshot *s, const struct ml_report_options *o,
                 struct ml_error *e);
/* The lines as one list, in the view's order across functions. */
void ml_view_rank(struct ml_view *v, enum ml_report_sort sort);
void ml_view_release(struct ml_view *v);

#endif
