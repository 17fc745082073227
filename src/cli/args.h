/* cli/args.h -- reading a command's arguments from a table of its options.
 *
 *   enum { OPT_OUTPUT = 1, OPT_QUIET };
 *   static const struct ml_option options[] = {
 *       {OPT_OUTPUT, 'o', "output", "FILE", "write to FILE"},
 *       {OPT_QUIET, 'q', "quiet", NULL, "say less"},
 *       {0}};
 *   static const struct ml_usage usage = {"report", "[options] FILE...", "Shows books.", options};
 *
 *   struct ml_args a;
 *   ml_args_init(&a, &usage, argc, argv);
 *   for (int id; (id = ml_args_next(&a)) != ML_ARG_END;)
 *       switch (id) {
 *       case OPT_OUTPUT: path = a.value; break;
 *       case ML_ARG_WORD: use(a.value); break;
 *       default: return ml_args_stop(&a, id);   --help was answered, or the usage was wrong
 *       }
 *
 * Understood: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, -abc (flags), `--` (only words follow).
 * Memory: borrows argv. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_ARGS_H
#define ML_CLI_ARGS_H

#include "base/port.h"

#include <stdbool.h>

struct ml_option {
    int id;            /* what ml_args_next answers; above 0 */
    char letter;       /* short form; 0: none */
    const char *name;  /* long form, without dashes; NULL: none */
    const char *value; /* its value's name in the help; NULL: takes none */
    const char *help;  /* NULL: understood but not shown */
};

struct ml_usage {
    const char *command; /* "report", or "func init" */
    const char *form;    /* what follows the command in its usage line */
    const char *about;   /* first line: what it does; further lines as they shall stand */
    const struct ml_option *options; /* ends with a row of id 0 */
    bool words_end_options; /* from the first word on, the arguments are another program's */
};

enum { ML_ARG_END = 0, ML_ARG_WORD = -1, ML_ARG_HELP = -2, ML_ARG_BAD = -3 };

struct ml_args {
    const char *value; /* of the option or word just answered; NULL for a flag */
    /* private */
    const struct ml_usage *usage;
    int argc;
    char **argv;
    int at;              /* next argument */
    const char *letters; /* rest of a group of short options, or NULL */
    bool only_words;
};

/* argv[0] is skipped. */
void ml_args_init(struct ml_args *a, const struct ml_usage *u, int argc, char **argv);
/* An option's id, ML_ARG_WORD, or ML_ARG_END; ML_ARG_HELP and ML_ARG_BAD after having printed. */
int ml_args_next(struct ml_args *a);
/* The arguments not yet read; *argc tells how many. */
char **ml_args_rest(const struct ml_args *a, int *argc);
/* The exit status for ML_ARG_HELP (0) and ML_ARG_BAD (2). */
int ml_args_stop(const struct ml_args *a, int id);

/* Prints a usage error ("memline: TEXT", "  try: memline COMMAND --help") and answers exit status 2. */
int ml_args_fail(const struct ml_args *a, const char *fmt, ...) ML_PRINTF(2, 3);
/* An option's value that is none of the words: prints both and answers exit status 2.
 * Else 0, with the word's place in *which. `words` ends with NULL. */
int ml_args_choice(const struct ml_args *a, const char *option, const char *const *words,
                   int *which);

/* The help text, to stdout. */
void ml_args_help(const struct ml_usage *u);

#endif
