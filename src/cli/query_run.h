/* cli/query_run.h -- what the modes of `memline query` share: running one query, printing its tables.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CLI_QUERY_RUN_H
#define ML_CLI_QUERY_RUN_H

#include "base/err.h"
#include "base/map.h"
#include "cli/chart.h"
#include "kql/kql.h"

#include <stdio.h>

/* AUTO: a chart for who asks for one on a terminal, else a table. */
enum ml_query_format {
    ML_QF_TABLE,
    ML_QF_JSON,
    ML_QF_CSV,
    ML_QF_MARKDOWN,
    ML_QF_CHART,
    ML_QF_AUTO
};
extern const char *const ml_query_formats[]; /* "table", "json", ..., NULL: AUTO has no word */

struct ml_query_tables;

/* For --follow: which rows were there before. */
struct ml_query_seen {
    struct ml_map before; /* text of a row -> how often */
    struct ml_map now;
    bool quiet;     /* count the rows as those before; print nothing */
    size_t *widths; /* owned: of the columns, once measured */
    uint32_t nwidths;
};

struct ml_query_run {
    struct ml_query_options options;
    int format; /* enum ml_query_format */
    bool explain;
    bool bare;     /* rows only, and nothing when there are none: --follow */
    bool terminal; /* the reader is one */
    struct ml_chart_look look;
    struct ml_query_seen *seen; /* NULL: print all rows */
};

/* All result tables as text into out. On a failure the diagnostics go into `wrong`, as people read them. */
int ml_query_print(const struct ml_query_run *r, struct ml_str text, struct ml_buf *out,
                   struct ml_buf *wrong);
/* The same onto standard output, the diagnostics onto standard error. */
int ml_query_show(const struct ml_query_run *r, struct ml_str text);
/* JSON lines {"id","query"} from in, {"id","result"} or {"id","error"} to out, flushed line by line. */
int ml_query_batch(const struct ml_query_run *r, FILE *in, FILE *out);
/* The whole result, then again and again what is new in it, until a failure or a signal ends it. */
int ml_query_follow(struct ml_query_run *r, struct ml_query_tables *tables, struct ml_str text);
/* The prompt: history, completion, several lines up to a blank one. */
int ml_query_prompt(const struct ml_query_run *r);

/* The result in the Application Insights shape. */
int ml_query_json(struct ml_query *q, struct ml_buf *out);

#endif
