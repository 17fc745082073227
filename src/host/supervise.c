/* host/supervise.c -- the workers of a host: started, indexed, watched, restarted, reloaded.
 *
 *   EMPTY -> STARTING (until hello) -> INDEXING (until indexed) -> READY -> STOPPING -> EMPTY
 *
 * An end that we did not cause is a crash: its invocations fail, and the slot starts again at once,
 * then after 1 s, then after 10 s; more than 3 x workers crashes within 30 minutes are given up.
 * SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "base/mem.h"
#include "host/oom.h"
#include "host/record.h"
#include "host/say.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

#define S_NS UINT64_C(1000000000)

enum {
    HELLO_S = 60,
    INDEX_S = 120,
    PING_S = 10,
    HANG_S = 60,
    RELOAD_S = 10,
    CRASH_WINDOW_S = 1800
};

static const char category_workers[] = "Host.Workers";

static void start_slot(struct ml_slot *s);

/* -- the command --------------------------------------------------------------------------------- */

/* Splits like a shell for simple words and quotes; into copies that the caller frees. */
static int split_words(const char *text, char **out, int max)
{
    int n = 0;
    while (n < max) {
        text += strspn(text, " \t");
        if (*text == '\0')
            break;
        struct ml_buf b = {0};
        char quote = '\0';
        ml_buf_cstr(&b, "");
        for (; *text != '\0' && (quote != '\0' || (*text != ' ' && *text != '\t')); text++) {
            if (quote == '\0' && (*text == '"' || *text == '\''))
                quote = *text;
            else if (*text == quote)
                quote = '\0';
            else
                ml_buf_char(&b, *text);
        }
        out[n++] = b.p; /* NULL when out of memory: the list then ends here */
        if (b.p == NULL)
            return n - 1;
    }
    return n;
}

static const char *language_worker_args(const struct ml_host *h)
{
    const char *s = h->o->language_worker;
    if (s == NULL)
        s = getenv("languageWorkers__python__arguments");
    if (s == NULL)
        s = getenv("languageWorkers:python:arguments");
    return s != NULL ? s : "";
}

/* -- frames -------------------------------------------------------------------------------------- */

static void slot_state(struct ml_slot *s, enum ml_slot_state state)
{
    s->state = state;
    s->state_ns = s->pong_ns = ml_now_ns();
}

static void write_allowed(const struct ml_host *h, struct ml_buf *b)
{
    const json_t *list = ml_setting(&h->settings, "functions");
    size_t i;
    const char *key;
    json_t *v;
    if (h->o->n_functions == 0 && json_array_size(list) == 0 && json_object_size(list) == 0) {
        ml_buf_cstr(b, "null");
        return;
    }
    const char *comma = "";
    ml_buf_char(b, '[');
    for (i = 0; i < h->o->n_functions; i++) {
        ml_buf_cstr(b, comma);
        ml_buf_json(b, ml_str_of(h->o->functions[i]));
        comma = ",";
    }
    if (h->o->n_functions == 0) {
        json_array_foreach(list, i, v) {
            ml_buf_cstr(b, comma);
            ml_buf_json(b, ml_str_of(json_is_string(v) ? json_string_value(v) : ""));
            comma = ",";
        }
        json_object_foreach((json_t *)(uintptr_t)list, key, v) {
            ml_buf_cstr(b, comma);
            ml_buf_json(b, ml_str_of(json_is_string(v) ? json_string_value(v) : ""));
            comma = ",";
        }
    }
    ml_buf_char(b, ']');
}

static bool env_true(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && v[0] != '\0' && strchr("1tTyY", v[0]) != NULL;
}

static const char *env_or(const char *name, const char *fallback)
{
    const char *v = getenv(name);
    return v != NULL && v[0] != '\0' ? v : fallback;
}

const char *ml_host_profile(const struct ml_host *h)
{
    if (h->o->profile != NULL)
        return h->o->profile;
    const char *given = env_or("MEMLINE_FUNC_PROFILE", NULL);
    return given != NULL ? given : ml_setting_text(&h->settings, "memline.profile", "off");
}

