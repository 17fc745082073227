/* cli/top_rows.h -- what `memline top` shows: the lines of a book, and how fast their figures change.
 *
 *   take a snapshot; each row finds itself in the one before (both are sorted); sort and filter
 * Memory: owns the snapshot and the rows. Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_TOP_ROWS_H
#define ML_CLI_TOP_ROWS_H

#include "core/snapshot.h"

/* Sort keys; auto is held where there are heap figures, else rss. */
enum ml_top_key {
    ML_TOP_AUTO,
    ML_TOP_HELD,
    ML_TOP_NET,
    ML_TOP_PEAK,
    ML_TOP_ALLOC,
    ML_TOP_RSS,
    ML_TOP_HITS
};
extern const char *const ml_top_key_words[]; /* "auto", "held", ..., NULL */

struct ml_top_row {
    struct ml_str file; /* empty: not a line, `function` tells what */
    struct ml_str function;
    uint32_t first_line; /* of the function */
    uint32_t line;
    uint64_t hits;
    int64_t rss_net_bytes;
    uint64_t rss_max_bytes;
    struct ml_heap heap;
    /* Per second, since the snapshot before; 0 without one. */
    double held_rate;
    double alloc_rate;
    double rss_rate;
    double hits_rate;
};

/* All-zero is a valid empty list. */
struct ml_top_rows {
    struct ml_snapshot *snapshot; /* owned; NULL: none taken yet */
    struct ml_heap_summary heap;  /* all zero without heap figures */
    bool has_heap;
    struct ml_top_row *rows; /* [n] owned, by file, first line, name, line */
    size_t n;
    struct ml_top_row **shown; /* [n_shown] owned, sorted; into rows */
    size_t n_shown;
    bool has_rates;
    double heap_rate; /* bytes per second of the whole heap */
    /* private */
    uint64_t taken_ns;
};

/* Takes ownership of s, read at now_ns (ml_now_ns). Another process's than before: without rates.
 * 0 or ML_ENOMEM; then s is freed and all is as it was. */
int ml_top_take(struct ml_top_rows *t, struct ml_snapshot *s, uint64_t now_ns);
/* Fills `shown`: rows whose place ("file:line function") has the filter's letters, of either case;
 * largest first. Lines without any figure stay out. */
void ml_top_arrange(struct ml_top_rows *t, enum ml_top_key key, struct ml_str filter);
/* The key that auto stands for. */
enum ml_top_key ml_top_key_of(const struct ml_top_rows *t, enum ml_top_key key);
void ml_top_rows_free(struct ml_top_rows *t);

#endif
