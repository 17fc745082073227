/* host/function.c -- see function.h. SPDX-License-Identifier: MIT */
#include "host/function.h"

#include "base/mem.h"
#include "host/say.h"
#include "host/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *type;
    enum ml_trigger kind;
} kinds[] = {
    {"httpTrigger", ML_TRIGGER_HTTP},     {"timerTrigger", ML_TRIGGER_TIMER},
    {"warmupTrigger", ML_TRIGGER_WARMUP}, {"queueTrigger", ML_TRIGGER_QUEUE},
    {"blobTrigger", ML_TRIGGER_BLOB},
};

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), t = strlen(tail);
    return n >= t && strcasecmp(s + n - t, tail) == 0;
}

static void set_error(struct ml_function *f, const char *text)
{
    if (f->error == NULL)
        f->error = ml_strdup(text);
}

static bool setting_true(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && (strcasecmp(v, "true") == 0 || strcmp(v, "1") == 0);
}

static bool is_disabled(const struct ml_function *f)
{
    static const char *const separators[] = {".", "_", "__"};
    const json_t *v = json_object_get(f->entry, "disabled");
    if (json_is_string(v) && !ml_json_truthy(v) && strcasecmp(json_string_value(v), "false") != 0) {
        const char *name = ml_json_text(f->entry, "disabled");
        char plain[256];
        size_t n = strlen(name);
        if (n > 2 && name[0] == '%' && name[n - 1] == '%') {
            (void)snprintf(plain, sizeof plain, "%.*s", (int)(n - 2), name + 1);
            name = plain;
        }
        if (setting_true(name))
            return true;
    } else if (v != NULL && ml_json_truthy(v)) {
        return true;
    }
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++) {
        char name[256];
        (void)snprintf(name, sizeof name, "AzureWebJobs%s%s%sDisabled", separators[i], f->name,
                       separators[i]);
        if (setting_true(name))
            return true;
    }
    return false;
}

enum ml_role ml_binding_role(const json_t *binding)
{
    const char *type = json_string_value(ml_json_get(binding, "type"));
    const char *direction = json_string_value(ml_json_get(binding, "direction"));
    bool out = direction != NULL && strcasecmp(direction, "in") != 0;
    if (type == NULL || (!out && ends_with(type, "trigger")) || (out && !strcasecmp(type, "http")))
        return ML_ROLE_NONE;
    if (strcasecmp(type, "blob") == 0)
        return out ? ML_ROLE_BLOB_OUT : ML_ROLE_BLOB_IN;
    if (strcasecmp(type, "queue") == 0 && out)
        return ML_ROLE_QUEUE_OUT;
    return out ? ML_ROLE_OTHER_OUT : ML_ROLE_OTHER_IN;
}

static void read_bindings(struct ml_function *f)
{
    size_t i;
    json_t *b;
    json_array_foreach(json_object_get(f->entry, "bindings"), i, b) {
        const json_t *type_v = ml_json_get(b, "type"), *name_v = ml_json_get(b, "name");
        const json_t *dir_v = ml_json_get(b, "direction");
        const char *type = json_is_string(type_v) ? json_string_value(type_v) : "";
        const char *name = json_is_string(name_v) ? json_string_value(name_v) : "";
        bool out = json_is_string(dir_v) && strcasecmp(json_string_value(dir_v), "out") == 0;
        f->bound = f->bound || ml_binding_role(b) != ML_ROLE_NONE;
        if (strcmp(name, "$return") == 0)
            f->has_return = true;
        if (out && strcasecmp(type, "http") == 0)
            f->http_out = name;
        if (out || !ends_with(type, "trigger") || f->trigger != NULL)
            continue;
        f->trigger = b;
        f->trigger_type = type;
        f->trigger_param = name;
        f->kind = ML_TRIGGER_OTHER;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            if (strcasecmp(kinds[k].type, type) == 0)
                f->kind = kinds[k].kind;
    }
}

static void read_error(struct ml_function *f)
{
    const json_t *err = json_object_get(f->entry, "error");
    if (!json_is_object(err))
        return;
    const char *text = ml_json_text(err, "message");
    const char *kind = ml_json_text(err, "kind");
    set_error(f, text != NULL ? text : "unknown error");
    f->load_error = kind == NULL || strcmp(kind, "load") == 0;
}

static void read_auth(struct ml_function *f)
{
    const json_t *v = ml_json_get(f->trigger, "authLevel");
    const char *s = json_is_string(v) ? json_string_value(v) : "function";
    f->auth = strcasecmp(s, "anonymous") == 0 ? ML_AUTH_ANONYMOUS
              : strcasecmp(s, "admin") == 0   ? ML_AUTH_ADMIN
                                              : ML_AUTH_FUNCTION;
}