static void send_init(struct ml_slot *s)
{
    struct ml_host *h = s->host;
    struct ml_buf b = {0};
    const char *threads = env_or("PYTHON_THREADPOOL_THREAD_COUNT", "1000");
    char *end;
    long n = strtol(threads, &end, 10);
    if (*end != '\0' || n < 1 || n > 100000) {
        ml_host_log(h, category_workers, ML_LEVEL_WARNING,
                    "PYTHON_THREADPOOL_THREAD_COUNT must be a whole number of 1 or more, not '%s'; "
                    "the library's default is used.",
                    threads);
        n = 0;
    }
    size_t at = ml_wire_begin(&b, 'i');
    ml_buf_printf(&b, "{\"protocol\":%d,\"host_version\":\"%s\",\"root\":", ML_WIRE_PROTOCOL,
                  ML_VERSION);
    ml_buf_json(&b, ml_str_of(h->settings.root));
    ml_buf_printf(&b, ",\"worker\":%d,\"workers\":%d,\"threads\":%ld,\"debug_logging\":%s",
                  s->number, h->n_slots, n,
                  env_true("PYTHON_ENABLE_DEBUG_LOGGING") ? "true" : "false");
    ml_buf_cstr(&b, ",\"script_file\":");
    ml_buf_json(&b, ml_str_of(env_or("PYTHON_SCRIPT_FILE_NAME", "function_app.py")));
    ml_buf_cstr(&b, ",\"functions\":");
    write_allowed(h, &b);
    ml_buf_cstr(&b, ",\"profile\":");
    ml_buf_json(&b, ml_str_of(ml_host_profile(h)));
    ml_buf_printf(&b, ",\"memory\":%s,\"extensions\":%s}",
                  ml_setting_bool(&h->settings, "memline.memory", true) ? "true" : "false",
                  env_true("PYTHON_ENABLE_WORKER_EXTENSIONS") ? "true" : "false");
    ml_wire_end_json(&b, at);
    ml_wire_end(&b, at);
    (void)ml_worker_send(s->worker, &b, NULL, NULL);
}

static void on_hello(struct ml_slot *s, const struct ml_frame *f)
{
    struct ml_host *h = s->host;
    const char *problem = ml_json_text(f->json, "library_error");
    if (ml_json_i64(f->json, "protocol", 0) != ML_WIRE_PROTOCOL) {
        ml_host_log(h, category_workers, ML_LEVEL_ERROR,
                    "The worker at '%s' speaks another version of memline's protocol.", h->shim);
        ml_host_stop(h, 1, 0);
        return;
    }
    if (problem != NULL) {
        ml_host_log(
            h, category_workers, ML_LEVEL_ERROR,
            "The Python interpreter '%s' cannot import azure.functions: %s. Install it with: "
            "%s -m pip install azure-functions",
            h->python.path, problem, h->python.path);
        ml_host_stop(h, 1, 0);
        return;
    }
    slot_state(s, ML_SLOT_INDEXING);
    send_init(s);
}

/* TypeName: text, and the frames below it. */
static void log_python_error(struct ml_host *h, const char *head, const json_t *err)
{
    const char *message = ml_json_text(err, "message");
    const char *type = ml_json_text(err, "type");
    struct ml_str stack = ml_json_str(err, "stack");
    while (stack.n != 0 && stack.p[stack.n - 1] == '\n')
        stack.n--;
    bool named = type != NULL && message != NULL && strncmp(message, type, strlen(type)) == 0;
    ml_host_log(h, "Host.Startup", ML_LEVEL_ERROR, "%s\nException: %s%s%s%s%.*s", head,
                named || type == NULL ? "" : type, named || type == NULL ? "" : ": ",
                message != NULL ? message : "", stack.n != 0 ? "\nStack: " : "", (int)stack.n,
                stack.n != 0 ? stack.p : "");
}

