/* py/py_greenlets.c -- see py_greenlets.h. SPDX-License-Identifier: MIT */
#include "py/py_greenlets.h"

#include "base/mem.h"
#include "py/events.h"
#include "py/py_heap.h"

#include <string.h>

PyObject *ml_py_modules;
ML_THREAD_LOCAL Py_ssize_t ml_py_n_modules;

static PyObject *package_name; /* owned: "greenlet" */

/* --- stacks that wait ------------------------------------------------------------------------------------ */

/* What a greenlet has on its stack while it waits; made at its first switch with frames, dropped some time
 * after its death. */
struct stack {
    PyObject *greenlet;      /* owned weak reference: it may die, and another have its address */
    struct ml_frame *frames; /* [n] owned; outermost first */
    uint32_t n;
    uint32_t cap;
    uint32_t base_scope; /* of the thread below the frames */
};

static struct ml_ptrmap stacks; /* greenlet -> its struct stack */
static size_t sweep_at = 64;

/* Is the stack this greenlet's? Of None: is its greenlet dead? */
static bool belongs_to(const struct stack *s, const PyObject *greenlet)
{
    return ml_weakref_target(s->greenlet) == greenlet;
}

static void forget_frames(struct stack *s)
{
    while (s->n > 0)
        ml_scope_forget(&s->frames[--s->n]);
}

static void sweep(void)
{
    for (size_t i = 0; i <= stacks.mask;) {
        struct stack *s = (struct stack *)stacks.slots[i].value;
        if (stacks.slots[i].key == 0 || !belongs_to(s, Py_None)) {
            i++;
            continue;
        }
        ml_ptrmap_remove(&stacks, (const void *)stacks.slots[i].key); /* another may come here */
        forget_frames(s);
        Py_DECREF(s->greenlet);
        ml_free(s->frames);
        ml_free(s);
    }
    sweep_at = stacks.n < 32 ? 64 : stacks.n * 2;
}

/* NULL: nothing waits. */
static struct stack *stack_of(const PyObject *greenlet)
{
    const uintptr_t *at = ml_ptrmap_find(&stacks, greenlet);
    struct stack *s = at != NULL ? (struct stack *)*at : NULL;
    return s != NULL && belongs_to(s, greenlet) ? s : NULL;
}

/* With room for n frames. NULL without memory. */
static struct stack *stack_for(PyObject *greenlet, uint32_t n)
{
    struct stack *s = stack_of(greenlet);
    if (s == NULL) {
        PyObject *ref = PyWeakref_NewRef(greenlet, NULL);
        if (stacks.n >= sweep_at)
            sweep();
        uintptr_t *at = ref != NULL ? ml_ptrmap_put(&stacks, greenlet) : NULL;
        if (at == NULL) {
            PyErr_Clear();
            Py_XDECREF(ref);
            return NULL;
        }
        s = (struct stack *)*at; /* of one that has died here */
        if (s == NULL && (s = ml_calloc(1, sizeof *s)) == NULL) {
            ml_ptrmap_remove(&stacks, greenlet);
            Py_DECREF(ref);
            return NULL;
        }
        *at = (uintptr_t)s;
        forget_frames(s);
        Py_XDECREF(s->greenlet);
        s->greenlet = ref;
    }
    if (n <= s->cap)
        return s;
    struct ml_frame *frames = ml_realloc(s->frames, n, sizeof *frames);
    if (frames == NULL)
        return NULL;
    s->frames = frames;
    s->cap = n;
    return s;
}

/* Without memory its lines end here; they go on at their next event. */
static void put_away(struct ml_thread *t, PyObject *greenlet)
{
    struct stack *s = t->n != 0 ? stack_for(greenlet, t->n) : NULL;
    if (s == NULL || t->n > s->cap) {
        ml_event_drop(0);
        return;
    }
    s->n = t->n;
    s->base_scope = t->base_scope;
    for (uint32_t i = s->n; i > 0; i--)
        ml_scope_suspend(t, &s->frames[i - 1]);
}

