/* report/stacks.c -- see stacks.h. SPDX-License-Identifier: MIT */
#include "report/stacks.h"

struct walk {
    const struct ml_snapshot *snapshot;
    const struct ml_function *functions;
    size_t n_functions;
    const struct ml_place *places;
    size_t n_places;
    bool has_paths;
    struct ml_frame frames[ML_STACK_MOST + 1];
    int (*each)(void *arg, const struct ml_stack *stack);
    void *arg;
};

static bool is_of_interest(const struct ml_heap *h)
{
    return h->alloc_bytes != 0 || h->alloc_count != 0 || h->inherited_bytes != 0;
}

const struct ml_scope_row *ml__scope_find(const struct ml_snapshot *s, uint32_t id)
{
    const struct ml_scope_row *scopes; /* by id */
    size_t low = 0;
    size_t high = ml_snapshot_scopes(s, &scopes);
    while (id != 0 && low < high) {
        size_t middle = low + (high - low) / 2;
        if (scopes[middle].id == id)
            return &scopes[middle];
        if (scopes[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct ml_frame line_frame(const struct ml_function *f, uint32_t line)
{
    return (struct ml_frame){f->file, f->name, f->first_line, line};
}

static struct ml_frame frame_of(const struct walk *w, const struct ml_place *p)
{
    static const struct ml_str nowhere = {"", 0};
    if (p->kind == ML_PLACE_OUTSIDE)
        return (struct ml_frame){nowhere, ML_STR("outside of profiled lines"), 0, 0};
    if (p->kind == ML_PLACE_NATIVE)
        return (struct ml_frame){nowhere, ML_STR("native threads"), 0, 0};
    if (p->function >= w->n_functions)
        return (struct ml_frame){nowhere, ML_STR("unknown"), 0, 0};
    return line_frame(&w->functions[p->function], p->line);
}

/* A line without a path, in front of its function. */
static size_t add_function_frame(struct walk *w)
{
    w->frames[1] = w->frames[0];
    w->frames[1].line = 0;
    return w->frames[0].line != 0 ? 2 : 1;
}

static int tell(struct walk *w, size_t n, const struct ml_heap *heap, uint32_t scope)
{
    const struct ml_stack stack = {w->frames, n, heap, ml__scope_find(w->snapshot, scope)};
    return w->each(w->arg, &stack);
}

static int walk_place(struct walk *w, const struct ml_place *p)
{
    size_t n = 0;
    w->frames[n++] = frame_of(w, p);
    if (!w->has_paths)
        return tell(w, add_function_frame(w), &p->heap, p->scope);
    for (uint32_t parent = p->parent; parent != 0 && parent <= w->n_places && n < ML_STACK_MOST;) {
        const struct ml_place *caller = &w->places[parent - 1];
        w->frames[n++] = frame_of(w, caller);
        parent = caller->parent;
    }
    return tell(w, n, &p->heap, p->scope);
}

static int walk_places(struct walk *w)
{
    for (size_t i = 0; i < w->n_places && !w->has_paths; i++)
        w->has_paths = w->places[i].parent != 0;
    for (size_t i = 0; i < w->n_places; i++) {
        int rc = is_of_interest(&w->places[i].heap) ? walk_place(w, &w->places[i]) : ML_OK;
        if (rc != ML_OK)
            return rc;
    }
    return ML_OK;
}

int ml__stacks(const struct ml_snapshot *s, const char *what,
               int (*each)(void *arg, const struct ml_stack *stack), void *arg, struct ml_error *e)
{
    struct walk w = {.snapshot = s, .each = each, .arg = arg};
    struct ml_heap_summary h;
    if (!ml_snapshot_heap(s, &h)) {
        ml_fail(e, ML_EINVALID, "cannot make %s: the book has no heap figures", what);
        ml_hint(e, "memline run --mode heap");
        return ML_EINVALID;
    }
    w.n_functions = ml_snapshot_functions(s, &w.functions);
    w.n_places = ml_snapshot_places(s, &w.places);
    return walk_places(&w);
}
