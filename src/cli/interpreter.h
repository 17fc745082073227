/* cli/interpreter.h -- which Python runs the user's program, and whether it knows memline.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CLI_INTERPRETER_H
#define ML_CLI_INTERPRETER_H

#include "base/err.h"

#include <stddef.h>

/* Writes the interpreter's path (or name, to be found on PATH) to out. The order:
 *   1. $MEMLINE_PYTHON
 *   2. python3 or python in the folder of this program: the environment it was installed in
 *   3. $VIRTUAL_ENV/bin/python
 *   4. .venv/bin/python in a folder above this program: a checkout
 *   5. python3 on PATH
 * Errors: ML_ENOTFOUND. */
int ml_interpreter_find(char *out, size_t out_bytes, struct ml_error *e);

/* 0 if the interpreter starts and can import memline; else a failure that says what to do.
 * Cost: one start of the interpreter, about 15 ms. */
int ml_interpreter_check(const char *python, struct ml_error *e);

/* Become `PYTHON FLAG WORD ARGUMENTS`, where FLAG is -m or -c: an exec, so that process id, standard streams,
 * signals and exit status are the program's own. Comes back only with an error. */
int ml_interpreter_become(const char *flag, const char *word, int argc, char **argv,
                          struct ml_error *e);

#endif
