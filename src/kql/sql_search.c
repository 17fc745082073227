/* kql/sql_search.c -- has, contains, startswith and their kin as SQL; see sql.h and fold.h, whose rules these are.
 *
 * A needle of ASCII folds ASCII letters only, as ClickHouse's lower() and positionCaseInsensitive() do. Others become a
 * regular expression with, for each letter, the class of all letters that fold to it. The neighbours of a term are tested
 * against the class of all letters and digits, written out once: RE2's own \pL and \pN are of another year.
 * SPDX-License-Identifier: MIT */
#include "kql/sql.h"

#include "base/utf8.h"
#include "kql/fold.h"

enum { LAST_POINT = 0x10FFFF };

static void add_point(struct ml_buf *b, uint32_t c)
{
    if (c < 0x80 && !ml_is_alnum_point(c))
        ml_buf_printf(b, "\\x{%X}", c); /* nothing special is left unescaped */
    else {
        char text[4];
        ml_buf_add(b, text, ml_utf8_put(c, text));
    }
}

/* All letters and digits, as the inside of a class. */
static void letters_class(struct ml_buf *b)
{
    for (uint32_t c = 0; c <= LAST_POINT; c++) {
        uint32_t first = c;
        while (c <= LAST_POINT && ml_is_alnum_point(c))
            c++;
        if (c == first)
            continue;
        add_point(b, first);
        if (c - 1 > first) {
            ml_buf_char(b, '-');
            add_point(b, c - 1);
        }
    }
}

/* Modern servers see it as a name of WITH; the old ones do not look into outer queries. */
static struct ml_str letters(struct ml_sql *s)
{
    struct ml_buf b = {0};
    struct ml_buf text = {0};
    s->letters = true;
    if (s->target->version >= ML_SQL_MODERN)
        return ML_STR("`letters#`");
    letters_class(&text);
    ml__sql_string(&b, ml_buf_view(&text));
    ml_buf_free(&text);
    return ml__sql_keep(s, &b);
}

struct ml_str ml__sql_letters(struct ml_sql *s)
{
    struct ml_buf b = {0};
    struct ml_buf text = {0};
    letters_class(&text);
    ml_buf_cstr(&b, "WITH ");
    ml__sql_string(&b, ml_buf_view(&text));
    ml_buf_cstr(&b, " AS `letters#`\n");
    ml_buf_free(&text);
    return ml__sql_keep(s, &b);
}

