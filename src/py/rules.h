/* py/rules.h -- the user's words for "which code": folders, patterns, function names.
 *
 * Order: an exclude pattern says no; an include pattern says yes; a file below a root and not below a
 * skipped folder says yes; everything else is no. Function names narrow what is left.
 * Memory: owns its texts. Threads: the interpreter lock. SPDX-License-Identifier: MIT */
#ifndef ML_PY_RULES_H
#define ML_PY_RULES_H

#include "py/pycompat.h"

#include <stdbool.h>
#include <stddef.h>

struct ml_words {
    char **at; /* [n] owned */
    size_t n;
};

struct ml_rules {
    struct ml_words roots;     /* absolute folders */
    struct ml_words skip;      /* folder names ("site-packages") or absolute folders */
    struct ml_words include;   /* fnmatch patterns on absolute paths */
    struct ml_words exclude;   /* the same */
    struct ml_words functions; /* fnmatch patterns on names and qualified names; none: all */
};

/* The strings of a Python sequence. 0, or -1 with an exception. */
int ml_words_set(struct ml_words *w, PyObject *sequence);
void ml_rules_clear(struct ml_rules *r);
bool ml_rules_file(const struct ml_rules *r, const char *path);
bool ml_rules_function(const struct ml_rules *r, const char *name, const char *qualified);

#endif
