/* host/settings.c -- see settings.h. SPDX-License-Identifier: MIT */
#include "host/settings.h"

#include "base/buf.h"
#include "base/mem.h"
#include "host/file.h"
#include "host/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

extern char **environ;

static const char override_prefix[] = "AzureFunctionsJobHost";
enum { FILE_MAX = 4 << 20 };

static bool has_project(const char *dir)
{
    char path[PATH_MAX];
    return (ml_path_join(path, sizeof path, dir, "host.json") == ML_OK && ml_is_file(path)) ||
           (ml_path_join(path, sizeof path, dir, "local.settings.json") == ML_OK &&
            ml_is_file(path));
}

int ml_project_root(char *out, struct ml_error *e)
{
    char dir[PATH_MAX];
    if (getcwd(dir, sizeof dir) == NULL)
        return ml_fail(e, ML_EIO, "cannot tell the working directory");
    for (;;) {
        if (has_project(dir)) {
            (void)snprintf(out, PATH_MAX, "%s", dir);
            return ML_OK;
        }
        char *slash = strrchr(dir, '/');
        if (slash == NULL || dir[1] == '\0')
            break;
        slash[slash == dir ? 1 : 0] = '\0';
    }
    const char *given = getenv("AzureWebJobsScriptRoot");
    if (given != NULL && ml_is_dir(given) && realpath(given, out) != NULL)
        return ML_OK;
    return ml_fail(e, ML_ENOTFOUND,
                   "Unable to find project root. Expecting to find one of host.json, "
                   "local.settings.json in project root.");
}

json_t *ml_json_get(const json_t *object, const char *name)
{
    json_t *exact = json_object_get(object, name);
    if (exact != NULL)
        return exact;
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)object, key, v)
        if (strcasecmp(key, name) == 0)
            return v;
    return NULL;
}

bool ml_json_truthy(const json_t *v)
{
    if (json_is_string(v))
        return strcasecmp(json_string_value(v), "true") == 0 ||
               strcmp(json_string_value(v), "1") == 0;
    return json_is_true(v) || (json_is_integer(v) && json_integer_value(v) != 0);
}

/* -- local.settings.json ------------------------------------------------------------------------- */

static char *text_of(const json_t *v)
{
    if (json_is_string(v))
        return ml_strdup(json_string_value(v));
    if (json_is_boolean(v))
        return ml_strdup(json_is_true(v) ? "True" : "False");
    char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    char *copy = s != NULL ? ml_strdup(s) : NULL;
    free(s);
    return copy;
}

static void set_variable(struct ml_settings *s, const char *key, const json_t *v)
{
    const char *old = getenv(key);
    if (key[0] == '\0') {
        ml_say_warning("Skipping local setting with empty key.");
    } else if (old != NULL && old[0] != '\0') {
        ml_say_warning("Skipping '%s' from local settings as it's already defined in current "
                       "environment variables.",
                       key);
    } else if (json_is_null(v)) {
        ml_say_warning("Skipping '%s' because value is null", key);
    } else {
        char *text = text_of(v);
        char *name = ml_strdup(key);
        if (text != NULL && name != NULL && strchr(key, '=') == NULL &&
            ml_vec_push(&s->set, name) == ML_OK) {
            (void)setenv(key, text, 1);
            name = NULL; /* the list's */
        }
        ml_free(name);
        ml_free(text);
    }
}

static void set_connection_strings(struct ml_settings *s, const json_t *all)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)all, name, v) {
        char key[512];
        const json_t *text = json_is_object(v) ? ml_json_get(v, "ConnectionString") : v;
        if (text != NULL &&
            snprintf(key, sizeof key, "ConnectionStrings:%s", name) < (int)sizeof key)
            set_variable(s, key, text);
    }
}

static void read_host_section(struct ml_settings *s, const json_t *host)
{
    const json_t *port = ml_json_get(host, "LocalHttpPort");
    const json_t *address = ml_json_get(host, "LocalHttpAddress");
    const json_t *cors = ml_json_get(host, "CORS");
    if (json_is_integer(port))
        s->local_port = (int)json_integer_value(port);
    else if (json_is_string(port))
        s->local_port = atoi(json_string_value(port));
    if (json_is_string(address))
        s->local_address = ml_strdup(json_string_value(address));
    if (json_is_string(cors))
        s->cors = ml_strdup(json_string_value(cors));
    s->cors_credentials = ml_json_truthy(ml_json_get(host, "CORSCredentials"));
}

