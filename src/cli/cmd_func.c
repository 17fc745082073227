/* cli/cmd_func.c -- `memline func`, also runnable as `func`: words and options of Azure Functions Core
 * Tools, so it reads them as that tool does: contexts and actions in any case, options in any position,
 * an unknown option is told and passed over. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "cli/cmd.h"
#include "cli/func_endpoints.h"
#include "host/func.h"
#include "host/say.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The version that editors compare with; see specs, 1.1. */
#define FUNC_COMPATIBLE "4.14.0"
#define PROFILE_DEFAULT "line"

/* PROFILE: one of the words in `value`, or none: PROFILE_DEFAULT. */
enum kind { FLAG, TEXT, PROFILE, LIST, IGNORED, IGNORED_TEXT, OTHER_LANGUAGE };

struct option {
    const char *name;
    const char *letter; /* with its dash; NULL: none */
    enum kind kind;
    size_t at; /* offset in struct ml_func_options */
    const char *value;
    const char *help;  /* NULL: understood, not shown */
    const char *where; /* actions it belongs to, for the help */
};

#define AT(field) offsetof(struct ml_func_options, field)

static const struct option options[] = {
    {"python", NULL, FLAG, AT(python), NULL, "a Python project (there is no other kind)", "init"},
    {"worker-runtime", NULL, TEXT, AT(worker_runtime), "NAME", "python", "init"},
    {"model", "-m", TEXT, AT(model), "v1|v2", "classic folders, or decorators (the default)",
     "init new"},
    {"language", "-l", TEXT, AT(language), "NAME", "python", "init new"},
    {"source-control", NULL, FLAG, AT(source_control), NULL, "run git init", "init"},
    {"no-bundle", NULL, FLAG, AT(no_bundle), NULL, "host.json without extensionBundle", "init"},
    {"bundles-channel", "-c", TEXT, AT(bundles_channel), "GA|Preview|Experimental",
     "which bundle host.json names", "init"},
    {"force", NULL, FLAG, AT(force), NULL, "do not ask before overwriting", "init new"},
    {"no-docs", NULL, FLAG, AT(no_docs), NULL, "without getting_started.md (v1)", "init"},
    {"docker", NULL, FLAG, AT(docker), NULL, "add a Dockerfile", "init"},
    {"docker-only", NULL, FLAG, AT(docker_only), NULL, "only the Dockerfile", "init"},
    {"managed-dependencies", NULL, FLAG, AT(managed_dependencies), NULL, NULL, "init"},
    {"skip-npm-install", NULL, IGNORED, 0, NULL, NULL, "init"},
    {"template", "-t", TEXT, AT(template_name), "NAME",
     "the trigger, in any spelling: HttpTrigger, \"HTTP trigger\"", "new"},
    {"name", "-n", TEXT, AT(name), "NAME", "the function's name", "new"},
    {"file", "-f", TEXT, AT(file), "FILE.py", "another file than function_app.py: a blueprint",
     "new"},
    {"authlevel", "-a", TEXT, AT(auth_level), "LEVEL", "function, anonymous or admin", "new"},
    {"port", "-p", TEXT, AT(port), "N", "default 7071; 0: any free one", "start"},
    {"address", NULL, TEXT, AT(address), "IP", "default 127.0.0.1", "start"},
    {"cors", NULL, TEXT, AT(cors), "A,B", "allowed origins; *: any", "start"},
    {"cors-credentials", NULL, FLAG, AT(cors_credentials), NULL, "allow credentials with --cors",
     "start"},
    {"useHttps", NULL, FLAG, AT(use_https), NULL, "serve https; self-signed without --cert",
     "start"},
    {"cert", NULL, TEXT, AT(cert), "FILE", "certificate with key (PFX, or PEM)", "start"},
    {"password", NULL, TEXT, AT(password), "TEXT|FILE", "of the certificate", "start"},
    {"functions", NULL, LIST, AT(functions), "NAME...", "only these functions", "start"},
    {"user-log-level", NULL, TEXT, AT(user_log_level), "LEVEL",
     "Trace, Debug, Information, Warning, Error, Critical, None", "start"},
    {"language-worker", NULL, TEXT, AT(language_worker), "ARGS",
     "between python and the worker: \"-m debugpy --listen 5678\"", "start"},
    {"timeout", "-t", TEXT, AT(timeout), "S", "seconds until 'still starting' is told; default 20",
     "start"},
    {"enableAuth", NULL, FLAG, AT(enable_auth), NULL, "check keys, as in the cloud", "start"},
    {"enable-json-output", NULL, FLAG, AT(json_output), NULL, "raw JSON log lines to stdout",
     "start"},
    {"json-output-file", NULL, TEXT, AT(json_output_file), "FILE",
     "append raw JSON log lines to FILE", "start"},
    {"telemetry", NULL, TEXT, AT(telemetry), "WHERE", "local, azure, both or off", "start"},
    {"ingest-port", NULL, TEXT, AT(ingest_port), "N",
     "take telemetry of Application Insights clients there; 0: any free port", "start"},
    {"on-crash", NULL, TEXT, AT(on_crash), "exit|wait", "when the worker cannot be kept alive",
     "start"},
    {"strict-http", NULL, FLAG, AT(strict_http), NULL, "405 with Allow, and HEAD from GET",
     "start"},
    {"show-category", NULL, FLAG, AT(show_category), NULL, "print each line's log category",
     "start logs"},
    {"show-level", NULL, FLAG, AT(show_level), NULL, "print each line's level", "start logs"},
    {"profile", NULL, PROFILE, AT(profile), "line|heap|sample|off",
     "profile every function, line by line", "start"},
    {"no-build", NULL, IGNORED, 0, NULL, NULL, "start"},
    {"dotnet-isolated-debug", NULL, IGNORED, 0, NULL, NULL, "start"},
    {"runtime", NULL, IGNORED_TEXT, 0, NULL, NULL, "start"},
    {"follow", "-f", FLAG, AT(follow), NULL, "and what comes, until Ctrl-C", "logs"},
    {"level", NULL, TEXT, AT(level), "LEVEL", "the lowest shown, of functions and host", "logs"},
    {"since", NULL, TEXT, AT(since), "TIME", "30s, 10m, 2h, 1d, or 2026-11-27T10:00", "logs"},
    {"tail", NULL, TEXT, AT(tail), "N", "at most so many lines; default 100, with --since all",
     "logs"},
    {"verbose", NULL, FLAG, AT(verbose), NULL, "say more", "*"},
    {"debug", NULL, FLAG, AT(debug), NULL, "internal detail too", "*"},
    {"script-root", NULL, TEXT, AT(script_root), "DIR", "the project's folder", "*"},
    {"prefix", NULL, TEXT, AT(script_root), NULL, NULL, "*"},
    {"offline", NULL, IGNORED, 0, NULL, NULL, "*"},
    {"pause-on-error", NULL, IGNORED, 0, NULL, NULL, "*"},
    {"dotnet", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"dotnet-isolated", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"csharp", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"node", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"javascript", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"typescript", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"java", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"powershell", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
    {"custom", NULL, OTHER_LANGUAGE, 0, NULL, NULL, "*"},
};
enum { N_OPTIONS = sizeof options / sizeof options[0] };

static const struct action {
    const char *context; /* NULL: none needed */
    const char *name;
    const char *topic; /* whose options it takes */
    int (*run)(const struct ml_func_options *o);
    const char *help;
} actions[] = {
    {NULL, "init", "init", ml_func_init, "func init [DIR] [options]      make a project"},
    {NULL, "new", "new", ml_func_new, "func new -t TRIGGER -n NAME    add a function to it"},
    {"function", "new", "new", ml_func_new, NULL},
    {"function", "create", "new", ml_func_new, NULL},
    {NULL, "start", "start", ml_func_start,
     "func start [options]           run it (also: func host start)"},
    {"host", "start", "start", ml_func_start, NULL},
    {NULL, "list", "list", ml_func_list,
     "func list                      what the host that runs here serves"},
    {NULL, "logs", "logs", ml_func_logs,
     "func logs [NAME] [options]     what this project (or a function of it) logged"},
};
enum { N_ACTIONS = sizeof actions / sizeof actions[0] };

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; n != 0 && (p = strstr(p, word)) != NULL; p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return strcmp(words, "*") == 0;
}

