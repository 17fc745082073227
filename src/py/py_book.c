/* py/py_book.c -- the native front: one account book for the process, and the recorder that fills it.
 *
 * SPDX-License-Identifier: MIT */
#include "py/select.h"

#include "core/book.h"
#include "core/snapshot.h"
#include "py/engine.h"
#include "py/events.h"
#include "py/py_heap.h"
#include "py/py_limit.h"
#include "py/py_recorder.h"
#include "py/py_report.h"
#include "py/py_snapshot.h"
#include "py/rules.h"

#include <limits.h>
#include <unistd.h>

static struct {
    struct ml_book *book;         /* owned; NULL: none open */
    struct ml_recorder *recorder; /* owned; its lines stand in the book */
    struct ml_rules rules;
    bool selecting;
    bool lines;  /* line events are wanted: not in sample mode */
    bool off[2]; /* at rest: [0] what rules selected, [1] what was marked by hand */
} native = {.lines = true};

struct ml_book *ml_py_book(void)
{
    return native.book;
}

/* --- names ------------------------------------------------------------------------------------------ */

/* The file as the report will look for it: absolute, unless it is no file ("<string>"). */
static PyObject *absolute(PyObject *name)
{
    PyObject *bytes = PyUnicode_EncodeFSDefault(name);
    char cwd[PATH_MAX];
    if (bytes == NULL)
        return NULL;
    const char *text = PyBytes_AS_STRING(bytes);
    if (text[0] == '/' || text[0] == '<' || getcwd(cwd, sizeof cwd) == NULL)
        return bytes;
    while (text[0] == '.' && text[1] == '/')
        text += 2;
    PyObject *joined = PyBytes_FromFormat("%s/%s", cwd, text);
    Py_DECREF(bytes);
    return joined;
}

static struct ml_str slice(PyObject *bytes)
{
    return (struct ml_str){PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)};
}

/* Lambdas, comprehensions and the like share the lines of the function they stand in. */
static bool is_part(PyCodeObject *code)
{
    return PyUnicode_READ_CHAR(code->co_name, 0) == '<' &&
           PyUnicode_CompareWithASCIIString(code->co_name, "<module>") != 0;
}

/* New reference: the qualified name. Before 3.11 the enclosing code object has told it, if it was
 * ever looked at. */
static PyObject *qualified_name(const struct ml_code *c)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *name = c->code->co_qualname;
#else
    PyObject *name = c->name != NULL ? c->name : c->code->co_name;
#endif
    Py_INCREF(name);
    return name;
}

#if PY_VERSION_HEX < 0x030B0000
/* Tell the code objects inside `c` their qualified names. 0, or -1 with an exception. */
static int name_children(const struct ml_code *c, PyObject *own)
{
    bool is_module = PyUnicode_CompareWithASCIIString(c->code->co_name, "<module>") == 0;
    bool is_function = (c->code->co_flags & CO_NEWLOCALS) != 0 &&
                       (c->code->co_flags & CO_OPTIMIZED) != 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->code->co_consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(c->code->co_consts, i);
        if (!PyCode_Check(item))
            continue;
        struct ml_code *child = ml_code_get((PyCodeObject *)item);
        if (child == NULL)
            return -1;
        PyObject *name = ((PyCodeObject *)item)->co_name;
        const char *joint = is_function ? "%U.<locals>.%U" : "%U.%U";
        if (child->name == NULL)
            child->name = is_module ? PyUnicode_FromObject(name)
                                    : PyUnicode_FromFormat(joint, own, name);
        if (child->name == NULL || name_children(child, child->name) < 0)
            return -1;
    }
    return 0;
}
#else
static int name_children(const struct ml_code *c, PyObject *own)
{
    return 0;
}
#endif

/* --- booking ------------------------------------------------------------------------------------------- */

/* Lines of the code and of the parts that stand in it. */
static int lines_with_parts(PyCodeObject *code, uint32_t *first, uint32_t *last)
{
    if (ml_code_lines(code, false, first, last) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(code->co_consts, i);
        uint32_t f, l;
        if (!PyCode_Check(item) || !is_part((PyCodeObject *)item))
            continue;
        if (lines_with_parts((PyCodeObject *)item, &f, &l) < 0)
            return -1;
        *first = f < *first ? f : *first;
        *last = l > *last ? l : *last;
    }
    return 0;
}

