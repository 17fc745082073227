/* host/route.h -- route templates: "items/{id:int}/{*rest}", and matching paths against them.
 *
 * Syntax:  literal  {p}  {p?}  {p=default}  {*rest}  {**rest}  a-{p}.ext  {p:int:min(1)}
 *          constraints: int bool datetime decimal double float guid long alpha required
 *          minlength(n) maxlength(n) length(n) length(a,b) min(n) max(n) range(a,b) regex(re)
 * Literals match in any case; empty segments of template and path are passed over.
 * Bounds:  64 segments, 64 parameters; regular expressions are POSIX extended, and run on the
 *          segment only (at most 16 KiB).
 * Memory:  a route owns what it points to. Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_ROUTE_H
#define ML_HOST_ROUTE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct ml_route;

struct ml_route_value {
    struct ml_str name;  /* borrowed from the route */
    struct ml_str value; /* decoded, in the arena */
};

int ml_route_new(const char *text, struct ml_route **out, struct ml_error *e);
void ml_route_free(struct ml_route *r);
/* path: as sent, still encoded, with its leading slash. The values come in the arena. ML_OK, ML_ENOTFOUND, ML_ENOMEM. */
int ml_route_match(const struct ml_route *r, struct ml_str path, struct ml_arena *a,
                   struct ml_route_value **values, size_t *n);
/* Two templates that match the same paths: equal but for names of parameters and case. */
bool ml_route_same(const struct ml_route *a, const struct ml_route *b);
/* The template as normalized: no leading slash, no empty segment. */
const char *ml_route_text(const struct ml_route *r);

#endif
