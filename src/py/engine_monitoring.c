/* py/engine_monitoring.c -- line events by sys.monitoring (PEP 669), Python 3.12 and newer.
 *
 * Facts it rests on (specs/profiling.md 2.2, each with a test): no LINE event comes on return or
 * resumption, so the core's stack restores the line. PY_UNWIND and PY_THROW exist only process-wide;
 * their callbacks turn foreign code away in one compare. LINE is always subscribed together with
 * PY_START (3.13.0 gives no LINE to one-line functions otherwise). restart_events() is never called:
 * it belongs to all tools. SPDX-License-Identifier: MIT */
#include "py/engine.h"

#include "py/events.h"
#include "py/select.h"

#if ML_HAS_MONITORING

const char *const ml_engine_name = "monitoring";

/* Ids 0, 1, 2 and 5 belong by convention to debuggers, coverage tools, profilers (cProfile refuses to
 * start when 2 is taken) and optimizers: come last in the search. 6 and 7 are the interpreter's. */
static const int tool_ids[] = {4, 3, 5, 2, 1, 0};

static struct {
    int tool;             /* our id; -1 before the first use */
    PyObject *monitoring; /* owned: sys.monitoring */
    PyObject *disable;    /* owned: sys.monitoring.DISABLE */
    PyObject *module;     /* borrowed: _core, which lives as long as the process */
    long long start, resume, returns, yields, line, throws, unwind; /* event bits */
    unsigned watched;                                               /* code objects */
    bool selecting;
} engine = {.tool = -1};

/* --- callbacks ------------------------------------------------------------------------------------ */

