/* core/scope.c -- see scope.h. SPDX-License-Identifier: MIT */
#include "core/scope.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

/* --- threads ----------------------------------------------------------------------------------- */

ML_THREAD_LOCAL struct ml_thread *ml_thread_mine;
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
/* [lock-free] the gate for new threads */
static _Atomic int wanted_gate = ML_RSS_FAULTS;

static void thread_free(void *p)
{
    struct ml_thread *t = p;
    ml_thread_mine = NULL;
    ml_rss_release(&t->rss);
    ml_ptrmap_free(&t->top_of);
    ml_ptrmap_free(&t->sheet_top);
    ml_ptrmap_free(&t->open_lines);
    ml_free(t->frames);
    ml_free(t->engine_state);
    ml_free(t);
}

static void after_fork_in_child(void)
{
    if (ml_thread_mine != NULL)
        ml_rss_after_fork(&ml_thread_mine->rss);
}

static void watch_thread_ends_and_forks(void)
{
    pthread_key_create(&exit_key, thread_free);
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

static ML_NOINLINE struct ml_thread *thread_new(void)
{
    struct ml_thread *t = ml_calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    static _Atomic uint64_t threads;
    t->serial = atomic_fetch_add(&threads, 1) + 1;
    pthread_once(&exit_once, watch_thread_ends_and_forks);
    if (pthread_setspecific(exit_key, t) != 0) {
        ml_free(t);
        return NULL;
    }
    ml_rss_init(&t->rss, (enum ml_rss_gate)atomic_load(&wanted_gate));
    return ml_thread_mine = t;
}

struct ml_thread *ml_thread_get(void)
{
    return ML_LIKELY(ml_thread_mine != NULL) ? ml_thread_mine : thread_new();
}

enum ml_rss_gate ml_thread_set_gate(enum ml_rss_gate gate)
{
    atomic_store(&wanted_gate, (int)gate);
    struct ml_thread *t = ml_thread_get();
    if (t == NULL)
        return ML_RSS_PLAIN;
    ml_rss_release(&t->rss);
    ml_rss_init(&t->rss, gate);
    return ml_rss_gate_of(&t->rss);
}

/* --- readings ---------------------------------------------------------------------------------- */

static ML_NOINLINE int64_t ask_meter(struct ml_thread *t, struct ml_recorder *r)
{
    struct ml_reading now = r->read(r);
    struct ml_frame *top = ml_scope_top(t);
    if (top != NULL && now.peak_bytes > top->high)
        top->high = now.peak_bytes;
    return now.bytes;
}

static inline int64_t look(struct ml_thread *t, struct ml_recorder *r)
{
    return ML_LIKELY(r->read == NULL) ? ml_rss_look(&t->rss) : ask_meter(t, r);
}

static inline void add_i64(_Atomic int64_t *to, int64_t delta)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + delta,
                          memory_order_relaxed);
}

#include "core/scope_heap.h"

/* The caller's line is running all the while: its peak is at least the callee's. */
static void fold_peak(const struct ml_thread *t, struct ml_frame *f)
{
    if (f > t->frames && f->high > f[-1].high)
        f[-1].high = f->high;
}

static void note_peak(struct ml_frame *f)
{
    int64_t *peak = &f->sheet->peak_bytes[f->line - f->sheet->lines];
    if (f->high - f->before > *peak)
        *peak = f->high - f->before;
}

/* What every end of an execution does; the rest is close_line's. */
static inline void raise_max(struct ml_line *line, int64_t now)
{
    if ((uint64_t)now > atomic_load_explicit(&line->rss_max_bytes, memory_order_relaxed))
        atomic_store_explicit(&line->rss_max_bytes, (uint64_t)now, memory_order_relaxed);
}

/* The execution of f's line, or the part of it since a resumption, ends at `now`. */
static ML_NOINLINE void close_line(struct ml_frame *f, int64_t now)
{
    struct ml_line *line = f->line;
    if (line == NULL)
        return;
    if (now != f->before && !f->nested) {
        add_i64(&line->rss_net_bytes, now - f->before);
        if (heap_knows(f))
            add_i64(&ml_heap_account(f->site)->rss_net_bytes, now - f->before);
    }
    raise_max(line, now);
    if (ML_UNLIKELY(f->sheet->peak_bytes != NULL))
        note_peak(f);
    struct ml_recorder *r = f->call->recorder;
    if (ML_UNLIKELY(r->max_bytes != 0 && now >= r->max_bytes && r->on_max != NULL))
        r->on_max(r, now);
}

