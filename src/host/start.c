/* host/start.c -- `func start`: from the options to the running host, and to its end.
 *
 * Order: root -> settings -> port (before Python) -> Python -> records -> listener -> workers -> loop.
 * End:   stop accepting -> what runs finishes (a bounded time) -> workers -> replies -> records.
 * SPDX-License-Identifier: MIT */
#include "host/host.h"

#include "base/mem.h"
#include "host/cert.h"
#include "host/cors.h"
#include "host/endpoints.h"
#include "host/file.h"
#include "host/id.h"
#include "host/keys.h"
#include "host/record.h"
#include "host/running.h"
#include "host/say.h"
#include "host/storage.h"
#include "host/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

enum { DEFAULT_PORT = 7071, INT_GRACE_MS = 2000, TERM_GRACE_MS = 10000, REPLY_GRACE_MS = 1000 };

struct run { /* what only start.c needs */
    struct ml_host h;
    uv_signal_t signals[3];
    struct ml_timer *stopper;
    bool workers_asked;
    uint64_t replies_by_ns;
    int port;
    const char *address;
};

static struct run *run_of(struct ml_host *h)
{
    return (struct run *)(void *)h; /* h is its first member */
}

/* -- the end ------------------------------------------------------------------------------------- */

static void on_stopper(void *user)
{
    struct ml_host *h = user;
    ml_host_stop(h, h->exit_status, 0);
}

/* Also a step: called whenever something that the end waits for may have happened. */
void ml_host_stop(struct ml_host *h, int status, unsigned grace_ms)
{
    struct run *r = run_of(h);
    uint64_t now = ml_now_ns();
    if (h->state != ML_HOST_STOPPING) {
        h->state = ML_HOST_STOPPING;
        h->exit_status = status;
        h->stop_by_ns = now + grace_ms * UINT64_C(1000000);
        ml_timers_stop(h);
        ml_listeners_stop(h);
        if (h->server != NULL)
            ml_http_server_drain(h->server);
        ml_front_release(h); /* who waited is told */
        if (r->stopper == NULL)
            (void)ml_timer_new(h->loop, 100, 100, on_stopper, h, &r->stopper);
    }
    if (h->n_running != 0 && now < h->stop_by_ns)
        return;
    if (!ml_host_workers_gone(h)) {
        if (!r->workers_asked) {
            r->workers_asked = true;
            ml_host_stop_workers(h, "shutdown", 1000, 1000);
        }
        return;
    }
    ml_invocations_fail(h, NULL, "The host ends.");
    if (r->replies_by_ns == 0)
        r->replies_by_ns = now + REPLY_GRACE_MS * UINT64_C(1000000);
    bool open = h->server != NULL && ml_http_server_active(h->server) != 0;
    if ((open || ml_storage_is_busy(h->storage)) && now < r->replies_by_ns)
        return;
    ml_loop_stop(h->loop);
}

static void on_signal(uv_signal_t *s, int signum)
{
    struct ml_host *h = s->data;
    if (++h->signals > 1) { /* at once, and leave nothing */
        for (int i = 0; i < h->n_slots; i++)
            if (h->slots[i].worker != NULL)
                ml_worker_kill(h->slots[i].worker, SIGKILL);
        _exit(130);
    }
    ml_host_stop(h, 0, signum == SIGINT ? INT_GRACE_MS : TERM_GRACE_MS);
}

