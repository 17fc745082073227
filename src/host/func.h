/* host/func.h -- the actions of `memline func`, as the command line calls them.
 *
 * All answer an exit status. Strings are borrowed from the command line; NULL: not given.
 * SPDX-License-Identifier: MIT */
#ifndef ML_HOST_FUNC_H
#define ML_HOST_FUNC_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct ml_loop;
struct ml_writer;
struct ml_http_request;

/* Endpoints over the project's store, lent to the host by the layer above it. */
struct ml_func_endpoints {
    void *user; /* first argument of each */
    /* writer: the host's, borrowed; NULL: it has none. */
    int (*open)(void *user, struct ml_loop *l, const char *store, struct ml_writer *writer,
                struct ml_error *e);
    bool (*is_path)(struct ml_str path); /* may it be one of its paths? also before open */
    bool (*serve)(void *user, struct ml_http_request *r); /* false: it is not one */
    void (*close)(void *user); /* runs the loop until what is open was answered */
};

struct ml_func_options {
    /* everywhere */
    bool verbose;
    bool debug;
    bool python; /* --python */
    const char *script_root;
    /* init and new */
    const char *dir; /* the first plain word; init: where; logs: whose */
    const char *worker_runtime;
    const char *model;
    const char *language;
    const char *bundles_channel;
    bool source_control;
    bool no_bundle;
    bool force;
    bool no_docs;
    bool docker;
    bool docker_only;
    bool managed_dependencies;
    const char *template_name;
    const char *name;
    const char *file;
    const char *auth_level;
    /* start */
    const char *port;
    const char *address;
    const char *cors;
    bool cors_credentials;
    bool use_https;
    const char *cert;
    const char *password;
    char **functions; /* n_functions names */
    size_t n_functions;
    const char *user_log_level;
    const char *language_worker;
    const char *timeout;
    bool enable_auth;
    bool json_output;
    const char *json_output_file;
    const char *telemetry;
    const char *ingest_port;
    const char *on_crash;
    bool strict_http;
    bool show_category;
    bool show_level;
    const char *profile; /* "line", "heap", "sample"; NULL: off */
    /* logs */
    bool follow;
    const char *level;
    const char *since;
    const char *tail;
    const struct ml_func_endpoints *endpoints; /* NULL: none */
};

int ml_func_init(const struct ml_func_options *o);
int ml_func_new(const struct ml_func_options *o);
int ml_func_start(const struct ml_func_options *o);
int ml_func_list(const struct ml_func_options *o);
int ml_func_logs(const struct ml_func_options *o);

#endif
