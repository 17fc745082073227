/* py/leaf.c -- sample mode: the line that is running, found when a sample is taken.
 *
 * No line events are needed, so a line costs nothing. The hook that calls us may stand anywhere inside the
 * interpreter: frames are read where they lie. A code object seen for the first time is judged and booked
 * here, which makes a few small objects; the thread is marked busy, so that they are not counted, and the
 * collector is held. Only where an object may be made: not in a malloc of tracemalloc's. SPDX-License-Identifier: MIT */
#include "py/pyframes.h"

#include "core/sampler.h"
#include "py/py_heap.h"
#include "py/py_hooks.h"
#include "py/select.h"

enum { DEEPEST = 64 }; /* own frames of a call path */

/* What is known of the frame's code; NULL: nobody has judged it, and now is not the moment. Callers are judged
 * first, as they are where calls are seen: a comprehension is a part of the function that it stands in. */
static const struct ml_code *judged(ml_pyframe *f, bool may_judge, unsigned depth)
{
    PyCodeObject *code = ml_pyframe_code(f);
    const struct ml_code *c = ml_code_find(code);
    if (c != NULL && c->judged)
        return c;
    if (!may_judge)
        return NULL;
    ml_pyframe *caller = depth < DEEPEST ? ml_pyframe_back(f) : NULL;
    if (caller != NULL)
        judged(caller, true, depth + 1);
    c = ml_code_find(code);
    if (c != NULL && c->judged)
        return c;
    int was_on = ml_gc_hold(); /* a finaliser must not run inside the program's malloc */
    c = ml_select_judge(code);
    ml_gc_let(was_on);
    return c;
}

/* The user's lines on the stack, innermost first; with `all` false only the innermost one. None where a frame
 * of code that cannot be judged now comes first. */
static unsigned lines_on_stack(struct ml_line **lines, bool all, bool may_judge)
{
    unsigned n = 0;
    for (ml_pyframe *f = ml_pyframe_first(PyThreadState_Get()); f != NULL && n < DEEPEST;
         f = ml_pyframe_back(f)) {
        PyCodeObject *code = ml_pyframe_code(f);
        const struct ml_code *c = judged(f, may_judge, 0);
        const struct ml_sheet *s = c != NULL ? ml_select_sheet(c) : NULL;
        if (c == NULL)
            return 0;
        int line = s != NULL ? PyCode_Addr2Line(code, ml_pyframe_at(f)) : 0;
        if (line <= 0)
            continue;
        lines[n] = ml_sheet_line(s, (uint32_t)line);
        if (lines[n] != NULL && (++n, !all))
            break;
    }
    return n;
}

/* Has this thread the main interpreter's lock? PyGILState_Check says so of every thread once there was a
 * sub-interpreter, and before 3.12 the current state is that of whoever has the lock. */
static bool in_main_interpreter(void)
{
    const PyThreadState *now = _PyThreadState_UncheckedGet();
    return now != NULL && now == PyGILState_GetThisThreadState() &&
           now->interp == PyInterpreterState_Main();
}

static uint32_t leaf(struct ml_heap_thread *t)
{
    struct ml_line *lines[DEEPEST];
    PyObject *type, *error, *trace;
    if (!in_main_interpreter())
        return 0;
    PyErr_Fetch(&type, &error, &trace);
    bool may_judge = t->busy == ML_HEAP_IN_PYTHON || ml_hooks_alone();
    unsigned n = lines_on_stack(lines, ml_heap_paths, may_judge);
    uint32_t scope = ml_py_scopes ? ml_py_scope_here() : 0;
    uint32_t site = n == 0 ? ML_SITE_OUTSIDE : 0;
    while (n > 0)
        site = ml_heap_site(lines[--n], scope, ml_heap_paths ? site : 0);
    PyErr_Restore(type, error, trace);
    t->python = 1;
    return site;
}

void ml_leaf_init(void)
{
    ml_sampler_leaf = leaf;
}
