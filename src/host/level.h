/* host/level.h -- log levels, and which categories are shown from which level on.
 *
 * Threads: nothing shared; a filter is read-only once made. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_LEVEL_H
#define ML_HOST_LEVEL_H

#include "base/str.h"
#include "base/vec.h"

#include <stdbool.h>

enum ml_level {
    ML_LEVEL_TRACE,
    ML_LEVEL_DEBUG,
    ML_LEVEL_INFORMATION,
    ML_LEVEL_WARNING,
    ML_LEVEL_ERROR,
    ML_LEVEL_CRITICAL,
    ML_LEVEL_NONE
};

const char *ml_level_name(enum ml_level l);  /* "Information" */
const char *ml_level_short(enum ml_level l); /* "info" */
/* In any case, also a number 0-6; false: none of them. */
bool ml_level_parse(const char *text, enum ml_level *out);
/* Python's levelno by threshold. */
enum ml_level ml_level_of_python(int levelno);

/* A key of logging.logLevel: a category prefix; one '*' may stand for anything. */
struct ml_level_rule {
    char *pattern; /* owned */
    enum ml_level level;
};

struct ml_level_filter {
    enum ml_level user;   /* of user categories without a rule */
    enum ml_level system; /* of system categories without a rule */
    ML_VEC(struct ml_level_rule) rules;
};

int ml_level_rule_add(struct ml_level_filter *f, const char *pattern, enum ml_level level);
/* The lowest level shown: of the longest matching rule, else user or system. */
enum ml_level ml_level_shown(const struct ml_level_filter *f, const char *category);
/* Some user category is shown down to Debug or Trace: records of that level are worth making. */
bool ml_level_wants_debug(const struct ml_level_filter *f);
bool ml_category_is_user(const char *category);
void ml_level_filter_release(struct ml_level_filter *f);

#endif
