/* py/py_proc.h -- process memory for Python: memory, children_memory, peak_reset, peak_memory, and
 * the class Watcher; their contracts stand in python/memline/_core.pyi.
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_PY_PROC_H
#define ML_PY_PY_PROC_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Add them to the module. 0, or -1 with an exception set. */
int ml_py_proc_init(PyObject *module);

#endif
