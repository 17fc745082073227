/* kql/fn_regex.c -- extract, trim, replace_regex and their like; see func.def.
 *
 * A call keeps its last pattern compiled: patterns are nearly always constant. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/fold.h"
#include "kql/regex.h"
#include "kql/text.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/vec.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

struct cached {
    struct ml_regex *regex;
    struct ml_str pattern; /* owned */
};

static void drop(void *cache)
{
    struct cached *c = cache;
    if (c == NULL)
        return;
    ml_regex_free(c->regex);
    ml_free((char *)(uintptr_t)c->pattern.p);
    ml_free(c);
}

/* The compiled pattern; NULL: it is bad, and the query has failed. */
static struct ml_regex *compiled(struct ml_fcx *f, struct ml_str pattern)
{
    struct cached *c = *f->cache;
    struct ml_error e;
    if (c != NULL && ml_str_eq(c->pattern, pattern))
        return c->regex;
    if (c == NULL) {
        c = ml_calloc(1, sizeof *c);
        if (c == NULL) {
            ml__rt_nomem(f->rt);
            return NULL;
        }
        *f->cache = c;
        *f->drop = drop;
    }
    ml_regex_free(c->regex);
    ml_free((char *)(uintptr_t)c->pattern.p);
    *c = (struct cached){0};
    if (ml_regex_new(pattern, 0, &c->regex, &e) != ML_OK) {
        ml__rt_regex(f->rt, NULL, &e);
        return NULL;
    }
    c->pattern = (struct ml_str){ml_strndup(pattern.p != NULL ? pattern.p : "", pattern.n),
                                 pattern.n};
    if (c->pattern.p == NULL)
        c->pattern.n = 0;
    return c->regex;
}

/* As ml_regex_find; a limit reached fails the query. */
static bool find(struct ml_fcx *f, struct ml_regex *r, struct ml_str s, size_t from)
{
    int rc = ml_regex_find(r, s, from);
    if (rc < 0)
        ml__rt_fail(f->rt, NULL, "ML206", "a regular expression took too long");
    return rc == 1;
}

static struct ml_str span(const struct ml_regex *r, unsigned group, struct ml_str s)
{
    size_t from = 0;
    size_t to = 0;
    ml_regex_span(r, group, &from, &to);
    return (struct ml_str){s.p != NULL ? s.p + from : "", to - from};
}

struct ml_val ml__fn_extract(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_regex *r = compiled(f, a[0].s);
    if (r == NULL || a[1].i < 0 || a[1].i > ml_regex_groups(r) || !find(f, r, a[2].s, 0))
        return ml_val_str(ML_STR(""));
    return ml_val_str(span(r, (unsigned)a[1].i, a[2].s));
}

/* The groups asked for: numbers, or names. */
static size_t wanted_groups(const struct ml_regex *r, const struct ml_val *v, unsigned *groups,
                            size_t max)
{
    size_t n = 0;
    for (uint32_t i = 0; i < v->n && n < max; i++) {
        const struct ml_val *g = &v->items[i];
        if (g->type == ML_T_STRING)
            groups[n++] = ml_regex_group(r, g->s);
        else if (ml_type_is_int(g->type) && g->i >= 0 && g->i <= ml_regex_groups(r))
            groups[n++] = (unsigned)g->i;
    }
    return n;
}

struct ml_val ml__fn_extract_all(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_regex *r = compiled(f, a[0].s);
    unsigned groups[64];
    size_t n = 0;
    ML_VEC(struct ml_val) found = {0};
    const struct ml_val *text = &a[f->n - 1];
    if (r == NULL || text->type != ML_T_STRING)
        return r == NULL ? ml_val_null(ML_T_NONE)
                         : ml__f_error(f, "extract_all needs a string as its last argument");
    if (ml_regex_groups(r) == 0)
        return ml__f_error(f, "extract_all needs a regular expression with a group");
    if (f->n == 3 && a[1].type == ML_T_ARRAY)
        n = wanted_groups(r, &a[1], groups, 64);
    else
        for (; n < ml_regex_groups(r) && n < 64; n++)
            groups[n] = (unsigned)n + 1;
    struct ml_str s = text->s;
    for (size_t at = 0; at <= s.n && n > 0 && find(f, r, s, at);) {
        struct ml_val *parts = ml__f_alloc(f, n, sizeof *parts);
        for (size_t g = 0; parts != NULL && g < n; g++)
            parts[g] = ml_val_str(span(r, groups[g], s));
        struct ml_val one = parts == NULL ? ml_val_null(ML_T_NONE)
                            : n == 1      ? parts[0]
                                          : ml_val_array(parts, n);
        struct ml_str whole = span(r, 0, s);
        size_t end = (size_t)(whole.p - s.p) + whole.n;
        at = whole.n > 0 ? end : end + 1;
        while (at < s.n && (s.p[at] & 0xC0) == 0x80)
            at++;
        if (ml_vec_push(&found, one) != ML_OK)
            break;
    }
    struct ml_val out = ml_val_null(ML_T_NONE);
    struct ml_val *items = found.n > 0 ? ml__f_alloc(f, found.n, sizeof *items) : NULL;
    if (items != NULL) {
        memcpy(items, found.at, found.n * sizeof *items);
        out = ml_val_array(items, found.n);
    }
    ml_vec_free(&found);
    return out;
}

