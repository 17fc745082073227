/* cli/progress.c -- see progress.h. SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include "base/port.h"

#include <stdio.h>
#include <unistd.h>

enum { FIRST_NS = 330000000, EACH_NS = 100000000 };

void ml_progress_tell(struct ml_progress *p, const char *what, size_t done, size_t all)
{
    uint64_t now = ml_now_ns();
    if (p->start_ns == 0)
        p->start_ns = now;
    if (now - p->start_ns < FIRST_NS || now - p->told_ns < EACH_NS || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K%s %zu of %zu", what, done + 1, all);
    fflush(stderr);
    p->told_ns = now;
    p->shown = true;
}

void ml_progress_end(struct ml_progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
