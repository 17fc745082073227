/* py/py_heap.c -- see py_heap.h. SPDX-License-Identifier: MIT */
#include "py/py_heap.h"

#include "core/native.h"
#include "core/sampler.h"
#include "py/py_hooks.h"
#include "py/py_limit.h"
#include "py/py_report.h"

#include <string.h>

bool ml_py_scopes;
static PyObject *scope_var; /* owned: the context variable that holds the scope's id */

/* --- on and off ---------------------------------------------------------------------------------------- */

static PyObject *heap_start(PyObject *module, PyObject *args, PyObject *kw)
{
    static char *names[] = {"mode", "paths", "rate", "seed", "native", "inherit", NULL};
    const char *mode;
    int paths = 0, native = 0, inherit = 0;
    unsigned long long rate = 0, seed = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "s|pKKpp:heap_start", names, &mode, &paths, &rate,
                                     &seed, &native, &inherit))
        return NULL;
    struct ml_book *book = ml_py_book();
    if (book == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no book is open; call book_open first");
        return NULL;
    }
    bool sample = strcmp(mode, "sample") == 0;
    if (!sample && strcmp(mode, "heap") != 0)
        return PyErr_Format(PyExc_ValueError, "unknown mode '%s'; use heap or sample", mode);
    ml_heap_paths = paths != 0;
    ml_sampler_set(rate, seed);
    ml_native_inherit(inherit != 0);
    int rc = ml_heap_start(book, sample ? ML_HEAP_SAMPLE : ML_HEAP_EXACT);
    if (rc != ML_OK) {
        struct ml_error e;
        ml_fail(&e, rc, "cannot account for the heap in book '%s': %s", ml_book_path(book),
                ml_status_text(rc));
        return ml_py_raise(&e);
    }
    ml_hooks_install();
    if (native &&
        ml_native_install(NULL) == ML_OK) /* a static program: only Python's blocks are seen */
        atomic_store(&ml_heap_totals->native, 1);
    if (ml_py_book_lines(module, !sample) < 0)
        return NULL;
    Py_RETURN_NONE;
}

void ml_py_heap_close(void)
{
    ml_heap_stop();
    ml_hooks_remove();
    ml_native_uninstall();
    ml_py_scopes = false;
}

