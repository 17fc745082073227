/* host/binding_text.c -- %SETTING% and {expressions}; see binding_text.h. SPDX-License-Identifier: MIT */
#include "host/binding_text.h"

#include "host/id.h"
#include "host/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int ml_binding_settings(const char *text, struct ml_buf *b, struct ml_error *e)
{
    while (*text != '\0') {
        const char *from = strchr(text, '%');
        const char *to = from != NULL ? strchr(from + 1, '%') : NULL;
        char name[256];
        if (to == NULL)
            break;
        ml_buf_add(b, text, (size_t)(from - text));
        size_t n = (size_t)(to - from) - 1;
        (void)snprintf(name, sizeof name, "%.*s", (int)(n < 255 ? n : 255), from + 1);
        const char *value = n != 0 ? getenv(name) : "%";
        if (value == NULL)
            return ml_fail(e, ML_ENOTFOUND, "'%%%s%%' does not resolve to a value: set '%s'", name,
                           name);
        ml_buf_cstr(b, value);
        text = to + 1;
    }
    ml_buf_cstr(b, text);
    return b->status;
}

/* -- expressions --------------------------------------------------------------------------------- */

/* "yyyy-MM-dd-HH": letters that stand for parts of the date; other letters are refused. NULL: all of it. */
static bool add_date(struct ml_buf *b, const char *format, time_t now)
{
    struct tm tm;
    (void)gmtime_r(&now, &tm);
    const struct {
        const char *mark;
        int value;
    } parts[] = {{"yyyy", tm.tm_year + 1900},
                 {"yy", tm.tm_year % 100},
                 {"MM", tm.tm_mon + 1},
                 {"dd", tm.tm_mday},
                 {"HH", tm.tm_hour},
                 {"mm", tm.tm_min},
                 {"ss", tm.tm_sec}};
    if (format == NULL) {
        ml_buf_printf(b, "%04d-%02d-%02dT%02d-%02d-%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                      tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        return true;
    }
    while (*format != '\0') {
        size_t i = 0;
        while (i < sizeof parts / sizeof parts[0] &&
               strncmp(format, parts[i].mark, strlen(parts[i].mark)) != 0)
            i++;
        if (i < sizeof parts / sizeof parts[0]) {
            ml_buf_printf(b, "%0*d", (int)strlen(parts[i].mark), parts[i].value);
            format += strlen(parts[i].mark);
        } else if ((*format >= 'a' && *format <= 'z') || (*format >= 'A' && *format <= 'Z')) {
            return false;
        } else {
            ml_buf_char(b, *format++);
        }
    }
    return true;
}

static void add_guid(struct ml_buf *b, const char *format)
{
    char id[37];
    ml_uuid_new(id);
    bool plain = strcasecmp(format, "N") == 0;
    for (const char *p = id; *p != '\0'; p++)
        if (*p != '-' || !plain)
            ml_buf_char(b, *p);
}

/* Expressions that need no data. 1: done; 0: not one of them; -1: a format that is not known. */
static int add_made(struct ml_buf *b, const char *name)
{
    const char *colon = strchr(name, ':');
    size_t n = colon != NULL ? (size_t)(colon - name) : strlen(name);
    const char *format = colon != NULL ? colon + 1 : "";
    if ((n == 9 && strncasecmp(name, "rand-guid", n) == 0) ||
        (n == 12 && strncasecmp(name, "sys.randguid", n) == 0)) {
        add_guid(b, format);
        return 1;
    }
    if ((n == 8 && strncasecmp(name, "datetime", n) == 0) ||
        (n == 10 && strncasecmp(name, "sys.utcnow", n) == 0))
        return add_date(b, colon != NULL ? format : NULL, time(NULL)) ? 1 : -1;
    return 0;
}

static const json_t *find(const json_t *data, const char *name)
{
    const json_t *v = ml_json_get(data, name);
    const char *dot = strchr(name, '.');
    char head[256];
    if (v != NULL || dot == NULL || (size_t)(dot - name) >= sizeof head)
        return v;
    (void)snprintf(head, sizeof head, "%.*s", (int)(dot - name), name);
    return find(ml_json_get(data, head), dot + 1);
}

static bool add_value(struct ml_buf *b, const json_t *v)
{
    if (json_is_string(v)) {
        ml_buf_add(b, json_string_value(v), json_string_length(v));
        return true;
    }
    char *text = v != NULL && !json_is_null(v) ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT)
                                               : NULL;
    if (text == NULL)
        return false;
    ml_buf_cstr(b, text);
    free(text);
    return true;
}

static int add_expression(struct ml_buf *b, const char *name, const json_t *data,
                          struct ml_error *e)
{
    if (add_value(b, find(data, name)))
        return b->status;
    switch (add_made(b, name)) {
    case 1:
        return b->status;
    case -1:
        return ml_fail(e, ML_EUNSUPPORTED, "the format in '{%s}' is not supported here", name);
    default:
        return ml_fail(e, ML_ENOTFOUND, "No value for named parameter '%s'.", name);
    }
}

int ml_binding_expand(const char *text, const json_t *data, struct ml_buf *b, struct ml_error *e)
{
    while (*text != '\0') {
        char name[256];
        size_t plain = strcspn(text, "{}");
        ml_buf_add(b, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        if (text[0] == text[1]) {
            ml_buf_char(b, *text);
            text += 2;
            continue;
        }
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        size_t n = end != NULL ? (size_t)(end - text) - 1 : 0;
        if (n == 0 || n >= sizeof name)
            return ml_fail(e, ML_EINVALID, "the braces in '%.200s' do not match", text);
        (void)snprintf(name, sizeof name, "%.*s", (int)n, text + 1);
        int rc = add_expression(b, name, data, e);
        if (rc != ML_OK)
            return rc;
        text = end + 1;
    }
    return b->status;
}