static void print_options(const char *topic)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *p = &options[i];
        if (p->help == NULL || !has_word(p->where, topic))
            continue;
        char left[80];
        (void)snprintf(left, sizeof left, "%s%s--%s%s%s", p->letter != NULL ? p->letter : "",
                       p->letter != NULL ? ", " : "", p->name, p->value != NULL ? " " : "",
                       p->value != NULL ? p->value : "");
        printf("  %-34s %s\n", left, p->help);
    }
}

static void print_help(const char *topic)
{
    if (topic == NULL) {
        puts("memline func: the local Azure Functions host for Python, with memory figures.\n");
        for (size_t i = 0; i < N_ACTIONS; i++)
            if (actions[i].help != NULL)
                printf("  %s\n", actions[i].help);
        puts("\nfunc help ACTION shows its options; func --version prints the version.");
        return;
    }
    for (size_t i = 0; i < N_ACTIONS; i++)
        if (actions[i].help != NULL && strcmp(actions[i].topic, topic) == 0)
            printf("%s\n\noptions:\n", actions[i].help);
    print_options(topic);
}

static const struct action *find_action(const char *context, const char *name)
{
    for (size_t i = 0; i < N_ACTIONS; i++) {
        const struct action *a = &actions[i];
        bool same = context == NULL || a->context == NULL ? context == a->context
                                                          : strcasecmp(context, a->context) == 0;
        if (same && strcasecmp(name, a->name) == 0)
            return a;
    }
    return NULL;
}

