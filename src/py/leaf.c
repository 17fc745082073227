/* py/leaf.c -- sample mode: the line that is running, found when a sample is taken.
 *
 * No line events are needed, so a line costs nothing. The hook that calls us may stand anywhere inside the
 * interpreter: frames are read where they lie. A code object seen for the first time is judged and booked
 * here, which makes a few small strings; the thread is marked busy, so that they are not counted, and no
 * collection can begin. SPDX-License-Identifier: MIT */
#include "py/pyframes.h"

#include "core/sampler.h"
#include "py/py_heap.h"
#include "py/select.h"

enum { DEEPEST = 64 }; /* own frames of a call path */

/* The line of the book on which the frame stands; NULL if the code is not the user's. */
static struct ml_line *line_of(ml_pyframe *f)
{
    PyCodeObject *code = ml_pyframe_code(f);
    const struct ml_code *c = ml_code_find(code);
    if (c == NULL || !c->judged)
        c = ml_select_judge(code);
    const struct ml_sheet *s = c != NULL ? ml_select_sheet(c) : NULL;
    if (s == NULL)
        return NULL;
    int line = PyCode_Addr2Line(code, ml_pyframe_at(f));
    return line > 0 ? ml_sheet_line(s, (uint32_t)line) : NULL;
}

/* The user's lines on the stack, innermost first; with `all` false only the innermost one. */
static unsigned lines_on_stack(struct ml_line **lines, bool all)
{
    unsigned n = 0;
    for (ml_pyframe *f = ml_pyframe_first(PyThreadState_Get()); f != NULL && n < DEEPEST;
         f = ml_pyframe_back(f)) {
        lines[n] = line_of(f);
        if (lines[n] != NULL && (++n, !all))
            break;
    }
    return n;
}

static uint32_t leaf(struct ml_heap_thread *t)
{
    struct ml_line *lines[DEEPEST];
    PyObject *type, *error, *trace;
    if (!PyGILState_Check())
        return 0;
    PyErr_Fetch(&type, &error, &trace);
    unsigned n = lines_on_stack(lines, ml_heap_paths);
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
