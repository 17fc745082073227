/* py/meter.h -- the meters a recorder may read: "rss", "rss-plain", "pss", "uss", "tracemalloc".
 *
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_METER_H
#define ML_PY_METER_H

#include "py/pycompat.h"

#include "core/scope.h"

/* Give r the meter called name. 0, or -1 with ValueError or what importing tracemalloc raised. */
int ml_meter_set(struct ml_recorder *r, const char *name, bool children);

#endif
