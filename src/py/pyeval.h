/* py/pyeval.h -- who evaluates frames (PEP 523), and whether this thread has a tracer; before 3.12.
 *
 * The interpreter calls a function of ours for each frame that begins or goes on, if one is set. 3.8 and 3.9
 * describe where it stands, and their count of threads that are traced, in internal headers only.
 * Threads: the interpreter lock. SPDX-License-Identifier: MIT */
#ifndef ML_PY_PYEVAL_H
#define ML_PY_PYEVAL_H

#include "py/pyframes.h"

#if PY_VERSION_HEX >= 0x030B0000
#define Py_BUILD_CORE 1
#define NEED_OPCODE_TABLES 1
#include <internal/pycore_opcode.h>
#undef NEED_OPCODE_TABLES
#undef Py_BUILD_CORE
#elif PY_VERSION_HEX < 0x030A0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#define Py_BUILD_CORE 1
#if PY_VERSION_HEX >= 0x03090000
#undef _PyGC_FINALIZED /* 3.9's public headers define it too */
#include <internal/pycore_interp.h>
#else
#include <internal/pycore_pystate.h>
#endif
#undef Py_BUILD_CORE
#pragma GCC diagnostic pop
#endif

/* Define `name` as such a function that calls `answer`(thread state, frame, whether an exception is thrown
 * in). The thread state came as an argument in 3.9 (bpo-38500). */
#if PY_VERSION_HEX >= 0x03090000
#define ML_EVALUATOR(name, answer)                                            \
    static PyObject *name(PyThreadState *ts, ml_pyframe *frame, int throwing) \
    {                                                                         \
        return answer(ts, frame, throwing);                                   \
    }
#else
#define ML_EVALUATOR(name, answer)                           \
    static PyObject *name(ml_pyframe *frame, int throwing)   \
    {                                                        \
        return answer(PyThreadState_Get(), frame, throwing); \
    }
#endif

static inline PyObject *ml_evaluate(_PyFrameEvalFunction how, PyThreadState *ts, ml_pyframe *frame,
                                    int throwing)
{
#if PY_VERSION_HEX >= 0x03090000
    return how(ts, frame, throwing);
#else
    return how(frame, throwing);
#endif
}

static inline _PyFrameEvalFunction ml_evaluator(PyInterpreterState *interp)
{
#if PY_VERSION_HEX >= 0x03090000
    return _PyInterpreterState_GetEvalFrameFunc(interp);
#else
    return interp->eval_frame;
#endif
}

static inline void ml_evaluator_set(PyInterpreterState *interp, _PyFrameEvalFunction how)
{
#if PY_VERSION_HEX >= 0x03090000
    _PyInterpreterState_SetEvalFrameFunc(interp, how);
#else
    interp->eval_frame = how;
#endif
}

/* PyEval_SetTrace for a thread that stands anywhere, without its audit event and with sys.gettrace() showing
 * what it showed. Whether anybody is called at all is a field of the thread, from 3.10 on of the innermost
 * loop that evaluates frames, which hands it on to the loops it calls and back to its caller. */
static inline void ml_tracer_set(PyThreadState *ts, Py_tracefunc f)
{
#if PY_VERSION_HEX < 0x03090000
    _PyRuntime.ceval.tracing_possible += (f != NULL) - (ts->c_tracefunc != NULL);
#elif PY_VERSION_HEX < 0x030A0000
    ts->interp->ceval.tracing_possible += (f != NULL) - (ts->c_tracefunc != NULL);
#endif
    ts->c_tracefunc = f;
    int on = ts->tracing == 0 && (f != NULL || ts->c_profilefunc != NULL);
#if PY_VERSION_HEX < 0x030A0000
    ts->use_tracing = on;
#elif PY_VERSION_HEX < 0x030B0000
    ts->cframe->use_tracing = on;
#else
    ts->cframe->use_tracing = on ? 255 : 0;
#endif
}

/* The innermost frame that was begun, or NULL where there is none. */
static inline ml_pyframe *ml_frame_running(PyThreadState *ts)
{
#if PY_VERSION_HEX >= 0x030B0000
    return ts->cframe->current_frame;
#else
    return ts->frame;
#endif
}

/* Do frames begin that no evaluation function is asked for? 3.11.0 to 3.11.3 call a __getitem__ written in Python
 * straight from a BINARY_SUBSCR that has met it before (gh-104405). */
static inline int ml_subscripts_unasked(void)
{
#if PY_VERSION_HEX >= 0x030B0000
    return Py_Version < 0x030B0400;
#else
    return 0;
#endif
}

/* Does the code have such an instruction? Cost: a look at each. */
static inline int ml_code_subscripts(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    const unsigned char *units = (const unsigned char *)code->co_code_adaptive;
    for (Py_ssize_t i = 0; i < Py_SIZE(code); i++) {
        int op = _PyOpcode_Deopt[units[i * 2]];
        if (op == BINARY_SUBSCR)
            return 1;
        i += _PyOpcode_Caches[op];
    }
#endif
    return 0;
}

#endif
