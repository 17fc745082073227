/* py/engine_filter.c -- see engine_filter.h.
 *
 * Once a thread has a trace function, the interpreter looks for a new line at each instruction and calls the
 * function for each line, in every frame. So the interpreter's evaluation of frames (PEP 523) goes through
 * `evaluate` while some thread measures: before a frame begins or goes on, the thread gets the tracer if the
 * frame's code is profiled and loses it if not; afterwards the caller has again what it had.
 *
 * What is taken away is the thread's field c_tracefunc, not only the flag that says whether to look at it:
 * the interpreter tells exceptions to whatever stands there, and then sets the flag anew. Its object stays, which
 * is what sys.gettrace() shows. Whoever puts a tracer of his own there meanwhile keeps it.
 *
 * From 3.11 on calls of Python functions by Python code take no C stack, but some 470 bytes each while an
 * evaluation function is set. So the filter gives up where an eighth of the thread's C stack went into calls below
 * the one that began to measure (8 MiB: 2,200 calls): then they are what they were, however deep the program goes.
 * It also gives up where stacks are switched under it: where greenlet is loaded when a thread begins to measure, or
 * a greenlet begins meanwhile.
 * SPDX-License-Identifier: MIT */
#include "py/engine_filter.h"

#if !ML_HAS_MONITORING

#include "base/mem.h"
#include "base/port.h"
#include "py/pyeval.h"

#include <pthread.h>

enum { SHARE_OF_STACK = 8 };

/* A thread that measures or has measured. */
struct thread {
    PyThreadState *ts; /* NULL: does not measure now */
    uint64_t id;       /* of ts: another may get the address */
    size_t stack_bytes;
    const char *floor;   /* lowest address of the C stack at which we go on */
    struct thread *next; /* in `measuring` */
};

static const struct ml_filter_engine *engine;
static bool gave_up;
static unsigned changes; /* times that code came to be profiled */
static bool in_place;    /* the interpreter, or who stands in our place, calls evaluate() */
static _PyFrameEvalFunction before; /* who did what we do, before us */

static ML_THREAD_LOCAL struct thread *mine;
/* Threads end without the interpreter lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread *measuring; /* lock */
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static PyObject *evaluate(PyThreadState *ts, ml_pyframe *frame, int throwing);
ML_EVALUATOR(hook, evaluate)

/* --- threads ------------------------------------------------------------------------------------------ */

static void unlink_thread(const struct thread *t)
{
    pthread_mutex_lock(&lock);
    struct thread **at = &measuring;
    while (*at != NULL && *at != t)
        at = &(*at)->next;
    if (*at != NULL)
        *at = t->next;
    pthread_mutex_unlock(&lock);
}

static void thread_ends(void *p)
{
    mine = NULL;
    unlink_thread(p);
    ml_free(p);
}

static void after_fork_in_child(void)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    measuring = mine != NULL && mine->ts != NULL ? mine : NULL;
    if (measuring != NULL)
        measuring->next = NULL;
}

static void watch_thread_ends_and_forks(void)
{
    pthread_key_create(&exit_key, thread_ends);
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

static struct thread *thread_get(void)
{
    if (mine != NULL)
        return mine;
    pthread_once(&exit_once, watch_thread_ends_and_forks);
    struct thread *t = ml_calloc(1, sizeof *t);
    if (t == NULL || pthread_setspecific(exit_key, t) != 0) {
        ml_free(t);
        return NULL;
    }
    t->stack_bytes = ml_stack_bytes();
    return mine = t;
}

/* A thread state may have gone before its thread. */
static bool is_alive(const struct thread *t)
{
    PyThreadState *ts = PyInterpreterState_ThreadHead(PyInterpreterState_Main());
    while (ts != NULL && (ts != t->ts || ts->id != t->id))
        ts = PyThreadState_Next(ts);
    return ts != NULL;
}

/* --- our place in the interpreter ----------------------------------------------------------------------- */

/* Whoever took our place meanwhile calls us, or has gone and left the default there. */
static void take_place(void)
{
    PyInterpreterState *interp = PyInterpreterState_Main();
    _PyFrameEvalFunction now = ml_evaluator(interp);
    if (now == hook || (in_place && now != _PyEval_EvalFrameDefault))
        return;
    before = now;
    ml_evaluator_set(interp, hook);
    in_place = true;
}

static void leave_place(void)
{
    PyInterpreterState *interp = PyInterpreterState_Main();
    if (!in_place || ml_evaluator(interp) != hook)
        return;
    ml_evaluator_set(interp, before);
    in_place = false;
}

/* --- who gets the tracer --------------------------------------------------------------------------------- */

/* Does the code, as far as we know, call other code without evaluate()? Then the tracer must be there already. */
static ML_NOINLINE bool subscripts(PyCodeObject *code)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    struct ml_code *c = ml_code_get(code);
    if (c != NULL && c->subscripts == 0)
        c->subscripts = ml_code_subscripts(code) ? 1 : -1;
    PyErr_Restore(type, value, trace);
    return c == NULL || c->subscripts > 0;
}

