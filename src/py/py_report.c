/* py/py_report.c -- see py_report.h. SPDX-License-Identifier: MIT */
#include "py/py_report.h"

#include "report/report.h"

PyObject *ml_py_raise(const struct ml_error *e)
{
    const char *hint = e->hint[0] != '\0' ? e->hint : ml_status_hint(e->status);
    PyObject *type = e->status == ML_ENOMEM                               ? PyExc_MemoryError
                     : e->status == ML_EINVALID || e->status == ML_EUSAGE ? PyExc_ValueError
                                                                          : PyExc_OSError;
    return PyErr_Format(type, "%s\n  try: %s", e->text, hint);
}

/* One book more in *sum. 0, or -1 with an exception. */
static int add_book(struct ml_snapshot **sum, PyObject *path)
{
    PyObject *bytes;
    struct ml_snapshot *s = NULL;
    struct ml_error e;
    if (!PyUnicode_FSConverter(path, &bytes))
        return -1;
    int rc = ml_snapshot_read(PyBytes_AS_STRING(bytes), &s, &e);
    Py_DECREF(bytes);
    if (rc == ML_OK && *sum != NULL) {
        rc = ml_snapshot_merge(*sum, s);
        ml_snapshot_free(s);
        if (rc != ML_OK)
            ml_fail(&e, rc, "cannot add up the books: %s", ml_status_text(rc));
    } else if (rc == ML_OK) {
        *sum = s;
    }
    if (rc != ML_OK)
        ml_py_raise(&e);
    return rc == ML_OK ? 0 : -1;
}

static int add_books(struct ml_snapshot **sum, PyObject *paths)
{
    PyObject *fast = PySequence_Fast(paths, "paths must be a sequence");
    int rc = fast != NULL ? 0 : -1;
    for (Py_ssize_t i = 0; rc == 0 && i < PySequence_Fast_GET_SIZE(fast); i++)
        rc = add_book(sum, PySequence_Fast_GET_ITEM(fast, i));
    Py_XDECREF(fast);
    if (rc == 0 && *sum == NULL) {
        PyErr_SetString(PyExc_ValueError, "report needs at least one book");
        rc = -1;
    }
    return rc;
}

static int set_options(struct ml_report_options *o, PyObject *options)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    struct ml_error e;
    while (options != NULL && PyDict_Next(options, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        const char *text = name != NULL ? PyUnicode_AsUTF8(value) : NULL;
        if (text == NULL)
            return -1;
        if (ml_report_set(o, name, text, &e) != ML_OK) {
            ml_py_raise(&e);
            return -1;
        }
    }
    return 0;
}

static PyObject *report(PyObject *module, PyObject *args, PyObject *kw)
{
    static char *names[] = {"paths", "format", "options", NULL};
    PyObject *paths, *options = NULL, *result = NULL;
    const char *format = "table";
    struct ml_snapshot *sum = NULL;
    struct ml_report_options o = {0};
    struct ml_buf out = {0};
    struct ml_error e;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "O|$sO!:report", names, &paths, &format,
                                     &PyDict_Type, &options))
        return NULL;
    if (set_options(&o, options) == 0 && add_books(&sum, paths) == 0) {
        if (ml_report(sum, format, &o, &out, &e) == ML_OK)
            result = PyUnicode_DecodeUTF8(out.p != NULL ? out.p : "", (Py_ssize_t)out.n, "replace");
        else
            ml_py_raise(&e);
    }
    ml_buf_free(&out);
    ml_snapshot_free(sum);
    return result;
}

/* "64KiB", "1.5 MB" or "4096" in bytes; None if it is none of these. */
static PyObject *size_parse(PyObject *module, PyObject *arg)
{
    const char *text = PyUnicode_Check(arg) ? PyUnicode_AsUTF8(arg) : NULL;
    uint64_t bytes;
    if (text != NULL && ml_size_parse(text, &bytes))
        return PyLong_FromUnsignedLongLong(bytes);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"size_parse", size_parse, METH_O,
     "size_parse(text)\n--\n\nBytes of '64KiB', '1.5 MB', '4096'; None for other texts."},
    {"report", (PyCFunction)(void (*)(void))report, METH_VARARGS | METH_KEYWORDS,
     "report(paths, *, format='table', options=None)\n--\n\nThe report of books, live or saved."},
    {NULL, NULL, 0, NULL},
};

int ml_py_report_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
