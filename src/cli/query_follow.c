/* cli/query_follow.c -- `memline query --follow`; see query_run.h.
 *
 * Every second the query is run twice, over what was there at the last look and over what is there now, with the same now(): the rows
 * that the second answer has more often are printed. So late rows are not missed, and a summarize prints the groups that
 * changed. Where each row of the result comes of one row of a table, only the last minutes are looked at.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "cli/query_run.h"
#include "cli/query_tables.h"

#include <unistd.h>

#define WINDOW_TICKS (INT64_C(10) * 60 * 10000000)

static bool by_row(const struct ml_query_run *r, struct ml_str text)
{
    struct ml_query *q = NULL;
    bool yes = ml_query_open(text, &r->options, &q) == ML_OK && ml_query_by_row(q);
    ml_query_close(q);
    return yes;
}

int ml_query_follow(struct ml_query_run *r, struct ml_query_tables *tables, struct ml_str text)
{
    struct ml_query_seen seen = {0};
    struct ml_error e;
    bool window = by_row(r, text);
    bool clock = r->options.now_ticks == 0;
    r->seen = &seen;
    int rc = ml_query_show(r, text);
    r->bare = true;
    while (rc == ML_OK) {
        sleep(1);
        int64_t now = ml_wall_ns() / 100 + ML_TICKS_UNIX;
        ml_map_free(&seen.before);
        ml_map_free(&seen.now);
        seen.before = seen.now = (struct ml_map){0};
        if (clock)
            r->options.now_ticks = now;
        if (window) {
            r->options.from_ticks = now - WINDOW_TICKS;
            r->options.to_ticks = INT64_MAX;
        }
        seen.quiet = true;
        if ((rc = ml_query_show(r, text)) != ML_OK)
            break;
        seen.quiet = false;
        if ((rc = ml_query_tables_refresh(tables, &e)) != ML_OK)
            ml_error_print(&e);
        else
            rc = ml_query_show(r, text);
    }
    ml_map_free(&seen.before);
    ml_map_free(&seen.now);
    ml_free(seen.widths);
    r->seen = NULL;
    return rc;
}
