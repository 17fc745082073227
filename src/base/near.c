/* base/near.c -- see near.h. Three rows of the usual distance matrix, on the stack.
 * SPDX-License-Identifier: MIT */
#include "base/near.h"

#include <stdint.h>

enum { LONGEST = 64 };

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ml_near_distance(struct ml_str a, struct ml_str b)
{
    size_t rows[3][LONGEST + 1];
    if (a.n > LONGEST || b.n > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned char x = lower(a.p[i - 1]);
            unsigned char y = lower(b.p[j - 1]);
            now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && y == lower(a.p[i - 2]))
                now[j] = least(now[j], rows[(i + 1) % 3][j - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

static int is_near(struct ml_str wanted, struct ml_str candidate, size_t distance)
{
    size_t longer = wanted.n > candidate.n ? wanted.n : candidate.n;
    if (wanted.n >= 3 && ml_str_starts(candidate, wanted))
        return 1;
    return distance <= (longer < 3 ? 1 : longer / 3) && distance < longer;
}

void ml_near_try(struct ml_near *n, struct ml_str candidate)
{
    size_t d = ml_near_distance(n->wanted, candidate);
    if (d == SIZE_MAX || !is_near(n->wanted, candidate, d))
        return;
    if (n->best.p == NULL || d < n->distance) {
        n->best = candidate;
        n->distance = d;
    }
}
