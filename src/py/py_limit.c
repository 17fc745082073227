/* py/py_limit.c -- see py_limit.h. SPDX-License-Identifier: MIT */
#include "py/py_limit.h"

#include "core/heap.h"
#include "core/limit_watch.h"
#include "core/rss.h"

#include <math.h>
#include <string.h>

_Atomic bool ml_py_limit_due;

static struct {
    _Atomic bool busy; /* somebody looks, or copies what was found */
    _Atomic bool on;
    struct ml_limit_watch watch;
    struct ml_limit_crossing found;
    _Atomic uint64_t runs; /* scopes ended */
    char root[256];
    PyObject *callback; /* owned; interpreter lock */
} the;

static bool take(void)
{
    return !atomic_exchange(&the.busy, true);
}

static void give(void)
{
    atomic_store(&the.busy, false);
}

/* --- looking: any thread, any locks; no Python, no allocation ------------------------------------------ */

static int tell_pending(void *unused)
{
    ml_py_limit_tell();
    return 0;
}

/* Two who come at once from below: the later one's threshold is the higher. */
static void note_in_book(const struct ml_limit_crossing *c)
{
    if (c->percent > atomic_load(&ml_heap_totals->limit_percent))
        atomic_store(&ml_heap_totals->limit_percent, c->percent);
}

/* Within take and give. True: a threshold was crossed, it stands in the.found. */
static bool look(uint64_t *use)
{
    struct ml_limit limit;
    bool crossed = ml_limit_check(&the.watch, ml_now_ns(), &the.found);
    *use = 0;
    if (crossed)
        note_in_book(&the.found);
    if (ml_limit_now(&the.watch, &limit, use))
        atomic_store(&ml_heap_totals->limit_bytes, limit.bytes);
    return crossed;
}

/* The use, 0: unknown. */
static uint64_t look_by_the_way(void)
{
    uint64_t use = 0;
    if (!atomic_load(&the.on) || !take())
        return 0;
    bool crossed = look(&use);
    give();
    if (crossed) {
        atomic_store(&ml_py_limit_due, true);
        Py_AddPendingCall(tell_pending, NULL); /* full: the next line event tells */
    }
    return use;
}

static void look_at_reading(void)
{
    look_by_the_way();
}

void ml_py_limit_run_ended(void)
{
    uint64_t runs = atomic_fetch_add(&the.runs, 1) + 1;
    if (!atomic_load(&the.on) || !take())
        return;
    the.watch.runs = runs - 1;
    ml_limit_run_ended(&the.watch, ml_now_ns());
    give();
}

void ml_py_limit_after_fork(void)
{
    the.watch = (struct ml_limit_watch){.root = the.root};
    atomic_store(&the.runs, 0);
    atomic_store(&ml_py_limit_due, false);
    give();
}

/* --- telling ------------------------------------------------------------------------------------------- */

static PyObject *interval(const struct ml_slope_answer *a)
{
    return Py_BuildValue("(ddd)", a->slope, a->lo, a->hi);
}

static PyObject *none_or(bool has, PyObject *(*make)(const struct ml_slope_answer *a),
                         const struct ml_slope_answer *a)
{
    if (has)
        return make(a);
    Py_RETURN_NONE;
}

static PyObject *runs_left(const struct ml_limit_crossing *c)
{
    if (!c->has_runs)
        Py_RETURN_NONE;
    return Py_BuildValue("(ddd)", c->runs_left, c->runs_left_lo, c->runs_left_hi);
}

static PyObject *crossing_dict(const struct ml_limit_crossing *c)
{
    return Py_BuildValue("{s:I,s:s,s:s,s:K,s:K,s:N,s:N,s:N}", "percent", (unsigned)c->percent,
                         "kind", ml_limit_kind_name(c->kind), "where", c->where, "limit_bytes",
                         (unsigned long long)c->limit_bytes, "use_bytes",
                         (unsigned long long)c->use_bytes, "rate",
                         none_or(c->has_rate, interval, &c->rate), "per_run",
                         none_or(c->has_runs, interval, &c->per_run), "runs_left", runs_left(c));
}