static void tell_errors(struct ml_host *h)
{
    for (size_t i = 0; i < h->app->n; i++) {
        const struct ml_function *f = &h->app->functions[i];
        char head[400];
        if (f->error == NULL || f->disabled)
            continue;
        if (f->load_error) {
            (void)snprintf(head, sizeof head,
                           "Worker failed to load function: '%.128s' with functionId: '%.64s'.",
                           f->name, f->id);
            log_python_error(h, head, json_object_get(f->entry, "error"));
        } else {
            ml_host_log(h, "Host.Startup", ML_LEVEL_ERROR, "The '%s' function is in error: %s",
                        f->name, f->error);
        }
    }
    for (size_t i = 0; i < h->app->n; i++) {
        const struct ml_function *f = &h->app->functions[i];
        if (f->not_run != NULL && !f->disabled && f->error == NULL)
            ml_host_log(h, "Host.Startup", ML_LEVEL_WARNING,
                        "The function '%s' is not run here: '%s' %s.", f->name, f->trigger_type,
                        f->not_run);
    }
}

static void tell_routes(struct ml_host *h)
{
    if (h->app->n_routes == 0)
        ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "No HTTP routes mapped");
    else
        ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "Initializing function HTTP routes");
    for (size_t i = 0; i < h->app->n_routes; i++) {
        const struct ml_function *f = h->app->routes[i];
        struct ml_buf b = {0};
        ml_function_methods(f, false, &b);
        ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION,
                    "Mapped function route '%s' [%s] to '%s'", ml_route_text(f->route),
                    b.n != 0 ? b.p : "all", f->name);
        ml_buf_free(&b);
    }
}

static void show_app(struct ml_host *h)
{
    struct ml_buf b = {0};
    unsigned long long ms = (ml_now_ns() - h->start_ns) / 1000000;
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "%zu functions found (Custom)", h->app->n);
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "%zu functions loaded", h->app->n);
    tell_routes(h);
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "Host initialized (%llums)", ms);
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "Host started (%llums)", ms);
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "Job host started");
    ml_app_list(h->app, h->base_url, h->console.colors, &b);
    if (h->app->n == 0 || h->app_error != NULL)
        ml_buf_cstr(&b, h->app->n == 0 ? "\n0 functions\n" : "");
    if (!h->started && !h->o->verbose)
        ml_buf_cstr(&b, "For detailed output, run func with --verbose flag.\n");
    if (b.n != 0 && b.p[b.n - 1] == '\n')
        b.n--;
    if (b.n != 0)
        ml_console_plain(&h->console, ml_buf_view(&b));
    ml_buf_free(&b);
    h->started = true;
}

static void on_indexed(struct ml_slot *s, const struct ml_frame *f)
{
    struct ml_host *h = s->host;
    struct ml_error e;
    slot_state(s, ML_SLOT_READY);
    if (s->number != 0) {
        ml_front_release(h);
        return;
    }
    struct ml_app *app = NULL;
    if (ml_app_new(f->json, &h->settings, &app, &e) != ML_OK) {
        ml_host_log(h, category_workers, ML_LEVEL_ERROR, "%s", e.text);
        ml_host_stop(h, 1, 0);
        return;
    }
    ml_timers_stop(h);
    ml_listeners_stop(h);
    ml_app_unref(h->app);
    h->app = app;
    h->state = ML_HOST_RUNNING;
    ml_timers_check(h);
    ml_listeners_check(h);
    ml_console_always(&h->console, "Worker process started and initialized.");
    size_t i;
    json_t *notice;
    json_array_foreach(json_object_get(f->json, "notices"), i, notice)
        if (json_is_string(notice))
            ml_host_log(h, "Host.Startup", ML_LEVEL_WARNING, "%s", json_string_value(notice));
    const json_t *err = json_object_get(f->json, "error");
    h->exports_logs = json_is_true(json_object_get(f->json, "exports_logs"));
    ml_free(h->app_error);
    h->app_error = NULL;
    if (json_is_object(err)) {
        const char *message = ml_json_text(err, "message");
        h->app_error = ml_strdup(message != NULL ? message : "unknown error");
        log_python_error(h, "Worker failed to index functions", err);
    }
    tell_errors(h);
    show_app(h);
    ml_timers_start(h);
    ml_listeners_start(h);
    ml_front_release(h);
}