/* Must the tracer be there while the code runs? */
static bool needs_tracer(PyCodeObject *code, bool begins)
{
    return engine->profiled(code, begins) || gave_up ||
           (ML_UNLIKELY(ml_subscripts_unasked()) && subscripts(code));
}

/* Is the tracer there, or is nobody? Else it is not for us to say. */
static inline bool is_ours(const PyThreadState *ts)
{
    return ts->c_tracefunc == NULL || ts->c_tracefunc == engine->tracer;
}

static void look_at_running(PyThreadState *ts)
{
    ml_pyframe *f = ml_frame_running(ts);
    if (ts->c_tracefunc == NULL &&
        (gave_up || (f != NULL && needs_tracer(ml_pyframe_code(f), false))))
        ml_tracer_set(ts, engine->tracer);
}

void ml_filter_changed(void)
{
    changes++;
    pthread_mutex_lock(&lock);
    for (const struct thread *t = measuring; t != NULL; t = t->next)
        if (t == mine || is_alive(t))
            look_at_running(t->ts);
    pthread_mutex_unlock(&lock);
}

/* From here on all threads that measure have the tracer; those who wait in evaluate() see the change. */
static ML_NOINLINE void give_up(void)
{
    gave_up = true;
    leave_place();
    ml_filter_changed();
}

/* The frame that another called has ended: the caller gets what it had, or the tracer if its code has come
 * to be profiled meanwhile. */
static inline void back_in_caller(PyThreadState *ts, bool had, unsigned then)
{
    if (ML_UNLIKELY(changes != then) && !had) {
        ml_pyframe *f = ml_frame_running(ts);
        had = gave_up || (f != NULL && needs_tracer(ml_pyframe_code(f), false));
    }
    if (had != (ts->c_tracefunc != NULL))
        ml_tracer_set(ts, had ? engine->tracer : NULL);
}

/* No thread measures: one ended without saying so. */
static ML_NOINLINE PyObject *unneeded(PyThreadState *ts, ml_pyframe *frame, int throwing)
{
    leave_place();
    return ml_evaluate(before, ts, frame, throwing);
}

/* Greenlets switch stacks, and the thread has one field for all of them. */
static ML_NOINLINE bool has_greenlets(void)
{
    static PyObject *name;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace); /* of a frame that begins with it */
    if (name == NULL)
        name = PyUnicode_InternFromString("greenlet");
    bool has = name != NULL && PyDict_GetItemWithError(PyImport_GetModuleDict(), name) != NULL;
    PyErr_Restore(type, value, trace);
    return has;
}

/* Hot: each call of Python code, in all threads, while one measures. Cost where nothing is profiled: a
 * look at the code object. A frame without a caller may begin a greenlet. */
static PyObject *evaluate(PyThreadState *ts, ml_pyframe *frame, int throwing)
{
    struct thread *t = mine;
    if (t == NULL || t->ts != ts || ts->tracing != 0 || !is_ours(ts))
        return ML_UNLIKELY(measuring == NULL) ? unneeded(ts, frame, throwing)
                                              : ml_evaluate(before, ts, frame, throwing);
    bool gets = needs_tracer(ml_pyframe_code(frame), true);
    if (ML_UNLIKELY((const char *)__builtin_frame_address(0) < t->floor ||
                    (ml_frame_running(ts) == NULL && has_greenlets())) &&
        !gave_up) {
        give_up();
        gets = true;
    }
    bool had = ts->c_tracefunc != NULL; /* now: it may just have been judged, or given up */
    if (gets != had)
        ml_tracer_set(ts, gets ? engine->tracer : NULL);
    unsigned then = changes;
    PyObject *result = ml_evaluate(before, ts, frame, throwing);
    if (t->ts == ts && is_ours(ts))
        back_in_caller(ts, had, then);
    return result;
}

/* --- begin and end --------------------------------------------------------------------------------------- */

void ml_filter_on(const struct ml_filter_engine *e)
{
    PyThreadState *ts = PyThreadState_Get();
    engine = e;
    if (gave_up || ts->interp != PyInterpreterState_Main())
        return;
    if (has_greenlets()) {
        give_up();
        return;
    }
    struct thread *t = thread_get();
    if (t == NULL)
        return;
    t->ts = ts;
    t->id = ts->id;
    t->floor = (const char *)__builtin_frame_address(0) - t->stack_bytes / SHARE_OF_STACK;
    unlink_thread(t); /* once at most, whatever other thread states of this thread did */
    pthread_mutex_lock(&lock);
    t->next = measuring;
    measuring = t;
    pthread_mutex_unlock(&lock);
    take_place();
}

void ml_filter_off(void)
{
    struct thread *t = mine;
    if (t == NULL || t->ts == NULL)
        return;
    t->ts = NULL;
    unlink_thread(t);
    if (measuring == NULL)
        leave_place();
}

bool ml_filter_decides(void)
{
    return !gave_up && mine != NULL && mine->ts == PyThreadState_Get() &&
           ml_evaluator(PyInterpreterState_Main()) == hook;
}

#endif
