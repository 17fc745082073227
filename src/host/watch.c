/* host/watch.c -- see watch.h.
 *
 * One libuv watcher per folder (inotify does not descend), at most MAX_FOLDERS of them; folders that
 * appear are added. What counts: .py files, host.json, function.json, local.settings.json, the names in watchFiles, everything
 * in watchDirectories. Editors' temporary files have other names.
 * SPDX-License-Identifier: MIT */
#include "host/watch.h"

#include "base/mem.h"
#include "base/vec.h"
#include "host/file.h"
#include "host/wire.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <uv.h>

enum { MAX_FOLDERS = 2048, QUIET_MS = 300, QUIET_DIRECTORY_MS = 500 };

struct folder {
    uv_fs_event_t event;
    struct ml_source_watch *watch;
    char *path;      /* owned */
    bool everything; /* below a watchDirectory: every file counts */
};

struct ml_source_watch {
    struct ml_loop *loop;
    const struct ml_settings *settings;
    char skip[PATH_MAX];
    ML_VEC(struct folder *) folders;
    struct ml_timer *quiet;
    char changed[PATH_MAX];
    void (*on_change)(void *user, const char *path);
    void *user;
};

static const char *const skipped[] = {
    ".venv",        "venv",        "env",           ".git",    "__pycache__", ".python_packages",
    "node_modules", ".mypy_cache", ".pytest_cache", ".memline"};

static bool is_skipped(const struct ml_source_watch *w, const char *name, const char *path)
{
    for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++)
        if (strcmp(skipped[i], name) == 0)
            return true;
    size_t n = strlen(w->skip);
    return n != 0 && strncmp(w->skip, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool in_list(const json_t *list, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if (json_is_string(v) && strcmp(json_string_value(v), name) == 0)
            return true;
    return false;
}

static bool counts(const struct folder *f, const char *name)
{
    static const char *const names[] = {"host.json", "function.json", "local.settings.json"};
    size_t n = strlen(name);
    if (name[0] == '.' || name[0] == '#' || name[n - 1] == '~')
        return false;
    if (f->everything || (n > 3 && strcmp(name + n - 3, ".py") == 0))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return in_list(ml_setting(f->watch->settings, "watchFiles"), name);
}

static void add_folder(struct ml_source_watch *w, const char *path, bool everything, int depth);

static void on_quiet(void *user)
{
    struct ml_source_watch *w = user;
    w->on_change(w->user, w->changed);
}

static void on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
    struct folder *f = h->data;
    struct ml_source_watch *w = f->watch;
    char path[PATH_MAX];
    (void)events;
    if (status != 0 || name == NULL || name[0] == '\0' ||
        ml_path_join(path, sizeof path, f->path, name) != ML_OK)
        return;
    if (ml_is_dir(path)) {
        if (!is_skipped(w, name, path))
            add_folder(w, path, f->everything, 0);
        return;
    }
    if (!counts(f, name))
        return;
    (void)snprintf(w->changed, sizeof w->changed, "%s", path);
    ml_timer_set(w->quiet, f->everything ? QUIET_DIRECTORY_MS : QUIET_MS);
}

static void on_closed(uv_handle_t *h)
{
    struct folder *f = h->data;
    ml_free(f->path);
    ml_free(f);
}

static void add_children(struct ml_source_watch *w, const char *path, bool everything, int depth)
{
    DIR *d = opendir(path);
    struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        char child[PATH_MAX];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            ml_path_join(child, sizeof child, path, e->d_name) != ML_OK ||
            is_skipped(w, e->d_name, child) || lstat(child, &st) != 0 || !S_ISDIR(st.st_mode))
            continue;
        add_folder(w, child, everything, depth + 1);
    }
    if (d != NULL)
        (void)closedir(d);
}

static void add_folder(struct ml_source_watch *w, const char *path, bool everything, int depth)
{
    if (w->folders.n >= MAX_FOLDERS || depth > 32)
        return;
    for (size_t i = 0; i < w->folders.n; i++)
        if (strcmp(w->folders.at[i]->path, path) == 0) {
            w->folders.at[i]->everything |= everything;
            return;
        }
    struct folder *f = ml_calloc(1, sizeof *f);
    char *copy = ml_strdup(path);
    if (f == NULL || copy == NULL || ml_vec_push(&w->folders, f) != ML_OK) {
        ml_free(f);
        ml_free(copy);
        return;
    }
    f->watch = w;
    f->path = copy;
    f->everything = everything;
    (void)uv_fs_event_init(ml_loop_uv(w->loop), &f->event);
    f->event.data = f;
    if (uv_fs_event_start(&f->event, on_event, path, 0) != 0) {
        w->folders.n--;
        uv_close((uv_handle_t *)&f->event, on_closed);
        return;
    }
    add_children(w, path, everything, depth);
}

int ml_source_watch_new(struct ml_loop *l, const struct ml_settings *s, const char *skip,
                        void (*on_change)(void *user, const char *path), void *user,
                        struct ml_source_watch **out)
{
    struct ml_source_watch *w = ml_calloc(1, sizeof *w);
    if (w == NULL)
        return ML_ENOMEM;
    w->loop = l;
    w->settings = s;
    w->on_change = on_change;
    w->user = user;
    (void)snprintf(w->skip, sizeof w->skip, "%s", skip != NULL ? skip : "");
    if (ml_timer_new(l, 1000000, 0, on_quiet, w, &w->quiet) != ML_OK) {
        ml_free(w);
        return ML_ENOMEM;
    }
    ml_timer_stop(w->quiet);
    add_folder(w, s->root, false, 0);
    size_t i;
    json_t *v;
    json_array_foreach(ml_setting(s, "watchDirectories"), i, v) {
        char path[PATH_MAX];
        if (json_is_string(v) &&
            ml_path_join(path, sizeof path, s->root, json_string_value(v)) == ML_OK)
            add_folder(w, path, true, 0);
    }
    *out = w;
    return ML_OK;
}

void ml_source_watch_free(struct ml_source_watch *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->folders.n; i++)
        uv_close((uv_handle_t *)&w->folders.at[i]->event, on_closed);
    ml_vec_free(&w->folders);
    ml_timer_free(w->quiet);
    ml_free(w);
}
