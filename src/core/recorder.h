/* core/recorder.h -- who wants figures of which code: recorders, their calls and their sheets.
 *
 * Picture:   recorder --*--> call --*--> sheet (one per top-level code) --*--> struct ml_line
 *            probe = (recorder, top-level code): what an engine finds at a code object
 * A recorder that accumulates has one everlasting call. A recorder that reports per call opens one
 * when a probe of it is entered while none of its frames is on the thread's stack, and ends it when
 * the frame that opened it leaves.
 * Threads: everything here is used by one thread at a time (the interpreter lock).
 * Memory:  calls and frames in flight keep their recorder alive by reference counts.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_RECORDER_H
#define ML_CORE_RECORDER_H

#include "base/err.h"
#include "core/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ml_thread;
struct ml_recorder;

/* The lines of one top-level code, nested functions included. */
struct ml_sheet {
    struct ml_line *lines; /* [n_lines]; owned, or the book's */
    uint32_t *sites; /* [n_lines] owned; the heap's account last used, a cache; NULL: not booked */
    int64_t *peak_bytes; /* [n_lines] highest rise within one execution; owned; NULL: not told */
    uint32_t first_line;
    uint32_t n_lines;
    uint64_t calls;      /* entries of the top-level code */
    int64_t first_bytes; /* memory at the first entry */
    int64_t max_bytes;   /* highest memory at an entry */
    bool owns_lines;
    /* scope.c: where one thread's frames of this sheet are; other threads keep that themselves. */
    uint64_t holder;    /* the thread's serial; 0: nobody */
    uint32_t innermost; /* 1 + index of its innermost frame on the thread's stack; 0: none */
    uint32_t *open; /* [n_lines] owned: times a line is open in outer frames; NULL: none ever was */
};

/* One outermost call, or all of them. */
struct ml_call {
    struct ml_recorder *recorder; /* counted reference */
    struct ml_sheet **sheets;     /* [n_sheets] owned, by top index; NULL: never entered */
    size_t n_sheets;
    uint64_t next_order; /* ranks lines by their first hit */
    unsigned frames;     /* on a stack or suspended */
};

/* A top-level code of a recorder. */
struct ml_top {
    uint32_t first_line;
    uint32_t n_lines;
    struct ml_line *book_lines; /* the book's, for all calls; NULL: each call has its own */
    bool marked;                /* the owner's: told by hand, not found by rules */
    const void *user;           /* whatever the owner wants to find again (a code object) */
};

/* What the meter says. peak_bytes: highest since the last reading, where the meter can tell; else
 * the same as the figure itself. */
struct ml_reading {
    int64_t bytes;
    int64_t peak_bytes;
};

struct ml_recorder {
    unsigned refs;
    bool per_call;
    bool tells_peaks;
    /* NULL: the resident set through the thread's gates. */
    struct ml_reading (*read)(struct ml_recorder *r);
    /* A call ended; called with the interpreter lock; may run anything. */
    void (*on_end)(struct ml_recorder *r, struct ml_call *call);
    /* A line ended at `bytes` >= max_bytes (0: never). */
    void (*on_max)(struct ml_recorder *r, int64_t bytes);
    int64_t max_bytes;
    void (*on_free)(struct ml_recorder *r);
    void *owner;         /* borrowed; the glue's */
    struct ml_top *tops; /* [n_tops] owned */
    size_t n_tops;
    size_t cap_tops;
    struct ml_call *total; /* the everlasting call, unless per_call; owned */
};

/* refs 1, the caller's. 0 or ML_ENOMEM. */
int ml_recorder_new(bool per_call, struct ml_recorder **out);
void ml_recorder_ref(struct ml_recorder *r);
/* NULL is fine. */
void ml_recorder_unref(struct ml_recorder *r);
/* *index is the new top's. 0 or ML_ENOMEM. */
int ml_recorder_add(struct ml_recorder *r, const struct ml_top *top, size_t *index);
/* All figures of the everlasting call to 0 (private sheets only). */
void ml_recorder_clear(struct ml_recorder *r);

int ml_call_new(struct ml_recorder *r, struct ml_call **out);
void ml_call_free(struct ml_call *c);
/* The call's sheet for a top, made at first use; NULL when memory ran out. */
struct ml_sheet *ml_call_sheet(struct ml_call *c, size_t top);

/* The line's figures, or NULL outside the sheet. */
static inline struct ml_line *ml_sheet_line(const struct ml_sheet *s, uint32_t line)
{
    uint32_t i = line - s->first_line; /* wraps for smaller ones: then too large */
    return ML_LIKELY(i < s->n_lines) ? &s->lines[i] : NULL;
}

#endif
