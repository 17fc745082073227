/* core/line.h -- the figures of one source line, as they stand in the book and in private sheets.
 *
 * Threads: written by whoever holds the interpreter lock (one writer at a time), read by anyone at
 * any moment, also from another process: each field is a relaxed atomic of its own.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_LINE_H
#define ML_CORE_LINE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

struct ml_line {
    _Atomic uint64_t hits;          /* times the interpreter started the line */
    _Atomic int64_t rss_net_bytes;  /* sum over its executions of resident set after minus before */
    _Atomic uint64_t rss_max_bytes; /* highest resident set at the end of an execution */
    _Atomic uint64_t order; /* rank of its first hit among the book's lines, from 1; 0: never */
};
static_assert(sizeof(struct ml_line) == 32, "stored layout");

#endif
