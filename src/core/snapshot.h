/* core/snapshot.h -- an immutable, sorted copy of a book, live or saved. Reports see only this.
 *
 * Threads: a snapshot never changes after it is built; merge builds before anyone reads.
 * Memory:  owns every byte it points to. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SNAPSHOT_H
#define ML_CORE_SNAPSHOT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What the heap's accounts say of a line, a scope or a call path. All zero in a book of line figures.
 * Bytes are those asked for. In sample mode they are estimates. */
struct ml_heap {
    uint64_t hits;
    int64_t net_bytes; /* allocated minus freed while the line ran, profiled callees included */
    int64_t
        own_net_bytes; /* without profiled callees: over all lines and outside, the heap's change */
    uint64_t peak_bytes; /* highest rise within one execution, callees included */
    int64_t rss_net_bytes;
    uint64_t
        alloc_bytes; /* that the line allocated itself, or through callees that have no lines */
    uint64_t alloc_count;
    uint64_t freed_bytes; /* of those, freed since, by whomever */
    uint64_t freed_count;
    uint64_t inherited_bytes; /* alive when this process was forked; not in alloc_bytes */
    int64_t map_bytes;      /* anonymous memory that it mapped, still mapped; not in alloc_bytes */
    int64_t map_file_bytes; /* the same of files */
    uint64_t realloc_count; /* of alloc_count */
    uint64_t samples;       /* sample mode: samples taken */
    double alloc_variance;  /* of alloc_bytes, bytes^2 */
    double held_variance;   /* of the held bytes */
    uint64_t weight_bytes;  /* largest weight of one sample */
};

/* Bytes still alive: what the line holds. */
static inline int64_t ml_heap_held(const struct ml_heap *h)
{
    return (int64_t)(h->alloc_bytes + h->inherited_bytes - h->freed_bytes);
}

/* Sums, but of peak and weight the larger. Figures of a damaged book may wrap round. */
void ml_heap_add(struct ml_heap *to, const struct ml_heap *from);

/* One source line that ran at least once, or that owns memory. */
struct ml_row {
    uint32_t line; /* 1-based */
    uint64_t hits;
    int64_t rss_net_bytes;
    uint64_t rss_max_bytes;
    uint64_t order;      /* rank of first hit */
    struct ml_heap heap; /* sum over its accounts */
};

/* A function's rows stand together, by line. */
struct ml_function {
    struct ml_str file; /* as the code object names it */
    struct ml_str name; /* qualified where the interpreter knows it */
    uint32_t first_line;
    uint32_t last_line;
    const struct ml_row *rows; /* [n_rows], by line */
    size_t n_rows;
};

/* An account: the figures of a line in one scope, on one call path. */
enum ml_place_kind { ML_PLACE_LINE, ML_PLACE_OUTSIDE, ML_PLACE_NATIVE };
struct ml_place {
    enum ml_place_kind kind;
    uint32_t function; /* index into ml_snapshot_functions; only for ML_PLACE_LINE */
    uint32_t line;
    uint32_t scope; /* id; 0: none, or folded into the totals */
    uint32_t
        parent; /* index of the caller's place + 1; 0: none. Always another place, no circles */
    struct ml_heap heap;
};

/* A request, a task, an invocation. */
struct ml_scope_row {
    uint32_t id;
    uint32_t parent; /* id; 0: none */
    struct ml_str name;
    struct ml_str key;
    int64_t begin_ns; /* wall clock, ns since 1970 */
    int64_t end_ns;   /* 0: open when the book was read */
    int64_t net_bytes;
    int64_t peak_bytes;
    uint64_t alloc_bytes;
    int64_t held_bytes;    /* alive at its end */
    double alloc_variance; /* sample mode, as of struct ml_heap */
    double held_variance;
    uint64_t weight_bytes;
};

/* What a scope allocated and left, as of a line: for its intervals. */
static inline struct ml_heap ml_scope_heap(const struct ml_scope_row *s)
{
    return (struct ml_heap){.alloc_bytes = s->alloc_bytes,
                            .freed_bytes = s->alloc_bytes - (uint64_t)s->held_bytes,
                            .alloc_variance = s->alloc_variance,
                            .held_variance = s->held_variance,
                            .weight_bytes = s->weight_bytes};
}

