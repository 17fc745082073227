/* host/route.c -- see route.h.
 *
 * A route is a list of segments, a segment a list of parts: literals and parameters in turn. Matching
 * walks the path's segments along; within a segment of several parts a parameter takes as
 * little as lets the next literal match, from the right.
 * SPDX-License-Identifier: MIT */
#include "host/route.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"
#include "http/url.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_SEGMENTS = 64, MAX_PARTS = 128, MAX_TEXT = 4096 };

enum constraint_kind {
    C_INT,
    C_BOOL,
    C_DATETIME,
    C_NUMBER,
    C_GUID,
    C_LONG,
    C_ALPHA,
    C_REQUIRED,
    C_MINLENGTH,
    C_MAXLENGTH,
    C_LENGTH,
    C_MIN,
    C_MAX,
    C_RANGE,
    C_REGEX
};

static const struct {
    const char *name;
    enum constraint_kind kind;
    int min_args;
    int max_args;
} constraint_table[] = {
    {"int", C_INT, 0, 0},
    {"bool", C_BOOL, 0, 0},
    {"datetime", C_DATETIME, 0, 0},
    {"decimal", C_NUMBER, 0, 0},
    {"double", C_NUMBER, 0, 0},
    {"float", C_NUMBER, 0, 0},
    {"guid", C_GUID, 0, 0},
    {"long", C_LONG, 0, 0},
    {"alpha", C_ALPHA, 0, 0},
    {"required", C_REQUIRED, 0, 0},
    {"minlength", C_MINLENGTH, 1, 1},
    {"maxlength", C_MAXLENGTH, 1, 1},
    {"length", C_LENGTH, 1, 2},
    {"min", C_MIN, 1, 1},
    {"max", C_MAX, 1, 1},
    {"range", C_RANGE, 2, 2},
    {"regex", C_REGEX, 1, 1},
};

struct constraint {
    enum constraint_kind kind;
    long long a;
    long long b;
    regex_t re;
};

struct part {
    char *text; /* owned: the literal, or the parameter's name */
    bool parameter;
    bool optional;
    bool catch_all;
    char *fallback; /* owned; {p=default} */
    ML_VEC(struct constraint) constraints;
};

struct segment {
    size_t first; /* in parts */
    size_t n;
};

struct ml_route {
    char *text;
    ML_VEC(struct part) parts;
    ML_VEC(struct segment) segments;
};

void ml_route_free(struct ml_route *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->parts.n; i++) {
        struct part *p = &r->parts.at[i];
        for (size_t k = 0; k < p->constraints.n; k++)
            if (p->constraints.at[k].kind == C_REGEX)
                regfree(&p->constraints.at[k].re);
        ml_vec_free(&p->constraints);
        ml_free(p->text);
        ml_free(p->fallback);
    }
    ml_vec_free(&r->parts);
    ml_vec_free(&r->segments);
    ml_free(r->text);
    ml_free(r);
}

const char *ml_route_text(const struct ml_route *r)
{
    return r->text;
}

/* -- parsing ------------------------------------------------------------------------------------- */

static int bad(struct ml_error *e, const char *text, const char *why)
{
    return ml_fail(e, ML_EINVALID, "The route template '%.200s' is not valid: %s.", text, why);
}

