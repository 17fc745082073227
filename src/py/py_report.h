/* py/py_report.h -- reports of books for Python. SPDX-License-Identifier: MIT */
#ifndef ML_PY_PY_REPORT_H
#define ML_PY_PY_REPORT_H

#include "py/pycompat.h"

#include "base/err.h"

/* Raise OSError, ValueError or MemoryError with the message and the next step. Always NULL. */
PyObject *ml_py_raise(const struct ml_error *e);

/* Adds report() to the module. 0, or -1 with an exception. */
int ml_py_report_init(PyObject *module);

#endif
