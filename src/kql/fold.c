/* kql/fold.c -- see fold.h. SPDX-License-Identifier: MIT */
#include "kql/fold.h"

#include "base/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t unicode; /* set once; 0 where the system has no C.UTF-8: then only ASCII folds */

static void open_locale(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t letters(void)
{
    pthread_once(&once, open_locale);
    return unicode;
}

uint32_t ml_lower_point(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return letters() != (locale_t)0 ? (uint32_t)towlower_l((wint_t)c, unicode) : c;
}

uint32_t ml_upper_point(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? c & ~0x20u : c;
    return letters() != (locale_t)0 ? (uint32_t)towupper_l((wint_t)c, unicode) : c;
}

/* Through upper case: final and medial sigma are one letter then. */
uint32_t ml_fold_point(uint32_t c)
{
    return c < 0x80 ? ml_lower_point(c) : ml_lower_point(ml_upper_point(c));
}

bool ml_is_alnum_point(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    return letters() != (locale_t)0 && iswalnum_l((wint_t)c, unicode) != 0;
}

/* The code point at the start, a bad byte as itself; its length. */
static size_t next_point(struct ml_str s, uint32_t *c)
{
    size_t k = ml_utf8_next(s, c);
    if (k != 0)
        return k;
    *c = 0x110000 + (unsigned char)s.p[0];
    return 1;
}

size_t ml_points(struct ml_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xC0) != 0x80;
    return n;
}

size_t ml_point_offset(struct ml_str s, size_t n)
{
    size_t i = 0;
    for (; i < s.n; i++)
        if ((s.p[i] & 0xC0) != 0x80 && n-- == 0)
            return i;
    return i;
}

static bool fold_text(struct ml_arena *a, struct ml_str text, struct ml_str *out)
{
    char *p = ml_arena_raw(a, text.n + 1, 4);
    size_t n = 0;
    if (p == NULL)
        return false;
    while (text.n > 0) {
        uint32_t c;
        size_t k = next_point(text, &c);
        if (c < 0x110000)
            n += ml_utf8_put(ml_fold_point(c), p + n);
        else
            p[n++] = text.p[0];
        text = (struct ml_str){text.p + k, text.n - k};
    }
    *out = (struct ml_str){p, n};
    return true;
}

static uint32_t last_point(struct ml_str s)
{
    size_t i = s.n;
    uint32_t c = 0;
    while (i > 0 && (s.p[--i] & 0xC0) == 0x80)
        ;
    if (s.n > 0)
        next_point((struct ml_str){s.p + i, s.n - i}, &c);
    return c;
}

static uint32_t first_point(struct ml_str s)
{
    uint32_t c = 0;
    if (s.n > 0)
        next_point(s, &c);
    return c;
}

bool ml_needle_init(struct ml_needle *n, struct ml_arena *a, struct ml_str text,
                    enum ml_search kind, bool fold)
{
    *n = (struct ml_needle){.text = text, .fold = fold, .ascii = true};
    for (size_t i = 0; i < text.n; i++)
        n->ascii &= (unsigned char)text.p[i] < 0x80;
    if (fold && !fold_text(a, text, &n->text))
        return false;
    bool left = text.n > 0 && ml_is_alnum_point(first_point(text));
    bool right = text.n > 0 && ml_is_alnum_point(last_point(text));
    n->at_start = kind == ML_S_STARTS || kind == ML_S_EQUALS;
    n->at_end = kind == ML_S_ENDS || kind == ML_S_EQUALS;
    n->word_left = left && (kind == ML_S_HAS || kind == ML_S_HASPREFIX);
    n->word_right = right && (kind == ML_S_HAS || kind == ML_S_HASSUFFIX);
    return true;
}

static bool borders(const struct ml_needle *n, struct ml_str text, size_t from, size_t to)
{
    if (n->at_start && from != 0)
        return false;
    if (n->at_end && to != text.n)
        return false;
    if (n->word_left && from > 0 && ml_is_alnum_point(last_point((struct ml_str){text.p, from})))
        return false;
    return !n->word_right || to == text.n ||
           !ml_is_alnum_point(first_point((struct ml_str){text.p + to, text.n - to}));
}

/* Bytes of text from `at` that fold to the needle; SIZE_MAX: they do not. */
static size_t folded_match(const struct ml_needle *n, struct ml_str text, size_t at)
{
    size_t i = at;
    size_t k = 0;
    while (k < n->text.n) {
        uint32_t c;
        uint32_t want;
        if (i >= text.n)
            return SIZE_MAX;
        size_t used = next_point((struct ml_str){text.p + i, text.n - i}, &c);
        size_t wants = next_point((struct ml_str){n->text.p + k, n->text.n - k}, &want);
        if ((c < 0x110000 ? ml_fold_point(c) : c) != want)
            return SIZE_MAX;
        i += used;
        k += wants;
    }
    return i - at;
}

