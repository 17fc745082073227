/* host/python.h -- which Python runs the user's functions.
 *
 * Threads: nothing shared; starts the candidate interpreters and waits for them (~20 ms each).
 * SPDX-License-Identifier: MIT */
#ifndef ML_HOST_PYTHON_H
#define ML_HOST_PYTHON_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>

struct ml_python {
    char path[PATH_MAX]; /* absolute, or as the user gave it */
    int major;
    int minor;
    int micro;
    bool has_library;  /* `import azure.functions` would find it */
    bool by_root_venv; /* taken from ROOT/.venv because the first choice lacks the library */
    bool by_user;      /* named by languageWorkers__python__defaultExecutablePath */
};

/* The first choice, without regard to the library: enough for `init`'s warning. */
int ml_python_find(struct ml_python *out, struct ml_error *e);
/* The interpreter for a project. ML_ENOTFOUND: none on this machine; ML_EUNSUPPORTED: none can import
 * azure.functions, and the message says what to install where. */
int ml_python_for_project(const char *root, struct ml_python *out, struct ml_error *e);
/* 3.9 to 3.14: the versions that the original supports. */
bool ml_python_is_official(const struct ml_python *p);

#endif
