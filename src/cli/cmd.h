/* cli/cmd.h -- the commands of the program: one file cmd_NAME.c and one row in meson.build each.
 *
 * A command is `int ml_cmd_NAME(int argc, char **argv)`: argv[0] is the command's name, the answer
 * is the exit status (0 done, 1 failed, 2 wrong usage). It reads its arguments with cli/args.h, which
 * also answers --help, and prints failures with ml_error_print. Results go to stdout, all else to
 * stderr. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_CMD_H
#define ML_CLI_CMD_H

enum { ML_EXIT_OK = 0, ML_EXIT_FAILED = 1, ML_EXIT_USAGE = 2 };

#define COMMAND(name, says) int ml_cmd_##name(int argc, char **argv);
#define MISSING(name, part)
#include "commands.def"
#undef COMMAND
#undef MISSING

#endif
