/* kql/sql_regex.c -- regular expressions that PCRE2 with Unicode classes and RE2 read alike; see sql.h.
 *
 * The pattern is copied piece by piece; what is not known to mean the same is refused. \d, \w, \s, \b and (?i) are about Unicode
 * here and about ASCII in RE2: they mean the same over ASCII text, to which the caller then restricts
 * itself. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

#include "kql/regex.h"

struct reader {
    struct ml_str s;
    size_t i;
    struct ml_buf *out;
    bool ascii;
    const char *bad; /* what is refused */
};

static const char *class_of(char c)
{
    switch (c) {
    case 'd':
        return "0-9";
    case 'w':
        return "0-9A-Za-z_";
    case 's':
        return "\\t-\\r ";
    default:
        return NULL;
    }
}

/* After a backslash. */
static void escape(struct reader *r, bool in_class)
{
    char c = r->i < r->s.n ? r->s.p[r->i++] : '\0';
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const char *set = class_of((char)(letter ? c | 0x20 : c));
    if (letter && set != NULL) {
        bool negated = (c & 0x20) == 0;
        if (negated && in_class)
            r->bad = "a negated class in a class";
        ml_buf_printf(r->out, in_class ? "%s%s" : "[%s%s]", negated ? "^" : "", set);
        r->ascii = true;
    } else if (c == 'n' || c == 't' || c == 'r') {
        ml_buf_printf(r->out, "\\%c", c);
    } else if (c == 'b' && !in_class) {
        ml_buf_cstr(r->out, "\\b");
        r->ascii = true;
    } else if (letter || (c >= '0' && c <= '9') || (unsigned char)c <= ' ' ||
               (unsigned char)c >= 0x7F) {
        r->bad = "this escape";
    } else {
        ml_buf_printf(r->out, "\\%c", c);
    }
}

static void read_class(struct reader *r)
{
    ml_buf_char(r->out, '[');
    if (r->i < r->s.n && r->s.p[r->i] == '^')
        ml_buf_char(r->out, r->s.p[r->i++]);
    if (r->i < r->s.n && r->s.p[r->i] == ']')
        r->bad = "a bracket first in a class";
    while (r->i < r->s.n && r->s.p[r->i] != ']' && r->bad == NULL) {
        char c = r->s.p[r->i++];
        if (c == '[')
            r->bad = "a bracket in a class";
        else if (c == '\\')
            escape(r, true);
        else
            ml_buf_char(r->out, c);
    }
    if (r->i >= r->s.n)
        r->bad = "a class without an end";
    else
        r->i++;
    ml_buf_char(r->out, ']');
}

static void group(struct reader *r)
{
    struct ml_str rest = {r->s.p + r->i, r->s.n - r->i};
    if (ml_str_starts(rest, ML_STR("?:"))) {
        ml_buf_cstr(r->out, "(?:");
        r->i += 2;
    } else if (ml_str_starts(rest, ML_STR("?P<"))) {
        const char *end = memchr(rest.p, '>', rest.n);
        if (end == NULL) {
            r->bad = "this group";
            return;
        }
        ml_buf_char(r->out, '(');
        ml_buf_add(r->out, rest.p, (size_t)(end - rest.p) + 1);
        r->i += (size_t)(end - rest.p) + 1;
    } else if (ml_str_starts(rest, ML_STR("?i)")) && r->i == 1) {
        ml_buf_cstr(r->out, "(?i)");
        r->ascii = true;
        r->i += 3;
    } else if (ml_str_starts(rest, ML_STR("?"))) {
        r->bad = "this group";
    } else {
        ml_buf_char(r->out, '(');
    }
}

