/* py/engine_settrace.c -- line events by a C trace function, Python 3.8 to 3.11.
 *
 * A thread is traced while it is inside profiled code (ml_engine_thread_on/off nest), or always while
 * select() is on. The tracer that was there before goes on getting every event, and
 * sys.gettrace() goes on showing it: our function is installed with its object. Whoever replaces us
 * meanwhile (a debugger started inside the function) is left alone. Where there is no earlier tracer, code
 * that is not profiled runs without ours (engine_filter.h).
 * SPDX-License-Identifier: MIT */
#include "py/engine.h"

#include "base/mem.h"
#include "py/engine_filter.h"
#include "py/events.h"
#include "py/select.h"

#if !ML_HAS_MONITORING

const char *const ml_engine_name = "settrace";

/* One per thread, at its struct ml_thread. */
struct trace_state {
    unsigned depth;       /* nested thread_on */
    uint32_t frames;      /* on the thread's stack at the outermost thread_on */
    Py_tracefunc earlier; /* the tracer before us, while ours is tracer_in_front */
};

static bool selecting;

static int tracer(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg);
static int tracer_in_front(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg);

/* This thread's, or NULL if it was never traced. */
static struct trace_state *state_find(void)
{
    const struct ml_thread *t = ml_thread_find();
    return t != NULL ? t->engine_state : NULL;
}

static struct trace_state *state_get(void)
{
    struct ml_thread *t = ml_thread_get();
    if (t != NULL && t->engine_state == NULL)
        t->engine_state = ml_calloc(1, sizeof(struct trace_state));
    return t != NULL ? t->engine_state : NULL;
}

static bool is_ours(Py_tracefunc f)
{
    return f == tracer || f == tracer_in_front;
}

/* With the object that is there already: 3.9 lets go of it before it takes it. */
static void set_trace(Py_tracefunc f, PyObject *obj)
{
    Py_XINCREF(obj);
    PyEval_SetTrace(f, obj);
    Py_XDECREF(obj);
}

static void install(struct trace_state *s)
{
    PyThreadState *ts = PyThreadState_Get();
    if (is_ours(ts->c_tracefunc) || (ts->c_tracefunc == NULL && ml_filter_decides()))
        return;
    s->earlier = ts->c_tracefunc;
    set_trace(s->earlier != NULL ? tracer_in_front : tracer, ts->c_traceobj);
}

static void uninstall(struct trace_state *s)
{
    PyThreadState *ts = PyThreadState_Get();
    if (!is_ours(ts->c_tracefunc))
        return; /* somebody replaced us: not ours to undo; or the filter has taken it away */
    set_trace(ts->c_tracefunc == tracer_in_front ? s->earlier : NULL, ts->c_traceobj);
    s->earlier = NULL;
}

/* The earlier tracer sees the event first. It may install another in its own place (coverage does, at
 * its first event): then that one is the earlier tracer, and we stay in front of it. */
static int chain(struct trace_state *s, PyObject *obj, PyFrameObject *frame, int what,
                 PyObject *arg)
{
    Py_tracefunc earlier = s != NULL ? s->earlier : NULL;
    if (earlier == NULL)
        return 0;
    int rc = earlier(obj, frame, what, arg);
    if (PyThreadState_Get()->c_tracefunc != tracer_in_front) {
        s->earlier = NULL;
        if (s->depth > 0) {
            PyObject *type, *value, *trace;
            PyErr_Fetch(&type, &value, &trace); /* the earlier tracer's error, if it failed */
            install(s);
            PyErr_Restore(type, value, trace);
        }
    }
    return rc;
}

/* For the filter: is this code profiled? What select() says of it is asked here, before its first frame, since
 * that would run to its end under the tracer otherwise. */
static ML_NOINLINE struct ml_code *judge(PyCodeObject *code)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace); /* thrown into the frame that begins */
    struct ml_code *c = ml_select_judge(code);
    if (PyErr_Occurred())
        PyErr_WriteUnraisable((PyObject *)code);
    PyErr_Restore(type, value, trace);
    return c;
}

static bool profiled(PyCodeObject *code, bool begins)
{
    const struct ml_code *c = ml_code_find(code);
    if (ML_UNLIKELY(selecting && begins && (c == NULL || !c->judged)))
        c = judge(code);
    return c != NULL && c->active != 0;
}

static const struct ml_filter_engine filtered = {tracer, profiled};