static PyObject *done(void)
{
    if (ml_event_error() < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *on_line(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    uint32_t line = n == 2 ? ml_line_number(args[1]) : 0;
    ml_event_not_theirs(ml_line_made_for_us(args[1]));
    if (ML_LIKELY(line > 0))
        ml_event_line((PyCodeObject *)args[0], ml_frame_id(), line);
    Py_RETURN_NONE;
}

/* Process-wide events may come for what only resembles code: extensions fire them (PyMonitoring_*, 3.13). */
static struct ml_code *code_of(PyObject *code)
{
    return PyCode_Check(code) ? ml_code_find((PyCodeObject *)code) : NULL;
}

static PyObject *on_start(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct ml_code *c = code_of(args[0]);
    if (engine.selecting && PyCode_Check(args[0]) && (c == NULL || !c->judged))
        c = ml_select_judge((PyCodeObject *)args[0]);
    if (c != NULL && c->active != 0)
        ml_event_enter(c, ml_frame_id());
    else if (!PyErr_Occurred())
        return Py_NewRef(engine.disable); /* never asked again about this code */
    return done();
}

static PyObject *on_resume(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct ml_code *c = code_of(args[0]);
    if (c != NULL && c->active != 0)
        ml_event_resume(c, ml_frame_id(), (int)PyLong_AsLong(args[1]));
    return done();
}

static PyObject *on_yield(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    ml_event_suspend(ml_frame_id());
    return done();
}

static PyObject *on_return(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    ml_event_leave(ml_frame_id());
    return done();
}

/* Process-wide: comes for every frame that an exception leaves. */
static PyObject *on_unwind(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    const struct ml_thread *t = ml_thread_find();
    if (t == NULL || t->n == 0)
        Py_RETURN_NONE;
    const struct ml_code *c = code_of(args[0]);
    if (c == NULL || c->n == 0)
        Py_RETURN_NONE;
    ml_event_leave(ml_frame_id());
    return done();
}

static PyMethodDef callbacks[] = {
    {"_on_line", (PyCFunction)(void (*)(void))on_line, METH_FASTCALL, NULL},
    {"_on_start", (PyCFunction)(void (*)(void))on_start, METH_FASTCALL, NULL},
    {"_on_resume", (PyCFunction)(void (*)(void))on_resume, METH_FASTCALL, NULL},
    {"_on_yield", (PyCFunction)(void (*)(void))on_yield, METH_FASTCALL, NULL},
    {"_on_return", (PyCFunction)(void (*)(void))on_return, METH_FASTCALL, NULL},
    {"_on_unwind", (PyCFunction)(void (*)(void))on_unwind, METH_FASTCALL, NULL},
};

/* --- the tool -------------------------------------------------------------------------------------- */

/* 0, or -1 with RuntimeError. */
static int take_tool_id(void)
{
    for (size_t i = 0; i < sizeof tool_ids / sizeof tool_ids[0]; i++) {
        PyObject *r = PyObject_CallMethod(engine.monitoring, "use_tool_id", "is", tool_ids[i],
                                          "memline");
        if (r != NULL) {
            Py_DECREF(r);
            engine.tool = tool_ids[i];
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear(); /* taken by another tool */
    }
    PyErr_SetString(PyExc_RuntimeError, "memline: all tool ids of sys.monitoring are taken; "
                                        "stop another profiler, debugger or coverage tool first");
    return -1;
}

static int event_bit(PyObject *events, const char *name, long long *bit)
{
    PyObject *value = PyObject_GetAttrString(events, name);
    *bit = value != NULL ? PyLong_AsLongLong(value) : -1;
    Py_XDECREF(value);
    return *bit < 0 ? -1 : 0;
}

static int look_up_events(void)
{
    PyObject *events = PyObject_GetAttrString(engine.monitoring, "events");
    int rc = events == NULL ? -1 : 0;
    const struct {
        const char *name;
        long long *bit;
    } rows[] = {
        {"LINE", &engine.line},         {"PY_START", &engine.start},  {"PY_RESUME", &engine.resume},
        {"PY_RETURN", &engine.returns}, {"PY_YIELD", &engine.yields}, {"PY_THROW", &engine.throws},
        {"PY_UNWIND", &engine.unwind},
    };
    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++)
        rc = event_bit(events, rows[i].name, rows[i].bit);
    Py_XDECREF(events);
    return rc;
}

static int register_callbacks(void)
{
    const long long bits[] = {engine.line,    engine.start,  engine.resume, engine.yields,
                              engine.returns, engine.unwind, engine.throws};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        size_t row = bits[i] == engine.throws ? 2 : i; /* a throw goes on like a resumption */
        PyObject *f = PyCFunction_New(&callbacks[row], NULL);
        PyObject *r = f == NULL ? NULL
                                : PyObject_CallMethod(engine.monitoring, "register_callback", "iLO",
                                                      engine.tool, bits[i], f);
        Py_XDECREF(f);
        if (r == NULL)
            return -1;
        Py_DECREF(r);
    }
    return 0;
}

static int start_tool(void)
{
    if (engine.tool >= 0)
        return 0;
    if (engine.monitoring == NULL) {
        PyObject *m = PySys_GetObject("monitoring"); /* borrowed */
        engine.monitoring = Py_XNewRef(m);
        engine.disable = m != NULL ? PyObject_GetAttrString(m, "DISABLE") : NULL;
        if (engine.disable == NULL || look_up_events() < 0)
            return -1;
    }
    return take_tool_id() < 0 ? -1 : register_callbacks();
}

static int set_process_events(void)
{
    long long events = engine.watched != 0 ? engine.unwind | engine.throws : 0;
    if (engine.selecting)
        events |= engine.start | engine.unwind | engine.throws;
    PyObject *r = PyObject_CallMethod(engine.monitoring, "set_events", "iL", engine.tool, events);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

int ml_engine_watch(struct ml_code *c)
{
    bool want = c->active != 0;
    if (want == c->watched)
        return 0;
    if (start_tool() < 0)
        return -1;
    long long events = engine.line | engine.start | engine.resume | engine.returns | engine.yields;
    PyObject *r = PyObject_CallMethod(engine.monitoring, "set_local_events", "iOL", engine.tool,
                                      (PyObject *)c->code, want ? events : 0LL);
    if (r == NULL)
        return -1;
    Py_DECREF(r);
    c->watched = want;
    engine.watched += want ? 1 : -1u;
    return engine.watched == (want ? 1u : 0u) ? set_process_events() : 0;
}

void ml_engine_forget(const struct ml_code *c)
{
    engine.watched -= c->watched ? 1 : 0;
}

int ml_engine_select(PyObject *module, bool on)
{
    if (start_tool() < 0)
        return -1;
    engine.selecting = on;
    return set_process_events();
}

int ml_engine_thread_on(void)
{
    return 0;
}

void ml_engine_thread_off(void)
{
}

#endif