bool ml__sql_regex(struct ml_sql *s, const struct ml_node *at, struct ml_str pattern,
                   unsigned flags, struct ml_buf *out, bool *ascii)
{
    struct ml_buf text = {0};
    struct reader r = {.s = pattern, .out = &text};
    ml_buf_printf(&text, "(?%s%ss)", flags & ML_RE_CASELESS ? "i" : "",
                  flags & ML_RE_DOTALL ? "" : "-");
    if ((flags & (ML_RE_UNGREEDY | ML_RE_MULTILINE)) != 0)
        r.bad = "these flags";
    r.ascii = (flags & ML_RE_CASELESS) != 0;
    while (r.i < pattern.n && r.bad == NULL) {
        char c = pattern.p[r.i++];
        if (c == '\\')
            escape(&r, false);
        else if (c == '[')
            read_class(&r);
        else if (c == '(')
            group(&r);
        else
            ml_buf_char(&text, c);
    }
    for (size_t i = 0; i < pattern.n && r.ascii && r.bad == NULL; i++)
        if ((unsigned char)pattern.p[i] >= 0x80)
            r.bad = "letters beyond ASCII beside classes of letters";
    if (r.bad != NULL)
        ml__sql_refuse(s, at, "a regular expression with %s", r.bad);
    ml__sql_string(out, ml_buf_view(&text));
    ml_buf_free(&text);
    *ascii = r.ascii;
    return r.bad == NULL;
}

struct ml_str ml__sql_ascii(struct ml_sql *s, const struct ml_node *at, struct ml_str text,
                            const char *what)
{
    struct ml_buf b = {0};
    ml__sql_string(&b, ml__sql_printf(s, "memline: %s over text that is not ASCII", what));
    struct ml_str message = ml__sql_keep(s, &b);
    return ml__sql_printf(s, "if(throwIf(match(%.*s, '[^\\\\x00-\\\\x7F]'), %.*s) = 0, %.*s, '')",
                          ML_SQL(text), ML_SQL(message), ML_SQL(text));
}

struct ml_sql_col ml__sql_matches(struct ml_sql *s, const struct ml_expr *e,
                                  const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    const struct ml_val *pattern = ml__sql_constant(s, e, 1);
    struct ml_buf b = {0};
    bool ascii = false;
    if (ml__sql_failed(s))
        return x;
    ml__sql_regex(s, e->arg[1]->node, pattern->s, 0, &b, &ascii);
    struct ml_str re = ml__sql_keep(s, &b);
    if (ascii && !ml__sql_too_old(s, e->node, "this regular expression"))
        x.sql = ml__sql_ascii(s, e->node, x.sql, "'matches regex'");
    return ml__sql_made(ML_T_BOOL, false,
                        ml__sql_printf(s, "match(%.*s, %.*s)", ML_SQL(x.sql), ML_SQL(re)));
}

/* extract(regex, group, text) */
struct ml_sql_col ml__sql_extract(struct ml_sql *s, const struct ml_expr *e,
                                  const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[2], in);
    const struct ml_val *pattern = ml__sql_constant(s, e, 0);
    const struct ml_val *number = ml__sql_constant(s, e, 1);
    struct ml_regex *compiled = NULL;
    struct ml_error err;
    struct ml_buf b = {0};
    bool ascii = false;
    if (ml__sql_failed(s))
        return x;
    if (ml_regex_new(pattern->s, 0, &compiled, &err) != ML_OK) {
        ml__rt_regex(s->rt, e->arg[0]->node, &err);
        return x;
    }
    unsigned groups = ml_regex_groups(compiled);
    ml_regex_free(compiled);
    if (number->i < 0 || number->i > groups || number->i > 9)
        ml__sql_refuse(s, e->arg[1]->node, "'extract' of a group that the pattern does not have");
    ml__sql_regex(s, e->arg[0]->node, pattern->s, 0, &b, &ascii);
    struct ml_str re = ml__sql_keep(s, &b);
    if (ml__sql_too_old(s, e->node, "'extract'"))
        return x;
    if (ascii)
        x.sql = ml__sql_ascii(s, e->node, x.sql, "'extract'");
    struct ml_str r = number->i == 0 || groups == 0
                          ? ml__sql_printf(s, "extract(%.*s, concat('(', %.*s, ')'))",
                                           ML_SQL(x.sql), ML_SQL(re))
                          : ml__sql_printf(s, "arrayElement(extractGroups(%.*s, %.*s), %lld)",
                                           ML_SQL(x.sql), ML_SQL(re), (long long)number->i);
    return ml__sql_made(ML_T_STRING, false, r);
}
