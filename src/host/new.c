/* host/new.c -- `func new`: a function from a template, in either form.
 *
 * Which form: -m if given; else the classic folder where there is no function_app.py, or where the
 * template is spelled the classic way (HttpTrigger) and function_app.py defines no function yet;
 * else a decorated function in function_app.py. SPDX-License-Identifier: MIT */
#include "host/file.h"
#include "host/func.h"
#include "host/init.h"
#include "host/say.h"
#include "host/template.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char app_file[] = "function_app.py";
enum { SOURCE_MAX = 16 << 20 };

struct job {
    const struct ml_func_options *o;
    const struct ml_trigger_template *t;
    enum ml_model model;
    char name[160];
    const char *level; /* "FUNCTION", "ANONYMOUS" or "ADMIN" */
};

/* A line that starts with "@x.y(", or a call that brings functions in. */
static bool defines_functions(const char *source)
{
    static const char *const calls[] = {"register_functions(", "register_blueprint(",
                                        "AsgiFunctionApp(", "WsgiFunctionApp("};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const char *at = strstr(source, calls[i]);
        while (at != NULL) {
            const char *line = at;
            while (line > source && line[-1] != '\n')
                line--;
            if (memchr(line, '#', (size_t)(at - line)) == NULL)
                return true;
            at = strstr(at + 1, calls[i]);
        }
    }
    for (const char *line = source; *line != '\0';) {
        const char *p = line + strspn(line, " \t");
        if (*p == '@') {
            const char *q = p + 1;
            while (isalnum((unsigned char)*q) || *q == '_')
                q++;
            if (q > p + 1 && *q == '.')
                return true;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return false;
}

static bool app_defines_functions(void)
{
    struct ml_buf b = {0};
    bool yes = ml_file_read(app_file, SOURCE_MAX, &b, NULL) == ML_OK && b.p != NULL &&
               defines_functions(b.p);
    ml_buf_free(&b);
    return yes;
}

/* FUNCTIONS_WORKER_RUNTIME of local.settings.json; "" when it names none. */
static void runtime_of_settings(char *out, size_t out_bytes)
{
    out[0] = '\0';
    json_t *doc = json_load_file("local.settings.json", 0, NULL);
    const char *s = json_string_value(
        json_object_get(json_object_get(doc, "Values"), "FUNCTIONS_WORKER_RUNTIME"));
    if (s != NULL)
        (void)snprintf(out, out_bytes, "%s", s);
    json_decref(doc);
}

static int check_language(const struct ml_func_options *o)
{
    char runtime[64];
    runtime_of_settings(runtime, sizeof runtime);
    if (o->language == NULL) {
        if (runtime[0] != '\0' && strcasecmp(runtime, "python") != 0)
            return ml_say_failure("memline func runs Python apps only.");
        return 0;
    }
    bool python = strcasecmp(o->language, "python") == 0 || strcasecmp(o->language, "py") == 0;
    if (runtime[0] != '\0' && (strcasecmp(runtime, "python") == 0) != python)
        return ml_say_failure("Selected language doesn't match worker set in local.settings.json. "
                              "Selected worker is: %s and selected language is: %s",
                              runtime, o->language);
    return python ? 0 : ml_say_failure("memline func runs Python apps only.");
}

static int choose_template(struct job *j)
{
    const char *wanted = j->o->template_name;
    char answer[64];
    if (wanted == NULL) {
        ml_say("Select a number for template:");
        for (size_t i = 0; i < ml_n_trigger_templates; i++)
            ml_say("%zu. %s", i + 1, ml_trigger_templates[i].name);
        (void)ml_ask("Choose option: ", answer, sizeof answer);
        char *end;
        unsigned long n = strtoul(answer, &end, 10);
        if (answer[0] != '\0' && *end == '\0' && n >= 1 && n <= ml_n_trigger_templates)
            j->t = &ml_trigger_templates[n - 1];
        else
            j->t = answer[0] == '\0' ? &ml_trigger_templates[0] : ml_template_find(answer);
        wanted = answer;
    } else {
        j->t = ml_template_find(wanted);
    }
    if (j->t != NULL)
        return 0;
    struct ml_buf b = {0};
    for (size_t i = 0; i < ml_n_trigger_templates; i++)
        ml_buf_printf(&b, "\n%s", ml_trigger_templates[i].name);
    int status = ml_say_failure("Can't find template \"%s\" in \"python\"%s", wanted, b.p);
    ml_buf_free(&b);
    return status;
}

static int choose_model(struct job *j)
{
    if (j->o->model != NULL)
        return ml_func_model(j->o->model, &j->model);
    j->model = ML_MODEL_V1;
    if (j->o->file != NULL ||
        (ml_is_file(app_file) && (app_defines_functions() || j->o->template_name == NULL ||
                                  !ml_template_is_classic(j->o->template_name))))
        j->model = ML_MODEL_V2;
    return 0;
}

static bool name_is_valid(const char *s, enum ml_model m)
{
    size_t n = strlen(s);
    bool ok = n >= 1 && n <= 128 && isalpha((unsigned char)s[0]) && strcasecmp(s, "host") != 0;
    for (size_t i = 1; i < n; i++)
        ok = ok &&
             (isalnum((unsigned char)s[i]) || s[i] == '_' || (m == ML_MODEL_V1 && s[i] == '-'));
    if (m == ML_MODEL_V2)
        ok = ok && n >= 2 && s[n - 1] != '_';
    return ok;
}

static int choose_name(struct job *j)
{
    char answer[160] = "";
    const char *name = j->o->name;
    if (name == NULL) {
        char prompt[128];
        const char *fallback = j->model == ML_MODEL_V1 ? j->t->classic : j->t->fallback;
        (void)snprintf(prompt, sizeof prompt, "Function %s: [%s] ",
                       j->model == ML_MODEL_V1 ? "name" : "Name", fallback);
        (void)ml_ask(prompt, answer, sizeof answer);
        name = answer[0] != '\0' ? answer : fallback;
    }
    if (!name_is_valid(name, j->model))
        return ml_say_failure("Function Name is not valid.");
    (void)snprintf(j->name, sizeof j->name, "%s", name);
    return 0;
}

static int choose_level(struct job *j)
{
    static const char *const levels[] = {"FUNCTION", "ANONYMOUS", "ADMIN"};
    const char *given = j->o->auth_level;
    j->level = levels[0];
    if (given == NULL)
        return 0;
    if (!j->t->http && j->model == ML_MODEL_V1)
        return ml_say_failure("Unable to configure Authorization level. The selected template does "
                              "not use Http Trigger");
    for (size_t i = 0; i < 3; i++) {
        if (strcasecmp(given, levels[i]) == 0) {
            j->level = levels[i];
            return 0;
        }
    }
    return ml_say_failure("Authorization level '%s' is not a valid option. Options are function, "
                          "anonymous, admin",
                          given);
}

static int write_new(const char *path, struct ml_buf *b)
{
    struct ml_error e;
    int rc = b->status == ML_OK ? ml_file_write(path, ml_buf_view(b), 0644, &e)
                                : ml_fail(&e, b->status, "cannot write '%s': out of memory", path);
    ml_buf_free(b);
    return rc == ML_OK ? 0 : ml_say_failure("%s", e.text);
}

/* -- the classic form: NAME/function.json and NAME/__init__.py ------------------------------------ */

static bool may_overwrite(const struct job *j)
{
    if (!ml_is_dir(j->name) || j->o->force)
        return true;
    char prompt[300], answer[16];
    (void)snprintf(prompt, sizeof prompt,
                   "A directory with the name %s already exists. Overwrite [y/n]? [n] ", j->name);
    (void)ml_ask(prompt, answer, sizeof answer);
    return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

static int write_classic(const struct job *j)
{
    char here[PATH_MAX], dir[PATH_MAX], path[PATH_MAX];
    struct ml_error e;
    char level[16];
    for (size_t i = 0; i <= strlen(j->level); i++)
        level[i] = (char)tolower((unsigned char)j->level[i]);
    const struct ml_template_values v = {.name = j->name, .level = level};
    if (getcwd(here, sizeof here) == NULL ||
        ml_path_join(dir, sizeof dir, here, j->name) != ML_OK ||
        ml_path_join(path, sizeof path, dir, "function.json") != ML_OK)
        return ml_say_failure("cannot make '%s': the path is too long", j->name);
    if (ml_make_dirs(dir, 0755, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    struct ml_buf b = {0};
    ml_say("Writing %s/__init__.py", dir);
    ml_buf_cstr(&b, j->t->v1_code);
    char code[PATH_MAX];
    if (ml_path_join(code, sizeof code, dir, "__init__.py") != ML_OK || write_new(code, &b) != 0)
        return 1;
    ml_say("Writing %s", path);
    ml_buf_cstr(&b, "{\n  \"scriptFile\": \"__init__.py\",\n  \"bindings\": [\n");
    ml_template_fill(&b, j->t->v1_json, &v);
    ml_buf_cstr(&b, "\n  ]\n}\n");
    return write_new(path, &b);
}

static int new_classic(const struct job *j)
{
    if (!may_overwrite(j))
        return 1; /* nothing written; the answer was the user's */
    if (j->model == ML_MODEL_V1 && j->o->model != NULL && app_defines_functions())
        ml_say_warning("%s defines functions; the folder %s is served beside them.", app_file,
                       j->name);
    int status = write_classic(j);
    if (status != 0)
        return status;
    ml_say("The function \"%s\" was created successfully from the \"%s\" template.", j->name,
           j->t->name);
    ml_func_print_link(ML_MODEL_V1);
    return 0;
}

/* -- the decorated form --------------------------------------------------------------------------- */

/* Does the source bind that name with an import? */
static bool imports(const char *source, const char *statement)
{
    size_t n = strlen(statement);
    for (const char *p = strstr(source, statement); p != NULL; p = strstr(p + 1, statement)) {
        char after = p[n];
        if ((p == source || p[-1] == '\n') &&
            (after == '\n' || after == '\r' || after == '\0' || after == ' ' || after == '#'))
            return true;
    }
    return false;
}

static void add_imports(struct ml_buf *b, const char *source)
{
    if (!imports(source, "import azure.functions as func") &&
        !imports(source, "from azure import functions as func"))
        ml_buf_cstr(b, "import azure.functions as func\n");
    if (!imports(source, "import logging"))
        ml_buf_cstr(b, "import logging\n");
}

/* The name that the app or blueprint has in the source; "app" if none is found. */
static void find_variable(const char *source, char *out, size_t out_bytes)
{
    static const char *const makers[] = {"FunctionApp(", "Blueprint("};
    (void)snprintf(out, out_bytes, "app");
    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(source, makers[i]);
        if (at == NULL)
            continue;
        const char *line = at;
        while (line > source && line[-1] != '\n')
            line--;
        size_t n = 0;
        while (isalnum((unsigned char)line[n]) || line[n] == '_')
            n++;
        if (n != 0 && line[n + strspn(line + n, " ")] == '=') {
            (void)snprintf(out, out_bytes, "%.*s", (int)n, line);
            return;
        }
    }
}

static int new_blueprint_head(struct ml_buf *b, const char *file, char *var, size_t var_bytes)
{
    size_t n = strlen(file);
    size_t at = 0;
    for (size_t i = 0; i + 3 < n && at + 1 < var_bytes; i++)
        var[at++] = isalnum((unsigned char)file[i]) ? file[i] : '_';
    var[at] = '\0';
    ml_buf_printf(b,
                  "# Register this blueprint by adding the following lines to %s:\n"
                  "#   from %s import %s\n"
                  "#   app.register_functions(%s)\n"
                  "\n"
                  "import logging\n\nimport azure.functions as func\n\n%s = func.Blueprint()\n",
                  app_file, var, var, var, var);
    return 0;
}

static int new_decorated(const struct job *j)
{
    const char *file = j->o->file != NULL ? j->o->file : app_file;
    size_t n = strlen(file);
    if (n < 4 || strcmp(file + n - 3, ".py") != 0 || strchr(file, '/') != NULL)
        return ml_say_failure("File name '%s' is not valid: it has to end in .py and stand in the "
                              "project's folder",
                              file);
    struct ml_buf old = {0}, b = {0};
    struct ml_error e;
    char var[128] = "app";
    if (ml_is_file(file)) {
        if (ml_file_read(file, SOURCE_MAX, &old, &e) != ML_OK)
            return ml_say_failure("%s", e.text);
        const char *source = old.p != NULL ? old.p : "";
        find_variable(source, var, sizeof var);
        add_imports(&b, source);
        if (b.n != 0)
            ml_buf_char(&b, '\n');
        ml_buf_cstr(&b, source);
    } else if (j->o->file != NULL && strcmp(file, app_file) != 0) {
        (void)new_blueprint_head(&b, file, var, sizeof var);
    } else {
        ml_buf_cstr(&b, ml_text_function_app);
    }
    while (b.n != 0 && b.p[b.n - 1] == '\n')
        b.p[--b.n] = '\0';
    ml_buf_cstr(&b, b.n != 0 ? "\n\n\n" : "");
    const struct ml_template_values v = {.name = j->name, .level = j->level, .var = var};
    ml_template_fill(&b, j->t->v2_code, &v);
    ml_buf_free(&old);
    ml_say("Appending to %s", file);
    int status = write_new(file, &b);
    if (status == 0)
        ml_say("The function \"%s\" was created successfully from the \"%s\" template.", j->name,
               j->t->name);
    return status;
}

static bool name_is_taken(const struct job *j)
{
    struct ml_buf b = {0};
    char def[200];
    const char *file = j->o->file != NULL ? j->o->file : app_file;
    (void)snprintf(def, sizeof def, "def %s(", j->name);
    bool taken = ml_file_read(file, SOURCE_MAX, &b, NULL) == ML_OK && b.p != NULL &&
                 strstr(b.p, def) != NULL;
    ml_buf_free(&b);
    return taken;
}

int ml_func_new(const struct ml_func_options *o)
{
    struct job j = {.o = o};
    if ((o->template_name == NULL || o->name == NULL) && !ml_is_interactive())
        return ml_say_failure("Running with stdin\\stdout redirected. Command must specify "
                              "--template, and --name explicitly.\n"
                              "See 'func help function' for more details");
    int status = 0;
    if (o->template_name != NULL)
        status = choose_template(&j); /* before anything is written */
    if (status == 0 && !ml_is_file("local.settings.json"))
        status = ml_func_init_here(o);
    if (status == 0)
        status = check_language(o);
    if (status == 0 && j.t == NULL)
        status = choose_template(&j);
    if (status == 0)
        status = choose_model(&j);
    if (status == 0)
        status = choose_name(&j);
    if (status == 0)
        status = choose_level(&j);
    if (status != 0)
        return status;
    if (!j.t->runs_here)
        ml_say_warning("The function can be written here, but memline does not run a %s on this "
                       "machine.",
                       j.t->name);
    if (j.model == ML_MODEL_V1)
        return new_classic(&j);
    if (name_is_taken(&j))
        return ml_say_failure("A function with the name %s already exists in %s.", j.name,
                              o->file != NULL ? o->file : app_file);
    return new_decorated(&j);
}