static bool exact_in(const struct ml_needle *n, struct ml_str text)
{
    size_t at = 0;
    if (n->at_start)
        return ml_str_starts(text, n->text) && borders(n, text, 0, n->text.n);
    if (n->at_end)
        return ml_str_ends(text, n->text);
    while (text.n - at >= n->text.n) {
        const char *hit = memmem(text.p + at, text.n - at, n->text.p, n->text.n);
        if (hit == NULL)
            return false;
        size_t from = (size_t)(hit - text.p);
        if (borders(n, text, from, from + n->text.n))
            return true;
        at = from + 1;
    }
    return false;
}

static inline unsigned char low(char c)
{
    return (unsigned char)((unsigned char)(c - 'A') < 26 ? c | 0x20 : c);
}

static bool ascii_at(const struct ml_needle *n, const char *p)
{
    for (size_t k = 0; k < n->text.n; k++)
        if (low(p[k]) != (unsigned char)n->text.p[k])
            return false;
    return true;
}

typedef unsigned char block __attribute__((vector_size(16)));
typedef long long pair __attribute__((vector_size(16)));

static inline block load(const char *p)
{
    block b;
    memcpy(&b, p, sizeof b);
    return b;
}

static inline block all(unsigned char c)
{
    return (block){c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c};
}

/* First place from `at` on where the needle may start, text.n when there is none: sixteen places at a time are
 * tested for the needle's first and last byte, in both cases. Setting bit 0x20 folds letters, and lets
 * some other bytes pass, which the caller's exact test rejects. */
static size_t ascii_candidate(const struct ml_needle *n, struct ml_str text, size_t at)
{
    size_t m = n->text.n;
    block first = all((unsigned char)(n->text.p[0] | 0x20));
    block last = all((unsigned char)(n->text.p[m - 1] | 0x20));
    block bit = all(0x20);
    for (; at + m - 1 + 16 <= text.n; at += 16) {
        block hit = (block)((load(text.p + at) | bit) == first) &
                    (block)((load(text.p + at + m - 1) | bit) == last);
        pair two = (pair)hit;
        if ((two[0] | two[1]) == 0)
            continue;
        for (size_t k = 0; k < 16; k++)
            if (hit[k])
                return at + k;
    }
    for (; at + m <= text.n; at++)
        if (low(text.p[at]) == (unsigned char)n->text.p[0])
            return at;
    return text.n;
}

bool ml_needle_jumps(const struct ml_needle *n)
{
    return n->text.n > 0 && (n->ascii || !n->fold);
}

size_t ml_needle_next(const struct ml_needle *n, struct ml_str text, size_t at)
{
    if (n->fold)
        return ascii_candidate(n, text, at);
    const char *hit = at < text.n ? memmem(text.p + at, text.n - at, n->text.p, n->text.n) : NULL;
    return hit != NULL ? (size_t)(hit - text.p) : text.n;
}

static bool ascii_in(const struct ml_needle *n, struct ml_str text)
{
    size_t m = n->text.n;
    if (m > text.n)
        return false;
    if (n->at_start || n->at_end) {
        size_t from = n->at_start ? 0 : text.n - m;
        return ascii_at(n, text.p + from) && borders(n, text, from, from + m);
    }
    for (size_t at = ascii_candidate(n, text, 0); at < text.n;
         at = ascii_candidate(n, text, at + 1))
        if (at + m <= text.n && ascii_at(n, text.p + at) && borders(n, text, at, at + m))
            return true;
    return false;
}

static bool folded_in(const struct ml_needle *n, struct ml_str text)
{
    for (size_t at = 0; at < text.n; at++) {
        if ((text.p[at] & 0xC0) == 0x80)
            continue;
        size_t used = folded_match(n, text, at);
        if (used != SIZE_MAX && borders(n, text, at, at + used))
            return true;
        if (n->at_start)
            return false;
    }
    return false;
}

bool ml_needle_in(const struct ml_needle *n, struct ml_str text)
{
    if (n->text.n == 0)
        return !(n->at_start && n->at_end) || text.n == 0;
    if (!n->fold)
        return exact_in(n, text);
    return n->ascii ? ascii_in(n, text) : folded_in(n, text);
}
