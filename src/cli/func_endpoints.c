/* cli/func_endpoints.c -- see func_endpoints.h. SPDX-License-Identifier: MIT */
#include "cli/func_endpoints.h"

#include "api/api.h"

/* The host's own memory is to stay small: a developer's questions are, too. */
enum { CACHE_BYTES = 64 << 20 };

static struct ml_api *api;

static int open_api(void *user, struct ml_loop *l, const char *store, struct ml_writer *writer,
                    struct ml_error *e)
{
    struct ml_api_options o = {.store = store, .writer = writer, .cache_bytes = CACHE_BYTES};
    (void)user;
    return ml_api_new(l, &o, &api, e);
}

static bool serve(void *user, struct ml_http_request *r)
{
    (void)user;
    return ml_api_serve(api, r);
}

static void close_api(void *user)
{
    (void)user;
    ml_api_free(api);
    api = NULL;
}

const struct ml_func_endpoints *ml_func_api(void)
{
    static const struct ml_func_endpoints lent = {
        .open = open_api, .is_path = ml_api_is_path, .serve = serve, .close = close_api};
    return &lent;
}
