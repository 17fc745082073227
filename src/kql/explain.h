/* kql/explain.h -- see explain.c. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_EXPLAIN_H
#define ML_KQL_EXPLAIN_H

#include "kql/plan.h"

void ml__explain(const struct ml_plan *p, unsigned depth, struct ml_buf *out);

#endif
