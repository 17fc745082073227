/* kql/json.c -- strict JSON to values; see text.h.
 *
 * One pass, no copies but for strings with escapes: the other strings and keys point into an arena copy of
 * the text. Where one member is wanted, the rest is checked as strictly, but not built. SPDX-License-Identifier: MIT */
#include "kql/text.h"

#include "base/utf8.h"
#include "base/vec.h"

#include <stdlib.h>

enum { DEPTH_MAX = 128 };

struct json {
    struct ml_arena *arena;
    const char *p;
    const char *end;
    int depth;
    bool skim; /* values are checked only */
};

static bool value(struct json *j, struct ml_val *out);

static void blanks(struct json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
        j->p++;
}

static bool take(struct json *j, char c)
{
    blanks(j);
    if (j->p == j->end || *j->p != c)
        return false;
    j->p++;
    return true;
}

static bool hex4(struct json *j, uint32_t *out)
{
    uint32_t v = 0;
    if (j->end - j->p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *j->p++;
        uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                            : 16;
        if (d == 16)
            return false;
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

/* After "\u". A lone surrogate becomes U+FFFD. */
static bool unicode_escape(struct json *j, uint32_t *point)
{
    uint32_t low;
    if (!hex4(j, point))
        return false;
    if (*point >= 0xD800 && *point < 0xDC00 && j->end - j->p >= 6 && j->p[0] == '\\' &&
        j->p[1] == 'u') {
        const char *back = j->p;
        j->p += 2;
        if (!hex4(j, &low))
            return false;
        if (low >= 0xDC00 && low < 0xE000) {
            *point = 0x10000 + ((*point - 0xD800) << 10) + (low - 0xDC00);
            return true;
        }
        j->p = back;
    }
    if (*point >= 0xD800 && *point < 0xE000)
        *point = 0xFFFD;
    return true;
}

static bool escaped(struct json *j, const char *start, struct ml_str *out)
{
    const char *close = j->p; /* at the first backslash */
    while (close < j->end && *close != '"')
        close += *close == '\\' && close + 1 < j->end ? 2 : 1;
    if (close >= j->end)
        return false;
    char *text = ml_arena_raw(j->arena, (size_t)(close - start) + 4, 1);
    if (text == NULL)
        return false;
    size_t n = 0;
    j->p = start;
    while (j->p < close) {
        char c = *j->p++;
        if (c != '\\') {
            if ((unsigned char)c < 0x20)
                return false;
            text[n++] = c;
            continue;
        }
        uint32_t point;
        switch (*j->p++) {
        case '"':
            text[n++] = '"';
            break;
        case '\\':
            text[n++] = '\\';
            break;
        case '/':
            text[n++] = '/';
            break;
        case 'b':
            text[n++] = '\b';
            break;
        case 'f':
            text[n++] = '\f';
            break;
        case 'n':
            text[n++] = '\n';
            break;
        case 'r':
            text[n++] = '\r';
            break;
        case 't':
            text[n++] = '\t';
            break;
        case 'u':
            if (!unicode_escape(j, &point))
                return false;
            n += ml_utf8_put(point, text + n);
            break;
        default:
            return false;
        }
    }
    j->p = close + 1;
    *out = (struct ml_str){text, n};
    return true;
}

typedef unsigned char block __attribute__((vector_size(16)));
typedef long long pair __attribute__((vector_size(16)));

/* Sixteen bytes at a time over what ends no string; where fewer are left, it stops before them. */
static const char *plain_run(const char *p, const char *end)
{
    for (; end - p >= 16; p += 16) {
        block b;
        memcpy(&b, p, sizeof b);
        pair stop = (pair)((block)(b == '"') | (block)(b == '\\') | (block)(b < 0x20));
        if (stop[0] != 0)
            return p + __builtin_ctzll((uint64_t)stop[0]) / 8;
        if (stop[1] != 0)
            return p + 8 + __builtin_ctzll((uint64_t)stop[1]) / 8;
    }
    return p;
}

/* After the opening quote. */
static bool string(struct json *j, struct ml_str *out)
{
    const char *start = j->p;
    for (j->p = plain_run(start, j->end); j->p < j->end; j->p++) {
        if (*j->p == '"') {
            *out = (struct ml_str){start, (size_t)(j->p - start)};
            j->p++;
            return true;
        }
        if (*j->p == '\\')
            return escaped(j, start, out);
        if ((unsigned char)*j->p < 0x20)
            return false;
    }
    return false;
}

static bool number(struct json *j, struct ml_val *out)
{
    const char *start = j->p;
    bool whole = true;
    if (j->p < j->end && *j->p == '-')
        j->p++;
    const char *digits = j->p;
    while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
        j->p++;
    if (j->p == digits || (*digits == '0' && j->p - digits > 1))
        return false;
    if (j->p < j->end && *j->p == '.') {
        whole = false;
        const char *point = ++j->p;
        while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
            j->p++;
        if (j->p == point)
            return false;
    }
    if (j->p < j->end && (*j->p == 'e' || *j->p == 'E')) {
        whole = false;
        j->p++;
        if (j->p < j->end && (*j->p == '+' || *j->p == '-'))
            j->p++;
        const char *exponent = j->p;
        while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
            j->p++;
        if (j->p == exponent)
            return false;
    }
    struct ml_str s = {start, (size_t)(j->p - start)};
    int64_t i;
    if (whole && ml_long_parse(s, &i)) {
        *out = ml_val_long(i);
        return true;
    }
    double d;
    if (!ml_real_parse(s, &d))
        return false;
    *out = ml_val_real(d);
    return true;
}

static bool array(struct json *j, struct ml_val *out)
{
    ML_VEC(struct ml_val) items = {0};
    bool ok = take(j, ']');
    while (!ok) {
        struct ml_val v;
        if (!value(j, &v) || (!j->skim && ml_vec_push(&items, v) != ML_OK))
            break;
        if (take(j, ']'))
            ok = true;
        else if (!take(j, ','))
            break;
    }
    struct ml_val *kept = ok ? ml_arena_raw(j->arena, items.n, sizeof *kept) : NULL;
    if (kept != NULL && items.n > 0)
        memcpy(kept, items.at, items.n * sizeof *kept);
    *out = ml_val_array(kept, items.n);
    ml_vec_free(&items);
    return kept != NULL;
}

static bool bag(struct json *j, struct ml_val *out)
{
    ML_VEC(struct ml_pair) pairs = {0};
    bool ok = take(j, '}');
    while (!ok) {
        struct ml_pair p;
        if (!take(j, '"') || !string(j, &p.key) || !take(j, ':') || !value(j, &p.val))
            break;
        size_t k = 0; /* a repeated key: the last one counts */
        while (!j->skim && k < pairs.n && (pairs.n > 256 || !ml_str_eq(pairs.at[k].key, p.key)))
            k++;
        if (k < pairs.n)
            pairs.at[k].val = p.val;
        else if (!j->skim && ml_vec_push(&pairs, p) != ML_OK)
            break;
        if (take(j, '}'))
            ok = true;
        else if (!take(j, ','))
            break;
    }
    struct ml_pair *kept = ok ? ml_arena_raw(j->arena, pairs.n, sizeof *kept) : NULL;
    if (kept != NULL && pairs.n > 0)
        memcpy(kept, pairs.at, pairs.n * sizeof *kept);
    *out = ml_val_bag(kept, pairs.n);
    ml_vec_free(&pairs);
    return kept != NULL;
}

static bool word(struct json *j, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, w, n) != 0)
        return false;
    j->p += n;
    return true;
}

