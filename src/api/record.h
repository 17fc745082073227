/* api/record.h -- JSON objects that name their columns become rows: exports of Azure, and our own.
 *
 * The table is told by, in this order: the object's "$table", "table" or "TableName" (a name of ours or a
 * workspace's), "Type" or "category" ("AppTraces"), "itemType" ("trace"), else the table given. Columns go by their names
 * in that table or view; "time" stands for TimeGenerated where it is missing.
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_RECORD_H
#define ML_API_RECORD_H

#include "store/rows.h"

struct json_t;

/* Appends a row. The reason it was refused in *why (static), NULL when it became a row.
 * fallback: a table's name, or .p NULL. Errors: ML_ENOMEM, ML_ELIMIT. */
int ml_record_add(const struct json_t *object, struct ml_str fallback, struct ml_rows *rows,
                  const char **why);

#endif
