/* py/py_snapshot.h -- a snapshot of a book as Python objects. SPDX-License-Identifier: MIT */
#ifndef ML_PY_PY_SNAPSHOT_H
#define ML_PY_PY_SNAPSHOT_H

#include "py/pycompat.h"

#include "core/snapshot.h"

/* {"functions": [...], "meta": {...}, ...} as python/memline/_core.pyi says; new reference or NULL. */
PyObject *ml_py_snapshot_dict(const struct ml_snapshot *s);

#endif
