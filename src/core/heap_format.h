/* core/heap_format.h -- the heap's records in a book: accounts, threads, scopes, the timeline, totals.
 *
 *   each:      | kind u32 | bytes u32 | count u32 | first u32 | gap | element [count] | gap |
 *   The elements begin at the first multiple of 64 in the file that is 16 bytes or more behind the
 *   record's start. A book may have several records of a kind, but one of HEAP and TIMELINE.
 *   ACCOUNTS   struct ml_account (core/account.h); those of kind 0 are not in use
 *   THREADS    struct ml_heap_thread: what threads have not added to their account yet
 *   SCOPES     struct ml_book_scope; those with id 0 are not in use
 *   TIMELINE   struct ml_book_moment [count], by time; `used` of the HEAP record tells how many
 *   HEAP       one struct ml_heap_totals
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_HEAP_FORMAT_H
#define ML_CORE_HEAP_FORMAT_H

#include "core/account.h"

#include <stdbool.h>
#include <stddef.h>

enum { ML_BOOK_ELEMENT_ALIGN = 64 };

struct ml_book_table {
    uint32_t kind;
    uint32_t bytes;
    uint32_t count;
    uint32_t first;
};
static_assert(sizeof(struct ml_book_table) == 16, "stored layout");

/* Offset of the first element of a table whose record begins at `at`. */
static inline size_t ml_book_elements(size_t at)
{
    size_t mask = ML_BOOK_ELEMENT_ALIGN - 1;
    return (at + sizeof(struct ml_book_table) + mask) & ~mask;
}

/* A thread's running figures: its own, one writer. Total of net_bytes over all threads = the heap. */
struct ml_heap_thread {
    _Atomic uint32_t tid;  /* the kernel's; 0: slot not in use */
    _Atomic uint32_t site; /* the account that is charged */
    uint32_t busy;         /* inside a hook, or memline itself at work: nothing is counted */
    uint32_t python;       /* 1: it ran Python code. Next to `busy`: hooks look at both at once */
    _Atomic uint32_t scope;
    uint32_t reallocs;         /* not added yet */
    _Atomic int64_t net_bytes; /* allocated minus freed by this thread, since it was first seen */
    int64_t high_bytes;        /* highest net_bytes since it was last set */
    _Atomic uint64_t alloc_bytes; /* not added to the account of `site` yet */
    _Atomic uint64_t alloc_count;
    int64_t sample_left; /* bytes until the next sample, or look at the clock */
    /* --- */
    int64_t scope_from;   /* net_bytes when the scope's stretch began */
    int64_t scope_high;   /* highest net_bytes in it */
    uint64_t sample_rate; /* in force when sample_left was drawn */
    uint64_t random[2];   /* state of the generator */
    uint64_t reserved[3];
};
static_assert(sizeof(struct ml_heap_thread) == 128, "stored layout");

enum { ML_SCOPE_NAME_BYTES = 48, ML_SCOPE_KEY_BYTES = 64 };

/* A request, a task, an invocation. */
struct ml_book_scope {
    _Atomic uint32_t id;            /* rises; 0: slot not in use */
    uint32_t parent;                /* id of the scope it was opened in; 0: none */
    char name[ML_SCOPE_NAME_BYTES]; /* what kind: "request"; zero padded, UTF-8 */
    char key[ML_SCOPE_KEY_BYTES];   /* which: "41" */
    int64_t begin_ns;               /* wall clock, ns since 1970 */
    _Atomic int64_t end_ns;         /* 0: open */
    _Atomic int64_t net_bytes;      /* allocated minus freed by the threads while in it */
    _Atomic int64_t peak_bytes;     /* highest of that */
    _Atomic uint64_t alloc_bytes;   /* of its accounts, when it ended */
    _Atomic int64_t held_bytes;     /* of that, alive when it ended: what it left behind */
    /* sample mode: what these two rest on */
    _Atomic double alloc_variance; /* bytes^2 */
    _Atomic double held_variance;
    _Atomic uint64_t weight_bytes; /* the largest weight of one sample */
};
static_assert(sizeof(struct ml_book_scope) == 192, "stored layout");

struct ml_book_moment {
    int64_t at_ns; /* wall clock */
    uint64_t rss_bytes;
    int64_t heap_bytes;
    uint64_t limit_use_bytes; /* what counts against the memory limit; 0: no limit */
};
static_assert(sizeof(struct ml_book_moment) == 32, "stored layout");

enum ml_heap_mode { ML_HEAP_OFF, ML_HEAP_EXACT, ML_HEAP_SAMPLE };

struct ml_heap_totals {
    _Atomic uint32_t mode;            /* enum ml_heap_mode now */
    _Atomic uint32_t moments;         /* in use in the timeline */
    _Atomic int64_t departed_bytes;   /* [any] net of threads that have ended */
    _Atomic int64_t peak_bytes;       /* highest heap of a moment; sampled: at highest RSS */
    _Atomic uint64_t rate_bytes;      /* sample mode: mean bytes between samples, now */
    _Atomic uint64_t foreign_frees;   /* [any] blocks freed that we never saw allocated */
    _Atomic uint64_t stale_blocks;    /* [any] cells overwritten: freed where we do not see it */
    _Atomic uint64_t stale_bytes;     /* [any] */
    _Atomic uint64_t ledger_bytes;    /* [any] memory of our own for the ledger */
    _Atomic uint64_t lost_accounts;   /* charged elsewhere for want of room */
    _Atomic uint64_t limit_bytes;     /* memory limit of the process or its container; 0: none */
    _Atomic uint32_t limit_percent;   /* highest threshold crossed so far */
    _Atomic uint32_t native;          /* 1: native allocations are counted too */
    _Atomic uint64_t dropped_samples; /* thinned */
    _Atomic uint64_t rate_most_bytes; /* the largest that rate_bytes ever was */
    _Atomic uint64_t reserved[3];
};
static_assert(sizeof(struct ml_heap_totals) == 128, "stored layout");

#endif
