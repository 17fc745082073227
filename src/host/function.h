/* host/function.h -- the functions of an app, as a worker's index told them, and what the host makes of
 * them: triggers, routes, errors of its own.
 *
 * An app is one generation of functions: a hot reload makes a new one, and the old one lives until its last
 * invocation let go. Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_FUNCTION_H
#define ML_HOST_FUNCTION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "host/route.h"
#include "host/settings.h"

#include <jansson.h>
#include <stdbool.h>

enum ml_trigger {
    ML_TRIGGER_HTTP,
    ML_TRIGGER_TIMER,
    ML_TRIGGER_WARMUP,
    ML_TRIGGER_QUEUE,
    ML_TRIGGER_BLOB,
    ML_TRIGGER_OTHER,
    ML_TRIGGER_NONE
};
/* What a binding is to the host. */
enum ml_role {
    ML_ROLE_NONE, /* the trigger, the HTTP answer */
    ML_ROLE_BLOB_IN,
    ML_ROLE_BLOB_OUT,
    ML_ROLE_QUEUE_OUT,
    ML_ROLE_OTHER_IN,
    ML_ROLE_OTHER_OUT
};
enum ml_auth { ML_AUTH_FUNCTION, ML_AUTH_ANONYMOUS, ML_AUTH_ADMIN };

/* Name, id and the like are borrowed from entry. */
struct ml_function {
    json_t *entry; /* owned: what the worker told (docs/wire.md, 4) */
    const char *name;
    const char *id;
    const json_t *trigger; /* the trigger's binding; NULL: none */
    const char *trigger_type;
    const char *trigger_param;
    enum ml_trigger kind;
    bool disabled;
    bool stream;
    bool has_return;      /* a binding named $return */
    const char *http_out; /* name of the http output binding; NULL: none */
    char *error;          /* owned: in error, not to be invoked; NULL: fine */
    bool load_error;      /* the worker could not load it: its route answers 500 */
    char *not_run;        /* owned: its trigger does not run here, because ... ; NULL: it does */
    bool bound;           /* has bindings whose role is not NONE */
    /* http */
    struct ml_route *route;
    enum ml_auth auth;
    bool tells_misses; /* false once the warning about its methods was given */
};

struct ml_app {
    int refs;
    struct ml_function *functions; /* owned, sorted by name */
    size_t n;
    struct ml_function **routes; /* owned array: the http functions that are served, in order */
    size_t n_routes;
    bool streams; /* one of them takes its body as a stream */
};

/* index: the worker's "I" frame. Errors of single functions stay with them. */
int ml_app_new(const json_t *index, const struct ml_settings *s, struct ml_app **out,
               struct ml_error *e);
struct ml_app *ml_app_ref(struct ml_app *a);
void ml_app_unref(struct ml_app *a); /* NULL is fine */

enum ml_role ml_binding_role(const json_t *binding);
struct ml_function *ml_app_find(const struct ml_app *a, const char *name); /* any case; or NULL */
/* True if it takes the method; a function without methods takes all. */
bool ml_function_takes(const struct ml_function *f, struct ml_str method);
/* "GET,POST" upper or lower case; empty when it takes all. */
void ml_function_methods(const struct ml_function *f, bool upper, struct ml_buf *b);
/* The listing after "Functions:" for the console. */
void ml_app_list(const struct ml_app *a, const char *base_url, bool colors, struct ml_buf *b);

#endif
