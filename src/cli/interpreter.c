/* cli/interpreter.c -- see interpreter.h. SPDX-License-Identifier: MIT */
#include "cli/interpreter.h"

#include "base/mem.h"
#include "base/port.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* folder/name into out, if that is a program. */
static bool try_path(char *out, size_t n, const char *folder, const char *name)
{
    int len = snprintf(out, n, "%s/%s", folder, name);
    return len > 0 && (size_t)len < n && is_program(out);
}

static bool try_folders_above(char *out, size_t n, char *folder)
{
    do {
        if (try_path(out, n, folder, ".venv/bin/python"))
            return true;
        char *slash = strrchr(folder, '/');
        if (slash == NULL)
            return false;
        *slash = '\0';
    } while (folder[0] != '\0');
    return false;
}

static bool try_search_path(char *out, size_t n, const char *name)
{
    const char *path = getenv("PATH");
    char folder[PATH_MAX];
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        if (len > 0 && len < sizeof folder) {
            memcpy(folder, path, len);
            folder[len] = '\0';
            if (try_path(out, n, folder, name))
                return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

int ml_interpreter_find(char *out, size_t n, struct ml_error *e)
{
    char folder[PATH_MAX];
    const char *wish = getenv("MEMLINE_PYTHON");
    if (wish != NULL && wish[0] != '\0') {
        int len = snprintf(out, n, "%s", wish);
        return (size_t)len < n ? ML_OK : ml_fail(e, ML_ELIMIT, "$MEMLINE_PYTHON is too long");
    }
    if (ml_program_path(folder, sizeof folder) != ML_OK)
        folder[0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (try_path(out, n, folder, "python3") || try_path(out, n, folder, "python"))
            return ML_OK;
    }
    const char *env = getenv("VIRTUAL_ENV");
    if (env != NULL && env[0] != '\0' && try_path(out, n, env, "bin/python"))
        return ML_OK;
    if (slash != NULL && try_folders_above(out, n, folder))
        return ML_OK;
    if (try_search_path(out, n, "python3"))
        return ML_OK;
    ml_fail(e, ML_ENOTFOUND, "no Python interpreter found");
    ml_hint(e, "put python3 on PATH, or set MEMLINE_PYTHON to its path");
    return ML_ENOTFOUND;
}

/* The exit status of `python -c code` with nothing on its streams; -1 with errno if it cannot start,
 * or 128 + the signal that ended it. */
static int run_quietly(const char *python, const char *code)
{
    const char *const argv[] = {python, "-c", code, NULL};
    posix_spawn_file_actions_t streams;
    pid_t pid;
    int status;
    if (posix_spawn_file_actions_init(&streams) != 0)
        return -1;
    for (int fd = 0; fd <= 2; fd++)
        posix_spawn_file_actions_addopen(&streams, fd, "/dev/null", O_RDWR, 0);
    errno = posix_spawnp(&pid, python, &streams, NULL, (char *const *)argv, environ);
    int failed = errno;
    posix_spawn_file_actions_destroy(&streams);
    if (failed != 0) {
        errno = failed;
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ml_interpreter_check(const char *python, struct ml_error *e)
{
    enum { ABSENT = 77 };
    static const char code[] = "import sys, importlib.util as u\n"
                               "sys.exit(77 if u.find_spec('memline') is None else 0)";
    int status = run_quietly(python, code);
    if (status == 0)
        return ML_OK;
    if (status == ABSENT) {
        ml_fail(e, ML_ENOTFOUND, "Python '%s' cannot import memline", python);
        ml_hint(e, "%s -m pip install memline, or set MEMLINE_PYTHON to a Python that has it",
                python);
        return ML_ENOTFOUND;
    }
    if (status < 0)
        ml_fail_errno(e, errno, "cannot start Python '%s'", python);
    else
        ml_fail(e, ML_EIO, "Python '%s' does not work: it ended with status %d", python, status);
    ml_hint(e, "set MEMLINE_PYTHON to the path of a working Python 3.8 or later");
    return ML_EIO;
}

int ml_interpreter_become(const char *flag, const char *word, int argc, char **argv,
                          struct ml_error *e)
{
    char python[PATH_MAX];
    int rc = ml_interpreter_find(python, sizeof python, e);
    if (rc == ML_OK)
        rc = ml_interpreter_check(python, e);
    const char **all = rc == ML_OK ? ml_calloc((size_t)argc + 3, sizeof *all) : NULL;
    if (all == NULL)
        return rc != ML_OK ? rc : ml_fail(e, ML_ENOMEM, "out of memory");
    all[0] = python;
    all[1] = flag;
    all[2] = word;
    for (int i = 1; i < argc; i++)
        all[i + 2] = argv[i];
    execvp(python, (char *const *)all);
    int err = errno;
    ml_free(all);
    return ml_fail_errno(e, err, "cannot start Python '%s'", python);
}