static void on_status(struct ml_slot *s, const struct ml_frame *f)
{
    const char *phase = ml_json_text(f->json, "phase"), *what = ml_json_text(f->json, "what");
    (void)snprintf(s->doing, sizeof s->doing, "%.60s %.130s", phase != NULL ? phase : "",
                   what != NULL ? what : "");
}

static void on_frame(void *user, struct ml_worker *w, const struct ml_frame *f)
{
    struct ml_slot *s = user;
    (void)w;
    switch (f->type) {
    case 'H':
        on_hello(s, f);
        break;
    case 'S':
        on_status(s, f);
        break;
    case 'I':
        on_indexed(s, f);
        break;
    case 'L':
        ml_record_worker_log(s->host, f, ml_worker_pid(w));
        break;
    case 'A':
    case 'B':
    case 'K':
    case 'R':
        ml_invocation_frame(s->host, f);
        break;
    case 'P':
        s->pong_ns = ml_now_ns();
        s->hang_told = false;
        break;
    default:
        ml_worker_kill(w, SIGKILL); /* not our protocol: counts as a crash */
    }
}

/* -- what it prints ------------------------------------------------------------------------------ */

static bool contains(struct ml_str line, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= line.n; i++) {
        size_t k = 0;
        while (k < n && tolower((unsigned char)line.p[i + k]) == word[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static enum ml_level level_of_line(bool is_stderr, struct ml_str line)
{
    static const char *const errors[] = {"error", "fail", "severe", "unhandled exception"};
    if (!is_stderr)
        return ML_LEVEL_INFORMATION;
    if (contains(line, "warn"))
        return ML_LEVEL_WARNING;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (contains(line, errors[i]))
            return ML_LEVEL_ERROR;
    return ML_LEVEL_INFORMATION;
}

static void on_line(void *user, struct ml_worker *w, bool is_stderr, struct ml_str line)
{
    struct ml_slot *s = user;
    struct ml_host *h = s->host;
    if (is_stderr) {
        memmove(s->tail[0], s->tail[1], sizeof s->tail - sizeof s->tail[0]);
        (void)snprintf(s->tail[2], sizeof s->tail[2], "%.*s", (int)(line.n < 250 ? line.n : 250),
                       line.n != 0 ? line.p : "");
    }
    if (ml_str_starts(line, ML_STR("LanguageWorkerConsoleLog")))
        return; /* the worker's own; never the user's */
    if (ml_str_starts(line, ML_STR("azfuncjsonlog:")) && h->json_fd >= 0) {
        struct ml_buf b = {0};
        ml_buf_add(&b, line.p + 14, line.n - 14);
        ml_buf_char(&b, '\n');
        ml_write_fully(h->json_fd, ml_buf_view(&b));
        ml_buf_free(&b);
        return;
    }
    ml_record_console_line(h, level_of_line(is_stderr, line), line, ml_worker_pid(w));
}

/* -- its end ------------------------------------------------------------------------------------- */

static void tell_end(struct ml_slot *s, const struct ml_worker_end *end)
{
    struct ml_host *h = s->host;
    struct ml_buf b = {0};
    ml_buf_printf(&b, "Language Worker Process exited. Pid=%d.\n%s ", (int)ml_worker_pid(s->worker),
                  h->python.path);
    if (end->broken != NULL) {
        ml_buf_printf(&b, "was ended because it broke the protocol: %s", end->broken);
    } else if (end->signal == 0) {
        ml_buf_printf(&b, "exited with code %d (0x%X)", end->code, (unsigned)end->code);
    } else if (end->signal == SIGKILL) {
        bool oom = ml_oom_kills() > s->oom_kills;
        ml_buf_cstr(&b, oom ? "was killed: out of memory (kernel)"
                            : "killed by signal 9 (SIGKILL), possibly the out-of-memory killer");
    } else {
        const char *name = sigabbrev_np(end->signal);
        ml_buf_printf(&b, "killed by signal %d (SIG%s)", end->signal, name != NULL ? name : "?");
    }
    if (end->signal != 0)
        ml_buf_printf(&b, "; peak memory %.1f MiB", (double)end->peak_rss_kib / 1024.0);
    for (int i = 0; i < 3; i++)
        if (s->tail[i][0] != '\0')
            ml_buf_printf(&b, "\n%s", s->tail[i]);
    ml_host_log(h, category_workers, ML_LEVEL_ERROR, "%s", b.status == ML_OK ? b.p : "");
    ml_buf_free(&b);
}

static void on_restart(void *user)
{
    struct ml_slot *s = user;
    if (s->host->state != ML_HOST_STOPPING && !s->host->reloading && s->state == ML_SLOT_EMPTY)
        start_slot(s);
}

static void give_up(struct ml_host *h)
{
    ml_host_log(
        h, category_workers, ML_LEVEL_ERROR,
        "Exceeded language worker restart retry count for runtime:python. Shutting down and "
        "proactively recycling the Functions Host to recover");
    if (h->o->on_crash != NULL && strcmp(h->o->on_crash, "wait") == 0) {
        h->state = ML_HOST_ERROR;
        h->n_crashes = 0;
        ml_front_release(h);
        return;
    }
    ml_host_stop(h, 1, 0);
}

/* Remember the crash; false: there were too many. */
static bool count_crash(struct ml_host *h)
{
    enum { KEPT = sizeof h->crashes_ns / sizeof h->crashes_ns[0] };
    uint64_t now = ml_now_ns();
    size_t kept = 0;
    for (size_t i = 0; i < h->n_crashes; i++)
        if (now - h->crashes_ns[i] < CRASH_WINDOW_S * S_NS)
            h->crashes_ns[kept++] = h->crashes_ns[i];
    h->n_crashes = kept;
    if (h->n_crashes < KEPT)
        h->crashes_ns[h->n_crashes++] = now;
    return h->n_crashes <= (size_t)(3 * h->n_slots);
}

static void reload_step(struct ml_host *h);

static void on_exit_worker(void *user, struct ml_worker *w)
{
    static const unsigned delays_ms[] = {0, 1000, 10000};
    struct ml_slot *s = user;
    struct ml_host *h = s->host;
    struct ml_worker_end end = *ml_worker_end(w);
    bool crash = !end.asked && !s->no_count && !(end.signal == 0 && end.code == 200);
    if (!end.asked && !s->no_count && crash)
        tell_end(s, &end);
    if (s->running != 0)
        ml_invocations_fail(h, s, "The language worker process ended while the function ran.");
    ml_worker_free(w);
    s->worker = NULL;
    s->no_count = false;
    slot_state(s, ML_SLOT_EMPTY);
    if (h->state == ML_HOST_STOPPING) {
        ml_host_stop(h, h->exit_status, 0);
        return;
    }
    if (h->reloading) {
        reload_step(h);
        return;
    }
    if (crash && !count_crash(h)) {
        give_up(h);
        return;
    }
    unsigned k = crash ? (unsigned)s->restarts++ : 0;
    unsigned delay = delays_ms[k < 3 ? k : 2];
    if (s->restart == NULL)
        (void)ml_timer_new(h->loop, delay, 0, on_restart, s, &s->restart);
    else
        ml_timer_set(s->restart, delay);
}

/* -- starting ------------------------------------------------------------------------------------ */

static void start_slot(struct ml_slot *s)
{
    enum { MAX_ARGS = 64 };
    struct ml_host *h = s->host;
    static char number[8] = "3", fd[] = "--fd", x[] = "-X", ranges[] = "no_debug_ranges";
    char *argv[MAX_ARGS + 8], *words[MAX_ARGS];
    int n = 0, n_words = split_words(language_worker_args(h), words, MAX_ARGS);
    argv[n++] = h->python.path;
    if (h->python.minor >= 11 && env_true("MEMLINE_FUNC_NO_DEBUG_RANGES")) {
        argv[n++] = x;
        argv[n++] = ranges;
    }
    for (int i = 0; i < n_words; i++)
        argv[n++] = words[i];
    argv[n++] = h->shim;
    argv[n++] = fd;
    argv[n++] = number;
    argv[n] = NULL;
    const struct ml_worker_events ev = {
        .user = s, .on_frame = on_frame, .on_line = on_line, .on_exit = on_exit_worker};
    struct ml_error e;
    s->doing[0] = '\0';
    memset(s->tail, 0, sizeof s->tail);
    s->oom_kills = ml_oom_kills();
    s->hang_told = false;
    if (ml_worker_new(h->loop, h->settings.root, argv, environ, &ev, &s->worker, &e) == ML_OK) {
        slot_state(s, ML_SLOT_STARTING);
    } else {
        ml_host_log(h, category_workers, ML_LEVEL_ERROR, "%s", e.text);
        ml_host_stop(h, 1, 0);
    }
    for (int i = 0; i < n_words; i++)
        ml_free(words[i]);
}

int ml_host_start_workers(struct ml_host *h, struct ml_error *e)
{
    (void)e;
    for (int i = 0; i < h->n_slots; i++) {
        h->slots[i].host = h;
        h->slots[i].number = i;
        start_slot(&h->slots[i]);
    }
    return ML_OK;
}

void ml_host_stop_workers(struct ml_host *h, const char *reason, unsigned term_ms, unsigned kill_ms)
{
    for (int i = 0; i < h->n_slots; i++) {
        struct ml_slot *s = &h->slots[i];
        if (s->restart != NULL)
            ml_timer_stop(s->restart);
        if (s->worker != NULL && s->state != ML_SLOT_STOPPING) {
            slot_state(s, ML_SLOT_STOPPING);
            ml_worker_stop(s->worker, reason, term_ms, kill_ms);
        }
    }
}

bool ml_host_workers_gone(const struct ml_host *h)
{
    for (int i = 0; i < h->n_slots; i++)
        if (h->slots[i].worker != NULL)
            return false;
    return true;
}

bool ml_host_is_ready(const struct ml_host *h)
{
    if (h->app == NULL || h->reloading || h->state != ML_HOST_RUNNING)
        return false;
    for (int i = 0; i < h->n_slots; i++)
        if (h->slots[i].state == ML_SLOT_READY)
            return true;
    return false;
}

struct ml_slot *ml_host_pick(struct ml_host *h)
{
    if (!ml_host_is_ready(h))
        return NULL;
    for (int i = 0; i < h->n_slots; i++) {
        struct ml_slot *s = &h->slots[(h->next_slot + i) % h->n_slots];
        if (s->state == ML_SLOT_READY) {
            h->next_slot = (s->number + 1) % h->n_slots;
            return s;
        }
    }
    return NULL;
}

void ml_slot_replace(struct ml_slot *s)
{
    if (s->worker == NULL)
        return;
    s->no_count = true;
    slot_state(s, ML_SLOT_STOPPING);
    ml_worker_kill(s->worker, SIGKILL);
}

/* -- reload -------------------------------------------------------------------------------------- */

/* Called whenever something that a reload waits for may have happened. */
static void reload_step(struct ml_host *h)
{
    uint64_t now = ml_now_ns();
    if (!h->reloading)
        return;
    if (h->n_running != 0 && now - h->reload_ns < RELOAD_S * S_NS)
        return;
    if (!ml_host_workers_gone(h)) {
        if (h->n_running != 0)
            ml_invocations_fail(h, NULL, "The host reloads, and the function did not end in time.");
        ml_host_stop_workers(h, "reload", 1000, 2000);
        return;
    }
    h->reloading = false;
    h->n_crashes = 0;
    ml_console_always(&h->console, "Job host stopped");
    ml_host_reread_settings(h);
    for (int i = 0; i < h->n_slots; i++) {
        h->slots[i].restarts = 0;
        start_slot(&h->slots[i]);
    }
}

void ml_host_reload(struct ml_host *h)
{
    if (h->reloading || h->state == ML_HOST_STOPPING)
        return;
    h->reloading = true;
    h->reload_ns = ml_now_ns();
    h->state = ML_HOST_STARTING;
    h->notice_ns = 0;
    ml_timers_stop(h);
    ml_listeners_stop(h);
    reload_step(h);
}

/* -- once a second ------------------------------------------------------------------------------- */

static void check_start(struct ml_slot *s, uint64_t now)
{
    struct ml_host *h = s->host;
    bool hello = s->state == ML_SLOT_STARTING;
    uint64_t limit = (hello ? HELLO_S : INDEX_S) * S_NS;
    if (now - s->state_ns < limit)
        return;
    ml_host_log(h, category_workers, ML_LEVEL_ERROR,
                "The worker did not %s within %d s%s%s. It is ended.",
                hello ? "start" : "load the functions", hello ? HELLO_S : INDEX_S,
                s->doing[0] != '\0' ? ": " : "", s->doing);
    slot_state(s, s->state); /* once */
    ml_worker_kill(s->worker, SIGKILL);
}

static void notice_start(struct ml_slot *s, uint64_t now)
{
    struct ml_host *h = s->host;
    uint64_t wait = (uint64_t)(h->o->timeout != NULL ? atoi(h->o->timeout) : 20) * S_NS;
    if (s->number != 0 || now - s->state_ns < wait || now < h->notice_ns)
        return;
    h->notice_ns = now + 10 * S_NS;
    ml_host_log(h, category_workers, ML_LEVEL_WARNING,
                "Still starting after %llu s: waiting for %s%s%s.",
                (unsigned long long)((now - s->state_ns) / S_NS),
                s->state == ML_SLOT_STARTING ? "the interpreter" : "the app to load",
                s->doing[0] != '\0' ? ": " : "", s->doing);
}

static void check_pulse(struct ml_slot *s, uint64_t now)
{
    struct ml_buf b = {0};
    char json[48];
    uint64_t hang_s = (uint64_t)ml_setting_int(&s->host->settings, "memline.hangSeconds", HANG_S);
    uint64_t ping_s = hang_s < 3 * PING_S ? 1 + hang_s / 3 : PING_S;
    if (now - s->pong_ns > hang_s * S_NS && !s->hang_told) {
        s->hang_told = true;
        ml_host_log(s->host, category_workers, ML_LEVEL_WARNING,
                    "The worker (pid %d) has not answered for %d s; its event loop is busy or "
                    "blocked. The stacks of its threads follow.",
                    (int)ml_worker_pid(s->worker), (int)hang_s);
        ml_wire_frame(&b, 'd', "{}");
        (void)ml_worker_send(s->worker, &b, NULL, NULL);
    }
    if ((now / S_NS) % ping_s != 0 || ml_worker_unsent(s->worker) > 1024 * 1024)
        return;
    (void)snprintf(json, sizeof json, "{\"seq\":%llu}", (unsigned long long)++s->seq);
    ml_wire_frame(&b, 'p', json);
    (void)ml_worker_send(s->worker, &b, NULL, NULL);
}

void ml_host_tick_workers(struct ml_host *h, uint64_t now)
{
    reload_step(h);
    for (int i = 0; i < h->n_slots; i++) {
        struct ml_slot *s = &h->slots[i];
        if (s->worker == NULL)
            continue;
        if (s->state == ML_SLOT_STARTING || s->state == ML_SLOT_INDEXING) {
            notice_start(s, now);
            check_start(s, now);
        } else if (s->state == ML_SLOT_READY) {
            if (now - s->state_ns > 60 * S_NS)
                s->restarts = 0;
            check_pulse(s, now);
        }
    }
}

void ml_host_reload_step(struct ml_host *h)
{
    reload_step(h);
}
