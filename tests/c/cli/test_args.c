/* tests/c/cli/test_args.c -- SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include "test.h"

enum { ALL = 1, FILE_, LEVEL, HIDDEN };

static const struct ml_option options[] = {{ALL, 'a', "all", NULL, "all of it"},
                                           {FILE_, 'f', "file", "FILE", "a file"},
                                           {LEVEL, 0, "level", "N", "how much\nof what"},
                                           {HIDDEN, 'x', "xyzzy", NULL, NULL},
                                           {0}};
static const struct ml_usage usage = {"do", "[options] WORD...", "Does it.", options, false};
static const struct ml_usage other_program = {"run", "PROGRAM...", "Runs it.", options, true};

/* Reads the arguments (separated by '|') and writes what was understood: "a f=x WORD ...". */
static void read_all(const struct ml_usage *u, const char *line, char *out, size_t n)
{
    char copy[256];
    char *argv[32] = {copy};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    out[0] = '\0';
    if (copy[0] != '\0')
        for (char *p = copy; p != NULL && argc < 31;) {
            char *bar = strchr(p, '|');
            if (bar != NULL)
                *bar++ = '\0';
            argv[argc++] = p;
            p = bar;
        }
    struct ml_args a;
    ml_args_init(&a, u, argc, argv);
    for (int id; (id = ml_args_next(&a)) != ML_ARG_END;) {
        size_t at = strlen(out);
        if (id == ML_ARG_WORD)
            snprintf(out + at, n - at, "[%s]", a.value);
        else
            snprintf(out + at, n - at, "%d%s%s ", id, a.value != NULL ? "=" : "",
                     a.value != NULL ? a.value : "");
        if (id == ML_ARG_HELP || id == ML_ARG_BAD)
            return;
    }
}

static void arguments_are_understood(void **state)
{
    static const struct {
        const char *line;
        const char *understood;
    } rows[] = {
        {"", ""},
        {"x|y", "[x][y]"},
        {"-a|x", "1 [x]"},
        {"--all|x|--all", "1 [x]1 "},
        {"-f|x", "2=x "},
        {"-fx", "2=x "},
        {"-f|-a", "2=-a "},
        {"-af|x", "1 2=x "},
        {"-afx", "1 2=x "},
        {"-aa", "1 1 "},
        {"--file=x", "2=x "},
        {"--file=", "2= "},
        {"--file=a=b", "2=a=b "},
        {"--file|--all", "2=--all "},
        {"-f|", "2= "},
        {"--level|3", "3=3 "},
        {"-x", "4 "},
        {"--|--all|-a|--", "[--all][-a][--]"},
        {"-", "[-]"},
        {"a||b", "[a][][b]"},
        {"--help|x", "-2 "},
        {"-ah", "1 -2 "},
        {"--none", "-3 "},
        {"-n", "-3 "},
        {"-an", "1 -3 "},
        {"--file", "-3 "},
        {"-f", "-3 "},
        {"--all=1", "-3 "},
        {"--al", "-3 "}, /* no abbreviations: new options must not change their meaning */
        {"--=x", "-3 "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[256];
        read_all(&usage, rows[i].line, out, sizeof out);
        if (strcmp(out, rows[i].understood) != 0)
            fail_msg("'%s' is '%s', not '%s'", rows[i].line, out, rows[i].understood);
    }
}

static void options_end_where_another_program_begins(void **state)
{
    char out[256];
    read_all(&other_program, "-a|x.py|-a|--file|--help|--", out, sizeof out);
    assert_string_equal(out, "1 [x.py][-a][--file][--help][--]");
}

static void the_rest_can_be_taken(void **state)
{
    char *argv[] = {"run", "-a", "x.py", "-b", NULL};
    struct ml_args a;
    int n;
    ml_args_init(&a, &other_program, 4, argv);
    assert_int_equal(ml_args_next(&a), ALL);
    assert_ptr_equal(ml_args_rest(&a, &n), argv + 2);
    assert_int_equal(n, 2);
}

static void a_choice_is_one_of_the_words(void **state)
{
    static const char *const words[] = {"red", "green", NULL};
    struct ml_args a = {.value = "green", .usage = &usage};
    int which = -1;
    assert_int_equal(ml_args_choice(&a, "--color", words, &which), 0);
    assert_int_equal(which, 1);
    a.value = "blue";
    assert_int_equal(ml_args_choice(&a, "--color", words, &which), 2);
    assert_int_equal(which, 1);
}

static void help_and_wrong_usage_have_their_status(void **state)
{
    struct ml_args a = {.usage = &usage};
    assert_int_equal(ml_args_stop(&a, ML_ARG_HELP), 0);
    assert_int_equal(ml_args_stop(&a, ML_ARG_BAD), 2);
    assert_int_equal(ml_args_fail(&a, "no"), 2);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(arguments_are_understood),
        cmocka_unit_test(options_end_where_another_program_begins),
        cmocka_unit_test(the_rest_can_be_taken),
        cmocka_unit_test(a_choice_is_one_of_the_words),
        cmocka_unit_test(help_and_wrong_usage_have_their_status),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
