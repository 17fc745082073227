/* py/meter.c -- see meter.h. SPDX-License-Identifier: MIT */
#include "py/meter.h"

#include "core/proc.h"
#include "core/proc_tree.h"

#include <string.h>

static struct ml_reading plain(int64_t bytes)
{
    return (struct ml_reading){.bytes = bytes, .peak_bytes = bytes};
}

static int64_t rss_now(void)
{
    struct ml_thread *t = ml_thread_get();
    return t != NULL ? ml_rss_read(&t->rss) : 0;
}

static int64_t memory_of_self(enum ml_mem_kind kind)
{
    uint64_t bytes = 0;
    return ml_proc_memory(0, kind, &bytes, NULL) == ML_OK ? (int64_t)bytes : rss_now();
}

static int64_t children(enum ml_mem_kind kind)
{
    static struct ml_proc_list list; /* kept for the next look; lock: the interpreter's */
    return ml_proc_tree(0, kind, &list) == ML_OK ? (int64_t)ml_proc_list_sum(&list) : 0;
}

static struct ml_reading read_plain(struct ml_recorder *r)
{
    return plain(rss_now());
}

static struct ml_reading read_rss_tree(struct ml_recorder *r)
{
    return plain(rss_now() + children(ML_MEM_RSS));
}

static struct ml_reading read_pss(struct ml_recorder *r)
{
    return plain(memory_of_self(ML_MEM_PSS));
}

static struct ml_reading read_pss_tree(struct ml_recorder *r)
{
    return plain(memory_of_self(ML_MEM_PSS) + children(ML_MEM_PSS));
}

static struct ml_reading read_uss(struct ml_recorder *r)
{
    return plain(memory_of_self(ML_MEM_USS));
}

static struct ml_reading read_uss_tree(struct ml_recorder *r)
{
    return plain(memory_of_self(ML_MEM_USS) + children(ML_MEM_USS));
}

/* --- tracemalloc -------------------------------------------------------------------------------------- */

static PyObject *get_traced_memory; /* owned */
static PyObject *reset_peak;        /* owned; NULL before 3.9 */

/* What the two calls allocate is freed before they return, so readings do not see each other. */
static struct ml_reading read_traced(struct ml_recorder *r)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    long long bytes = 0, peak = 0;
    PyObject *pair = PyObject_CallObject(get_traced_memory, NULL);
    if (pair != NULL && PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2) {
        bytes = PyLong_AsLongLong(PyTuple_GET_ITEM(pair, 0));
        peak = PyLong_AsLongLong(PyTuple_GET_ITEM(pair, 1));
    }
    Py_XDECREF(pair);
    if (reset_peak != NULL)
        Py_XDECREF(PyObject_CallObject(reset_peak, NULL));
    PyErr_Restore(type, value, trace);
    return (struct ml_reading){.bytes = bytes, .peak_bytes = reset_peak != NULL ? peak : bytes};
}

static int use_tracemalloc(struct ml_recorder *r)
{
    if (get_traced_memory == NULL) {
        PyObject *m = PyImport_ImportModule("tracemalloc");
        if (m == NULL)
            return -1;
        reset_peak = PyObject_GetAttrString(m, "reset_peak");
        if (reset_peak == NULL)
            PyErr_Clear();
        get_traced_memory = PyObject_GetAttrString(m, "get_traced_memory");
        Py_DECREF(m);
        if (get_traced_memory == NULL)
            return -1;
    }
    r->tells_peaks = reset_peak != NULL;
    return 0;
}

int ml_meter_set(struct ml_recorder *r, const char *name, bool with_children)
{
    static const struct {
        const char *name;
        struct ml_reading (*alone)(struct ml_recorder *r);
        struct ml_reading (*tree)(struct ml_recorder *r);
    } rows[] = {
        {"rss", NULL, read_rss_tree},
        {"rss-plain", read_plain, read_rss_tree},
        {"pss", read_pss, read_pss_tree},
        {"uss", read_uss, read_uss_tree},
        {"tracemalloc", read_traced, read_traced},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        r->read = with_children ? rows[i].tree : rows[i].alone;
        return r->read == read_traced ? use_tracemalloc(r) : 0;
    }
    PyErr_Format(PyExc_ValueError,
                 "unknown meter '%s'; choose 'rss', 'rss-plain', 'pss', 'uss' or 'tracemalloc'",
                 name);
    return -1;
}