/* The code's lines are booked as `top` from now on, those of its parts too. */
static int attach(struct ml_code *c, size_t top, bool is_top, bool marked)
{
    c->judged = true;
    if (ml_code_probe(c, native.recorder) != NULL)
        return 0;
    if (ml_code_add_probe(c, native.recorder, top, is_top) < 0)
        return -1;
    if (!native.off[marked] && native.lines) {
        ml_code_probe(c, native.recorder)->always = true;
        if (ml_py_activate(c, true) < 0)
            return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->code->co_consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(c->code->co_consts, i);
        if (!PyCode_Check(item) || !is_part((PyCodeObject *)item))
            continue;
        struct ml_code *part = ml_code_get((PyCodeObject *)item);
        if (part == NULL || attach(part, top, false, marked) < 0)
            return -1;
    }
    return 0;
}

/* Give the code a place in the book. A full book is not the program's fault: it goes on unprofiled,
 * and the book counts what it lost. 0, or -1 with an exception. */
static int book_code(struct ml_code *c, PyObject *file, PyObject *name, bool marked)
{
    struct ml_top top = {.user = c->code, .marked = marked};
    size_t index;
    uint32_t last;
    if (lines_with_parts(c->code, &top.first_line, &last) < 0)
        return -1;
    top.n_lines = last - top.first_line + 1;
    PyObject *text = PyUnicode_AsEncodedString(name, "utf-8", "surrogateescape");
    if (text == NULL)
        return -1;
    int rc = ml_book_function(native.book, slice(file), slice(text), top.first_line, top.n_lines,
                              &top.book_lines);
    Py_DECREF(text);
    if (rc != ML_OK)
        return 0;
    if (ml_recorder_add(native.recorder, &top, &index) != ML_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return attach(c, index, true, marked);
}

static bool wanted(PyObject *file, const struct ml_code *c, PyObject *qualified)
{
    if (!ml_rules_file(&native.rules, PyBytes_AS_STRING(file)))
        return false;
    const char *name = PyUnicode_AsUTF8(c->code->co_name);
    const char *full = name != NULL ? PyUnicode_AsUTF8(qualified) : NULL;
    if (full == NULL) {
        PyErr_Clear(); /* a name with lone surrogates matches no pattern */
        return native.rules.functions.n == 0;
    }
    return ml_rules_function(&native.rules, name, full);
}

struct ml_code *ml_select_judge(PyCodeObject *code)
{
    struct ml_code *c = ml_code_get(code);
    if (c == NULL)
        return NULL;
    c->judged = true;
    if (!native.selecting || native.book == NULL)
        return c;
    PyObject *file = absolute(code->co_filename);
    PyObject *name = file != NULL ? qualified_name(c) : NULL;
    if (name != NULL && name_children(c, name) == 0 && wanted(file, c, name))
        book_code(c, file, name, false);
    Py_XDECREF(name);
    Py_XDECREF(file);
    return PyErr_Occurred() ? NULL : c;
}

/* Records of a book come one behind another, so the tops' lines stand in order. */
static const struct ml_top *top_of_line(const struct ml_line *line)
{
    const struct ml_recorder *r = native.recorder;
    size_t low = 0;
    size_t high = r != NULL ? r->n_tops : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct ml_top *top = &r->tops[middle];
        if (line < top->book_lines)
            high = middle;
        else if (line >= top->book_lines + top->n_lines)
            low = middle + 1;
        else
            return top;
    }
    return NULL;
}

PyObject *ml_py_place_of(const struct ml_line *line)
{
    const struct ml_top *top = line != NULL ? top_of_line(line) : NULL;
    PyCodeObject *code = top != NULL ? (PyCodeObject *)top->user : NULL;
    const struct ml_code *c = code != NULL ? ml_code_find(code) : NULL;
    if (c == NULL)
        return NULL;
    return Py_BuildValue("(ONI)", code->co_filename, qualified_name(c),
                         top->first_line + (unsigned)(line - top->book_lines));
}

struct ml_sheet *ml_select_sheet(const struct ml_code *c)
{
    const struct ml_probe *p = native.recorder != NULL ? ml_code_probe(c, native.recorder) : NULL;
    return p != NULL ? ml_call_sheet(native.recorder->total, p->top) : NULL;
}

/* --- functions of the module ------------------------------------------------------------------------------ */

