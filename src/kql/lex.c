/* kql/lex.c -- see lex.h. SPDX-License-Identifier: MIT */
#include "kql/lex.h"

#include "base/utf8.h"
#include "kql/text.h"
#include "kql/ticks.h"

#include <math.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static char at(const struct ml_lexer *l, size_t i)
{
    return i < l->query.n ? l->query.p[i] : '\0';
}

static size_t skip_blanks(const struct ml_lexer *l, size_t i)
{
    for (; i < l->query.n; i++) {
        char c = l->query.p[i];
        if (c == '/' && at(l, i + 1) == '/') {
            while (i < l->query.n && l->query.p[i] != '\n')
                i++;
            if (i >= l->query.n)
                break;
        } else if (c == '\xC2' && at(l, i + 1) == '\xA0') {
            i += 1; /* a no-break blank: pasted from a page */
        } else if (c == '\xEF' && at(l, i + 1) == '\xBB' && at(l, i + 2) == '\xBF') {
            i += 2; /* a byte order mark */
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v') {
            break;
        }
    }
    return i < l->query.n ? i : l->query.n;
}

static struct ml_token make(struct ml_lexer *l, enum ml_token_kind kind, size_t from, size_t to)
{
    return (struct ml_token){.kind = kind,
                             .pos = (uint32_t)from,
                             .len = (uint32_t)(to - from),
                             .text = {l->query.p + from, to - from}};
}

static struct ml_token bad(struct ml_lexer *l, size_t from, size_t to, const char *what)
{
    ml_diag_set(l->diag, "KS004", (uint32_t)from, (uint32_t)(to - from), "%s", what);
    struct ml_token t = make(l, ML_TOK_END, from, to);
    return t;
}

