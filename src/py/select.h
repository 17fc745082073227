/* py/select.h -- which code objects `memline run` and friends profile without being told one by one.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_SELECT_H
#define ML_PY_SELECT_H

#include "py/codes.h"

/* Decide about a code object that starts for the first time; if it is wanted, book its lines from now
 * on. The struct at the code object (judged), or NULL with or without an exception.
 * Cost: a few string comparisons, once per code object. */
struct ml_code *ml_select_judge(PyCodeObject *code);

/* The sheet of the native front's lines for this code; NULL: it is not booked. */
struct ml_sheet *ml_select_sheet(const struct ml_code *c);

/* Add book_*, select, profile_* and snapshot to the module. 0, or -1 with an exception. */
int ml_py_book_init(PyObject *module);

#endif
