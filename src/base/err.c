/* base/err.c -- see err.h. SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct status_row {
    int code;
    const char *name;
    const char *text;
    const char *hint;
};

#define ML_ROW(name, code, text, hint) {(code), #name, (text), (hint)},
static const struct status_row rows[] = {{ML_OK, "OK", "fine", ""}, ML_ERRORS(ML_ROW)};
#undef ML_ROW

static const struct status_row *row_of(int status)
{
    static const struct status_row unknown = {0, "UNKNOWN", "unknown error", "report this"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == status)
            return &rows[i];
    return &unknown;
}

const char *ml_status_text(int status)
{
    return row_of(status)->text;
}

const char *ml_status_hint(int status)
{
    return row_of(status)->hint;
}

const char *ml_status_name(int status)
{
    return row_of(status)->name;
}

/* As vsnprintf: the length of the whole text, which may be cut, or negative. */
static int set(struct ml_error *e, int status, const char *fmt, va_list args)
{
    e->status = status;
    e->hint[0] = '\0';
    return vsnprintf(e->text, sizeof e->text, fmt, args);
}

int ml_fail(struct ml_error *e, int status, const char *fmt, ...)
{
    if (e == NULL)
        return status;
    va_list args;
    va_start(args, fmt);
    set(e, status, fmt, args);
    va_end(args);
    return status;
}

int ml_fail_errno(struct ml_error *e, int err, const char *fmt, ...)
{
    int status = ml_status_from_errno(err);
    if (e == NULL)
        return status;
    va_list args;
    va_start(args, fmt);
    int n = set(e, status, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof e->text)
        return status;
    char reason[128] = "";
    const char *text = strerror_r(err, reason, sizeof reason); /* GNU: may answer a static text */
    snprintf(e->text + n, sizeof e->text - (size_t)n, ": %c%s", tolower((unsigned char)text[0]),
             text[0] != '\0' ? text + 1 : "");
    return status;
}

void ml_hint(struct ml_error *e, const char *fmt, ...)
{
    if (e == NULL)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(e->hint, sizeof e->hint, fmt, args);
    va_end(args);
}

int ml_status_from_errno(int err)
{
    switch (err) {
    case ENOMEM:
        return ML_ENOMEM;
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
        return ML_ENOTFOUND;
    case EACCES:
    case EPERM:
        return ML_EDENIED;
    case ENOSPC:
    case EDQUOT:
        return ML_EFULL;
    case EBUSY:
    case EADDRINUSE:
        return ML_EBUSY;
    case ETIMEDOUT:
        return ML_ETIMEOUT;
    default:
        return ML_EIO;
    }
}

void ml_error_print(const struct ml_error *e)
{
    const char *hint = e->hint[0] != '\0' ? e->hint : ml_status_hint(e->status);
    fprintf(stderr, "memline: %s\n", e->text);
    if (hint[0] != '\0')
        fprintf(stderr, "  try: %s\n", hint);
}
