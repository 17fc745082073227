/* py/py_recorder.c -- see py_recorder.h; the contract for Python stands in python/memline/_core.pyi.
 *
 * Who keeps whom: a code object's slot keeps the recorders of its probes (struct ml_recorder), a
 * recorder keeps its Python callbacks; the type Recorder is only a handle on both.
 * SPDX-License-Identifier: MIT */
#include "py/py_recorder.h"

#include "base/mem.h"
#include "py/engine.h"
#include "py/events.h"
#include "py/meter.h"

#include <stdlib.h>

/* What a struct ml_recorder carries for Python; its `owner`. */
struct glue {
    PyObject *on_call; /* owned, or NULL */
    PyObject *on_max;  /* owned, or NULL */
    unsigned started;
};

struct recorder_object {
    PyObject_HEAD
    struct ml_recorder *r; /* owned reference */
    PyObject *codes;       /* owned list: code objects added, kept while the handle lives */
};

/* --- figures to Python ----------------------------------------------------------------------------- */

static int by_order(const void *a, const void *b)
{
    const struct ml_line *const *x = a, *const *y = b;
    uint64_t ox = (*x)->order, oy = (*y)->order;
    return ox != oy ? (ox > oy) - (ox < oy) : (*x > *y) - (*x < *y);
}

static PyObject *row(const struct ml_sheet *s, const struct ml_line *l)
{
    size_t i = (size_t)(l - s->lines);
    return Py_BuildValue("(IKLKL)", s->first_line + (unsigned)i, (unsigned long long)l->hits,
                         (long long)l->rss_net_bytes, (unsigned long long)l->rss_max_bytes,
                         s->peak_bytes != NULL ? (long long)s->peak_bytes[i] : 0LL);
}

/* Lines that ran, in the order of their first hit. New list. */
static PyObject *rows_of(const struct ml_sheet *s)
{
    PyObject *list = PyList_New(0);
    if (list == NULL || s == NULL)
        return list;
    size_t n = 0;
    const struct ml_line **ran = ml_calloc(s->n_lines, sizeof(struct ml_line *));
    if (ran == NULL) {
        Py_DECREF(list);
        return PyErr_NoMemory();
    }
    for (uint32_t i = 0; i < s->n_lines; i++)
        if (s->lines[i].hits != 0 || s->lines[i].rss_max_bytes != 0)
            ran[n++] = &s->lines[i];
    qsort(ran, n, sizeof *ran, by_order);
    for (size_t i = 0; i < n && list != NULL; i++) {
        PyObject *item = row(s, ran[i]);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    ml_free(ran);
    return list;
}

static PyObject *entry_of(const struct ml_sheet *s)
{
    if (s == NULL || s->calls == 0)
        Py_RETURN_NONE;
    return Py_BuildValue("(KLL)", (unsigned long long)s->calls, (long long)s->first_bytes,
                         (long long)s->max_bytes);
}

/* --- callbacks -------------------------------------------------------------------------------------- */

/* Call f; its errors are the profiler's, not the program's, except those that mean to end it. */
static void call_quietly(PyObject *f, PyObject *args)
{
    PyObject *r = args != NULL ? PyObject_CallObject(f, args) : NULL;
    Py_XDECREF(r);
    if (r == NULL && !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) &&
        !PyErr_ExceptionMatches(PyExc_SystemExit))
        PyErr_WriteUnraisable(f);
}