/* Our own crash: say so, where, and end as the signal says. */
static void on_crash(int signum)
{
    static const char head[] = "memline: the host itself crashed; please report this:\n";
    void *frames[64];
    (void)!write(STDERR_FILENO, head, sizeof head - 1);
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

/* -- the settings -------------------------------------------------------------------------------- */

static void set_levels(struct ml_host *h)
{
    struct ml_level_filter *f = &h->console.filter;
    bool has_default = false;
    enum ml_level fallback = ML_LEVEL_INFORMATION;
    const char *user = h->o->user_log_level != NULL ? h->o->user_log_level
                                                    : getenv("FUNCTIONS_USER_LOG_LEVEL");
    ml_level_filter_release(f);
    *f = (struct ml_level_filter){0};
    (void)ml_settings_levels(&h->settings, f, &has_default, &fallback);
    f->system = has_default ? fallback : h->o->verbose ? ML_LEVEL_INFORMATION : ML_LEVEL_WARNING;
    f->user = has_default ? fallback : ML_LEVEL_INFORMATION;
    if (user != NULL)
        (void)ml_level_parse(user, &f->user);
}

static int read_limits(struct ml_host *h, struct ml_error *e)
{
    const char *timeout = ml_setting_text(&h->settings, "functionTimeout", "00:30:00");
    h->max_concurrent = ml_setting_int(&h->settings, "extensions.http.maxConcurrentRequests", -1);
    h->max_outstanding = ml_setting_int(&h->settings, "extensions.http.maxOutstandingRequests", -1);
    h->timeout_ms = -1;
    if (strcmp(timeout, "-1") != 0 &&
        (!ml_settings_timespan(timeout, &h->timeout_ms) || h->timeout_ms < 1000))
        return ml_fail(
            e, ML_EINVALID,
            "'%s' is an invalid value for host.json 'functionTimeout': it must be a time "
            "span of at least 00:00:01, or -1.",
            timeout);
    return ML_OK;
}

static void set_default(const char *name, const char *value)
{
    (void)setenv(name, value, 0);
}

/* What the worker finds in its environment (specs 1.7). */
static void set_environment(struct ml_host *h)
{
    char text[64], dir[PATH_MAX];
    const char *env = getenv("AZURE_FUNCTIONS_ENVIRONMENT");
    if (env != NULL && strcmp(env, "Development") != 0)
        ml_say_warning(
            "AZURE_FUNCTIONS_ENVIRONMENT is '%s'; the local host sets it to Development.", env);
    (void)setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Development", 1);
    (void)setenv("FUNCTIONS_CORETOOLS_ENVIRONMENT", "true", 1);
    (void)snprintf(text, sizeof text, "localhost:%u", (unsigned)h->port);
    (void)setenv("WEBSITE_HOSTNAME", text, 1);
    (void)setenv("AzureWebJobsScriptRoot", h->settings.root, 1);
    (void)setenv("FUNCTIONS_APPLICATION_DIRECTORY", h->settings.root, 1);
    (void)setenv("FUNCTIONS_WORKER_RUNTIME", "python", 1);
    (void)snprintf(text, sizeof text, "%d.%d", h->python.major, h->python.minor);
    (void)setenv("FUNCTIONS_WORKER_RUNTIME_VERSION", text, 1);
    (void)snprintf(dir, sizeof dir, "%s", h->shim);
    char *slash = strrchr(dir, '/');
    if (slash != NULL)
        *slash = '\0';
    (void)setenv("FUNCTIONS_WORKER_DIRECTORY", dir, 1);
    set_default("PYTHON_THREADPOOL_THREAD_COUNT", "1000");
    set_default("AzureFunctionsJobHost__logging__logLevel__Function",
                ml_level_name(h->console.filter.user));
    if (ml_level_wants_debug(&h->console.filter))
        set_default("PYTHON_ENABLE_DEBUG_LOGGING", "1");
    for (size_t i = 0; i < h->o->n_functions; i++) {
        (void)snprintf(text, sizeof text, "AzureFunctionsJobHost__functions__%zu", i);
        (void)setenv(text, h->o->functions[i], 1);
    }
}

static int check_runtime(const struct ml_host *h)
{
    const char *runtime = getenv("FUNCTIONS_WORKER_RUNTIME");
    if (runtime == NULL || runtime[0] == '\0' || strcasecmp(runtime, "python") == 0 || h->o->python)
        return 0;
    return ml_say_failure("memline func runs Python apps only. FUNCTIONS_WORKER_RUNTIME is '%s'.",
                          runtime);
}

/* The shim: named by the environment, beside the program, or in the source tree. */
static bool find_shim(char out[PATH_MAX])
{
    static const char *const places[] = {
        "%s/../worker/__main__.py", "%s/../python/memline/worker/__main__.py",
        "%s/../lib/python3*/site-packages/memline/worker/__main__.py"};
    char program[PATH_MAX], path[PATH_MAX];
    const char *given = getenv("MEMLINE_WORKER_DIR");
    if (given != NULL && ml_path_join(out, PATH_MAX, given, "__main__.py") == ML_OK &&
        ml_is_file(out))
        return true;
    if (ml_program_path(program, sizeof program) == ML_OK) {
        char *slash = strrchr(program, '/');
        *slash = '\0';
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            glob_t g;
            bool ok = false;
            struct ml_buf b = {0};
            const char *mark = strstr(places[i], "%s");
            ml_buf_cstr(&b, program);
            ml_buf_cstr(&b, mark + 2);
            if (b.status == ML_OK && glob(b.p, 0, NULL, &g) == 0) {
                ok = realpath(g.gl_pathv[0], out) != NULL;
                globfree(&g);
            }
            ml_buf_free(&b);
            if (ok)
                return true;
        }
    }
    if (ml_path_join(path, sizeof path, ML_SOURCE_DIR, "python/memline/worker/__main__.py") ==
            ML_OK &&
        ml_is_file(path)) {
        (void)snprintf(out, PATH_MAX, "%s", path);
        return true;
    }
    return false;
}

