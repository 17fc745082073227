/* py/pyframes.h -- the running thread's frames, read where they lie: nothing is allocated, counted or called.
 *
 * For code that runs inside an allocation hook, where the interpreter may be between any two of its steps.
 * 3.11 and newer keep frames in structs of their own that only CPython's internal headers describe; this
 * is the one place that includes them. Needs the interpreter lock. SPDX-License-Identifier: MIT */
#ifndef ML_PY_PYFRAMES_H
#define ML_PY_PYFRAMES_H

#include "py/pycompat.h"

#if PY_VERSION_HEX >= 0x030B0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#define Py_BUILD_CORE 1
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#pragma GCC diagnostic pop
typedef struct _PyInterpreterFrame ml_pyframe;
#else
typedef PyFrameObject ml_pyframe;
#endif

/* Innermost frame that has begun to run, or NULL. */
static inline ml_pyframe *ml_pyframe_first(PyThreadState *ts);
/* The one that called it, or NULL. */
static inline ml_pyframe *ml_pyframe_back(ml_pyframe *f);
/* Borrowed. */
static inline PyCodeObject *ml_pyframe_code(ml_pyframe *f);
/* Offset of the instruction it is at, bytes. */
static inline int ml_pyframe_at(ml_pyframe *f);

#if PY_VERSION_HEX >= 0x030B0000

static inline ml_pyframe *ml_pyframe_complete(ml_pyframe *f)
{
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030D0000
    /* Frames of C code between those of Python (gh-100719). */
    while (f != NULL && (f->owner == FRAME_OWNED_BY_CSTACK || _PyFrame_IsIncomplete(f)))
#else
    while (f != NULL && _PyFrame_IsIncomplete(f))
#endif
        f = f->previous;
    return f;
}

static inline ml_pyframe *ml_pyframe_first(PyThreadState *ts)
{
#if PY_VERSION_HEX >= 0x030D0000
    return ml_pyframe_complete(ts->current_frame);
#else
    return ts->cframe != NULL ? ml_pyframe_complete(ts->cframe->current_frame) : NULL;
#endif
}

static inline ml_pyframe *ml_pyframe_back(ml_pyframe *f)
{
    return ml_pyframe_complete(f->previous);
}

static inline PyCodeObject *ml_pyframe_code(ml_pyframe *f)
{
#if PY_VERSION_HEX >= 0x030D0000
    return (PyCodeObject *)f->f_executable;
#else
    return f->f_code;
#endif
}

static inline int ml_pyframe_at(ml_pyframe *f)
{
    return _PyInterpreterFrame_LASTI(f) * (int)sizeof(_Py_CODEUNIT);
}

#else

static inline ml_pyframe *ml_pyframe_first(PyThreadState *ts)
{
    return ts->frame;
}

static inline ml_pyframe *ml_pyframe_back(ml_pyframe *f)
{
    return f->f_back;
}

static inline PyCodeObject *ml_pyframe_code(ml_pyframe *f)
{
    return f->f_code;
}

static inline int ml_pyframe_at(ml_pyframe *f)
{
    return ml_frame_lasti(f);
}

#endif

#endif
