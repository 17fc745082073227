/* core/scope.h -- each thread's stack of profiled frames, and the five events that move it.
 *
 * Picture:   thread -> frames [outermost ... innermost], each with the line it is running
 * The rule:  a line's figure is the sum over its executions of memory after minus memory before, both
 *            read in the same thread, at the moments it starts and ends in its own frame. One reading
 *            ends a line and starts the next. What callees do belongs to the calling line. A suspended
 *            frame is not on the stack: nothing that happens meanwhile is its line's. An execution
 *            nested in an open execution of the same line is a hit, but does not count twice.
 * Invariant: frames stand on the stack in the order in which the interpreter runs them; an event of
 *            a frame that is not where the stack says first drops the frames above it.
 * Threads:   a struct ml_thread is its thread's own; recorders need the interpreter lock.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_SCOPE_H
#define ML_CORE_SCOPE_H

#include "core/ptrmap.h"
#include "core/recorder.h"
#include "core/rss.h"

struct ml_frame {
    const void *id;          /* the interpreter's frame; compared, never followed */
    struct ml_call *call;    /* counted in call->frames */
    struct ml_sheet *sheet;  /* the call's */
    struct ml_line *line;    /* running; NULL before the first */
    struct ml_line *covered; /* line of an outer frame of this sheet that we marked as open */
    struct ml_call *outer;   /* per-call recorders: their call further out on this stack */
    int64_t before;          /* memory at the line's start, or at entry */
    int64_t high;            /* highest memory told since then */
    uint32_t outer_top;      /* what sheet_top said before this frame came */
    bool fresh;              /* no line yet: the reading at entry starts the first one */
    bool nested;             /* the line is open further out: hits only */
    bool opened_call;        /* leaving ends the call */
    bool plain;              /* neither peaks nor a limit are told of its lines */
    /* heap accounting; see scope_heap.h */
    uint32_t site;       /* the line's account; 0: not accounted for */
    uint32_t era;        /* of the site */
    uint32_t heap_scope; /* the scope (heap_scope.h) its code runs in */
    int64_t net_before;  /* the thread's net at the line's start */
    int64_t net_high;    /* highest since */
    int64_t callees_net; /* of net, what profiled callees did */
    int64_t net_carried; /* net of this execution's stretches before the last pause */
};

struct ml_thread {
    struct ml_rss rss;
    struct ml_frame *frames; /* owned */
    uint32_t n;              /* on the stack */
    uint32_t cap;
    uint64_t serial;         /* never another thread's */
    struct ml_ptrmap top_of; /* recorder -> its innermost call on this stack (per-call ones) */
    /* of sheets that another thread holds: */
    struct ml_ptrmap sheet_top;  /* sheet -> 1 + index of its innermost frame on this stack */
    struct ml_ptrmap open_lines; /* line -> times it is open in an outer frame of its sheet */
    uint64_t lost_frames;        /* not profiled for want of memory */
    void *engine_state;          /* the line engine's; from base/mem, freed at the thread's end */
    uint64_t resyncs;            /* frames dropped because their end was not told */
    uint32_t base_scope;         /* heap scope below all frames */
};

/* This thread's, made at first use; NULL when memory ran out. */
struct ml_thread *ml_thread_get(void);
extern ML_THREAD_LOCAL struct ml_thread *ml_thread_mine;
/* This thread's, or NULL. One thread-local load. */
static inline struct ml_thread *ml_thread_find(void)
{
    return ml_thread_mine;
}
/* The gate for threads met from now on, and for this one. Returns the one that works here. */
enum ml_rss_gate ml_thread_set_gate(enum ml_rss_gate gate);

/* What identifies a probe: which top-level code of which recorder, and whether it is the top-level
 * code itself (then its entries are the baseline). */
struct ml_probe {
    struct ml_recorder *recorder; /* borrowed from whoever holds the probe */
    uint32_t top;
    bool is_top;
    bool always;
    bool within; /* ... but, unless started, only while the recorder has a frame on the stack */
    unsigned started; /* counted starts; measured while always or started > 0 */
};

/* A profiled frame begins. */
void ml_scope_enter(struct ml_thread *t, const void *id, const struct ml_probe *p);
/* A frame of the top group (those with the innermost id) begins to execute a line. */
void ml_scope_line(struct ml_thread *t, struct ml_frame *f, uint32_t line);
/* The innermost frame ends (return or exception). */
void ml_scope_leave(struct ml_thread *t);
/* The innermost frame is suspended (yield, await); its state moves to *kept. */
void ml_scope_suspend(struct ml_thread *t, struct ml_frame *kept);
/* A suspended frame goes on. */
void ml_scope_resume(struct ml_thread *t, const struct ml_frame *kept);
/* A frame that was never seen, or of which nothing is kept, goes on in the middle of a line (0: between
 * lines). NULL: it is not profiled, for want of memory. */
struct ml_frame *ml_scope_join(struct ml_thread *t, const void *id, const struct ml_probe *p,
                               uint32_t line);
/* A suspended frame whose end was never told: what a leave would have done. */
void ml_scope_forget(struct ml_frame *kept);

/* A frame of another heap scope is about to be entered or resumed (it has the scope until it leaves). */
void ml_scope_visit(struct ml_thread *t, uint32_t heap_scope);
/* This thread's code runs in another heap scope from now on; returns the one before. */
uint32_t ml_scope_in(struct ml_thread *t, uint32_t heap_scope);

/* Drop frames above the innermost one with this id. False if it is not on the stack. */
bool ml_scope_sync(struct ml_thread *t, const void *id);

static inline struct ml_frame *ml_scope_top(const struct ml_thread *t)
{
    return t->n != 0 ? &t->frames[t->n - 1] : NULL;
}

#endif
