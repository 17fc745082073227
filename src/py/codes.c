/* py/codes.c -- see codes.h. SPDX-License-Identifier: MIT */
#include "py/codes.h"

#include "base/mem.h"
#include "py/engine.h"

static Py_ssize_t slot = -1; /* our index in every code object */

static void code_free(void *p)
{
    struct ml_code *c = p;
    if (c == NULL)
        return;
    ml_engine_forget(c);
    for (uint32_t i = 0; i < c->n; i++) {
        struct ml_recorder *r = c->probes[i].recorder;
        if (c->probes[i].is_top)
            r->tops[c->probes[i].top].user = NULL; /* the code object is going */
        ml_recorder_unref(r);
    }
    Py_XDECREF(c->name);
    ml_free(c->probes);
    ml_free(c->resume);
    ml_free(c);
}

int ml_codes_init(void)
{
    if (slot >= 0)
        return 0;
    slot = ml_code_extra_index(code_free);
    if (slot >= 0)
        return 0;
    PyErr_SetString(PyExc_RuntimeError,
                    "memline: no free slot at code objects (too many tools use PEP 523)");
    return -1;
}

struct ml_code *ml_code_find(PyCodeObject *code)
{
    void *extra = NULL;
    if (ml_code_get_extra((PyObject *)code, slot, &extra) < 0)
        PyErr_Clear();
    return extra;
}

struct ml_code *ml_code_get(PyCodeObject *code)
{
    struct ml_code *c = ml_code_find(code);
    if (c != NULL)
        return c;
    c = ml_calloc(1, sizeof *c);
    if (c == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    c->code = code;
    if (ml_code_set_extra((PyObject *)code, slot, c) < 0) {
        ml_free(c);
        return NULL;
    }
    return c;
}

struct ml_probe *ml_code_probe(const struct ml_code *c, const struct ml_recorder *r)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (c->probes[i].recorder == r)
            return &c->probes[i];
    return NULL;
}

int ml_code_add_probe(struct ml_code *c, struct ml_recorder *r, size_t top, bool is_top)
{
    struct ml_probe *probes = ml_realloc(c->probes, c->n + 1u, sizeof *probes);
    if (probes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    c->probes = probes;
    probes[c->n++] = (struct ml_probe){.recorder = r, .top = (uint32_t)top, .is_top = is_top};
    ml_recorder_ref(r);
    c->keeps |= r->per_call;
    return 0;
}

/* --- lines --------------------------------------------------------------------------------------- */

static void widen(uint32_t *first, uint32_t *last, long line)
{
    if (line <= 0 || line > INT32_MAX)
        return;
    if ((uint32_t)line < *first)
        *first = (uint32_t)line;
    if ((uint32_t)line > *last)
        *last = (uint32_t)line;
}

#if PY_VERSION_HEX >= 0x030A0000
/* co_lines() gives (start, end, line or None); it came with PEP 626. */
static int own_lines(PyCodeObject *code, uint32_t *first, uint32_t *last)
{
    PyObject *it = PyObject_CallMethod((PyObject *)code, "co_lines", NULL);
    PyObject *item;
    while (it != NULL && (item = PyIter_Next(it)) != NULL) {
        PyObject *line = PyTuple_GetItem(item, 2);
        if (line != NULL && line != Py_None)
            widen(first, last, PyLong_AsLong(line));
        Py_DECREF(item);
    }
    Py_XDECREF(it);
    return PyErr_Occurred() ? -1 : 0;
}
#else
/* co_lnotab: pairs of (bytes to skip, signed lines to go). */
static int own_lines(PyCodeObject *code, uint32_t *first, uint32_t *last)
{
    char *table;
    Py_ssize_t n;
    if (PyBytes_AsStringAndSize(code->co_lnotab, &table, &n) < 0)
        return -1;
    long line = code->co_firstlineno;
    for (Py_ssize_t i = 1; i < n; i += 2) {
        line += (signed char)table[i];
        widen(first, last, line);
    }
    return 0;
}
#endif

static int nested_lines(PyCodeObject *code, uint32_t *first, uint32_t *last)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(code->co_consts, i);
        uint32_t f, l;
        if (!PyCode_Check(item))
            continue;
        if (ml_code_lines((PyCodeObject *)item, true, &f, &l) < 0)
            return -1;
        widen(first, last, f);
        widen(first, last, l);
    }
    return 0;
}

int ml_code_lines(PyCodeObject *code, bool nested, uint32_t *first, uint32_t *last)
{
    *first = *last = code->co_firstlineno > 0 ? (uint32_t)code->co_firstlineno : 1;
    if (Py_EnterRecursiveCall(" while looking at nested code"))
        return -1;
    int rc = own_lines(code, first, last);
    if (rc == 0 && nested)
        rc = nested_lines(code, first, last);
    Py_LeaveRecursiveCall();
    return rc;
}

int ml_code_resume_line(struct ml_code *c, int offset)
{
    for (uint32_t i = 0; i < c->n_resume; i++)
        if (c->resume[i].offset == offset)
            return c->resume[i].line;
    int line = PyCode_Addr2Line(c->code, offset);
    if (line < 0)
        line = 0;
    struct ml_resume_point *more = ml_realloc(c->resume, c->n_resume + 1u, sizeof *more);
    if (more != NULL) {
        c->resume = more;
        more[c->n_resume++] = (struct ml_resume_point){.offset = offset, .line = line};
    }
    return line;
}