static int read_port(const struct ml_host *h, int *port)
{
    const char *s = h->o->port;
    char *end;
    *port = h->settings.local_port != 0 ? h->settings.local_port : DEFAULT_PORT;
    if (s == NULL)
        return 0;
    long n = strtol(s, &end, 10);
    if (s[0] == '\0' || *end != '\0' || n < 0 || n > 65535)
        return ml_say_failure("Invalid --port value '%s'. Expected a number from 0 to 65535.", s);
    *port = (int)n;
    return 0;
}

static int check_options(const struct ml_func_options *o)
{
    static const struct {
        size_t at;
        const char *name;
        const char *words; /* " a b " */
    } choices[] = {
        {offsetof(struct ml_func_options, telemetry), "--telemetry", " local azure both off "},
        {offsetof(struct ml_func_options, on_crash), "--on-crash", " exit wait "},
        {offsetof(struct ml_func_options, profile), "--profile", " line heap sample off "},
    };
    enum ml_level level;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        const char *v;
        char word[32];
        memcpy(&v, (const char *)o + choices[i].at, sizeof v);
        if (v == NULL)
            continue;
        (void)snprintf(word, sizeof word, " %.20s ", v);
        if (strstr(choices[i].words, word) == NULL)
            return ml_say_failure("Invalid %s value '%s'. Expected one of:%s", choices[i].name, v,
                                  choices[i].words);
    }
    if (o->user_log_level != NULL && !ml_level_parse(o->user_log_level, &level))
        return ml_say_failure("Invalid --user-log-level value '%s'. Expected one of: Trace, Debug, "
                              "Information, Warning, Error, Critical, None",
                              o->user_log_level);
    return 0;
}

static const char *pick_address(const struct ml_host *h)
{
    if (h->o->address != NULL)
        return h->o->address;
    return h->settings.local_address != NULL ? h->settings.local_address : "127.0.0.1";
}

static int check_address(const char *s)
{
    unsigned char b[16];
    if (inet_pton(AF_INET, s, b) == 1 || inet_pton(AF_INET6, s, b) == 1)
        return 0;
    return ml_say_failure("Invalid --address value '%s'. Expected an IP address, for example "
                          "127.0.0.1 or 0.0.0.0.",
                          s);
}

/* -- the parts ----------------------------------------------------------------------------------- */

static int open_server(struct run *r)
{
    struct ml_host *h = &r->h;
    struct ml_buf cert = {0}, key = {0};
    struct ml_error e = {0};
    struct ml_http_options o = {0};
    const char *limit = getenv("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT");
    int status = 0;
    ml_front_handler(h, &o.handler);
    o.max_body_bytes = limit != NULL ? strtoull(limit, NULL, 10) : 0;
    if (h->o->use_https) {
        const char *dir = h->state_dir[0] != '\0' ? h->state_dir : "/tmp";
        if (ml_cert_load(h->o->cert, h->o->password, dir, &cert, &key, &e) != ML_OK)
            status = ml_say_failure("%s", e.text);
        o.cert_pem = cert.p;
        o.key_pem = key.p;
    }
    if (status == 0 && ml_http_server_new(h->loop, &o, &h->server, &e) != ML_OK)
        status = ml_say_failure("%s", e.text);
    if (status == 0) {
        int rc = ml_http_server_listen(h->server, r->address, (uint16_t)r->port, &h->port, &e);
        if (rc == ML_EBUSY)
            status = ml_say_failure("Port %d is unavailable. Close the process using that port, or "
                                    "specify another port using --port [-p].",
                                    r->port);
        else if (rc != ML_OK)
            status = ml_say_failure("%s", e.text);
        else if (strcmp(r->address, "127.0.0.1") == 0) /* localhost may mean either */
            (void)ml_http_server_listen(h->server, "::1", h->port, NULL, NULL);
    }
    ml_buf_free(&cert);
    ml_buf_free(&key);
    (void)snprintf(h->base_url, sizeof h->base_url, "%s://localhost:%u",
                   h->o->use_https ? "https" : "http", (unsigned)h->port);
    return status;
}