static void read_route(struct ml_function *f, const struct ml_settings *s)
{
    const char *prefix = ml_setting_text(s, "extensions.http.routePrefix", "api");
    const json_t *v = ml_json_get(f->trigger, "route");
    const char *route = json_is_string(v) ? json_string_value(v) : "";
    const char *own = route + strspn(route, "/");
    if (own[0] == '\0')
        own = f->name;
    struct ml_buf full = {0};
    struct ml_error e;
    ml_buf_printf(&full, "%s/%s", prefix, own);
    if (full.status != ML_OK || ml_route_new(full.p, &f->route, &e) != ML_OK) {
        set_error(f, full.status != ML_OK ? "out of memory" : e.text);
    } else {
        size_t n = strcspn(own, "/");
        if ((n == 5 && strncasecmp(own, "admin", 5) == 0) ||
            (n == 7 && strncasecmp(own, "runtime", 7) == 0))
            set_error(f, "The specified route conflicts with one or more built in routes.");
    }
    ml_buf_free(&full);
}

static int function_init(struct ml_function *f, json_t *entry, const struct ml_settings *s)
{
    f->entry = json_incref(entry);
    f->name = ml_json_text(entry, "name");
    f->id = ml_json_text(entry, "id");
    f->kind = ML_TRIGGER_NONE;
    f->trigger_type = f->trigger_param = "";
    f->tells_misses = true;
    if (f->name == NULL || f->id == NULL)
        return ML_EFORMAT;
    read_error(f);
    read_bindings(f);
    f->stream = json_is_true(json_object_get(entry, "stream"));
    f->disabled = is_disabled(f);
    if (f->kind == ML_TRIGGER_HTTP) {
        read_auth(f);
        read_route(f, s);
    } else if (f->kind == ML_TRIGGER_OTHER) {
        f->not_run = ml_strdup("this trigger has no local service here");
    }
    return ML_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct ml_function *x = a, *y = b;
    int c = strcasecmp(x->name, y->name);
    return c != 0 ? c : strcmp(x->name, y->name);
}

static bool methods_meet(const struct ml_function *a, const struct ml_function *b)
{
    const json_t *methods = ml_json_get(a->trigger, "methods");
    if (!json_is_array(methods) || json_array_size(methods) == 0)
        return true;
    size_t i;
    json_t *m;
    json_array_foreach(methods, i, m)
        if (json_is_string(m) && ml_function_takes(b, ml_str_of(json_string_value(m))))
            return true;
    return false;
}

/* The http functions that are served; one whose route is another's goes into error. */
static int make_routes(struct ml_app *a)
{
    a->routes = ml_calloc(a->n, sizeof *a->routes);
    if (a->routes == NULL)
        return ML_ENOMEM;
    for (size_t i = 0; i < a->n; i++) {
        struct ml_function *f = &a->functions[i];
        if (f->kind != ML_TRIGGER_HTTP || f->disabled || f->route == NULL ||
            (f->error != NULL && !f->load_error))
            continue;
        for (size_t k = 0; k < a->n_routes; k++) {
            if (f->error == NULL && ml_route_same(f->route, a->routes[k]->route) &&
                methods_meet(f, a->routes[k])) {
                char text[400];
                (void)snprintf(text, sizeof text,
                               "The route specified conflicts with the route defined by function "
                               "'%.200s'.",
                               a->routes[k]->name);
                set_error(f, text);
                break;
            }
        }
        if (f->error == NULL || f->load_error) {
            a->routes[a->n_routes++] = f;
            a->streams = a->streams || f->stream;
        }
    }
    return ML_OK;
}

