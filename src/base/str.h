/* base/str.h -- a slice: bytes that somebody else owns, with their length.
 *
 * Slices never own and need no terminating zero. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_STR_H
#define ML_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct ml_str {
    const char *p; /* borrowed; may be NULL when n is 0 */
    size_t n;      /* bytes */
};

#define ML_STR(literal) ((struct ml_str){(literal), sizeof(literal) - 1})

static inline struct ml_str ml_str_of(const char *s)
{
    return (struct ml_str){s, s != NULL ? strlen(s) : 0};
}

static inline bool ml_str_eq(struct ml_str a, struct ml_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool ml_str_starts(struct ml_str s, struct ml_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool ml_str_ends(struct ml_str s, struct ml_str tail)
{
    return s.n >= tail.n && (tail.n == 0 || memcmp(s.p + s.n - tail.n, tail.p, tail.n) == 0);
}

/* Byte order, shorter first among equals; negative, 0 or positive. */
static inline int ml_str_cmp(struct ml_str a, struct ml_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n != 0 ? memcmp(a.p, b.p, n) : 0;
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

#endif
