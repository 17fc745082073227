/* py/codes.h -- what we know of a code object: its probes, kept at the object itself.
 *
 * The interpreter gives each code object a slot for us (PEP 523) and calls us when the object dies, so
 * there is no table keyed by addresses that may be used again, and nothing is ever hashed.
 * Threads: the interpreter lock. Memory: one struct per code object that was looked at.
 * SPDX-License-Identifier: MIT */
#ifndef ML_PY_CODES_H
#define ML_PY_CODES_H

#include "py/pycompat.h"

#include "core/scope.h"

/* Where a suspended code object goes on: instruction offset -> line, filled as it happens. */
struct ml_resume_point {
    int offset; /* bytes */
    int line;
};

struct ml_code {
    PyCodeObject *code;      /* borrowed: the slot of this object owns us */
    struct ml_probe *probes; /* [n] owned; each holds a reference to its recorder */
    uint32_t n;
    uint32_t active;                /* probes that measure now */
    bool keeps;                     /* a probe's recorder keeps calls over suspensions */
    bool watched;                   /* the engine delivers its events */
    bool judged;                    /* select() has decided about it */
    signed char subscripts;         /* the filter's: 1 it does, -1 not, 0 nobody has looked */
    PyObject *name;                 /* owned; qualified name told by the enclosing code; or NULL */
    struct ml_resume_point *resume; /* [n_resume] owned */
    uint32_t n_resume;
};

/* Once per process. 0, or -1 with an exception. */
int ml_codes_init(void);
/* What hangs on the code object, or NULL. */
struct ml_code *ml_code_find(PyCodeObject *code);
/* The same, made if new; NULL with MemoryError. */
struct ml_code *ml_code_get(PyCodeObject *code);
/* The recorder's probe here, or NULL. */
struct ml_probe *ml_code_probe(const struct ml_code *c, const struct ml_recorder *r);
/* Add a probe; it holds a reference to r. 0, or -1 with MemoryError. */
int ml_code_add_probe(struct ml_code *c, struct ml_recorder *r, size_t top, bool is_top);
/* First and last line of the code and, if `nested`, of the code objects inside it.
 * 0, or -1 with an exception. */
int ml_code_lines(PyCodeObject *code, bool nested, uint32_t *first, uint32_t *last);
/* The line at an instruction offset, remembered: for places where frames go on again and again. */
int ml_code_resume_line(struct ml_code *c, int offset);

static inline bool ml_probe_active(const struct ml_probe *p)
{
    return p->always || p->started > 0;
}

#endif