/* [(code, entry, rows)] of the top-level codes that ran. */
static PyObject *call_to_list(const struct ml_call *call)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < call->n_sheets; i++) {
        const struct ml_sheet *s = call->sheets[i];
        PyObject *code = (PyObject *)call->recorder->tops[i].user;
        if (s == NULL || code == NULL)
            continue;
        PyObject *item = Py_BuildValue("(ONN)", code, entry_of(s), rows_of(s));
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static void call_ended(struct ml_recorder *r, struct ml_call *call)
{
    struct glue *g = r->owner;
    if (g->on_call == NULL)
        return;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace); /* the program's exception in flight */
    PyObject *list = call_to_list(call);
    PyObject *f = g->on_call;
    Py_INCREF(f);
    PyObject *args = list != NULL ? PyTuple_Pack(1, list) : NULL;
    call_quietly(f, args);
    Py_XDECREF(args);
    Py_XDECREF(list);
    Py_DECREF(f);
    if (PyErr_Occurred() == NULL) {
        PyErr_Restore(type, value, trace);
        return;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static void limit_reached(struct ml_recorder *r, int64_t bytes)
{
    struct glue *g = r->owner;
    PyObject *frame = (PyObject *)PyEval_GetFrame(); /* borrowed */
    if (g->on_max == NULL || frame == NULL)
        return;
    PyObject *f = g->on_max;
    Py_INCREF(f);
    PyObject *args = Py_BuildValue("(OL)", frame, (long long)bytes);
    call_quietly(f, args);
    Py_XDECREF(args);
    Py_DECREF(f);
}

static void recorder_freed(struct ml_recorder *r)
{
    struct glue *g = r->owner;
    Py_XDECREF(g->on_call);
    Py_XDECREF(g->on_max);
    ml_free(g);
}

/* --- the type ----------------------------------------------------------------------------------------- */

static int set_callback(PyObject **field, PyObject *f, const char *name)
{
    if (f == NULL || f == Py_None)
        return 0;
    if (!PyCallable_Check(f)) {
        PyErr_Format(PyExc_TypeError, "%s must be callable", name);
        return -1;
    }
    Py_INCREF(f);
    *field = f;
    return 0;
}

static PyObject *recorder_new(PyTypeObject *type, PyObject *args, PyObject *kw)
{
    static char *names[] = {"meter",     "include_children", "per_call", "on_call",
                            "max_bytes", "on_max",           NULL};
    const char *meter = "rss";
    int children = 0, per_call = 0;
    PyObject *on_call = NULL, *max_bytes = NULL, *on_max = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "|$sppOOO:Recorder", names, &meter, &children,
                                     &per_call, &on_call, &max_bytes, &on_max))
        return NULL;
    struct recorder_object *self = (struct recorder_object *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    struct glue *g = ml_calloc(1, sizeof *g);
    self->codes = PyList_New(0);
    if (g == NULL || self->codes == NULL || ml_recorder_new(per_call, &self->r) != ML_OK) {
        ml_free(g);
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    self->r->owner = g;
    self->r->on_free = recorder_freed;
    self->r->on_end = per_call ? call_ended : NULL;
    self->r->on_max = limit_reached;
    if (max_bytes != NULL && max_bytes != Py_None)
        self->r->max_bytes = PyLong_AsLongLong(max_bytes);
    if (PyErr_Occurred() || set_callback(&g->on_call, on_call, "on_call") < 0 ||
        set_callback(&g->on_max, on_max, "on_max") < 0 ||
        ml_meter_set(self->r, meter, children) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int recorder_traverse(PyObject *op, visitproc visit, void *arg)
{
    struct recorder_object *self = (struct recorder_object *)op;
    Py_VISIT(self->codes);
#if PY_VERSION_HEX >= 0x03090000
    Py_VISIT(Py_TYPE(op));
#endif
    return 0;
}

static int recorder_clear(PyObject *op)
{
    struct recorder_object *self = (struct recorder_object *)op;
    Py_CLEAR(self->codes);
    return 0;
}

static void recorder_dealloc(PyObject *op)
{
    struct recorder_object *self = (struct recorder_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    recorder_clear(op);
    ml_recorder_unref(self->r);
    type->tp_free(op);
    Py_DECREF(type);
}

int ml_py_activate(struct ml_code *c, bool on)
{
    c->active += on ? 1 : -1u;
    return ml_engine_watch(c);
}

static int start_probe(struct ml_code *c, struct ml_probe *p, unsigned by)
{
    bool was = ml_probe_active(p);
    p->started += by;
    return !was && ml_probe_active(p) ? ml_py_activate(c, true) : 0;
}

static int add_code(struct ml_recorder *r, PyCodeObject *code, PyCodeObject *top, struct ml_code *c)
{
    size_t index;
    if (top != NULL) {
        const struct ml_code *outer = ml_code_find(top);
        const struct ml_probe *p = outer != NULL ? ml_code_probe(outer, r) : NULL;
        if (p == NULL) {
            PyErr_SetString(PyExc_ValueError, "top was not added to this recorder");
            return -1;
        }
        return ml_code_add_probe(c, r, p->top, false);
    }
    uint32_t first, last;
    if (ml_code_lines(code, true, &first, &last) < 0)
        return -1;
    struct ml_top t = {.first_line = first, .n_lines = last - first + 1, .user = code};
    if (ml_recorder_add(r, &t, &index) != ML_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return ml_code_add_probe(c, r, index, true);
}

static PyObject *recorder_add(PyObject *op, PyObject *args, PyObject *kw)
{
    static char *names[] = {"code", "top", "always", "within", NULL};
    struct recorder_object *self = (struct recorder_object *)op;
    PyObject *code, *top = NULL;
    int always = 0, within = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "O!|O$pp:add", names, &PyCode_Type, &code, &top,
                                     &always, &within))
        return NULL;
    if (top == Py_None)
        top = NULL;
    if (top != NULL && !PyCode_Check(top)) {
        PyErr_SetString(PyExc_TypeError, "top must be a code object or None");
        return NULL;
    }
    struct ml_code *c = ml_code_get((PyCodeObject *)code);
    if (c == NULL)
        return NULL;
    struct ml_probe *p = ml_code_probe(c, self->r);
    if (p == NULL) {
        if (add_code(self->r, (PyCodeObject *)code, (PyCodeObject *)top, c) < 0)
            return NULL;
        p = ml_code_probe(c, self->r);
        if (!self->r->per_call && PyList_Append(self->codes, code) < 0)
            return NULL;
        const struct glue *g = self->r->owner;
        if (start_probe(c, p, g->started) < 0)
            return NULL;
    }
    if (always && !p->always) {
        bool was = ml_probe_active(p);
        p->always = true;
        p->within = within;
        if (!was && ml_py_activate(c, true) < 0)
            return NULL;
    }
    if (always && !within)
        p->within = false;
    Py_RETURN_NONE;
}

/* Every probe of the recorder at the codes that the handle keeps. */
static int start_all(const struct recorder_object *self, unsigned by)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(self->codes); i++) {
        struct ml_code *c = ml_code_find((PyCodeObject *)PyList_GET_ITEM(self->codes, i));
        struct ml_probe *p = c != NULL ? ml_code_probe(c, self->r) : NULL;
        if (p == NULL)
            continue;
        bool was = ml_probe_active(p);
        p->started += by;
        if (was != ml_probe_active(p) && ml_py_activate(c, !was) < 0)
            return -1;
    }
    return 0;
}

static PyObject *recorder_start(PyObject *op, PyObject *unused)
{
    struct recorder_object *self = (struct recorder_object *)op;
    struct glue *g = self->r->owner;
    if (start_all(self, 1) < 0 || ml_engine_thread_on() < 0)
        return NULL;
    g->started++;
    Py_RETURN_NONE;
}

static PyObject *recorder_stop(PyObject *op, PyObject *unused)
{
    struct recorder_object *self = (struct recorder_object *)op;
    struct glue *g = self->r->owner;
    if (g->started == 0)
        Py_RETURN_NONE;
    if (--g->started == 0)
        ml_event_stop(self->r);
    ml_engine_thread_off();
    if (start_all(self, -1u) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* The accumulated sheet of a top-level code, or NULL. */
static const struct ml_sheet *find_sheet(const struct ml_recorder *r, PyObject *code)
{
    const struct ml_code *c = PyCode_Check(code) ? ml_code_find((PyCodeObject *)code) : NULL;
    const struct ml_probe *p = c != NULL ? ml_code_probe(c, r) : NULL;
    const struct ml_call *total = r->total;
    return p != NULL && total != NULL && p->top < total->n_sheets ? total->sheets[p->top] : NULL;
}

static PyObject *recorder_rows(PyObject *op, PyObject *code)
{
    return rows_of(find_sheet(((struct recorder_object *)op)->r, code));
}

static PyObject *recorder_entry(PyObject *op, PyObject *code)
{
    return entry_of(find_sheet(((struct recorder_object *)op)->r, code));
}

static PyObject *recorder_clear_figures(PyObject *op, PyObject *unused)
{
    ml_recorder_clear(((struct recorder_object *)op)->r);
    Py_RETURN_NONE;
}

static PyMethodDef recorder_methods[] = {
    {"add", (PyCFunction)(void (*)(void))recorder_add, METH_VARARGS | METH_KEYWORDS,
     "add(code, top=None, *, always=False, within=False)\n--\n\nMeasure a code object; "
     "idempotent."},
    {"start", recorder_start, METH_NOARGS, "start()\n--\n\nMeasure until the matching stop()."},
    {"stop", recorder_stop, METH_NOARGS, "stop()\n--\n\nUndo one start()."},
    {"rows", recorder_rows, METH_O,
     "rows(code)\n--\n\n(line, hits, net, max, peak) of a top-level code, bytes, by first hit."},
    {"entry", recorder_entry, METH_O,
     "entry(code)\n--\n\n(calls, first bytes, max bytes) at entry, or None."},
    {"clear", recorder_clear_figures, METH_NOARGS, "clear()\n--\n\nSet all figures to zero."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot recorder_slots[] = {
    {Py_tp_doc, "Counts hits and memory change of each line of the code objects added to it."},
    {Py_tp_new, recorder_new},
    {Py_tp_dealloc, recorder_dealloc},
    {Py_tp_traverse, recorder_traverse},
    {Py_tp_clear, recorder_clear},
    {Py_tp_methods, recorder_methods},
    {0, NULL},
};

static PyType_Spec recorder_spec = {
    .name = "memline._core.Recorder",
    .basicsize = sizeof(struct recorder_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = recorder_slots,
};

int ml_py_recorder_init(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&recorder_spec);
    if (type == NULL || PyModule_AddObject(module, "Recorder", type) < 0) {
        Py_XDECREF(type);
        return -1;
    }
    return 0;
}