/* The resident set is what it was at the line's start, and nobody asked for more than that. */
static inline bool is_quiet(const struct ml_frame *f, int64_t now)
{
    return now == f->before && f->plain && f->line != NULL;
}

/* f's line ends and another begins. One reading is both. */
static ML_NOINLINE void next_reading(struct ml_thread *t, struct ml_frame *f, int64_t now)
{
    close_line(f, now);
    if (f->sheet->peak_bytes != NULL)
        fold_peak(t, f);
    f->before = f->high = now;
}

/* --- the stack --------------------------------------------------------------------------------- */

/* Is the line open in an outer frame of this sheet? */
static inline bool is_open(const struct ml_thread *t, const struct ml_sheet *s,
                           const struct ml_line *line)
{
    if (ML_LIKELY(s->holder == t->serial))
        return ML_UNLIKELY(s->open != NULL) && line != NULL && s->open[line - s->lines] != 0;
    return t->open_lines.n != 0 && line != NULL && ml_ptrmap_find(&t->open_lines, line) != NULL;
}

static bool stack_room(struct ml_thread *t)
{
    if (ML_LIKELY(t->n < t->cap))
        return true;
    uint32_t cap = t->cap == 0 ? 32 : t->cap * 2;
    struct ml_frame *frames = cap > t->cap ? ml_realloc(t->frames, cap, sizeof *frames) : NULL;
    if (frames == NULL)
        return false;
    t->frames = frames;
    t->cap = cap;
    return true;
}

/* The recorder's call for a frame that starts now; opens one where the recorder wants it. */
static struct ml_call *call_for(struct ml_thread *t, struct ml_recorder *r, struct ml_frame *f)
{
    if (!r->per_call)
        return r->total;
    const uintptr_t *open = ml_ptrmap_find(&t->top_of, r);
    if (open != NULL)
        return (struct ml_call *)*open;
    struct ml_call *call = NULL;
    f->opened_call = ml_call_new(r, &call) == ML_OK;
    return call;
}

/* The sheet notes itself where this thread's frames of it are: a thread may begin to hold it when it has
 * none. */
static bool hold(struct ml_thread *t, struct ml_sheet *s)
{
    if (ML_LIKELY(s->holder == t->serial))
        return true;
    if (s->holder != 0 || ml_ptrmap_find(&t->sheet_top, s) != NULL)
        return false;
    s->holder = t->serial;
    return true;
}

/* One frame more, or less, has the line open further in. False when memory ran out. */
static bool cover(struct ml_thread *t, struct ml_sheet *s, const struct ml_line *line, bool more)
{
    if (s->holder == t->serial) {
        if (s->open == NULL && (s->open = ml_calloc(s->n_lines, sizeof *s->open)) == NULL)
            return false;
        s->open[line - s->lines] += more ? 1 : -1u;
        return true;
    }
    uintptr_t *times = more ? ml_ptrmap_put(&t->open_lines, line)
                            : ml_ptrmap_find(&t->open_lines, line);
    if (times == NULL)
        return false;
    *times += more ? 1 : -(uintptr_t)1;
    if (*times == 0)
        ml_ptrmap_remove(&t->open_lines, line);
    return true;
}

/* Remember f, about to be pushed, as the innermost of its call and of its sheet. */
static bool link_frame(struct ml_thread *t, struct ml_frame *f)
{
    struct ml_sheet *s = f->sheet;
    bool held = hold(t, s);
    uintptr_t *innermost = held ? NULL : ml_ptrmap_put(&t->sheet_top, s);
    if (!held && innermost == NULL)
        return false;
    f->outer_top = held ? s->innermost : (uint32_t)*innermost;
    if (held)
        s->innermost = t->n + 1u;
    else
        *innermost = t->n + 1u;
    f->covered = f->outer_top != 0 ? t->frames[f->outer_top - 1].line : NULL;
    if (f->covered != NULL && !cover(t, s, f->covered, true))
        f->covered = NULL;
    struct ml_recorder *r = f->call->recorder;
    if (r->per_call) {
        uintptr_t *current = ml_ptrmap_put(&t->top_of, r);
        f->outer = current != NULL ? (struct ml_call *)*current : NULL;
        if (current != NULL)
            *current = (uintptr_t)f->call;
    }
    return true;
}

