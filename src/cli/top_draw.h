/* cli/top_draw.h -- a frame of `memline top`: text for so many columns and rows, and nothing else.
 *
 *   app.py --serve                                                  running    what, and its state
 *   pid 12  exact heap  up 0:01:23  every 1 s  by held  filter 'db'            how it is looked at
 *   RSS 120.3 MiB  +1.2 MiB/s   heap 80.1 MiB   limit 47 % of 256.0 MiB        the whole process
 *                                                                              (empty)
 *        Held      Held/s ... Where             Source                         lines, largest first
 *   +38.1 MiB  +1.0 MiB/s ... app.py:4 build    a = [0] * n
 *   q quit  ...                                                                keys, or a message
 * Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_TOP_DRAW_H
#define ML_CLI_TOP_DRAW_H

#include "base/buf.h"
#include "cli/top_rows.h"
#include "report/source.h"

enum ml_top_state {
    ML_TOP_RUNNING,
    ML_TOP_ENDED,   /* its book is closed */
    ML_TOP_KILLED,  /* it is no more, and its book was not closed */
    ML_TOP_UNKNOWN, /* somebody else's: not ours to see */
};
extern const char *const ml_top_state_words[];

/* What is shown besides the rows. */
struct ml_top_look {
    unsigned width;
    unsigned height; /* 0: no screen: as many lines as `most`, no keys, no colours of a cursor */
    size_t most;     /* rows shown without a screen */
    bool color;
    size_t first; /* rows scrolled past */
    enum ml_top_key key;
    struct ml_str filter;
    bool editing;        /* the filter is being typed */
    const char *message; /* instead of the keys; NULL: none */
    unsigned interval_ms;
    /* the process */
    enum ml_top_state state;
    uint64_t elapsed_ns;
    uint64_t rss_bytes; /* 0: unknown */
    double rss_rate;
    uint64_t limit_bytes; /* 0: none */
    uint64_t limit_use_bytes;
    const char *limit_kind;
};

/* Rows of lines that fit on the screen. */
size_t ml_top_page(const struct ml_top_look *look);
/* Appends the frame: `height` lines, each ended by a line feed but the last, none wider than `width`; without a
 * screen, as many as there are. */
void ml_top_draw(const struct ml_top_rows *t, struct ml_sources *sources,
                 const struct ml_top_look *look, struct ml_buf *out);
/* All rows as one JSON object in exact bytes. */
void ml_top_json(const struct ml_top_rows *t, struct ml_sources *sources,
                 const struct ml_top_look *look, struct ml_buf *out);

#endif