/* The replacement with \0 .. \9 filled in. */
static void add_replacement(struct ml_buf *b, const struct ml_regex *r, struct ml_str s,
                            struct ml_str with)
{
    for (size_t i = 0; i < with.n; i++) {
        bool group = with.p[i] == '\\' && i + 1 < with.n && with.p[i + 1] >= '0' &&
                     with.p[i + 1] <= '9';
        if (group)
            ml_buf_str(b, span(r, (unsigned)(with.p[++i] - '0'), s));
        else
            ml_buf_char(b, with.p[i]);
    }
}

struct ml_val ml__fn_replace_regex(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_regex *r = compiled(f, a[1].s);
    struct ml_str s = a[0].s;
    struct ml_buf b = {.max = TEXT_MAX};
    size_t at = 0;
    size_t search = 0;
    if (r == NULL)
        return ml_val_str(ML_STR(""));
    while (search <= s.n && find(f, r, s, search)) {
        size_t from = 0;
        size_t to = 0;
        ml_regex_span(r, 0, &from, &to);
        ml_buf_add(&b, s.p + at, from - at);
        add_replacement(&b, r, s, a[2].s);
        at = to;
        search = to > from ? to : to + 1;
        while (search < s.n && (s.p[search] & 0xC0) == 0x80)
            search++;
    }
    if (s.n > at)
        ml_buf_add(&b, s.p + at, s.n - at);
    return ml__f_text(f, &b);
}

/* trim, trim_start, trim_end: one match of the pattern at each end. */
struct ml_val ml__fn_trim(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a[1].s;
    bool start = strcmp(f->name, "trim_end") != 0;
    bool end = strcmp(f->name, "trim_start") != 0;
    struct ml_buf b = {0};
    struct ml_val out = a[1];
    ml_buf_printf(&b,
                  start && end ? "^(?:%.*s)|(?:%.*s)$"
                  : start      ? "^(?:%.*s)"
                               : "(?:%.*s)$",
                  (int)a[0].s.n, a[0].s.p, (int)a[0].s.n, a[0].s.p);
    struct ml_regex *r = b.status == ML_OK ? compiled(f, ml_buf_view(&b)) : NULL;
    ml_buf_free(&b);
    if (r == NULL)
        return ml_val_str(ML_STR(""));
    size_t from = 0;
    size_t to = 0;
    size_t first = 0;
    if (start && find(f, r, s, 0) && ml_regex_span(r, 0, &from, &to) && from == 0)
        first = to;
    out.s = (struct ml_str){s.p + first, s.n - first};
    if (!end)
        return out;
    for (size_t at = first; at <= s.n && find(f, r, s, at);) {
        ml_regex_span(r, 0, &from, &to);
        if (to == s.n && from >= first) {
            out.s.n = from - first;
            break;
        }
        at = to > from ? to : to + 1;
        while (at < s.n && (s.p[at] & 0xC0) == 0x80)
            at++;
    }
    return out;
}

struct ml_val ml__fn_regex_quote(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    for (size_t i = 0; i < a->s.n; i++) {
        char c = a->s.p[i];
        if (c != '\0' && strchr("\\.+*?()|[]{}^$#&-~ ", c) != NULL)
            ml_buf_char(&b, '\\');
        ml_buf_char(&b, c);
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_countof(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a[0].s;
    int64_t n = 0;
    if (f->n > 2 && ml_str_eq(a[2].s, ML_STR("regex"))) {
        struct ml_regex *r = compiled(f, a[1].s);
        for (size_t at = 0; r != NULL && at <= s.n && find(f, r, s, at); n++) {
            size_t from = 0;
            size_t to = 0;
            ml_regex_span(r, 0, &from, &to);
            at = to > from ? to : to + 1;
        }
        return ml_val_long(n);
    }
    if (a[1].s.n == 0)
        return ml_val_long(0);
    for (size_t at = 0; at < s.n;) { /* overlapping ones count */
        const char *hit = memmem(s.p + at, s.n - at, a[1].s.p, a[1].s.n);
        if (hit == NULL)
            break;
        n++;
        at = (size_t)(hit - s.p) + 1;
    }
    return ml_val_long(n);
}

struct ml_val ml__fn_indexof_regex(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a[0].s;
    struct ml_regex *r = compiled(f, a[1].s);
    int64_t points = (int64_t)ml_points(s);
    int64_t start = f->n > 2 ? a[2].i : 0;
    int64_t length = f->n > 3 ? a[3].i : -1;
    int64_t occurrence = f->n > 4 ? a[4].i : 1;
    if (r == NULL || start < 0 || length < -1 || occurrence < 1)
        return ml_val_null(ML_T_LONG);
    if (start > points)
        return ml_val_long(-1);
    int64_t end = length < 0 || length > points - start ? points : start + length;
    struct ml_str cut = {s.p, ml_point_offset(s, (size_t)end)};
    for (size_t at = ml_point_offset(s, (size_t)start); at <= cut.n && find(f, r, cut, at);) {
        size_t from = 0;
        size_t to = 0;
        ml_regex_span(r, 0, &from, &to);
        if (--occurrence == 0)
            return ml_val_long((int64_t)ml_points((struct ml_str){s.p, from}));
        at = to > from ? to : to + 1;
    }
    return ml_val_long(-1);
}
