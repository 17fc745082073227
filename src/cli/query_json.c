/* cli/query_json.c -- a query's result in the Application Insights shape; see query_run.h.
 * SPDX-License-Identifier: MIT */
#include "api/shape.h"
#include "cli/query_run.h"

int ml_query_json(struct ml_query *q, struct ml_buf *out)
{
    struct ml_shape s = {0};
    struct ml_shape_frame f = {0};
    int rc = ML_OK;
    ml_shape_begin(&s, ML_SHAPE_AI, &f, out);
    for (uint32_t t = 0; t < ml_query_tables(q) && rc == ML_OK; t++) {
        const struct ml_query_table *info = ml_query_table(q, t);
        struct ml_batch batch = {0};
        ml_shape_table(&s, info->columns, info->ncolumns);
        while ((rc = ml_query_next(q, t, &batch)) == ML_OK && batch.n > 0)
            ml_shape_rows(&s, &batch);
    }
    ml_shape_end(&s, &f);
    return rc != ML_OK ? rc : out->status;
}
