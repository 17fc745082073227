/* report/report.h -- a snapshot becomes bytes: one format a file, found by name in one table.
 *
 *   struct ml_report_options o = {0};                    all-zero is the default report
 *   ml_report_set(&o, "sort", "net", &e);                as the command line and Python say it
 *   ml_report(snapshot, "table", &o, &out, &e);          appends to out
 *
 * Net, Peak and RSS are inclusive: what a called function did belongs to the calling line too. So the
 * lines of one function add up to what its calls changed, but those of different functions do not add
 * up. Allocated and Held are exclusive: each byte belongs to one line.
 * Threads: nothing shared. Reads the source files that the snapshot names, to show their lines.
 * SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_REPORT_H
#define ML_REPORT_REPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "core/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ml_report_sort {
    ML_SORT_LINE,
    ML_SORT_NET, /* of the heap where the book has heap figures, else resident */
    ML_SORT_MAX, /* resident */
    ML_SORT_HITS,
    ML_SORT_HELD, /* this one and those below: only where the book has heap figures */
    ML_SORT_PEAK,
    ML_SORT_ALLOC,
    ML_SORTS
};
enum ml_report_unit { ML_UNIT_AUTO, ML_UNIT_B, ML_UNIT_KIB, ML_UNIT_MIB, ML_UNIT_GIB };

struct ml_report_options {
    enum ml_report_sort sort; /* by line: a listing per function; else one list, largest first */
    enum ml_report_unit unit; /* of the table; other formats tell exact bytes */
    uint64_t min_bytes; /* leave out lines whose every figure (heap: net, peak, held) is smaller */
    bool skip_zero;     /* leave out lines whose net change is 0 (heap: that allocated nothing) */
    bool scopes;        /* tell the figures of each scope, too */
    bool color;         /* escape sequences for a terminal; the caller decides */
    unsigned width;     /* cut the table's lines to so many columns; 0: never */
    struct ml_str page; /* of html: the page that the data goes into; see html.c */
};

struct ml_report_format {
    const char *name; /* "table" */
    const char *mime; /* "text/plain; charset=utf-8" */
    const char *says; /* one line for the help */
    bool binary;      /* not text: for a file, not for a terminal */
    int (*write)(const struct ml_snapshot *s, const struct ml_report_options *o, struct ml_buf *out,
                 struct ml_error *e);
};

/* The i-th format, from 0; NULL at the end. */
const struct ml_report_format *ml_report_format_at(size_t i);
/* NULL if there is none of that name. */
const struct ml_report_format *ml_report_format_find(const char *name);

/* Sets one option from its text: "sort" line|net|max|hits|held|peak|alloc, "unit" auto|B|KiB|MiB|GiB,
 * "min" a size ("64KiB"), "skip_zero", "scopes" and "color" true|false|1|0, "width" a number.
 * Errors: ML_ENOTFOUND (no such option), ML_EINVALID; the failure names what is allowed. */
int ml_report_set(struct ml_report_options *o, const char *name, const char *value,
                  struct ml_error *e);

/* Appends the report to out. Errors: ML_ENOTFOUND (no such format), ML_EINVALID (it needs heap figures,
 * or a page, and there are none), ML_ENOMEM, ML_ELIMIT (out->max). */
int ml_report(const struct ml_snapshot *s, const char *format, const struct ml_report_options *o,
              struct ml_buf *out, struct ml_error *e);

/* "4096", "64K", "64KiB", "1.5 MiB" (powers of 1024), "10MB" (powers of 1000), upper or lower case,
 * into bytes. False if it is none of these or too large. */
bool ml_size_parse(const char *text, uint64_t *bytes);

#endif
