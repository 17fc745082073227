/* host/level.c -- see level.h. SPDX-License-Identifier: MIT */
#include "host/level.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    const char *brief;
} levels[] = {{"Trace", "trce"}, {"Debug", "dbug"},    {"Information", "info"}, {"Warning", "warn"},
              {"Error", "fail"}, {"Critical", "crit"}, {"None", "none"}};

const char *ml_level_name(enum ml_level l)
{
    return levels[l].name;
}

const char *ml_level_short(enum ml_level l)
{
    return levels[l].brief;
}

bool ml_level_parse(const char *text, enum ml_level *out)
{
    for (int i = 0; i <= ML_LEVEL_NONE; i++) {
        if (strcasecmp(text, levels[i].name) == 0 || (text[0] == '0' + i && text[1] == '\0')) {
            *out = (enum ml_level)i;
            return true;
        }
    }
    return false;
}

enum ml_level ml_level_of_python(int levelno)
{
    if (levelno >= 50)
        return ML_LEVEL_CRITICAL;
    if (levelno >= 40)
        return ML_LEVEL_ERROR;
    if (levelno >= 30)
        return ML_LEVEL_WARNING;
    if (levelno >= 20)
        return ML_LEVEL_INFORMATION;
    return levelno >= 10 ? ML_LEVEL_DEBUG : ML_LEVEL_TRACE;
}

int ml_level_rule_add(struct ml_level_filter *f, const char *pattern, enum ml_level level)
{
    struct ml_level_rule r = {.pattern = ml_strdup(pattern), .level = level};
    if (r.pattern == NULL || ml_vec_push(&f->rules, r) != ML_OK) {
        ml_free(r.pattern);
        return ML_ENOMEM;
    }
    return ML_OK;
}

static bool matches(const char *pattern, const char *category)
{
    const char *star = strchr(pattern, '*');
    if (star == NULL)
        return strncasecmp(category, pattern, strlen(pattern)) == 0;
    size_t head = (size_t)(star - pattern), tail = strlen(star + 1), n = strlen(category);
    return n >= head + tail && strncasecmp(category, pattern, head) == 0 &&
           strcasecmp(category + n - tail, star + 1) == 0;
}

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool ml_category_is_user(const char *category)
{
    size_t n = strlen(category);
    if (starts(category, "Function."))
        return strchr(category + 9, '.') == NULL ||
               (n > 5 && strcmp(category + n - 5, ".User") == 0);
    if (strcmp(category, "Host.Function.Console") == 0)
        return true;
    return !starts(category, "Microsoft.Azure.WebJobs.") && !starts(category, "Worker.") &&
           !starts(category, "Host.");
}

enum ml_level ml_level_shown(const struct ml_level_filter *f, const char *category)
{
    const struct ml_level_rule *best = NULL;
    for (size_t i = 0; i < f->rules.n; i++) {
        const struct ml_level_rule *r = &f->rules.at[i];
        if (matches(r->pattern, category) &&
            (best == NULL || strlen(r->pattern) > strlen(best->pattern)))
            best = r;
    }
    if (best != NULL)
        return best->level;
    return ml_category_is_user(category) ? f->user : f->system;
}

bool ml_level_wants_debug(const struct ml_level_filter *f)
{
    bool wanted = f->user <= ML_LEVEL_DEBUG;
    for (size_t i = 0; i < f->rules.n && !wanted; i++) {
        const char *p = f->rules.at[i].pattern;
        wanted = f->rules.at[i].level <= ML_LEVEL_DEBUG &&
                 (ml_category_is_user(p) || starts(p, "Function."));
    }
    return wanted;
}

void ml_level_filter_release(struct ml_level_filter *f)
{
    for (size_t i = 0; i < f->rules.n; i++)
        ml_free(f->rules.at[i].pattern);
    ml_vec_free(&f->rules);
}
