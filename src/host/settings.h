/* host/settings.h -- local.settings.json and host.json of a project, with the environment over them.
 *
 * Values of local.settings.json become environment variables of this process (an existing non-empty
 * variable wins), so that everything reads settings with getenv, and workers inherit them.
 * host.json: any key can be overridden by AzureFunctionsJobHost__a__b; keys in any case.
 * Threads: setenv; so only before any thread runs. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_SETTINGS_H
#define ML_HOST_SETTINGS_H

#include "base/err.h"
#include "host/level.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct ml_settings {
    char root[PATH_MAX];
    /* the Host section of local.settings.json */
    int local_port; /* 0: none */
    char *local_address;
    char *cors;
    bool cors_credentials;
    json_t *host;       /* owned: host.json with overrides; an object, never NULL after a read */
    ML_VEC(char *) set; /* owned: names of the variables that came from local.settings.json */
};

/* The project's folder: nearest one from the working directory upwards with host.json or local.settings.json,
 * else AzureWebJobsScriptRoot. */
int ml_project_root(char *out, struct ml_error *e);
/* Reads both; yellow notices go to stdout. Failures: host.json (see specs 1.6), encrypted settings. */
int ml_settings_read(struct ml_settings *s, struct ml_error *e);
void ml_settings_release(struct ml_settings *s);
/* Takes the variables that came from local.settings.json out of the environment, before a fresh read. */
void ml_settings_forget(struct ml_settings *s);

/* host.json by path: "extensions.http.routePrefix". NULL when there is none. */
json_t *ml_setting(const struct ml_settings *s, const char *path);
const char *ml_setting_text(const struct ml_settings *s, const char *path, const char *fallback);
/* Numbers and booleans may also be written as text. */
int64_t ml_setting_int(const struct ml_settings *s, const char *path, int64_t fallback);
bool ml_setting_bool(const struct ml_settings *s, const char *path, bool fallback);
/* logging.logLevel into a filter: rules, and the default (true in *has_default). */
int ml_settings_levels(const struct ml_settings *s, struct ml_level_filter *f, bool *has_default,
                       enum ml_level *fallback);
/* "%NAME%" becomes the setting NAME; other text stays. NULL: that setting is missing. */
const char *ml_setting_resolve(const char *text);
/* A member by name in any case. */
json_t *ml_json_get(const json_t *object, const char *name);
/* true, 1, "true", "1"; else false. */
bool ml_json_truthy(const json_t *v);
/* "hh:mm:ss", "d.hh:mm:ss[.fff]" in ms; false: not a time span. */
bool ml_settings_timespan(const char *text, int64_t *out_ms);

#endif
