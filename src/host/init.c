/* host/init.c -- `func init`: the files of a new project. Nothing that exists is changed.
 *
 * SPDX-License-Identifier: MIT */
#include "host/init.h"

#include "host/file.h"
#include "host/func.h"
#include "host/python.h"
#include "host/say.h"
#include "host/template.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

static const char link_v2[] = "The new Python programming model is generally available. Learn more "
                              "at https://aka.ms/pythonprogrammingmodel";
static const char link_v1[] =
    "Did you know? The new Python programming model is generally available. For fewer files and a "
    "decorator based approach, learn how you can try it out today at "
    "https://aka.ms/pythonprogrammingmodel";

void ml_func_print_link(enum ml_model m)
{
    ml_say("%s", m == ML_MODEL_V1 ? link_v1 : link_v2);
}

int ml_func_model(const char *text, enum ml_model *out)
{
    if (text == NULL) {
        const char *reversed = getenv("MEMLINE_FUNC_DEFAULT_MODEL");
        *out = reversed != NULL && strcasecmp(reversed, "v1") == 0 ? ML_MODEL_V1 : ML_MODEL_V2;
        return 0;
    }
    if (strcasecmp(text, "v1") == 0 || strcasecmp(text, "v2") == 0) {
        *out = text[1] == '1' ? ML_MODEL_V1 : ML_MODEL_V2;
        return 0;
    }
    if (strcasecmp(text, "v3") == 0 || strcasecmp(text, "v4") == 0)
        return ml_say_failure(
            "The %s programming model is not supported for worker runtime python. "
            "Supported programming models for worker runtime python are:\nV1\nV2",
            text);
    return ml_say_failure("The programming model %s is not supported. Valid options for language "
                          "python and worker-runtime Python are:\nV1\nV2",
                          text);
}

