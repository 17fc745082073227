/* api/shape.h -- query results in the three shapes that clients of Azure expect.
 *
 *   ml_shape_begin -> { ml_shape_table -> ml_shape_rows... } per result table -> ml_shape_end
 *
 *   AI  {"tables":[{"name","columns":[{"name","type"}],"rows":[[..]]}]}         Application Insights, Log Analytics
 *   V1  {"Tables":[{"TableName","Columns":[..],"Rows":[..]}, .. contents]}      Kusto v1
 *   V2  [header, properties, tables, completion information, completion]      Kusto v2
 *
 * A result that ends early says so in the place its clients look at: never a silent cut.
 * Memory: the text is built in `out`, whose max bounds it. SPDX-License-Identifier: MIT */
#ifndef ML_API_SHAPE_H
#define ML_API_SHAPE_H

#include "base/buf.h"
#include "kql/kql.h"

#include <stdbool.h>
#include <stdint.h>

enum ml_shape_kind { ML_SHAPE_AI, ML_SHAPE_V1, ML_SHAPE_V2 };

/* What goes around the rows. Slices are borrowed until ml_shape_end. */
struct ml_shape_frame {
    struct ml_str visualization; /* JSON of the render operator; empty: none */
    struct ml_str request_id;    /* the client's */
    struct ml_str activity_id;   /* ours: a GUID */
    bool statistics;             /* AI: add "statistics" */
    bool render;                 /* AI: add "render" */
    bool management;             /* V1: one table and nothing else */
    int64_t now_ticks;
    uint64_t elapsed_ns; /* of the engine; writing the answer not counted */
    /* Set when the rows are not all: */
    const char *error_code; /* "E_QUERY_RESULT_SET_TOO_LARGE"; NULL: complete */
    const char *error_text;
};

struct ml_shape {
    enum ml_shape_kind kind;
    struct ml_buf *out;
    uint32_t tables;                       /* begun so far */
    uint64_t rows;                         /* in all tables */
    uint64_t max_rows;                     /* 0: no limit */
    bool open;                             /* a table is open */
    size_t max_bytes;                      /* of the text, looked at after each row; 0: no limit */
    bool truncated;                        /* a limit was reached: rows were left out */
    bool cut;                              /* it was max_bytes */
    const struct ml_query_column *columns; /* of the open table; borrowed */
    uint32_t n_columns;
};

/* s: all-zero but for its limits. */
void ml_shape_begin(struct ml_shape *s, enum ml_shape_kind kind, const struct ml_shape_frame *f,
                    struct ml_buf *out);
/* Closes the table before it. columns must live until the next table or the end. */
void ml_shape_table(struct ml_shape *s, const struct ml_query_column *columns, uint32_t n_columns);
void ml_shape_rows(struct ml_shape *s, const struct ml_batch *batch);
/* The text is complete after this; out->status tells if it fits. */
void ml_shape_end(struct ml_shape *s, const struct ml_shape_frame *f);

/* One cell as JSON. dynamic_as_text: dynamics as JSON text in a string. */
void ml_shape_cell(struct ml_buf *out, const struct ml_val *v, enum ml_type type,
                   bool dynamic_as_text);

#endif