static void unlink_frame(struct ml_thread *t, const struct ml_frame *f)
{
    struct ml_sheet *s = f->sheet;
    if (f->covered != NULL)
        cover(t, s, f->covered, false);
    if (s->holder == t->serial) {
        s->innermost = f->outer_top;
        if (f->outer_top == 0)
            s->holder = 0;
    } else if (f->outer_top == 0) {
        ml_ptrmap_remove(&t->sheet_top, s);
    } else {
        *ml_ptrmap_find(&t->sheet_top, s) = f->outer_top;
    }
    struct ml_recorder *r = f->call->recorder;
    if (!r->per_call)
        return;
    uintptr_t *current = ml_ptrmap_find(&t->top_of, r);
    if (f->outer == NULL)
        ml_ptrmap_remove(&t->top_of, r);
    else if (current != NULL)
        *current = (uintptr_t)f->outer;
}

/* The call loses a frame; the opener's leaving ends it. */
static inline void drop_from_call(struct ml_call *call, bool ends)
{
    struct ml_recorder *r = call->recorder;
    call->frames--;
    if (ML_LIKELY(!ends && !r->per_call))
        return;
    if (ends && r->on_end != NULL) {
        ml_recorder_ref(r); /* whatever the callback does */
        r->on_end(r, call);
        if (r->per_call && call->frames == 0)
            ml_call_free(call);
        ml_recorder_unref(r);
    } else if (r->per_call && call->frames == 0) {
        ml_call_free(call);
    }
}

/* The heap scope in which a frame that begins now runs. */
static uint32_t heap_scope_now(const struct ml_thread *t)
{
    const struct ml_heap_thread *h = ml_heap_mine;
    if (h != NULL && h->busy != ML_HEAP_RETIRED)
        return atomic_load_explicit(&h->scope, memory_order_relaxed);
    return t->base_scope;
}

/* The frame that stands behind the top (stack_room) is the top. Its call, sheet and line are set; false when
 * memory ran out. */
static bool push(struct ml_thread *t)
{
    struct ml_frame *f = &t->frames[t->n];
    if (!link_frame(t, f))
        return false;
    f->nested = is_open(t, f->sheet, f->line);
    f->call->frames++;
    f->heap_scope = heap_scope_now(t);
    t->n++;
    return true;
}

static struct ml_frame *begin(struct ml_thread *t, const void *id, const struct ml_probe *p)
{
    struct ml_recorder *r = p->recorder;
    int64_t now = look(t, r); /* may run anything */
    if (!stack_room(t)) {
        t->lost_frames++;
        return NULL;
    }
    struct ml_frame *f = &t->frames[t->n];
    *f = (struct ml_frame){.id = id, .fresh = true, .before = now, .high = now};
    f->call = call_for(t, r, f);
    f->sheet = f->call != NULL ? ml_call_sheet(f->call, p->top) : NULL;
    if (f->sheet != NULL) {
        f->plain = f->sheet->peak_bytes == NULL && r->max_bytes == 0;
        if (push(t))
            return f;
    }
    if (f->opened_call)
        ml_call_free(f->call);
    t->lost_frames++;
    return NULL;
}

void ml_scope_enter(struct ml_thread *t, const void *id, const struct ml_probe *p)
{
    const struct ml_frame *f = begin(t, id, p);
    if (f == NULL || !p->is_top)
        return;
    struct ml_sheet *s = f->sheet;
    if (s->calls++ == 0)
        s->first_bytes = f->before;
    if (f->before > s->max_bytes)
        s->max_bytes = f->before;
}

struct ml_frame *ml_scope_join(struct ml_thread *t, const void *id, const struct ml_probe *p,
                               uint32_t line)
{
    struct ml_frame *f = begin(t, id, p);
    if (f == NULL)
        return NULL;
    f->fresh = line == 0;
    f->line = line != 0 ? ml_sheet_line(f->sheet, line) : NULL;
    f->nested = is_open(t, f->sheet, f->line);
    struct ml_heap_thread *h = heap_on(f);
    if (h != NULL)
        heap_open(t, f, h);
    return f;
}

