/* cli/progress.h -- one line on a terminal for work that takes a while; nothing in a pipe.
 *
 * Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_PROGRESS_H
#define ML_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All-zero is a valid start. */
struct ml_progress {
    /* private */
    uint64_t start_ns;
    uint64_t told_ns;
    bool shown;
};

/* "what 3 of 20" on standard error, if that is a terminal and the work has taken a third of a second;
 * at most ten times a second. done counts from 0. */
void ml_progress_tell(struct ml_progress *p, const char *what, size_t done, size_t all);
/* Takes the line away. */
void ml_progress_end(struct ml_progress *p);

#endif