static struct ml_token literal(struct ml_lexer *l, size_t from, size_t to, struct ml_val v)
{
    struct ml_token t = make(l, ML_TOK_LITERAL, from, to);
    t.val = v;
    return t;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n hex digits at i; -1: they are not. */
static int64_t hex(const struct ml_lexer *l, size_t i, int n)
{
    int64_t v = 0;
    for (int k = 0; k < n; k++) {
        int d = hex_digit(at(l, i + (size_t)k));
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* The escape after a backslash at i (which is the letter): its bytes into out, its length in the source as the
 * answer; 0: there is no such escape. */
static size_t escape(const struct ml_lexer *l, size_t i, char *out, size_t *n)
{
    static const char from[] = "\\\"'/abfnrtv0";
    static const char to[] = "\\\"'/\a\b\f\n\r\t\v";
    char c = at(l, i);
    const char *k = c != '\0' ? strchr(from, c) : NULL;
    if (k != NULL) {
        out[(*n)++] = k - from < 11 ? to[k - from] : '\0';
        return 1;
    }
    int digits = c == 'u' ? 4 : c == 'U' ? 8 : c == 'x' ? 2 : 0;
    int64_t point = digits > 0 ? hex(l, i + 1, digits) : -1;
    if (point < 0 || point > 0x10FFFF)
        return 0;
    size_t used = 1 + (size_t)digits;
    if (point >= 0xD800 && point < 0xDC00 && at(l, i + used) == '\\' &&
        at(l, i + used + 1) == 'u') {
        int64_t low = hex(l, i + used + 2, 4);
        if (low >= 0xDC00 && low < 0xE000) {
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
            used += 6;
        }
    }
    if (point >= 0xD800 && point < 0xE000)
        point = 0xFFFD;
    *n += ml_utf8_put((uint32_t)point, out + *n);
    return used;
}

static struct ml_token out_of_memory(struct ml_lexer *l, size_t from)
{
    ml_diag_set(l->diag, "ML201", (uint32_t)from, 1, "out of memory");
    return make(l, ML_TOK_END, from, from);
}

/* At a quote. */
static struct ml_token plain_string(struct ml_lexer *l, size_t from, size_t i)
{
    char quote = l->query.p[i++];
    size_t end = i;
    while (end < l->query.n && at(l, end) != quote) {
        if (at(l, end) == '\n' || at(l, end) == '\r')
            return bad(l, from, end, "a string ends at the end of its line");
        end += at(l, end) == '\\' ? 2 : 1;
    }
    if (end >= l->query.n)
        return bad(l, from, l->query.n, "a string is not closed");
    char *text = ml_arena_raw(l->arena, end - i + 8, 1);
    if (text == NULL)
        return out_of_memory(l, from);
    size_t n = 0;
    while (i < end) {
        if (at(l, i) != '\\') {
            text[n++] = at(l, i++);
            continue;
        }
        size_t used = escape(l, i + 1, text, &n);
        if (used == 0)
            return bad(l, i, i + 2, "unknown escape in a string");
        i += 1 + used;
    }
    return literal(l, from, end + 1, ml_val_str((struct ml_str){text, n}));
}

/* After '@', at a quote: a doubled quote is a quote. */
static struct ml_token verbatim_string(struct ml_lexer *l, size_t from, size_t i)
{
    char quote = l->query.p[i++];
    char *text = ml_arena_raw(l->arena, l->query.n - i + 1, 1);
    size_t n = 0;
    if (text == NULL)
        return out_of_memory(l, from);
    for (; i < l->query.n; i++) {
        if (at(l, i) == quote && at(l, i + 1) != quote)
            return literal(l, from, i + 1, ml_val_str((struct ml_str){text, n}));
        i += at(l, i) == quote;
        text[n++] = at(l, i);
    }
    return bad(l, from, l->query.n, "a string is not closed");
}

static struct ml_token fenced_string(struct ml_lexer *l, size_t from, size_t i)
{
    const char *fence = l->query.p + i;
    struct ml_str rest = {fence + 3, l->query.n - i - 3};
    const char *end = memmem(rest.p, rest.n, fence, 3);
    if (end == NULL)
        return bad(l, from, from + 3, "a string is not closed");
    return literal(l, from, (size_t)(end - l->query.p) + 3,
                   ml_val_str((struct ml_str){rest.p, (size_t)(end - rest.p)}));
}

/* A string at i after its prefixes; false: there is none. */
static bool string(struct ml_lexer *l, size_t from, size_t i, struct ml_token *out)
{
    char c = at(l, i);
    if (c == '"' || c == '\'')
        *out = plain_string(l, from, i);
    else if (c == '@' && (at(l, i + 1) == '"' || at(l, i + 1) == '\''))
        *out = verbatim_string(l, from, i + 1);
    else if ((c == '`' || c == '~') && at(l, i + 1) == c && at(l, i + 2) == c)
        *out = fenced_string(l, from, i);
    else
        return false;
    return true;
}

static struct ml_token real(struct ml_lexer *l, size_t from, size_t to)
{
    double d;
    if (!ml_real_parse((struct ml_str){l->query.p + from, to - from}, &d))
        return bad(l, from, to, "not a number");
    return literal(l, from, to, ml_val_real(d));
}

/* At a digit: long, real, timespan, or a name that starts with digits. */
static struct ml_token number(struct ml_lexer *l, size_t from)
{
    size_t i = from;
    int64_t v;
    if (at(l, i) == '0' && (at(l, i + 1) | 0x20) == 'x' && hex_digit(at(l, i + 2)) >= 0) {
        for (i += 2; hex_digit(at(l, i)) >= 0; i++)
            ;
        if (!ml_long_parse((struct ml_str){l->query.p + from, i - from}, &v))
            return bad(l, from, i, "the number does not fit a long");
        return literal(l, from, i, ml_val_long(v));
    }
    while (is_digit(at(l, i)))
        i++;
    bool point = at(l, i) == '.' && at(l, i + 1) != '.' &&
                 !((at(l, i + 1) | 0x20) >= 'a' && (at(l, i + 1) | 0x20) <= 'z');
    if (point)
        for (i++; is_digit(at(l, i)); i++)
            ;
    size_t e = i + 1;
    if ((at(l, i) | 0x20) == 'e') {
        e += at(l, e) == '+' || at(l, e) == '-';
        if (is_digit(at(l, e))) {
            for (i = e; is_digit(at(l, i)); i++)
                ;
            return real(l, from, i);
        }
    }
    size_t unit = i;
    while (is_name(at(l, i)))
        i++;
    if (i > unit) {
        double ticks = ml_timespan_unit((struct ml_str){l->query.p + unit, i - unit});
        double d;
        if (ticks != 0 && ml_real_parse((struct ml_str){l->query.p + from, unit - from}, &d) &&
            fabs(d * ticks) < 9.2e18)
            return literal(l, from, i, ml_val_i64(ML_T_TIMESPAN, (int64_t)round(d * ticks)));
        if (point || ticks != 0)
            return bad(l, from, i, "not a number");
        return make(l, ML_TOK_NAME, from, i);
    }
    if (point)
        return real(l, from, i);
    struct ml_str digits = {l->query.p + from, i - from};
    if (ml_long_parse(digits, &v))
        return literal(l, from, i, ml_val_long(v));
    if (ml_str_eq(digits,
                  ML_STR("9223372036854775808"))) { /* a minus may stand before it: n marks it */
        struct ml_val least = ml_val_long(INT64_MIN);
        least.n = 1;
        return literal(l, from, i, least);
    }
    return bad(l, from, i, "the number does not fit a long");
}

static struct ml_token name(struct ml_lexer *l, size_t from, size_t i)
{
    while (is_name(at(l, i)))
        i++;
    struct ml_str s = {l->query.p + from, i - from};
    if (at(l, i) == '~' && at(l, i + 1) != '~' &&
        (ml_str_eq(s, ML_STR("in")) || ml_str_eq(s, ML_STR("!in"))))
        i++;
    return make(l, ML_TOK_NAME, from, i);
}

struct ml_token ml_lex(struct ml_lexer *l, uint32_t pos)
{
    static const char *const pairs[] = {"==", "!=", "<>", "<=", ">=", "=~", "!~", "=>", ".."};
    size_t i = skip_blanks(l, pos);
    struct ml_token t;
    if (i >= l->query.n)
        return make(l, ML_TOK_END, i, i);
    char c = l->query.p[i];
    if (string(l, i, i, &t))
        return t;
    if ((c == 'h' || c == 'H') && string(l, i, i + 1, &t))
        return t;
    if (is_digit(c))
        return number(l, i);
    if (is_name(c) || (c == '$' && is_name(at(l, i + 1))) ||
        (c == '!' && is_name(at(l, i + 1)) && !is_digit(at(l, i + 1))))
        return name(l, i, i + 1);
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
        if (c == pairs[k][0] && at(l, i + 1) == pairs[k][1])
            return make(l, ML_TOK_SIGN, i, i + 2);
    if (c != '\0' && strchr("()[]{}|,;:.=<>+-*/%", c) != NULL)
        return make(l, ML_TOK_SIGN, i, i + 1);
    size_t n = 1;
    while (i + n < l->query.n && (l->query.p[i + n] & 0xC0) == 0x80)
        n++;
    t = bad(l, i, i + n, "unexpected character");
    if (c == '&')
        ml_diag_hint(l->diag, "did you mean 'and'?");
    else if (c == '#')
        ml_diag_hint(l->diag, "a comment starts with //");
    return t;
}
