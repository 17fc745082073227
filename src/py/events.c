/* py/events.c -- see events.h. SPDX-License-Identifier: MIT */
#include "py/events.h"

#include "base/mem.h"
#include "py/py_greenlets.h"
#include "py/py_heap.h"

/* Suspended frames of recorders that keep calls: frame id -> struct kept. Frames of the others need
 * nothing kept: their line is found again from the instruction offset. Lock: the interpreter's. */
static struct ml_ptrmap suspended;

/* Of suspended frames whose line has changed the heap so far: frame id -> its net, with a mark of the line,
 * since a frame may end without being told and another begin at its address. No more entries than frames
 * were ever suspended at once. Lock: the interpreter's. */
static struct ml_ptrmap paused;

struct kept {
    struct kept *next; /* another probe of the same frame */
    struct ml_frame frame;
};

static void forget_all(struct kept *k)
{
    while (k != NULL) {
        struct kept *next = k->next;
        ml_scope_forget(&k->frame);
        ml_free(k);
        k = next;
    }
}

/* What was kept for the frame, taken out of the table; NULL if nothing was. */
static struct kept *take_kept(const void *id)
{
    const uintptr_t *at = ml_ptrmap_find(&suspended, id);
    if (at == NULL)
        return NULL;
    struct kept *k = (struct kept *)*at;
    ml_ptrmap_remove(&suspended, id);
    return k;
}

enum { MARK_BITS = 12 };

/* The 52 bits of a net and a mark of its line, as one word. */
static uintptr_t packed(const struct ml_frame *f)
{
    uintptr_t mark = (uintptr_t)f->line / sizeof *f->line & ((1u << MARK_BITS) - 1);
    return (uintptr_t)f->net_carried << MARK_BITS | mark;
}

static void note_pause(const void *id, const struct ml_frame *f)
{
    uintptr_t *at = f->net_carried != 0 ? ml_ptrmap_put(&paused, id) : NULL;
    if (at != NULL)
        *at = packed(f);
}

/* The frame goes on in the execution that paused. */
static void end_pause(const void *id, struct ml_frame *f)
{
    const uintptr_t *at = ml_ptrmap_find(&paused, id);
    if (at == NULL)
        return;
    int64_t carried = (int64_t)*at >> MARK_BITS;
    uintptr_t was = *at;
    ml_ptrmap_remove(&paused, id);
    if (f == NULL || f->line == NULL)
        return;
    f->net_carried = carried;
    if (packed(f) != was)
        f->net_carried = 0; /* another line: of a frame that is no more */
}

static void leave_group(struct ml_thread *t, const void *id)
{
    while (t->n != 0 && ml_scope_top(t)->id == id)
        ml_scope_leave(t);
}

/* Does the probe measure a frame that begins, or is met, in this thread now?
 * Cost: one branch; for probes that ask for it, a look down the stack. */
static bool measures(const struct ml_thread *t, const struct ml_probe *p)
{
    if (!ml_probe_active(p))
        return false;
    if (ML_LIKELY(!p->within) || p->started > 0)
        return true;
    for (uint32_t i = t->n; i > 0; i--)
        if (t->frames[i - 1].call->recorder == p->recorder)
            return true;
    return false;
}

void ml_event_enter(struct ml_code *c, const void *id)
{
    struct ml_thread *t = ml_thread_get();
    if (t == NULL)
        return;
    ml_py_greenlets_visit(t);
    leave_group(t, id); /* a frame at this address ended unseen */
    if (ML_UNLIKELY(suspended.n != 0))
        forget_all(take_kept(id));
    if (ML_UNLIKELY(paused.n != 0))
        ml_ptrmap_remove(&paused, id);
    ml_py_visit_scope(t);
    for (uint32_t i = 0; i < c->n; i++)
        if (measures(t, &c->probes[i]))
            ml_scope_enter(t, id, &c->probes[i]);
}

static bool was_kept(const struct kept *k, const struct ml_recorder *r)
{
    while (k != NULL && k->frame.call->recorder != r)
        k = k->next;
    return k != NULL;
}

void ml_event_resume(struct ml_code *c, const void *id, int offset)
{
    struct ml_thread *t = ml_thread_get();
    if (t == NULL)
        return;
    leave_group(t, id);
    ml_py_visit_scope(t);
    struct kept *all = c->keeps ? take_kept(id) : NULL;
    for (uint32_t i = 0; i < c->n; i++) {
        const struct ml_probe *p = &c->probes[i];
        if (!measures(t, p) || was_kept(all, p->recorder))
            continue;
        struct ml_frame *f = ml_scope_join(t, id, p, (uint32_t)ml_code_resume_line(c, offset));
        if (f != NULL && f->sheet->sites != NULL)
            end_pause(id, f);
    }
    while (all != NULL) {
        struct kept *next = all->next;
        ml_scope_resume(t, &all->frame);
        ml_free(all);
        all = next;
    }
}

/* Keep the frame for its resumption; without memory its call goes on without it. */
static void keep(const void *id, struct ml_frame *frame)
{
    struct kept *k = ml_calloc(1, sizeof *k);
    uintptr_t *at = k != NULL ? ml_ptrmap_put(&suspended, id) : NULL;
    if (at == NULL) {
        ml_free(k);
        ml_scope_forget(frame);
        return;
    }
    k->frame = *frame;
    k->next = (struct kept *)*at;
    *at = (uintptr_t)k;
}

void ml_event_suspend(const void *id)
{
    struct ml_thread *t = ml_thread_find();
    if (t == NULL || !ml_scope_sync(t, id))
        return;
    while (t->n != 0 && ml_scope_top(t)->id == id) {
        struct ml_frame frame;
        ml_scope_suspend(t, &frame);
        if (frame.call->recorder->per_call) {
            keep(id, &frame);
            continue;
        }
        note_pause(id, &frame);
        ml_scope_forget(&frame);
    }
}

void ml_event_leave(const void *id)
{
    struct ml_thread *t = ml_thread_find();
    if (t != NULL && ml_scope_sync(t, id))
        leave_group(t, id);
}

void ml_event_line_slow(PyCodeObject *code, const void *id, uint32_t line)
{
    struct ml_thread *t = ml_thread_get();
    if (t == NULL)
        return;
    ml_py_greenlets_look(t); /* perhaps somebody switched, and another tracer is told */
    if (!ml_scope_sync(t, id)) {
        const struct ml_code *c = ml_code_find(code);
        for (uint32_t i = 0; c != NULL && i < c->n; i++)
            if (measures(t, &c->probes[i]))
                ml_scope_join(t, id, &c->probes[i], 0);
    }
    for (uint32_t i = t->n; i > 0 && t->frames[i - 1].id == id; i--)
        ml_scope_line(t, &t->frames[i - 1], line);
}

void ml_event_drop(uint32_t n)
{
    struct ml_thread *t = ml_thread_find();
    while (t != NULL && t->n > n)
        ml_scope_leave(t);
}

void ml_event_stop(const struct ml_recorder *r)
{
    struct ml_thread *t = ml_thread_find();
    while (t != NULL && t->n != 0 && ml_scope_top(t)->call->recorder == r)
        ml_scope_leave(t);
}

int ml_event_error(void)
{
    return ML_UNLIKELY(PyErr_Occurred() != NULL) ? -1 : 0;
}