static void frame_starts(PyFrameObject *frame)
{
    PyCodeObject *code = ml_frame_code(frame);
    struct ml_code *c = ml_code_find(code);
    if (selecting && (c == NULL || !c->judged))
        c = ml_select_judge(code);
    int at = ml_frame_lasti(frame);
    if (c != NULL && c->active != 0) {
        if (ml_frame_resumes(code, at))
            ml_event_resume(c, frame, at);
        else
            ml_event_enter(c, frame);
    }
    Py_DECREF(code);
}

static void frame_ends(PyFrameObject *frame, PyObject *value)
{
    const struct ml_thread *t = ml_thread_find();
    if (t == NULL || t->n == 0)
        return;
    PyCodeObject *code = ml_frame_code(frame);
    if (value != NULL && ml_frame_pauses(frame, code))
        ml_event_suspend(frame);
    else
        ml_event_leave(frame);
    Py_DECREF(code);
}

static void line_starts(PyFrameObject *frame)
{
    const struct ml_thread *t = ml_thread_find();
    if (t == NULL || t->n == 0 || ml_scope_top(t)->id != frame) {
        PyCodeObject *code = ml_frame_code(frame);
        const struct ml_code *c = ml_code_find(code);
        Py_DECREF(code); /* the frame keeps it */
        if (c == NULL || c->active == 0)
            return;
        ml_event_line_slow(code, frame, (uint32_t)ml_frame_line(frame));
        return;
    }
    ml_event_line(NULL, frame, (uint32_t)ml_frame_line(frame));
}

static int tracer(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg)
{
    if (what == PyTrace_LINE) {
        line_starts(frame);
        return 0;
    }
    if (what == PyTrace_CALL) {
        ml_event_not_theirs(ml_frame_made_for_us(frame));
        frame_starts(frame);
    } else if (what == PyTrace_RETURN)
        frame_ends(frame, arg);
    return ml_event_error();
}

static int tracer_in_front(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg)
{
    int rc = chain(state_find(), obj, frame, what, arg);
    return rc < 0 ? rc : tracer(obj, frame, what, arg);
}

int ml_engine_watch(struct ml_code *c)
{
    if (c->active != 0) /* else the trace function finds nothing to do */
        ml_filter_changed();
    return 0;
}

void ml_engine_forget(const struct ml_code *c)
{
}

int ml_engine_thread_on(void)
{
    struct trace_state *s = state_get();
    if (s == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    bool outermost = s->depth++ == 0;
    if (outermost)
        s->frames = ml_thread_find()->n;
    install(s);
    if (outermost)
        ml_filter_on(&filtered);
    return 0;
}

void ml_engine_thread_off(void)
{
    struct trace_state *s = state_find();
    if (s == NULL || s->depth == 0 || --s->depth > 0)
        return;
    ml_filter_off();
    uninstall(s);
    ml_event_drop(s->frames); /* of somebody who took our place (a debugger), or left it empty */
}

/* --- threads to come, for select() ----------------------------------------------------------------- */

/* Installed with threading.settrace: called as a Python trace function at the first frame of a new
 * thread; puts the C tracer in its place, in front of the hook that was there before. */
static PyObject *thread_hook(PyObject *self, PyObject *args)
{
    PyObject *frame, *arg;
    const char *event;
    if (!PyArg_ParseTuple(args, "OsO", &frame, &event, &arg))
        return NULL;
    if (selecting) {
        PyEval_SetTrace(NULL, NULL); /* ourselves, as a Python function */
        if (self != Py_None) {       /* the earlier hook */
            PyObject *r = PyObject_CallMethod(PyImport_AddModule("sys"), "settrace", "O", self);
            Py_XDECREF(r);
        }
        if (ml_engine_thread_on() < 0)
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef thread_hook_def = {"_memline_thread_hook", thread_hook, METH_VARARGS, NULL};

int ml_engine_select(PyObject *module, bool on)
{
    selecting = on;
    if (!on) {
        ml_engine_thread_off();
        return 0;
    }
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *earlier = threading != NULL ? PyObject_GetAttrString(threading, "_trace_hook") : NULL;
    PyObject *hook = earlier != NULL ? PyCFunction_New(&thread_hook_def, earlier) : NULL;
    PyObject *r = hook != NULL ? PyObject_CallMethod(threading, "settrace", "O", hook) : NULL;
    Py_XDECREF(r);
    Py_XDECREF(hook);
    Py_XDECREF(earlier);
    Py_XDECREF(threading);
    return r == NULL ? -1 : ml_engine_thread_on();
}

#endif