void ml_scope_line(struct ml_thread *t, struct ml_frame *f, uint32_t number)
{
    struct ml_line *line = ml_sheet_line(f->sheet, number);
    struct ml_heap_thread *h = heap_on(f);
    bool still = h != NULL && heap_still(f, h);
    if (h != NULL && !still)
        heap_close(t, f, h);
    if (ML_LIKELY(!f->fresh)) {
        int64_t now = look(t, f->call->recorder);
        if (ML_LIKELY(is_quiet(f, now)))
            raise_max(f->line, now);
        else
            next_reading(t, f, now);
    }
    f->fresh = false;
    f->line = line;
    if (ML_UNLIKELY(line == NULL))
        return;
    uint64_t hits = atomic_load_explicit(&line->hits, memory_order_relaxed);
    atomic_store_explicit(&line->hits, hits + 1, memory_order_relaxed);
    if (ML_UNLIKELY(hits == 0))
        atomic_store_explicit(&line->order, ++f->call->next_order, memory_order_relaxed);
    f->nested = is_open(t, f->sheet, line);
    if (h == NULL)
        return;
    f->net_carried = 0;
    if (still)
        heap_go_on(t, f, h);
    else
        heap_open(t, f, h);
    ml__relaxed_add(&ml_heap_account(f->site)->hits, 1);
}

/* The innermost frame is leaving the stack: its line, or what it did of it, ends. */
static void close_top(struct ml_thread *t, struct ml_frame *f)
{
    struct ml_heap_thread *h = heap_on(f);
    if (h != NULL && !heap_still(f, h))
        heap_close(t, f, h);
    int64_t now = look(t, f->call->recorder);
    fold_peak(t, f);
    if (ML_LIKELY(is_quiet(f, now)))
        raise_max(f->line, now);
    else
        close_line(f, now);
    f->before = now;
    t->n--;
    unlink_frame(t, f);
    h = heap_on(f);
    if (h != NULL)
        heap_back(t, f, h);
}

void ml_scope_leave(struct ml_thread *t)
{
    struct ml_frame *f = ml_scope_top(t);
    close_top(t, f);
    drop_from_call(f->call, f->opened_call);
}

void ml_scope_suspend(struct ml_thread *t, struct ml_frame *kept)
{
    struct ml_frame *f = ml_scope_top(t);
    close_top(t, f);
    *kept = *f;
    kept->site = 0;
}

void ml_scope_resume(struct ml_thread *t, const struct ml_frame *kept)
{
    int64_t now = look(t, kept->call->recorder);
    if (!stack_room(t)) {
        t->lost_frames++;
        return;
    }
    struct ml_frame *f = &t->frames[t->n];
    *f = *kept;
    f->outer = NULL;
    f->before = f->high = now;
    f->call->frames--; /* push counts it again */
    if (!push(t)) {
        t->lost_frames++;
        return;
    }
    struct ml_heap_thread *h = heap_on(f);
    if (h != NULL)
        heap_open(t, f, h);
}

void ml_scope_visit(struct ml_thread *t, uint32_t heap_scope)
{
    struct ml_heap_thread *h = ml_heap_thread();
    if (h == NULL || atomic_load_explicit(&h->scope, memory_order_relaxed) == heap_scope)
        return;
    struct ml_frame *f = ml_scope_top(t);
    raise_high(f != NULL && heap_knows(f) ? f : NULL, ml_heap_mark(h));
    ml_heap_scope_enter(h, heap_scope);
}

uint32_t ml_scope_in(struct ml_thread *t, uint32_t heap_scope)
{
    struct ml_heap_thread *h = ml_heap_thread();
    if (h == NULL)
        return 0;
    struct ml_frame *f = ml_scope_top(t);
    uint32_t before = atomic_load_explicit(&h->scope, memory_order_relaxed);
    if (f == NULL)
        t->base_scope = heap_scope;
    else
        f->heap_scope = heap_scope;
    if (before == heap_scope)
        return before;
    raise_high(f != NULL && heap_knows(f) ? f : NULL, ml_heap_mark(h));
    ml_heap_scope_enter(h, heap_scope);
    if (f != NULL && heap_knows(f) && f->line != NULL) { /* the rest of the line is the scope's */
        f->site = site_of(t, f, h);
        ml_heap_switch(h, f->site);
    }
    return before;
}

void ml_scope_forget(struct ml_frame *kept)
{
    if (kept->call == NULL)
        return;
    drop_from_call(kept->call, kept->opened_call);
    kept->call = NULL;
}

bool ml_scope_sync(struct ml_thread *t, const void *id)
{
    uint32_t i = t->n;
    while (i > 0 && t->frames[i - 1].id != id)
        i--;
    if (i == 0)
        return false;
    while (t->n > i) {
        t->resyncs++;
        ml_scope_leave(t);
    }
    return true;
}
