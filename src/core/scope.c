/* core/scope.c -- see scope.h. SPDX-License-Identifier: MIT */
#include "core/scope.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

/* --- threads ----------------------------------------------------------------------------------- */

static ML_THREAD_LOCAL struct ml_thread *mine;
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
/* [lock-free] the gate for new threads */
static _Atomic int wanted_gate = ML_RSS_FAULTS;

static void thread_free(void *p)
{
    struct ml_thread *t = p;
    mine = NULL;
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
    if (mine != NULL)
        ml_rss_after_fork(&mine->rss);
}

static void watch_thread_ends_and_forks(void)
{
    pthread_key_create(&exit_key, thread_free);
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

struct ml_thread *ml_thread_find(void)
{
    return mine;
}

static ML_NOINLINE struct ml_thread *thread_new(void)
{
    struct ml_thread *t = ml_calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    pthread_once(&exit_once, watch_thread_ends_and_forks);
    if (pthread_setspecific(exit_key, t) != 0) {
        ml_free(t);
        return NULL;
    }
    ml_rss_init(&t->rss, (enum ml_rss_gate)atomic_load(&wanted_gate));
    return mine = t;
}

struct ml_thread *ml_thread_get(void)
{
    return ML_LIKELY(mine != NULL) ? mine : thread_new();
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

/* The execution of f's line, or the part of it since a resumption, ends at `now`. */
static inline void close_line(struct ml_frame *f, int64_t now)
{
    struct ml_line *line = f->line;
    if (line == NULL)
        return;
    if (now != f->before && !f->nested) {
        add_i64(&line->rss_net_bytes, now - f->before);
        if (heap_knows(f))
            add_i64(&ml_heap_account(f->site)->rss_net_bytes, now - f->before);
    }
    if ((uint64_t)now > atomic_load_explicit(&line->rss_max_bytes, memory_order_relaxed))
        atomic_store_explicit(&line->rss_max_bytes, (uint64_t)now, memory_order_relaxed);
    if (ML_UNLIKELY(f->sheet->peak_bytes != NULL))
        note_peak(f);
    struct ml_recorder *r = f->call->recorder;
    if (ML_UNLIKELY(r->max_bytes != 0 && now >= r->max_bytes && r->on_max != NULL))
        r->on_max(r, now);
}

/* --- the stack --------------------------------------------------------------------------------- */

static inline bool is_open(const struct ml_thread *t, const struct ml_line *line)
{
    return ML_UNLIKELY(t->open_lines.n != 0) && line != NULL &&
           ml_ptrmap_find(&t->open_lines, line) != NULL;
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

/* Remember f as the innermost of its call and of its sheet. */
static bool link_frame(struct ml_thread *t, struct ml_frame *f)
{
    struct ml_recorder *r = f->call->recorder;
    uintptr_t *innermost = ml_ptrmap_put(&t->sheet_top, f->sheet);
    if (innermost == NULL)
        return false;
    f->outer_top = (uint32_t)*innermost;
    f->covered = f->outer_top != 0 ? t->frames[f->outer_top - 1].line : NULL;
    if (f->covered != NULL) {
        uintptr_t *times = ml_ptrmap_put(&t->open_lines, f->covered);
        if (times != NULL)
            ++*times;
        else
            f->covered = NULL;
    }
    if (r->per_call) {
        uintptr_t *current = ml_ptrmap_put(&t->top_of, r);
        f->outer = current != NULL ? (struct ml_call *)*current : NULL;
        if (current != NULL)
            *current = (uintptr_t)f->call;
    }
    *ml_ptrmap_find(&t->sheet_top, f->sheet) = t->n + 1u;
    return true;
}

static void unlink_frame(struct ml_thread *t, const struct ml_frame *f)
{
    if (f->covered != NULL) {
        uintptr_t *times = ml_ptrmap_find(&t->open_lines, f->covered);
        if (times != NULL && --*times == 0)
            ml_ptrmap_remove(&t->open_lines, f->covered);
    }
    if (f->outer_top == 0)
        ml_ptrmap_remove(&t->sheet_top, f->sheet);
    else
        *ml_ptrmap_find(&t->sheet_top, f->sheet) = f->outer_top;
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
static void drop_from_call(struct ml_call *call, bool ends)
{
    struct ml_recorder *r = call->recorder;
    call->frames--;
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

/* Put *f on the stack. Its call and sheet are set; false when memory ran out. */
static bool push(struct ml_thread *t, struct ml_frame *f)
{
    if (!stack_room(t) || !link_frame(t, f))
        return false;
    f->nested = is_open(t, f->line);
    f->call->frames++;
    f->heap_scope = heap_scope_now(t);
    t->frames[t->n++] = *f;
    return true;
}

static struct ml_frame *begin(struct ml_thread *t, const void *id, const struct ml_probe *p)
{
    struct ml_frame f = {.id = id, .fresh = true};
    f.call = call_for(t, p->recorder, &f);
    f.sheet = f.call != NULL ? ml_call_sheet(f.call, p->top) : NULL;
    if (f.sheet != NULL) {
        f.before = f.high = look(t, p->recorder);
        if (push(t, &f))
            return ml_scope_top(t);
    }
    if (f.opened_call)
        ml_call_free(f.call);
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
    f->nested = is_open(t, f->line);
    struct ml_heap_thread *h = heap_on(f);
    if (h != NULL)
        heap_open(t, f, h);
    return f;
}

void ml_scope_line(struct ml_thread *t, struct ml_frame *f, uint32_t number)
{
    struct ml_line *line = ml_sheet_line(f->sheet, number);
    struct ml_heap_thread *h = heap_on(f);
    if (h != NULL)
        heap_close(t, f, h);
    if (!f->fresh) {
        int64_t now = look(t, f->call->recorder);
        close_line(f, now);
        if (ML_UNLIKELY(f->sheet->peak_bytes != NULL))
            fold_peak(t, f);
        f->before = f->high = now;
    }
    f->fresh = false;
    f->line = line;
    if (ML_UNLIKELY(line == NULL))
        return;
    uint64_t hits = atomic_load_explicit(&line->hits, memory_order_relaxed);
    atomic_store_explicit(&line->hits, hits + 1, memory_order_relaxed);
    if (ML_UNLIKELY(hits == 0))
        atomic_store_explicit(&line->order, ++f->call->next_order, memory_order_relaxed);
    f->nested = is_open(t, line);
    if (h == NULL)
        return;
    f->net_carried = 0;
    heap_open(t, f, h);
    ml__relaxed_add(&ml_heap_account(f->site)->hits, 1);
}

/* Take the innermost frame off; the copy is what it was. */
static struct ml_frame pop(struct ml_thread *t)
{
    fold_peak(t, ml_scope_top(t));
    struct ml_frame f = t->frames[--t->n];
    unlink_frame(t, &f);
    return f;
}

static void close_top(struct ml_thread *t)
{
    struct ml_frame *f = ml_scope_top(t);
    struct ml_heap_thread *h = heap_on(f);
    if (h != NULL)
        heap_close(t, f, h);
    int64_t now = look(t, f->call->recorder);
    close_line(f, now);
    f->before = now;
}

/* The innermost frame has left the stack. */
static void back_to_caller(struct ml_thread *t, const struct ml_frame *f)
{
    struct ml_heap_thread *h = heap_on(f);
    if (h != NULL)
        heap_back(t, f, h);
}

void ml_scope_leave(struct ml_thread *t)
{
    close_top(t);
    struct ml_frame f = pop(t);
    back_to_caller(t, &f);
    drop_from_call(f.call, f.opened_call);
}

void ml_scope_suspend(struct ml_thread *t, struct ml_frame *kept)
{
    close_top(t);
    *kept = pop(t);
    back_to_caller(t, kept);
    kept->site = 0;
}

void ml_scope_resume(struct ml_thread *t, const struct ml_frame *kept)
{
    struct ml_frame f = *kept;
    f.outer = NULL;
    f.before = f.high = look(t, f.call->recorder);
    f.call->frames--; /* push counts it again */
    if (!push(t, &f)) {
        t->lost_frames++;
        return;
    }
    struct ml_heap_thread *h = heap_on(&f);
    if (h != NULL)
        heap_open(t, ml_scope_top(t), h);
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