/* Makes the file unless it is there. Answers an exit status. */
static int make_file(const char *name, struct ml_str text)
{
    if (access(name, F_OK) == 0) {
        ml_say("%s already exists. Skipped!", name);
        return 0;
    }
    struct ml_error e;
    ml_say("Writing %s", name);
    if (ml_file_write(name, text, 0644, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    return 0;
}

static int make_text(const char *name, const char *text)
{
    return make_file(name, ml_str_of(text));
}

/* A virtual environment inside the project is not to be published. */
static int make_funcignore(void)
{
    const char *venv = getenv("VIRTUAL_ENV");
    const char *slash = venv != NULL ? strrchr(venv, '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : venv;
    if (name == NULL || name[0] == '\0' || !ml_is_dir(name))
        return 0;
    struct ml_buf b = {0};
    struct ml_error e;
    bool there = ml_is_file(".funcignore");
    int status = 0;
    if (there && ml_file_read(".funcignore", 1 << 20, &b, &e) != ML_OK) {
        status = ml_say_failure("%s", e.text);
    } else if (b.p == NULL || strstr(b.p, name) == NULL) {
        ml_buf_printf(&b, "\n%s", name);
        ml_say("Writing .funcignore");
        if (ml_file_write(".funcignore", ml_buf_view(&b), 0644, &e) != ML_OK)
            status = ml_say_failure("%s", e.text);
    } else {
        ml_say(".funcignore already exists. Skipped!");
    }
    ml_buf_free(&b);
    return status;
}

static int make_host_json(const struct ml_func_options *o)
{
    const char *channel = o->bundles_channel != NULL ? o->bundles_channel : "GA";
    const char *suffix = "";
    if (strcasecmp(channel, "Preview") == 0)
        suffix = ".Preview";
    else if (strcasecmp(channel, "Experimental") == 0)
        suffix = ".Experimental";
    else if (strcasecmp(channel, "GA") != 0)
        return ml_say_failure(
            "Bundles channel '%s' is not a valid option. Options are GA, Preview, "
            "Experimental",
            channel);
    if (o->no_bundle)
        return make_text("host.json", ml_text_host_json);
    struct ml_buf b = {0};
    struct ml_template_values v = {.name = suffix};
    ml_template_fill(&b, ml_text_host_json_bundle, &v);
    int status = make_file("host.json", ml_buf_view(&b));
    ml_buf_free(&b);
    return status;
}

static int make_vscode(void)
{
    struct ml_error e;
    if (ml_make_dirs(".vscode", 0755, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    return make_text(".vscode/extensions.json", ml_text_extensions);
}

static int make_project(const struct ml_func_options *o, enum ml_model m)
{
    int status = make_text("requirements.txt", ml_text_requirements);
    if (status == 0)
        status = make_funcignore();
    if (status == 0 && m == ML_MODEL_V2)
        status = make_text("function_app.py", ml_text_function_app);
    if (status == 0 && m == ML_MODEL_V1 && !o->no_docs)
        status = make_text("getting_started.md", ml_text_getting_started);
    if (status == 0)
        status = make_text(".gitignore", ml_text_gitignore);
    if (status == 0)
        status = make_host_json(o);
    if (status == 0)
        status = make_text("local.settings.json", ml_text_local_settings);
    if (status == 0)
        status = make_vscode();
    if (status == 0 && (o->docker || o->docker_only))
        status = make_text("Dockerfile", ml_text_dockerfile);
    return status;
}

/* Runs git; its exit status, or 127 when there is none. */
static int git(const char *a, const char *b)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)!freopen("/dev/null", "w", stdout);
        (void)!freopen("/dev/null", "w", stderr);
        (void)execlp("git", "git", a, b, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
        return 127;
    return WEXITSTATUS(status);
}

static void source_control(void)
{
    int inside = git("rev-parse", "--is-inside-work-tree");
    if (inside == 127)
        ml_say_warning("unable to find git on the path");
    else if (inside == 0)
        ml_say("Directory already a git repository.");
    else if (git("init", NULL) == 0)
        ml_say("Initialized empty Git repository");
}

/* `init` only warns: an interpreter may come later. */
static void look_for_python(void)
{
    struct ml_python p;
    struct ml_error e;
    if (ml_python_find(&p, &e) != ML_OK)
        ml_say_warning("%s", e.text);
    else if (!ml_python_is_official(&p))
        ml_say_warning(
            "Python %d.%d.%d (%s) is outside 3.9-3.14, the versions that Azure Functions "
            "runs.",
            p.major, p.minor, p.micro, p.path);
}

static int check(const struct ml_func_options *o, enum ml_model *m)
{
    const char *runtime = o->worker_runtime;
    if (runtime != NULL && strcasecmp(runtime, "python") != 0 && strcasecmp(runtime, "py") != 0)
        return ml_say_failure("Worker runtime '%s' is not a valid option. Options are python",
                              runtime);
    if (o->language != NULL && strcasecmp(o->language, "python") != 0 &&
        strcasecmp(o->language, "py") != 0)
        return ml_say_failure("memline func runs Python apps only.");
    if (o->managed_dependencies)
        return ml_say_failure("Managed dependencies is only supported for PowerShell.");
    return ml_func_model(o->model, m);
}

int ml_func_init_here(const struct ml_func_options *o)
{
    enum ml_model m;
    int status = check(o, &m);
    if (status != 0)
        return status;
    ml_func_print_link(m);
    if (o->docker_only)
        return make_text("Dockerfile", ml_text_dockerfile);
    status = make_project(o, m);
    if (status != 0)
        return status;
    look_for_python();
    if (o->source_control)
        source_control();
    return 0;
}

int ml_func_init(const struct ml_func_options *o)
{
    enum ml_model m;
    int status = check(o, &m); /* before a folder is made */
    if (status != 0)
        return status;
    if (o->dir != NULL) {
        char path[PATH_MAX];
        struct ml_error e;
        if (snprintf(path, sizeof path, "%s", o->dir) >= (int)sizeof path)
            return ml_say_failure("cannot make '%s': the path is too long", o->dir);
        if (ml_make_dirs(path, 0755, &e) != ML_OK)
            return ml_say_failure("%s", e.text);
        if (chdir(path) != 0)
            return ml_say_failure("cannot change to '%s': %s", path, strerror(errno));
    }
    return ml_func_init_here(o);
}
