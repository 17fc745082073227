/* report/json.h -- the JSON report with more or less in it; the page of html.c is filled with the same.
 * Within src/report only. SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_JSON_H
#define ML_REPORT_JSON_H

#include "report/report.h"
#include "report/source.h"
#include "report/view.h"

struct ml_json {
    const struct ml_snapshot *snapshot;
    const struct ml_view *view;
    struct ml_sources *sources;
    struct ml_buf *out;
    bool accounts; /* the figures of each line in each scope and on each path */
    bool page; /* the files' whole source, as far as `texts_max` bytes go; and of what a reader can
                    * supply, nothing: heap figures that are 0, lines whose text stands in the source */
    size_t texts_max;
};

void ml__json_write(struct ml_json *j);
/* What a book with heap figures has besides: json_heap.c. Each begins with a comma. */
void ml__json_heap_figures(struct ml_json *j, const struct ml_heap *h);
void ml__json_heap(struct ml_json *j);

#endif
