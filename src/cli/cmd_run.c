/* cli/cmd_run.c -- `memline run`: becomes `PYTHON -m memline._run ARGUMENTS`.
 *
 * It execs, so that process id, standard streams, signals and exit status are the program's own.
 * All arguments, --help too, are read by memline._run. SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/interpreter.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

static int become(const char *python, int argc, char **argv, struct ml_error *e)
{
    const char **all = ml_calloc((size_t)argc + 3, sizeof *all);
    if (all == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    all[0] = python;
    all[1] = "-m";
    all[2] = "memline._run";
    for (int i = 1; i < argc; i++)
        all[i + 2] = argv[i];
    execvp(python, (char *const *)all);
    int err = errno;
    ml_free(all);
    return ml_fail_errno(e, err, "cannot start Python '%s'", python);
}

int ml_cmd_run(int argc, char **argv)
{
    char python[PATH_MAX];
    struct ml_error e;
    if (ml_interpreter_find(python, sizeof python, &e) == ML_OK &&
        ml_interpreter_check(python, &e) == ML_OK)
        become(python, argc, argv, &e);
    ml_error_print(&e);
    return ML_EXIT_FAILED;
}