/* "-t" is --template for new and --timeout for start: an action's own options come first. */
static const struct option *find_option(const char *word, size_t n, const char *topic)
{
    const struct option *other = NULL;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *p = &options[i];
        bool named = word[0] == '-' && word[1] == '-' && strlen(p->name) == n - 2 &&
                     strncasecmp(p->name, word + 2, n - 2) == 0;
        bool lettered = p->letter != NULL && strlen(p->letter) == n &&
                        strncmp(p->letter, word, n) == 0;
        if (!named && !lettered)
            continue;
        if (has_word(p->where, topic))
            return p;
        if (other == NULL)
            other = p;
    }
    return other;
}

static bool is_option(const char *s)
{
    return s[0] == '-' && s[1] != '\0';
}

static void set_text(struct ml_func_options *o, const struct option *p, const char *value)
{
    memcpy((char *)o + p->at, &value, sizeof value);
}

/* The choice that the word names; without a word or such a choice, NULL. */
static const char *find_choice(const char *choices, const char *word)
{
    size_t n = word != NULL ? strlen(word) : 0;
    for (const char *c = choices; n > 0 && c != NULL; c = strchr(c, '|')) {
        c += *c == '|';
        if (strcspn(c, "|") == n && strncmp(c, word, n) == 0)
            return word;
    }
    return NULL;
}

