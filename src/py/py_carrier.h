/* py/py_carrier.h -- running code with the tracer on: the function call() and the type Carrier.
 *
 * For the trace engine (3.8-3.11); with sys.monitoring both only pass through.
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_PY_CARRIER_H
#define ML_PY_PY_CARRIER_H

#include "py/pycompat.h"

/* Adds them to the module. 0, or -1 with an exception. */
int ml_py_carrier_init(PyObject *module);

#endif