static int read_local(struct ml_settings *s, struct ml_error *e)
{
    char path[PATH_MAX];
    json_error_t je;
    if (ml_path_join(path, sizeof path, s->root, "local.settings.json") != ML_OK ||
        !ml_is_file(path))
        return ML_OK;
    json_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
    if (doc == NULL)
        doc = json_load_file(path, 0, &je);
    if (!json_is_object(doc)) {
        ml_say_warning("Failed to read app settings file at '%s'. Ensure it is a valid JSON file. "
                       "%s (line %d, column %d)",
                       path, doc == NULL ? je.text : "not an object", je.line, je.column);
        json_decref(doc);
        return ML_OK;
    }
    int rc = ML_OK;
    if (ml_json_truthy(ml_json_get(doc, "IsEncrypted"))) {
        rc = ml_fail(
            e, ML_EUNSUPPORTED,
            "Failed to decrypt settings. Encrypted settings only work on the machine that "
            "wrote them, with the tool that wrote them: set IsEncrypted to false and write "
            "the values in clear.");
    } else {
        const char *key;
        json_t *v;
        json_object_foreach(ml_json_get(doc, "Values"), key, v)
            set_variable(s, key, v);
        set_connection_strings(s, ml_json_get(doc, "ConnectionStrings"));
        read_host_section(s, ml_json_get(doc, "Host"));
    }
    json_decref(doc);
    return rc;
}

/* -- host.json ----------------------------------------------------------------------------------- */

/* Sets the value at "a__b__c" (or "a:b:c") below object, making objects on the way. */
static void set_override(json_t *object, char *path, const char *value)
{
    for (char *p = path; *p != '\0'; p++) /* one separator from here on */
        if (*p == '_' && p[1] == '_') {
            *p = ':';
            memmove(p + 1, p + 2, strlen(p + 2) + 1);
        }
    char *save = NULL;
    char *part = strtok_r(path, ":", &save);
    while (part != NULL && json_is_object(object)) {
        char *next = strtok_r(NULL, ":", &save);
        json_t *child = ml_json_get(object, part);
        const char *name = part; /* keep the spelling that is there */
        const char *key;
        json_t *v;
        json_object_foreach(object, key, v)
            if (strcasecmp(key, part) == 0)
                name = key;
        if (next == NULL) {
            (void)json_object_set_new(object, name, json_string(value));
            return;
        }
        if (json_is_array(child)) {
            size_t i = (size_t)strtoul(next, NULL, 10);
            if (i < json_array_size(child))
                (void)json_array_set_new(child, i, json_string(value));
            else
                (void)json_array_append_new(child, json_string(value));
            return;
        }
        if (!json_is_object(child)) {
            child = json_object();
            (void)json_object_set_new(object, name, child);
        }
        object = child;
        part = next;
    }
}

static void apply_overrides(json_t *host)
{
    size_t n = sizeof override_prefix - 1;
    for (char **v = environ; *v != NULL; v++) {
        if (strncasecmp(*v, override_prefix, n) != 0)
            continue;
        const char *rest = *v + n;
        if (strncmp(rest, "__", 2) == 0)
            rest += 2;
        else if (*rest == ':')
            rest++;
        else
            continue;
        const char *eq = strchr(rest, '=');
        char *path = eq != NULL ? ml_strndup(rest, (size_t)(eq - rest)) : NULL;
        if (path != NULL)
            set_override(host, path, eq + 1);
        ml_free(path);
    }
}

