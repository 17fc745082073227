/* py/pycompat.h -- the one place for differences between CPython versions.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_PYCOMPAT_H
#define ML_PY_PYCOMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <frameobject.h>
#include <opcode.h>

/* PyMODINIT_FUNC exports by itself from 3.9 on (bpo-11410). */
#define ML_MODULE_INIT __attribute__((visibility("default"))) PyMODINIT_FUNC

/* sys.monitoring (PEP 669) is there from 3.12 on. */
#define ML_HAS_MONITORING (PY_VERSION_HEX >= 0x030C0000)

/* --- what identifies a running frame; never followed --------------------------------------------- */

#if ML_HAS_MONITORING
/* The interpreter's own frame: no frame object is made for it. PyThreadState.cframe went away in 3.13
 * (gh-109182). */
static inline const void *ml_frame_id(void)
{
    PyThreadState *ts = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030D0000
    return ts->current_frame;
#else
    return ts->cframe->current_frame;
#endif
}

/* Of a LINE event: 0 if it is none. Without a call where the int is of the usual kind. */
static inline uint32_t ml_line_number(PyObject *line)
{
    if (PyLong_CheckExact(line) && PyUnstable_Long_IsCompact((PyLongObject *)line)) {
        Py_ssize_t n = PyUnstable_Long_CompactValue((PyLongObject *)line);
        return n > 0 ? (uint32_t)n : 0;
    }
    return 0; /* a compact int holds 30 bits */
}

/* A LINE event brings an int of its own for numbers above 256: the block, or NULL. */
static inline void *ml_line_made_for_us(PyObject *line)
{
    return Py_REFCNT(line) == 1 ? line : NULL;
}
#endif

/* What a weak reference points to, borrowed while the interpreter lock is held; None if it is dead.
 * PyWeakref_GetObject is deprecated from 3.13 on (gh-105927). */
static inline PyObject *ml_weakref_target(PyObject *reference)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *target = NULL;
    if (PyWeakref_GetRef(reference, &target) != 1)
        return Py_None;
    Py_DECREF(target); /* others keep it alive: the reference was not dead */
    return target;
#else
    return PyWeakref_GetObject(reference);
#endif
}

/* --- a place of our own at each code object (PEP 523) -------------------------------------------- */

#if PY_VERSION_HEX >= 0x030C0000
#define ml_code_extra_index PyUnstable_Eval_RequestCodeExtraIndex
#define ml_code_get_extra PyUnstable_Code_GetExtra
#define ml_code_set_extra PyUnstable_Code_SetExtra
#else
#define ml_code_extra_index _PyEval_RequestCodeExtraIndex
#define ml_code_get_extra _PyCode_GetExtra
#define ml_code_set_extra _PyCode_SetExtra
#endif

/* --- frames, for the trace engine ------------------------------------------------------------------ */

#if !ML_HAS_MONITORING

/* New reference. PyFrame_GetCode came in 3.9 (bpo-40421). */
static inline PyCodeObject *ml_frame_code(PyFrameObject *f)
{
#if PY_VERSION_HEX >= 0x03090000
    return PyFrame_GetCode(f);
#else
    Py_INCREF(f->f_code);
    return f->f_code;
#endif
}

/* Offset of the last instruction, bytes; -1 before the first. f_lasti counts instructions in 3.10
 * (bpo-42693); PyFrame_GetLasti is there from 3.11 on. */
static inline int ml_frame_lasti(PyFrameObject *f)
{
#if PY_VERSION_HEX >= 0x030B0000
    return PyFrame_GetLasti(f);
#elif PY_VERSION_HEX >= 0x030A0000
    return f->f_lasti < 0 ? -1 : f->f_lasti * 2;
#else
    return f->f_lasti;
#endif
}

/* The line at a line event. 3.8 and 3.9 look the line up anew in PyFrame_GetLineNumber, from the
 * start of the table, unless a Python tracer is set; the field is right at a line event. */
