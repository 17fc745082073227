/* host/console.h -- the running host's stdout: time-stamped lines, coloured on a terminal.
 *
 * What goes to it and in which order: specs/functions-host.md, 2. Each record is one write.
 * Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_CONSOLE_H
#define ML_HOST_CONSOLE_H

#include "base/buf.h"
#include "host/level.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_console {
    struct ml_level_filter filter;
    int fd; /* where to; borrowed */
    bool colors;
    bool show_category;
    bool show_level;
    int64_t (*now_ns)(void); /* wall clock; tests put their own */
    struct ml_buf line;      /* reused */
};

void ml_console_init(struct ml_console *c, int fd);
void ml_console_release(struct ml_console *c);
bool ml_console_shows(const struct ml_console *c, const char *category, enum ml_level level);
/* A record, if its category and level are shown. */
void ml_console_log(struct ml_console *c, const char *category, enum ml_level level,
                    struct ml_str text);
/* The same for what happened at another time. */
void ml_console_past(struct ml_console *c, const char *category, enum ml_level level,
                     int64_t wall_ns, struct ml_str text);
void ml_console_logf(struct ml_console *c, const char *category, enum ml_level level,
                     const char *fmt, ...) ML_PRINTF(4, 5);
/* Shown whatever the levels say (text that editors wait for). */
void ml_console_always(struct ml_console *c, const char *text);
/* A line without time stamp. */
void ml_console_plain(struct ml_console *c, struct ml_str text);
/* "2026-11-22T07:36:01.123Z" */
void ml_console_time(struct ml_buf *b, int64_t wall_ns);

#endif
