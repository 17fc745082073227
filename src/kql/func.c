/* kql/func.c -- finding functions; see func.h. SPDX-License-Identifier: MIT */
#include "kql/func.h"

#include "kql/fn.h"
#include "kql/text.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    NULLS = ML_FN_NULLS,
    ARGNAME = ML_FN_ARGNAME,
    PREFIX = ML_FN_PREFIX,
    SINGLE = ML_FN_SINGLE,
    VOLATILE = ML_FN_VOLATILE,
    WINDOW = ML_FN_WINDOW,
    CAST = ML_FN_CAST,
    MULTI = ML_FN_MULTI,
};

#define FUNC(name, result, args, fn, flags) {name, result, args, fn, NULL, flags},
#define VEC(name, result, args, vec, flags) {name, result, args, NULL, vec, flags},
static const struct ml_func functions[] = {
#include "kql/func.def"
};
#undef FUNC
#undef VEC

enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static const struct {
    const char *alias;
    const char *name;
} aliases[] = {
    {"toreal", "todouble"},
    {"todynamic", "parse_json"},
    {"toboolean", "tobool"},
    {"iif", "iff"},
    {"floor", "bin"},
    {"pack", "bag_pack"},
    {"pack_dictionary", "bag_pack"},
    {"weekofyear", "week_of_year"},
    {"getmonth", "monthofyear"},
    {"parsejson", "parse_json"},
    {"parseurl", "parse_url"},
    {"notnull", "isnotnull"},
    {"notempty", "isnotempty"},
    {"arraylength", "array_length"},
    {"arraysplit", "array_split"},
    {"extractall", "extract_all"},
    {"extractjson", "extract_json"},
    {"replace", "replace_regex"},
    {"array_strcat", "strcat_array"},
    {"base64_encodestring", "base64_encode_tostring"},
    {"base64_decodestring", "base64_decode_tostring"},
};

const struct ml_func *ml_func_find(struct ml_str name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (ml_str_eq(name, ml_str_of(aliases[i].alias)))
            name = ml_str_of(aliases[i].name);
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (ml_str_eq(name, ml_str_of(functions[i].name)))
            return &functions[i];
    return NULL;
}

static const struct {
    const char *func;
    const char *types;
    const char *names[8];
} values[] = {
    {"series_stats",
     "rlrlrrr",
     {"min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", NULL}},
    {"series_fit_line",
     "rrrrry",
     {"rsquare", "slope", "variance", "rvariance", "interception", "line_fit", NULL}},
};

bool ml_func_values(const struct ml_func *f, const char *const **names, const char **types)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(f->name, values[i].func) == 0) {
            *names = values[i].names;
            *types = values[i].types;
            return true;
        }
    return false;
}

const struct ml_func *ml_func_at(size_t i)
{
    return i < FUNCTIONS ? &functions[i] : NULL;
}

void *ml__f_alloc(struct ml_fcx *f, size_t n, size_t size)
{
    void *p = ml_arena_alloc(f->arena, n, size);
    if (p == NULL)
        ml__rt_nomem(f->rt);
    return p;
}

struct ml_val ml__f_string(struct ml_fcx *f, const char *p, size_t n)
{
    struct ml_str s = ml_arena_copy(f->arena, (struct ml_str){p, n});
    if (s.p == NULL)
        ml__rt_nomem(f->rt);
    return ml_val_str(s);
}

struct ml_val ml__f_text(struct ml_fcx *f, struct ml_buf *b)
{
    struct ml_val v = ml_val_str((struct ml_str){NULL, 0});
    if (b->status == ML_OK)
        v = ml__f_string(f, b->p, b->n);
    else
        ml__rt_nomem(f->rt);
    ml_buf_free(b);
    return v;
}

struct ml_val ml__f_error(struct ml_fcx *f, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ml__rt_fail(f->rt, f->node, "ML208", "%s", text);
    return ml_val_null(f->type);
}

/* Never called: conversions become casts. */
struct ml_val ml__fn_none(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_cast(f->arena, a, f->types[0] == ML_T_DYNAMIC, f->type);
}