static PyObject *heap_stop(PyObject *module, PyObject *unused)
{
    ml_py_heap_close();
    if (ml_py_book_lines(module, true) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *heap_live(PyObject *module, PyObject *unused)
{
    return PyLong_FromLongLong(ml_heap_live());
}

/* What this thread has allocated and not freed now, and the highest of that since the last mark. Lines that
 * are measured set marks of their own. */
static PyObject *heap_mark(PyObject *module, PyObject *unused)
{
    struct ml_heap_thread *t = ml_heap_thread();
    if (t == NULL)
        return Py_BuildValue("(ii)", 0, 0);
    long long high = ml_heap_mark(t);
    return Py_BuildValue("(LL)", (long long)atomic_load(&t->net_bytes), high);
}

static const char *mode_name(void)
{
    switch (atomic_load(&ml_heap_mode_now)) {
    case ML_HEAP_EXACT:
        return "heap";
    case ML_HEAP_SAMPLE:
        return "sample";
    default:
        return "line";
    }
}

static PyObject *heap_status(PyObject *module, PyObject *unused)
{
    const struct ml_heap_thread *t = ml_heap_mine;
    return Py_BuildValue("{s:s,s:L,s:L,s:K,s:K,s:K,s:K,s:O,s:O}", "mode", mode_name(), "live_bytes",
                         (long long)ml_heap_live(), "thread_net_bytes",
                         (long long)(t != NULL ? atomic_load(&t->net_bytes) : 0), "foreign_frees",
                         (unsigned long long)atomic_load(&ml_heap_totals->foreign_frees),
                         "stale_blocks",
                         (unsigned long long)atomic_load(&ml_heap_totals->stale_blocks),
                         "ledger_bytes", (unsigned long long)ml_ledger_mapped(),
                         "ledger_resident_bytes", (unsigned long long)ml_ledger_resident(),
                         "hooks_on_top", ml_hooks_on_top() ? Py_True : Py_False, "native",
                         atomic_load(&ml_heap_totals->native) != 0 ? Py_True : Py_False);
}

static PyObject *own_allocators(const struct ml_elf_counts *elf)
{
    PyObject *names = PyList_New(0);
    for (uint32_t i = 0; names != NULL && i < elf->others && i < ML_ELF_OTHERS; i++) {
        PyObject *name = PyUnicode_DecodeFSDefault(elf->other_names[i]);
        if (name == NULL || PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *native_report(PyObject *module, PyObject *unused)
{
    struct ml_native_report r;
    ml_native_report(&r);
    PyObject *names = own_allocators(&r.elf);
    if (names == NULL)
        return NULL;
    return Py_BuildValue("{s:O,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:N,s:K}", "installed",
                         r.installed ? Py_True : Py_False, "provider", r.provider, "objects",
                         r.elf.objects, "patched", r.elf.patched, "slots", r.elf.slots, "waiting",
                         r.elf.waiting, "other", r.elf.other, "refused", r.elf.refused,
                         "n_own_allocators", r.elf.others, "own_allocators", names, "lost_maps",
                         (unsigned long long)r.maps.lost);
}

/* --- scopes ----------------------------------------------------------------------------------------------- */

uint32_t ml_py_scope_here(void)
{
    PyObject *value = NULL;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace); /* an exception may be under way */
    unsigned long id = 0;
    if (PyContextVar_Get(scope_var, NULL, &value) == 0 && value != NULL)
        id = PyLong_AsUnsignedLong(value);
    Py_XDECREF(value);
    PyErr_Restore(type, error, trace);
    return (uint32_t)id;
}

static struct ml_str slice(const char *text, Py_ssize_t n)
{
    return (struct ml_str){text, (size_t)n};
}

static PyObject *scope_open(PyObject *module, PyObject *args)
{
    const char *name, *key;
    Py_ssize_t name_n, key_n;
    if (!PyArg_ParseTuple(args, "s#s#:scope_open", &name, &name_n, &key, &key_n))
        return NULL;
    uint32_t id = ml_heap_scope_open(slice(name, name_n), slice(key, key_n), ml_py_scope_here());
    ml_py_scopes = ml_py_scopes || id != 0;
    return PyLong_FromUnsignedLong(id);
}

static PyObject *scope_enter(PyObject *module, PyObject *arg)
{
    unsigned long id = PyLong_AsUnsignedLong(arg);
    if (id == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    PyObject *token = PyContextVar_Set(scope_var, arg);
    struct ml_thread *t = token != NULL ? ml_thread_get() : NULL;
    if (t != NULL)
        ml_scope_in(t, (uint32_t)id);
    return token;
}

/* The context in which the scope was entered may be gone (a generator finished elsewhere): then there is
 * nothing to put back. */
static PyObject *scope_exit(PyObject *module, PyObject *token)
{
    if (PyContextVar_Reset(scope_var, token) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return NULL;
        PyErr_Clear();
    }
    struct ml_thread *t = ml_thread_get();
    if (t != NULL)
        ml_scope_in(t, ml_py_scope_here());
    Py_RETURN_NONE;
}

/* For code that runs in a context of its own, without touching the context: the scope from now on. */
static PyObject *scope_switch(PyObject *module, PyObject *arg)
{
    unsigned long id = PyLong_AsUnsignedLong(arg);
    if (id == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    struct ml_thread *t = ml_thread_get();
    uint32_t before = t != NULL ? ml_scope_in(t, (uint32_t)id) : 0;
    return PyLong_FromUnsignedLong(before);
}

static PyObject *figures(const struct ml_scope_figures *f)
{
    return Py_BuildValue("{s:L,s:L,s:K,s:L}", "net_bytes", (long long)f->net_bytes, "peak_bytes",
                         (long long)f->peak_bytes, "alloc_bytes",
                         (unsigned long long)f->alloc_bytes, "held_bytes",
                         (long long)f->held_bytes);
}

static PyObject *scope_ask(PyObject *arg, void (*ask)(struct ml_heap_thread *t, uint32_t id,
                                                      struct ml_scope_figures *out))
{
    unsigned long id = PyLong_AsUnsignedLong(arg);
    struct ml_scope_figures f;
    if (id == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    ask(ml_heap_thread(), (uint32_t)id, &f);
    return figures(&f);
}

static PyObject *scope_read(PyObject *module, PyObject *arg)
{
    return scope_ask(arg, ml_heap_scope_read);
}

static PyObject *scope_close(PyObject *module, PyObject *arg)
{
    PyObject *told = scope_ask(arg, ml_heap_scope_close);
    if (told != NULL && ml_py_scope_here() == 0) /* it was within no other */
        ml_py_limit_run_ended();
    return told;
}

static PyObject *scope_lines(PyObject *module, PyObject *arg)
{
    unsigned long id = PyLong_AsUnsignedLong(arg);
    if (id == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    struct ml_heap_thread *t = ml_heap_thread();
    if (t != NULL)
        ml_heap_switch(t, atomic_load(&t->site)); /* nothing pending */
    PyObject *list = PyList_New(0);
    struct ml_scope_line line = {0};
    while (list != NULL && ml_heap_scope_line(ml_py_book(), (uint32_t)id, &line)) {
        const struct ml_account *a = line.account;
        PyObject *row = ml_py_place_of(line.line);
        if (row == NULL && !PyErr_Occurred())
            continue; /* not a line of this book */
        if (row != NULL)
            row = Py_BuildValue("(NKLKKLL)", row, (unsigned long long)atomic_load(&a->hits),
                                (long long)atomic_load(&a->net_bytes),
                                (unsigned long long)atomic_load(&a->peak_bytes),
                                (unsigned long long)line.alloc_bytes, (long long)line.held_bytes,
                                (long long)atomic_load(&a->rss_net_bytes));
        if (row == NULL || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *scope_current(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLong(ml_py_scope_here());
}

static PyMethodDef methods[] = {
    {"heap_start", (PyCFunction)(void (*)(void))heap_start, METH_VARARGS | METH_KEYWORDS,
     "heap_start(mode, paths=False, rate=0, seed=0, native=False, "
     "inherit=False)\n--\n\nAccount for the heap, "
     "mode 'heap' "
     "(exact) "
     "or 'sample', in the open book."},
    {"heap_stop", heap_stop, METH_NOARGS, "heap_stop()\n--\n\nAccount no longer."},
    {"heap_live", heap_live, METH_NOARGS,
     "heap_live()\n--\n\nBytes allocated minus freed since heap_start, by all threads."},
    {"heap_mark", heap_mark, METH_NOARGS,
     "heap_mark()\n--\n\n(net, high) of this thread: bytes now, and the highest since the last "
     "mark."},
    {"heap_status", heap_status, METH_NOARGS, "heap_status()\n--\n\nTotals, as a dict."},
    {"native_report", native_report, METH_NOARGS,
     "native_report()\n--\n\nWhat of native memory is seen, and what is not, as a dict."},
    {"scope_open", scope_open, METH_VARARGS,
     "scope_open(name, key)\n--\n\nA new scope's id; 0 while nothing is accounted for."},
    {"scope_enter", scope_enter, METH_O,
     "scope_enter(id)\n--\n\nRun this context in the scope; the token undoes it."},
    {"scope_exit", scope_exit, METH_O, "scope_exit(token)\n--\n\nBack to the scope before."},
    {"scope_switch", scope_switch, METH_O,
     "scope_switch(id)\n--\n\nThis thread charges the scope from now on; the id before."},
    {"scope_read", scope_read, METH_O, "scope_read(id)\n--\n\nA scope's figures so far."},
    {"scope_close", scope_close, METH_O, "scope_close(id)\n--\n\nEnd a scope; its figures."},
    {"scope_lines", scope_lines, METH_O,
     "scope_lines(id)\n--\n\nFigures of the scope's lines: those alive are of this moment."},
    {"scope_current", scope_current, METH_NOARGS, "scope_current()\n--\n\nThis context's scope."},
    {NULL, NULL, 0, NULL},
};

int ml_py_heap_init(PyObject *module)
{
    PyObject *zero = PyLong_FromLong(0);
    if (zero == NULL)
        return -1;
    if (scope_var == NULL)
        scope_var = PyContextVar_New("memline_scope", zero);
    ml_leaf_init();
    Py_DECREF(zero);
    return scope_var == NULL ? -1 : PyModule_AddFunctions(module, methods);
}