static PyObject *book_open(PyObject *module, PyObject *args, PyObject *kw)
{
    static char *names[] = {"path", "replace", NULL};
    PyObject *path;
    int replace = 0;
    struct ml_error e;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "O&|p:book_open", names, PyUnicode_FSConverter,
                                     &path, &replace))
        return NULL;
    if (native.book != NULL) {
        Py_DECREF(path);
        PyErr_SetString(PyExc_RuntimeError, "a book is open already; close it first");
        return NULL;
    }
    int rc = ml_book_create(PyBytes_AS_STRING(path), replace, &native.book, &e);
    Py_DECREF(path);
    if (rc != ML_OK)
        return ml_py_raise(&e);
    if (ml_recorder_new(false, &native.recorder) != ML_OK) {
        ml_book_discard(native.book);
        native.book = NULL;
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

/* Set the code and its parts measuring or at rest. */
static void set_active(struct ml_code *c, bool on)
{
    struct ml_probe *p = ml_code_probe(c, native.recorder);
    on = on && native.lines;
    if (p == NULL || p->always == on)
        return;
    p->always = on;
    if (ml_py_activate(c, on) < 0)
        PyErr_Clear(); /* the tool is gone: at rest anyway */
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->code->co_consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(c->code->co_consts, i);
        struct ml_code *part = PyCode_Check(item) && is_part((PyCodeObject *)item)
                                   ? ml_code_find((PyCodeObject *)item)
                                   : NULL;
        if (part != NULL)
            set_active(part, on);
    }
}

/* Let what is marked, or what was selected, measure or rest. */
static void switch_kind(bool marked, bool on)
{
    native.off[marked] = !on;
    const struct ml_recorder *r = native.recorder;
    for (size_t i = 0; r != NULL && i < r->n_tops; i++) {
        PyCodeObject *code = (PyCodeObject *)r->tops[i].user;
        struct ml_code *c = code != NULL && r->tops[i].marked == marked ? ml_code_find(code) : NULL;
        if (c != NULL)
            set_active(c, on);
    }
}

static int set_selecting(PyObject *module, bool on)
{
    if (native.selecting == on)
        return 0;
    native.selecting = on;
    return native.lines ? ml_engine_select(module, on) : 0;
}

int ml_py_book_lines(PyObject *module, bool on)
{
    if (native.lines == on)
        return 0;
    if (native.selecting && ml_engine_select(module, on) < 0)
        return -1;
    native.lines = on;
    switch_kind(true, on);
    switch_kind(false, on);
    return 0;
}

static PyObject *profile_switch(PyObject *module, PyObject *args)
{
    int marked, selected;
    if (!PyArg_ParseTuple(args, "pp:profile_switch", &marked, &selected))
        return NULL;
    if (set_selecting(module, native.selecting && selected) < 0)
        return NULL;
    if (native.recorder != NULL && (!marked || !selected))
        ml_event_stop(native.recorder);
    switch_kind(true, marked);
    switch_kind(false, selected);
    Py_RETURN_NONE;
}

static PyObject *book_close(PyObject *module, PyObject *args, PyObject *kw)
{
    static char *names[] = {"discard", NULL};
    int discard = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kw, "|p:book_close", names, &discard))
        return NULL;
    if (native.book == NULL)
        Py_RETURN_NONE;
    ml_py_heap_close();
    if (set_selecting(module, false) < 0)
        return NULL;
    ml_event_stop(native.recorder);
    switch_kind(true, false);
    switch_kind(false, false);
    native.off[0] = native.off[1] = false;
    native.lines = true;
    ml_book_retire(native.book, discard);
    native.book = NULL;
    native.recorder = NULL; /* code objects still know it: it stays behind, at rest */
    Py_RETURN_NONE;
}

static PyObject *book_path(PyObject *module, PyObject *unused)
{
    if (native.book == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(ml_book_path(native.book));
}

static int need_book(void)
{
    if (native.book != NULL)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "no book is open; call book_open first");
    return -1;
}

static PyObject *book_status(int rc)
{
    struct ml_error e;
    if (rc == ML_OK)
        Py_RETURN_NONE;
    ml_fail(&e, rc, "cannot write to book '%s': %s", ml_book_path(native.book), ml_status_text(rc));
    return ml_py_raise(&e);
}

/* Two strings to slices of their bytes; references in *a and *b. */
static int two_texts(PyObject *args, PyObject **a, PyObject **b)
{
    PyObject *x, *y;
    if (!PyArg_ParseTuple(args, "UU", &x, &y) || need_book() < 0)
        return -1;
    *a = PyUnicode_EncodeFSDefault(x);
    *b = *a != NULL ? PyUnicode_AsEncodedString(y, "utf-8", "surrogateescape") : NULL;
    if (*b != NULL)
        return 0;
    Py_XDECREF(*a);
    return -1;
}

static PyObject *book_meta(PyObject *module, PyObject *args)
{
    PyObject *key, *value;
    if (two_texts(args, &key, &value) < 0)
        return NULL;
    int rc = ml_book_meta(native.book, slice(key), slice(value));
    Py_DECREF(key);
    Py_DECREF(value);
    return book_status(rc);
}