/* One constraint: s is "name" or "name(args)". */
static int add_constraint(struct part *p, struct ml_str s, const char *all, struct ml_error *e)
{
    const char *open = memchr(s.p, '(', s.n);
    size_t name_n = open != NULL ? (size_t)(open - s.p) : s.n;
    char args[1024] = "";
    if (open != NULL) {
        if (s.p[s.n - 1] != ')' || s.n - name_n - 2 >= sizeof args)
            return bad(e, all, "a constraint's parenthesis is not closed");
        memcpy(args, open + 1, s.n - name_n - 2);
        args[s.n - name_n - 2] = '\0';
    }
    for (size_t i = 0; i < sizeof constraint_table / sizeof constraint_table[0]; i++) {
        if (strlen(constraint_table[i].name) != name_n ||
            strncasecmp(constraint_table[i].name, s.p, name_n) != 0)
            continue;
        struct constraint c = {.kind = constraint_table[i].kind};
        int given = 0;
        if (c.kind == C_REGEX) {
            if (regcomp(&c.re, args, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
                return bad(e, all, "its regular expression cannot be read");
        } else if (args[0] != '\0') {
            char end;
            given = sscanf(args, " %lld , %lld %c", &c.a, &c.b, &end);
        }
        if (c.kind != C_REGEX &&
            (given < constraint_table[i].min_args || given > constraint_table[i].max_args))
            return bad(e, all, "a constraint has the wrong number of arguments");
        if (c.kind == C_LENGTH && given == 1)
            c.b = c.a;
        if (ml_vec_push(&p->constraints, c) != ML_OK) {
            if (c.kind == C_REGEX)
                regfree(&c.re);
            return ml_fail(e, ML_ENOMEM, "out of memory");
        }
        return ML_OK;
    }
    return ml_fail(e, ML_EINVALID,
                   "The route template '%.200s' is not valid: unknown constraint '%.*s'.", all,
                   (int)(name_n < 64 ? name_n : 64), s.p);
}

/* The inside of the braces: [*|**]name[=default|?][:constraint...] */
static int parse_parameter(struct part *p, struct ml_str s, const char *all, struct ml_error *e)
{
    p->parameter = true;
    while (s.n != 0 && s.p[0] == '*') {
        p->catch_all = true;
        s.p++;
        s.n--;
    }
    if (s.n != 0 && s.p[s.n - 1] == '?') {
        p->optional = true;
        s.n--;
    }
    size_t n = 0;
    while (n < s.n && s.p[n] != ':' && s.p[n] != '=')
        n++;
    if (n == 0)
        return bad(e, all, "a parameter has no name");
    for (size_t i = 0; i < n; i++)
        if (strchr("{}/*?\\", s.p[i]) != NULL)
            return bad(e, all, "a parameter's name holds a character that it must not");
    p->text = ml_strndup(s.p, n);
    if (p->text == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    s.p += n;
    s.n -= n;
    while (s.n != 0) {
        char what = s.p[0];
        size_t end = 1;
        int depth = 0;
        while (end < s.n && (depth > 0 || what == '=' || s.p[end] != ':')) {
            depth += s.p[end] == '(' ? 1 : s.p[end] == ')' ? -1 : 0;
            if (depth == 0 && s.p[end] == '=' && what == ':')
                break;
            end++;
        }
        struct ml_str piece = {s.p + 1, end - 1};
        if (what == '=') {
            p->fallback = ml_strndup(piece.p, piece.n);
            if (p->fallback == NULL)
                return ml_fail(e, ML_ENOMEM, "out of memory");
            p->optional = true;
        } else {
            int rc = piece.n != 0 ? add_constraint(p, piece, all, e)
                                  : bad(e, all, "a constraint is empty");
            if (rc != ML_OK)
                return rc;
        }
        s.p += end;
        s.n -= end;
    }
    return ML_OK;
}

static int push_part(struct ml_route *r, struct ml_str s, bool parameter, const char *all,
                     struct ml_error *e)
{
    struct part p = {0};
    if (r->parts.n >= MAX_PARTS)
        return bad(e, all, "it has too many parts");
    if (ml_vec_push(&r->parts, p) != ML_OK)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    struct part *at = &r->parts.at[r->parts.n - 1]; /* freed with the route whatever comes */
    r->segments.at[r->segments.n - 1].n++;
    if (parameter)
        return parse_parameter(at, s, all, e);
    at->text = ml_strndup(s.p, s.n);
    return at->text != NULL ? ML_OK : ml_fail(e, ML_ENOMEM, "out of memory");
}

/* The end of the segment that starts at i: a '/' outside braces. */
static size_t segment_end(const char *t, size_t i)
{
    int depth = 0;
    for (; t[i] != '\0' && (t[i] != '/' || depth > 0); i++)
        depth += t[i] == '{' ? 1 : t[i] == '}' ? -1 : 0;
    return i;
}

static int parse_segment(struct ml_route *r, struct ml_str s, const char *all, struct ml_error *e)
{
    struct segment seg = {.first = r->parts.n};
    if (r->segments.n >= MAX_SEGMENTS)
        return bad(e, all, "it has too many segments");
    if (ml_vec_push(&r->segments, seg) != ML_OK)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    bool after_parameter = false;
    for (size_t i = 0; i < s.n;) {
        size_t end = i;
        bool parameter = s.p[i] == '{';
        if (parameter) {
            int depth = 0;
            do {
                depth += s.p[end] == '{' ? 1 : s.p[end] == '}' ? -1 : 0;
                end++;
            } while (end < s.n && depth > 0);
            if (depth != 0)
                return bad(e, all, "a brace is not closed");
            if (after_parameter)
                return bad(e, all, "two parameters need a literal between them");
        } else {
            while (end < s.n && s.p[end] != '{' && s.p[end] != '}')
                end++;
            if (end < s.n && s.p[end] == '}')
                return bad(e, all, "a brace was never opened");
        }
        struct ml_str piece = parameter ? (struct ml_str){s.p + i + 1, end - i - 2}
                                        : (struct ml_str){s.p + i, end - i};
        int rc = push_part(r, piece, parameter, all, e);
        if (rc != ML_OK)
            return rc;
        after_parameter = parameter;
        i = end;
    }
    return ML_OK;
}

/* A catch-all must be a segment of its own, the last; optional parameters must end the template. */
static int check_order(const struct ml_route *r, const char *all, struct ml_error *e)
{
    for (size_t i = 0; i < r->segments.n; i++) {
        const struct segment *s = &r->segments.at[i];
        for (size_t k = 0; k < s->n; k++) {
            const struct part *p = &r->parts.at[s->first + k];
            if (p->catch_all && (i + 1 != r->segments.n || s->n != 1))
                return bad(e, all, "a catch-all must be its last segment");
            for (size_t j = 0; p->parameter && j < s->first + k; j++)
                if (r->parts.at[j].parameter && strcasecmp(r->parts.at[j].text, p->text) == 0)
                    return bad(e, all, "a parameter appears twice");
        }
    }
    return ML_OK;
}

int ml_route_new(const char *text, struct ml_route **out, struct ml_error *e)
{
    struct ml_route *r = ml_calloc(1, sizeof *r);
    struct ml_buf normal = {0};
    if (r == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    int rc = strlen(text) <= MAX_TEXT ? ML_OK : bad(e, text, "it is too long");
    for (size_t i = 0; rc == ML_OK && text[i] != '\0';) {
        size_t end = segment_end(text, i);
        if (end > i) {
            ml_buf_cstr(&normal, normal.n != 0 ? "/" : "");
            ml_buf_add(&normal, text + i, end - i);
            rc = parse_segment(r, (struct ml_str){text + i, end - i}, text, e);
        }
        i = end + (text[end] == '/');
    }
    if (rc == ML_OK)
        rc = check_order(r, text, e);
    if (rc == ML_OK) {
        ml_buf_cstr(&normal, "");
        r->text = normal.status == ML_OK ? ml_strdup(normal.p) : NULL;
        rc = r->text != NULL ? ML_OK : ml_fail(e, ML_ENOMEM, "out of memory");
    }
    ml_buf_free(&normal);
    if (rc != ML_OK) {
        ml_route_free(r);
        return rc;
    }
    *out = r;
    return ML_OK;
}

bool ml_route_same(const struct ml_route *a, const struct ml_route *b)
{
    if (a->segments.n != b->segments.n || a->parts.n != b->parts.n)
        return false;
    for (size_t i = 0; i < a->parts.n; i++) {
        const struct part *p = &a->parts.at[i], *q = &b->parts.at[i];
        if (p->parameter != q->parameter || p->catch_all != q->catch_all ||
            p->optional != q->optional || p->constraints.n != q->constraints.n ||
            (!p->parameter && strcasecmp(p->text, q->text) != 0))
            return false;
    }
    for (size_t i = 0; i < a->segments.n; i++)
        if (a->segments.at[i].n != b->segments.at[i].n)
            return false;
    return true;
}

/* -- constraints --------------------------------------------------------------------------------- */

static bool is_whole(const char *s, long long *out)
{
    char *end;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return errno == 0 && end != s && *end == '\0' && !isspace((unsigned char)s[0]);
}

static bool is_number(const char *s)
{
    char *end;
    double d = strtod(s, &end);
    return end != s && *end == '\0' && isfinite(d) && strpbrk(s, "xXpP \t") == NULL;
}

static bool is_guid(const char *s)
{
    size_t n = strlen(s), digits = 0;
    if (n >= 2 && ((s[0] == '{' && s[n - 1] == '}') || (s[0] == '(' && s[n - 1] == ')'))) {
        s++;
        n -= 2;
    }
    for (size_t i = 0; i < n; i++) {
        if (isxdigit((unsigned char)s[i]))
            digits++;
        else if (s[i] != '-' || (i != 8 && i != 13 && i != 18 && i != 23))
            return false;
    }
    return digits == 32 && (n == 32 || n == 36);
}

/* "2016-12-31" and "2016-12-31 7:32pm" or with a T: what the framework's own examples show. */
static bool is_datetime(const char *s)
{
    int y, m, d, h = 0, min = 0, sec = 0, used = 0;
    if (sscanf(s, "%4d-%2d-%2d%n", &y, &m, &d, &used) != 3 || m < 1 || m > 12 || d < 1 || d > 31)
        return false;
    s += used;
    if (*s == '\0')
        return true;
    if (*s != 'T' && *s != 't' && *s != ' ')
        return false;
    s++;
    if (sscanf(s, "%2d:%2d%n", &h, &min, &used) != 2 || h > 24 || min > 59)
        return false;
    s += used;
    if (sscanf(s, ":%2d%n", &sec, &used) == 1)
        s += used;
    if (*s == '.')
        s += 1 + strspn(s + 1, "0123456789");
    while (*s == ' ')
        s++;
    return *s == '\0' || strcasecmp(s, "am") == 0 || strcasecmp(s, "pm") == 0 ||
           strcasecmp(s, "z") == 0 || *s == '+' || *s == '-';
}

static bool is_alpha(const char *s)
{
    for (; *s != '\0'; s++)
        if (!isalpha((unsigned char)*s))
            return false;
    return true;
}

static bool fits(const struct constraint *c, const char *v)
{
    long long n = 0;
    long long len = (long long)strlen(v);
    switch (c->kind) {
    case C_INT:
        return is_whole(v, &n) && n >= -2147483648LL && n <= 2147483647LL;
    case C_LONG:
        return is_whole(v, &n);
    case C_BOOL:
        return strcasecmp(v, "true") == 0 || strcasecmp(v, "false") == 0;
    case C_DATETIME:
        return is_datetime(v);
    case C_NUMBER:
        return is_number(v);
    case C_GUID:
        return is_guid(v);
    case C_ALPHA:
        return is_alpha(v);
    case C_REQUIRED:
        return len > 0;
    case C_MINLENGTH:
        return len >= c->a;
    case C_MAXLENGTH:
        return len <= c->a;
    case C_LENGTH:
        return len >= c->a && len <= c->b;
    case C_MIN:
        return is_whole(v, &n) && n >= c->a;
    case C_MAX:
        return is_whole(v, &n) && n <= c->a;
    case C_RANGE:
        return is_whole(v, &n) && n >= c->a && n <= c->b;
    case C_REGEX:
        return regexec(&c->re, v, 0, NULL, 0) == 0;
    }
    return false;
}

/* -- matching ------------------------------------------------------------------------------------ */

struct match {
    struct ml_arena *arena;
    struct ml_route_value *values;
    size_t n;
};

static int give(struct match *m, const struct part *p, struct ml_str raw)
{
    struct ml_str v = ml_url_decode(m->arena, raw, false);
    if (v.p == NULL)
        return ML_ENOMEM;
    if (memchr(v.p, '\0', v.n) != NULL)
        return ML_ENOTFOUND;
    for (size_t i = 0; i < p->constraints.n; i++)
        if (!fits(&p->constraints.at[i], v.p)) /* zero-terminated: the arena's bytes are zero */
            return ML_ENOTFOUND;
    m->values[m->n++] = (struct ml_route_value){ml_str_of(p->text), v};
    return ML_OK;
}

static int give_fallback(struct match *m, const struct part *p)
{
    if (p->fallback == NULL)
        return p->optional || p->catch_all ? ML_OK : ML_ENOTFOUND;
    m->values[m->n++] = (struct ml_route_value){ml_str_of(p->text), ml_str_of(p->fallback)};
    return ML_OK;
}

static bool literal_at_end(struct ml_str s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && strncasecmp(s.p + s.n - n, text, n) == 0;
}

/* Parts from the right: literals are stripped off, a parameter takes what lies between two. */
static int match_segment(const struct ml_route *r, const struct segment *seg, struct ml_str s,
                         struct match *m)
{
    const struct part *parts = &r->parts.at[seg->first];
    if (seg->n == 1 && !parts[0].parameter) {
        struct ml_str v = ml_url_decode(m->arena, s, false);
        if (v.p == NULL)
            return ML_ENOMEM;
        return v.n == strlen(parts[0].text) && strncasecmp(v.p, parts[0].text, v.n) == 0
                   ? ML_OK
                   : ML_ENOTFOUND;
    }
    for (size_t i = seg->n; i-- > 0;) {
        if (!parts[i].parameter) {
            if (!literal_at_end(s, parts[i].text))
                return ML_ENOTFOUND;
            s.n -= strlen(parts[i].text);
            continue;
        }
        size_t from = 0;
        if (i > 0) { /* the literal before: its last occurrence that leaves something for us */
            size_t n = strlen(parts[i - 1].text);
            if (s.n < n + 1)
                return ML_ENOTFOUND;
            from = s.n - 1;
            while (from >= n && strncasecmp(s.p + from - n, parts[i - 1].text, n) != 0)
                from--;
            if (from < n)
                return ML_ENOTFOUND;
        }
        struct ml_str v = {s.p + from, s.n - from};
        if (v.n == 0)
            return ML_ENOTFOUND;
        int rc = give(m, &parts[i], v);
        if (rc != ML_OK)
            return rc;
        s.n = from;
    }
    return s.n == 0 ? ML_OK : ML_ENOTFOUND;
}

static bool next_segment(struct ml_str *path, struct ml_str *out)
{
    while (path->n != 0 && path->p[0] == '/') {
        path->p++;
        path->n--;
    }
    const char *end = path->n != 0 ? memchr(path->p, '/', path->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - path->p) : path->n;
    *out = (struct ml_str){path->p, n};
    path->p += n;
    path->n -= n;
    return n != 0;
}

int ml_route_match(const struct ml_route *r, struct ml_str path, struct ml_arena *a,
                   struct ml_route_value **values, size_t *n)
{
    struct match m = {.arena = a};
    m.values = ml_arena_alloc(a, r->parts.n + 1, sizeof *m.values);
    if (m.values == NULL)
        return ML_ENOMEM;
    for (size_t i = 0; i < r->segments.n; i++) {
        const struct segment *seg = &r->segments.at[i];
        const struct part *first = &r->parts.at[seg->first];
        struct ml_str s;
        int rc;
        if (first->parameter && first->catch_all) {
            while (path.n != 0 && path.p[0] == '/') {
                path.p++;
                path.n--;
            }
            rc = path.n != 0 ? give(&m, first, path) : give_fallback(&m, first);
            path.n = 0;
        } else if (next_segment(&path, &s)) {
            rc = match_segment(r, seg, s, &m);
        } else {
            rc = seg->n == 1 && first->parameter ? give_fallback(&m, first) : ML_ENOTFOUND;
        }
        if (rc != ML_OK)
            return rc;
    }
    struct ml_str rest;
    if (next_segment(&path, &rest))
        return ML_ENOTFOUND;
    *values = m.values;
    *n = m.n;
    return ML_OK;
}