/* Reads argv[*i], an option, with its values. Answers an exit status. */
static int read_option(struct ml_func_options *o, const char *topic, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    const char *eq = strchr(word, '=');
    size_t n = eq != NULL && word[1] == '-' ? (size_t)(eq - word) : strlen(word);
    const char *inline_value = word[n] == '=' ? word + n + 1 : NULL;
    const struct option *p = find_option(word, n, topic);
    if (p == NULL) {
        ml_say_warning("Option '%.*s' is not known here and is ignored.", (int)n, word);
        return 0;
    }
    if (p->kind == OTHER_LANGUAGE)
        return ml_say_failure("memline func runs Python apps only.");
    if (p->kind == IGNORED)
        return 0;
    if (p->kind == FLAG) {
        bool on = inline_value == NULL || strcasecmp(inline_value, "false") != 0;
        memcpy((char *)o + p->at, &on, sizeof on);
        return 0;
    }
    if (p->kind == LIST) {
        o->functions = &argv[*i + 1];
        while (*i + 1 < argc && !is_option(argv[*i + 1])) {
            o->n_functions++;
            ++*i;
        }
        if (o->n_functions == 0)
            return ml_say_failure("Option '--%s' needs at least one value.", p->name);
        return 0;
    }
    const char *value = inline_value;
    if (value == NULL && p->kind == PROFILE) {
        value = *i + 1 < argc ? find_choice(p->value, argv[*i + 1]) : NULL;
        *i += value != NULL;
        value = value != NULL ? value : PROFILE_DEFAULT;
    }
    if (value == NULL && *i + 1 < argc)
        value = argv[++*i];
    if (value == NULL)
        return ml_say_failure("Option '%s' needs a value.", word);
    if (p->kind == TEXT || p->kind == PROFILE)
        set_text(o, p, value);
    return 0;
}

static bool is_help(const char *s)
{
    return strcmp(s, "-h") == 0 || strcmp(s, "-?") == 0 || strcmp(s, "--help") == 0 ||
           strcasecmp(s, "help") == 0;
}

static int print_version(void)
{
    bool as_func = strcasecmp(program_invocation_short_name, "func") == 0;
    puts(as_func ? FUNC_COMPATIBLE : ML_VERSION);
    return ML_EXIT_OK;
}

static int run_action(const struct action *a, int argc, char **argv, int from)
{
    struct ml_func_options o = {.endpoints = ml_func_api()};
    for (int i = from; i < argc; i++) {
        int status = 0;
        if (is_option(argv[i]))
            status = read_option(&o, a->topic, argc, argv, &i);
        else if (o.dir == NULL)
            o.dir = argv[i];
        if (status != 0)
            return status;
    }
    if (o.script_root != NULL && chdir(o.script_root) != 0)
        return ml_say_failure("\"%s\" doesn't exist.", o.script_root);
    return a->run(&o);
}

int ml_cmd_func(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0 ||
                      strcasecmp(argv[1], "version") == 0))
        return print_version();
    /* Options may stand before the action; their values must not be taken for it. */
    const char *words[2] = {NULL, NULL};
    int at[2] = {0, 0}, n = 0;
    bool help = argc < 2;
    for (int i = 1; i < argc; i++) {
        const struct option *p = is_option(argv[i]) && strchr(argv[i], '=') == NULL
                                     ? find_option(argv[i], strlen(argv[i]), "")
                                     : NULL;
        if (is_help(argv[i]))
            help = true;
        else if (p != NULL && (p->kind == TEXT || p->kind == IGNORED_TEXT))
            i++;
        else if (!is_option(argv[i]) && n < 2) {
            at[n] = i;
            words[n++] = argv[i];
        }
    }
    const struct action *a = n > 0 ? find_action(NULL, words[0]) : NULL;
    bool context = a == NULL && n > 1 && (a = find_action(words[0], words[1])) != NULL;
    if (help) {
        print_help(a != NULL                                        ? a->topic
                   : n > 0 && strcasecmp(words[0], "function") == 0 ? "new"
                                                                    : NULL);
        return ML_EXIT_OK;
    }
    if (a == NULL) {
        int status = ml_say_failure("Error: unknown argument %s", n > 0 ? words[0] : argv[1]);
        print_help(NULL);
        return status;
    }
    /* Take the action's words out; what is left are its options and values. */
    for (int k = context ? 1 : 0; k >= 0; k--) {
        memmove(&argv[at[k]], &argv[at[k] + 1], (size_t)(argc - at[k] - 1) * sizeof *argv);
        argc--;
    }
    return run_action(a, argc, argv, 1);
}