static inline int ml_frame_line(PyFrameObject *f)
{
#if PY_VERSION_HEX >= 0x030A0000
    return PyFrame_GetLineNumber(f);
#else
    return f->f_lineno;
#endif
}

/* 3.11 makes a frame object only where somebody asks for one, as a trace function does: the block that
 * begins with its collector's header. Before, every frame is an object. */
static inline void *ml_frame_made_for_us(PyFrameObject *f)
{
#if PY_VERSION_HEX >= 0x030B0000
    return Py_REFCNT(f) <= 2 ? (char *)f - 2 * sizeof(uintptr_t) : NULL;
#else
    return NULL;
#endif
}

static inline int ml_code_can_pause(const PyCodeObject *code)
{
    return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

/* At a return event: does the frame only pause (yield, await)? The interpreter keeps the value stack
 * of a frame that pauses (3.8-3.9), marks its state (3.10), or stands on a YIELD_VALUE (3.11). */
static inline int ml_frame_pauses(PyFrameObject *f, PyCodeObject *code)
{
    if (!ml_code_can_pause(code))
        return 0;
#if PY_VERSION_HEX >= 0x030B0000
    int at = PyFrame_GetLasti(f);
    return at >= 0 && ((const unsigned char *)code->co_code_adaptive)[at] == YIELD_VALUE;
#elif PY_VERSION_HEX >= 0x030A0000
    return f->f_state == FRAME_SUSPENDED;
#else
    return f->f_stacktop != NULL;
#endif
}

/* At a call event, `at` from ml_frame_lasti: does the frame go on after a pause? In 3.11 a frame begins
 * at its RETURN_GENERATOR or at a RESUME whose argument is 0; anywhere else it goes on. */
static inline int ml_frame_resumes(PyCodeObject *code, int at)
{
    if (at < 0 || !ml_code_can_pause(code))
        return 0;
#if PY_VERSION_HEX >= 0x030B0000
    const unsigned char *bytes = (const unsigned char *)code->co_code_adaptive;
    int resume = bytes[at] == RESUME || bytes[at] == RESUME_QUICK;
    return bytes[at] != RETURN_GENERATOR && !(resume && bytes[at + 1] == 0);
#else
    return 1;
#endif
}

#endif /* !ML_HAS_MONITORING */

/* --- interpreters ------------------------------------------------------------------------------------ */

/* From 3.12 on an interpreter may have a lock of its own (PEP 684). */
#define ML_HAS_OWN_LOCKS (PY_VERSION_HEX >= 0x030C0000)

static inline int ml_only_main_interpreter(void)
{
    return PyInterpreterState_Head() == PyInterpreterState_Main();
}

/* PyInterpreterState_Get came in 3.9 (bpo-40522). */
static inline int ml_in_main_interpreter(void)
{
    return PyThreadState_Get()->interp == PyInterpreterState_Main();
}

/* --- the collector ------------------------------------------------------------------------------------ */

/* From 3.12 on a collection begins only between instructions (gh-97922). Before, any object that the
 * collector knows may begin one; code tells its lines in such from 3.10 on (PEP 626), which also brought
 * PyGC_Disable. Hold: whether it was on. */
static inline int ml_gc_hold(void)
{
#if PY_VERSION_HEX >= 0x030A0000 && PY_VERSION_HEX < 0x030C0000
    return PyGC_Disable();
#else
    return 0;
#endif
}

static inline void ml_gc_let(int was_on)
{
#if PY_VERSION_HEX >= 0x030A0000 && PY_VERSION_HEX < 0x030C0000
    if (was_on)
        PyGC_Enable();
#endif
}

/* --- code objects ------------------------------------------------------------------------------------ */

/* On 3.13 close() of a generator that is not inside a try block runs no code, so no event tells its
 * end (gh-111354). The interpreter reads that from a bit of the RESUME instruction behind each
 * yield. */
#if PY_VERSION_HEX >= 0x030D0000
#define ML_RESUME_DEPTH1_BIT 4
#else
#define ML_RESUME_DEPTH1_BIT 0
#endif

#endif
