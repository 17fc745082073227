/* host/record_lines.c -- the lines of an invocation, as its worker's heap accounting tells them: rows of
 * memline's own table `lines`. What a frame says is checked: a worker may be anything.
 * SPDX-License-Identifier: MIT */
#include "host/record_row.h"

#include <string.h>

enum { MOST_LINES = 256 };

static struct ml_str text_at(const json_t *row, size_t i)
{
    const json_t *v = json_array_get(row, i);
    if (!json_is_string(v))
        return (struct ml_str){"", 0};
    return ml__cut((struct ml_str){json_string_value(v), json_string_length(v)}, ML__MESSAGE_MAX);
}

static void put_number(struct ml_records *r, enum ml_store_col c, const json_t *row, size_t i)
{
    const json_t *v = json_array_get(row, i);
    if (json_is_integer(v))
        ml_rows_i64(r->rows, c, json_integer_value(v));
}

static void line_row(struct ml_host *h, const char *function, const struct ml_call_ids *ids,
                     const struct ml_outcome *o, const json_t *row)
{
    /* In the order of the frame: [file, function, line, ...figures, text] (docs/wire.md). */
    static const enum ml_store_col figures[] = {ML_COL_line,     ML_COL_hits,      ML_COL_heapNet,
                                                ML_COL_heapPeak, ML_COL_allocated, ML_COL_held,
                                                ML_COL_rssNet};
    enum { FIGURES = sizeof figures / sizeof figures[0] };
    struct ml_records *r = h->records;
    ml__begin_row(r, ML_TABLE_lines, ml__ticks_of(r, 0), function, ids, "");
    ml_rows_str(r->rows, ML_COL_file, text_at(row, 0));
    ml_rows_str(r->rows, ML_COL_function, text_at(row, 1));
    for (size_t i = 0; i < FIGURES; i++)
        put_number(r, figures[i], row, i + 2);
    ml_rows_str(r->rows, ML_COL_text, text_at(row, FIGURES + 2));
    ml__put_text(r, ML_COL_mode, ml_host_profile(h));
    ml__put_text(r, ML_COL_invocationId, ids->id);
    ml_rows_i64(r->rows, ML_COL_processId, o->worker);
    ml__begin_dims(h, "Host.Results", ML_LEVEL_INFORMATION, ids);
    ml__dim_text(r, "FunctionName", function);
    ml__end_row(r);
}

void ml__line_rows(struct ml_host *h, const char *function, const struct ml_call_ids *ids,
                   const struct ml_outcome *o)
{
    const json_t *lines = o->frame != NULL ? json_object_get(o->frame->json, "lines") : NULL;
    if (!ml__is_kept(h, "Host.Results", ML_LEVEL_INFORMATION))
        return;
    for (size_t i = 0; i < json_array_size(lines) && i < MOST_LINES; i++)
        line_row(h, function, ids, o, json_array_get(lines, i));
}
