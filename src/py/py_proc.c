/* py/py_proc.c -- see py_proc.h.
 *
 * Interpreter lock: reads that take longer than a microsecond or two, and everything that waits for
 * the watch's thread, run without it. Watcher.busy keeps a second thread out meanwhile; the lock guards
 * it (on a free-threaded build it would have to become atomic).
 * SPDX-License-Identifier: MIT */
#include "py/py_proc.h"

#include "core/proc.h"
#include "core/proc_tree.h"
#include "core/watch.h"

#include <errno.h>
#include <math.h>

/* --- arguments and errors ---------------------------------------------------------------------- */

/* OSError's constructor makes ProcessLookupError and PermissionError out of the errno value. */
static PyObject *raise_error(const struct ml_error *e)
{
    static const int errnos[][2] = {{ML_ENOTFOUND, ESRCH}, {ML_EDENIED, EACCES}, {ML_EIO, EIO}};
    if (e->status == ML_ENOMEM)
        return PyErr_NoMemory();
    int err = EIO;
    for (size_t i = 0; i < sizeof errnos / sizeof errnos[0]; i++)
        if (errnos[i][0] == e->status)
            err = errnos[i][1];
    PyObject *error = PyObject_CallFunction(PyExc_OSError, "is", err, e->text);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return NULL;
}

static PyObject *raise_status(int status, const char *what)
{
    struct ml_error e;
    ml_fail(&e, status, "%s: %s", what, ml_status_text(status));
    return raise_error(&e);
}

/* -1 is this process, which the core calls 0. */
static int get_pid(int pid, int32_t *out)
{
    if (pid < -1 || pid == 0) {
        PyErr_Format(PyExc_ValueError, "pid must be a process id, or -1 for this process; not %d",
                     pid);
        return -1;
    }
    *out = pid == -1 ? 0 : pid;
    return 0;
}

static int get_kind(const char *name, enum ml_mem_kind *out)
{
    if (name == NULL) {
        *out = ML_MEM_RSS;
        return 0;
    }
    if (ml_mem_kind_find(name, out) == ML_OK)
        return 0;
    PyErr_Format(PyExc_ValueError, "kind must be 'rss', 'pss' or 'uss', not '%s'", name);
    return -1;
}

struct target {
    int32_t pid;
    enum ml_mem_kind kind;
};

static int get_target(PyObject *args, PyObject *kwargs, const char *format, struct target *out)
{
    static char *keywords[] = {"pid", "kind", NULL};
    int pid = -1;
    const char *kind = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, keywords, &pid, &kind))
        return -1;
    return get_pid(pid, &out->pid) != 0 ? -1 : get_kind(kind, &out->kind);
}

/* --- functions --------------------------------------------------------------------------------- */

static PyObject *memory(PyObject *module, PyObject *args, PyObject *kwargs)
{
    struct target t;
    struct ml_error e;
    uint64_t bytes = 0;
    int rc;
    if (get_target(args, kwargs, "|is:memory", &t) != 0)
        return NULL;
    if (t.kind == ML_MEM_RSS && t.pid == 0) { /* quicker than giving the lock away */
        rc = ml_proc_memory(0, ML_MEM_RSS, &bytes, &e);
    } else {
        Py_BEGIN_ALLOW_THREADS rc = ml_proc_memory(t.pid, t.kind, &bytes, &e);
        Py_END_ALLOW_THREADS
    }
    return rc == ML_OK ? PyLong_FromUnsignedLongLong(bytes) : raise_error(&e);
}

static PyObject *members(const struct ml_proc_list *l)
{
    PyObject *out = PyList_New((Py_ssize_t)l->n);
    for (size_t i = 0; out != NULL && i < l->n; i++) {
        PyObject *pair = Py_BuildValue("(iK)", (int)l->at[i].pid,
                                       (unsigned long long)l->at[i].bytes);
        if (pair == NULL)
            Py_CLEAR(out);
        else
            PyList_SET_ITEM(out, (Py_ssize_t)i, pair);
    }
    return out;
}

