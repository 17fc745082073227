/* host/binding_text.h -- texts of bindings: %SETTING%, {expressions}, and patterns of blob paths.
 *
 * Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_BINDING_TEXT_H
#define ML_HOST_BINDING_TEXT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

/* Appends text with every %NAME% replaced by that setting. ML_ENOTFOUND names the one that is missing. */
int ml_binding_settings(const char *text, struct ml_buf *b, struct ml_error *e);

/* Appends text with every {NAME} replaced by that member of data, in any case; {a.b} is a member of a member;
 * {rand-guid}, {sys.randguid}, {sys.utcnow}, {DateTime} and {datetime:FORMAT} are made; {{ and }} are braces. */
int ml_binding_expand(const char *text, const json_t *data, struct ml_buf *b, struct ml_error *e);

/* "{name}.{extension}" of "container/{name}.{extension}": literals and names in turn. A name stands for any
 * characters, as many as can be, the first name first. */
struct ml_blob_pattern;

int ml_blob_pattern_new(const char *text, struct ml_blob_pattern **out, struct ml_error *e);
void ml_blob_pattern_free(struct ml_blob_pattern *p); /* NULL is fine */
const char *ml_blob_pattern_container(const struct ml_blob_pattern *p);
/* What every matching blob begins with. */
struct ml_str ml_blob_pattern_prefix(const struct ml_blob_pattern *p);
/* True if the blob's name matches; each is called for every name of the pattern. */
bool ml_blob_pattern_match(const struct ml_blob_pattern *p, struct ml_str blob,
                           void (*each)(void *user, const char *name, struct ml_str value),
                           void *user);

#endif
