/* host/python.c -- see python.h. SPDX-License-Identifier: MIT */
#include "host/python.h"

#include "base/mem.h"
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PROBE_MS = 10000 };

/* One start tells version and library: find_spec looks, and does not run the package. -I keeps the
 * current folder off the path, -S would lose the site-packages that we ask about. */
static const char probe_code[] = "import sys\n"
                                 "v=sys.version_info\n"
                                 "import importlib.util as u\n"
                                 "try: ok=u.find_spec('azure.functions') is not None\n"
                                 "except Exception: ok=False\n"
                                 "sys.stdout.write('%d.%d.%d %d'%(v[0],v[1],v[2],ok))\n";

/* What the child wrote to stdout, at most out_bytes - 1; false if it failed or took too long. */
static bool run(const char *program, char *const argv[], char *out, size_t out_bytes)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0)
        return false;
    posix_spawn_file_actions_t fa;
    (void)posix_spawn_file_actions_init(&fa);
    (void)posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&fa, fd[1], 1);
    (void)posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int err = posix_spawn(&pid, program, &fa, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&fa);
    (void)close(fd[1]);
    size_t n = 0;
    bool timely = true;
    while (err == 0 && n + 1 < out_bytes) {
        struct pollfd p = {.fd = fd[0], .events = POLLIN};
        timely = poll(&p, 1, PROBE_MS) > 0;
        ssize_t r = timely ? read(fd[0], out + n, out_bytes - 1 - n) : 0;
        if (r <= 0)
            break;
        n += (size_t)r;
    }
    out[n] = '\0';
    (void)close(fd[0]);
    if (err != 0)
        return false;
    if (!timely)
        (void)kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return timely && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool probe(const char *path, struct ml_python *out)
{
    char text[64];
    char *const argv[] = {ml_strdup(path), ml_strdup("-c"), ml_strdup(probe_code), NULL};
    struct ml_python p = {0};
    int library = 0;
    bool ok = argv[0] != NULL && argv[1] != NULL && argv[2] != NULL &&
              run(path, argv, text, sizeof text) &&
              sscanf(text, "%d.%d.%d %d", &p.major, &p.minor, &p.micro, &library) == 4;
    for (int i = 0; i < 3; i++)
        ml_free(argv[i]);
    if (!ok)
        return false;
    p.has_library = library != 0;
    (void)snprintf(p.path, sizeof p.path, "%s", path);
    *out = p;
    return true;
}

bool ml_python_is_official(const struct ml_python *p)
{
    return p->major == 3 && p->minor >= 9 && p->minor <= 14;
}

static bool is_supported(const struct ml_python *p)
{
    return p->major == 3 && p->minor >= 8;
}

/* The next place on PATH where an executable of that name stands. */
static bool on_path(const char *name, char *out, size_t out_bytes)
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t n = strcspn(path, ":");
        int w = snprintf(out, out_bytes, "%.*s/%s", (int)n, path, name);
        if (n != 0 && w > 0 && (size_t)w < out_bytes && access(out, X_OK) == 0 && ml_is_file(out))
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

/* A name without a slash is looked up on PATH, as a shell would. */
static bool probe_named(const char *given, struct ml_python *out)
{
    char path[PATH_MAX];
    if (strchr(given, '/') == NULL && on_path(given, path, sizeof path))
        return probe(path, out);
    return probe(given, out);
}

int ml_python_find(struct ml_python *out, struct ml_error *e)
{
    static const char *const names[] = {"python3",    "python",     "python3.9",
                                        "python3.10", "python3.11", "python3.12",
                                        "python3.13", "python3.14", "python3.8"};
    const char *given = getenv("languageWorkers__python__defaultExecutablePath");
    if (given == NULL || given[0] == '\0')
        given = getenv("languageWorkers:python:defaultExecutablePath");
    if (given != NULL && given[0] != '\0') {
        if (!probe_named(given, out))
            return ml_fail(e, ML_ENOTFOUND,
                           "Could not find a Python version. '%s', named by "
                           "languageWorkers__python__defaultExecutablePath, does not run.",
                           given);
        out->by_user = true;
        return ML_OK;
    }
    char path[PATH_MAX];
    const char *venv = getenv("VIRTUAL_ENV");
    if (venv != NULL && venv[0] != '\0' &&
        ml_path_join(path, sizeof path, venv, "bin/python") == 0 && probe(path, out))
        return ML_OK;
    struct ml_python any = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct ml_python p;
        if (!on_path(names[i], path, sizeof path) || !probe(path, &p))
            continue;
        if (is_supported(&p)) {
            *out = p;
            return ML_OK;
        }
        if (any.major == 0 && p.major == 3)
            any = p;
    }
    if (any.major != 0)
        return ml_fail(e, ML_EUNSUPPORTED,
                       "Python 3.8.x to 3.14.x is required for this operation. Found Python "
                       "%d.%d.%d (%s). Please install a supported Python, or activate its virtual "
                       "environment.",
                       any.major, any.minor, any.micro, any.path);
    return ml_fail(e, ML_ENOTFOUND,
                   "Could not find a Python version. Python 3.8.x to 3.14.x is recommended, and "
                   "used in Azure Functions.");
}

int ml_python_for_project(const char *root, struct ml_python *out, struct ml_error *e)
{
    struct ml_python first = {0}, local;
    int rc = ml_python_find(&first, e);
    if (rc == ML_OK && (first.has_library || first.by_user)) {
        *out = first;
        return ML_OK;
    }
    char path[PATH_MAX];
    if (ml_path_join(path, sizeof path, root, ".venv/bin/python") == ML_OK && probe(path, &local) &&
        local.has_library) {
        *out = local;
        out->by_root_venv = true;
        return ML_OK;
    }
    /* ROOT/.python_packages is on the worker's path: the library may live there. */
    if (rc == ML_OK &&
        ml_path_join(path, sizeof path, root,
                     ".python_packages/lib/site-packages/azure/functions") == ML_OK &&
        ml_is_dir(path)) {
        *out = first;
        return ML_OK;
    }
    if (rc != ML_OK)
        return rc;
    return ml_fail(e, ML_EUNSUPPORTED,
                   "The Python interpreter '%s' (%d.%d.%d) cannot import azure.functions. Install "
                   "it with: %s -m pip install azure-functions",
                   first.path, first.major, first.minor, first.micro, first.path);
}