static PyObject *children_memory(PyObject *module, PyObject *args, PyObject *kwargs)
{
    struct target t;
    struct ml_proc_list list = {0};
    int rc;
    if (get_target(args, kwargs, "|is:children_memory", &t) != 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS rc = ml_proc_tree(t.pid, t.kind, &list);
    Py_END_ALLOW_THREADS PyObject *out = rc == ML_OK
                                             ? members(&list)
                                             : raise_status(rc, "cannot find the child processes");
    ml_proc_list_free(&list);
    return out;
}

static PyObject *peak_memory(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"pid", NULL};
    struct ml_error e;
    uint64_t bytes = 0;
    int number = -1;
    int32_t pid;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|i:peak_memory", keywords, &number) ||
        get_pid(number, &pid) != 0)
        return NULL;
    return ml_proc_peak(pid, &bytes, &e) == ML_OK ? PyLong_FromUnsignedLongLong(bytes)
                                                  : raise_error(&e);
}

static PyObject *peak_reset(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(ml_watch_peak_reset() == ML_OK);
}

/* --- class Watcher ----------------------------------------------------------------------------- */

struct watcher {
    PyObject_HEAD
    struct ml_watch *watch; /* owned; NULL until __init__ */
    bool busy;              /* a thread starts or stops it, without the interpreter lock */
};

static int get_interval(double seconds, uint64_t *out)
{
    if (!(seconds >= 0.0) || isinf(seconds)) {
        PyErr_SetString(PyExc_ValueError, "interval must be a number of seconds, 0 or more");
        return -1;
    }
    double most = 1e6; /* eleven days */
    *out = (uint64_t)((seconds < most ? seconds : most) * 1e9);
    return 0;
}

