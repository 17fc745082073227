/* py/py_recorder.h -- the type Recorder. SPDX-License-Identifier: MIT */
#ifndef ML_PY_PY_RECORDER_H
#define ML_PY_PY_RECORDER_H

#include "py/codes.h"

/* Adds the type to the module. 0, or -1 with an exception. */
int ml_py_recorder_init(PyObject *module);

/* One probe more that measures at c (on), or one less. 0, or -1 with an exception. */
int ml_py_activate(struct ml_code *c, bool on);

#endif