static int read_host_json(struct ml_settings *s, struct ml_error *e)
{
    char path[PATH_MAX];
    json_error_t je;
    int rc = ML_OK;
    if (ml_path_join(path, sizeof path, s->root, "host.json") != ML_OK || !ml_is_file(path)) {
        s->host = json_pack("{s:s}", "version", "2.0");
    } else {
        s->host = json_load_file(path, 0, &je);
        if (!json_is_object(s->host))
            return ml_fail(e, ML_EFORMAT,
                           "Unable to parse host configuration file '%s'. %s (line %d, column %d)",
                           path, s->host == NULL ? je.text : "not an object", je.line, je.column);
    }
    if (s->host == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot read host.json: out of memory");
    apply_overrides(s->host);
    const json_t *version = ml_json_get(s->host, "version");
    if (version == NULL)
        rc = ml_fail(
            e, ML_EFORMAT,
            "The host.json file is missing the required 'version' property. See "
            "https://aka.ms/functions-hostjson for steps to migrate the configuration file.");
    else if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
        rc = ml_fail(
            e, ML_EFORMAT,
            "'%s' is an invalid value for host.json 'version' property. We recommend you set "
            "the 'version' property to '2.0'.",
            json_is_string(version) ? json_string_value(version) : "(not a string)");
    return rc;
}

int ml_settings_read(struct ml_settings *s, struct ml_error *e)
{
    int rc = read_local(s, e);
    return rc == ML_OK ? read_host_json(s, e) : rc;
}

void ml_settings_forget(struct ml_settings *s)
{
    for (size_t i = 0; i < s->set.n; i++)
        (void)unsetenv(s->set.at[i]);
}

void ml_settings_release(struct ml_settings *s)
{
    for (size_t i = 0; i < s->set.n; i++)
        ml_free(s->set.at[i]);
    ml_vec_free(&s->set);
    ml_free(s->local_address);
    ml_free(s->cors);
    json_decref(s->host);
    s->local_address = s->cors = NULL;
    s->host = NULL;
}

/* -- reading host.json --------------------------------------------------------------------------- */

json_t *ml_setting(const struct ml_settings *s, const char *path)
{
    json_t *v = s->host;
    while (v != NULL && *path != '\0') {
        char part[64];
        size_t n = strcspn(path, ".");
        (void)snprintf(part, sizeof part, "%.*s", (int)n, path);
        v = ml_json_get(v, part);
        path += n + (path[n] == '.');
    }
    return v;
}

const char *ml_setting_text(const struct ml_settings *s, const char *path, const char *fallback)
{
    const json_t *v = ml_setting(s, path);
    return json_is_string(v) ? json_string_value(v) : fallback;
}

int64_t ml_setting_int(const struct ml_settings *s, const char *path, int64_t fallback)
{
    const json_t *v = ml_setting(s, path);
    if (json_is_integer(v))
        return json_integer_value(v);
    if (json_is_string(v)) {
        char *end;
        long long n = strtoll(json_string_value(v), &end, 10);
        return *end == '\0' && end != json_string_value(v) ? n : fallback;
    }
    return fallback;
}

bool ml_setting_bool(const struct ml_settings *s, const char *path, bool fallback)
{
    const json_t *v = ml_setting(s, path);
    return v != NULL ? ml_json_truthy(v) : fallback;
}

int ml_settings_levels(const struct ml_settings *s, struct ml_level_filter *f, bool *has_default,
                       enum ml_level *fallback)
{
    const char *key;
    json_t *v;
    *has_default = false;
    json_object_foreach(ml_setting(s, "logging.logLevel"), key, v) {
        enum ml_level level;
        if (!json_is_string(v) || !ml_level_parse(json_string_value(v), &level))
            continue;
        if (strcasecmp(key, "default") == 0) {
            *has_default = true;
            *fallback = level;
        } else if (ml_level_rule_add(f, key, level) != ML_OK) {
            return ML_ENOMEM;
        }
    }
    return ML_OK;
}

const char *ml_setting_resolve(const char *text)
{
    size_t n = strlen(text);
    if (n < 3 || text[0] != '%' || text[n - 1] != '%')
        return text;
    char name[256];
    if (n - 2 >= sizeof name)
        return NULL;
    (void)snprintf(name, sizeof name, "%.*s", (int)(n - 2), text + 1);
    return getenv(name);
}

bool ml_settings_timespan(const char *text, int64_t *out_ms)
{
    long days = 0, h = 0, m = 0;
    double sec = 0;
    int used = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    if (sscanf(text, "%ld.%ld:%ld:%lf%n", &days, &h, &m, &sec, &used) == 4 && text[used] == '\0') {
        /* with days */
    } else {
        days = 0;
        sec = 0;
        used = 0;
        int got = sscanf(text, "%ld:%ld:%lf%n", &h, &m, &sec, &used);
        if (got != 3 || text[used] != '\0') {
            used = 0;
            sec = 0;
            if (sscanf(text, "%ld:%ld%n", &h, &m, &used) != 2 || text[used] != '\0')
                return false;
        }
    }
    if (days < 0 || days > 36500 || h < 0 || h > 24 || m < 0 || m > 59 || sec < 0 || sec >= 60)
        return false;
    *out_ms = (int64_t)days * 86400000 + h * 3600000L + m * 60000L + (int64_t)(sec * 1000);
    return true;
}
