/* cli/main.c -- finds the command and runs it. The table is made by meson.build.
 *
 * Called by the name of a command (a link `func` to the program), it acts as that command.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/near.h"
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    const char *says; /* one line for the help; NULL: not in this build */
    const char *part; /* the folder of src/ that is missing; else NULL */
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
#define COMMAND(name, says) {#name, says, NULL, ml_cmd_##name},
#define MISSING(name, part) {#name, NULL, part, NULL},
#include "commands.def"
#undef COMMAND
#undef MISSING
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(FILE *out)
{
    fputs("memline tells which line ate the memory.\n\n"
          "usage: memline COMMAND [arguments]\n\ncommands:\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (commands[i].says != NULL)
            fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].says);
    fputs("\n  memline help COMMAND tells more; memline --version prints the version.\n", out);
}

static int unknown_command(const char *name)
{
    struct ml_error e;
    struct ml_near near = {.wanted = ml_str_of(name)};
    ml_fail(&e, ML_EUSAGE, "unknown %s '%s'", name[0] == '-' ? "option" : "command", name);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (commands[i].says != NULL)
            ml_near_try(&near, ml_str_of(commands[i].name));
    if (near.best.p != NULL)
        ml_hint(&e, "memline %.*s, or memline --help", (int)near.best.n, near.best.p);
    else
        ml_hint(&e, "memline --help");
    ml_error_print(&e);
    return ML_EXIT_USAGE;
}

static int missing_command(const struct command *c)
{
    struct ml_error e;
    ml_fail(&e, ML_EUNSUPPORTED, "command '%s' is not in this build of memline", c->name);
    ml_hint(&e, "build memline with its part src/%s", c->part);
    ml_error_print(&e);
    return ML_EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    const struct command *c = find(argv[0]);
    if (c == NULL)
        return unknown_command(argv[0]);
    return c->run != NULL ? c->run(argc, argv) : missing_command(c);
}

static int help(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return ML_EXIT_OK;
    }
    char option[] = "--help";
    char *again[] = {argv[1], option, NULL};
    return run(2, again);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return ML_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        puts("memline " ML_VERSION);
        return ML_EXIT_OK;
    }
    return run(argc - 1, argv + 1);
}

/* A result that could not be written (full disk, closed pipe) is a failure. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    struct ml_error e;
    ml_fail(&e, ML_EIO, "cannot write to standard output");
    ml_error_print(&e);
    return ML_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    if (argc < 1)
        return ML_EXIT_USAGE;
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash != NULL ? slash + 1 : argv[0];
    const struct command *c = find(name);
    if (c != NULL && c->run != NULL)
        return finish(c->run(argc, argv));
    return finish(dispatch(argc, argv));
}