static int open_guards(struct ml_host *h)
{
    struct ml_error e;
    const char *origins = h->o->cors != NULL ? h->o->cors : h->settings.cors;
    bool credentials = h->o->cors_credentials || h->settings.cors_credentials;
    if (origins != NULL && origins[0] != '\0' &&
        ml_cors_new(origins, credentials, &h->cors, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    if (h->o->enable_auth) {
        if (ml_keys_open(h->settings.root, &h->keys, &e) != ML_OK)
            return ml_say_failure("%s", e.text);
        ml_say("The keys of this app are in %s", ml_keys_path(h->keys));
    }
    return 0;
}

static int find_python(struct ml_host *h)
{
    struct ml_error e;
    if (ml_python_for_project(h->settings.root, &h->python, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    if (h->python.by_root_venv)
        ml_say("Using the Python of this project: %s", h->python.path);
    else if (h->o->verbose)
        ml_say("Found Python version %d.%d.%d (%s).", h->python.major, h->python.minor,
               h->python.micro, h->python.path);
    if (!ml_python_is_official(&h->python))
        ml_say_warning(
            "Python %d.%d.%d is outside 3.9-3.14, the versions that Azure Functions runs.",
            h->python.major, h->python.minor, h->python.micro);
    return 0;
}

static int open_json_output(struct ml_host *h)
{
    h->json_fd = -1;
    if (h->o->json_output_file != NULL) {
        h->json_fd = open(h->o->json_output_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (h->json_fd < 0)
            return ml_say_failure("cannot write '%s': %s", h->o->json_output_file, strerror(errno));
    } else if (h->o->json_output) {
        h->json_fd = STDOUT_FILENO;
    }
    return 0;
}

static void print_banner(void)
{
    ml_say("\n\nAzure Functions Core Tools\n"
           "Core Tools Version:       4.14.0+memline.%s (64-bit)\n"
           "Function Runtime Version: 4.1052.0.0\n",
           ML_VERSION);
}

static void on_tick(void *user)
{
    struct ml_host *h = user;
    uint64_t now = ml_now_ns();
    ml_host_tick_workers(h, now);
    ml_invocations_tick(h, now);
    ml_front_tick(h, now);
}

static void on_source_change(void *user, const char *path)
{
    struct ml_host *h = user;
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION,
                "File change of type 'Changed' detected for '%s'", path);
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION,
                "Host configuration has changed. Signaling restart");
    ml_host_reload(h);
}

/* Before a reload: the files may say something else now. On trouble the old settings stay. */
void ml_host_reread_settings(struct ml_host *h)
{
    struct ml_settings fresh = {0};
    struct ml_error e;
    (void)snprintf(fresh.root, sizeof fresh.root, "%s", h->settings.root);
    ml_settings_forget(&h->settings);
    if (ml_settings_read(&fresh, &e) != ML_OK) {
        ml_host_log(h, "Host.Startup", ML_LEVEL_ERROR, "%s", e.text);
        ml_settings_release(&fresh);
        return;
    }
    ml_settings_release(&h->settings);
    h->settings = fresh;
    set_levels(h);
    if (read_limits(h, &e) != ML_OK)
        ml_host_log(h, "Host.Startup", ML_LEVEL_ERROR, "%s", e.text);
}

static void watch_signals(struct run *r)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        (void)uv_signal_init(ml_loop_uv(r->h.loop), &r->signals[i]);
        r->signals[i].data = &r->h;
        (void)uv_signal_start(&r->signals[i], on_signal, numbers[i]);
    }
}

static int worker_count(void)
{
    const char *s = getenv("FUNCTIONS_WORKER_PROCESS_COUNT");
    int n = s != NULL ? atoi(s) : 1;
    return n < 1 ? 1 : n > ML_MAX_WORKERS ? ML_MAX_WORKERS : n;
}

/* Where the interpreter's environment lies: not watched. */
static void environment_folder(const struct ml_host *h, char out[PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%s", h->python.path);
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(out, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    if (strncmp(h->settings.root, out, strlen(out)) == 0)
        out[0] = '\0'; /* the project lies in it: then it is not an environment of the project */
}

/* Everything up to the loop. Answers an exit status. */
static int prepare(struct run *r)
{
    struct ml_host *h = &r->h;
    struct ml_error e;
    int status = check_options(h->o);
    if (status == 0 && ml_project_root(h->settings.root, &e) != ML_OK)
        status = ml_say_failure("%s", e.text);
    if (status == 0 && chdir(h->settings.root) != 0)
        status = ml_say_failure("cannot change to '%s': %s", h->settings.root, strerror(errno));
    if (status == 0 && ml_settings_read(&h->settings, &e) != ML_OK)
        status = ml_say_failure("%s", e.text);
    if (status == 0 && read_limits(h, &e) != ML_OK)
        status = ml_say_failure("%s", e.text);
    if (status == 0)
        status = check_runtime(h);
    if (status == 0)
        status = read_port(h, &r->port);
    r->address = pick_address(h);
    if (status == 0)
        status = check_address(r->address);
    if (status == 0)
        status = open_guards(h);
    if (status == 0)
        status = open_json_output(h);
    if (status != 0)
        return status;
    set_levels(h);
    if (!find_shim(h->shim))
        return ml_say_failure(
            "cannot find the worker package memline/worker. Set MEMLINE_WORKER_DIR "
            "to its folder.");
    if (ml_state_dir(h->settings.root, h->state_dir, sizeof h->state_dir, &e) != ML_OK) {
        ml_say_warning("%s. Timers and records are not kept.", e.text);
        h->state_dir[0] = '\0';
    }
    status = open_server(r); /* a busy port is told before Python starts */
    if (status == 0)
        status = find_python(h);
    if (status != 0)
        return status;
    if (ml_records_open(h, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    status = ml_endpoints_open(h); /* after the records: these do not go to itself */
    set_environment(h);
    return status;
}

static void finish(struct run *r)
{
    struct ml_host *h = &r->h;
    ml_endpoints_close(h); /* first: it runs the loop */
    ml_timers_stop(h);
    ml_listeners_stop(h);
    ml_storage_free(h->storage);
    if (h->tick != NULL) /* it ran */
        ml_running_forget(h->state_dir);
    for (int i = 0; i < h->n_slots; i++) {
        ml_worker_free(h->slots[i].worker);
        ml_timer_free(h->slots[i].restart);
    }
    ml_records_close(h, 2000);
    ml_source_watch_free(h->watch);
    ml_timer_free(h->tick);
    ml_timer_free(r->stopper);
    for (int i = 0; i < 3; i++)
        if (r->signals[i].data != NULL)
            uv_close((uv_handle_t *)&r->signals[i], NULL);
    ml_http_server_free(h->server);
    ml_loop_free(h->loop);
    ml_app_unref(h->app);
    ml_cors_free(h->cors);
    ml_keys_free(h->keys);
    ml_map_free(&h->by_id);
    ml_vec_free(&h->waiting);
    ml_vec_free(&h->queued);
    ml_free(h->app_error);
    ml_settings_release(&h->settings);
    ml_console_release(&h->console);
    if (h->json_fd > STDERR_FILENO)
        (void)close(h->json_fd);
    ml_free(r);
}

static int run(struct run *r)
{
    struct ml_host *h = &r->h;
    char skip[PATH_MAX];
    struct ml_error e;
    int status = prepare(r);
    if (status != 0)
        return status;
    print_banner();
    if (r->port == 0)
        ml_say("Listening on %s", h->base_url);
    ml_running_tell(h->state_dir, h->base_url, h->keys != NULL ? ml_keys_master(h->keys) : "");
    watch_signals(r);
    environment_folder(h, skip);
    (void)ml_source_watch_new(h->loop, &h->settings, skip, on_source_change, h, &h->watch);
    (void)ml_timer_new(h->loop, 1000, 1000, on_tick, h, &h->tick);
    h->n_slots = worker_count();
    ml_host_log(h, "Host.Startup", ML_LEVEL_INFORMATION, "Reading functions metadata (Custom)");
    if (ml_host_start_workers(h, &e) != ML_OK)
        return ml_say_failure("%s", e.text);
    ml_loop_run(h->loop);
    return h->exit_status;
}

int ml_func_start(const struct ml_func_options *o)
{
    ml_mem_stay_small();
    struct run *r = ml_calloc(1, sizeof *r);
    struct rlimit files;
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    if (r == NULL || ml_loop_new(&r->h.loop) != ML_OK) {
        ml_free(r);
        return ml_say_failure("cannot start: out of memory");
    }
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        (void)signal(crashes[i], on_crash);
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    r->h.o = o;
    r->h.start_ns = ml_now_ns();
    r->h.json_fd = -1;
    ml_console_init(&r->h.console, STDOUT_FILENO);
    r->h.console.show_category = o->show_category;
    r->h.console.show_level = o->show_level;
    ml_uuid_new(r->h.instance_id);
    int status = run(r);
    finish(r);
    return status;
}
