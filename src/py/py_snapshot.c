/* py/py_snapshot.c -- see py_snapshot.h. SPDX-License-Identifier: MIT */
#include "py/py_snapshot.h"

static PyObject *text(struct ml_str s)
{
    return PyUnicode_DecodeUTF8(s.p != NULL ? s.p : "", (Py_ssize_t)s.n, "surrogateescape");
}

/* Append a new reference and drop it. 0, or -1 with an exception. */
static int append(PyObject *list, PyObject *item)
{
    int rc = item != NULL ? PyList_Append(list, item) : -1;
    Py_XDECREF(item);
    return rc;
}

static PyObject *rows(const struct ml_function *f)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < f->n_rows; i++) {
        const struct ml_row *r = &f->rows[i];
        if (append(list, Py_BuildValue("(IKLK)", r->line, (unsigned long long)r->hits,
                                       (long long)r->rss_net_bytes,
                                       (unsigned long long)r->rss_max_bytes)) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *function(const struct ml_function *f)
{
    return Py_BuildValue("{s:N,s:N,s:I,s:I,s:N}", "file", text(f->file), "name", text(f->name),
                         "first_line", f->first_line, "last_line", f->last_line, "rows", rows(f));
}

PyObject *ml_py_snapshot_dict(const struct ml_snapshot *s)
{
    const struct ml_function *functions;
    size_t n = ml_snapshot_functions(s, &functions);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < n; i++)
        if (append(list, function(&functions[i])) < 0)
            Py_CLEAR(list);
    if (list == NULL)
        return NULL;
    return Py_BuildValue("{s:N,s:N,s:K,s:d,s:K}", "functions", list, "command",
                         text(ml_snapshot_meta(s, ML_STR("command"))), "pid",
                         (unsigned long long)ml_snapshot_pid(s), "start",
                         (double)ml_snapshot_start_ns(s) / 1e9, "lost",
                         (unsigned long long)ml_snapshot_lost(s));
}