/* Memory of the callback's is memline's own: the thread counts nothing meanwhile. */
static void call_back(PyObject *crossing)
{
    struct ml_heap_thread *t = ml_heap_begin();
    PyObject *result = PyObject_CallFunctionObjArgs(the.callback, crossing, NULL);
    if (result == NULL)
        PyErr_WriteUnraisable(the.callback);
    Py_XDECREF(result);
    if (t != NULL)
        ml_heap_end(t);
}

void ml_py_limit_tell(void)
{
    if (!take()) /* a look is going on: the next visit tells */
        return;
    bool due = atomic_exchange(&ml_py_limit_due, false);
    struct ml_limit_crossing found = the.found;
    give();
    if (!due || the.callback == NULL)
        return;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *crossing = crossing_dict(&found);
    if (crossing != NULL)
        call_back(crossing);
    else
        PyErr_WriteUnraisable(NULL);
    Py_XDECREF(crossing);
    PyErr_Restore(type, value, trace);
}

/* --- from Python --------------------------------------------------------------------------------------- */

static void set_hooks(bool on)
{
    atomic_store(&the.on, on);
    ml_heap_on_look = on ? look_by_the_way : NULL;
    ml_rss_on_read = on ? look_at_reading : NULL;
}

static PyObject *limit_watch(PyObject *module, PyObject *args, PyObject *kw)
{
    static char *names[] = {"callback", "root", NULL};
    PyObject *callback;
    const char *root = "";
    if (!PyArg_ParseTupleAndKeywords(args, kw, "O|s:limit_watch", names, &callback, &root))
        return NULL;
    if (strlen(root) >= sizeof the.root)
        return PyErr_Format(PyExc_ValueError, "the path of the root is too long");
    set_hooks(false);
    while (!take()) /* a look without the interpreter lock takes some 100 us at most */
        continue;
    strcpy(the.root, root);
    the.watch = (struct ml_limit_watch){.root = the.root};
    give();
    PyObject *before = the.callback;
    the.callback = callback == Py_None ? NULL : callback;
    Py_XINCREF(the.callback);
    Py_XDECREF(before);
    set_hooks(the.callback != NULL);
    Py_RETURN_NONE;
}

static PyObject *limit_look(PyObject *module, PyObject *unused)
{
    look_by_the_way();
    ml_py_limit_visit();
    Py_RETURN_NONE;
}

static PyObject *limit_run_ended(PyObject *module, PyObject *unused)
{
    ml_py_limit_run_ended();
    Py_RETURN_NONE;
}

static PyObject *limit_dict(const struct ml_limits *l, const struct ml_limit *limit)
{
    char where[ML_LIMIT_WHERE];
    uint64_t use = 0;
    ml_limit_where(l, limit, where);
    bool known = ml_limit_use(l, limit, &use);
    PyObject *use_object = known ? PyLong_FromUnsignedLongLong(use) : Py_None;
    if (!known)
        Py_INCREF(Py_None);
    return Py_BuildValue("{s:s,s:s,s:K,s:N}", "kind", ml_limit_kind_name(limit->kind), "where",
                         where, "bytes", (unsigned long long)limit->bytes, "use_bytes", use_object);
}

static PyObject *limits(PyObject *module, PyObject *unused)
{
    struct ml_limits l;
    ml_limits_read(&l, "", 0);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < l.n && list != NULL; i++) {
        PyObject *item = limit_dict(&l, &l.all[i]);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyMethodDef methods[] = {
    {"limits", limits, METH_NOARGS,
     "limits()\n--\n\nThe memory limits of this process, lowest first, as dicts."},
    {"limit_watch", (PyCFunction)(void (*)(void))limit_watch, METH_VARARGS | METH_KEYWORDS,
     "limit_watch(callback, root='')\n--\n\nTell the callback when memory comes near its limit."},
    {"limit_look", limit_look, METH_NOARGS, "limit_look()\n--\n\nLook now, if it is time to."},
    {"limit_run_ended", limit_run_ended, METH_NOARGS,
     "limit_run_ended()\n--\n\nAn invocation has ended: its memory is a point of the forecast."},
    {NULL, NULL, 0, NULL},
};

int ml_py_limit_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
