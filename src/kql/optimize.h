/* kql/optimize.h -- a table of small rules over a bound plan; see optimize.c. The answer stays the same, row for row.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_OPTIMIZE_H
#define ML_KQL_OPTIMIZE_H

#include "kql/eval.h"

int ml_optimize(struct ml_rt *rt, struct ml_bound *bound);

#endif
