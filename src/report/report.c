/* report/report.c -- see report.h; the formats are rows of formats.def.
 * SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "report/formats.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct ml_report_format formats[] = {
#define FORMAT(name, mime, says, binary, function) {name, mime, says, binary, function},
#include "report/formats.def"
#undef FORMAT
};

const struct ml_report_format *ml_report_format_at(size_t i)
{
    return i < sizeof formats / sizeof formats[0] ? &formats[i] : NULL;
}

const struct ml_report_format *ml_report_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

static int unknown_format(const char *name, struct ml_error *e)
{
    struct ml_buf names = {0};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        ml_buf_printf(&names, "%s%s", i > 0 ? ", " : "", formats[i].name);
    ml_fail(e, ML_ENOTFOUND, "unknown report format '%s'", name);
    ml_hint(e, "one of %s", names.p != NULL ? names.p : "table");
    ml_buf_free(&names);
    return ML_ENOTFOUND;
}

int ml_report(const struct ml_snapshot *s, const char *format, const struct ml_report_options *o,
              struct ml_buf *out, struct ml_error *e)
{
    const struct ml_report_format *f = ml_report_format_find(format);
    if (f == NULL)
        return unknown_format(format, e);
    int rc = f->write(s, o, out, e);
    if (rc == ML_OK && out->status != ML_OK)
        rc = ml_fail(e, out->status, "cannot make the report: %s", ml_status_text(out->status));
    return rc;
}

/* --- options from text ------------------------------------------------------------------------- */

/* The place of value in the words, -1 with an error naming them all. */
static int choose(const char *name, const char *value, const char *const *words, struct ml_error *e)
{
    struct ml_buf all = {0};
    for (int i = 0; words[i] != NULL; i++) {
        if (strcasecmp(words[i], value) == 0) {
            ml_buf_free(&all);
            return i;
        }
        ml_buf_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    ml_fail(e, ML_EINVALID, "option '%s' cannot be '%s'", name, value);
    ml_hint(e, "one of %s", all.p != NULL ? all.p : words[0]);
    ml_buf_free(&all);
    return -1;
}

static int set_truth(bool *out, const char *name, const char *value, struct ml_error *e)
{
    static const char *const words[] = {"false", "true", "0", "1", NULL};
    int i = choose(name, value, words, e);
    if (i < 0)
        return ML_EINVALID;
    *out = i % 2 == 1;
    return ML_OK;
}

static int set_sort(struct ml_report_options *o, const char *value, struct ml_error *e)
{
    static const char *const words[] = {"line", "net",  "max",   "hits",
                                        "held", "peak", "alloc", NULL};
    int i = choose("sort", value, words, e);
    if (i < 0)
        return ML_EINVALID;
    o->sort = (enum ml_report_sort)i;
    return ML_OK;
}

static int set_unit(struct ml_report_options *o, const char *value, struct ml_error *e)
{
    static const char *const words[] = {"auto", "B", "KiB", "MiB", "GiB", NULL};
    int i = choose("unit", value, words, e);
    if (i < 0)
        return ML_EINVALID;
    o->unit = (enum ml_report_unit)i;
    return ML_OK;
}

static int set_min(struct ml_report_options *o, const char *value, struct ml_error *e)
{
    uint64_t bytes;
    if (ml_size_parse(value, &bytes)) {
        o->min_bytes = bytes;
        return ML_OK;
    }
    ml_fail(e, ML_EINVALID, "option 'min' cannot be '%s'", value);
    ml_hint(e, "a size such as 4096, 64KiB or 1.5MiB");
    return ML_EINVALID;
}

static int set_width(struct ml_report_options *o, const char *value, struct ml_error *e)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || n > INT_MAX) {
        ml_fail(e, ML_EINVALID, "option 'width' cannot be '%s'", value);
        ml_hint(e, "a number of columns; 0 cuts nothing");
        return ML_EINVALID;
    }
    o->width = (unsigned)n;
    return ML_OK;
}

int ml_report_set(struct ml_report_options *o, const char *name, const char *value,
                  struct ml_error *e)
{
    if (strcmp(name, "sort") == 0)
        return set_sort(o, value, e);
    if (strcmp(name, "unit") == 0)
        return set_unit(o, value, e);
    if (strcmp(name, "min") == 0)
        return set_min(o, value, e);
    if (strcmp(name, "width") == 0)
        return set_width(o, value, e);
    if (strcmp(name, "skip_zero") == 0)
        return set_truth(&o->skip_zero, name, value, e);
    if (strcmp(name, "scopes") == 0)
        return set_truth(&o->scopes, name, value, e);
    if (strcmp(name, "color") == 0)
        return set_truth(&o->color, name, value, e);
    ml_fail(e, ML_ENOTFOUND, "unknown report option '%s'", name);
    ml_hint(e, "one of sort, unit, min, skip_zero, scopes, color, width");
    return ML_ENOTFOUND;
}