static PyObject *book_source(PyObject *module, PyObject *args)
{
    PyObject *file, *text;
    if (two_texts(args, &file, &text) < 0)
        return NULL;
    int rc = ml_book_source(native.book, slice(file), slice(text));
    Py_DECREF(file);
    Py_DECREF(text);
    return book_status(rc);
}

static PyObject *book_fork_child(PyObject *module, PyObject *unused)
{
    struct ml_error e;
    if (native.book == NULL)
        Py_RETURN_NONE;
    int rc = ml_book_fork_child(native.book, &e);
    ml_heap_after_fork();
    ml_py_limit_after_fork();
    if (rc != ML_OK)
        return ml_py_raise(&e);
    Py_RETURN_NONE;
}

static PyObject *select_code(PyObject *module, PyObject *args, PyObject *kw)
{
    static char *names[] = {"roots", "include", "exclude", "skip", "functions", NULL};
    PyObject *words[5] = {NULL, NULL, NULL, NULL, NULL};
    struct ml_words *to[5] = {&native.rules.roots, &native.rules.include, &native.rules.exclude,
                              &native.rules.skip, &native.rules.functions};
    if (!PyArg_ParseTupleAndKeywords(args, kw, "|$OOOOO:select", names, &words[0], &words[1],
                                     &words[2], &words[3], &words[4]))
        return NULL;
    ml_rules_clear(&native.rules);
    if (need_book() < 0)
        return NULL;
    for (size_t i = 0; i < 5; i++)
        if (words[i] != NULL && ml_words_set(to[i], words[i]) < 0)
            return NULL;
    switch_kind(false, true);
    if (set_selecting(module, true) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *profile_code(PyObject *module, PyObject *args)
{
    PyObject *code, *name;
    if (!PyArg_ParseTuple(args, "O!U:profile_code", &PyCode_Type, &code, &name) || need_book() < 0)
        return NULL;
    struct ml_code *c = ml_code_get((PyCodeObject *)code);
    if (c == NULL)
        return NULL;
    c->judged = true;
    if (ml_code_probe(c, native.recorder) == NULL) {
        PyObject *file = absolute(((PyCodeObject *)code)->co_filename);
        int rc = file != NULL ? book_code(c, file, name, true) : -1;
        Py_XDECREF(file);
        if (rc < 0)
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *snapshot(PyObject *module, PyObject *unused)
{
    struct ml_snapshot *s = NULL;
    struct ml_error e;
    if (need_book() < 0)
        return NULL;
    if (ml_snapshot_parse(ml_book_bytes(native.book), ml_book_path(native.book), &s, &e) != ML_OK)
        return ml_py_raise(&e);
    PyObject *result = ml_py_snapshot_dict(s);
    ml_snapshot_free(s);
    return result;
}

static PyMethodDef methods[] = {
    {"book_open", (PyCFunction)(void (*)(void))book_open, METH_VARARGS | METH_KEYWORDS,
     "book_open(path, replace=False)\n--\n\nOpen the account book of this process."},
    {"book_close", (PyCFunction)(void (*)(void))book_close, METH_VARARGS | METH_KEYWORDS,
     "book_close(discard=False)\n--\n\nStop profiling and close the book."},
    {"book_path", book_path, METH_NOARGS, "book_path()\n--\n\nThe open book's file, or None."},
    {"book_meta", book_meta, METH_VARARGS, "book_meta(key, value)\n--\n\nNote a fact of the run."},
    {"book_source", book_source, METH_VARARGS,
     "book_source(file, text)\n--\n\nKeep the text of a source that is not on disk."},
    {"book_fork_child", book_fork_child, METH_NOARGS,
     "book_fork_child()\n--\n\nIn a forked child: go on in a book of its own."},
    {"select", (PyCFunction)(void (*)(void))select_code, METH_VARARGS | METH_KEYWORDS,
     "select(*, roots=(), include=(), exclude=(), skip=(), functions=())\n--\n\n"
     "Profile every function that these rules name, from now on."},
    {"profile_code", profile_code, METH_VARARGS,
     "profile_code(code, name)\n--\n\nBook this code object's lines from now on."},
    {"profile_switch", profile_switch, METH_VARARGS,
     "profile_switch(marked, selected)\n--\n\nLet what was marked by hand, and what rules "
     "selected, measure or rest."},
    {"snapshot", snapshot, METH_NOARGS, "snapshot()\n--\n\nThe open book's figures as a dict."},
    {NULL, NULL, 0, NULL},
};

int ml_py_book_init(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
