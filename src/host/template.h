/* host/template.h -- what `func init` and `func new` write: file texts and the trigger catalogue.
 *
 * Constant data. In bodies, $NAME, $LEVEL and $VAR stand for the function's name, its AuthLevel and the
 * name of the app or blueprint. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_TEMPLATE_H
#define ML_HOST_TEMPLATE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct ml_trigger_template {
    const char *name;     /* as listed: "HTTP trigger" */
    const char *classic;  /* the spelling of the classic model: "HttpTrigger" */
    const char *fallback; /* default function name */
    bool http;
    bool runs_here;
    const char *v1_json; /* the bindings of function.json */
    const char *v1_code;
    const char *v2_code;
};

extern const struct ml_trigger_template ml_trigger_templates[];
extern const size_t ml_n_trigger_templates;

/* By name without regard to case, blanks, '-' and '_'; NULL when there is none. */
const struct ml_trigger_template *ml_template_find(const char *name);
/* The name is spelled the classic way: one word, ending in "Trigger" (any case). */
bool ml_template_is_classic(const char *name);

struct ml_template_values {
    const char *name;
    const char *level;
    const char *var;
};
void ml_template_fill(struct ml_buf *b, const char *text, const struct ml_template_values *v);

extern const char ml_text_requirements[];
extern const char ml_text_function_app[];
extern const char ml_text_getting_started[];
extern const char ml_text_gitignore[];
extern const char ml_text_host_json_bundle[];
extern const char ml_text_host_json[];
extern const char ml_text_local_settings[];
extern const char ml_text_extensions[];
extern const char ml_text_dockerfile[];

#endif
