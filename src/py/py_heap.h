/* py/py_heap.h -- heap accounting from Python: hooks on the interpreter's allocators, scopes.
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_HEAP_H
#define ML_PY_HEAP_H

#include "py/pycompat.h"

#include "core/book.h"
#include "core/heap_scope.h"
#include "core/scope.h"

/* Add heap_* and scope_* to the module. 0, or -1 with an exception. */
int ml_py_heap_init(PyObject *module);
/* The open book, for heap_start; NULL: none (py_book.c). */
struct ml_book *ml_py_book(void);
/* (file, function, line) of a line of the open book, as code objects name them: a new reference; NULL
 * without an exception if no code has it (py_book.c). */
PyObject *ml_py_place_of(const struct ml_line *line);
/* Are line events wanted? Not in sample mode. 0, or -1 with an exception (py_book.c). */
int ml_py_book_lines(PyObject *module, bool on);
/* The book is about to close. */
void ml_py_heap_close(void);

/* Let the sampler ask which line is running (leaf.c). */
void ml_leaf_init(void);

/* Some scope was opened: the context tells which one code runs in. */
extern bool ml_py_scopes;
/* The scope of the running context; 0: none. Never fails. */
uint32_t ml_py_scope_here(void);

/* A profiled frame is about to begin or to go on in this context: be in its scope.
 * Cost without scopes: one load. */
static inline void ml_py_visit_scope(struct ml_thread *t)
{
    if (ML_UNLIKELY(ml_py_scopes))
        ml_scope_visit(t, ml_py_scope_here());
}

#endif
