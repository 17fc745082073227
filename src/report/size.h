/* report/size.h -- sizes for people. SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_SIZE_H
#define ML_REPORT_SIZE_H

#include "report/report.h"

#define ML_SIZE_MAX 32 /* bytes that hold any size, with its terminating zero */

/* "38.1 MiB", "512 B  ", "0    ": units are padded, so that numbers align when texts do at the right.
 * Auto picks the largest unit in which the number is at least 1. */
void ml_size_print(char out[ML_SIZE_MAX], uint64_t bytes, enum ml_report_unit unit);
/* The same with a sign; 0 has none. */
void ml_size_print_change(char out[ML_SIZE_MAX], int64_t bytes, enum ml_report_unit unit);
/* Without padding behind, for use within a sentence. */
void ml_size_trim(char *text);

/* The magnitude, also of the lowest number. */
static inline uint64_t ml_size_abs(int64_t bytes)
{
    return bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
}

#endif
