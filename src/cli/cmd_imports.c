/* cli/cmd_imports.c -- `memline imports`: becomes the interpreter, with python/memline/_imports.py.
 *
 * Not by -m, whose machinery imports half of what is to be measured. All arguments, --help too, are read
 * there. SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/interpreter.h"

int ml_cmd_imports(int argc, char **argv)
{
    struct ml_error e;
    ml_interpreter_become("-c", "from memline._imports import main; main()", argc, argv, &e);
    ml_error_print(&e);
    return ML_EXIT_FAILED;
}
