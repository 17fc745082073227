/* cli/args.c -- see args.h. SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include "base/err.h"
#include "base/near.h"
#include "cli/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Every command understands it; it needs no row. */
static const struct ml_option help_option = {ML_ARG_HELP, 'h', "help", NULL, "show this text"};

void ml_args_init(struct ml_args *a, const struct ml_usage *u, int argc, char **argv)
{
    *a = (struct ml_args){.usage = u, .argc = argc, .argv = argv, .at = 1};
}

char **ml_args_rest(const struct ml_args *a, int *argc)
{
    *argc = a->argc - a->at;
    return a->argv + a->at;
}

int ml_args_stop(const struct ml_args *a, int id)
{
    (void)a;
    return id == ML_ARG_HELP ? ML_EXIT_OK : ML_EXIT_USAGE;
}

int ml_args_fail(const struct ml_args *a, const char *fmt, ...)
{
    struct ml_error e = {.status = ML_EUSAGE};
    va_list args;
    va_start(args, fmt);
    vsnprintf(e.text, sizeof e.text, fmt, args);
    va_end(args);
    ml_hint(&e, "memline %s --help", a->usage->command);
    ml_error_print(&e);
    return ML_EXIT_USAGE;
}

static int bad(struct ml_args *a, const char *text, const char *subject, size_t subject_n)
{
    ml_args_fail(a, "%s '%.*s'", text, (int)subject_n, subject);
    return ML_ARG_BAD;
}

static const struct ml_option *find_letter(const struct ml_usage *u, char letter)
{
    for (const struct ml_option *o = u->options; o->id != 0; o++)
        if (o->letter == letter)
            return o;
    return letter == help_option.letter ? &help_option : NULL;
}

static const struct ml_option *find_name(const struct ml_usage *u, struct ml_str name)
{
    for (const struct ml_option *o = u->options; o->id != 0; o++)
        if (o->name != NULL && ml_str_eq(ml_str_of(o->name), name))
            return o;
    return ml_str_eq(ml_str_of(help_option.name), name) ? &help_option : NULL;
}

static int unknown_name(struct ml_args *a, struct ml_str name)
{
    struct ml_near near = {.wanted = name};
    struct ml_error e;
    ml_fail(&e, ML_EUSAGE, "unknown option '--%.*s'", (int)name.n, name.p);
    for (const struct ml_option *o = a->usage->options; o->id != 0; o++)
        if (o->name != NULL && o->help != NULL)
            ml_near_try(&near, ml_str_of(o->name));
    if (near.best.p != NULL)
        ml_hint(&e, "--%.*s, or memline %s --help", (int)near.best.n, near.best.p,
                a->usage->command);
    else
        ml_hint(&e, "memline %s --help", a->usage->command);
    ml_error_print(&e);
    return ML_ARG_BAD;
}

/* Answers the option's id; help is printed here, once for all commands. */
static int found(struct ml_args *a, const struct ml_option *o)
{
    if (o == &help_option)
        ml_args_help(a->usage);
    return o->id;
}

static int next_long(struct ml_args *a, const char *arg)
{
    const char *equals = strchr(arg, '=');
    struct ml_str name = {arg, equals != NULL ? (size_t)(equals - arg) : strlen(arg)};
    const struct ml_option *o = find_name(a->usage, name);
    if (o == NULL)
        return unknown_name(a, name);
    if (o->value == NULL && equals != NULL)
        return bad(a, "no value is taken by option", arg - 2, name.n + 2);
    if (o->value != NULL && equals == NULL && a->at == a->argc)
        return bad(a, "a value is missing after option", arg - 2, name.n + 2);
    if (o->value != NULL)
        a->value = equals != NULL ? equals + 1 : a->argv[a->at++];
    return found(a, o);
}

static int next_letter(struct ml_args *a)
{
    char shown[2] = {'-', *a->letters++};
    const char *rest = a->letters;
    const struct ml_option *o = find_letter(a->usage, shown[1]);
    if (*rest == '\0')
        a->letters = NULL;
    if (o == NULL)
        return bad(a, "unknown option", shown, sizeof shown);
    if (o->value == NULL)
        return found(a, o);
    a->letters = NULL;
    if (*rest == '\0' && a->at == a->argc)
        return bad(a, "a value is missing after option", shown, sizeof shown);
    a->value = *rest != '\0' ? rest : a->argv[a->at++];
    return found(a, o);
}

int ml_args_next(struct ml_args *a)
{
    a->value = NULL;
    if (a->letters != NULL)
        return next_letter(a);
    if (a->at == a->argc)
        return ML_ARG_END;
    const char *arg = a->argv[a->at++];
    if (!a->only_words && strcmp(arg, "--") == 0) {
        a->only_words = true;
        return ml_args_next(a);
    }
    if (!a->only_words && strncmp(arg, "--", 2) == 0)
        return next_long(a, arg + 2);
    if (!a->only_words && arg[0] == '-' && arg[1] != '\0') {
        a->letters = arg + 1;
        return next_letter(a);
    }
    a->only_words = a->only_words || a->usage->words_end_options;
    a->value = arg;
    return ML_ARG_WORD;
}

int ml_args_choice(const struct ml_args *a, const char *option, const char *const *words,
                   int *which)
{
    char list[512] = "";
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], a->value) == 0) {
            *which = i;
            return 0;
        }
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    return ml_args_fail(a, "option '%s' takes one of %s, not '%s'", option, list, a->value);
}

static int option_column(char *out, size_t n, const struct ml_option *o)
{
    char letter[5] = "    ";
    if (o->letter != 0)
        snprintf(letter, sizeof letter, "-%c%s", o->letter, o->name != NULL ? ", " : "");
    return snprintf(out, n, "%s%s%s%s%s", letter, o->name != NULL ? "--" : "",
                    o->name != NULL ? o->name : "", o->value != NULL ? " " : "",
                    o->value != NULL ? o->value : "");
}

static void print_option(const struct ml_option *o, int width)
{
    char column[128];
    option_column(column, sizeof column, o);
    const char *help = o->help;
    size_t n = strcspn(help, "\n");
    printf("  %-*s  %.*s\n", width, column, (int)n, help);
    while (help[n] == '\n') {
        help += n + 1;
        n = strcspn(help, "\n");
        printf("  %-*s  %.*s\n", width, "", (int)n, help);
    }
}

void ml_args_help(const struct ml_usage *u)
{
    char column[128];
    int width = option_column(column, sizeof column, &help_option);
    for (const struct ml_option *o = u->options; o->id != 0; o++) {
        int n = o->help != NULL ? option_column(column, sizeof column, o) : 0;
        width = n > width ? n : width;
    }
    printf("usage: memline %s %s\n\n%s\n\noptions:\n", u->command, u->form, u->about);
    for (const struct ml_option *o = u->options; o->id != 0; o++)
        if (o->help != NULL)
            print_option(o, width);
    print_option(&help_option, width);
}
