/* host/id.c -- see id.h. Random bytes come from the kernel, a few hundred at a time.
 * SPDX-License-Identifier: MIT */
#include "host/id.h"

#include <string.h>
#include <sys/random.h>

static unsigned char next_byte(void)
{
    static unsigned char pool[256];
    static size_t left;
    if (left == 0) {
        size_t got = 0;
        while (got < sizeof pool) {
            ssize_t n = getrandom(pool + got, sizeof pool - got, 0);
            got += n > 0 ? (size_t)n : 0;
        }
        left = sizeof pool;
    }
    return pool[--left];
}

void ml_hex_new(char *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++)
        out[i] = digits[next_byte() & 15];
    out[0] = digits[1 + next_byte() % 15];
    out[n] = '\0';
}

void ml_uuid_new(char *out)
{
    char hex[33];
    ml_hex_new(hex, 32);
    hex[12] = '4';
    hex[16] = "89ab"[next_byte() & 3];
    size_t at = 0;
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[at++] = '-';
        out[at++] = hex[i];
    }
    out[at] = '\0';
}
