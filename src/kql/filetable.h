/* kql/filetable.h -- a JSON-lines or CSV file as a table: read whole, types found from the values.
 *
 * JSON lines: every line an object; columns by first appearance. CSV: the first record names the columns; quotes and
 * doubled quotes as in RFC 4180. A column is bool, long, real, datetime or timespan when all its values are, dynamic
 * when they hold objects or arrays (or differ), else string. The first datetime column named timestamp, time or
 * TimeGenerated is the time of the table.
 * Memory: about twice the file. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_FILETABLE_H
#define ML_KQL_FILETABLE_H

#include "kql/source.h"

struct ml_filetable;

/* ".csv" in the path's end makes it CSV, all else is JSON lines. The text is copied. */
int ml_filetable_read(struct ml_str name, const char *path, struct ml_filetable **out,
                      struct ml_error *e);
int ml_filetable_parse(struct ml_str name, struct ml_str text, bool csv, struct ml_filetable **out,
                       struct ml_error *e);
void ml_filetable_free(struct ml_filetable *t); /* NULL is fine */
const struct ml_source *ml_filetable_source(const struct ml_filetable *t);

#endif