static int watcher_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"pid",        "interval", "kind", "include_children",
                               "each_child", "fd",       NULL};
    struct watcher *w = (struct watcher *)self;
    struct ml_watch_options o = {.fd = -1};
    int pid = -1;
    double interval = 0.1;
    const char *kind = NULL;
    int children = 0;
    int each_child = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|id$sppi:Watcher", keywords, &pid, &interval,
                                     &kind, &children, &each_child, &o.fd))
        return -1;
    if (get_pid(pid, &o.pid) != 0 || get_kind(kind, &o.kind) != 0 ||
        get_interval(interval, &o.interval_ns) != 0)
        return -1;
    o.children = children != 0;
    o.each_child = each_child != 0;
    o.records = o.fd >= 0;
    if (w->watch != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a Watcher is initialised once");
        return -1;
    }
    if (ml_watch_new(&o, &w->watch) != ML_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void watcher_dealloc(PyObject *self)
{
    struct watcher *w = (struct watcher *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (w->watch != NULL) {
        Py_BEGIN_ALLOW_THREADS ml_watch_free(w->watch);
        Py_END_ALLOW_THREADS
    }
    type->tp_free(self);
    Py_DECREF(type); /* instances of heap types own a reference */
}

/* True if w is ready to be started or stopped, and then marked as busy; else an exception is set. */
static bool claim(struct watcher *w)
{
    if (w->watch == NULL)
        PyErr_SetString(PyExc_RuntimeError, "Watcher.__init__ was not called");
    else if (w->busy)
        PyErr_SetString(PyExc_RuntimeError, "another thread starts or stops this Watcher");
    else
        w->busy = true;
    return !PyErr_Occurred();
}

static PyObject *watcher_start(PyObject *self, PyObject *unused)
{
    struct watcher *w = (struct watcher *)self;
    struct ml_error e;
    int rc;
    if (!claim(w))
        return NULL;
    Py_BEGIN_ALLOW_THREADS rc = ml_watch_start(w->watch, &e);
    Py_END_ALLOW_THREADS w->busy = false;
    if (rc == ML_EBUSY)
        return PyErr_Format(PyExc_RuntimeError, "a Watcher starts once");
    if (rc != ML_OK)
        return raise_error(&e);
    Py_RETURN_NONE;
}

static PyObject *samples(const struct ml_series *s)
{
    size_t n = ml_series_count(s);
    PyObject *out = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; out != NULL && i < n; i++) {
        struct ml_sample a = ml_series_get(s, i);
        PyObject *pair = Py_BuildValue("(Kd)", (unsigned long long)a.bytes,
                                       (double)a.wall_ns / 1e9);
        if (pair == NULL)
            Py_CLEAR(out);
        else
            PyList_SET_ITEM(out, (Py_ssize_t)i, pair);
    }
    return out;
}

static PyObject *watcher_stop(PyObject *self, PyObject *unused)
{
    struct watcher *w = (struct watcher *)self;
    if (!claim(w))
        return NULL;
    Py_BEGIN_ALLOW_THREADS ml_watch_stop(w->watch);
    Py_END_ALLOW_THREADS w->busy = false;
    return samples(ml_watch_series(w->watch));
}

static PyObject *watcher_ended(PyObject *self, void *unused)
{
    const struct watcher *w = (const struct watcher *)self;
    return PyBool_FromLong(w->watch != NULL && ml_watch_ended(w->watch));
}

static PyObject *watcher_lost(PyObject *self, void *unused)
{
    const struct watcher *w = (const struct watcher *)self;
    return PyLong_FromUnsignedLongLong(w->watch != NULL ? ml_watch_lost(w->watch) : 0);
}

#define ML_METHOD(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef watcher_methods[] = {
    {"start", watcher_start, METH_NOARGS,
     "Take the first sample and go on from a thread of its own. Raises as memory() does."},
    {"stop", watcher_stop, METH_NOARGS,
     "Take the last sample; the list of all as (bytes, time). Idempotent."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef watcher_getset[] = {
    {"ended", watcher_ended, NULL, "True once the process watched has ended.", NULL},
    {"lost", watcher_lost, NULL, "Records that could not be written, and samples not taken.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot watcher_slots[] = {
    {Py_tp_doc,
     (void *)"Samples a process's memory from a C thread that needs no interpreter lock."},
    {Py_tp_init, watcher_init},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, watcher_dealloc},
    {Py_tp_methods, watcher_methods},
    {Py_tp_getset, watcher_getset},
    {0, NULL},
};

static PyType_Spec watcher_spec = {
    .name = "memline._core.Watcher",
    .basicsize = sizeof(struct watcher),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = watcher_slots,
};

/* --- the module --------------------------------------------------------------------------------- */

static PyMethodDef functions[] = {
    {"memory", ML_METHOD(memory), METH_VARARGS | METH_KEYWORDS,
     "memory(pid=-1, kind='rss')\n--\n\nMemory of a process, bytes; -1 is this one."},
    {"children_memory", ML_METHOD(children_memory), METH_VARARGS | METH_KEYWORDS,
     "children_memory(pid=-1, kind='rss')\n--\n\n(pid, bytes) of every living descendant."},
    {"peak_memory", ML_METHOD(peak_memory), METH_VARARGS | METH_KEYWORDS,
     "peak_memory(pid=-1)\n--\n\nA process's resident high-water mark (VmHWM), bytes."},
    {"peak_reset", peak_reset, METH_NOARGS,
     "peak_reset()\n--\n\nSet this process's high-water mark back; False if not allowed."},
    {NULL, NULL, 0, NULL},
};

int ml_py_proc_init(PyObject *module)
{
    if (PyModule_AddFunctions(module, functions) != 0)
        return -1;
    PyObject *type = PyType_FromSpec(&watcher_spec);
    if (type == NULL)
        return -1;
    if (PyModule_AddObject(module, "Watcher", type) !=
        0) { /* takes the reference, if it succeeds */
        Py_DECREF(type);
        return -1;
    }
    return 0;
}