struct ml_moment {
    int64_t at_ns; /* wall clock */
    uint64_t rss_bytes;
    int64_t heap_bytes;
    uint64_t limit_use_bytes; /* 0: no limit */
};

/* The heap as a whole. */
struct ml_heap_summary {
    int mode;           /* enum ml_heap_mode when the book was read; see has_heap */
    int64_t live_bytes; /* allocated minus freed since accounting began */
    int64_t peak_bytes; /* highest of a moment; by samples, heap when resident memory was highest */
    uint64_t rate_bytes;      /* sample mode: mean bytes between samples when the book was read */
    uint64_t rate_most_bytes; /* the largest it was; never below it */
    uint64_t foreign_frees;
    uint64_t stale_blocks;
    uint64_t stale_bytes;
    uint64_t ledger_bytes; /* memory of memline's own */
    uint64_t lost_accounts;
    uint64_t limit_bytes;
    uint32_t limit_percent;
    bool native;            /* native allocations were counted too */
    struct ml_heap outside; /* Python code outside of profiled lines */
    struct ml_heap threads; /* native threads */
};

struct ml_snapshot;

/* Read a saved or living book. Errors: ML_ENOTFOUND, ML_EIO, ML_EFORMAT, ML_ENEWER (another
 * version), ML_ETRUNCATED (half-written header; a book cut inside its records is read up to the cut
 * and ml_snapshot_truncated tells), ML_ENOMEM. Every byte is checked: the file may be hostile. */
int ml_snapshot_read(const char *path, struct ml_snapshot **out, struct ml_error *e);
int ml_snapshot_parse(struct ml_str bytes, const char *name, struct ml_snapshot **out,
                      struct ml_error *e);
/* Add another run's figures: same file, function and lines are summed (maxima kept). Facts, process
 * and start stay those of `into`. 0 or ML_ENOMEM, then `into` is as it was. */
int ml_snapshot_merge(struct ml_snapshot *into, const struct ml_snapshot *from);
void ml_snapshot_free(struct ml_snapshot *s);

/* Functions with at least one row, by file, first line, name. */
size_t ml_snapshot_functions(const struct ml_snapshot *s, const struct ml_function **out);
/* A fact of the run; an empty slice if unknown. */
struct ml_str ml_snapshot_meta(const struct ml_snapshot *s, struct ml_str key);
/* Saved source text of a file; .p is NULL if none was saved. */
struct ml_str ml_snapshot_source(const struct ml_snapshot *s, struct ml_str file);
/* The i-th fact by key, from 0; false at the end. */
bool ml_snapshot_meta_at(const struct ml_snapshot *s, size_t i, struct ml_str *key,
                         struct ml_str *value);
/* Whether the book has heap figures; *out gets them (all zero without). Of merged books the sums, with
 * the mode of the first. */
bool ml_snapshot_heap(const struct ml_snapshot *s, struct ml_heap_summary *out);
/* Accounts with any figure, in no order. Of merged books all, but scopes only those of the first. */
size_t ml_snapshot_places(const struct ml_snapshot *s, const struct ml_place **out);
/* By their beginning, then id; of the first book. */
size_t ml_snapshot_scopes(const struct ml_snapshot *s, const struct ml_scope_row **out);
/* By time; of the first book. */
size_t ml_snapshot_moments(const struct ml_snapshot *s, const struct ml_moment **out);
size_t ml_snapshot_books(const struct ml_snapshot *s);   /* runs merged in it, at least 1 */
bool ml_snapshot_truncated(const struct ml_snapshot *s); /* cut inside its records */
bool ml_snapshot_complete(const struct ml_snapshot *s);  /* the writer ended in order */
uint64_t ml_snapshot_lost(const struct ml_snapshot *s);  /* functions the book had no room for */
uint64_t ml_snapshot_pid(const struct ml_snapshot *s);
int64_t ml_snapshot_start_ns(const struct ml_snapshot *s); /* wall clock, ns since 1970 */

#endif