static bool is_ascii(struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* The needle as a regular expression. */
static void needle_regex(struct ml_buf *b, struct ml_str needle, bool fold)
{
    bool ascii = is_ascii(needle);
    while (needle.n > 0) {
        uint32_t c;
        size_t k = ml_utf8_next(needle, &c);
        k = k != 0 ? k : 1;
        needle = (struct ml_str){needle.p + k, needle.n - k};
        uint32_t folded = ml_fold_point(c);
        ml_buf_cstr(b, fold ? "[" : "");
        if (fold)
            for (uint32_t x = 0; x <= (ascii ? 0x7F : LAST_POINT); x++)
                if (ml_fold_point(x) == folded && x != c)
                    add_point(b, x);
        add_point(b, c);
        ml_buf_cstr(b, fold ? "]" : "");
    }
}

static bool starts_alnum(struct ml_str s)
{
    uint32_t c = 0;
    return ml_utf8_next(s, &c) > 0 && ml_is_alnum_point(c);
}

static bool ends_alnum(struct ml_str s)
{
    uint32_t c = 0;
    size_t i = s.n;
    while (i > 0 && (s.p[--i] & 0xC0) == 0x80)
        ;
    return ml_utf8_next((struct ml_str){s.p + i, s.n - i}, &c) > 0 && ml_is_alnum_point(c);
}

enum kind { HAS, PREFIX, SUFFIX, CONTAINS, STARTS, ENDS, EQUALS };

static enum kind kind_of(const char *name)
{
    return name[0] == '='                       ? EQUALS
           : name[0] == 'c'                     ? CONTAINS
           : name[0] == 's'                     ? STARTS
           : name[0] == 'e'                     ? ENDS
           : strncmp(name, "hasprefix", 9) == 0 ? PREFIX
           : strncmp(name, "hassuffix", 9) == 0 ? SUFFIX
                                                : HAS;
}

/* match(x, border needle border): borders only where the needle has a letter or digit itself. */
static struct ml_str by_regex(struct ml_sql *s, enum kind k, struct ml_str x, struct ml_str needle,
                              bool fold)
{
    bool left = (k == HAS || k == PREFIX) && starts_alnum(needle);
    bool right = (k == HAS || k == SUFFIX) && ends_alnum(needle);
    struct ml_buf re = {0};
    struct ml_buf b = {0};
    ml_buf_cstr(&re, left ? "])" : k == STARTS || k == EQUALS ? "^" : "");
    needle_regex(&re, needle, fold);
    if (k == ENDS || k == EQUALS)
        ml_buf_char(&re, '$');
    ml_buf_cstr(&re, right ? "(?:$|[^" : "");
    ml_buf_printf(&b, "match(%.*s, ", ML_SQL(x));
    struct ml_str class = left || right ? letters(s) : ML_STR("");
    if (left || right)
        ml_buf_cstr(&b, "concat(");
    if (left)
        ml_buf_printf(&b, "'(?:^|[^', %.*s, ", ML_SQL(class));
    ml__sql_string(&b, ml_buf_view(&re));
    if (right)
        ml_buf_printf(&b, ", %.*s, '])'", ML_SQL(class));
    ml_buf_cstr(&b, left || right ? "))" : ")");
    ml_buf_free(&re);
    return ml__sql_keep(s, &b);
}

static struct ml_str lower(struct ml_sql *s, struct ml_str text)
{
    struct ml_str t = ml_arena_copy(s->rt->arena, text);
    for (size_t k = 0; t.p != NULL && k < t.n; k++)
        ((char *)t.p)[k] = (char)(t.p[k] >= 'A' && t.p[k] <= 'Z' ? t.p[k] | 0x20 : t.p[k]);
    return t;
}

static struct ml_str literal(struct ml_sql *s, struct ml_str text)
{
    struct ml_buf b = {0};
    ml__sql_string(&b, text);
    return ml__sql_keep(s, &b);
}

static struct ml_str search(struct ml_sql *s, enum kind k, struct ml_str x, struct ml_str needle,
                            bool fold)
{
    if (needle.n == 0)
        return k == EQUALS ? ml__sql_printf(s, "(%.*s = '')", ML_SQL(x)) : ML_STR("toUInt8(1)");
    if (fold && !is_ascii(needle))
        return by_regex(s, k, x, needle, true);
    struct ml_str n = literal(s, fold ? lower(s, needle) : needle);
    const char *place = fold ? "positionCaseInsensitive" : "position";
    switch (k) {
    case CONTAINS:
        return ml__sql_printf(s, "(%s(%.*s, %.*s) > 0)", place, ML_SQL(x), ML_SQL(n));
    case STARTS:
        return fold ? ml__sql_printf(s, "(lower(substring(%.*s, 1, %zu)) = %.*s)", ML_SQL(x),
                                     needle.n, ML_SQL(n))
                    : ml__sql_printf(s, "startsWith(%.*s, %.*s)", ML_SQL(x), ML_SQL(n));
    case ENDS:
        return ml__sql_printf(s, fold ? "endsWith(lower(%.*s), %.*s)" : "endsWith(%.*s, %.*s)",
                              ML_SQL(x), ML_SQL(n));
    case EQUALS:
        return ml__sql_printf(s, "(lower(%.*s) = %.*s)", ML_SQL(x), ML_SQL(n));
    default:
        break;
    }
    struct ml_str term = by_regex(s, k, x, needle, fold);
    return ml__sql_printf(s, "(%s(%.*s, %.*s) > 0 AND %.*s)", place, ML_SQL(x), ML_SQL(n),
                          ML_SQL(term));
}

static bool folds(const char *name)
{
    size_t n = strlen(name);
    return n < 3 || strcmp(name + n - 3, "_cs") != 0;
}

struct ml_sql_col ml__sql_search(struct ml_sql *s, const struct ml_expr *e,
                                 const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    enum kind k = kind_of(e->fn->name);
    bool fold = folds(e->fn->name);
    struct ml_sql_col c = {.type = ML_T_BOOL};
    if (e->arg[1]->kind == ML_E_CONST) {
        c.sql = search(s, k, x.sql, e->arg[1]->val.s, fold);
        return c;
    }
    struct ml_sql_col y = ml__sql_expr(s, e->arg[1], in);
    const char *same = k == CONTAINS && !fold ? "(position(%.*s, %.*s) > 0 OR empty(%.*s))"
                       : k == STARTS && !fold ? "(startsWith(%.*s, %.*s) OR empty(%.*s))"
                       : k == ENDS && !fold   ? "(endsWith(%.*s, %.*s) OR empty(%.*s))"
                                              : NULL;
    if (same == NULL)
        ml__sql_refuse(s, e->arg[1]->node, "'%s' with text that is not constant", e->fn->name);
    else if (!ml__sql_too_old(s, e->node, "text that is not constant"))
        c.sql = ml__sql_printf(s, same, ML_SQL(x.sql), ML_SQL(y.sql), ML_SQL(y.sql));
    return c;
}

/* has_any, has_all: constant texts, also in arrays. */
struct ml_sql_col ml__sql_has_list(struct ml_sql *s, const struct ml_expr *e,
                                   const struct ml_sql_rel *in)
{
    bool every = strcmp(e->fn->name, "has_all") == 0;
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_buf b = {0};
    ml_buf_printf(&b, "(%d", every);
    for (uint32_t i = 1; i < e->n && !ml__sql_failed(s); i++) {
        const struct ml_val *given = ml__sql_constant(s, e, i);
        struct ml_val v = ml_val_force(s->rt->arena, given);
        const struct ml_val *items = v.type == ML_T_ARRAY ? v.items : &v;
        for (uint32_t k = 0; k < (v.type == ML_T_ARRAY ? v.n : 1); k++) {
            if (items[k].type != ML_T_STRING)
                continue;
            struct ml_str one = search(s, HAS, x.sql, items[k].s, true);
            ml_buf_printf(&b, " %s %.*s", every ? "AND" : "OR", ML_SQL(one));
        }
    }
    ml_buf_char(&b, ')');
    return ml__sql_made(ML_T_BOOL, false, ml__sql_keep(s, &b));
}