int ml_app_new(const json_t *index, const struct ml_settings *s, struct ml_app **out,
               struct ml_error *e)
{
    const json_t *list = json_object_get(index, "functions");
    size_t n = json_array_size(list);
    struct ml_app *a = ml_calloc(1, sizeof *a);
    if (a == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    a->refs = 1;
    a->functions = ml_calloc(n, sizeof *a->functions);
    int rc = a->functions != NULL ? ML_OK : ML_ENOMEM;
    for (size_t i = 0; rc == ML_OK && i < n; i++) {
        a->n++;
        rc = function_init(&a->functions[i], json_array_get(list, i), s);
    }
    if (rc == ML_OK) {
        qsort(a->functions, a->n, sizeof *a->functions, by_name);
        rc = make_routes(a);
    }
    if (rc != ML_OK) {
        ml_app_unref(a);
        return ml_fail(e, rc, "the worker's list of functions cannot be used");
    }
    *out = a;
    return ML_OK;
}

struct ml_app *ml_app_ref(struct ml_app *a)
{
    a->refs++;
    return a;
}

void ml_app_unref(struct ml_app *a)
{
    if (a == NULL || --a->refs != 0)
        return;
    for (size_t i = 0; i < a->n; i++) {
        json_decref(a->functions[i].entry);
        ml_free(a->functions[i].error);
        ml_free(a->functions[i].not_run);
        ml_route_free(a->functions[i].route);
    }
    ml_free(a->functions);
    ml_free(a->routes);
    ml_free(a);
}

struct ml_function *ml_app_find(const struct ml_app *a, const char *name)
{
    for (size_t i = 0; a != NULL && i < a->n; i++)
        if (strcasecmp(a->functions[i].name, name) == 0)
            return &a->functions[i];
    return NULL;
}

bool ml_function_takes(const struct ml_function *f, struct ml_str method)
{
    const json_t *methods = ml_json_get(f->trigger, "methods");
    size_t i;
    json_t *m;
    if (!json_is_array(methods) || json_array_size(methods) == 0)
        return true;
    json_array_foreach(methods, i, m) {
        const char *s = json_is_string(m) ? json_string_value(m) : "";
        if (strlen(s) == method.n && strncasecmp(s, method.p, method.n) == 0)
            return true;
    }
    return false;
}

void ml_function_methods(const struct ml_function *f, bool upper, struct ml_buf *b)
{
    size_t i;
    json_t *m;
    json_array_foreach(ml_json_get(f->trigger, "methods"), i, m) {
        const char *s = json_is_string(m) ? json_string_value(m) : "";
        if (i > 0)
            ml_buf_char(b, ',');
        for (; *s != '\0'; s++)
            ml_buf_char(b, (char)(upper ? toupper((unsigned char)*s) : tolower((unsigned char)*s)));
    }
}

/* -- the listing --------------------------------------------------------------------------------- */

static void colored(struct ml_buf *b, bool colors, enum ml_color color, const char *text)
{
    if (colors)
        ml_buf_printf(b, "\033[%dm%s\033[0m", color, text);
    else
        ml_buf_cstr(b, text);
}

static void list_http(const struct ml_function *f, const char *base_url, bool colors,
                      struct ml_buf *b)
{
    struct ml_buf t = {0};
    ml_buf_char(b, '\t');
    colored(b, colors, ML_DARK_YELLOW, f->name);
    ml_buf_cstr(b, ": ");
    ml_function_methods(f, true, &t);
    if (t.n != 0) {
        ml_buf_char(b, '[');
        colored(b, colors, ML_DARK_GREEN, t.p);
        ml_buf_cstr(b, "] ");
    } else {
        ml_buf_char(b, ' ');
    }
    ml_buf_clear(&t);
    ml_buf_printf(&t, "%s/%s", base_url, ml_route_text(f->route));
    colored(b, colors, ML_DARK_GREEN, t.status == ML_OK ? t.p : "");
    ml_buf_cstr(b, "\n\n");
    ml_buf_free(&t);
}

static void list_other(const struct ml_function *f, bool colors, struct ml_buf *b)
{
    ml_buf_char(b, '\t');
    colored(b, colors, ML_YELLOW, f->name);
    if (f->error != NULL)
        ml_buf_cstr(b, ": failed to load");
    else
        ml_buf_printf(b, ": %s", f->kind == ML_TRIGGER_NONE ? "no trigger" : f->trigger_type);
    if (f->error == NULL && f->not_run != NULL)
        ml_buf_printf(b, " (not run here: %s)", f->not_run);
    ml_buf_cstr(b, "\n\n");
}

void ml_app_list(const struct ml_app *a, const char *base_url, bool colors, struct ml_buf *b)
{
    size_t enabled = 0;
    for (size_t i = 0; i < a->n; i++)
        enabled += !a->functions[i].disabled;
    ml_buf_cstr(b, enabled != 0 ? "\nFunctions:\n\n" : "");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < a->n; i++) {
            const struct ml_function *f = &a->functions[i];
            bool http = f->kind == ML_TRIGGER_HTTP && f->error == NULL;
            if (f->disabled || http != (pass == 0))
                continue;
            if (http)
                list_http(f, base_url, colors, b);
            else
                list_other(f, colors, b);
        }
    for (size_t i = 0; i < a->n; i++)
        if (a->functions[i].disabled) {
            char text[300];
            (void)snprintf(text, sizeof text, "Function %.200s is disabled.", a->functions[i].name);
            colored(b, colors, ML_DARK_YELLOW, text);
            ml_buf_char(b, '\n');
        }
}
