/* py/py_carrier.c -- see py_carrier.h.
 *
 * A Carrier stands between a wrapper and the generator, coroutine or awaitable it wraps:
 * `return (yield from Carrier(gen))`, `return await Carrier(coro)`. Python then sends, throws and closes
 * through it, and the tracer is on exactly while the inner one runs. SPDX-License-Identifier: MIT */
#include "py/py_carrier.h"

#include "py/engine.h"

struct carrier {
    PyObject_HEAD
    PyObject *inner; /* owned: an iterator with send, throw and close */
};

/* Ends the tracing and passes a result on. */
static PyObject *traced(PyObject *result)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    ml_engine_thread_off();
    PyErr_Restore(type, value, trace);
    return result;
}

static PyObject *carrier_next(PyObject *op)
{
    PyObject *inner = ((struct carrier *)op)->inner;
    if (ml_engine_thread_on() < 0)
        return NULL;
    return traced(Py_TYPE(inner)->tp_iternext(inner));
}

static PyObject *carrier_send(PyObject *op, PyObject *value)
{
    PyObject *inner = ((struct carrier *)op)->inner;
    if (value == Py_None && Py_TYPE(inner)->tp_iternext != NULL) {
        PyObject *r = carrier_next(op);
        if (r == NULL && !PyErr_Occurred())
            PyErr_SetNone(PyExc_StopIteration);
        return r;
    }
    if (ml_engine_thread_on() < 0)
        return NULL;
    return traced(PyObject_CallMethod(inner, "send", "O", value));
}

static PyObject *carrier_throw(PyObject *op, PyObject *args)
{
    PyObject *method = PyObject_GetAttrString(((struct carrier *)op)->inner, "throw");
    if (method == NULL)
        return NULL;
    PyObject *r = NULL;
    if (ml_engine_thread_on() == 0)
        r = traced(PyObject_CallObject(method, args));
    Py_DECREF(method);
    return r;
}

static PyObject *carrier_close(PyObject *op, PyObject *unused)
{
    PyObject *method = PyObject_GetAttrString(((struct carrier *)op)->inner, "close");
    if (method == NULL)
        return NULL;
    PyObject *r = NULL;
    if (ml_engine_thread_on() == 0)
        r = traced(PyObject_CallObject(method, NULL));
    Py_DECREF(method);
    return r;
}

static PyObject *carrier_self(PyObject *op)
{
    Py_INCREF(op);
    return op;
}

static PyObject *carrier_new(PyTypeObject *type, PyObject *args, PyObject *kw)
{
    PyObject *inner;
    if (!PyArg_ParseTuple(args, "O:Carrier", &inner))
        return NULL;
    /* A coroutine is driven through its await iterator; a generator is its own. */
    const PyAsyncMethods *as_async = Py_TYPE(inner)->tp_as_async;
    if (as_async != NULL && as_async->am_await != NULL)
        inner = as_async->am_await(inner);
    else
        inner = PyObject_GetIter(inner);
    if (inner == NULL)
        return NULL;
    struct carrier *self = (struct carrier *)type->tp_alloc(type, 0);
    if (self == NULL)
        Py_DECREF(inner);
    else
        self->inner = inner;
    return (PyObject *)self;
}

static int carrier_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(((struct carrier *)op)->inner);
#if PY_VERSION_HEX >= 0x03090000
    Py_VISIT(Py_TYPE(op));
#endif
    return 0;
}

static int carrier_clear(PyObject *op)
{
    Py_CLEAR(((struct carrier *)op)->inner);
    return 0;
}

static void carrier_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    carrier_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef carrier_methods[] = {
    {"send", carrier_send, METH_O, "send(value)\n--\n\nAs of a generator."},
    {"throw", carrier_throw, METH_VARARGS,
     "throw(type, value=None, traceback=None)\n--\n\nThe same."},
    {"close", carrier_close, METH_NOARGS, "close()\n--\n\nThe same."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot carrier_slots[] = {
    {Py_tp_doc, "Carrier(inner)\n--\n\nDrives a generator or awaitable with the tracer on."},
    {Py_tp_new, carrier_new},
    {Py_tp_dealloc, carrier_dealloc},
    {Py_tp_traverse, carrier_traverse},
    {Py_tp_clear, carrier_clear},
    {Py_tp_iter, carrier_self},
    {Py_tp_iternext, carrier_next},
    {Py_am_await, carrier_self},
    {Py_tp_methods, carrier_methods},
    {0, NULL},
};

static PyType_Spec carrier_spec = {
    .name = "memline._core.Carrier",
    .basicsize = sizeof(struct carrier),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = carrier_slots,
};

/* call(function, args, kwargs): the call, with the tracer on in this thread while it runs. */
static PyObject *call(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    if (n != 3 || !PyTuple_Check(args[1]) || !PyDict_Check(args[2])) {
        PyErr_SetString(PyExc_TypeError, "call(function, args: tuple, kwargs: dict)");
        return NULL;
    }
    if (ml_engine_thread_on() < 0)
        return NULL;
    return traced(PyObject_Call(args[0], args[1], args[2]));
}

static PyMethodDef methods[] = {
    {"call", (PyCFunction)(void (*)(void))call, METH_FASTCALL,
     "call(function, args, kwargs)\n--\n\nCall with the tracer on in this thread."},
    {NULL, NULL, 0, NULL},
};

int ml_py_carrier_init(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&carrier_spec);
    if (type == NULL || PyModule_AddObject(module, "Carrier", type) < 0) {
        Py_XDECREF(type);
        return -1;
    }
    return PyModule_AddFunctions(module, methods);
}
