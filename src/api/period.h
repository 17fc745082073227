/* api/period.h -- the `timespan` of query requests: ISO 8601 durations and intervals.
 *
 *   PT12H · P1D                 the last so long, up to now
 *   START/END · START/DURATION · DURATION/END
 *
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_PERIOD_H
#define ML_API_PERIOD_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_period {
    int64_t from_ticks; /* rows with from <= timestamp <= to */
    int64_t to_ticks;
};

/* False: not a period. A bare duration ends at `now` but does not exclude rows stamped a little later. */
bool ml_period_parse(struct ml_str s, int64_t now_ticks, struct ml_period *out);

#endif
