/* core/account.h -- to whom memory is charged: a line, in a scope, on a call path.
 *
 * Picture:   account = (line, scope, parent account); the site (a 32-bit number) names it for good
 *            a cell of the ledger (address -> size, site) tells which account owns a block
 * An account that has no line is the rest of the program ("outside") or of its native threads.
 * Figures of a line are the sums over its accounts, those of a scope the sums over its own: so the
 * scopes add up to the lines by construction.
 * Two kinds of figures stand here:
 *   while the line ran (inclusive of profiled callees): hits, net, peak, rss_net
 *   what it owns (exclusive: the innermost profiled line): own_net, alloc, freed, maps
 * Threads: the first two cache lines are written by whoever holds the interpreter lock, but for those
 * marked [any], which anyone adds to atomically. Read by anyone, also from another process.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_ACCOUNT_H
#define ML_CORE_ACCOUNT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

struct ml_account {
    _Atomic uint32_t line;   /* its struct ml_line: offset in the book / 32; 0: no line */
    _Atomic uint32_t parent; /* site of the caller's account; 0: none, or paths are not kept */
    _Atomic uint32_t scope;  /* 0: none */
    _Atomic uint32_t site;   /* its number */
    _Atomic uint64_t hits;
    _Atomic int64_t net_bytes;     /* allocated minus freed while it ran, by its thread */
    _Atomic int64_t own_net_bytes; /* the same without profiled callees */
    _Atomic uint64_t peak_bytes;   /* highest rise of the thread's heap within one execution */
    _Atomic int64_t rss_net_bytes;
    _Atomic uint64_t alloc_bytes;
    /* --- */
    _Atomic uint64_t alloc_count;
    _Atomic uint64_t freed_bytes; /* of its own blocks, by whomever, with the interpreter lock */
    _Atomic uint64_t freed_count;
    _Atomic uint64_t freed_any_bytes; /* [any] ... without it */
    _Atomic uint64_t freed_any_count; /* [any] */
    _Atomic uint64_t inherited_bytes; /* live when this process was forked */
    _Atomic int64_t map_bytes;        /* [any] anonymous memory it mapped, still mapped */
    _Atomic int64_t map_file_bytes;   /* [any] files it mapped, still mapped */
    /* --- sample mode: what the estimates above rest on */
    _Atomic uint64_t samples;
    _Atomic double alloc_variance;  /* of alloc_bytes, bytes^2 */
    _Atomic double freed_variance;  /* of what was freed since, less that of what was inherited */
    _Atomic uint64_t weight_bytes;  /* the largest weight of one sample */
    _Atomic uint64_t realloc_count; /* of alloc_count, blocks that grew or shrank */
    /* --- of threads that have ended */
    _Atomic uint64_t alloc_any_bytes; /* [any] */
    _Atomic uint64_t alloc_any_count; /* [any] */
    _Atomic uint32_t kind;            /* enum ml_account_kind; 0: not in use */
    uint32_t reserved;
};
static_assert(sizeof(struct ml_account) == 192, "stored layout");

enum ml_account_kind {
    ML_ACCOUNT_UNUSED,
    ML_ACCOUNT_LINE,
    ML_ACCOUNT_OUTSIDE, /* Python threads outside of profiled lines */
    ML_ACCOUNT_NATIVE,  /* threads that never ran Python */
    ML_ACCOUNT_FOLDED,  /* of a line: scopes that were too many to keep apart */
};

/* Sites that are always there. */
enum {
    ML_SITE_NONE = 0,
    ML_SITE_OUTSIDE = 1,
    ML_SITE_NATIVE = 2,
    ML_SITE_FIRST = 3,
    ML_SITE_MOST = 1 << 20, /* numbers there are */
};

#endif