static void bring_back(struct ml_thread *t, const PyObject *greenlet)
{
    struct stack *s = stack_of(greenlet);
    uint32_t n = s != NULL ? s->n : 0;
    if (n == 0) {
        t->base_scope = ml_py_scopes ? ml_py_scope_here() : 0;
        ml_scope_visit(t, t->base_scope);
        return;
    }
    s->n = 0;
    t->base_scope = s->base_scope;
    for (uint32_t i = 0; i < n; i++) {
        ml_scope_visit(t, s->frames[i].heap_scope);
        ml_scope_resume(t, &s->frames[i]);
    }
}

/* --- being told --------------------------------------------------------------------------------------------- */

/* A trace function as greenlet.settrace wants it: (event, (origin, target)), called in the target. `self`: a
 * capsule with the tracer that was there before, or None. */
static PyObject *on_switch(PyObject *self, PyObject *args)
{
    PyObject *event, *origin, *target;
    PyObject *earlier = PyCapsule_GetPointer(self, NULL);
    struct ml_thread *t = ml_thread_find();
    if (!PyArg_ParseTuple(args, "O(OO)", &event, &origin, &target))
        return NULL;
    if (t != NULL && origin != target) {
        put_away(t, origin);
        bring_back(t, target);
    }
    if (earlier != Py_None)
        return PyObject_Call(earlier, args, NULL);
    Py_RETURN_NONE;
}

/* Our function is gone: another has taken its place and does not call it. */
static void on_replaced(PyObject *capsule)
{
    Py_DECREF((PyObject *)PyCapsule_GetPointer(capsule, NULL));
    ml_py_n_modules = -1; /* look again */
}

static PyMethodDef on_switch_def = {"_memline_on_switch", on_switch, METH_VARARGS, NULL};

static bool is_ours(PyObject *tracer)
{
    return PyCFunction_Check(tracer) && PyCFunction_GetFunction(tracer) == on_switch;
}

/* In a greenlet that is not the thread's first one: somebody has switched to it, unseen. */
static bool was_switched(PyObject *package)
{
    PyObject *here = PyObject_CallMethod(package, "getcurrent", NULL);
    PyObject *parent = here != NULL ? PyObject_GetAttrString(here, "parent") : NULL;
    bool is = parent != NULL && parent != Py_None;
    Py_XDECREF(parent);
    Py_XDECREF(here);
    return is;
}

/* From the package, or what is loaded of it so far. True: this thread's switches are told from now on, or were
 * already. */
static bool take_trace(struct ml_thread *t, PyObject *package)
{
    PyObject *earlier = PyObject_CallMethod(package, "gettrace", NULL);
    if (earlier == NULL)
        return false;
    bool done = is_ours(earlier);
    if (!done) {
        PyObject *self = PyCapsule_New(earlier, NULL, on_replaced);
        Py_XINCREF(self != NULL ? earlier : NULL);
        PyObject *ours = self != NULL ? PyCFunction_New(&on_switch_def, self) : NULL;
        PyObject *r = ours != NULL ? PyObject_CallMethod(package, "settrace", "O", ours) : NULL;
        done = r != NULL;
        Py_XDECREF(r);
        Py_XDECREF(ours);
        Py_XDECREF(self);
        if (done && was_switched(package))
            ml_event_drop(0);
    }
    Py_DECREF(earlier);
    return done;
}

ML_NOINLINE void ml_py_greenlets_look(struct ml_thread *t)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    Py_ssize_t n = PyDict_GET_SIZE(ml_py_modules);
    PyObject *package = PyDict_GetItemWithError(ml_py_modules, package_name); /* borrowed */
    if (package == NULL || take_trace(t, package))
        ml_py_n_modules = n; /* else it is just being loaded */
    PyErr_Clear();
    PyErr_Restore(type, value, trace);
}

int ml_py_greenlets_init(void)
{
    if (ml_py_modules == NULL) {
        package_name = PyUnicode_InternFromString("greenlet");
        if (package_name == NULL)
            return -1;
        ml_py_modules = PyImport_GetModuleDict();
        Py_XINCREF(ml_py_modules);
    }
    return 0;
}
