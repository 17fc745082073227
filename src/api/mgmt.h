/* api/mgmt.h -- Kusto management commands that show what is there. All others are refused by name.
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_MGMT_H
#define ML_API_MGMT_H

#include "api/shape.h"
#include "base/err.h"

/* Answers the command in the v1 shape. ML_EUNSUPPORTED or ML_ENOTFOUND with the text in e; ML_ENOMEM. */
int ml_mgmt_run(struct ml_str csl, struct ml_str database, struct ml_buf *out, struct ml_error *e);

#endif
