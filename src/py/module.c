/* py/module.c -- the extension module memline._core: what it is made of.
 *
 * The profiler is one per process (its stacks are thread-local, its book is a file), so the module
 * refuses to be loaded into a second interpreter. SPDX-License-Identifier: MIT */
#include "py/codes.h"
#include "py/engine.h"
#include "py/py_carrier.h"
#include "py/py_greenlets.h"
#include "py/py_heap.h"
#include "py/py_limit.h"
#include "py/py_proc.h"
#include "py/py_recorder.h"
#include "py/py_report.h"
#include "py/select.h"

/* set_gate(name): "faults", "time" or "plain"; answers the one that works here. */
static PyObject *set_gate(PyObject *module, PyObject *arg)
{
    static const char *const names[] = {
        [ML_RSS_FAULTS] = "faults", [ML_RSS_TIME] = "time", [ML_RSS_PLAIN] = "plain"};
    for (int i = 0; i < 3; i++)
        if (PyUnicode_Check(arg) && PyUnicode_CompareWithASCIIString(arg, names[i]) == 0)
            return PyUnicode_FromString(names[ml_thread_set_gate((enum ml_rss_gate)i)]);
    PyErr_Format(PyExc_ValueError, "unknown gate %R; choose 'faults', 'time' or 'plain'", arg);
    return NULL;
}

static PyMethodDef methods[] = {
    {"set_gate", set_gate, METH_O,
     "set_gate(name)\n--\n\nHow seldom the resident set is read: 'faults', 'time' or 'plain'."},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module)
{
    if (!ml_in_main_interpreter()) {
        PyErr_SetString(PyExc_ImportError, "memline works in the main interpreter only");
        return -1;
    }
    if (ml_codes_init() < 0 || PyModule_AddStringConstant(module, "engine", ml_engine_name) < 0 ||
        PyModule_AddStringConstant(module, "version", ML_VERSION) < 0)
        return -1;
    return ml_py_recorder_init(module) < 0 || ml_py_carrier_init(module) < 0 ||
                   ml_py_book_init(module) < 0 || ml_py_report_init(module) < 0 ||
                   ml_py_proc_init(module) < 0 || ml_py_heap_init(module) < 0 ||
                   ml_py_limit_init(module) < 0 || ml_py_greenlets_init() < 0
               ? -1
               : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)module_exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "memline._core",
    .m_doc = "The C core of memline; see _core.pyi.",
    .m_methods = methods,
    .m_slots = slots,
};

ML_MODULE_INIT PyInit__core(void);

ML_MODULE_INIT PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
