/* kql/regex.c -- see regex.h. SPDX-License-Identifier: MIT */
#include "kql/regex.h"

#include "base/mem.h"
#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { MATCH_LIMIT = 2000000, HEAP_LIMIT_KIB = 65536 };

struct ml_regex {
    pcre2_code *code;         /* owned */
    pcre2_match_data *match;  /* owned */
    pcre2_match_context *ctx; /* owned */
    unsigned groups;
};

/* One construct that Rust's syntax does not have; NULL: all is well. */
static const char *foreign(struct ml_str s)
{
    bool in_class = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        char next = i + 1 < s.n ? s.p[i + 1] : '\0';
        if (c == '\\') {
            if (!in_class && next >= '1' && next <= '9')
                return "back references";
            if (next != '\0' && strchr("kgGKCXRZNHVQE", next) != NULL)
                return "this escape";
            i++;
        } else if (in_class) {
            if ((c == '&' && next == '&') || (c == '-' && next == '-') || (c == '~' && next == '~'))
                return "set operations in classes";
            if (c == '[' && next != ':')
                return "nested classes";
            if (c == '[') { /* [:alpha:] */
                const char *end = memmem(s.p + i, s.n - i, ":]", 2);
                if (end == NULL)
                    return "this class";
                i = (size_t)(end - s.p) + 1;
            } else if (c == ']') {
                in_class = false;
            }
        } else if (c == '[') {
            in_class = true;
            i += next == '^';
            if (i + 1 < s.n && s.p[i + 1] == ']')
                i++; /* a bracket first is a member */
        } else if (c == '(' && next == '*') {
            return "verbs";
        } else if (c == '(' && next == '?') {
            char kind = i + 2 < s.n ? s.p[i + 2] : '\0';
            char more = i + 3 < s.n ? s.p[i + 3] : '\0';
            if (kind == '=' || kind == '!' || (kind == '<' && (more == '=' || more == '!')))
                return "look-around";
            if (kind == '>' || kind == '|' || kind == '#' || kind == '&' || kind == '(' ||
                kind == 'R' || kind == 'C' || kind == '\'' || (kind >= '0' && kind <= '9') ||
                kind == '+' || (kind == 'P' && more != '<'))
                return "this group";
        } else if ((c == '*' || c == '+' || c == '?' || c == '}') && next == '+') {
            return "possessive quantifiers";
        }
    }
    return NULL;
}

/* (?U) swaps greed in Rust as PCRE2's option does; inline it cannot be said in PCRE2's syntax but at the very start,
 * so a leading (?U) becomes the option, and any other is refused. */
static struct ml_str leading_u(struct ml_str s, unsigned *flags)
{
    if (ml_str_starts(s, ML_STR("(?U)"))) {
        *flags |= ML_RE_UNGREEDY;
        return (struct ml_str){s.p + 4, s.n - 4};
    }
    return s;
}

static int limits(struct ml_regex *r)
{
    r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
    r->ctx = pcre2_match_context_create(NULL);
    if (r->match == NULL || r->ctx == NULL)
        return ML_ENOMEM;
    pcre2_set_match_limit(r->ctx, MATCH_LIMIT);
    pcre2_set_heap_limit(r->ctx, HEAP_LIMIT_KIB);
    uint32_t groups = 0;
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    r->groups = groups;
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it the interpreter does the work */
    return ML_OK;
}

int ml_regex_new(struct ml_str pattern, unsigned flags, struct ml_regex **out, struct ml_error *e)
{
    const char *bad = foreign(pattern);
    if (bad != NULL)
        return ml_fail(e, ML_EUNSUPPORTED, "regular expressions do not have %s", bad);
    pattern = leading_u(pattern, &flags);
    if (memmem(pattern.p, pattern.n, "(?U", 3) != NULL)
        return ml_fail(e, ML_EUNSUPPORTED, "(?U) is supported only at the start");
    struct ml_regex *r = ml_calloc(1, sizeof *r);
    if (r == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_INVALID_UTF |
                       PCRE2_NEVER_BACKSLASH_C;
    options |= flags & ML_RE_UNGREEDY ? PCRE2_UNGREEDY : 0;
    options |= flags & ML_RE_CASELESS ? PCRE2_CASELESS : 0;
    options |= flags & ML_RE_DOTALL ? PCRE2_DOTALL : 0;
    options |= flags & ML_RE_MULTILINE ? PCRE2_MULTILINE : 0;
    int code = 0;
    PCRE2_SIZE at = 0;
    r->code = pcre2_compile((PCRE2_SPTR)(pattern.p != NULL ? pattern.p : ""), pattern.n, options,
                            &code, &at, NULL);
    int rc = r->code != NULL ? limits(r) : ML_EINVALID;
    if (rc != ML_OK) {
        PCRE2_UCHAR text[200] = "out of memory";
        if (r->code == NULL)
            pcre2_get_error_message(code, text, sizeof text);
        ml_fail(e, rc, "bad regular expression: %s at character %zu", (const char *)text,
                (size_t)at + 1);
        ml_regex_free(r);
        return rc;
    }
    *out = r;
    return ML_OK;
}

void ml_regex_free(struct ml_regex *r)
{
    if (r == NULL)
        return;
    pcre2_match_context_free(r->ctx);
    pcre2_match_data_free(r->match);
    pcre2_code_free(r->code);
    ml_free(r);
}

unsigned ml_regex_groups(const struct ml_regex *r)
{
    return r->groups;
}

unsigned ml_regex_group(const struct ml_regex *r, struct ml_str name)
{
    char text[64];
    if (name.n == 0 || name.n >= sizeof text)
        return 0;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    int k = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)text);
    return k > 0 ? (unsigned)k : 0;
}

int ml_regex_find(struct ml_regex *r, struct ml_str text, size_t from)
{
    int rc = pcre2_match(r->code, (PCRE2_SPTR)(text.p != NULL ? text.p : ""), text.n, from, 0,
                         r->match, r->ctx);
    if (rc > 0)
        return 1;
    return rc == PCRE2_ERROR_NOMATCH ? 0 : ML_ELIMIT;
}

bool ml_regex_span(const struct ml_regex *r, unsigned group, size_t *from, size_t *to)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(r->match);
    if (group > r->groups || at[2 * group] == PCRE2_UNSET)
        return false;
    *from = at[2 * group];
    *to = at[2 * group + 1];
    return true;
}