static bool value(struct json *j, struct ml_val *out)
{
    blanks(j);
    if (j->p == j->end || j->depth >= DEPTH_MAX)
        return false;
    bool ok;
    j->depth++;
    switch (*j->p) {
    case '{':
        j->p++;
        ok = bag(j, out);
        break;
    case '[':
        j->p++;
        ok = array(j, out);
        break;
    case '"':
        j->p++;
        *out = ml_val_str((struct ml_str){NULL, 0});
        ok = string(j, &out->s);
        break;
    case 't':
        *out = ml_val_bool(true);
        ok = word(j, "true");
        break;
    case 'f':
        *out = ml_val_bool(false);
        ok = word(j, "false");
        break;
    case 'n':
        *out = ml_val_null(ML_T_NONE);
        ok = word(j, "null");
        break;
    default:
        ok = number(j, out);
    }
    j->depth--;
    return ok;
}

bool ml_json_parse(struct ml_arena *a, struct ml_str text, struct ml_val *out)
{
    struct ml_str copy = ml_arena_copy(a, text);
    struct json j = {.arena = a, .p = copy.p, .end = copy.p + copy.n};
    struct ml_val v;
    if (copy.p == NULL || !value(&j, &v))
        return false;
    blanks(&j);
    if (j.p != j.end)
        return false;
    *out = v;
    return true;
}

/* The pairs of a bag, after its brace; *many: more than bag() looks through for repeated keys. */
static bool find_member(struct json *j, struct ml_str key, struct ml_val *out, bool *many)
{
    bool ok = take(j, '}');
    for (size_t n = 1; !ok; n++) {
        struct ml_str name;
        struct ml_val v;
        if (!take(j, '"') || !string(j, &name) || !take(j, ':'))
            return false;
        j->skim = !ml_str_eq(name, key);
        if (!value(j, &v))
            return false;
        if (!j->skim)
            *out = v;
        *many |= n > 256;
        ok = take(j, '}');
        if (!ok && !take(j, ','))
            return false;
    }
    blanks(j);
    return j->p == j->end;
}

struct ml_val ml_json_member(struct ml_arena *a, struct ml_str text, struct ml_str key)
{
    struct json j = {.arena = a, .p = text.p, .end = text.p + text.n, .depth = 1};
    struct ml_val v = ml_val_null(ML_T_NONE);
    bool many = false;
    if (text.n == 0 || !take(&j, '{') || !find_member(&j, key, &v, &many))
        return ml_val_null(ML_T_NONE); /* no bag, or no JSON: such a text is a string */
    if (!many)
        return v;
    v = ml_json_or_string(a, text);
    const struct ml_val *m = ml_val_member(&v, key);
    return m != NULL ? *m : ml_val_null(ML_T_NONE);
}

struct ml_val ml_json_or_string(struct ml_arena *a, struct ml_str text)
{
    struct ml_val v;
    if (text.n == 0)
        return ml_val_null(ML_T_NONE);
    if (ml_json_parse(a, text, &v))
        return v;
    return ml_val_str(ml_arena_copy(a, text));
}

struct ml_val ml_val_force(struct ml_arena *a, const struct ml_val *v)
{
    return v->type == ML_T_TEXT && !v->null ? ml_json_or_string(a, v->s) : *v;
}
