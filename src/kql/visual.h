/* kql/visual.h -- the properties of a plan's render operator. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_VISUAL_H
#define ML_KQL_VISUAL_H

#include "kql/plan.h"

/* All properties as a JSON object; the plan has a render operator. */
void ml__visual_json(const struct ml_plan *p, bool insights, struct ml_buf *out);
/* The i-th value of an option; .p NULL: there is none. */
struct ml_str ml__visual_value(const struct ml_plan *p, const char *option, uint32_t i);

#endif
