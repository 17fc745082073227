/* host/running.c -- see running.h. SPDX-License-Identifier: MIT */
#include "host/running.h"

#include "host/file.h"
#include "host/wire.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static bool path_of(const char *dir, char out[PATH_MAX])
{
    return dir[0] != '\0' && ml_path_join(out, PATH_MAX, dir, "host.json") == ML_OK;
}

void ml_running_tell(const char *state_dir, const char *url, const char *key)
{
    char path[PATH_MAX];
    struct ml_buf b = {0};
    if (!path_of(state_dir, path))
        return;
    ml_buf_printf(&b, "{\"pid\":%d,\"url\":\"%s\",\"key\":\"%s\"}\n", (int)getpid(), url, key);
    if (b.status == ML_OK)
        (void)ml_file_write(path, ml_buf_view(&b), 0600, NULL);
    ml_buf_free(&b);
}

void ml_running_forget(const char *state_dir)
{
    char path[PATH_MAX];
    if (path_of(state_dir, path))
        (void)unlink(path);
}

int ml_running_find(const char *root, char url[128], char key[160], struct ml_error *e)
{
    char dir[PATH_MAX], path[PATH_MAX];
    int rc = ml_state_dir(root, dir, sizeof dir, e);
    if (rc != ML_OK)
        return rc;
    json_t *doc = path_of(dir, path) ? json_load_file(path, 0, NULL) : NULL;
    const char *u = ml_json_text(doc, "url"), *k = ml_json_text(doc, "key");
    pid_t pid = (pid_t)ml_json_i64(doc, "pid", 0);
    if (u == NULL || pid <= 0 || kill(pid, 0) != 0)
        rc = ml_fail(e, ML_ENOTFOUND, "No host runs in '%.500s'. Start it with: func start", root);
    else {
        (void)snprintf(url, 128, "%.100s", u);
        (void)snprintf(key, 160, "%.150s", k != NULL ? k : "");
    }
    json_decref(doc);
    return rc;
}
