/* cli/cmd_run.c -- `memline run`: becomes `PYTHON -m memline._run ARGUMENTS`.
 *
 * All arguments, --help too, are read by memline._run. SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/interpreter.h"

int ml_cmd_run(int argc, char **argv)
{
    struct ml_error e;
    ml_interpreter_become("-m", "memline._run", argc, argv, &e);
    ml_error_print(&e);
    return ML_EXIT_FAILED;
}
